"""The choice that is left once forced minimums are served: free cases of active pairs, and what limits them.

A market holds only pairs that can still be given a case, packed into arrays, so that every pricing pass touches few
bytes: about 40 per active pair and 8 per case. Shards of a large problem are packed one by one and joined; the
market of all of them fits in memory where the problem does not. Rows are independent given the prices.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from allocation_assets.allocation.prepare import UNLIMITED, Instance
from allocation_assets.allocation.problem import AllocationProblem

_PER_PAIR = ("pair", "pack", "receiving", "dispatch", "pool", "fee", "least")


@dataclass
class Limits:
    """What is left of every shared limit; the repair kernels update the arrays in place. No limit = a huge number."""

    row: np.ndarray
    pool: np.ndarray
    receiving: np.ndarray
    dispatch: np.ndarray
    lines: np.ndarray

    def copy(self) -> Limits:
        """Return an independent copy."""
        return Limits(*(value.copy() for value in vars(self).values()))

    def is_kept(self) -> bool:
        """Whether nothing has been handed out beyond any limit."""
        return all((left >= 0).all() for left in vars(self).values())


@dataclass
class Market:
    """Active pairs (k, sorted by row and key) with their free cases, and what is left of every limit.

    `pair` index of the pair in its instance (in the sorted order of the whole problem), `row_ptr` (m + 1), `ptr`
    (k + 1) into `worth` (money per free case, non-increasing per pair), `pack` units per case, `receiving`,
    `dispatch`, `pool` (int32, -1 = none), `fee` money per line (-1 = the line is there already), `least` cases of the
    smallest line, `is_plain` per row: one pack and no pool, so that the best cases of the row are its largest.
    """

    pair: np.ndarray
    row_ptr: np.ndarray
    ptr: np.ndarray
    worth: np.ndarray
    pack: np.ndarray
    receiving: np.ndarray
    dispatch: np.ndarray
    pool: np.ndarray
    fee: np.ndarray
    least: np.ndarray
    is_plain: np.ndarray
    limits: Limits

    @property
    def cases(self) -> int:
        """Free cases of all pairs."""
        return len(self.worth)

    @cached_property
    def is_flat(self) -> np.ndarray:
        """Per row (m,) bool: its cases can be priced as one array, see `_price_kernels`."""
        from allocation_assets.allocation._price_kernels import flat_rows

        out = np.empty(len(self.row_ptr) - 1, np.bool_)
        flat_rows(self.row_ptr, self.dispatch, self.fee, self.least, self.is_plain, self.limits.lines, UNLIMITED // 2, out)
        return out

    @cached_property
    def dock(self) -> np.ndarray:
        """Receiving capacity of each case (int32); cases without one have the number after the last."""
        own = np.where(self.receiving >= 0, self.receiving, np.int32(len(self.limits.receiving)))
        return np.repeat(own, np.diff(self.ptr))

    def row_of(self) -> np.ndarray:
        """Row of each active pair (k,) int32."""
        return np.repeat(np.arange(len(self.row_ptr) - 1, dtype=np.int32), np.diff(self.row_ptr))

    def without(self, closed: np.ndarray) -> Market:
        """The market without the pairs in `closed` (sorted)."""
        at = np.minimum(np.searchsorted(closed, self.pair), len(closed) - 1)
        return self._part(closed[at] != self.pair)

    def _part(self, take: np.ndarray, *, cut: bool = True) -> Market:
        """The pairs marked in `take`; rows and limits stay. Without `cut` the cases are left to the caller."""
        counts = np.diff(self.ptr)
        kept = np.concatenate([[0], np.cumsum(take)])
        return replace(
            self, row_ptr=kept[self.row_ptr], ptr=_pointers(counts[take]) if cut else self.ptr,
            worth=self.worth[np.repeat(take, counts)] if cut else self.worth,
            **{name: getattr(self, name)[take] for name in _PER_PAIR},
        )  # fmt: skip


@dataclass
class Core:
    """The open cases of a market around reference prices, and what was settled there.

    `market`: pairs with open cases, limits less what the settled cases take. `sure_pair`, `sure` cases settled per pair
    (pairs with some), `taken` their load on each limit, `sure_worth` their worth, `low` per row: the supply price at the
    reference prices.
    """

    market: Market
    taken: Limits
    sure_pair: np.ndarray
    sure: np.ndarray
    sure_worth: float
    low: np.ndarray


def core_of(market: Market, prices, relaxed, band: float) -> Core:
    """Settle the cases further than `band` (money per unit) from their threshold at the prices; keep the rest open.

    A band below 0 settles every row whose own optimum `relaxed.x` is final, as it is where no capacity is shared.
    """
    from allocation_assets.allocation._kernels import gather_cases, split_rows, take_loads, worth_of_plan

    m, limits = market, market.limits.copy()
    sure, upto = np.zeros(len(m.pair), np.int32), np.zeros(len(m.pair), np.int32)
    split_rows(
        m.row_ptr, m.ptr, m.worth, m.pack, m.receiving, m.dispatch, m.fee, m.least, m.is_plain, prices.receiving,
        prices.dispatch, relaxed.low, band, relaxed.x, sure, upto,
    )  # fmt: skip
    gains = np.empty(len(sure))
    worth_of_plan(m.ptr, m.worth, m.fee, sure, gains)
    shape = (m.pack, m.row_of(), m.pool, m.receiving, m.dispatch, m.fee)
    take_loads(sure, *shape, limits.row, limits.pool, limits.receiving, limits.dispatch, limits.lines)
    is_open, some = upto > sure, sure > 0
    part = m._part(is_open, cut=False)
    counts = (upto - sure)[is_open]
    part.ptr = _pointers(counts)
    part.worth = np.empty(part.ptr[-1])
    gather_cases(m.ptr[:-1][is_open] + sure[is_open], counts, m.worth, part.ptr, part.worth)
    part.fee = np.where(sure[is_open] > 0, -1.0, part.fee)
    part.limits = limits
    taken = Limits(*(before - after for before, after in zip(vars(m.limits).values(), vars(limits).values(), strict=True)))
    return Core(part, taken, m.pair[some], sure[some], float(np.sum(gains)), relaxed.low)


def pack_market(inst: Instance, base: np.ndarray, lim: np.ndarray, limits: Limits) -> Market:
    """The market of one instance: cases base <= k < lim of each pair, `limits` what the granted ones left."""
    from allocation_assets.allocation._kernels import gather_cases

    p = inst.problem
    active = np.flatnonzero(lim > base)
    counts = (lim - base)[active]
    ptr = _pointers(counts)
    worth = inst.worth
    if len(worth) != ptr[-1]:
        worth = np.empty(ptr[-1])
        gather_cases(inst.item_ptr[active] + base[active], counts, inst.worth, ptr, worth)
    row = p.pair_row[active]
    is_free = base[active] == 0
    pack = inst.pack[active]
    return Market(
        pair=active.astype(np.int32), row_ptr=np.searchsorted(row, np.arange(len(p.row_dc) + 1)), ptr=ptr, worth=worth,
        pack=pack.astype(np.int32), receiving=p.receiving_bucket[active].astype(np.int32),
        dispatch=p.dispatch_bucket[active].astype(np.int32), pool=p.pool[active].astype(np.int32),
        fee=np.where(is_free, p.line_cost[active], -1.0),
        least=np.where(is_free, inst.least[active], 1).astype(np.int32),
        is_plain=_plain_rows(row, pack, p.pool[active], len(p.row_dc)), limits=limits,
    )  # fmt: skip


def _plain_rows(row, pack, pool, rows: int) -> np.ndarray:
    plain = np.ones(rows, np.bool_)
    same = row[1:] == row[:-1]
    plain[row[1:][same & (pack[1:] != pack[:-1])]] = False
    plain[row[pool >= 0]] = False
    return plain


def join(markets: list[Market], limits: Limits) -> Market:
    """One market of several shards in order; their rows follow each other, `limits` are those of all of them."""
    if len(markets) == 1:
        return replace(markets[0], limits=limits)
    joined = {
        name: np.concatenate([getattr(m, name) for m in markets])
        for name in (*_PER_PAIR, "worth", "is_plain")
    }
    counts = [np.concatenate([np.diff(getattr(m, name)) for m in markets]) for name in ("row_ptr", "ptr")]
    return Market(row_ptr=_pointers(counts[0]), ptr=_pointers(counts[1]), limits=limits, **joined)


def full_limits(p: AllocationProblem) -> Limits:
    """Supply, pools and capacities before any case is handed out; no limit = a very large number."""

    def units(capacity):
        return np.where(capacity < 0, UNLIMITED, capacity)

    return Limits(
        p.row_supply_units.copy(), p.pool_cap_units.copy(), units(p.receiving_capacity_units),
        units(p.dispatch_capacity_units), units(p.dispatch_capacity_lines),
    )  # fmt: skip


def _pointers(counts: np.ndarray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
