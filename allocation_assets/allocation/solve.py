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
from allocation_assets.allocation.problem import AllocationSettings, StartPrices
from allocation_assets.allocation.repair import Repair

# From this many cases on, prices are first sought on a sample of the rows.
_SAMPLE_FROM = 1_000_000
_SAMPLE_CASES = 150_000
_FULL_ROUNDS = 3
_LARGE_GAP = 5e-5
_SAMPLE_ERROR = 0.3
# Plans are built at the prices of several rounds while that is cheap.
_ATTEMPTS, _ATTEMPT_CASES = 6, 60_000


@dataclass
class Part:
    """What is kept of one shard: its market and its forced cases; pair, row and pool numbers are the shard's own.

    Forced cases: `pair` (index among `forced_pairs`), `case`, `size` (units), `score` (worth per unit). `free` is the
    market without the rules of fair share (the same object where no row has one): what the bound stands on.
    """

    pairs: int
    rows: int
    pools: int
    limits: Limits
    market: Market
    free: Market
    forced_pairs: np.ndarray
    forced_at: np.ndarray
    items: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
    row_step: np.ndarray
    pool_step: np.ndarray
    is_exact: bool


@dataclass
class Solution:
    """A plan of all shards: pairs are numbered through, shard after shard, in sorted order.

    `granted`/`granted_units` of `forced_pairs`; `x` free cases of the pairs of `market`; `relaxed` the rows' thresholds
    at `prices` in the market without fair-share rules; limits before (`after_forced`) and after (`left`) the free cases;
    `is_repaired` where the plan differs from the rows' own optimum at the prices; `bound` on the worth of free cases.
    """

    market: Market
    x: np.ndarray
    forced_pairs: np.ndarray
    granted: np.ndarray
    granted_units: np.ndarray
    prices: Prices
    relaxed: Relaxed
    after_forced: Limits
    left: Limits
    is_exact: bool
    is_repaired: np.ndarray
    bound: float
    row_offset: np.ndarray
    pair_offset: np.ndarray
    pool_offset: np.ndarray

    def shared_limits(self, inst: Instance, base: np.ndarray) -> np.ndarray:
        """Most cases per pair of an instance under the rules of fair share (no limit where its row has none)."""
        lim = share_limits(inst)
        return np.full(len(base), UNLIMITED) if lim is inst.lim else np.where(
            inst.problem.row_rule[inst.problem.pair_row] > 0, np.maximum(lim, base), UNLIMITED
        )


def part_of(inst: Instance) -> Part:
    """Pack one prepared shard; the instance may be dropped afterwards."""
    p = inst.problem
    forced_pairs = np.flatnonzero(inst.forced > 0)
    limits = full_limits(inst)
    lim = share_limits(inst)
    market = pack_market(inst, inst.forced, lim, limits)
    free = market if lim is inst.lim else pack_market(inst, inst.forced, inst.lim, limits)
    plain = bool((market.fee <= 0).all() and (market.least <= 1).all()) and lim is inst.lim
    same_pack = np.diff(market.pack) == 0
    same_pack[market.row_ptr[1:-1][(market.row_ptr[1:-1] > 0) & (market.row_ptr[1:-1] < len(market.pack))] - 1] = True
    return Part(
        pairs=len(inst.pack), rows=len(p.row_dc), pools=len(p.pool_cap_units), limits=limits, market=market, free=free,
        forced_pairs=forced_pairs,
        forced_at=np.stack([p.pair_row, p.pool, p.receiving_bucket, p.dispatch_bucket])[:, forced_pairs].copy(),
        items=_forced_items(inst, forced_pairs), row_step=steps_of(p.pair_row, inst.pack, len(p.row_dc)),
        pool_step=steps_of(p.pool, inst.pack, len(p.pool_cap_units)), is_exact=plain and bool(same_pack.all()),
    )  # fmt: skip


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
    """Decide all free cases of the shards."""
    offsets = [np.cumsum([0, *(getattr(part, name) for part in parts)]) for name in ("pairs", "rows", "pools")]
    limits = _joint_limits(parts)
    forced_pairs, wanted, granted, units = _serve_forced(parts, offsets, limits)
    # A minimum that could not be met in full has used up one of its limits: nothing more for that pair.
    closed = np.sort(forced_pairs[granted < wanted])
    after_forced = limits
    row_step, pool_step = (np.concatenate([getattr(part, n) for part in parts]) for n in ("row_step", "pool_step"))
    rooms = replace(limits, row=limits.row // row_step * row_step, pool=limits.pool // pool_step * pool_step)
    market = _joined([part.market for part in parts], offsets, rooms, closed)
    has_rule = any(part.free is not part.market for part in parts)
    free = _joined([part.free for part in parts], offsets, rooms, closed) if has_rule else market
    is_exact = all(part.is_exact for part in parts)
    x, prices, relaxed, is_exact = _decide(market, settings, is_exact)
    if has_rule:
        relaxed = relax(free, prices, settings.threads)
    repair = Repair(market, settings.threads)
    left = repair.left_after(x)
    left.row = left.row + (after_forced.row - rooms.row)
    return Solution(
        market, x, forced_pairs, granted, units, prices, relaxed, after_forced, left, is_exact,
        x != relaxed.x if not has_rule else np.zeros(len(x), np.bool_), relaxed.bound,
        offsets[1], offsets[0], offsets[2],
    )  # fmt: skip


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


def _joined(markets: list[Market], offsets, limits: Limits, closed: np.ndarray) -> Market:
    """One market of all shards, numbered through, without the pairs whose minimum could not be met."""
    for i, market in enumerate(markets):
        market.pair = market.pair + offsets[0][i]
        market.pool = np.where(market.pool >= 0, market.pool + np.int32(offsets[2][i]), market.pool)
    market = join(markets, limits)
    return market.without(closed) if len(closed) else market


def _decide(market: Market, settings: AllocationSettings, is_exact: bool) -> tuple[np.ndarray, Prices, Relaxed, bool]:
    """(free cases per active pair, prices, thresholds, whether the plan is proven optimal)."""
    prices, repair = zero_prices(market), Repair(market, settings.threads)
    start, spread = _start(market, settings)
    if start.is_zero():
        relaxed = relax(market, prices, settings.threads)
        if is_exact and _fits(repair, relaxed):
            return relaxed.x.astype(np.int64), prices, relaxed, True
    search = _searched(market, settings, repair, start, spread)
    if search is not None:
        prices, relaxed = search.best_prices, search.best_relaxed
    if not repair.best_worth or market.cases < _SAMPLE_FROM:
        repair.attempt(prices, relaxed)
    # The rows' plain order is a plan as well, and on tiny problems sometimes the better one.
    if market.cases <= _ATTEMPT_CASES:
        repair.attempt(zero_prices(market), relax(market, zero_prices(market), settings.threads))
        if len(market.pair) <= settings.polish_pairs:
            polish(repair, prices, relaxed, settings)
    return repair.best_x, prices, relaxed, False


def _fits(repair: Repair, relaxed: Relaxed) -> bool:
    """Whether the rows' own optimum keeps every capacity (it keeps supply and pools by construction)."""
    left = repair.left_after(relaxed.x.astype(np.int64))
    return all((amount >= 0).all() for amount in vars(left).values())


def _searched(market: Market, settings: AllocationSettings, repair: Repair, start, spread) -> PriceSearch | None:
    """The search over all rows; None where nothing is limited but the rows and their pools."""
    if not _is_coupled(market):
        return None
    search = PriceSearch(market, settings.threads, settings.damping, start, spread)
    is_large, small = market.cases >= _SAMPLE_FROM, market.cases <= _ATTEMPT_CASES
    rounds, attempts = 0, 0

    def on_round(relaxed, prices) -> bool:
        nonlocal rounds, attempts
        rounds += 1
        if is_large and rounds >= _FULL_ROUNDS:
            repair.attempt(search.best_prices, search.best_relaxed)
        elif small and attempts < _ATTEMPTS and relaxed.bound <= search.best_bound * (1 + 1e-4):
            attempts += 1
            repair.attempt(prices, relaxed)
        gap = search.best_bound - repair.best_worth
        return gap <= (_LARGE_GAP if is_large else settings.target_gap) * abs(search.best_bound)

    most = 3 * _FULL_ROUNDS if is_large else settings.price_rounds
    search.run(most, 1e-7 if is_large else 1e-9, on_round, jointly=is_large)
    return search


def _is_coupled(market: Market) -> bool:
    return any((getattr(market.limits, kind) < UNLIMITED // 2).any() for kind in KINDS)


def _typical(prices: Prices, kind: int) -> np.ndarray:
    """Each price of one kind, or the mean of its kind where that is more: a scale for how far off it may be."""
    values = getattr(prices, KINDS[kind - 1])
    return np.maximum(values, values.mean() if len(values) else 0.0) + 1e-9


def _start(market: Market, settings: AllocationSettings) -> tuple[Prices, dict | None]:
    """Prices to start from, and how far off they may be: yesterday's, and a sample's where the market is large."""
    prices = zero_prices(market)
    if settings.start_prices is not None:
        for kind in KINDS:
            getattr(prices, kind)[:] = getattr(settings.start_prices, kind)
    if market.cases < _SAMPLE_FROM or not _is_coupled(market):
        return prices, None
    first = PriceSearch(market.sample(_SAMPLE_CASES / market.cases, 1), settings.threads, settings.damping, prices)
    first.run(settings.price_rounds, 1e-6)
    # A sample's prices are off by its own chance: the windows of the full passes allow for it.
    found = first.best_prices
    return found, {k: 4 * half + _SAMPLE_ERROR * _typical(found, k) for k, half in first.spread().items()}
