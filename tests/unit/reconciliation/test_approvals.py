"""Every way in which an approval counts or does not, by hand."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pyarrow as pa
import pytest

from allocation_assets.placeholders import SCHEMAS
from allocation_assets.reconciliation.approvals import judge_approvals
from tests.unit.reconciliation.cases import (
    APPROVALS,
    BEFORE,
    DAY,
    LADDER,
    approval,
    outcome,
    outcomes,
    proposal,
    proposals,
    rows,
    table,
)


def judge(approvals, proposed, earlier=()):
    return judge_approvals(table(APPROVALS, approvals), proposals(*proposed), outcomes(*earlier), LADDER, DAY, 35)


def outcome_of(approvals, *proposed, earlier=()):
    return dict(rows(judge(approvals, proposed, earlier), "approval_id", "outcome"))


@pytest.mark.parametrize("key", ["S1|A|C1", "2026-05-05|S1|A|C1", "2026-04-01|S1|A|C1"])
def test_an_approval_is_matched_with_or_without_a_leading_date(key):
    result = judge([approval("a1", key)], [proposal()])
    assert rows(result, "outcome", "kind", "about_date", "location_id", "sku_id", "source_id") == [
        ("approved", "count", BEFORE, "S1", "A", "C1")
    ]


def test_a_source_id_with_bars_is_matched_whole():
    proposed = proposal("returns:R1|1", kind="disposition")
    assert outcome_of([approval("a1", "2026-05-05|S1|A|returns:R1|1")], proposed) == {"a1": "approved"}


@pytest.mark.parametrize(
    ("role", "value", "expected"),
    [
        ("store_manager", -500, "approved"),
        ("store_manager", -501, "refused_role"),
        ("inventory_controller", 501, "approved"),
        ("inventory_controller", 5001, "refused_role"),
        ("finance_director", 5001, "approved"),
        ("janitor", 1, "refused_role"),
    ],
)
def test_a_role_approves_up_to_its_amount(role, value, expected):
    assert outcome_of([approval("a1", role=role)], proposal(variance_value=Decimal(value))) == {"a1": expected}


def test_a_role_below_the_amount_cannot_reject_either():
    made = approval("a1", decision="reject", role="store_manager")
    assert outcome_of([made], proposal(variance_value=Decimal(-900))) == {"a1": "refused_role"}


@pytest.mark.parametrize("by", ["cora", " Cora "])
def test_nobody_approves_their_own_count_but_may_reject_it(by):
    assert outcome_of([approval("a1", by=by)], proposal()) == {"a1": "refused_self"}
    assert outcome_of([approval("a1", by=by, decision="reject")], proposal()) == {"a1": "rejected"}


def test_four_eyes_are_two_people_however_they_are_spelt():
    big = proposal(approvals_needed=2, variance_value=Decimal(-3000))
    made = [approval("a1", hour=8), approval("a2", by="ANN ", hour=9), approval("a3", by="bob", hour=10)]
    assert outcome_of(made, big) == {"a1": "counted", "a2": "refused_same_person", "a3": "approved"}


def test_an_approval_counted_on_an_earlier_date_still_counts():
    half = proposal(approvals_needed=2, approvals_given=1, approved_by="ann")
    assert outcome_of([approval("a1", by="bob")], half) == {"a1": "approved"}
    assert outcome_of([approval("a1", by="Ann")], half) == {"a1": "refused_same_person"}


def test_the_order_is_that_of_decision_and_what_comes_after_the_closing_one_is_refused():
    made = [approval("a3", hour=11, decision="reject"), approval("a2", hour=10, by="bob"), approval("a1", hour=10)]
    result = judge(made, [proposal()])
    assert rows(result, "approval_id", "outcome") == [
        ("a1", "approved"),
        ("a2", "refused_closed"),
        ("a3", "refused_closed"),
    ]


def test_a_refused_approval_does_not_close():
    made = [approval("a1", hour=8, role="janitor"), approval("a2", hour=9, decision="reject")]
    assert outcome_of(made, proposal()) == {"a1": "refused_role", "a2": "rejected"}


@pytest.mark.parametrize("status", ["withdrawn", "approved", "rejected", "auto"])
def test_what_was_closed_on_the_date_before_is_closed(status):
    assert outcome_of([approval("a1")], proposal(approval_status=status, closed_on=BEFORE)) == {"a1": "refused_closed"}


def test_what_was_decided_on_an_earlier_date_is_closed_and_what_never_was_proposed_is_unknown():
    old = outcome("rejected", business_date=date(2026, 5, 1))
    made = [approval("a1"), approval("a2", "S1|B|C1"), approval("a3", dataset="allocations")]
    assert outcome_of(made, earlier=[old]) == {"a1": "refused_closed", "a2": "refused_unknown", "a3": "refused_unknown"}


@pytest.mark.parametrize(("about", "expected"), [(date(2026, 4, 1), "approved"), (date(2026, 3, 31), "refused_too_late")])
def test_a_count_beyond_late_days_must_be_made_again(about, expected):
    assert outcome_of([approval("a1")], proposal(about_date=about)) == {"a1": expected}
    returned = proposal(about_date=about, kind="disposition")
    assert outcome_of([approval("a1")], returned) == {"a1": "approved"}


def test_the_result_has_the_columns_of_the_lake_and_does_not_depend_on_delivery():
    made = [approval("a1"), approval("a2", by="bob", hour=8), approval("a3", "S1|B|C9")]
    one, other = judge(made, [proposal()]), judge(made[::-1], [proposal()])
    expected = table(SCHEMAS["decisions/approval_outcomes"]).schema
    assert one.equals(other)
    assert (one.schema.names, [pa.types.is_date32(one.schema.field(0).type)]) == (expected.names, [True])
