"""The reconciliation's part of the good world, and how each of its rules is broken.

At DC1 a count of A finds 5 less than the book: 2 were shrink, 3 nobody explains, and the correction is held. The one of B
was approved on the run's date. A return at S1 is repaired without asking.
"""

WAREHOUSE_PART = {
    "int_variances": """
        SELECT DATE '2026-03-04' AS business_date, location_id, sku_id, count_id, counted_at::TIMESTAMP AS counted_at,
            variance::BIGINT AS variance, is_within AS is_within_tolerance, is_posted, false AS has_adjustment
        FROM (VALUES
            ('S1', 'A', 'C1', '2026-03-04 09:00', 0, true, true), ('DC1', 'A', 'C2', '2026-03-04 10:00', -5, false, false),
            ('DC1', 'A', 'C3', '2026-03-04 08:00', -4, false, false)
        ) AS v(location_id, sku_id, count_id, counted_at, variance, is_within, is_posted)""",
}

DECISIONS_PART = {
    "approval_outcomes": """
        SELECT DATE '2026-03-04' AS business_date, approval_id, 'adjustments_proposed' AS dataset, row_key, kind,
            about_date::DATE AS about_date, location_id, sku_id, source_id, 'approve' AS decision, 'ann' AS decided_by,
            'inventory_controller' AS role, TIMESTAMP '2026-03-04 12:00' AS decided_at, outcome
        FROM (VALUES
            ('a1', 'DC1|B|C0', 'count', '2026-03-02', 'DC1', 'B', 'C0', 'approved'),
            ('a2', 'DC9|B|C0', NULL, NULL, NULL, NULL, NULL, 'refused_unknown')
        ) AS v(approval_id, row_key, kind, about_date, location_id, sku_id, source_id, outcome)""",
    "variance_causes": """
        SELECT DATE '2026-03-04' AS business_date, DATE '2026-03-04' AS counted_on, 'DC1' AS location_id, 'A' AS sku_id,
            count_id, cause, units::BIGINT AS units, feed AS evidence_feed, key AS evidence_key
        FROM (VALUES
            ('C2', 'shrink', -2, 'adjustments', 'X1'), ('C2', 'unexplained', -3, NULL, NULL),
            ('C3', 'unexplained', -4, NULL, NULL)
        ) AS v(count_id, cause, units, feed, key)""",
    "adjustments_proposed": """
        SELECT DATE '2026-03-04' AS business_date, location_id, sku_id, source_id,
            concat_ws('|', proposed_on, location_id, sku_id, source_id) AS row_key, kind,
            proposed_on::DATE AS about_date, proposed_on::DATE AS proposed_on, variance::BIGINT AS variance_units,
            root_cause, action, status AS approval_status, approver AS approver_role, needed::INTEGER AS approvals_needed,
            given::INTEGER AS approvals_given, approved_by, proposed_by, disposition, due_on::DATE AS due_on,
            closed_on::DATE AS closed_on, 'why' AS reason, 'p' AS policy_version
        FROM (VALUES
            ('DC1', 'A', 'C2', 'count', '2026-03-04', -5, 'unexplained', 'post', 'pending', 'store_manager', 1, 0, NULL,
                'cora', NULL, '2026-03-07', NULL),
            ('DC1', 'B', 'C0', 'count', '2026-03-02', -8, 'shrink', 'post', 'approved', 'store_manager', 1, 1, 'ann',
                'cora', NULL, '2026-03-05', '2026-03-04'),
            ('S1', 'A', 'returns:R1|1', 'disposition', '2026-03-04', -1, NULL, 'dispose', 'auto', NULL, 0, 0, NULL,
                NULL, 'repair', NULL, '2026-03-04')
        ) AS v(location_id, sku_id, source_id, kind, proposed_on, variance, root_cause, action, status, approver, needed,
            given, approved_by, proposed_by, disposition, due_on, closed_on)""",
    "audit_entries": """
        SELECT DATE '2026-03-04' AS business_date, entry_id, DATE '2026-03-04' AS about_date, 'allocator' AS actor, action,
            'adjustments_proposed' AS dataset, 'k' AS row_key, 'p' AS policy_version
        FROM (VALUES ('e1', 'proposed'), ('e2', 'posted')) AS v(entry_id, action)""",
}

_OUTCOME = "UPDATE approval_outcomes SET {} WHERE approval_id = 'a1'"
_CAUSE = "UPDATE variance_causes SET {} WHERE cause = 'shrink'"
_HELD = "UPDATE adjustments_proposed SET {} WHERE source_id = 'C2'"
_DONE = "UPDATE adjustments_proposed SET {} WHERE source_id = 'C0'"
_GOODS = "UPDATE adjustments_proposed SET {} WHERE kind = 'disposition'"
_ENTRY = "UPDATE audit_entries SET {} WHERE entry_id = 'e1'"
_OTHER_DATE = "UPDATE {} SET business_date = '2026-03-03'"
_APPROVED = [{"approval_id": "a1"}]
_COUNTED = {"counted_on": "2026-03-04", "location_id": "DC1", "sku_id": "A"}
_C2, _C3 = [_COUNTED | {"count_id": "C2"}], [_COUNTED | {"count_id": "C3"}]
_P1 = [{"location_id": "DC1", "sku_id": "A", "source_id": "C2"}]
_P2 = [{"location_id": "DC1", "sku_id": "B", "source_id": "C0"}]
_P3 = [{"location_id": "S1", "sku_id": "A", "source_id": "returns:R1|1"}]
_E1, _E2 = [{"entry_id": "e1"}], [{"entry_id": "e2"}]

CASES = [
    ("approval_outcomes.of_run_date", "approval_outcomes", _OTHER_DATE.format("approval_outcomes"),
     [*_APPROVED, {"approval_id": "a2"}]),
    ("approval_outcomes.grain_unique", "approval_outcomes", _OUTCOME.format("approval_id = 'a2'"),
     [{"approval_id": "a2"}]),
    ("approval_outcomes.outcome_known", "approval_outcomes", _OUTCOME.format("outcome = 'maybe'"), _APPROVED),
    ("approval_outcomes.accepted_is_known", "approval_outcomes", _OUTCOME.format("source_id = NULL"), _APPROVED),
    ("variance_causes.of_run_date", "variance_causes", _OTHER_DATE.format("variance_causes"), _C2 + _C3),
    ("variance_causes.grain_unique", "variance_causes",
     "INSERT INTO variance_causes FROM variance_causes WHERE cause = 'shrink'", _C2),
    ("variance_causes.cause_known", "variance_causes", _CAUSE.format("cause = 'gnomes'"), _C2),
    ("variance_causes.explains_units", "variance_causes", _CAUSE.format("units = 0"), _C2),
    ("variance_causes.evidence_named", "variance_causes", _CAUSE.format("evidence_key = NULL"), _C2),
    ("variance_causes.sum_is_variance", "variance_causes", _CAUSE.format("units = -1"), _C2),
    ("variance_causes.sum_is_variance", "variance_causes", "DELETE FROM variance_causes WHERE count_id = 'C3'", _C3),
    ("variance_causes.sum_is_variance", "variance_causes", _CAUSE.format("cause = 'late_pos'"), _C2),
    ("variance_causes.same_sign", "variance_causes", _CAUSE.format("units = 2"), _C2),
    ("adjustments_proposed.of_run_date", "adjustments_proposed", _OTHER_DATE.format("adjustments_proposed"),
     [*_P1, *_P2, *_P3]),
    ("adjustments_proposed.grain_unique", "adjustments_proposed",
     "INSERT INTO adjustments_proposed FROM adjustments_proposed WHERE source_id = 'C0'", _P2),
    ("adjustments_proposed.kind_known", "adjustments_proposed", _HELD.format("kind = 'other'"), _P1),
    ("adjustments_proposed.action_known", "adjustments_proposed", _HELD.format("action = 'wait'"), _P1),
    ("adjustments_proposed.approval_status_known", "adjustments_proposed", _HELD.format("approval_status = 'open'"), _P1),
    ("adjustments_proposed.disposition_known", "adjustments_proposed", _GOODS.format("disposition = 'eat'"), _P3),
    ("adjustments_proposed.root_cause_known", "adjustments_proposed", _HELD.format("root_cause = 'gnomes'"), _P1),
    ("adjustments_proposed.dispose_is_disposition", "adjustments_proposed", _HELD.format("action = 'dispose'"), _P1),
    ("adjustments_proposed.dispose_is_disposition", "adjustments_proposed", _GOODS.format("disposition = NULL"), _P3),
    ("adjustments_proposed.enough_approvers", "adjustments_proposed", _DONE.format("approvals_given = 0"), _P2),
    ("adjustments_proposed.enough_approvers", "adjustments_proposed", _DONE.format("approvals_needed = 0"), _P2),
    ("adjustments_proposed.enough_approvers", "adjustments_proposed",
     _DONE.format("approvals_needed = 2, approvals_given = 2, approved_by = 'ann,Ann'"), _P2),
    ("adjustments_proposed.no_self_approval", "adjustments_proposed", _DONE.format("approved_by = 'ann,Cora'"), _P2),
    ("adjustments_proposed.pending_has_approver", "adjustments_proposed", _HELD.format("approver_role = NULL"), _P1),
    ("adjustments_proposed.pending_has_approver", "adjustments_proposed", _HELD.format("due_on = NULL"), _P1),
    ("adjustments_proposed.pending_has_approver", "adjustments_proposed", _HELD.format("approvals_given = 1"), _P1),
    ("adjustments_proposed.closed_on_run_date", "adjustments_proposed", _DONE.format("closed_on = '2026-03-03'"), _P2),
    ("adjustments_proposed.closed_on_run_date", "adjustments_proposed", _HELD.format("approval_status = 'rejected'"), _P1),
    ("adjustments_proposed.open_once", "adjustments_proposed", _DONE.format("sku_id = 'A', closed_on = NULL"),
     [{"location_id": "DC1", "sku_id": "A"}]),
    ("adjustments_proposed.all_proposed", "adjustments_proposed",
     "DELETE FROM adjustments_proposed WHERE source_id = 'C2'", _P1),
    ("audit_entries.of_run_date", "audit_entries", _OTHER_DATE.format("audit_entries"), [*_E1, *_E2]),
    ("audit_entries.grain_unique", "audit_entries", _ENTRY.format("entry_id = 'e2'"), _E2),
    ("audit_entries.action_known", "audit_entries", _ENTRY.format("action = 'slept'"), _E1),
]  # fmt: skip
