"""The allocation engine: one day's plan, its explanation and its certificate.

Model (algorithms.md section 1). Case k of a pair with position a, case pack m, demand D over the horizon is worth

    D_k = sum over its units u of [(w g + h) P(D > u) - h - c]  +  presentation bonus per unit below the minimum

which never rises with k. Maximise the sum of D_k over whole cases subject to the supply of each row (available less
hold-back), maximum and shelf capacity of each pair, and, where given, receiving and dispatch capacity. Forced
minimums are served first, by worth per unit; the bound is conditional on them (an override is a constraint, not a
choice of the engine).

* Supply only: the largest case values of each row are the exact optimum (Gross 1956, Fox 1966); gap exactly 0.
* With capacities: see `prices`. Where the optimum of the rows alone fits every capacity it is the optimum.

Opportunity cost (semantics 23), per case. Supply only, and exact: for a pair with a line, what the freed case earns
elsewhere in its row, so forcing one case out moves the objective by -(marginal_value - opportunity_cost); for a pair
without a line, what one case would displace. With binding capacities: row price + capacity prices x use (+ the line
price where the line has one case), the prices of the best bound.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.allocation.explain import binding_reasons
from allocation_assets.allocation.prepare import Instance, prepare
from allocation_assets.allocation.prices import CapacitySearch, Limits, Prices, full_limits, hand_out, relax, rent_of
from allocation_assets.allocation.problem import AllocationPlan, AllocationProblem, AllocationSettings, Certificate


@dataclass
class _Solution:
    """A plan in sorted order: cases and units per pair, forced part, limits before and after, prices."""

    base: np.ndarray
    lim: np.ndarray
    x: np.ndarray
    units: np.ndarray
    after_forced: Limits
    left: Limits
    prices: Prices
    is_exact: bool


def plan(problem: AllocationProblem, settings: AllocationSettings | None = None) -> AllocationPlan:
    """Decide the day's allocation. Deterministic for any thread count and any order of the pairs.

    Ties go to the lowest row, then the lowest pair key. Raises ValueError where a key repeats within a row.
    """
    settings = settings or AllocationSettings()
    inst = prepare(problem, settings)
    solution = _solve(inst, settings)
    return _describe(inst, solution)


def _solve(inst: Instance, settings: AllocationSettings) -> _Solution:
    limits = full_limits(inst)
    base = np.zeros(len(inst.pack), np.int64)
    units = np.zeros(len(inst.pack), np.int64)
    if inst.forced.any():
        _serve_forced(inst, base, units, limits)
    # A minimum that could not be met in full has used up one of its limits: nothing more for that pair.
    lim = np.where(base < inst.forced, base, inst.lim)
    after_forced = limits.copy()
    search = CapacitySearch(inst, base, lim, limits, settings)
    x, prices, is_exact = search.run()
    extra = (x - base) * inst.pack
    left = search.left_after(x)
    return _Solution(base, lim, x, units + extra, after_forced, left, prices, is_exact)


def _serve_forced(inst: Instance, base, units, limits: Limits) -> None:
    """Grant forced cases in order of worth per unit, each only where every limit allows it."""
    from allocation_assets.allocation._kernels import falling_scores

    scores = np.empty(len(inst.worth))
    falling_scores(inst.item_ptr, inst.worth, inst.item_units, inst.forced, scores)
    counts = inst.forced
    pairs = np.repeat(np.arange(len(counts)), counts)
    start = np.cumsum(counts) - counts
    items = inst.item_ptr[pairs] + np.arange(len(pairs)) - start[pairs]
    hand_out(inst, items[np.argsort(-scores[items], kind="stable")], counts, base, units, limits)


def _describe(inst: Instance, s: _Solution) -> AllocationPlan:
    from allocation_assets.allocation._kernels import ranks

    value, bonus, uplift = _value(inst, s)
    unit_price, line_price = s.prices.unit_price(inst), s.prices.line_price(inst)
    regret = _regret(inst, s, unit_price, line_price)
    bound = value + regret
    leaving, entering = _opportunity(inst, s, unit_price, line_price)
    rent = _rents(inst, s)
    marginal, marginal_bonus, following = _ends(inst, s)
    rank = np.zeros(len(s.x), np.int32)
    served = (np.diff(inst.item_ptr) > 0) & ((s.x > 0) | ((inst.want > 0) & (s.lim > 0)))
    ranks(inst.row_ptr, inst.item_ptr, inst.worth, s.base, served, rank)
    need = np.maximum(inst.want * inst.pack, _asked(inst))
    columns = {
        "want_cases": inst.want, "need_units": need, "cases": s.x, "units": s.units, "forced_cases": s.base,
        "objective_value": value, "objective_bound": bound, "presentation_bonus": bonus,
        "marginal_value": marginal, "marginal_presentation": marginal_bonus, "next_case_value": following,
        "opportunity_cost": np.where(s.x > 0, leaving, entering), "next_opportunity_cost": entering,
        "expected_units_sold_uplift": uplift, "binding": binding_reasons(inst, s.x, s.left, need),
        "priority_rank": rank,
    }  # fmt: skip
    total, by_dc = _certificates(inst, s, value, bound, bonus, rent)
    return AllocationPlan(
        **{name: _unsorted(values, inst.order) for name, values in columns.items()},
        row_price=s.prices.low, row_rent=rent["row"],
        receiving_price=s.prices.receiving, receiving_rent=rent["receiving"],
        dispatch_price=s.prices.dispatch, line_price=s.prices.lines, dispatch_rent=rent["dispatch"],
        certificate=total, certificate_by_dc=by_dc,
    )  # fmt: skip


def _asked(inst: Instance) -> np.ndarray:
    """Units a forced minimum asks for, in whole cases unless it is an odd override; 0 without one."""
    p = inst.problem
    least = np.where(p.max_units >= 0, np.minimum(p.min_units, p.max_units), p.min_units)
    whole = -(-least // inst.pack) * inst.pack
    return np.where((p.max_units >= 0) & (whole > p.max_units), least, whole)


def _unsorted(values: np.ndarray, order: np.ndarray) -> np.ndarray:
    out = np.empty_like(values)
    out[order] = values
    return out


def _value(inst: Instance, s: _Solution):
    """Value without bonus, presentation bonus and expected units sold of what each pair gets."""
    from allocation_assets.allocation._kernels import sum_items

    p = inst.problem
    uplift = np.empty(len(s.x))
    sum_items(inst.item_ptr, inst.sales, s.x, uplift)
    value = inst.gain * uplift - s.units * inst.cost
    shown = np.clip(p.presentation_min_units - p.position_units, 0, s.units)
    return value, p.presentation_value_per_unit * shown, uplift


def _regret(inst: Instance, s: _Solution, unit_price, line_price) -> np.ndarray:
    from allocation_assets.allocation._kernels import regrets

    case_price = s.prices.low[inst.problem.pair_row] + inst.pack * unit_price
    out = np.empty(len(s.x))
    regrets(inst.item_ptr, inst.worth, s.base, s.lim, s.x, case_price, line_price, out)
    return out


def _opportunity(inst: Instance, s: _Solution, unit_price, line_price):
    """(cost per case of what a pair has, cost of one case more) in money per case."""
    from allocation_assets.allocation._kernels import exact_opportunity

    n = len(s.x)
    leaving, entering = np.empty(n), np.empty(n)
    if s.is_exact:
        exact_opportunity(
            inst.row_ptr, inst.item_ptr, inst.worth, s.base, s.lim, s.x, s.left.row, inst.problem.row_case_pack,
            leaving, entering,
        )  # fmt: skip
        return leaving, entering
    price = s.prices.low[inst.problem.pair_row] + inst.pack * unit_price
    return price + np.where(s.x == 1, line_price, 0.0), price + np.where(s.x == 0, line_price, 0.0)


def _rents(inst: Instance, s: _Solution) -> dict[str, np.ndarray]:
    """Price x unused limit; exactly 0 where the plan uses the limit up or the price is 0."""

    def unused(price, left):
        return np.where(price > 0, price * left, 0.0)

    used = np.zeros(len(s.prices.low), np.int64)
    np.add.at(used, inst.problem.pair_row, s.x - s.base)
    free = s.after_forced.row // inst.problem.row_case_pack
    dispatch = unused(s.prices.dispatch, s.left.dispatch) + unused(s.prices.lines, s.left.lines)
    return {
        "row": unused(s.prices.low, free - used),
        "receiving": unused(s.prices.receiving, s.left.receiving),
        "dispatch": dispatch,
    }


def _ends(inst: Instance, s: _Solution):
    """(worth of the last case, bonus in it, worth of the next case); 0 where there is none."""
    p = inst.problem
    stored = np.diff(inst.item_ptr) > 0
    got = s.x > 0
    marginal, following = np.zeros(len(s.x)), np.zeros(len(s.x))
    marginal[got] = inst.worth[inst.item_ptr[:-1][got] + s.x[got] - 1]
    following[stored] = inst.worth[inst.item_ptr[:-1][stored] + s.x[stored]]
    last = np.where(s.x - 1 == inst.partial_at, inst.partial_units, inst.pack)
    before = p.position_units + s.units - last
    shown = np.clip(p.presentation_min_units - before, 0, last)
    return marginal, np.where(got, p.presentation_value_per_unit * shown, 0.0), following


def _certificates(inst: Instance, s: _Solution, value, bound, bonus, rent):
    p = inst.problem
    dcs = np.unique(p.row_dc)
    code = np.searchsorted(dcs, p.row_dc)
    pair_code = code[p.pair_row]

    def by_dc(amount, group):
        return np.bincount(group, amount, len(dcs)) if len(amount) else np.zeros(len(dcs))

    own = by_dc(value, pair_code), by_dc(bound, pair_code) + by_dc(rent["row"], code), by_dc(bonus, pair_code)
    dispatch_of = _dispatch_owner(inst, pair_code)
    shared = by_dc(rent["dispatch"][dispatch_of >= 0], dispatch_of[dispatch_of >= 0])
    slices = {int(dc): _certificate(own[0][i], own[1][i] + shared[i], own[2][i]) for i, dc in enumerate(dcs)}
    idle = float(np.sum(rent["row"]) + np.sum(rent["receiving"]) + np.sum(rent["dispatch"]))
    total_value, total_bonus = float(np.sum(value)), float(np.sum(bonus))
    # Regret and rent are added to the value, never recomputed: an exact plan shows a gap of exactly 0.
    total_bound = total_value + float(np.sum(bound - value)) + idle
    any_bound = _bound_any_presentation(inst, s) if total_bonus > 0 else total_bound
    return _certificate(total_value, total_bound, total_bonus, any_bound), slices


def _dispatch_owner(inst: Instance, pair_code) -> np.ndarray:
    """DC of each dispatch capacity, as seen from the pairs that use it; -1 where none does."""
    owner = np.full(len(inst.problem.dispatch_capacity_units), -1, np.int64)
    inside = inst.problem.dispatch_bucket >= 0
    owner[inst.problem.dispatch_bucket[inside]] = pair_code[inside]
    return owner


def _certificate(value, bound, bonus, any_bound=None) -> Certificate:
    value, bound = float(value), max(float(bound), float(value))
    gap = 1.0 - value / bound if bound > 0 else None
    return Certificate(value, bound, float(bonus), gap, any_bound)


def _bound_any_presentation(inst: Instance, s: _Solution) -> float:
    """Bound on the value of any plan, whatever its presentation bonus: rows solved again without the bonus."""
    worth = inst.gain[inst.item_pair] * inst.sales - inst.item_units * inst.cost[inst.item_pair]
    prices = Prices(s.prices.receiving, s.prices.dispatch, s.prices.lines, s.prices.high, s.prices.low)
    free = s.after_forced.row // inst.problem.row_case_pack
    inner = relax(inst, worth, s.base, s.lim, free, prices)[1]
    case = np.arange(len(worth)) - inst.item_ptr[inst.item_pair]
    granted = np.sum(np.where(case < s.base[inst.item_pair], worth, 0.0))
    return float(granted + np.sum(inner)) + rent_of(prices, s.after_forced)
