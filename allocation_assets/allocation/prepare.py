"""Turns a problem into sorted arrays of cases: limits, forced minimums and the worth of every case within reach."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np

from allocation_assets.allocation.problem import OPEN, AllocationProblem, AllocationSettings, pairs_of

UNLIMITED = np.int64(2**62)
# Pairs per range of a compiled walk: small enough for its buffer of cases to stay in the cache of a core.
_PAIRS_PER_RANGE = 50_000
_CASES_PER_PAIR = 4


@dataclass
class Instance:
    """A problem sorted by (row, key) with its cases; arrays over pairs (n), rows (m) or items (cases stored).

    `pack` units of a pair's case (its layer or pallet), `forced` cases requested by minimums, `lim` cases selectable
    (forced included), `cap_units` and `cap_cases` what the pair's own limits admit, `least` cases of the smallest line,
    `no_line` why no line pays (0 = one does, 1 its cost, 2 its least size), `partial_at`/`partial_units` the odd last
    case of an override. Item item_ptr[j] + k is case k of pair j.
    """

    problem: AllocationProblem
    order: np.ndarray
    row_ptr: np.ndarray
    pack: np.ndarray
    cost: np.ndarray
    gain: np.ndarray
    cap_units: np.ndarray
    cap_cases: np.ndarray
    forced: np.ndarray
    forced_units: np.ndarray
    partial_at: np.ndarray
    partial_units: np.ndarray
    least: np.ndarray
    want: np.ndarray
    first_unit: np.ndarray
    no_line: np.ndarray
    lim: np.ndarray
    item_ptr: np.ndarray
    worth: np.ndarray
    threads: int

    @cached_property
    def item_pair(self) -> np.ndarray:
        """Pair of each stored case."""
        return np.repeat(np.arange(len(self.pack), dtype=np.int64), np.diff(self.item_ptr))

    @cached_property
    def item_units(self) -> np.ndarray:
        """Units of each stored case."""
        units = self.pack[self.item_pair]
        odd = np.flatnonzero(self.partial_at >= 0)
        units[self.item_ptr[odd] + self.partial_at[odd]] = self.partial_units[odd]
        return units

    def over_pairs(self, kernel, *args) -> None:
        """Run a compiled kernel(…, lo, hi, outputs…) over ranges of pairs; `...` in args marks the range."""
        at = next(i for i, a in enumerate(args) if a is ...)
        edges = range(0, len(self.pack) + _PAIRS_PER_RANGE, _PAIRS_PER_RANGE)
        ranges = [(lo, min(hi, len(self.pack))) for lo, hi in pairwise(edges)]
        run_all(self.threads, [(kernel, (*args[:at], lo, hi, *args[at + 1 :])) for lo, hi in ranges])


def run_all(threads: int, calls: list[tuple]) -> list:
    """Results of (kernel, args) calls, in their order, on up to `threads` threads."""
    if threads <= 1 or len(calls) <= 1:
        return [kernel(*args) for kernel, args in calls]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(lambda call: call[0](*call[1]), calls))


def prepare(problem: AllocationProblem, settings: AllocationSettings, *, keep_all: bool = True) -> Instance:
    """Sort the pairs, work out their limits and wants, and store the worth of every case within reach.

    Without `keep_all` only pairs that can be given a case have items: enough to solve, not to explain.
    """
    p, order = _sorted(problem)
    n = len(p.pair_row)
    pack, cap_units, cap_cases, forced, forced_units, partial_at, partial_units, least, want, lim, stored = (
        np.empty(n, np.int64) for _ in range(11)
    )
    inst = Instance(
        p, order, np.searchsorted(p.pair_row, np.arange(len(p.row_dc) + 1)), pack, np.empty(n), np.empty(n), cap_units,
        cap_cases, forced, forced_units, partial_at, partial_units, least, want, np.empty(n, np.bool_),
        np.empty(n, np.int8), lim, np.zeros(1, np.int64), np.empty(0), settings.threads,
    )  # fmt: skip
    # Each range writes into its own stretch of one array; the stretches are closed up afterwards.
    worth, supply = np.empty(_CASES_PER_PAIR * n), p.row_supply_units
    edges = range(0, n + _PAIRS_PER_RANGE, _PAIRS_PER_RANGE)
    calls = [(_prepare_range, (inst, slice(lo, min(hi, n)), keep_all, supply, stored, worth)) for lo, hi in pairwise(edges)]
    inst.worth = np.concatenate(run_all(inst.threads, calls) or [np.empty(0)])
    inst.item_ptr = pointers(stored)
    odd = np.flatnonzero(partial_at >= 0)
    want[odd] = count_wants(inst, odd, inst.gain[odd], inst.cost[odd])
    return inst


def _prepare_range(inst: Instance, some: slice, keep_all: bool, supply, stored, worth) -> np.ndarray:
    """Fill a range of the instance; its temporaries stay in the cache of a core. Returns the worth of its items."""
    from allocation_assets.negbin import build_cases, p_of_zero

    p, n = pairs_of(inst.problem, some), some.stop - some.start
    pack = p.pair_pack
    cap_units, cap_cases = _caps(p, pack)
    forced, forced_units, partial_at, partial_units = _forced(p, pack, cap_units)
    least = np.ones(n, np.int64)
    if p.min_ship_units.any():
        least = np.where(forced > 0, 1, np.maximum(-(-p.min_ship_units // pack), 1))
    own = {
        "pack": pack, "gain": p.earned_per_unit, "cost": p.cost_per_unit, "cap_units": cap_units,
        "cap_cases": cap_cases, "forced": forced, "forced_units": forced_units, "partial_at": partial_at,
        "partial_units": partial_units, "least": least,
    }  # fmt: skip
    for name, values in own.items():
        getattr(inst, name)[some] = values
    walk = (
        p.mean_units, p.dispersion, p.position_units, pack, own["gain"], own["cost"], p.presentation_value_per_unit,
        p.presentation_min_units, supply[p.pair_row] // pack, cap_cases, forced, least, p.line_cost,
        partial_at, partial_units, keep_all, p_of_zero(p.mean_units, p.dispersion),
    )  # fmt: skip
    outputs = [array[some] for array in (inst.want, inst.first_unit, inst.no_line, inst.lim, stored)]
    room, reached = worth[_CASES_PER_PAIR * some.start : _CASES_PER_PAIR * some.stop], 0
    while True:
        reached, used = build_cases(*walk, 0, n, *outputs, room)
        if reached == n:
            return room[:used]
        room = np.empty(4 * len(room))


def pointers(counts: np.ndarray) -> np.ndarray:
    """Where each of the groups of these sizes begins, and the end of the last (len(counts) + 1,) int64."""
    out = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=out[1:])
    return out


def count_wants(inst: Instance, pairs: np.ndarray, gain: np.ndarray, cost: np.ndarray) -> np.ndarray:
    """Whole cases (len(pairs),) that pay for the given pairs when a unit sold earns `gain` and one sent costs `cost`, whatever the limits."""
    from allocation_assets.negbin import build_cases, p_of_zero

    p, n = inst.problem, len(pairs)
    none, want = np.zeros(n, np.int64), np.zeros(n, np.int64)
    walk = (
        p.mean_units[pairs], p.dispersion[pairs], p.position_units[pairs], inst.pack[pairs], gain, cost,
        p.presentation_value_per_unit[pairs], p.presentation_min_units[pairs], none, none, none, none + 1, np.zeros(n),
        none - 1, none, False,
    )  # fmt: skip
    scratch = (np.zeros(n, np.bool_), np.zeros(n, np.int8), none.copy(), none.copy(), np.empty(8))
    build_cases(*walk, p_of_zero(walk[0], walk[1]), 0, n, want, *scratch)
    return want


def _sorted(problem: AllocationProblem) -> tuple[AllocationProblem, np.ndarray]:
    row, key = problem.pair_row, problem.pair_key
    if np.all((row[1:] > row[:-1]) | ((row[1:] == row[:-1]) & (key[1:] > key[:-1]))):
        return problem, np.arange(len(row))
    order = np.lexsort((key, row))
    sorted_row, sorted_key = row[order], key[order]
    if np.any((np.diff(sorted_row) == 0) & (np.diff(sorted_key) == 0)):
        raise ValueError("allocation: pair_key repeats within a supply row; give each pair one key")
    return pairs_of(problem, order), order


def _caps(p: AllocationProblem, pack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units and whole cases that blocks, maximum and shelf admit; forced minimums are cut to them too."""
    units = np.full(len(pack), UNLIMITED)
    if (p.shelf_capacity_units >= 0).any():
        room = np.where(p.shelf_capacity_units >= 0, p.shelf_capacity_units - p.position_units, UNLIMITED)
        units = np.maximum(room, 0)
    if (p.max_units >= 0).any():
        units = np.minimum(units, np.where(p.max_units >= 0, p.max_units, UNLIMITED))
    units[p.block != OPEN] = 0
    return units, units // pack if (units != UNLIMITED).any() else units


def _forced(p: AllocationProblem, pack, cap_units):
    """Cases of the minimum: whole cases where they fit under the maximum, else one odd last case (override)."""
    if not p.min_units.any():
        none = np.zeros(len(pack), np.int64)
        return none, none, np.full(len(pack), -1), none
    least = np.minimum(p.min_units, np.where(p.max_units >= 0, p.max_units, UNLIMITED))
    whole = -(-least // pack)
    fits = whole * pack <= cap_units
    odd = ~fits & (least <= cap_units) & (least > 0)
    cases = np.where(fits | odd, whole, cap_units // pack)
    partial_at = np.where(odd, whole - 1, -1)
    partial_units = np.where(odd, least - (whole - 1) * pack, 0)
    units = np.where(odd, least, cases * pack)
    return cases, units, partial_at, partial_units

