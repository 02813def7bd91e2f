"""An order that no money is left for: held, approved by two people, ordered on the date after, and on record."""

from __future__ import annotations

from tests.support.busy_week import D0, D1, D2
from tests.support.home import allocator, published

ORDERS = """SELECT sku_id, approval_status, approvals_given, units FROM replenishment_orders
    WHERE business_date = $d AND supplier_id = 'SUP1' ORDER BY sku_id"""
STEPS = """SELECT business_date, actor, action FROM audit_log
    WHERE dataset = 'replenishment_orders' AND row_key LIKE '%|B' AND (actor = 'allocator') = $by_itself ORDER BY sequence"""


def test_an_order_without_money_waits_for_two_people(busy_week):
    """B is worth more than 20 at cost, so it takes two; a planner who approves twice is one. Of A enough is under way."""
    held = published(busy_week, ORDERS, d=D0)
    assert [row[:3] for row in held] == [("B", "pending", 0), ("C", "auto", 0), ("D", "auto", 0)]
    [(reason,)] = published(busy_week, "SELECT held_reason FROM replenishment_orders WHERE business_date = $d AND sku_id = 'B'", d=D0)
    assert reason.startswith(f"open-to-buy of dry in {D0:%Y-%m} is overrun by ")

    assert {row[0]: row[1:3] for row in published(busy_week, ORDERS, d=D1)}["B"] == ("pending", 1)
    status, approvals, units = {row[0]: row[1:] for row in published(busy_week, ORDERS, d=D2)}["B"]
    assert (status, approvals) == ("approved", 2)
    assert 0 < units <= held[0][3]


def test_who_decided_what_is_on_record(busy_week):
    """The planner's second approval is refused; what the pipeline proposed is proposed anew when its units have changed."""
    decided = published(busy_week, STEPS, by_itself=False)
    assert set(decided) == {(D1, "pia", "counted"), (D2, "pia", "refused_same_person"), (D2, "dan", "approved")}
    by_itself = published(busy_week, STEPS, by_itself=True)
    assert by_itself[0] == (D0, "allocator", "proposed")
    assert by_itself[-1] == (D2, "allocator", "ordered")
    units = {day: row[3] for day in (D0, D1) for row in published(busy_week, ORDERS, d=day) if row[0] == "B"}
    assert by_itself[1:-1] == ([(D1, "allocator", "proposed")] if units[D1] != units[D0] else [])
    assert allocator(busy_week, "audit", "verify").stdout.startswith("audit log verified")


def test_an_overrun_is_an_exception_of_its_department(busy_week):
    kinds = published(busy_week, "SELECT DISTINCT kind FROM exceptions WHERE business_date = $d AND kind = 'budget_overrun'", d=D0)
    assert kinds == [("budget_overrun",)]
