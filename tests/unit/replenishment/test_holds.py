"""Held orders over several dates: proposed, judged, approved or rejected, decided again; figures by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from allocation_assets.placeholders import SCHEMAS
from allocation_assets.policy.limits import parse_limits
from allocation_assets.reconciliation.approvals import judge_approvals
from allocation_assets.reconciliation.audit import audit_entries
from allocation_assets.reconciliation.frames import empty, limits_table, run_query
from allocation_assets.replenishment import queries
from allocation_assets.replenishment.audit import order_steps
from allocation_assets.replenishment.holds import hold_down, hold_lines, waiting_rows
from allocation_assets.replenishment.policies import propose
from allocation_assets.replenishment.problem import BINDINGS, problem_of
from tests.unit.reconciliation.cases import APPROVALS, table

D0 = date(2026, 11, 2)
LADDER = parse_limits(["supply_planner:100", "finance_director:*"])
_LINE = {
    "from_id": "V1", "location_id": "DC1", "sku_id": "A", "department": "dry", "location_type": "dc", "on_hand": 0, "in_transit": 0,
    "on_order": 0, "backorders": 0, "reserved": 0, "unit_cost": 6.0, "unit_price": 10.0, "ownership": "owned", "is_purchase": True,
    "contract_min": None, "contract_max": None, "reorder_point": 9, "order_up_to": 10, "inventory_position": 0, "safety_stock": 1,
    "units": 5, "cases": 5, "case_pack": 1, "order_multiple": 1, "daily_mean": 1.0, "dispersion": 1.0, "expected_lost_sales_avoided": 1.0,
    "holding_added": 1.0, "expected_benefit": 10.0, "stock_below": 0, "lead_time_days": 3.0, "review_days": 1,
    "order_date": D0 + timedelta(days=1), "expected_date": date(2026, 11, 9), "policy": "order_up_to", "basis": "cost",
    "binding_constraint": "policy", "rule_id": "default",
}  # fmt: skip


def lines_table(*rows: dict) -> pa.Table:
    whole = {name: pa.int64() for name in ("contract_min", "contract_max")}
    assert all(set(row) <= set(_LINE) for row in rows)
    return pa.table({name: pa.array([(_LINE | row)[name] for row in rows], whole.get(name)) for name in _LINE})


def budget_table(left: float, planned: float = 1000.0, department: str = "dry", month: date = date(2026, 11, 1)) -> pa.Table:
    return pa.table({"department": [department], "month": [month], "open_to_buy": [left], "planned": [planned]})


def space_table(*rows: tuple) -> pa.Table:
    """(location, capacity, units left)."""
    kinds = (pa.string(), pa.int64(), pa.int64())
    return pa.table([pa.array([row[n] for row in rows], kind) for n, kind in enumerate(kinds)], ["location_id", "capacity", "left_units"])


@dataclass
class World:
    """Dates run one after the other, each from the files of the one before; approvals as (who, decision, role, key)."""

    root: Path
    day: date = D0 - timedelta(days=1)
    orders: list[pa.Table] = field(default_factory=list)
    outcomes: list[pa.Table] = field(default_factory=list)
    entries: list[pa.Table] = field(default_factory=list)

    def run(self, lines: pa.Table, budget: pa.Table, *approvals: tuple, space: pa.Table | None = None) -> list[dict]:
        """The date's orders."""
        space = space_table() if space is None else space
        self.day += timedelta(days=1)
        before = self.orders[-1] if self.orders else empty("decisions/replenishment_orders")
        outcomes = self._judged(before, approvals)
        waiting = self._waiting(before, outcomes)
        tables = {"lines": lines, "waiting": waiting, "holds": hold_lines(lines, budget, space, waiting), "limits": limits_table(LADDER)}
        policy = {"day": self.day, "approval_days": 3, "four_eyes_value": 200}
        orders = run_query(queries.DECISIONS["replenishment_orders"], tables, policy)
        steps = order_steps(orders, before, outcomes, "p1")
        nothing = empty("decisions/adjustments_proposed")
        self.orders.append(orders)
        self.outcomes.append(outcomes)
        self.entries.append(audit_entries(nothing, nothing, outcomes, "p1", self.day, steps))
        return orders.to_pylist()

    def _judged(self, before: pa.Table, approvals) -> pa.Table:
        rows = [
            {"approval_id": f"{self.day}-{n}", "dataset": "replenishment_orders", "decided_by": who, "decision": decision, "role": role,
             "row_key": key, "decided_at": datetime(2026, 11, 3, 9 + n)} for n, (who, decision, role, key) in enumerate(approvals)
        ]  # fmt: skip
        earlier = pa.concat_tables(self.outcomes) if self.outcomes else empty("decisions/approval_outcomes")
        nothing = empty("decisions/adjustments_proposed")
        return judge_approvals(table(APPROVALS, rows), nothing, earlier, parse_limits(["clerk:*"]), self.day, 35, before, LADDER)

    def _waiting(self, before: pa.Table, outcomes: pa.Table) -> pa.Table:
        files = {"orders": str(self.root / "orders.parquet"), "outcomes": str(self.root / "outcomes.parquet")}
        pq.write_table(before, files["orders"])
        pq.write_table(outcomes, files["outcomes"])
        return run_query(queries.WAITING, {}, files)

    def said(self) -> list[str]:
        return self.outcomes[-1]["outcome"].to_pylist()

    def steps(self) -> list[tuple]:
        return [(e["action"], e["actor"], e["row_key"]) for e in self.entries[-1].to_pylist()]


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


KEY, PLANNER = "V1|DC1|A", "supply_planner"
LINE, HELD = lines_table({}), budget_table(40.0)


def fields(row: dict, *names: str) -> tuple:
    return tuple(row[name] for name in names)


def test_a_line_that_overruns_waits_for_the_role_of_its_amount(world):
    """5 units at 10.00 retail are 50.00 of the 40.00 left: 10.00 over; 30.00 at cost is the planner's, three days from now."""
    [row] = world.run(LINE, HELD)
    assert fields(row, "approval_status", "overrun", "approver_role", "approvals_needed", "approvals_given", "approved_by", "proposed_on", "due_on") == (
        "pending", Decimal("10.000000"), PLANNER, 1, 0, None, D0, D0 + timedelta(days=3)
    )  # fmt: skip
    assert row["held_reason"] == "open-to-buy of dry in 2026-11 is overrun by 10.00"
    assert row["held_under"] == "open-to-buy of dry in 2026-11, 1000.00 planned"
    assert world.steps() == [("proposed", "allocator", f"{D0}|V1|DC1|A")]
    assert world.orders[0].schema.names == empty("decisions/replenishment_orders").schema.names


def test_the_columns_are_those_of_the_lake(world):
    world.run(LINE, HELD)
    described = [run_query("DESCRIBE FROM t", {"t": rows}).select(["column_name", "column_type"]).to_pylist()
                 for rows in (world.orders[0], empty("decisions/replenishment_orders"))]  # fmt: skip
    assert described[0] == described[1] and "decisions/replenishment_orders" in SCHEMAS


@pytest.mark.parametrize("key", [KEY, f"{D0}|{KEY}"])
def test_an_approved_order_goes_out_on_the_next_date_and_is_on_record(world, key):
    world.run(LINE, HELD)
    [row] = world.run(LINE, HELD, ("ann", "approve", PLANNER, key))
    assert fields(row, "approval_status", "approved_by", "approvals_given", "overrun", "proposed_on", "due_on") == (
        "approved", "ann", 1, None, D0, None
    )  # fmt: skip
    assert world.steps() == [("approved", "ann", f"{D0}|V1|DC1|A"), ("ordered", "allocator", f"{D0}|V1|DC1|A")]
    outcome = world.outcomes[-1].to_pylist()[0]
    assert fields(outcome, "kind", "about_date", "source_id", "location_id", "sku_id", "outcome") == ("order", D0, "V1", "DC1", "A", "approved")
    # An approval is of one order: what is proposed after it is asked about again.
    [again] = world.run(LINE, HELD)
    assert fields(again, "approval_status", "approved_by", "approvals_given") == ("pending", None, 0)


@pytest.mark.parametrize(
    ("who", "role", "key", "outcome"),
    [
        ("ann", "store_manager", KEY, "refused_role"), ("ann", "clerk", KEY, "refused_role"), ("Allocator ", PLANNER, KEY, "refused_self"),
        ("ann", PLANNER, "DC1|A|V1", "refused_unknown"), ("ann", PLANNER, "V1|DC1|B", "refused_unknown"),
    ],
)  # fmt: skip
def test_who_may_not_and_what_is_not_there(world, who, role, key, outcome):
    """The clerk may decide anything about counts, and nothing about orders; B fits the budget, so it is no proposal."""
    lines = lines_table({}, {"sku_id": "B", "units": 1, "expected_benefit": 9.0})
    world.run(lines, HELD)
    rows = {row["sku_id"]: row["approval_status"] for row in world.run(lines, HELD, (who, "approve", role, key))}
    assert world.said() == [outcome] and rows == {"A": "pending", "B": "auto"}


def test_two_people_from_the_amount_on_that_policy_says(world):
    """40 units cost 240.00, past 200.00 and the planner's 100.00: two of finance, on two dates; the units stay what the first approved."""
    first, more = lines_table({"units": 40}), lines_table({"units": 40})
    [row] = world.run(first, HELD)
    assert fields(row, "approver_role", "approvals_needed") == ("finance_director", 2)
    [row] = world.run(more, HELD, ("ann", "approve", "finance_director", KEY), ("Ann", "approve", "finance_director", KEY))
    assert world.said() == ["counted", "refused_same_person"]
    assert fields(row, "approval_status", "approvals_given", "approved_by") == ("pending", 1, "ann")
    [row] = world.run(lines_table({"units": 30}), HELD, ("bob", "approve", "finance_director", KEY), ("cy", "reject", "finance_director", KEY))
    assert world.said() == ["approved", "refused_closed"]
    assert fields(row, "approval_status", "approvals_given", "approved_by", "approvals_needed") == ("approved", 2, "ann,bob", 2)


def test_a_rejected_order_is_not_asked_about_again_until_the_budget_or_the_month_is_another(world):
    world.run(LINE, HELD)
    [row] = world.run(LINE, HELD, ("ann", "reject", PLANNER, KEY))
    assert row["approval_status"] == "rejected"
    assert row["held_reason"] == "rejected by ann: open-to-buy of dry in 2026-11 is overrun by 10.00"
    # What is left moves day by day; the plan has not changed.
    [row] = world.run(LINE, budget_table(60.0), ("bob", "approve", PLANNER, KEY))
    assert (row["approval_status"], world.said(), world.steps()) == ("rejected", ["refused_closed"], [("refused_closed", "bob", f"{D0}|V1|DC1|A")])
    fits, still, later = (World(world.root, world.day, list(world.orders), list(world.outcomes)) for _ in range(3))
    assert fits.run(LINE, budget_table(60.0, planned=1020.0))[0]["approval_status"] == "auto"
    [row] = still.run(LINE, budget_table(45.0, planned=1005.0))
    assert fields(row, "approval_status", "proposed_on") == ("pending", still.day)
    december = lines_table({"expected_date": date(2026, 12, 2)})
    assert later.run(december, budget_table(40.0, month=date(2026, 12, 1)))[0]["approval_status"] == "pending"


def test_a_line_rejected_today_stays_so_even_where_it_fits_by_now(world):
    world.run(LINE, HELD)
    assert world.run(LINE, budget_table(500.0, 2000.0), ("ann", "reject", PLANNER, KEY))[0]["approval_status"] == "rejected"


def test_an_approved_order_uses_the_budget_first_and_a_rejected_one_none(world):
    """60.00 left. A (50.00) approved: 10.00 remain and hold B (20.00), which brings more; with A rejected B and C (40.00) fit."""
    lines = lines_table({}, {"sku_id": "B", "units": 2, "expected_benefit": 99.0}, {"sku_id": "C", "units": 4, "expected_benefit": 20.0})
    tight, wide = budget_table(45.0), budget_table(60.0)
    rows = world.run(lines, tight)
    assert {row["sku_id"]: row["approval_status"] for row in rows} == {"A": "pending", "B": "auto", "C": "pending"}
    other = World(world.root, world.day, list(world.orders), list(world.outcomes))
    rows = world.run(lines, wide, ("ann", "approve", PLANNER, KEY))
    assert {row["sku_id"]: (row["approval_status"], row["overrun"]) for row in rows} == {
        "A": ("approved", None), "B": ("pending", Decimal(10)), "C": ("pending", Decimal(30))
    }  # fmt: skip
    rows = other.run(lines, wide, ("ann", "reject", PLANNER, KEY))
    assert {row["sku_id"]: row["approval_status"] for row in rows} == {"A": "rejected", "B": "auto", "C": "auto"}


def test_what_no_longer_waits_is_withdrawn(world):
    lines = lines_table({}, {"sku_id": "B"})
    world.run(lines, budget_table(0.0))
    world.run(lines_table({}), budget_table(50.0, 2000.0), ("ann", "approve", PLANNER, "V1|DC1|B"))
    assert [(e["action"], e["sku_id"], e["reason"]) for e in world.entries[-1].to_pylist()] == [
        ("withdrawn", "A", "fits by now"), ("approved", "B", f"approval {world.day}-0: approve"), ("withdrawn", "B", "not needed by now"),
    ]  # fmt: skip


def test_the_same_inputs_make_the_same_tables_in_any_order_of_lines(world):
    lines = lines_table({}, {"sku_id": "B"}, {"location_id": "DC2"}, {"from_id": "V0"})
    other = World(world.root, world.day)
    world.run(lines, HELD)
    other.run(lines.take([3, 1, 0, 2]), HELD)
    assert world.orders[0].equals(other.orders[0]) and world.entries[0].equals(other.entries[0])


def waiting_table(*rows: tuple) -> pa.Table:
    """(sku, units, status, approvals given) of V1 at DC1."""
    sku, units, status, given = zip(*rows, strict=True)
    n = len(rows)
    return pa.table({"supplier_id": ["V1"] * n, "location_id": ["DC1"] * n, "sku_id": sku, "units": units, "status": status, "approvals_given": given})


def test_what_waits_orders_no_more_than_it_was_asked_for():
    """Poisson 2 a day over 1 day, alpha 0.95: level 5, in cases of 2. Position -4 asks for 10. A and E are approved, B has one of two
    approvals, C waits without any on a review day, D without review; F waits for nothing. E's 3 units are one case by now."""
    pairs = pa.table({"from_id": ["V1"] * 6, "location_id": ["DC1"] * 6, "sku_id": list("ABCDEF")})
    waiting = waiting_table(("A", 6, "approved", 1), ("B", 4, "pending", 1), ("C", 4, "pending", 0), ("D", 8, "pending", 0), ("E", 3, "approved", 2))
    rows = waiting_rows(pairs, waiting)
    assert rows.tolist() == [0, 1, 2, 3, 4, -1]
    problem = problem_of(np.full(6, 2.0), [[1.0]], basis=0, on_hand=0, backorders=4, case_pack=2)
    plan = propose(hold_down(problem, waiting, rows, np.array([True, True, True, False, True, True])))
    assert plan.units.tolist() == [6, 4, 10, 8, 2, 10] and plan.cases.tolist() == [3, 2, 5, 4, 1, 5]
    assert [BINDINGS[code] for code in plan.binding] == ["held_units", "held_units", "order_multiple", "held_units", "held_units", "order_multiple"]
    # The benefit is that of the units that go out.
    assert plan.benefit[0] == pytest.approx(propose(problem_of(2.0, [[1.0]], basis=0, backorders=4, case_pack=2, most_units=6)).benefit[0])
    assert (plan.holding_days[[0, 1, 3]] < plan.holding_days[2]).all()


def test_a_line_below_its_least_size_is_none():
    problem = problem_of(2.0, [[1.0]], basis=0, backorders=4, min_order=6)
    rejected = waiting_table(("A", 5, "rejected", 0))
    rows = np.array([0])
    assert propose(hold_down(problem, rejected, rows, np.array([False]))).units.tolist() == [0]
    assert propose(hold_down(problem, rejected, rows, np.array([True]))).units.tolist() == [9]


NO_BUDGET = budget_table(0.0, department="wet")


def test_storage_is_shared_out_over_the_skus_of_a_location(world):
    """8 units left at DC1: C brings 4 a unit and fits (3), B 3 a unit would need 6 of the 5 left, A 2 a unit fits (5). DC2 is full: it overruns
    by all of 5. At DC3, which says nothing of its room, everything fits."""
    lines = lines_table(
        {}, {"sku_id": "B", "units": 6, "expected_benefit": 18.0}, {"sku_id": "C", "units": 3, "expected_benefit": 12.0},
        {"location_id": "DC2"}, {"location_id": "DC3", "units": 99},
    )  # fmt: skip
    rows = world.run(lines, NO_BUDGET, space=space_table(("DC1", 50, 8), ("DC2", 20, -3)))
    assert {(row["location_id"], row["sku_id"]): fields(row, "approval_status", "overrun_units", "overrun", "held_reason", "held_under") for row in rows} == {
        ("DC1", "A"): ("auto", None, None, None, None), ("DC1", "C"): ("auto", None, None, None, None),
        ("DC1", "B"): ("pending", 1, None, "storage of DC1 is overrun by 1 units", "storage of DC1, 50 units"),
        ("DC2", "A"): ("pending", 5, None, "storage of DC2 is overrun by 5 units", "storage of DC2, 20 units"),
        ("DC3", "A"): ("auto", None, None, None, None),
    }  # fmt: skip


def test_what_waits_for_money_takes_no_room_and_an_approved_order_takes_it_first(world):
    """6 units of room, 30.00 of money: A (5, 50.00) waits for money, so that B (3, consigned) fits. Approved, A leaves 1 unit: B waits."""
    lines = lines_table({"expected_benefit": 99.0}, {"sku_id": "B", "units": 3, "ownership": "consignment", "expected_benefit": 50.0})
    room, money = space_table(("DC1", 50, 6)), budget_table(30.0)
    rows = {row["sku_id"]: row for row in world.run(lines, money, space=room)}
    assert (rows["A"]["approval_status"], rows["A"]["overrun"], rows["A"]["overrun_units"], rows["B"]["approval_status"]) == ("pending", Decimal(20), None, "auto")
    rows = {row["sku_id"]: row for row in world.run(lines, money, ("ann", "approve", PLANNER, KEY), space=room)}
    assert (rows["A"]["approval_status"], rows["B"]["approval_status"], rows["B"]["overrun_units"]) == ("approved", "pending", 2)


def test_an_order_rejected_for_room_is_asked_about_again_once_the_room_is_another(world):
    world.run(LINE, NO_BUDGET, space=space_table(("DC1", 50, 1)))
    assert world.run(LINE, NO_BUDGET, ("ann", "reject", PLANNER, KEY), space=space_table(("DC1", 50, 1)))[0]["approval_status"] == "rejected"
    assert world.run(LINE, NO_BUDGET, space=space_table(("DC1", 50, 40)))[0]["approval_status"] == "rejected"
    assert world.run(LINE, NO_BUDGET, space=space_table(("DC1", 60, 2)))[0]["approval_status"] == "pending"


def test_room_is_what_all_items_on_hand_on_their_way_and_damaged_leave():
    """60 less 10 + 5 damaged and 20 on their way of one item; the other item owes 4, which frees nothing. DC2 says nothing of its room."""
    pairs = pa.table({"location_id": ["DC1", "DC1", "DC2"], "location_capacity": pa.array([60, 60, None], pa.int64())})
    positions = pa.table({
        "business_date": [D0, D0, D0, D0 - timedelta(days=1)], "location_id": ["DC1", "DC1", "DC2", "DC1"],
        "inventory_position": [30, -4, 7, 50], "damaged": pa.array([5, None, 0, 0], pa.int64()),
    })  # fmt: skip
    found = run_query(queries.SPACE, {"int_replenishment_pairs": pairs, "inventory_positions": positions}, {"day": D0})
    assert found.to_pylist() == [{"location_id": "DC1", "capacity": 60, "left_units": 25}]
