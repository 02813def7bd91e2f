"""Proposals of a date, worked by hand: cost 20, tolerance 1 unit, limits 500 / 5000 / *, four eyes from 2000."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import pytest

from allocation_assets.placeholders import SCHEMAS
from allocation_assets.policy import load_policy
from allocation_assets.reconciliation.proposals import DayFacts, propose
from tests.unit.reconciliation.cases import (
    BEFORE,
    DAY,
    outcome,
    outcomes,
    proposal,
    proposals,
    rows,
    table,
    variance,
    variances,
)

POLICY = dict(load_policy().deployment(DAY))
CAUSES = SCHEMAS["decisions/variance_causes"]
NAMED = "count_id VARCHAR, location_id VARCHAR, sku_id VARCHAR"
DISPOSED = (
    "location_id VARCHAR, sku_id VARCHAR, source_id VARCHAR, about_date DATE, units BIGINT, value DECIMAL(18, 6), "
    "condition VARCHAR, disposition VARCHAR, expected_recovery DECIMAL(18, 6)"
)
OLD = dict(business_date=BEFORE, counted_at=datetime(2026, 5, 5, 9))


def cause(name, units, count_id="C1", key="F1", **more):
    return {
        "business_date": DAY, "counted_on": DAY, "location_id": "S1", "sku_id": "A", "count_id": count_id, "cause": name,
        "units": units, "evidence_feed": "feed", "evidence_key": key,
    } | more  # fmt: skip


def propose_from(counted=(), carried=(), decided=(), causes=(), earlier=(), disposed=(), named=()):
    facts = DayFacts(
        carried=proposals(*carried),
        variances=variances(*counted),
        causes=table(CAUSES, causes),
        outcomes=outcomes(*decided),
        earlier=outcomes(*earlier),
        dispositions=table(DISPOSED, disposed),
        named=table(NAMED, named),
    )
    return propose(facts, POLICY, "p2", DAY)


def only(*arguments, **facts):
    result = propose_from(*arguments, **facts)
    assert result.num_rows == 1
    return result.to_pylist()[0]


def test_a_variance_that_policy_holds_is_proposed():
    assert only([variance(units=-10)]) == {
        "business_date": DAY, "location_id": "S1", "sku_id": "A", "source_id": "C1", "row_key": "2026-05-06|S1|A|C1",
        "kind": "count", "about_date": DAY, "proposed_on": DAY, "book_units": 50, "counted_units": 40,
        "variance_units": -10, "variance_value": Decimal(-200), "root_cause": "unexplained", "action": "post",
        "approval_status": "pending", "approver_role": "store_manager", "approvals_needed": 1, "approvals_given": 0,
        "approved_by": None, "proposed_by": "cora", "disposition": None, "expected_recovery": None,
        "due_on": date(2026, 5, 9), "closed_on": None, "reason": "beyond tolerance and what posts by itself",
        "policy_version": "p2",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("units", "role", "needed", "action"),
    [
        (-24, "store_manager", 1, "post"),  # 480
        (-25, "store_manager", 1, "recount"),  # 500
        (-26, "inventory_controller", 1, "recount"),  # 520
        (-100, "inventory_controller", 2, "recount"),  # 2000
        (250, "inventory_controller", 2, "recount"),  # 5000
        (251, "finance_director", 2, "recount"),  # 5020
    ],
)
def test_role_eyes_and_recount_by_value(units, role, needed, action):
    row = only([variance(units=units)])
    assert (row["approver_role"], row["approvals_needed"], row["action"]) == (role, needed, action)


@pytest.mark.parametrize(
    "made",
    [
        variance(units=0),
        variance(units=-1),
        variance(units=-10, is_posted=True, posted_by="adjustment", posted_on=DAY),
        variance(units=-2, is_auto=True, is_posted=True, posted_by="count_correction", posted_on=BEFORE),
        variance(units=-10, business_date=date(2026, 3, 31)),
        variance(units=-10, business_date=date(2026, 5, 7)),
    ],
)
def test_what_is_not_proposed(made):
    assert propose_from([made]).num_rows == 0


def test_what_posted_by_itself_today_is_shown_today():
    made = variance(units=-2, is_auto=True, is_posted=True, posted_by="count_correction", posted_on=DAY)
    row = only([made], causes=[cause("missing_receipt", -2)])
    assert (row["action"], row["approval_status"], row["closed_on"], row["approver_role"]) == ("post", "auto", DAY, None)


def test_a_correction_that_is_posted_after_the_date_is_not_posted_yet_when_the_date_is_run_again():
    row = only([variance(units=-10, is_posted=True, posted_by="count_correction", posted_on=date(2026, 5, 7))])
    assert (row["approval_status"], row["closed_on"]) == ("pending", None)


def test_under_source_what_needs_no_approval_waits_for_the_system_of_record():
    held = variance(units=-2, is_auto=True, is_count_posting=False)
    row = only([held])
    assert (row["approval_status"], row["approvals_needed"], row["closed_on"]) == ("auto", 0, None)
    carried = proposal(variance_units=-2, approval_status="auto", approvals_needed=0)
    row = only(carried=[carried], named=[{"count_id": "C1", "location_id": "S1", "sku_id": "A"}])
    assert (row["approval_status"], row["closed_on"]) == ("auto", DAY)


@pytest.mark.parametrize(
    ("found", "action", "root"),
    [
        ([cause("missing_receipt", 5), cause("shrink", 5)], "investigate", "missing_receipt"),
        ([cause("missing_receipt", 4), cause("unexplained", 6)], "post", "unexplained"),
        ([cause("unposted_transfer", 3), cause("missing_receipt", 2), cause("shrink", 5)], "investigate", "shrink"),
        ([cause("count_error", 10)], "post", "count_error"),
    ],
)
def test_a_document_that_explains_half_is_to_be_mended(found, action, root):
    row = only([variance(units=10)], causes=found)
    assert (row["action"], row["root_cause"]) == (action, root)


def test_a_second_count_that_finds_the_same_confirms():
    again = variance("C2", units=-30)
    assert only([variance(units=-30, **OLD), again])["action"] == "post"
    assert only([variance(units=-31, **OLD), again])["action"] == "post"
    assert only([variance(units=-32, **OLD), again])["action"] == "recount"


def test_a_carried_proposal_confirms_and_is_superseded():
    carried = proposal(variance_units=-30, action="recount")
    result = propose_from([variance("C2", units=-30)], [carried])
    assert rows(result, "source_id", "approval_status", "closed_on", "action", "reason") == [
        ("C1", "withdrawn", DAY, "recount", "superseded by count C2"),
        ("C2", "pending", None, "post", "beyond tolerance; a second count found the same"),
    ]
    stale = proposal(variance_units=-30, about_date=date(2026, 4, 21), proposed_on=date(2026, 4, 21))
    assert rows(propose_from([variance("C2", units=-30)], [stale]), "action") == ["post", "recount"]


def test_confirmed_once_is_confirmed():
    """Today the count that confirmed it is closed, so that alone would ask for another one."""
    carried = proposal(variance_units=-30, variance_value=Decimal(-600), book_units=50, action="post")
    assert only([variance(units=-30, **OLD)], [carried])["action"] == "post"


def test_what_nothing_touches_is_carried_as_it_was():
    carried = proposal(about_date=date(2026, 4, 1), proposed_on=date(2026, 4, 2))
    assert only(carried=[carried]) == {name: None for name in only(carried=[carried])} | carried | {"business_date": DAY}


def test_a_restated_variance_is_restated_and_its_approvals_are_void():
    carried = proposal(approvals_needed=2, approvals_given=1, approved_by="ann")
    row = only([variance(units=-8, **OLD)], [carried], [outcome("counted", by="bob")])
    assert (row["variance_units"], row["approvals_given"], row["approved_by"], row["policy_version"]) == (-8, 0, None, "p2")
    assert (row["proposed_on"], row["due_on"], row["approval_status"]) == (BEFORE, date(2026, 5, 8), "pending")


def test_one_of_two_approvals():
    carried = proposal(approvals_needed=2)
    row = only(carried=[carried], decided=[outcome("counted", by=" ann ")])
    assert (row["approvals_given"], row["approved_by"], row["closed_on"]) == (1, "ann", None)


def test_approved_and_posted():
    posted = variance(units=-10, is_posted=True, posted_by="count_correction", posted_on=DAY, **OLD)
    carried = proposal(approvals_needed=2, approvals_given=1, approved_by="ann", action="recount")
    row = only([posted], [carried], [outcome("approved", by="bob")])
    assert (row["approval_status"], row["closed_on"], row["approved_by"], row["action"]) == (
        "approved", DAY, "ann,bob", "post",
    )  # fmt: skip
    assert (row["approvals_given"], row["reason"]) == (2, "approved by ann,bob")


def test_approved_under_source_stays_open_until_an_adjustment_names_the_count():
    row = only(carried=[proposal()], decided=[outcome("approved")])
    assert (row["approval_status"], row["closed_on"]) == ("approved", None)
    carried = proposal(approval_status="approved", approvals_given=1, approved_by="ann")
    row = only(carried=[carried], named=[{"count_id": "C1", "location_id": "S1", "sku_id": "A"}])
    assert (row["approval_status"], row["closed_on"]) == ("approved", DAY)


def test_what_the_source_posted_unasked_is_withdrawn():
    row = only(carried=[proposal()], named=[{"count_id": "C1", "location_id": "S1", "sku_id": "A"}])
    assert (row["approval_status"], row["reason"]) == (
        "withdrawn", "the system of record posted it without an approval here",
    )  # fmt: skip


def test_rejected_is_closed_for_good():
    row = only([variance(units=-10, **OLD)], [proposal()], [outcome("rejected")])
    assert (row["approval_status"], row["closed_on"], row["reason"]) == ("rejected", DAY, "rejected by ann")
    before = outcome("rejected", business_date=BEFORE)
    assert propose_from([variance(units=-10, **OLD)], earlier=[before]).num_rows == 0


def test_a_variance_that_vanished_is_withdrawn_as_late_sales():
    gone = variance(units=0, is_auto=True, is_posted=True, posted_by="count_correction", posted_on=BEFORE, **OLD)
    row = only([gone], [proposal()])
    assert (row["approval_status"], row["root_cause"], row["variance_units"]) == ("withdrawn", "late_pos", 0)


def test_a_variance_that_shrank_within_policy_posts_by_itself():
    small = variance(units=-2, is_auto=True, is_posted=True, posted_by="count_correction", posted_on=DAY, **OLD)
    row = only([small], [proposal()])
    assert (row["approval_status"], row["closed_on"], row["variance_units"]) == ("auto", DAY, -2)


def test_older_than_late_days_must_be_counted_again():
    row = only(carried=[proposal(about_date=date(2026, 3, 31))])
    assert (row["approval_status"], row["closed_on"]) == ("withdrawn", DAY)


def test_only_the_newest_count_of_a_day_is_proposed():
    early = variance("C9", units=-12, counted_at=datetime(2026, 5, 6, 8))
    assert only([early, variance("C1", units=-10)])["source_id"] == "C1"


def disposed(source_id="returns:R1|1", value=150, **more):
    return {
        "location_id": "S1", "sku_id": "A", "source_id": source_id, "about_date": DAY, "units": 3, "value": value,
        "condition": "defective", "disposition": "vendor", "expected_recovery": 21,
    } | more  # fmt: skip


def test_a_disposition_is_proposed_by_value():
    row = only(disposed=[disposed()])
    assert (row["row_key"], row["kind"], row["action"]) == ("2026-05-06|S1|A|returns:R1|1", "disposition", "dispose")
    assert (row["book_units"], row["counted_units"], row["variance_units"]) == (3, None, -3)
    assert (row["variance_value"], row["expected_recovery"], row["disposition"]) == (Decimal(-150), 21, "vendor")
    assert (row["approval_status"], row["approver_role"], row["approvals_needed"]) == ("pending", "store_manager", 1)
    row = only(disposed=[disposed(value=Decimal("99.99"))])
    assert (row["approval_status"], row["closed_on"], row["approvals_needed"]) == ("auto", DAY, 0)


@pytest.mark.parametrize(("kind", "status", "closed"), [("approved", "approved", DAY), ("rejected", "rejected", DAY)])
def test_a_disposition_closes_when_decided(kind, status, closed):
    carried = proposal("returns:R1|1", kind="disposition", action="dispose", disposition="vendor", root_cause=None)
    row = only(carried=[carried], decided=[outcome(kind, "returns:R1|1", kind="disposition")])
    assert (row["approval_status"], row["closed_on"], row["action"]) == (status, closed, "dispose")
    old = carried | {"about_date": date(2026, 1, 1)}
    assert only(carried=[old])["closed_on"] is None
