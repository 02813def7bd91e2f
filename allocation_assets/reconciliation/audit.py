"""Audit entries of a date: every step of proposals and approvals, with what stood before and after.

Steps by who takes them. The pipeline (actor `allocator`, no time of its own): proposed (also where a proposal is stated
anew), recount_requested, investigation_requested, posted (auto or approved), withdrawn, disposition_proposed,
disposition_decided, ordered (a held order that was approved; `replenishment.audit`). People (actor = decided_by, acted_at as the feed says): approved, counted, rejected, refused_*.

Entries are a function of the date's inputs: no run id and no clock. `before` and `after` are compact JSON with sorted
keys, money as text; entry_id is the md5 of everything else that the entry says. Publishing appends them to `audit_log`.
"""

from __future__ import annotations

from datetime import date

import pyarrow as pa

from allocation_assets.reconciliation.frames import empty, run_query

#: Steps in the order in which they stand within one proposal.
ACTIONS = (
    "proposed", "recount_requested", "investigation_requested", "disposition_proposed", "counted", "approved",
    "rejected", "refused_closed", "refused_role", "refused_same_person", "refused_self", "refused_too_late",
    "refused_unknown", "posted", "disposition_decided", "ordered", "withdrawn",
)  # fmt: skip

_ENTRIES = """
WITH stated AS (
    SELECT *, json_object(
        'action', action, 'approval_status', approval_status, 'approvals_given', approvals_given,
        'approver_role', approver_role, 'book_units', book_units, 'counted_units', counted_units,
        'disposition', disposition, 'expected_recovery', expected_recovery::VARCHAR, 'root_cause', root_cause,
        'variance_units', variance_units, 'variance_value', variance_value::VARCHAR
    )::VARCHAR AS state
    FROM (
        SELECT *, true AS is_today FROM proposals
        UNION ALL BY NAME
        SELECT *, false AS is_today FROM carried
    )
),
steps AS (
    SELECT t.*, b.state AS state_before, b.source_id IS NULL AS is_new,
        t.kind = 'count' AND (b.source_id IS NULL OR b.action <> t.action) AS is_new_action,
        b.source_id IS NULL OR b.variance_units <> t.variance_units OR b.book_units <> t.book_units AS is_stated,
        t.closed_on = $day::DATE AS is_closed
    FROM (FROM stated WHERE is_today) AS t
    LEFT JOIN (FROM stated WHERE NOT is_today) AS b USING (location_id, sku_id, source_id)
),
pipeline AS (
    SELECT *, unnest([
        if(kind = 'count' AND is_stated AND NOT coalesce(is_closed, false), 'proposed', NULL),
        if(is_new_action AND closed_on IS NULL AND action = 'recount', 'recount_requested', NULL),
        if(is_new_action AND closed_on IS NULL AND action = 'investigate', 'investigation_requested', NULL),
        if(kind = 'disposition' AND is_new, 'disposition_proposed', NULL),
        if(kind = 'count' AND is_closed AND approval_status IN ('auto', 'approved'), 'posted', NULL),
        if(kind = 'disposition' AND is_closed, 'disposition_decided', NULL),
        if(is_closed AND approval_status = 'withdrawn', 'withdrawn', NULL)
    ]) AS step
    FROM steps
),
people AS (
    SELECT o.*, coalesce(c.row_key, o.row_key) AS known_key, b.state AS state_before, a.state AS state_after,
        coalesce(c.policy_version, $policy_version) AS policy_version
    FROM outcomes AS o
    LEFT JOIN carried AS c USING (location_id, sku_id, source_id)
    LEFT JOIN stated AS b ON NOT b.is_today AND o.location_id = b.location_id AND o.sku_id = b.sku_id
        AND o.source_id = b.source_id
    LEFT JOIN stated AS a ON a.is_today AND o.location_id = a.location_id AND o.sku_id = a.sku_id
        AND o.source_id = a.source_id
    WHERE o.kind IS DISTINCT FROM 'order'
),
entries AS (
    SELECT about_date, NULL::TIMESTAMP AS acted_at, 'allocator' AS actor, NULL::VARCHAR AS role, step AS action,
        'adjustments_proposed' AS dataset, row_key, location_id, sku_id,
        state_before AS before, state AS after, reason, policy_version, NULL::VARCHAR AS approval_id
    FROM pipeline WHERE step IS NOT NULL
    UNION ALL BY NAME
    SELECT coalesce(about_date, $day::DATE) AS about_date, decided_at AS acted_at, decided_by AS actor, role,
        outcome AS action, dataset, known_key AS row_key, location_id, sku_id, state_before AS before,
        -- What was refused changes nothing.
        CASE WHEN outcome IN ('approved', 'counted', 'rejected') THEN state_after ELSE state_before END AS after,
        'approval ' || approval_id || ': ' || decision AS reason, policy_version, approval_id
    FROM people
    UNION ALL BY NAME
    FROM order_steps
)
SELECT $day::DATE AS business_date,
    md5(to_json([
        $day::DATE::VARCHAR, about_date::VARCHAR, acted_at::VARCHAR, actor, role, action, dataset, row_key, location_id,
        sku_id, before, after, reason, policy_version, approval_id
    ])::VARCHAR) AS entry_id,
    about_date, acted_at::TIMESTAMP AS acted_at, actor, role, action, dataset, row_key, location_id, sku_id, before,
    after, reason, policy_version
FROM entries
ORDER BY about_date, row_key, list_position($actions::VARCHAR[], action), entry_id
"""


def audit_entries(
    proposals: pa.Table,
    carried: pa.Table,
    outcomes: pa.Table,
    policy_version: str,
    run_date: date,
    order_steps: pa.Table | None = None,
) -> pa.Table:
    """Entries of the date, in the columns and order of `decisions/audit_entries`.

    proposals: the date's `adjustments_proposed`; carried: the open rows of the date before's; outcomes: the date's
    approval outcomes. order_steps: what held supplier orders add, as `replenishment.audit` gives it.
    """
    steps = empty("decisions/audit_entries").drop(["business_date", "entry_id"]) if order_steps is None else order_steps
    tables = {"proposals": proposals, "carried": carried, "outcomes": outcomes, "order_steps": steps}
    return run_query(
        _ENTRIES, tables, {"day": run_date, "policy_version": policy_version, "actions": list(ACTIONS)}
    )
