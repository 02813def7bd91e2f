"""From pairs and policy through the engine to the published columns: every limit, on numbers that can be worked out."""

from __future__ import annotations

from datetime import date

import pytest

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.feasibility import violations
from allocation_assets.allocation.frames import build_problem, plan_table
from allocation_assets.allocation.problem import REASONS, AllocationSettings
from allocation_assets.policy import load_policy
from data_quality.invariants import BINDING_CONSTRAINTS
from tests.unit.allocation.pairs_of_a_run import (
    DAY,
    booked_of,
    forecasts_of,
    pairs_of,
    policy_of_rules,
    supply_of,
    trust_in_books,
)

ARRIVAL = date(2026, 11, 25)


def problem_of(rows, supply, policy=None, means=None, booked=()):
    policy = policy or load_policy()
    pairs = pairs_of(rows, policy)
    forecasts, trust = forecasts_of(means or [4.0] * len(rows)), trust_in_books(pairs.table)
    return pairs, forecasts, trust, build_problem(pairs, supply, forecasts, trust, policy, DAY, booked_of(*booked))


def decided(rows, supply, policy=None, means=None, booked=()):
    """The plan table's rows as dicts, after the plan was checked against every limit."""
    pairs, forecasts, trust, problem = problem_of(rows, supply, policy, means, booked)
    made = plan(problem, AllocationSettings(threads=1))
    assert violations(problem, made) == []
    return plan_table(pairs, problem, made, forecasts, trust).to_pylist()


def at(*locations, **same):
    return [{"to_location_id": location, **same} for location in locations]


def test_every_reason_of_the_engine_may_be_published():
    assert set(BINDING_CONSTRAINTS) == set(REASONS[1:])


def test_the_problem_carries_what_policy_and_lanes_say(tmp_path):
    policy = policy_of_rules(
        tmp_path,
        "{id: base, set: {allocation.cases_per_layer: 4, costs.shipment_per_line: 0.3, allocation.min_ship_units: 5}}",
        "{id: first, match: {channel: ecom}, set: {allocation.tier: 1}}",
        "{id: shared, match: {sku: B}, set: {allocation.rule: equal_days, allocation.hold_back_rate: 0.1}}",
        "{id: at-the-store, match: {location: S1}, set: {allocation.rule: tiers}}",
    )
    rows = [*at("S1", "S2", case_pack=3, order_multiple="layer"), *at("S1", channel="ecom", sku_id="B", firm_units=2)]
    supply = supply_of({"next_inbound_date": date(2026, 11, 30), "next_inbound_units": 48}, {"sku_id": "B", "available": 55})
    *_, problem = problem_of(rows, supply, policy, means=[1.0, 2.0, 3.0])
    assert problem.pair_pack.tolist() == [12, 12, 1]
    assert problem.line_cost.tolist() == [0.3] * 3 and problem.min_ship_units.tolist() == [5] * 3
    assert problem.tier.tolist() == [5, 5, 1]
    assert problem.row_rule.tolist() == [0, 2], "a rule of a store is none of the DC's"
    assert problem.row_supply_units.tolist() == [100, 49]
    assert problem.daily_mean_units.tolist() == [1.0, 2.0, 3.0] and problem.mean_units.tolist() == [3.0, 6.0, 9.0]
    assert problem.position_units.tolist() == [0, 0, 2]
    assert problem.row_keep_price.tolist() == [0.0, 0.0], "plenty until the inbound; a set hold-back rate"


def test_a_store_in_two_supply_rows_of_no_stock_is_still_planned():
    """No stock row at the DC: nothing to give, no capacity known."""
    [row] = decided(at("S1"), supply_of({"sku_id": "other"}))
    assert (row["units"], row["supply_units"], row["binding_constraint"]) == (0, 0, "dc_supply")


def test_layers_least_shipments_and_their_columns(tmp_path):
    policy = policy_of_rules(tmp_path, "{id: base, set: {allocation.cases_per_layer: 4, allocation.min_ship_units: 20}}")
    rows = at("S1", "S2", case_pack=2, order_multiple="layer", cost_per_unit=2.0, lifecycle="exit")
    big, small = decided(rows, supply_of({"available": 2000}), policy, means=[20.0, 1.0])
    assert big["units"] % 8 == 0 and big["units"] >= 24
    assert big["cases"] == big["units"] // 2
    assert (big["order_units"], big["min_ship_units"], big["case_pack"]) == (8, 20, 2)
    assert (small["units"], small["binding_constraint"]) == (0, "min_shipment")


def test_quotas_hold_and_are_named(tmp_path):
    policy = policy_of_rules(tmp_path, "{id: web, match: {channel: ecom}, set: {allocation.quota_share: 0.25}}")
    web, store = decided([*at("W", channel="ecom"), *at("S1")], supply_of({"available": 20}), policy, means=[9.0, 3.0])
    assert (web["units"], web["pool"], web["pool_cap_units"], web["binding_constraint"]) == (5, "quota web", 5, "quota")
    assert web["pool_price"] > 0 and web["rule_id"] == "web"
    assert store["pool"] is None and store["pool_cap_units"] is None and store["pool_price"] == 0


def test_protected_units_stay_for_the_promotion():
    rows = [*at("S1", is_protected=True), *at("S2", "S3")]
    own, *others = decided(rows, supply_of({"available": 20, "protected_units": 14}), means=[1.0, 9.0, 9.0])
    assert own["pool"] is None
    assert sum(row["units"] for row in others) == 6
    assert {(row["binding_constraint"], row["pool"]) for row in others} == {("protected", "outside promotions")}


@pytest.mark.parametrize("rule", ["proportional", "equal_days", "tiers"])
def test_rules_of_fair_share_reach_the_engine(tmp_path, rule):
    policy = policy_of_rules(tmp_path, f"{{id: share, set: {{allocation.rule: {rule}}}}}")
    rows = decided(at("S1", "S2"), supply_of({"available": 10}), policy, means=[4.0, 4.0])
    assert [row["units"] for row in rows] == [5, 5]


def test_a_forced_minimum_names_the_least_change_of_each_limit(tmp_path):
    """Asked 9 each. S1's dock takes 12 less 6 booked, S2's shelf 4, S3's maximum is 5, S4 is blocked, S5 gets its own."""
    rows = [
        *at("S1", min_units=9, receiving_capacity_units=12), *at("S2", min_units=9, shelf_capacity=4),
        *at("S3", min_units=9, max_units=5, override_id="O3"), *at("S4", min_units=9, is_blocked=True), *at("S5", min_units=9),
    ]  # fmt: skip
    found = decided(rows, supply_of({}), means=[0.1] * 5, booked=[("receiving", "S1", ARRIVAL, 6, 1)])
    assert [row["least_change"] for row in found] == [
        "receiving_capacity +3 units",
        "shelf_capacity +5 units",
        "override maximum +4 units",
        "lift the block, closure or exclusion",
        None,
    ]
    assert [row["units"] for row in found] == [6, 4, 5, 0, 9]
    assert [row["binding_constraint"] for row in found][:4] == ["receiving_capacity", "shelf_capacity", "override", "blocked"]
    assert all(row["need_units"] >= 9 and row["forced_units"] == 9 for row in found)


def test_supply_short_of_minimums_says_how_much_is_missing():
    """S1 and S2 are forced to 8 and 8 of 10 in cases of 4: one of them gets 8, the other lacks 8, of which 2 are left."""
    found = decided(at("S1", "S2", min_units=8, case_pack=4), supply_of({"available": 10}), means=[3.0, 2.0])
    assert [row["units"] for row in found] == [4, 4] or sorted(row["units"] for row in found) == [0, 8]
    short = [row for row in found if row["least_change"]]
    missing = 16 - 10 if len(short) == 1 else None
    assert missing is None or short[0]["least_change"] == f"dc_supply +{missing} units"


def test_policys_minimum_is_no_infeasible_demand_where_nothing_may_be_sent(tmp_path):
    policy = policy_of_rules(tmp_path, "{id: least, set: {allocation.min_units: 3}}")
    rows = decided([*at("S1", is_blocked=True), *at("S2")], supply_of({"available": 2}), policy, means=[0.1, 0.1])
    assert [(row["least_change"], row["forced_units"]) for row in rows] == [(None, 0), ("dc_supply +1 units", 3)]


def test_prices_are_what_one_unit_more_is_worth():
    """The dock of S1 takes 2 of what it wants; the DC has plenty: its own price is 0."""
    row, free = decided([*at("S1", receiving_capacity_units=2), *at("S2")], supply_of({"available": 1000}))
    assert row["units"] == 2 and row["binding_constraint"] == "receiving_capacity"
    assert row["receiving_price"] > 0 and row["supply_price"] == 0
    assert free["binding_constraint"] == "need_met" and free["receiving_price"] == 0
