"""Judging approvals: whether what a person decided about a proposal counts.

An approval is matched with the proposals of the date before on `location|item|source` of adjustments_proposed, or on
`supplier|location|item` of a held order of replenishment_orders, with or without a leading date. The first rule that
applies gives its outcome:

1. refused_unknown: no such proposal, or another dataset than these two;
2. refused_closed: the proposal was decided before (on an earlier date, or earlier on this one);
3. refused_too_late: its count lies further back than `feeds.late_days`, so it could not post: count again;
4. refused_role: the role is not on the dataset's ladder, or its limit is below the proposal's value;
5. refused_self: who proposed approves: the counter, of an order the pipeline (rejecting one's own is allowed);
6. rejected;
7. refused_same_person: this person has approved it already;
8. counted: one more person is needed; approved: enough people have approved.

People are compared without case and surrounding blanks, so that nobody becomes two by spelling. In the order of
(decided_at, approval_id): the same approvals give the same outcomes however they were delivered.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

import pyarrow as pa

from allocation_assets.reconciliation.frames import empty, limits_table, run_query

_JUDGE = r"""
WITH proposed AS (
    SELECT 'adjustments_proposed' AS dataset, concat_ws('|', location_id, sku_id, source_id) AS pair_key, kind, about_date,
        location_id, sku_id, source_id, variance_value, approvals_needed, approvals_given, approved_by, proposed_by,
        approval_status, closed_on
    FROM proposals
    UNION ALL BY NAME
    SELECT 'replenishment_orders' AS dataset, concat_ws('|', supplier_id, location_id, sku_id) AS pair_key, 'order' AS kind,
        proposed_on AS about_date, location_id, sku_id, supplier_id AS source_id, order_value AS variance_value,
        approvals_needed, approvals_given, approved_by, 'allocator' AS proposed_by, approval_status
    FROM orders WHERE approval_status <> 'auto'
),
decided_before AS (
    SELECT dataset, kind, about_date, location_id, sku_id, source_id, CASE kind
            WHEN 'order' THEN concat_ws('|', source_id, location_id, sku_id) ELSE concat_ws('|', location_id, sku_id, source_id)
        END AS pair_key
    FROM earlier WHERE outcome IN ('approved', 'rejected')
    QUALIFY row_number() OVER (PARTITION BY dataset, pair_key ORDER BY business_date DESC, approval_id) = 1
),
known AS (
    SELECT dataset, pair_key, kind, about_date, location_id, sku_id, source_id, variance_value, approvals_needed,
        approvals_given, approved_by, proposed_by, closed_on IS NULL AND approval_status = 'pending' AS is_open
    FROM proposed
    UNION ALL BY NAME
    SELECT *, false AS is_open FROM decided_before ANTI JOIN proposed USING (dataset, pair_key)
),
named AS (
    SELECT a.*, lower(trim(a.decided_by)) AS person, CASE WHEN k.pair_key IS NOT NULL THEN a.row_key
        ELSE regexp_replace(a.row_key, '^\d{4}-\d{2}-\d{2}\|', '') END AS pair_key
    FROM approvals AS a LEFT JOIN known AS k ON a.dataset = k.dataset AND a.row_key = k.pair_key
),
limits AS (
    SELECT 'adjustments_proposed' AS dataset, role, most FROM correction_limits
    UNION ALL
    SELECT 'replenishment_orders', role, most FROM order_limits
),
examined AS (
    SELECT a.*, k.* EXCLUDE (dataset, pair_key, person, approved_by),
        ',' || lower(coalesce(k.approved_by, '')) || ',' AS approvers,
        CASE
            WHEN k.pair_key IS NULL THEN 'refused_unknown'
            WHEN NOT k.is_open THEN 'refused_closed'
            WHEN k.kind = 'count' AND k.about_date < $day::DATE - $late_days::INTEGER THEN 'refused_too_late'
            WHEN l.role IS NULL OR l.most < abs(coalesce(k.variance_value, 0)) THEN 'refused_role'
            WHEN a.decision = 'approve' AND a.person = k.person THEN 'refused_self'
        END AS refusal
    FROM named AS a
    LEFT JOIN (SELECT *, lower(trim(proposed_by)) AS person FROM known) AS k
        ON a.pair_key = k.pair_key AND a.dataset = k.dataset
    LEFT JOIN limits AS l ON a.role = l.role AND a.dataset = l.dataset
),
heard AS (
    SELECT *,
        refusal IS NULL AND decision = 'approve' AND NOT contains(approvers, ',' || person || ',')
        AND row_number() OVER (
            PARTITION BY dataset, pair_key, person, decision, refusal IS NULL ORDER BY decided_at, approval_id
        ) = 1 AS is_new
    FROM examined
),
given AS (
    SELECT *, coalesce(approvals_given, 0) + sum(is_new::INTEGER) OVER (
        PARTITION BY dataset, pair_key ORDER BY decided_at, approval_id ROWS UNBOUNDED PRECEDING
    ) AS approvals
    FROM heard
),
closing AS (
    SELECT *, coalesce(bool_or(refusal IS NULL AND (decision = 'reject' OR is_new AND approvals >= approvals_needed))
        OVER (PARTITION BY dataset, pair_key ORDER BY decided_at, approval_id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
        false) AS is_closed
    FROM given
)
SELECT $day::DATE AS business_date, approval_id, dataset, row_key, kind, about_date, location_id, sku_id, source_id,
    decision, decided_by, role, decided_at::TIMESTAMP AS decided_at,
    CASE
        WHEN refusal IN ('refused_unknown', 'refused_closed') THEN refusal
        WHEN is_closed THEN 'refused_closed'
        WHEN refusal IS NOT NULL THEN refusal
        WHEN decision = 'reject' THEN 'rejected'
        WHEN NOT is_new THEN 'refused_same_person'
        WHEN approvals >= approvals_needed THEN 'approved'
        ELSE 'counted'
    END AS outcome
FROM closing ORDER BY decided_at, approval_id
"""


def judge_approvals(
    approvals: pa.Table,
    proposals: pa.Table,
    earlier: pa.Table,
    ladder: Sequence[tuple[str, Decimal | None]],
    run_date: date,
    late_days: int,
    orders: pa.Table | None = None,
    order_ladder: Sequence[tuple[str, Decimal | None]] = (("*", None),),
) -> pa.Table:
    """Outcome of each approval that came in on the run's date, in the columns of `decisions/approval_outcomes`.

    approvals: (approval_id, dataset, row_key, decision, decided_by, role, decided_at), one row an approval.
    proposals: the date before's `adjustments_proposed`, open and closed rows. earlier: outcomes of earlier dates, which
    tell what was decided from what never was. ladder: `policy.limits.parse_limits`. orders, order_ladder: the same of the
    date before's `replenishment_orders`, of which what waits or was decided can be named.
    """
    tables = {"approvals": approvals, "proposals": proposals, "earlier": earlier, "correction_limits": limits_table(ladder)}
    tables |= {"orders": empty("decisions/replenishment_orders") if orders is None else orders, "order_limits": limits_table(order_ladder)}
    return run_query(_JUDGE, tables, {"day": run_date, "late_days": late_days})
