"""The choice that is left once forced minimums are served: free cases of active pairs, and what limits them.

A market holds only pairs that can still be given a case, packed into arrays, so that every pricing pass touches few
bytes: about 40 per active pair and 8 per case. Shards of a large problem are packed one by one and joined; the
market of all of them fits in memory where the problem does not. Rows are independent given the prices.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from allocation_assets.allocation.prepare import UNLIMITED, Instance, pointers
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
        take, counts = closed[at] != self.pair, np.diff(self.ptr)
        kept = np.concatenate([[0], np.cumsum(take)])
        return replace(
            self, row_ptr=kept[self.row_ptr], ptr=pointers(counts[take]), worth=self.worth[np.repeat(take, counts)],
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
    from allocation_assets.allocation._kernels import settle_rows, split_settled

    m, left = market, market.limits.copy()
    sure, upto = np.empty(len(m.pair), np.int32), np.empty(len(m.pair), np.int32)
    worth, settled, pairs, cases = settle_rows(
        m.row_ptr, m.ptr, m.worth, m.pack, m.receiving, m.dispatch, m.pool, m.fee, m.least, m.is_plain,
        prices.receiving, prices.dispatch, relaxed.low, band, relaxed.x, left.row, left.pool, left.receiving,
        left.dispatch, left.lines, sure, upto,
    )  # fmt: skip
    sure_pair, sure_cases = np.empty(settled, np.int32), np.empty(settled, np.int32)
    own = {name: np.empty(pairs, getattr(m, name).dtype) for name in _PER_PAIR}
    row_ptr, ptr, open_worth = np.empty_like(m.row_ptr), np.empty(pairs + 1, np.int64), np.empty(cases)
    split_settled(
        m.row_ptr, m.ptr, m.worth, *(getattr(m, name) for name in _PER_PAIR), sure, upto, sure_pair, sure_cases, row_ptr,
        ptr, open_worth, *own.values(),
    )  # fmt: skip
    part = Market(row_ptr=row_ptr, ptr=ptr, worth=open_worth, is_plain=m.is_plain, limits=left, **own)
    taken = Limits(*(before - after for before, after in zip(vars(m.limits).values(), vars(left).values(), strict=True)))
    return Core(part, taken, sure_pair, sure_cases, worth, relaxed.low)


def pack_market(inst: Instance, base: np.ndarray, lim: np.ndarray, limits: Limits) -> Market:
    """The market of one instance: cases base <= k < lim of each pair, `limits` what the granted ones left."""
    from allocation_assets.allocation._kernels import gather_cases, pack_pairs

    p, rows = inst.problem, len(inst.problem.row_dc)
    size = int(np.count_nonzero(lim > base))
    pair, pack, receiving, dispatch, pool, least = (np.empty(size, np.int32) for _ in range(6))
    row_ptr, ptr, first = np.zeros(rows + 1, np.int64), np.zeros(size + 1, np.int64), np.empty(size, np.int64)
    fee, is_plain = np.empty(size), np.ones(rows, np.bool_)
    pack_pairs(
        p.pair_row, base, lim, inst.item_ptr, inst.pack, p.receiving_bucket, p.dispatch_bucket, p.pool, p.line_cost,
        inst.least, row_ptr, ptr, first, pair, pack, receiving, dispatch, pool, fee, least, is_plain,
    )  # fmt: skip
    worth = inst.worth
    if len(worth) != ptr[-1]:
        worth = np.empty(ptr[-1])
        gather_cases(first, np.diff(ptr), inst.worth, ptr, worth)
    return Market(pair, row_ptr, ptr, worth, pack, receiving, dispatch, pool, fee, least, is_plain, limits)


def join(markets: list[Market], limits: Limits, *, spend: bool = False) -> Market:
    """One market of several shards in order; their rows follow each other, `limits` are those of all of them.

    With `spend` the shards' arrays are dropped one by one as they are joined, so that they are never held twice.
    """
    if len(markets) == 1:
        return replace(markets[0], limits=limits)
    joined = {}
    for name in (*_PER_PAIR, "worth", "is_plain", "row_ptr", "ptr"):
        own = [getattr(m, name) for m in markets]
        joined[name] = np.concatenate(own) if not name.endswith("ptr") else pointers(np.concatenate([np.diff(a) for a in own]))
        if spend:
            for m in markets:
                setattr(m, name, None)
            del own
            _give_back()
    return Market(limits=limits, **joined)


def _give_back() -> None:
    """Return freed memory to the system: glibc keeps what threads freed, and shards are packed by several."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def full_limits(p: AllocationProblem) -> Limits:
    """Supply, pools and capacities before any case is handed out; no limit = a very large number."""

    def units(capacity):
        return np.where(capacity < 0, UNLIMITED, capacity)

    return Limits(
        p.row_supply_units.copy(), p.pool_cap_units.copy(), units(p.receiving_capacity_units),
        units(p.dispatch_capacity_units), units(p.dispatch_capacity_lines),
    )  # fmt: skip
