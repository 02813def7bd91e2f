"""From prices to a feasible plan: cases that clearly pay are taken, the rest is handed out in order of what it nets.

At given prices most cases lie far above or far below their threshold; whether a plan keeps every limit is decided by
the few in between. Those are sorted by score (net worth per unit beyond every price) and handed out with hard checks
on every limit, so a plan is feasible by construction. Afterwards whatever still fits and pays is added: each refusal
then has a limit behind it.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from allocation_assets.allocation.market import Limits, Market
from allocation_assets.allocation.prepare import run_all
from allocation_assets.allocation.prices import Prices, Relaxed, ranges_of

# Up to this many cases all of them are sorted; above, the band around the threshold alone.
_SORT_ALL = 60_000
_BAND_SHARE = 0.06


class Repair:
    """Builds feasible plans at prices and keeps the one of the highest worth."""

    def __init__(self, market: Market, threads: int):
        self.market, self.threads = market, threads
        self.best_worth, self.best_x = 0.0, np.zeros(len(market.pair), np.int32)

    @cached_property
    def row(self) -> np.ndarray:
        """Row of each active pair."""
        return self.market.row_of()

    @cached_property
    def counts(self) -> np.ndarray:
        """Free cases of each active pair."""
        return np.diff(self.market.ptr).astype(np.int32)

    @cached_property
    def jump(self) -> np.ndarray:
        """Cases that a pair's first delivery is handed out with (1, or more where a line costs or has a least size)."""
        from allocation_assets.allocation._kernels import jump_cases

        m = self.market
        out = np.ones(len(m.pair), np.int32)
        if (m.fee > 0).any() or (m.least > 1).any():
            jump_cases(m.ptr, m.worth, m.fee, m.least, out)
        return out

    def worth(self, x: np.ndarray) -> float:
        """Worth of a plan's free cases, the cost of its lines taken off."""
        from allocation_assets.allocation._kernels import worth_of_plan

        out = np.empty(len(x))
        worth_of_plan(self.market.ptr, self.market.worth, self.market.fee, x, out)
        return float(np.sum(out))

    def left_after(self, x: np.ndarray) -> Limits:
        """What a plan leaves of every limit."""
        from allocation_assets.allocation._kernels import take_loads

        m, left = self.market, self.market.limits.copy()
        shape = (m.pack, self.row, m.pool, m.receiving, m.dispatch, m.fee)
        take_loads(x, *shape, left.row, left.pool, left.receiving, left.dispatch, left.lines)
        return left

    def attempt(self, prices: Prices, relaxed: Relaxed) -> None:
        """Build a plan at these prices; keep it if it is the best so far."""
        x, pairs, cases, scores = self._near(prices, relaxed)
        left = self.left_after(x)
        self._hand_out(pairs, cases, scores, x, left)
        self.complete(x, left)
        self.keep(x)

    def keep(self, x: np.ndarray) -> None:
        """Keep a feasible plan if it is the best so far."""
        worth = self.worth(x)
        if worth > self.best_worth:
            self.best_worth, self.best_x = worth, x

    def complete(self, x: np.ndarray, left: Limits) -> None:
        """Add, by worth per unit, every case that still fits and pays."""
        from allocation_assets.allocation._kernels import still_fitting

        m = self.market
        fits = np.zeros(len(x), np.bool_)
        limits = (left.row, left.pool, left.receiving, left.dispatch, left.lines)
        shape = (self.row, m.pack, m.receiving, m.dispatch, m.pool, m.fee, self.jump)
        if not still_fitting(m.ptr, m.worth, *shape, x, *limits, fits):
            return
        pairs = np.flatnonzero(fits)
        number = self.counts[pairs] - x[pairs]
        owner = np.repeat(pairs, number)
        start = np.repeat(np.cumsum(number) - number, number)
        cases = x[owner] + np.arange(len(owner)) - start
        worth = m.worth[m.ptr[owner] + cases]
        pays = worth > 0
        self._hand_out(owner[pays], cases[pays], (worth / m.pack[owner])[pays], x, left)

    def _near(self, prices: Prices, relaxed: Relaxed):
        """(cases taken outright, pairs, cases and scores of those near the threshold)."""
        band = np.inf if self.market.cases <= _SORT_ALL else self._band(prices, relaxed)
        while True:
            taken, *near = self.split(prices, relaxed, band)
            if band == np.inf or self.left_after(taken).is_kept():
                return taken, *near
            band = band * 4 if band < 1e6 else np.inf

    def _band(self, prices: Prices, relaxed: Relaxed) -> float:
        """Half-width that holds about `_BAND_SHARE` of the cases, from every so many ranges of rows."""
        rows = len(self.market.row_ptr) - 1
        step = max(rows // 64, 1)
        some = [(r, min(r + 1, rows)) for r in range(0, rows, step)]
        scores = np.abs(np.concatenate([self._scores(prices, relaxed, np.inf, lo, hi)[3] for lo, hi in some]))
        return float(np.quantile(scores, _BAND_SHARE)) if len(scores) else np.inf

    def split(self, prices: Prices, relaxed: Relaxed, band: float):
        """(cases taken outright, pairs, cases and scores of those within `band` of their threshold)."""
        calls = [(self._scores, (prices, relaxed, band, lo, hi)) for lo, hi in ranges_of(self.market, self.threads)]
        parts = run_all(self.threads, calls)
        taken = np.concatenate([part[0] for part in parts])
        return taken, *(np.concatenate([part[i] for part in parts]) for i in (1, 2, 3))

    def _scores(self, prices: Prices, relaxed: Relaxed, band: float, lo: int, hi: int):
        from allocation_assets.allocation._price_kernels import near_threshold

        m = self.market
        j0, j1 = int(m.row_ptr[lo]), int(m.row_ptr[hi])
        taken = np.zeros(j1, np.int32)
        call = (
            m.row_ptr, m.ptr, m.worth, m.pack, m.receiving, m.dispatch, m.pool, m.fee, m.least, prices.receiving,
            prices.dispatch, prices.lines, relaxed.low, relaxed.pool_price, band, lo, hi, taken,
        )  # fmt: skip
        room = int(m.ptr[j1] - m.ptr[j0])
        pairs, cases, scores = np.empty(room, np.int32), np.empty(room, np.int32), np.empty(room)
        found = near_threshold(*call, pairs, cases, scores)
        return taken[j0:], pairs[:found].copy(), cases[:found].copy(), scores[:found].copy()

    def _hand_out(self, pairs, cases, scores, x, left: Limits) -> None:
        from allocation_assets.allocation._kernels import hand_out

        m = self.market
        order = np.argsort(-scores, kind="stable")
        hand_out(
            pairs[order], cases[order], self.row, m.pack, m.receiving, m.dispatch, m.pool, m.fee, self.jump,
            self.counts, x, left.row, left.pool, left.receiving, left.dispatch, left.lines,
        )  # fmt: skip
