"""Turns a problem into sorted arrays of cases: limits, forced minimums and the worth of every case within reach."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, replace
from functools import cached_property
from itertools import pairwise

import numpy as np

from allocation_assets.allocation.problem import OPEN, AllocationProblem, AllocationSettings

UNLIMITED = np.int64(2**62)


@dataclass
class Instance:
    """A problem sorted by (row, key) with its cases; arrays over pairs (n), rows (m) or items (cases stored).

    `forced` cases requested by minimums, `base` of them granted, `lim` cases selectable (forced included), `cap_units`
    and `cap_cases` what the pair's own limits admit, `partial_at`/`partial_units` the odd last case of an override.
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
    want: np.ndarray
    first_unit: np.ndarray
    lim: np.ndarray
    item_ptr: np.ndarray
    sales: np.ndarray
    worth: np.ndarray
    chunks: list[tuple[int, int]]
    threads: int

    @cached_property
    def item_pair(self) -> np.ndarray:
        """Pair of each stored case."""
        return np.repeat(np.arange(len(self.pack), dtype=np.int32), np.diff(self.item_ptr))

    @cached_property
    def item_units(self) -> np.ndarray:
        """Units of each stored case."""
        units = self.pack[self.item_pair]
        odd = np.flatnonzero(self.partial_at >= 0)
        units[self.item_ptr[odd] + self.partial_at[odd]] = self.partial_units[odd]
        return units

    def over_pairs(self, kernel, *args) -> None:
        """Run a compiled kernel(…, lo, hi, outputs…) over ranges of pairs; `...` in args marks the range."""
        self._run(kernel, args, [(int(self.row_ptr[a]), int(self.row_ptr[b])) for a, b in self.chunks])

    def over_rows(self, kernel, *args) -> None:
        """Run a compiled kernel over ranges of rows; `...` in args marks where the range goes."""
        self._run(kernel, args, self.chunks)

    def _run(self, kernel, args, ranges) -> None:
        at = next(i for i, a in enumerate(args) if a is ...)
        calls = [(*args[:at], lo, hi, *args[at + 1 :]) for lo, hi in ranges if hi > lo]
        if self.threads <= 1 or len(calls) <= 1:
            for call in calls:
                kernel(*call)
            return
        with ThreadPoolExecutor(self.threads) as pool:
            list(pool.map(lambda call: kernel(*call), calls))


def prepare(problem: AllocationProblem, settings: AllocationSettings) -> Instance:
    """Sort the pairs, work out their limits and wants, and store the worth of every case within reach."""
    from allocation_assets.negbin import count_cases, fill_cases

    p, order = _sorted(problem)
    rows = len(p.row_dc)
    row_ptr = np.searchsorted(p.pair_row, np.arange(rows + 1))
    pack = p.row_case_pack[p.pair_row]
    gain = p.earned_per_unit
    cost = p.holding_per_unit + p.ship_cost_per_unit
    cap_units, cap_cases = _caps(p, pack)
    forced, forced_units, partial_at, partial_units = _forced(p, pack, cap_units)
    n = len(pack)
    want, first_unit = np.zeros(n, np.int64), np.zeros(n, np.bool_)
    empty = np.empty(0)
    inst = Instance(
        p, order, row_ptr, pack, cost, gain, cap_units, cap_cases, forced, forced_units, partial_at, partial_units,
        want, first_unit, empty, empty, empty, empty, _chunks(row_ptr, settings.threads), settings.threads,
    )  # fmt: skip
    walk = (p.mean_units, p.dispersion, p.position_units, pack, gain, cost)
    bonus = (p.presentation_value_per_unit, p.presentation_min_units)
    inst.over_pairs(count_cases, *walk, *bonus, ..., want, first_unit)
    # One case more than the row's supply is kept selectable: it sets the row's price where one pair takes it all.
    supply_cases = (p.row_supply_units // p.row_case_pack)[p.pair_row]
    reach = np.minimum(np.minimum(want, cap_cases), supply_cases + 1)
    # An odd last case of an override closes the pair: nothing may follow it.
    inst.lim = np.where(partial_at >= 0, forced, np.maximum(forced, reach))
    # One case beyond the reach is stored too: the value of one case more.
    stored = np.where((want > 0) | (forced > 0) | first_unit, inst.lim + 1, 0)
    inst.item_ptr = np.concatenate([[0], np.cumsum(stored)]).astype(np.int64)
    inst.sales, inst.worth = np.empty(inst.item_ptr[-1]), np.empty(inst.item_ptr[-1])
    inst.over_pairs(fill_cases, *walk, *bonus, partial_at, partial_units, inst.item_ptr, ..., inst.sales, inst.worth)
    return inst


def _sorted(problem: AllocationProblem) -> tuple[AllocationProblem, np.ndarray]:
    row, key = problem.pair_row, problem.pair_key
    n = len(row)
    step, rise = np.diff(row), np.diff(key)
    order = np.arange(n) if np.all((step > 0) | ((step == 0) & (rise > 0))) else np.lexsort((key, row))
    sorted_row, sorted_key = row[order], key[order]
    if np.any((np.diff(sorted_row) == 0) & (np.diff(sorted_key) == 0)):
        raise ValueError("allocation: pair_key repeats within a supply row; give each pair one key")
    skip = {"receiving_capacity_units", "dispatch_capacity_units", "dispatch_capacity_lines"}
    skip |= {"pool_cap_units", "pool_is_protection"}
    names = [f.name for f in fields(problem) if not f.name.startswith("row_") and f.name not in skip]
    return replace(problem, **{name: getattr(problem, name)[order] for name in names}), order


def _caps(p: AllocationProblem, pack: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Units and whole cases that blocks, maximum and shelf admit; forced minimums are cut to them too."""
    room = np.where(p.shelf_capacity_units >= 0, p.shelf_capacity_units - p.position_units, UNLIMITED)
    top = np.where(p.max_units >= 0, p.max_units, UNLIMITED)
    units = np.maximum(np.minimum(room, top), 0)
    units[p.block != OPEN] = 0
    return units, units // pack


def _forced(p: AllocationProblem, pack, cap_units):
    """Cases of the minimum: whole cases where they fit under the maximum, else one odd last case (override)."""
    least = np.minimum(p.min_units, np.where(p.max_units >= 0, p.max_units, UNLIMITED))
    whole = -(-least // pack)
    fits = whole * pack <= cap_units
    odd = ~fits & (least <= cap_units) & (least > 0)
    cases = np.where(fits | odd, whole, cap_units // pack)
    partial_at = np.where(odd, whole - 1, -1)
    partial_units = np.where(odd, least - (whole - 1) * pack, 0)
    units = np.where(odd, least, cases * pack)
    return cases, units, partial_at, partial_units


def _chunks(row_ptr: np.ndarray, threads: int) -> list[tuple[int, int]]:
    """Ranges of rows with about equal numbers of pairs."""
    rows, pairs = len(row_ptr) - 1, int(row_ptr[-1])
    count = 1 if pairs < 20_000 else 4 * max(threads, 1)
    cuts = np.searchsorted(row_ptr, np.linspace(0, pairs, count + 1)[1:-1])
    edges = np.unique(np.concatenate([[0], cuts, [rows]]))
    return [(int(a), int(b)) for a, b in pairwise(edges)]
