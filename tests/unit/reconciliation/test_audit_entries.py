"""What the audit log hears of each step."""

from __future__ import annotations

import json
from datetime import datetime

from allocation_assets.placeholders import SCHEMAS
from allocation_assets.reconciliation.audit import audit_entries
from tests.unit.reconciliation.cases import BEFORE, DAY, outcome, outcomes, proposal, proposals, rows, table

TODAY = dict(business_date=DAY)
NEW = dict(business_date=DAY, proposed_on=DAY, about_date=DAY, row_key="2026-05-06|S1|A|C1")


def audit(today=(), carried=(), decided=()):
    return audit_entries(proposals(*today), proposals(*carried), outcomes(*decided), "p2", DAY)


def actions(*arguments):
    return rows(audit(*arguments), "action")


def test_a_new_proposal_and_what_it_asks_for():
    assert actions([proposal(**NEW)]) == ["proposed"]
    assert actions([proposal(**NEW, action="recount")]) == ["proposed", "recount_requested"]
    assert actions([proposal(**NEW, action="investigate")]) == ["proposed", "investigation_requested"]


def test_what_is_carried_unchanged_says_nothing():
    assert actions([proposal(**TODAY)], [proposal()]) == []


def test_a_restated_proposal_says_before_and_after():
    entry = audit([proposal(**TODAY, variance_units=-8)], [proposal()]).to_pylist()[0]
    before, after = json.loads(entry["before"]), json.loads(entry["after"])
    assert (entry["action"], before["variance_units"], after["variance_units"]) == ("proposed", -10, -8)
    assert list(before) == sorted(before)
    assert entry["before"] == json.dumps(before, separators=(",", ":"))


def test_posted_by_policy_and_by_approval():
    auto = proposal(**NEW, approval_status="auto", closed_on=DAY)
    assert actions([auto]) == ["posted"]
    done = proposal(**TODAY, approval_status="approved", closed_on=DAY, approvals_given=1, approved_by="ann")
    entries = audit([done], [proposal()], [outcome("approved", by="ann")])
    assert rows(entries, "action", "actor", "role", "acted_at", "row_key") == [
        ("approved", "ann", "inventory_controller", datetime(2026, 5, 6, 9), "2026-05-05|S1|A|C1"),
        ("posted", "allocator", None, None, "2026-05-05|S1|A|C1"),
    ]
    assert [json.loads(text)["approval_status"] for text in rows(entries, "before")] == ["pending", "pending"]
    assert [json.loads(text)["approval_status"] for text in rows(entries, "after")] == ["approved", "approved"]
    assert rows(entries, "reason")[0] == "approval a1: approve"


def test_one_more_is_needed_rejected_and_withdrawn():
    half = proposal(**TODAY, approvals_given=1, approved_by="ann", approvals_needed=2)
    assert actions([half], [proposal(approvals_needed=2)], [outcome("counted")]) == ["counted"]
    gone = proposal(**TODAY, approval_status="rejected", closed_on=DAY)
    assert actions([gone], [proposal()], [outcome("rejected")]) == ["rejected"]
    gone = proposal(**TODAY, approval_status="withdrawn", closed_on=DAY)
    assert actions([gone], [proposal()]) == ["withdrawn"]


def test_what_was_refused_changes_nothing_and_is_kept():
    unknown = outcome("refused_unknown", kind=None, about_date=None, location_id=None, sku_id=None, source_id=None)
    entries = audit([proposal(**TODAY)], [proposal()], [outcome("refused_self", approval_id="a2"), unknown])
    assert rows(entries, "about_date", "action", "location_id") == [
        (BEFORE, "refused_self", "S1"),
        (DAY, "refused_unknown", None),
    ]
    first = entries.to_pylist()[0]
    assert first["before"] == first["after"]


def test_dispositions():
    made = proposal("returns:R1|1", **{**NEW, "kind": "disposition", "action": "dispose", "disposition": "vendor"})
    assert actions([made]) == ["disposition_proposed"]
    assert actions([made | {"approval_status": "auto", "closed_on": DAY}]) == [
        "disposition_proposed",
        "disposition_decided",
    ]
    before = made | {"business_date": BEFORE}
    done = made | {"approval_status": "approved", "closed_on": DAY}
    decided = outcome("approved", "returns:R1|1", kind="disposition")
    assert actions([done], [before], [decided]) == ["approved", "disposition_decided"]


def test_entries_are_named_by_what_they_say():
    one = audit([proposal(**NEW, action="recount")])
    assert one.equals(audit([proposal(**NEW, action="recount")]))
    assert one.schema.names == table(SCHEMAS["decisions/audit_entries"]).schema.names
    other = audit([proposal(**NEW, action="recount", variance_units=-11)])
    assert not set(rows(one, "entry_id")) & set(rows(other, "entry_id"))
    twice = [outcome("refused_self", approval_id="a1"), outcome("refused_self", approval_id="a2")]
    assert len(set(rows(audit([proposal(**TODAY)], [proposal()], twice), "entry_id"))) == 2
