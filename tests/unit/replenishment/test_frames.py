"""From tables to orders by hand: pooled demand and position of a DC, calendars, limits, budget."""

from __future__ import annotations

from datetime import date

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from allocation_assets.replenishment.frames import (
    build_problem,
    lane_times,
    order_table,
    ordering_pairs,
    own_demand,
)
from allocation_assets.replenishment.holds import hold_lines
from allocation_assets.replenishment.policies import propose
from tests.unit.allocation.pairs_of_a_run import policy_of_rules

#: A Monday.
DAY = date(2026, 11, 23)
_TEXT = {
    "location_id": "DC1", "sku_id": "A", "supplied_by": None, "from_id": "V1", "supplier_id": "V1", "style_id": None, "department": "dry",
    "class": None, "subclass": None, "brand": None, "lifecycle": "core", "season": None, "location_type": "dc", "cluster": None,
    "region": None, "channel": None, "tier": None, "segment": "A", "ship_days": None, "receiving_days": None, "order_multiple": None,
    "ownership": "owned", "contract_kind": None, "block_reason": None,
}  # fmt: skip
_UNITS = {
    "case_pack": 1, "shelf_life_days": None, "on_hand": 0, "in_transit": 0, "on_order": 0, "backorders": 0, "reserved": 0,
    "presentation_min": None, "storage_capacity": None, "min_order_units": None, "release_days": 1, "contract_min": None,
    "contract_max": None, "horizon_days": None,
}  # fmt: skip
_NUMBERS = {
    "unit_cost": 6.0, "unit_price": 10.0, "lead_time_days": None, "class_target": 0.95, "daily_mean": None, "dispersion": None,
    "next_day_mean": None, "next_day_dispersion": None,
}  # fmt: skip


def _table(rows: list[dict], *kinds) -> pa.Table:
    known = {name for columns, _ in kinds for name in columns}
    assert all(set(row) <= known for row in rows)
    return pa.table({n: pa.array([row.get(n, d) for row in rows], kind) for columns, kind in kinds for n, d in columns.items()})


def pair_table(*rows: dict) -> pa.Table:
    return _table(
        list(rows), (_TEXT, pa.string()), (_UNITS, pa.int64()), (_NUMBERS, pa.float64()), ({"is_purchase": True}, pa.bool_()),
        ({"open_date": None, "close_date": None}, pa.date32()),
    )  # fmt: skip


def below_table(*rows: dict) -> pa.Table:
    """Locations of Poisson demand, three days to cover."""
    texts = {"sku_id": "A", "location_id": "S1", "supplied_by": "DC1"}
    units = {"case_pack": 1, "position": 0, "horizon_days": 3}
    numbers = {"daily_mean": 1.0, "dispersion": 1.0, "next_day_mean": 1.0, "next_day_dispersion": 1.0}
    return _table(list(rows), (texts, pa.string()), (units, pa.int64()), (numbers, pa.float64()))


#: V1 to DC1 takes seven days, always.
LANES = lane_times(
    pa.table({"from_id": ["V1"], "to_location_id": ["DC1"], "lead_mean_days": [7.0], "lead_p50_days": [7], "lead_probabilities": [[0.0] * 7 + [1.0]]})
)


def orders_of(tmp_path, pairs: pa.Table, below: pa.Table, *rules: str):
    """(pairs, lines by location) of a run."""
    found = ordering_pairs(pairs, below, LANES, policy_of_rules(tmp_path / "policies", *rules), DAY)
    rows = np.flatnonzero(found.is_review_day)
    problem = build_problem(found, LANES).take(rows)
    lines = order_table(found, problem, propose(problem), rows).to_pylist()
    return found, {line["location_id"]: line for line in lines}


def test_a_forecast_parts_into_what_days_share_and_what_they_do_not():
    """Variance-to-mean of one day of mean 2: 1.5 + 0.1 x 2; of ten days: 1.5 + 0.1 x 20."""
    table = pa.table({"daily_mean": [2.0], "horizon_days": [10], "dispersion": [3.5], "next_day_mean": [2.0], "next_day_dispersion": [1.7]})
    found = own_demand(table)
    assert (found.dispersion[0], found.level_variance[0]) == (pytest.approx(1.5), pytest.approx(0.1))


STORES = ({"location_id": "S1", "daily_mean": 2.0, "next_day_mean": 2.0, "position": 15}, {"location_id": "S2", "position": 30})


def test_a_dc_orders_on_its_echelon(tmp_path):
    """3 units a day over 1 day of waiting, 7 of lead time, 1 of review and 3 of its stores: Poisson of mean 36. Margin 4, holding
    6 x 0.25 / 365 a day. Position 10 + 4 - 2, and below 15 of S1; of S2's 30 only the 12 that it sells in 12 days."""
    ratio = 4.0 / (4.0 + 6.0 * 0.25 / 365)
    level = int(stats.poisson.ppf(ratio, 36))
    _, lines = orders_of(tmp_path, pair_table({"on_hand": 10, "on_order": 4, "reserved": 2}), below_table(*STORES))
    line = lines["DC1"]
    assert (line["stock_below"], line["inventory_position"], line["order_up_to"], line["units"]) == (27, 39, level, level - 39)
    assert (line["safety_stock"], line["review_days"], line["lead_time_days"]) == (level - 36, 1, 7.0)
    assert (line["order_date"], line["expected_date"]) == (date(2026, 11, 24), date(2026, 12, 1))


def test_limits_of_the_dcs_own_place_leave_the_stock_below_out(tmp_path):
    """At most 14 at the DC, which holds 12: 2 units, whatever its stores hold."""
    _, lines = orders_of(
        tmp_path, pair_table({"on_hand": 10, "on_order": 4, "reserved": 2, "contract_max": 14}), below_table(*STORES)
    )
    assert (lines["DC1"]["units"], lines["DC1"]["binding_constraint"]) == (2, "contract_max")


FORECAST = {"daily_mean": 2.0, "dispersion": 1.0, "next_day_mean": 2.0, "next_day_dispersion": 1.0, "horizon_days": 5}
STORE = {"location_id": "S9", "location_type": "store", "lead_time_days": 3.0} | FORECAST


def test_a_store_without_a_dc_orders_on_its_own_forecast_by_the_week(tmp_path):
    """The week ends on the run's Monday: an order a week. 1 + 3 + 7 days of Poisson 2 a day at 95 %: level of mean 22, in layers of
    2 cases of 3."""
    rules = (
        "{id: week, match: {}, set: {calendar.period: week, calendar.week_ends_on: MON}}",
        "{id: target, match: {location: S9}, set: {replenishment.basis: alpha, replenishment.service_target: 0.95, allocation.cases_per_layer: 2}}",
    )
    pairs, lines = orders_of(tmp_path, pair_table(STORE | {"case_pack": 3, "order_multiple": "layer", "on_hand": 4}), below_table(), *rules)
    level = int(stats.poisson.ppf(0.95, 22))
    line = lines["S9"]
    assert (int(pairs.review_days[0]), line["order_up_to"]) == (7, level)
    assert (line["units"], line["cases"], line["order_multiple"], line["rule_id"]) == (-(-(level - 4) // 6) * 6, -(-(level - 4) // 6) * 2, 6, "target")


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"block_reason": "lifecycle_exit"}, None), ({"close_date": date(2026, 11, 27)}, None), ({"ship_days": "-------"}, None),
        ({}, "{id: r, match: {}, set: {replenishment.review_days: [TUE]}}"),
    ],
)  # fmt: skip
def test_what_may_not_order_today_has_no_line(tmp_path, row, rule):
    """It leaves, closes on the day on which the order would come, no truck goes, or Monday is no review day."""
    assert orders_of(tmp_path, pair_table(STORE | row), below_table(), *filter(None, [rule]))[1] == {}


NO_LIMIT = pa.table({"location_id": pa.array([], pa.string()), "capacity": pa.array([], pa.int64()), "left_units": pa.array([], pa.int64())})
NOBODY_WAITS = pa.table({
    **{name: pa.array([], pa.string()) for name in ("supplier_id", "location_id", "sku_id", "status", "held_under", "held_reason")},
    "is_decided": pa.array([], pa.bool_()),
})  # fmt: skip


def test_the_best_lines_use_the_budget_and_the_rest_wait():
    """100.00 of dry in December: B brings most per money and fits (60), A (50) overruns by 10.00, C (40) fits. D is another month, E
    consigned, F of a department without a budget."""
    rows = [
        ("A", "dry", 5, 20.0, 12, "owned", True), ("B", "dry", 6, 60.0, 12, "owned", True), ("C", "dry", 4, 8.0, 12, "owned", True),
        ("D", "dry", 99, 1.0, 11, "owned", True), ("E", "dry", 99, 99.0, 12, "consignment", True), ("F", "wet", 99, 9.0, 12, "owned", True),
        ("G", "dry", 99, 9.0, 12, "owned", False),
    ]  # fmt: skip
    sku, department, units, benefit, month, ownership, is_purchase = zip(*rows, strict=True)
    lines = pa.table({
        "from_id": ["V1"] * 7, "location_id": ["DC1"] * 7, "sku_id": sku, "department": department, "units": units, "expected_benefit": benefit, "unit_price": [10.0] * 7,
        "expected_date": pa.array([date(2026, m, 5) for m in month]), "ownership": ownership, "is_purchase": is_purchase,
    })  # fmt: skip
    budget = pa.table({"department": ["dry"], "month": pa.array([date(2026, 12, 1)]), "open_to_buy": [100.0], "planned": [900.0]})
    found = hold_lines(lines, budget, NO_LIMIT, NOBODY_WAITS)
    assert found.select(["location_id", "sku_id", "approval_status", "overrun"]).to_pylist() == [
        {"location_id": "DC1", "sku_id": "A", "approval_status": "pending", "overrun": 10.0}
    ]
    assert hold_lines(lines, budget.slice(0, 0), NO_LIMIT, NOBODY_WAITS).num_rows == 0
