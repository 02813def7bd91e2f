"""The allocation engine: one day's plan, its explanation and its certificate.

Model (algorithms.md section 1). Case k of a pair with position a, case pack m, demand D over the horizon is worth

    D_k = sum over its units u of [e P(D > u) - h - c]  +  presentation bonus per unit below the minimum

with e = w g - (what a kept unit earns) + h (a pair's last shipment before the inbound pays the latter with c instead), which never rises with k. Maximise the sum of D_k less the cost of lines over
whole cases subject to the supply of each row (available less hold-back), pools, maximum and shelf capacity of each
pair, the least size of a line, and, where given, receiving and dispatch capacity. Forced minimums are served first,
by worth per unit; the bound is conditional on them (an override is a constraint, not a choice of the engine).

* Supply only: the largest case values of each row are the exact optimum (Gross 1956, Fox 1966), also with pools inside
  the rows (laminar: Federgruen and Groenevelt 1986); gap exactly 0.
* With capacities, line costs, least sizes or several packs in a row: see `prices` (bound), `repair` and `polish` (plan).

Opportunity cost (semantics 23), per case: the SKU's price as the pair sees it (for a pair with a line what the freed case
would earn elsewhere in its row, for one without what its case would displace, both at the capacity prices) + capacity
prices x use (+ the price and cost of the line where the line has one case). Forcing one case out moves the objective
by -(marginal_value - opportunity_cost): exactly where only supply limits, within the gap where capacities couple.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocation_assets.allocation.explain import binding_reasons
from allocation_assets.allocation.fair_share import shared_limits
from allocation_assets.allocation.market import Limits, pack_market
from allocation_assets.allocation.prepare import Instance, count_wants, prepare
from allocation_assets.allocation.prices import relax
from allocation_assets.allocation.problem import (
    AllocationPlan,
    AllocationProblem,
    AllocationSettings,
    Certificate,
    of_bucket,
)
from allocation_assets.allocation.solve import Solution, part_of, row_steps, solve
from allocation_assets.allocation.stream import OneShard, complete_shard, solve_stream


@dataclass
class Shard:
    """One shard's own view of the solution, in sorted order: per pair, row and pool."""

    base: np.ndarray
    lim: np.ndarray
    shared: np.ndarray
    x: np.ndarray
    units: np.ndarray
    repaired: np.ndarray
    after_forced: Limits
    left: Limits
    row_price: np.ndarray
    pool_price: np.ndarray
    unit_price: np.ndarray
    rent: np.ndarray
    line_price: np.ndarray
    solution: Solution


def plan(problem: AllocationProblem, settings: AllocationSettings | None = None) -> AllocationPlan:
    """Decide the day's allocation. Deterministic for any thread count and any order of the pairs.

    Ties go to the lowest row, then the lowest pair key. Raises ValueError where a key repeats within a row.
    """
    settings = settings or AllocationSettings()
    if len(problem.pair_row) < settings.stream_pairs:
        inst = prepare(problem, settings)
        return describe(inst, solve([part_of(inst)], settings), 0)
    solution = solve_stream(OneShard(problem), settings)
    inst = prepare(problem, settings)
    complete_shard(inst, solution, 0)
    return describe(inst, solution, 0)


def shard_view(inst: Instance, s: Solution, number: int) -> Shard:
    """The part of a solution that concerns shard `number` (prepared again or kept as `inst`)."""
    n, p, place = len(inst.pack), inst.problem, s.of_shard(number)
    lo, forced, active = place.first_pair, place.forced, place.served
    base, units, x = np.zeros(n, np.int64), np.zeros(n, np.int64), np.zeros(n, np.int64)
    repaired = np.zeros(n, np.bool_)
    base[s.forced_pairs[forced] - lo] = s.granted[forced]
    units[s.forced_pairs[forced] - lo] = s.granted_units[forced]
    at = s.pair[active] - lo
    x[at] = s.x[active]
    repaired[at] = s.is_repaired[active]
    units += x * inst.pack

    def mine(limits: Limits) -> Limits:
        return replace(limits, row=limits.row[place.rows], pool=limits.pool[place.pools])

    row_price, pool_price = s.low[place.rows], s.pool_price[place.pools]
    rent = of_bucket(s.prices.receiving, p.receiving_bucket, 0.0) + of_bucket(s.prices.dispatch, p.dispatch_bucket, 0.0)
    unit_price = row_price[p.pair_row] + of_bucket(pool_price, p.pool, 0.0) + rent
    return Shard(
        base, np.where(base < inst.forced, base, inst.lim), shared_limits(inst, base), base + x, units, repaired,
        mine(s.after_forced), mine(s.left), row_price, pool_price, unit_price, rent,
        of_bucket(s.prices.lines, p.dispatch_bucket, 0.0), s,
    )  # fmt: skip


def describe(inst: Instance, solution: Solution, number: int) -> AllocationPlan:
    """Everything about one shard's pairs, and its certificate (of the run, where it is the only shard)."""
    s = shard_view(inst, solution, number)
    p = inst.problem
    value, bonus, uplift = _value(inst, s)
    regret = _regret(inst, s)
    bound = value + regret
    leaving, entering = _opportunity(inst, s)
    rent = _rents(inst, s)
    marginal, marginal_bonus, following = _ends(inst, s)
    asked = _asked(inst)
    need = np.maximum(_gross_want(inst) * inst.pack, asked)
    net_need = np.maximum(inst.want * inst.pack, asked)
    columns = {
        "want_cases": inst.want, "need_units": need, "cases": s.x, "units": s.units, "forced_cases": s.base,
        "objective_value": value, "objective_bound": bound, "presentation_bonus": bonus,
        "marginal_value": marginal, "marginal_presentation": marginal_bonus, "next_case_value": following,
        "opportunity_cost": np.where(s.x > 0, leaving, entering), "next_opportunity_cost": entering,
        "expected_units_sold_uplift": uplift, "priority_rank": _ranks(inst, s), "is_repaired": s.repaired,
        "binding": binding_reasons(inst, s.x, s.shared, s.left, need, net_need),
    }  # fmt: skip
    total, by_dc = _certificates(inst, s, value, bound, bonus, rent)
    return AllocationPlan(
        **{name: _unsorted(values, inst.order) for name, values in columns.items()},
        row_price=s.row_price * p.row_case_pack, pool_price=s.pool_price, row_rent=rent["row"],
        receiving_price=solution.prices.receiving, receiving_rent=rent["receiving"],
        dispatch_price=solution.prices.dispatch, line_price=solution.prices.lines, dispatch_rent=rent["dispatch"],
        certificate=total, certificate_by_dc=by_dc,
    )  # fmt: skip


def _ranks(inst: Instance, s: Shard) -> np.ndarray:
    from allocation_assets.allocation._kernels import ranks

    rank = np.zeros(len(s.x), np.int32)
    stored = np.diff(inst.item_ptr) > 0
    served = stored & ((s.x > 0) | ((inst.want > 0) & (s.lim > 0)))
    first = np.zeros(len(s.x))
    first[stored] = inst.worth[inst.item_ptr[:-1][stored]]
    ranks(inst.row_ptr, first / inst.pack, s.base, served, rank)
    return rank


def _gross_want(inst: Instance) -> np.ndarray:
    """Cases that would pay if nothing were kept at the DC for later: what a location needs by itself."""
    p, want = inst.problem, inst.want.copy()
    kept = np.flatnonzero(p.row_keep_price[p.pair_row] > 0)
    gross = np.maximum(p.gain_per_unit + p.holding_per_unit, 0.0)[kept]
    sent = (p.holding_per_unit + p.ship_cost_per_unit)[kept]
    want[kept] = np.maximum(count_wants(inst, kept, gross, sent), want[kept])
    return want


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


def _value(inst: Instance, s: Shard):
    """Value without bonus, presentation bonus and expected units sold of what each pair gets."""
    from allocation_assets.negbin import sales_between

    p = inst.problem
    uplift = np.zeros(len(s.x))
    inst.over_pairs(sales_between, p.mean_units, p.dispersion, p.position_units, s.units, ..., uplift)
    value = inst.gain * uplift - s.units * inst.cost - np.where(s.units > 0, p.line_cost, 0.0)
    shown = np.clip(p.presentation_min_units - p.position_units, 0, s.units)
    return value, p.presentation_value_per_unit * shown, uplift


def _regret(inst: Instance, s: Shard) -> np.ndarray:
    from allocation_assets.allocation._kernels import regrets

    out = np.empty(len(s.x))
    regrets(
        inst.item_ptr, inst.worth, s.base, s.lim, s.x, inst.least, inst.problem.line_cost, inst.pack * s.unit_price,
        s.line_price, out,
    )  # fmt: skip
    return out


def _opportunity(inst: Instance, s: Shard):
    """(cost per case of what a pair has, cost of one case more) in money per case."""
    from allocation_assets.allocation._kernels import opportunity

    n, p = len(s.x), inst.problem
    leaving, entering = np.empty(n), np.empty(n)
    opportunity(
        inst.row_ptr, inst.item_ptr, inst.worth, s.base, s.lim, s.x, s.left.row, inst.pack, s.rent, p.pool, s.left.pool,
        leaving, entering,
    )  # fmt: skip
    line = s.line_price + p.line_cost
    return leaving + np.where(s.x == 1, line, 0.0), entering + np.where(s.x == 0, line, 0.0)


def _rents(inst: Instance, s: Shard) -> dict[str, np.ndarray]:
    """Price x unused limit; exactly 0 where the plan uses the limit up or the price is 0."""

    def unused(price, left):
        return np.where(price > 0, price * left, 0.0)

    p, prices = inst.problem, s.solution.prices
    step = row_steps(p, inst.pack)
    used = np.zeros(len(step), np.int64)
    np.add.at(used, p.pair_row, (s.x - s.base) * inst.pack)
    row = unused(s.row_price, s.after_forced.row // step * step - used)
    owner = np.zeros(len(s.pool_price), np.int64)
    owner[p.pool[p.pool >= 0]] = p.pair_row[p.pool >= 0]
    np.add.at(row, owner, unused(s.pool_price, s.left.pool))
    dispatch = unused(prices.dispatch, s.left.dispatch) + unused(prices.lines, s.left.lines)
    return {"row": row, "receiving": unused(prices.receiving, s.left.receiving), "dispatch": dispatch}


def _ends(inst: Instance, s: Shard):
    """(worth of the last case, bonus in it, worth of the next case); 0 where there is none."""
    p = inst.problem
    stored = np.diff(inst.item_ptr) > s.x
    got = s.x > 0
    marginal, following = np.zeros(len(s.x)), np.zeros(len(s.x))
    marginal[got] = inst.worth[inst.item_ptr[:-1][got] + s.x[got] - 1]
    following[stored] = inst.worth[inst.item_ptr[:-1][stored] + s.x[stored]]
    last = np.where(s.x - 1 == inst.partial_at, inst.partial_units, inst.pack)
    before = p.position_units + s.units - last
    shown = np.clip(p.presentation_min_units - before, 0, last)
    return marginal, np.where(got, p.presentation_value_per_unit * shown, 0.0), following


def _certificates(inst: Instance, s: Shard, value, bound, bonus, rent):
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


def _bound_any_presentation(inst: Instance, s: Shard) -> float:
    """Bound on the value of any plan, whatever its presentation bonus: rows solved again without the bonus."""
    p = inst.problem
    case = np.arange(len(inst.worth)) - inst.item_ptr[inst.item_pair]
    before = p.position_units[inst.item_pair] + case * inst.pack[inst.item_pair]
    shown = np.clip(p.presentation_min_units[inst.item_pair] - before, 0, inst.item_units)
    plain = replace(inst, worth=inst.worth - p.presentation_value_per_unit[inst.item_pair] * shown)
    market = pack_market(plain, s.base, s.lim, s.after_forced)
    relaxed = relax(market, s.solution.prices, inst.threads)
    granted = np.where(case < s.base[inst.item_pair], plain.worth, 0.0)
    lines = np.where((s.base > 0), p.line_cost, 0.0)
    return float(np.sum(granted) - np.sum(lines) + relaxed.bound)
