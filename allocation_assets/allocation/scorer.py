"""Recomputes value and bound of a plan from the problem, the cases and the prices alone.

Shares no code with the engine: expected sales come from closed forms (incomplete beta) instead of the compiled walk,
limits and the best number of cases at the prices from vectorised bisection instead of stored case values. A plan whose
own figures differ from these is wrong, whichever of the two is at fault.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.allocation.problem import AllocationPlan, AllocationProblem
from allocation_assets.demand.distribution import expected_sales


@dataclass(frozen=True)
class Score:
    """Money: value and presentation bonus of the plan, a bound on value at the plan's prices; value per pair (n)."""

    objective_value: float
    objective_bound: float
    presentation_bonus: float
    value_by_pair: np.ndarray
    uplift_by_pair: np.ndarray


def score(problem: AllocationProblem, plan: AllocationPlan) -> Score:
    """Value, bonus and Lagrangian bound, from scratch. The bound holds for any plan with the same forced cases."""
    value, uplift, bonus = worth_of(problem, plan.units)
    pack = problem.pair_pack
    forced = np.where(plan.forced_cases >= plan.cases, plan.units, plan.forced_cases * pack)
    case_price, line_price = _prices(problem, plan, pack)
    top = _most_cases(problem, plan, pack, forced)
    has = (plan.units - forced) // pack
    fee = np.where(forced == 0, line_price + problem.line_cost, 0.0)
    least = np.where(forced == 0, np.maximum(-(-problem.min_ship_units // pack), 1), 0)
    best = _best_profit(problem, pack, forced, top, has, least, case_price, fee)
    forced_value, _, forced_bonus = worth_of(problem, forced)
    bound = float(np.sum(best) + np.sum(forced_value + forced_bonus)) + _rent(problem, plan, pack, forced)
    total_bonus = float(np.sum(bonus))
    return Score(float(np.sum(value)), bound - total_bonus, total_bonus, value, uplift)


def worth_of(p: AllocationProblem, units) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(value, expected units sold, presentation bonus) of `units` on top of the position, the line's cost taken off."""
    stock = p.position_units + units
    uplift = expected_sales(stock, p.mean_units, p.dispersion)
    uplift = uplift - expected_sales(p.position_units, p.mean_units, p.dispersion)
    value = p.earned_per_unit * uplift - units * p.cost_per_unit
    value = value - np.where(units > 0, p.line_cost, 0.0)
    before = np.minimum(p.position_units, p.presentation_min_units)
    bonus = p.presentation_value_per_unit * (np.minimum(stock, p.presentation_min_units) - before)
    return value, uplift, bonus


def _prices(p: AllocationProblem, plan: AllocationPlan, pack) -> tuple[np.ndarray, np.ndarray]:
    """(price of a case of each pair, price of a line to it)."""
    case_price = plan.row_price[p.pair_row] * p.multiple_cases
    for price, bucket in (
        (plan.pool_price, p.pool),
        (plan.receiving_price, p.receiving_bucket),
        (plan.dispatch_price, p.dispatch_bucket),
    ):
        inside = bucket >= 0
        case_price[inside] += pack[inside] * price[bucket[inside]]
    line_price, ships = np.zeros(len(pack)), p.dispatch_bucket >= 0
    line_price[ships] = plan.line_price[p.dispatch_bucket[ships]]
    return case_price, line_price


def _most_cases(p: AllocationProblem, plan: AllocationPlan, pack, forced) -> np.ndarray:
    """Free whole cases that block, maximum, shelf and the row's supply admit beyond the forced units.

    None where the forced minimum was an odd number of units or was not met in full (both close the pair).
    """
    room = p.row_supply_units[p.pair_row] - forced
    shelf = p.shelf_capacity_units >= 0
    room[shelf] = np.minimum(room, p.shelf_capacity_units - p.position_units - forced)[shelf]
    room[p.max_units >= 0] = np.minimum(room, p.max_units - forced)[p.max_units >= 0]
    room[(p.block != 0) | (forced % pack != 0)] = 0
    limit = np.where(p.max_units >= 0, p.max_units, p.min_units)
    room[plan.units < np.minimum(p.min_units, limit)] = 0
    return np.maximum(room, 0) // pack


def _best_profit(p: AllocationProblem, pack, forced, top, has, least, case_price, fee) -> np.ndarray:
    """Largest sum of (worth - price) over 0 or `least`..top free cases, the line's fee taken off, never below 0.

    The worth of a case falls, so the plan's own number `has` is best where its last case pays and its next does not;
    elsewhere the best number is found by bisection. A least size above it is the best that is allowed.
    """
    everywhere = np.arange(len(pack))
    following = _case_worth(p, everywhere, forced + has * pack, pack)
    last = np.full(len(pack), np.inf)
    some = np.flatnonzero(has > 0)
    last[some] = _case_worth(p, some, (forced + (has - 1) * pack)[some], pack[some])
    settled = (last >= case_price) & ((has >= top) | (following <= case_price))
    best = has.copy()
    open_pairs = np.flatnonzero(~settled & (top > 0))
    best[~settled & (top <= 0)] = 0
    best[open_pairs] = _bisect(p, open_pairs, pack[open_pairs], forced[open_pairs], top[open_pairs], case_price)
    best = np.where(least <= top, np.maximum(best, least), 0)
    profit = np.zeros(len(pack))
    gains = np.flatnonzero(best > 0)
    amount = (best * pack)[gains]
    profit[gains] = _case_worth(p, gains, forced[gains], amount) - (best * case_price + fee)[gains]
    return np.maximum(profit, 0.0)


def _case_worth(p: AllocationProblem, pairs, before, amount) -> np.ndarray:
    """Worth (value + bonus) of `amount` units on top of `before` units, for the given pairs."""
    mean, dispersion = p.mean_units[pairs], p.dispersion[pairs]
    start = p.position_units[pairs] + before
    sold = expected_sales(start + amount, mean, dispersion) - expected_sales(start, mean, dispersion)
    shown = np.clip(p.presentation_min_units[pairs] - start, 0, amount)
    gain, cost = p.earned_per_unit, p.cost_per_unit
    return gain[pairs] * sold - amount * cost[pairs] + p.presentation_value_per_unit[pairs] * shown


def _bisect(p: AllocationProblem, pairs, pack, forced, top, case_price) -> np.ndarray:
    """Largest number of free cases whose last one pays its price."""
    low, high = np.zeros(len(pairs), np.int64), top.copy()
    while (low < high).any():
        at = np.flatnonzero(low < high)
        middle = (low[at] + high[at]) // 2
        pays = _case_worth(p, pairs[at], forced[at] + middle * pack[at], pack[at]) > case_price[pairs[at]]
        low[at] = np.where(pays, middle + 1, low[at])
        high[at] = np.where(pays, high[at], middle)
    return low


def _rent(p: AllocationProblem, plan: AllocationPlan, pack, forced) -> float:
    """Price x limit, the forced part taken off, over rows, pools and capacities.

    A row's supply is handed out in steps of what all its pairs' packs are multiples of.
    """
    step = np.zeros(len(p.row_case_pack), np.int64)
    np.gcd.at(step, p.pair_row, p.multiple_cases)
    step = np.maximum(step, 1)
    used = np.zeros(len(step), np.int64)
    np.add.at(used, p.pair_row, forced)
    cases = (p.row_supply_units - used) // (p.row_case_pack * step) * step
    total = float(np.sum(plan.row_price * cases))
    lines = (forced > 0).astype(np.int64)
    limits = (
        (plan.pool_price, _whole(p.pool_cap_units, p.pool, forced, pack), p.pool, forced),
        (plan.receiving_price, p.receiving_capacity_units, p.receiving_bucket, forced),
        (plan.dispatch_price, p.dispatch_capacity_units, p.dispatch_bucket, forced),
        (plan.line_price, p.dispatch_capacity_lines, p.dispatch_bucket, lines),
    )
    for price, capacity, bucket, amount in limits:
        load = np.zeros(len(capacity), np.int64)
        np.add.at(load, bucket[bucket >= 0], amount[bucket >= 0])
        total += float(np.sum(price * (np.maximum(capacity, 0) - load) * (capacity >= 0)))
    return total


def _whole(cap: np.ndarray, pool: np.ndarray, forced: np.ndarray, pack: np.ndarray) -> np.ndarray:
    """Caps of pools, with what forced units leave cut to whole steps of their pairs' packs."""
    step, used, inside = np.zeros(len(cap), np.int64), np.zeros(len(cap), np.int64), pool >= 0
    np.gcd.at(step, pool[inside], pack[inside])
    np.add.at(used, pool[inside], forced[inside])
    return used + (cap - used) // np.maximum(step, 1) * np.maximum(step, 1)
