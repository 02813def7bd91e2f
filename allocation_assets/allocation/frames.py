"""From the run's tables to the engine's arrays, and from its plan to the published tables. Pure; no files."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allocation_assets.allocation import limits
from allocation_assets.allocation.kept_stock import kept_stock
from allocation_assets.allocation.least_change import ForcedMinimums, forced_minimums
from allocation_assets.allocation.market import Limits
from allocation_assets.allocation.problem import (
    BLOCKED,
    EQUAL_DAYS,
    MARGINAL_VALUE,
    PROPORTIONAL,
    TIERS,
    AllocationPlan,
    AllocationProblem,
    allocation_problem,
    of_bucket,
)
from allocation_assets.allocation.trust import RecordTrust, position_units
from allocation_assets.policy import Policy, Resolution
from allocation_assets.schedule import PARAMETERS, ScheduledPairs
from allocation_assets.tables import codes, dates, floats, integers

#: Codes of the values of `allocation.rule`.
RULES = {"marginal_value": MARGINAL_VALUE, "proportional": PROPORTIONAL, "equal_days": EQUAL_DAYS, "tiers": TIERS}


def build_problem(
    pairs: ScheduledPairs,
    supply: pa.Table,
    forecasts: pa.Table,
    trust: RecordTrust,
    policy: Policy,
    run_date: date,
    booked: pa.Table,
) -> AllocationProblem:
    """The day's problem. `supply` has one row per SKU x DC; `forecasts` and `trust` are aligned with the pairs.

    `booked` (int_booked_capacity) is what earlier decisions and shipments under way use of the capacities.
    """
    table = pairs.table
    rows = supply_rows(pairs, supply, policy, run_date)
    cycle = cycle_days(pairs)
    pools = limits.pools(pairs, rows["pair_row"], rows["row_free"], rows["row_protected"])
    worth, position = _demand_and_money(pairs, forecasts, trust, cycle), position_units(table, trust)
    kept = kept_stock(pairs, forecasts, rows, worth, position, run_date)
    return allocation_problem(
        pair_row=rows["pair_row"],
        pair_key=np.arange(table.num_rows),
        position_units=position,
        shelf_capacity_units=integers(table, "shelf_capacity", -1),
        min_units=limits.minimum(pairs),
        max_units=limits.maximum(pairs),
        is_max_override=~table["max_units"].is_null().to_numpy(zero_copy_only=False).astype(bool),
        block=limits.block(pairs, trust, run_date),
        multiple_cases=limits.multiple_cases(table, pairs.policy),
        min_ship_units=limits.least_shipment(pairs),
        pool=pools.pool,
        pool_cap_units=pools.cap_units,
        pool_is_protection=pools.is_protection,
        tier=pairs.policy["allocation.tier"],
        row_dc=rows["row_dc"],
        row_case_pack=rows["row_case_pack"],
        row_available_units=rows["row_available"],
        row_hold_back_units=rows["row_hold_back"],
        row_keep_price=kept.price,
        is_last_shipment=kept.is_last_shipment,
        row_rule=rows["row_rule"],
        **worth,
        **limits.capacities(pairs, rows, booked),
    )


def _demand_and_money(pairs: ScheduledPairs, forecasts: pa.Table, trust: RecordTrust, cycle: np.ndarray) -> dict:
    """Demand over the horizon, raised by the buffers, and what a unit earns and costs at each pair.

    A unit that is left unsold saves a later shipment, so the lane's cost is one of units sold; an item on its way out
    has no later shipment, there every unit sent pays it.
    """
    values, schedule = pairs.policy, pairs.schedule
    daily_mean = floats(forecasts, "daily_mean") * (1.0 + trust.buffer_rate)
    lane_cost = floats(pairs.table, "cost_per_unit")
    leaves = pc.equal(pairs.table["lifecycle"], "exit").fill_null(False).to_numpy(zero_copy_only=False)
    earned = values["allocation.priority_weight"] * values["costs.lost_sale_per_unit"]
    return {
        "mean_units": daily_mean * schedule.horizon_days.astype(np.float64),
        "daily_mean_units": daily_mean,
        "dispersion": np.maximum(floats(forecasts, "dispersion", 1.0), 1.0),
        "gain_per_unit": np.maximum(earned - np.where(leaves, 0.0, lane_cost), 0.0),
        "holding_per_unit": values["costs.holding_per_unit_day"] * np.where(schedule.block == 0, cycle, 0.0),
        "ship_cost_per_unit": np.where(leaves, lane_cost, 0.0),
        "line_cost": np.nan_to_num(values["costs.shipment_per_line"]),
        "presentation_min_units": integers(pairs.table, "presentation_min"),
        "presentation_value_per_unit": np.maximum(values["allocation.presentation_value_per_unit"], 0.0),
    }


def cycle_days(pairs: ScheduledPairs) -> np.ndarray:
    """Days (n,) between the arrival decided now and the next one: what a unit sent is held for, and when one kept can follow."""
    schedule = pairs.schedule
    return (schedule.next_arrival_date - schedule.arrival_date).astype("timedelta64[D]").astype(np.float64)


def supply_rows(pairs: ScheduledPairs, supply: pa.Table, policy: Policy, run_date: date) -> dict[str, np.ndarray]:
    """Supply rows (SKU x source DC) in order of first appearance, with what each may ship and what it waits for.

    Hold-back is the policy's share of the row's available stock, rounded up to a whole unit.
    """
    table = pairs.table
    pair_row = codes(table["sku_id"], table["from_location_id"])
    _, first = np.unique(pair_row, return_index=True)
    of_row = table.take(pa.array(first))
    at = _supply_at(of_row, supply)
    available = _of_supply(supply, at, "available", 0)
    values = _row_policy(of_row, policy, run_date)
    hold_back = np.ceil(np.nan_to_num(values["allocation.hold_back_rate"]) * available - 1e-9).astype(np.int64)
    return {
        "pair_row": pair_row,
        "row_dc": codes(of_row["from_location_id"]),
        "row_case_pack": np.maximum(integers(of_row, "case_pack", 1), 1),
        "row_available": available,
        "row_hold_back": hold_back,
        "row_free": np.maximum(available - hold_back, 0),
        "row_protected": _of_supply(supply, at, "protected_units", 0),
        "row_rule": np.array([RULES[name] for name in values["allocation.rule"]], np.int64),
        "row_inbound_days": _inbound_days(supply, at, run_date),
        "row_keep_days": np.asarray(values["allocation.keep_days"], np.float64),
        "row_is_by_value": np.isnan(values["allocation.hold_back_rate"]),
        "row_dispatch_units": _of_supply(supply, at, "dispatch_capacity_units", -1),
        "row_dispatch_lines": _of_supply(supply, at, "dispatch_capacity_lines", -1),
    }


def _supply_at(of_row: pa.Table, supply: pa.Table) -> np.ndarray:
    """Index (m,) of each row's stock in `supply`, -1 where the DC has none of the SKU."""
    key = _row_key(of_row["from_location_id"], of_row["sku_id"])
    found = pc.index_in(key, _row_key(supply["location_id"], supply["sku_id"]))
    return found.fill_null(-1).to_numpy().astype(np.int64)


def _row_policy(of_row: pa.Table, policy: Policy, run_date: date) -> Resolution:
    """Hold-back, rule and days to last of each supply row: `location` is the DC, what only a receiver has matches nothing."""
    attributes = {name: of_row[name] for name in of_row.column_names if name not in ("to_location_id", "location_type")}
    attributes |= {"location_id": of_row["from_location_id"], "location_type": pa.array(["dc"] * of_row.num_rows)}
    for name in ("region", "cluster", "channel", "tier"):
        attributes[name] = pa.nulls(of_row.num_rows, pa.string())
    names = ["allocation.hold_back_rate", "allocation.keep_days", "allocation.rule"]
    return policy.resolve(names, pa.table(attributes), run_date)


def _row_key(location: pa.ChunkedArray, sku: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(location, sku, "\x1f")


def _of_supply(supply: pa.Table, at: np.ndarray, column: str, null: int) -> np.ndarray:
    values = integers(supply, column, null)
    return np.where(at >= 0, values[at] if len(values) else null, null)


def _inbound_days(supply: pa.Table, at: np.ndarray, run_date: date) -> np.ndarray:
    """Days (m,) from the run date to the row's next inbound, NaN = none."""
    expected = np.append(dates(supply, "next_inbound_date"), np.datetime64("NaT", "D"))[at]
    days = (expected - np.datetime64(run_date, "D")).astype(np.float64)
    return np.where(np.isnat(expected), np.nan, days)


#: Columns of a pair that the published datasets repeat.
_KEPT = (
    "from_location_id",
    "to_location_id",
    "sku_id",
    "channel",
    "department",
    "on_hand",
    "in_transit",
    "override_id",
)
_LIMITS = {
    "receiving_capacity_units": "receiving_bucket",
    "dispatch_capacity_units": "dispatch_bucket",
    "dispatch_capacity_lines": "dispatch_bucket",
}


def _limit_of(problem: AllocationProblem, name: str) -> pa.Array:
    """The capacity that a pair shares with others, null where there is none."""
    values = getattr(problem, name)[getattr(problem, _LIMITS[name])]
    return pa.array(values, mask=values < 0)


def plan_table(
    pairs: ScheduledPairs,
    problem: AllocationProblem,
    plan: AllocationPlan,
    forecasts: pa.Table,
    trust: RecordTrust,
    after_forced: Limits | None = None,
) -> pa.Table:
    """Everything decided per pair, one row per pair in the pairs' order; `allocations` and needs select from it.

    `after_forced`: what minimums leave of the run's capacities, where the pairs are one shard of it (see least_change).
    """
    table, schedule = pairs.table, pairs.schedule
    can_ship = schedule.block == 0
    columns = {
        **{name: table[name] for name in _KEPT},
        "believed_on_hand": trust.believed_on_hand,
        "probability_wrong": trust.probability_wrong,
        "record_action": pa.array(trust.action),
        "record_buffer_rate": trust.buffer_rate,
        "daily_mean": forecasts["daily_mean"],
        "dispersion": problem.dispersion,
        "horizon_days": schedule.horizon_days,
        "position_units": problem.position_units,
        "supply_units": problem.row_supply_units[problem.pair_row],
        "case_pack": problem.row_case_pack[problem.pair_row],
        "presentation_min": problem.presentation_min_units,
        "shelf_capacity": table["shelf_capacity"],
        "rule_id": pairs.policy.shaping_rule_id(list(PARAMETERS)).dictionary_decode(),
        "ship_date": pa.array(np.where(can_ship, schedule.ship_date, np.datetime64("NaT", "D"))),
        "arrival_date": pa.array(np.where(can_ship, schedule.arrival_date, np.datetime64("NaT", "D"))),
        "is_firm": schedule.is_firm,
        "is_blocked": problem.block == BLOCKED,
    }
    forced = forced_minimums(pairs, problem, plan, after_forced)
    return pa.table(columns | _decided(problem, plan, forced) | _limit_columns(pairs, problem) | _prices(problem, plan))


def _decided(problem: AllocationProblem, plan: AllocationPlan, forced: ForcedMinimums) -> dict:
    """What the plan gives each pair, why, and what became of a forced minimum."""
    return {
        "need_units": np.where(forced.is_unmet, np.maximum(plan.need_units, forced.asked_units), plan.need_units),
        "units": plan.units,
        "cases": -(-plan.units // problem.row_case_pack[problem.pair_row]),
        "objective_value": plan.objective_value,
        "objective_bound": plan.objective_bound,
        "presentation_bonus": plan.presentation_bonus,
        "marginal_value": plan.marginal_value,
        "next_case_value": plan.next_case_value,
        "opportunity_cost": np.where(plan.cases > 0, plan.opportunity_cost, plan.next_opportunity_cost),
        "expected_units_sold_uplift": plan.expected_units_sold_uplift,
        "binding_constraint": pa.array(forced.binding, pa.string()),
        "priority_rank": plan.priority_rank,
        "is_repaired": plan.is_repaired,
        "forced_units": forced.asked_units,
        "least_change": forced.least_change,
    }


def _limit_columns(pairs: ScheduledPairs, problem: AllocationProblem) -> dict:
    """The limits that shape a pair's line; null = none."""
    cap = of_bucket(problem.pool_cap_units, problem.pool, -1)
    return {
        "order_units": problem.pair_pack,
        "min_ship_units": problem.min_ship_units,
        "line_cost": problem.line_cost,
        "pool": limits.pool_names(pairs, problem.pool),
        "pool_cap_units": pa.array(cap, mask=cap < 0),
        **{name: _limit_of(problem, name) for name in _LIMITS},
    }


def _prices(problem: AllocationProblem, plan: AllocationPlan) -> dict:
    """What one unit (or line) more of each limit would be worth to the plan, and a unit that stays at the DC; money."""
    row = problem.pair_row
    return {
        "kept_value_per_unit": problem.row_keep_price[row],
        "supply_price": (plan.row_price / problem.row_case_pack)[row],
        "pool_price": of_bucket(plan.pool_price, problem.pool, 0.0),
        "receiving_price": of_bucket(plan.receiving_price, problem.receiving_bucket, 0.0),
        "dispatch_price": of_bucket(plan.dispatch_price, problem.dispatch_bucket, 0.0),
        "line_price": of_bucket(plan.line_price, problem.dispatch_bucket, 0.0),
    }


def dc_rents(pairs: ScheduledPairs, problem: AllocationProblem, plan: AllocationPlan) -> tuple[list[str], np.ndarray, float]:
    """(DC per code, unused rent of its rows, unused rent of what DCs share), for `certificate_table`."""
    names = pairs.table["from_location_id"].unique().to_pylist()
    rent = np.bincount(problem.row_dc, weights=plan.row_rent, minlength=len(names)) if len(names) else np.zeros(0)
    return names, rent, float(plan.receiving_rent.sum() + plan.dispatch_rent.sum())


def certificate_table(dcs: list[str], rent: np.ndarray, shared: float) -> pa.Table:
    """Unused rent per DC and for the run (`*`): what the bound holds beyond the slices (semantics 22)."""
    return pa.table({"from_location_id": [*dcs, "*"], "rent": [*rent.tolist(), sum(rent.tolist()) + shared]})
