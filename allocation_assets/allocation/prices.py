"""Capacity prices: a proven bound where SKUs compete for receiving and dispatch capacity.

Each capacity gets a price >= 0; at these prices every supply row is solved exactly, and the sum of the rows' optima
plus price x capacity is an upper bound on every feasible plan (Lagrangian relaxation, algorithms.md section 1). Each
round moves the prices of one kind of capacity to where its own load just fits, all else fixed: the load at any price is
read off a histogram of critical prices around the present one, whose window narrows as the price settles.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np

from allocation_assets.allocation.market import Limits, Market
from allocation_assets.allocation.prepare import UNLIMITED, run_all

KINDS = ("receiving", "dispatch", "lines")
# Ranges of rows that passes are cut into: more than threads, so that none waits for the last one.
_RANGES = 8
_PAIRS_OF_ONE_RANGE = 20_000
# Share of the average threshold that the next pass looks around each of them at least.
_LEAST_REACH = 0.02


@dataclass
class Prices:
    """Money per unit of receiving and dispatch capacity and per line, >= 0."""

    receiving: np.ndarray
    dispatch: np.ndarray
    lines: np.ndarray

    def copy(self) -> Prices:
        """Return an independent copy."""
        return Prices(self.receiving.copy(), self.dispatch.copy(), self.lines.copy())

    def rent(self, market: Market) -> float:
        """Price x what is left of each capacity: the constant of the Lagrangian bound."""
        total = 0.0
        for kind in KINDS:
            price = getattr(self, kind)
            total += float(np.sum(np.where(price > 0, price * getattr(market.limits, kind), 0.0)))
        return total


@dataclass
class Relaxed:
    """Every row solved exactly at prices: cases per active pair, thresholds and optimum per row, price per pool unit.

    `x` of flat rows is 0 where the pass did not ask for it.
    """

    x: np.ndarray
    high: np.ndarray
    low: np.ndarray
    inner: np.ndarray
    pool_price: np.ndarray
    bound: float
    histograms: dict[int, np.ndarray]


@dataclass
class Window:
    """Where the histogram of one kind of capacity looks: half its width per capacity (money)."""

    half: np.ndarray
    edge: np.ndarray = field(default_factory=lambda: np.zeros(0))
    scale: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def around(self, price: np.ndarray, is_limited: np.ndarray) -> None:
        """Centre on the present prices, never below 0; capacities without a limit are not counted."""
        from allocation_assets.allocation._price_kernels import BINS

        self.edge = np.maximum(price - self.half, 0.0)
        self.scale = np.where(is_limited, BINS / (price + self.half - self.edge), 0.0)


def zero_prices(limits: Limits) -> Prices:
    """Prices of zero on every capacity."""
    return Prices(*(np.zeros(len(getattr(limits, kind))) for kind in KINDS))


def ranges_of(market: Market, threads: int) -> list[tuple[int, int]]:
    """Ranges of rows with about equal numbers of active pairs."""
    rows, pairs = len(market.row_ptr) - 1, int(market.row_ptr[-1])
    count = 1 if pairs < _PAIRS_OF_ONE_RANGE or threads <= 1 else _RANGES
    cuts = np.searchsorted(market.row_ptr, np.linspace(0, pairs, count + 1)[1:-1])
    return [(int(a), int(b)) for a, b in pairwise(np.unique(np.concatenate([[0], cuts, [rows]])))]


@dataclass(frozen=True)
class Guess:
    """Where thresholds are looked for first: those of an earlier pass, and how far (money per unit) they may have moved."""

    low: np.ndarray
    reach: float


def relax(
    market: Market, prices: Prices, threads: int, windows: dict[int, Window] | None = None, guess: Guess | None = None,
    *, chooses: bool = True,
) -> Relaxed:  # fmt: skip
    """Solve every row at the prices; count critical prices of the kinds (1 receiving, 2 dispatch, 3 lines) in `windows`.

    A pass of a search need not know which cases are chosen (`chooses`); a good `guess` makes it faster, and a bad one
    changes nothing but that.
    """
    from allocation_assets.allocation._price_kernels import BINS, price_rows

    m, limits = market, market.limits
    rows = len(m.row_ptr) - 1
    x = np.zeros(len(m.pair), np.int32)
    high, low, inner = np.zeros(rows), np.zeros(rows), np.zeros(rows)
    guess = guess or Guess(np.zeros(rows), np.inf)
    pool_left, pool_price = np.zeros(len(limits.pool), np.int64), np.zeros(len(limits.pool))
    nothing = np.zeros(0), np.zeros(0)
    views = [(w.edge, w.scale) if (w := (windows or {}).get(kind)) else nothing for kind in (1, 2, 3)]
    views[0] = tuple(np.append(view, 0.0) if len(view) else view for view in views[0])
    docks = np.append(prices.receiving, 0.0)
    calls, counts = [], []
    for lo, hi in ranges_of(m, threads):
        counts.append([np.zeros((len(edge), BINS + 1), np.int64) for edge, _ in views])
        counted = [part for view, some in zip(views, counts[-1], strict=True) for part in (*view, some)]
        calls.append((price_rows, (
            m.row_ptr, m.ptr, m.worth, m.pack, m.receiving, m.dispatch, m.pool, m.fee, m.least, m.is_plain, m.is_flat,
            m.dock, limits.row, limits.pool, docks, prices.dispatch, prices.lines, guess.low, guess.reach, chooses, lo,
            hi, x, high, low, inner, pool_left, pool_price, *counted,
        )))  # fmt: skip
    run_all(threads, calls)
    bound = float(np.sum(inner)) + prices.rent(m)
    sizes = {1: len(limits.receiving), 2: len(limits.dispatch), 3: len(limits.lines)}
    histograms = {kind: sum(some[kind - 1] for some in counts)[: sizes[kind], 1:] for kind in (windows or {})}
    return Relaxed(x, high, low, inner, pool_price, bound, histograms)


class PriceSearch:
    """Moves capacity prices until the bound stands still; keeps the best bound and its prices."""

    def __init__(self, market: Market, threads: int, damping: float, prices: Prices, spread: dict | None = None):
        self.market, self.threads, self.damping, self.prices = market, threads, damping, prices
        self.kinds = [k for k in range(1, 4) if self._limited(k).any()]
        first = market.worth[market.ptr[:-1]] if market.cases else np.zeros(0)
        top = float(np.max(first / market.pack, initial=0.0))
        line = float(np.max(first * np.diff(market.ptr), initial=0.0))
        widest = {1: top, 2: top, 3: line}
        self.windows = {
            k: Window(np.full(len(self._limited(k)), widest[k] / 2 + 1e-9) if spread is None else spread[k].copy())
            for k in self.kinds
        }
        self.best_bound, self.best_prices = np.inf, prices.copy()
        self.guess: Guess | None = None

    def run(self, rounds: int, tolerance: float, on_round=None, *, jointly: bool = False) -> None:
        """Up to `rounds` passes; ends when a turn of all kinds has not bettered the bound by `tolerance` (relative).

        One kind of capacity moves per pass, or `jointly` all of them, which saves passes where the prices are nearly
        right. `on_round(relaxed, prices)` is called after every pass; the search ends where it returns true.
        """
        turns = [self.kinds] if jointly else [[kind] for kind in self.kinds]
        bounds = []
        for number in range(rounds):
            kinds = turns[number % len(turns)]
            for kind in kinds:
                self.windows[kind].around(getattr(self.prices, KINDS[kind - 1]), self._limited(kind))
            windows = {kind: self.windows[kind] for kind in kinds}
            relaxed = relax(self.market, self.prices, self.threads, windows, self.guess, chooses=False)
            if relaxed.bound < self.best_bound:
                self.best_bound, self.best_prices = relaxed.bound, self.prices.copy()
            bounds.append(self.best_bound)
            if on_round is not None and on_round(relaxed, self.prices):
                return
            turn = 2 * len(turns)
            if number >= turn and bounds[-1 - turn] - bounds[-1] <= tolerance * abs(bounds[-1]):
                return
            moved = sum(self._move(kind, relaxed.histograms[kind]) for kind in kinds)
            # Rows' thresholds follow the prices; most of them by about as much as a price moves on average.
            self.guess = Guess(relaxed.low, 4 * moved + _LEAST_REACH * float(np.mean(relaxed.low)))

    def relaxed(self) -> Relaxed:
        """Every row solved at the best prices found."""
        return relax(self.market, self.best_prices, self.threads, guess=self.guess)

    def spread(self) -> dict[int, np.ndarray]:
        """Present half-widths of the windows: how far each price may still be off."""
        return {k: window.half for k, window in self.windows.items()}

    def _limited(self, kind: int) -> np.ndarray:
        return getattr(self.market.limits, KINDS[kind - 1]) < UNLIMITED // 2

    def _move(self, kind: int, histogram: np.ndarray) -> float:
        """Move the prices of one kind to where the counted load fits, and say by how much on average.

        The window follows the size of the step.
        """
        name, window = KINDS[kind - 1], self.windows[kind]
        old, limited = getattr(self.prices, name), self._limited(kind)
        room = np.where(limited, np.maximum(getattr(self.market.limits, name), 0), 0)
        width = np.where(limited, 1.0 / np.where(limited, window.scale, 1.0), 0.0)
        above = np.cumsum(histogram[:, ::-1], axis=1)[:, ::-1]
        bins = histogram.shape[1]
        fits = above <= room[:, None]
        # First bin from which on everything fits; the price lies in the bin below it.
        first = np.where(fits.any(axis=1), np.argmax(fits, axis=1), bins)
        inside = (first > 0) & (first < bins)
        crossed = np.maximum(first - 1, 0)
        at = np.arange(len(room))
        over = above[at, crossed] - room
        share = np.clip(over / np.maximum(histogram[at, crossed], 1), 0.0, 1.0)
        target = np.where(first == 0, window.edge, window.edge + width * (crossed + share))
        target = np.where(first == bins, window.edge + width * bins, target)
        target = np.where(limited, target, 0.0)
        step = np.abs(target - old)
        half = np.where(inside, np.maximum(2.0 * step, 2.0 * width) + 1e-12, 2.0 * window.half)
        # A price that rests at zero keeps a window: it may be needed again.
        window.half = np.where((first == 0) & (window.edge <= 0.0), np.maximum(window.half / 2, 1e-9), half)
        setattr(self.prices, name, old + self.damping * (target - old))
        return self.damping * float(np.mean(step))
