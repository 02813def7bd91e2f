"""Decides the cases: forced minimums, the search for capacity prices, repair and polish, over one shard or many.

A shard is any set of whole supply rows with the shared capacities of the run. Shards are prepared one after the other
and only their markets are kept; the result is the same for any cut into shards and any number of threads.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocation_assets.allocation.fair_share import share_limits
from allocation_assets.allocation.market import Limits, Market, full_limits, join, pack_market
from allocation_assets.allocation.polish import polish
from allocation_assets.allocation.prepare import UNLIMITED, Instance
from allocation_assets.allocation.prices import KINDS, Prices, PriceSearch, Relaxed, relax, zero_prices
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings
from allocation_assets.allocation.repair import Repair

# Plans are built at the prices of several rounds while that is cheap.
_ATTEMPTS, _ATTEMPT_CASES = 3, 60_000
_SINGLE_ROUNDS = 4


@dataclass
class Part:
    """What is kept of one shard: its market and its forced cases; pair, row and pool numbers are the shard's own.

    Forced cases: `pair` (index among `forced_pairs`), `case`, `size` (units), `score` (worth per unit). `free` is the
    market without the rules of fair share (the same object where no row has one): what the bound stands on. Both are
    None once a streamed shard has been cut to its core.
    """

    pairs: int
    rows: int
    pools: int
    limits: Limits
    market: Market | None
    free: Market | None
    forced_pairs: np.ndarray
    forced_at: np.ndarray
    items: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    row_step: np.ndarray
    pool_step: np.ndarray
    is_exact: bool


@dataclass(frozen=True)
class ShardPlace:
    """A shard's part of a solution: number of its first pair, slices of rows and pools, of `forced_pairs` and of `pair`."""

    first_pair: int
    rows: slice
    pools: slice
    forced: slice
    served: slice


@dataclass
class Solution:
    """A plan of all shards: pairs are numbered through, shard after shard, in sorted order; rows and pools too.

    `pair` and `x`: free cases of the pairs that were given or might have been given one (sorted by pair);
    `is_repaired` where the plan differs from the rows' own optimum at the prices. `granted`/`granted_units` of
    `forced_pairs`. `low` price per unit of each row, `pool_price`; limits before (`after_forced`) and after (`left`)
    the free cases. `value` and `bound`: worth of the free cases and its bound as the search saw them (`engine` and
    `scorer` work them out again). Large runs are completed shard by shard (`is_complete` false until then).
    """

    pair: np.ndarray
    x: np.ndarray
    is_repaired: np.ndarray
    forced_pairs: np.ndarray
    granted: np.ndarray
    granted_units: np.ndarray
    prices: Prices
    low: np.ndarray
    pool_price: np.ndarray
    after_forced: Limits
    left: Limits
    value: float
    bound: float
    row_offset: np.ndarray
    pair_offset: np.ndarray
    pool_offset: np.ndarray
    is_complete: bool = True

    def of_shard(self, number: int) -> ShardPlace:
        """Where a shard's pairs, rows and pools, its forced and its served pairs lie."""
        lo, hi = int(self.pair_offset[number]), int(self.pair_offset[number + 1])
        return ShardPlace(
            lo,
            slice(self.row_offset[number], self.row_offset[number + 1]),
            slice(self.pool_offset[number], self.pool_offset[number + 1]),
            slice(*np.searchsorted(self.forced_pairs, [lo, hi])),
            slice(*np.searchsorted(self.pair, [lo, hi])),
        )


def part_of(inst: Instance) -> Part:
    """Pack one prepared shard; the instance may be dropped afterwards."""
    p = inst.problem
    forced_pairs = np.flatnonzero(inst.forced > 0)
    limits = full_limits(p)
    lim = share_limits(inst)
    market = pack_market(inst, inst.forced, lim, limits)
    free = market if lim is inst.lim else pack_market(inst, inst.forced, inst.lim, limits)
    plain = bool((market.fee <= 0).all() and (market.least <= 1).all()) and lim is inst.lim
    same_pack = np.diff(market.pack) == 0
    same_pack[market.row_ptr[1:-1][(market.row_ptr[1:-1] > 0) & (market.row_ptr[1:-1] < len(market.pack))] - 1] = True
    return Part(
        pairs=len(inst.pack), rows=len(p.row_dc), pools=len(p.pool_cap_units), limits=limits, market=market, free=free,
        forced_pairs=forced_pairs,
        forced_at=np.stack([a[forced_pairs] for a in (p.pair_row, p.pool, p.receiving_bucket, p.dispatch_bucket)]).copy(),
        items=_forced_items(inst, forced_pairs), row_step=row_steps(p, inst.pack),
        pool_step=steps_of(p.pool, inst.pack, len(p.pool_cap_units)), is_exact=plain and bool(same_pack.all()),
    )  # fmt: skip


def row_steps(p: AllocationProblem, pack: np.ndarray) -> np.ndarray:
    """Steps of the rows; where every pair ships single cases it is the row's own pack."""
    return p.row_case_pack if (p.multiple_cases == 1).all() else steps_of(p.pair_row, pack, len(p.row_dc))


def steps_of(group: np.ndarray, pack: np.ndarray, count: int) -> np.ndarray:
    """Units (count,) that a supply is handed out in: the greatest step that all packs of its pairs are multiples of."""
    step = np.zeros(count, np.int64)
    np.gcd.at(step, group[group >= 0], pack[group >= 0])
    return np.maximum(step, 1)


def _forced_items(inst: Instance, pairs: np.ndarray):
    from allocation_assets.allocation._kernels import falling_scores

    counts = inst.forced[pairs]
    owner = np.repeat(np.arange(len(pairs)), counts)
    first = np.cumsum(counts) - counts
    case = np.arange(len(owner)) - first[owner]
    size = inst.pack[pairs][owner]
    odd = case == inst.partial_at[pairs][owner]
    size = np.where(odd, inst.partial_units[pairs][owner], size)
    scores = np.empty(len(owner))
    falling_scores(inst.item_ptr[pairs], inst.worth, size, first, counts, scores)
    return owner, case, size, scores


def solve(parts: list[Part], settings: AllocationSettings) -> Solution:
    """Decide all free cases of shards that are held in memory."""
    offsets, limits, forced, closed = settled_minimums(parts)
    rooms = whole_steps(parts, limits)
    market = joined([part.market for part in parts], offsets, rooms, closed)
    has_rule = any(part.free is not part.market for part in parts)
    free = joined([part.free for part in parts], offsets, rooms, closed) if has_rule else market
    repair = Repair(market, settings.threads)
    x, prices, relaxed = _decide(repair, settings, all(part.is_exact for part in parts))
    is_repaired = np.ones(len(x), np.bool_) if has_rule else x != relaxed.x
    if has_rule:
        relaxed = relax(free, prices, settings.threads)
    left = repair.left_after(x)
    left.row = left.row + (limits.row - rooms.row)
    return Solution(
        market.pair, x, is_repaired, *forced, prices, relaxed.low, relaxed.pool_price, limits, left,
        repair.worth(x), relaxed.bound, offsets[1], offsets[0], offsets[2],
    )  # fmt: skip


def settled_minimums(parts: list[Part]):
    """(offsets of pairs, rows and pools; what minimums leave; (pairs, cases, units) granted; pairs closed by it)."""
    offsets = [np.cumsum([0, *(getattr(part, name) for part in parts)]) for name in ("pairs", "rows", "pools")]
    limits = _joint_limits(parts)
    pairs, wanted, granted, units = _serve_forced(parts, offsets, limits)
    # A minimum that could not be met in full has used up one of its limits: nothing more for that pair.
    return offsets, limits, (pairs, granted, units), np.sort(pairs[granted < wanted])


def whole_steps(parts: list[Part], limits: Limits) -> Limits:
    """The same limits with supply and pools cut to whole steps of their pairs' packs."""
    row, pool = (np.concatenate([getattr(part, name) for part in parts]) for name in ("row_step", "pool_step"))
    return replace(limits, row=limits.row // row * row, pool=limits.pool // pool * pool)


def _joint_limits(parts: list[Part]) -> Limits:
    """Rows and pools one after the other; the capacities are the run's, so any shard's copy is all of them."""
    shared = parts[0].limits
    return Limits(
        np.concatenate([part.limits.row for part in parts]), np.concatenate([part.limits.pool for part in parts]),
        shared.receiving.copy(), shared.dispatch.copy(), shared.lines.copy(),
    )  # fmt: skip


def _serve_forced(parts, offsets, limits: Limits):
    """Grant forced cases in order of worth per unit over all shards; returns (pairs, wanted, granted, units)."""
    from allocation_assets.allocation._kernels import serve_forced

    pairs = np.concatenate([part.forced_pairs + at for part, at in zip(parts, offsets[0], strict=False)])
    where = np.ascontiguousarray(np.concatenate([part.forced_at for part in parts], axis=1))
    sizes = [len(part.forced_pairs) for part in parts]
    where[0] += np.repeat(offsets[1][:-1], sizes)
    where[1] += np.where(where[1] >= 0, np.repeat(offsets[2][:-1], sizes), 0)
    starts = np.cumsum([0, *sizes])
    owner = np.concatenate([part.items[0] + at for part, at in zip(parts, starts, strict=False)])
    case, size, score = (np.concatenate([part.items[i] for part in parts]) for i in (1, 2, 3))
    granted, units = np.zeros(len(pairs), np.int64), np.zeros(len(pairs), np.int64)
    if len(pairs):
        serve_forced(
            np.argsort(-score, kind="stable"), owner, case, size, *where, limits.row, limits.pool, limits.receiving,
            limits.dispatch, limits.lines, granted, units,
        )  # fmt: skip
    return pairs, np.bincount(owner, minlength=len(pairs)), granted, units


def joined(markets: list[Market], offsets, limits: Limits, closed: np.ndarray, *, spend: bool = False) -> Market:
    """One market of all shards, numbered through, without the pairs whose minimum could not be met; `spend` as `join`."""
    for i, market in enumerate(markets):
        market.pair = (market.pair + offsets[0][i]).astype(np.int32)
        market.pool = np.where(market.pool >= 0, market.pool + np.int32(offsets[2][i]), market.pool)
    market = join(markets, limits, spend=spend)
    return market.without(closed) if len(closed) else market


def _decide(repair: Repair, settings: AllocationSettings, is_exact: bool) -> tuple[np.ndarray, Prices, Relaxed]:
    """(free cases per active pair, prices, thresholds); the optimum where the rows' own fits and `is_exact` says so."""
    market = repair.market
    no_prices = prices = zero_prices(market.limits)
    plain = relaxed = relax(market, no_prices, settings.threads)
    # The rows' own optimum keeps supply and pools by construction.
    if is_exact and repair.left_after(plain.x).is_kept():
        return plain.x, no_prices, plain
    if is_coupled(market.limits):
        search = _searched(market, settings, repair)
        prices, relaxed = search.best_prices, search.relaxed()
    repair.attempt(prices, relaxed)
    if market.cases <= _ATTEMPT_CASES:
        if relaxed is not plain:
            # The rows' plain order is a plan as well, and on tiny problems sometimes the better one.
            repair.attempt(no_prices, plain)
        if len(market.pair) <= settings.polish_pairs:
            polish(repair, prices, relaxed, settings)
    return repair.best_x, prices, relaxed


def _searched(market: Market, settings: AllocationSettings, repair: Repair) -> PriceSearch:
    """Search prices over all rows, from yesterday's where they are given; plans are built along the way."""
    search = PriceSearch(market, settings.threads, settings.damping, start_of(market.limits, settings))
    small, attempts = market.cases <= _ATTEMPT_CASES, 0

    def on_round(relaxed, prices) -> bool:
        nonlocal attempts
        if small and attempts < _ATTEMPTS and relaxed.bound <= search.best_bound * (1 + 1e-5):
            attempts += 1
            repair.attempt(prices, relaxed)
        gap = search.best_bound - repair.best_worth
        return small and gap <= settings.target_gap * abs(search.best_bound)

    # One kind of price at a time until they are about right; then all at once, which needs fewer passes.
    search.run(_SINGLE_ROUNDS, 0.0, on_round)
    search.run(settings.price_rounds, 1e-6, on_round, jointly=True)
    return search


def start_of(limits: Limits, settings: AllocationSettings) -> Prices:
    """Prices that a search starts from: yesterday's where they are given, else zero."""
    start = settings.start_prices
    if start is None:
        return zero_prices(limits)
    return Prices(*(np.array(getattr(start, kind), np.float64) for kind in KINDS))


def is_coupled(limits: Limits) -> bool:
    """Whether any capacity is shared beyond rows and pools."""
    return any((getattr(limits, kind) < UNLIMITED // 2).any() for kind in KINDS)
