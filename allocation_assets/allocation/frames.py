"""From the run's tables to the engine's arrays, and from its plan to the published tables. Pure; no files."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa

from allocation_assets.allocation.problem import (
    BLOCKED,
    NO_SHIP_DAY,
    RECORD_HOLD,
    AllocationPlan,
    AllocationProblem,
    allocation_problem,
)
from allocation_assets.allocation.trust import RecordTrust, position_units
from allocation_assets.policy import Policy
from allocation_assets.schedule import PARAMETERS, ScheduledPairs
from allocation_assets.tables import codes, floats, integers


def build_problem(
    pairs: ScheduledPairs, supply: pa.Table, forecasts: pa.Table, trust: RecordTrust, policy: Policy, run_date: date
) -> AllocationProblem:
    """The day's problem. `supply` has one row per SKU x DC; `forecasts` and `trust` are aligned with the pairs."""
    table, values, schedule = pairs.table, pairs.policy, pairs.schedule
    horizon = schedule.horizon_days.astype(np.float64)
    rows = supply_rows(pairs, supply, policy, run_date)
    cover = (schedule.next_arrival_date - schedule.arrival_date).astype("timedelta64[D]").astype(np.float64)
    capacities = _capacities(pairs, rows)
    return allocation_problem(
        pair_row=rows["pair_row"],
        pair_key=np.arange(table.num_rows),
        mean_units=floats(forecasts, "daily_mean") * horizon * (1.0 + trust.buffer_rate),
        dispersion=np.maximum(floats(forecasts, "dispersion", 1.0), 1.0),
        position_units=position_units(table, trust),
        gain_per_unit=np.maximum(values["allocation.priority_weight"] * values["costs.lost_sale_per_unit"], 0.0),
        holding_per_unit=values["costs.holding_per_unit_day"] * np.where(schedule.block == 0, cover, 0.0),
        ship_cost_per_unit=floats(table, "cost_per_unit"),
        presentation_min_units=integers(table, "presentation_min"),
        presentation_value_per_unit=np.maximum(values["allocation.presentation_value_per_unit"], 0.0),
        shelf_capacity_units=integers(table, "shelf_capacity", -1),
        min_units=_minimum(pairs),
        max_units=_maximum(pairs),
        is_max_override=~table["max_units"].is_null().to_numpy(zero_copy_only=False).astype(bool),
        block=_block(pairs, trust),
        row_dc=rows["row_dc"],
        row_case_pack=rows["row_case_pack"],
        row_available_units=rows["row_available"],
        row_hold_back_units=rows["row_hold_back"],
        **capacities,
    )


def supply_rows(pairs: ScheduledPairs, supply: pa.Table, policy: Policy, run_date: date) -> dict[str, np.ndarray]:
    """Supply rows (SKU x source DC) in order of first appearance, with what each may ship.

    Hold-back is the policy's share of the row's available stock, rounded up to a whole unit.
    """
    table = pairs.table
    pair_row = codes(table["sku_id"], table["from_location_id"])
    _, first = np.unique(pair_row, return_index=True)
    of_row = table.take(pa.array(first))
    key = _row_key(of_row["from_location_id"], of_row["sku_id"])
    stock = dict(
        zip(_row_key(supply["location_id"], supply["sku_id"]).to_pylist(), range(supply.num_rows), strict=True)
    )
    at = np.array([stock.get(name, -1) for name in key.to_pylist()], np.int64)
    available = np.where(at >= 0, integers(supply, "available")[at] if supply.num_rows else 0, 0)
    attributes = {name: of_row[name] for name in of_row.column_names if name not in ("to_location_id", "location_type")}
    attributes |= {"location_id": of_row["from_location_id"], "location_type": pa.array(["dc"] * len(first))}
    for name in ("region", "cluster", "channel", "tier"):
        attributes[name] = pa.nulls(len(first), pa.string())
    rate = policy.resolve("allocation.hold_back_rate", pa.table(attributes), run_date)["allocation.hold_back_rate"]
    return {
        "pair_row": pair_row,
        "row_dc": codes(of_row["from_location_id"]),
        "row_case_pack": np.maximum(integers(of_row, "case_pack", 1), 1),
        "row_available": available,
        "row_hold_back": np.ceil(np.nan_to_num(rate) * available - 1e-9).astype(np.int64),
        "row_dispatch_units": _of_supply(supply, at, "dispatch_capacity_units"),
        "row_dispatch_lines": _of_supply(supply, at, "dispatch_capacity_lines"),
    }


def _row_key(location: pa.ChunkedArray, sku: pa.ChunkedArray) -> pa.ChunkedArray:
    import pyarrow.compute as pc

    return pc.binary_join_element_wise(location, sku, "\x1f")


def _of_supply(supply: pa.Table, at: np.ndarray, column: str) -> np.ndarray:
    values = integers(supply, column, -1)
    return np.where(at >= 0, values[at] if len(values) else -1, -1)


def _minimum(pairs: ScheduledPairs) -> np.ndarray:
    policy = np.nan_to_num(np.asarray(pairs.policy["allocation.min_units"], np.float64))
    return np.maximum(integers(pairs.table, "min_units"), policy.astype(np.int64))


def _maximum(pairs: ScheduledPairs) -> np.ndarray:
    policy = np.nan_to_num(np.asarray(pairs.policy["allocation.max_units"], np.float64), nan=-1.0).astype(np.int64)
    override = integers(pairs.table, "max_units", -1)
    return np.where(override >= 0, override, policy)


def _block(pairs: ScheduledPairs, trust: RecordTrust) -> np.ndarray:
    blocked = integers(pairs.table.set_column(0, "b", pairs.table["is_blocked"].cast(pa.int64())), "b") > 0
    idle = ~pairs.is_review_day | (pairs.schedule.horizon_days <= 0)
    cases = [(blocked | (pairs.schedule.block == BLOCKED), BLOCKED), (idle, NO_SHIP_DAY), (trust.is_held, RECORD_HOLD)]
    return np.select([case for case, _ in cases], [code for _, code in cases], pairs.schedule.block)


def _capacities(pairs: ScheduledPairs, rows: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Receiving capacity per location and arrival date, dispatch capacity per DC and ship date."""
    arrival = pa.chunked_array([pa.array(pairs.schedule.arrival_date)])
    ship = pa.chunked_array([pa.array(pairs.schedule.ship_date)])
    receiving = codes(pairs.table["to_location_id"], arrival)
    dispatch = codes(pairs.table["from_location_id"], ship)
    units, lines = rows["row_dispatch_units"][rows["pair_row"]], rows["row_dispatch_lines"][rows["pair_row"]]
    return {
        "receiving_bucket": receiving,
        "dispatch_bucket": dispatch,
        "receiving_capacity_units": _per_bucket(receiving, integers(pairs.table, "receiving_capacity_units", -1)),
        "dispatch_capacity_units": _per_bucket(dispatch, units),
        "dispatch_capacity_lines": _per_bucket(dispatch, lines),
    }


def _per_bucket(bucket: np.ndarray, values: np.ndarray) -> np.ndarray:
    """One value per bucket: its pairs all carry the same, or -1 where a SKU has no stock row; the largest is it."""
    out = np.full(int(bucket.max(initial=-1)) + 1, -1, np.int64)
    np.maximum.at(out, bucket, values)
    return out


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
    pairs: ScheduledPairs, problem: AllocationProblem, plan: AllocationPlan, forecasts: pa.Table, trust: RecordTrust
) -> pa.Table:
    """Everything decided per pair, one row per pair in the pairs' order; `allocations` and needs select from it."""
    table, schedule = pairs.table, pairs.schedule
    can_ship = schedule.block == 0
    return pa.table(
        {
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
            "need_units": plan.need_units,
            "units": plan.units,
            "cases": plan.cases,
            "objective_value": plan.objective_value,
            "objective_bound": plan.objective_bound,
            "presentation_bonus": plan.presentation_bonus,
            "marginal_value": plan.marginal_value,
            "next_case_value": plan.next_case_value,
            "opportunity_cost": np.where(plan.cases > 0, plan.opportunity_cost, plan.next_opportunity_cost),
            "expected_units_sold_uplift": plan.expected_units_sold_uplift,
            "binding_constraint": pa.array(plan.binding_names()),
            "priority_rank": plan.priority_rank,
            "rule_id": pairs.policy.shaping_rule_id(list(PARAMETERS)).dictionary_decode(),
            "ship_date": pa.array(np.where(can_ship, schedule.ship_date, np.datetime64("NaT", "D"))),
            "arrival_date": pa.array(np.where(can_ship, schedule.arrival_date, np.datetime64("NaT", "D"))),
            "is_firm": schedule.is_firm,
            "is_blocked": problem.block == BLOCKED,
            **{name: _limit_of(problem, name) for name in _LIMITS},
        }
    )


def certificate_table(pairs: ScheduledPairs, problem: AllocationProblem, plan: AllocationPlan) -> pa.Table:
    """Unused rent per DC and for the run (`*`): what the bound holds beyond the slices (semantics 22)."""
    names = dict(
        zip(problem.row_dc[problem.pair_row].tolist(), pairs.table["from_location_id"].to_pylist(), strict=True)
    )
    rent = np.bincount(problem.row_dc, weights=plan.row_rent, minlength=len(names)) if len(names) else np.zeros(0)
    shared = float(plan.receiving_rent.sum() + plan.dispatch_rent.sum())
    return pa.table(
        {
            "from_location_id": [*(names[code] for code in sorted(names)), "*"],
            "rent": [*(float(rent[code]) for code in sorted(names)), float(plan.row_rent.sum()) + shared],
        }
    )
