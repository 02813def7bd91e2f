"""Solves what does not fit in memory at once: shard by shard, holding only the cases whose fate is open.

Prices found on a sample of the rows (or yesterday's) settle most cases: far above their threshold they are shipped at
any price near by, far below never. One pass over the shards settles these and keeps the rest (the core, about a quarter);
the search for prices and the repair then run on the core alone. The bound stays proven: a settled case may lose its
rank when prices move further than the band, and what that could be worth at most is added to the bound, row by row;
where it is more than a trifle, the pass is repeated around the better prices.

The plan is the same for any cut into shards and any number of threads: rows are solved one by one, loads are integers,
and the order of shards is the order of rows.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np

from allocation_assets.allocation.fair_share import share_limits
from allocation_assets.allocation.market import Core, Limits, Market, core_of, full_limits, pack_market
from allocation_assets.allocation.prepare import UNLIMITED, Instance, prepare
from allocation_assets.allocation.prices import KINDS, Prices, PriceSearch, Relaxed, relax, zero_prices
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings, pairs_of
from allocation_assets.allocation.repair import Repair
from allocation_assets.allocation.solve import (
    Part,
    Solution,
    is_coupled,
    joined,
    part_of,
    settled_minimums,
    solve,
    start_of,
    whole_steps,
)

# Pairs of the sample that first prices come from: per capacity, and at least.
_SAMPLE_PER_CAPACITY, _SAMPLE_PAIRS = 2_000, 100_000
# Share of the sample's cases that stay open; rounds of the search on the core; what the bound may gain by settling.
_OPEN_SHARE, _CORE_ROUNDS, _TRIFLE, _PASSES = 0.2, 10, 1e-5, 3


class ShardSource(Protocol):
    """A problem in shards of whole rows. Capacities and their numbers are the run's and the same in every shard."""

    pairs: int

    def __len__(self) -> int:
        """Number of shards."""
        ...

    def load(self, number: int) -> AllocationProblem:
        """One shard; called more than once, from several threads."""
        ...


@dataclass(frozen=True)
class OneShard:
    """A problem in memory as a source of one shard."""

    problem: AllocationProblem

    @property
    def pairs(self) -> int:
        """Pairs of the problem."""
        return len(self.problem.pair_row)

    def __len__(self) -> int:
        return 1

    def load(self, number: int) -> AllocationProblem:
        """The problem itself."""
        return self.problem


@dataclass(frozen=True)
class _Reference:
    """Prices that cases are settled at, the band around the threshold, and how far each price may still be off."""

    prices: Prices
    band: float
    spread: dict[int, np.ndarray] | None


def solve_stream(source: ShardSource, settings: AllocationSettings) -> Solution:
    """Decide the free cases of all shards; see the module. Complete a large solution with `complete_shard`."""
    if source.pairs < settings.stream_pairs:
        parts = [part_of(prepare(source.load(i), settings, keep_all=False)) for i in range(len(source))]
        return solve(parts, settings)
    reference, passes = _reference(source, settings), 0
    while True:
        parts, cores = _settle(source, reference, settings)
        solution, search, excess = _solve_core(parts, cores, reference, settings)
        passes += 1
        # An infinite excess says that settled cases alone break a limit: in the end nothing is settled.
        if search is None or excess <= _TRIFLE * abs(solution.bound) or (passes >= _PASSES and np.isfinite(excess)):
            return solution
        band = 2 * reference.band if passes < _PASSES else np.inf
        reference = _Reference(search.best_prices, band, search.spread())


def _reference(source: ShardSource, settings: AllocationSettings) -> _Reference:
    """Search prices on a sample of the rows, drawn by a hash of their number."""
    samples, supply, rows = [], 0, 0
    for number in range(len(source)):
        problem = source.load(number)
        if not number:
            shared = len(problem.receiving_capacity_units) + 2 * len(problem.dispatch_capacity_units)
            share = min(max(_SAMPLE_PAIRS, _SAMPLE_PER_CAPACITY * shared) / source.pairs, 1.0)
            if not is_coupled(limits := full_limits(problem)):
                return _Reference(zero_prices(limits), -1.0, None)
        supply += int(problem.row_supply_units.sum())
        samples.append(_sample(problem, rows, share))
        rows += len(problem.row_dc)
    parts = [part_of(prepare(problem, settings, keep_all=False)) for problem in samples]
    drawn = sum(int(problem.row_supply_units.sum()) for problem in samples)
    offsets, limits, _, closed = settled_minimums(parts)
    rooms = _scaled(whole_steps(parts, limits), parts[0].limits, drawn / max(supply, 1))
    market = joined([part.market for part in parts], offsets, rooms, closed)
    search = PriceSearch(market, settings.threads, settings.damping, start_of(rooms, settings))
    search.run(settings.price_rounds, 1e-6)
    scores = Repair(market, settings.threads).split(search.best_prices, search.relaxed(), np.inf)[3]
    band = float(np.quantile(np.abs(scores), _OPEN_SHARE)) if len(scores) else 0.0
    # A sample's prices are off by its own chance: the search looks as far around them as the band reaches.
    return _Reference(search.best_prices, band, {k: 2 * half + band for k, half in search.spread().items()})


def _sample(p: AllocationProblem, first_row: int, share: float) -> AllocationProblem:
    """The shard cut to the rows whose number, counted over all shards, is drawn."""
    rows = np.arange(first_row, first_row + len(p.row_dc), dtype=np.uint64)
    drawn = (rows * np.uint64(2654435761)) % np.uint64(1 << 32) < np.uint64(share * ((1 << 32) - 1))
    take = drawn[p.pair_row]
    new = np.cumsum(drawn) - 1
    rows = {f.name: getattr(p, f.name)[drawn] for f in fields(p) if f.name.startswith("row_")}
    cut = pairs_of(p, take)
    return replace(cut, pair_row=new[cut.pair_row], **rows)


def _scaled(rooms: Limits, full: Limits, share: float) -> Limits:
    """Capacities in proportion to the sample's share of all supply, less what its minimums took."""

    def cut(room, whole):
        return np.where(whole < UNLIMITED // 2, np.ceil(share * whole).astype(np.int64) - (whole - room), room)

    return replace(rooms, **{kind: cut(getattr(rooms, kind), getattr(full, kind)) for kind in KINDS})


def _settle(source: ShardSource, reference: _Reference, settings: AllocationSettings) -> tuple[list[Part], list[Core]]:
    """One pass over the shards: each is prepared, priced and cut to its core."""
    one = replace(settings, threads=1)

    def shard(number: int) -> tuple[Part, Core]:
        part = part_of(prepare(source.load(number), one, keep_all=False))
        # Rows and pools are the shard's own; shared capacities count through their prices alone.
        offsets, limits, _, closed = settled_minimums([part])
        market = joined([part.market], offsets, whole_steps([part], limits), closed)
        relaxed = relax(market, reference.prices, 1)
        core = core_of(market, reference.prices, relaxed, reference.band)
        # The core has what is still open of them.
        part.market = part.free = None
        return part, core

    with ThreadPoolExecutor(max(settings.threads, 1)) as pool:
        done = list(pool.map(shard, range(len(source))))
    return [part for part, _ in done], [core for _, core in done]


def _solve_core(parts, cores: list[Core], reference: _Reference, settings: AllocationSettings):
    """(solution, search or None where nothing is coupled, what settling may hide of the bound)."""
    offsets, limits, forced, closed = settled_minimums(parts)
    rooms = whole_steps(parts, limits)
    open_rooms, sure_pair, sure = _after_sure(cores, rooms, offsets)
    market = joined([core.market for core in cores], offsets, open_rooms, closed, spend=True)
    repair, search, prices = Repair(market, settings.threads), None, reference.prices
    if is_coupled(limits):
        search = PriceSearch(market, settings.threads, settings.damping, prices.copy(), reference.spread)
        # The core holds a small part of the value: a tolerance on all of it is a larger one on the core.
        search.run(_CORE_ROUNDS, 1e-5, jointly=True)
        prices, relaxed = search.best_prices, search.relaxed()
    else:
        relaxed = relax(market, prices, settings.threads)
    feasible = open_rooms.is_kept()
    if feasible:
        repair.attempt(prices, relaxed)
    low, excess = _row_prices(cores, market, relaxed, reference, prices, rooms)
    left = repair.left_after(repair.best_x)
    left.row = left.row + (limits.row - rooms.row)
    solution = Solution(
        *_merged(market, repair.best_x, relaxed, sure_pair, sure), *forced, prices, low, relaxed.pool_price, limits,
        left, _worth(cores) + repair.best_worth,
        _worth(cores) + relaxed.bound + excess, offsets[1], offsets[0], offsets[2], is_complete=False,
    )  # fmt: skip
    return solution, search, excess if feasible else np.inf


def _worth(cores: list[Core]) -> float:
    return float(np.sum([core.sure_worth for core in cores]))


def _after_sure(cores: list[Core], rooms: Limits, offsets) -> tuple[Limits, np.ndarray, np.ndarray]:
    """(what settled cases leave of every limit, their pairs and cases, numbered through)."""
    left = rooms.copy()
    left.row = np.concatenate([core.market.limits.row for core in cores])
    left.pool = np.concatenate([core.market.limits.pool for core in cores])
    for core in cores:
        left.receiving -= core.taken.receiving
        left.dispatch -= core.taken.dispatch
        left.lines -= core.taken.lines
    pair = np.concatenate([core.sure_pair for core in cores])
    pair += np.repeat(offsets[0][:-1].astype(np.int32), [len(core.sure) for core in cores])
    sure = np.concatenate([core.sure for core in cores])
    for core in cores:
        core.sure_pair = core.sure = None
    return left, pair, sure


def _row_prices(cores, market: Market, relaxed: Relaxed, reference: _Reference, prices: Prices, rooms: Limits):
    """(supply price per row, what the bound may miss because cases were settled).

    Any price between a row's best waiting and its last chosen case is dual optimal: the one nearest to the price at
    which its cases were settled keeps their rank. A settled case that would lose its rank by v money per unit could
    change the row's optimum by at most v x its supply.
    """
    settled_at = np.concatenate([core.low for core in cores])
    is_empty = np.diff(market.row_ptr) == 0
    high = np.where(is_empty, np.where(market.limits.row > 0, 0.0, np.inf), relaxed.high)
    low = np.clip(settled_at, relaxed.low, np.maximum(high, relaxed.low))
    low = np.where(market.is_plain, low, relaxed.low)
    if reference.band < 0:
        return low, 0.0
    shift_r, shift_d = prices.receiving - reference.prices.receiving, prices.dispatch - reference.prices.dispatch
    least = min(shift_r.min(initial=0.0), 0.0) + min(shift_d.min(initial=0.0), 0.0)
    most = max(shift_r.max(initial=0.0), 0.0) + max(shift_d.max(initial=0.0), 0.0)
    moved = low - settled_at
    lost = np.maximum(np.maximum(-reference.band - least - moved, most + moved - reference.band), 0.0)
    return low, float(np.sum(np.where(market.is_plain, lost, 0.0) * rooms.row))


def _merged(market: Market, x: np.ndarray, relaxed: Relaxed, sure_pair, sure):
    """(pairs, cases, whether repaired) of settled and open cases together, in order of the pairs."""
    from allocation_assets.allocation._kernels import merge_sorted

    size = len(sure_pair) + len(market.pair)
    pair, cases, repaired = np.empty(size, np.int32), np.empty(size, np.int32), np.empty(size, np.bool_)
    used = merge_sorted(sure_pair, sure, market.pair, x, relaxed.x, pair, cases, repaired)
    return pair[:used], cases[:used], repaired[:used]


def complete_shard(inst: Instance, solution: Solution, number: int) -> None:
    """Add to shard `number` every case that still fits and pays, row by row; call it for the shards in their order.

    Nearly nothing is left to add after the repair; it makes sure that every refusal has a limit behind it.
    """
    from allocation_assets.allocation._kernels import complete_rows

    if solution.is_complete:
        return
    place, left = solution.of_shard(number), solution.left
    lo, forced = place.first_pair, solution.forced_pairs[place.forced] - place.first_pair
    market = pack_market(inst, inst.forced, share_limits(inst), full_limits(inst.problem))
    closed = forced[solution.granted[place.forced] < inst.forced[forced]]
    market = market.without(closed) if len(closed) else market
    x = np.zeros(len(inst.pack), np.int64)
    x[solution.pair[place.served] - lo] = solution.x[place.served]
    before = x[market.pair]
    after = before.copy()
    complete_rows(
        market.row_ptr, market.ptr, market.worth, market.pack, market.receiving, market.dispatch, market.pool, market.fee,
        Repair(market, 1).jump, after, left.row[place.rows], left.pool[place.pools], left.receiving, left.dispatch,
        left.lines,
    )  # fmt: skip
    if (after != before).any():
        _add(solution, market.pair[after > before] + lo, (after - before)[after > before])


def _add(solution: Solution, pair: np.ndarray, cases: np.ndarray) -> None:
    """Add cases to a solution; pairs that had none yet are put in their place."""
    at = np.searchsorted(solution.pair, pair)
    known = at < len(solution.pair)
    known[known] = solution.pair[at[known]] == pair[known]
    solution.x[at[known]] += cases[known].astype(solution.x.dtype)
    solution.is_repaired[at[known]] = True
    place = at[~known]
    solution.pair = np.insert(solution.pair, place, pair[~known].astype(solution.pair.dtype))
    solution.x = np.insert(solution.x, place, cases[~known].astype(solution.x.dtype))
    solution.is_repaired = np.insert(solution.is_repaired, place, True)
