"""Steps of held orders for the audit log: what was proposed, what people decided, what was ordered or no longer waits.

The rows are those of `reconciliation.audit`, which numbers them: functions of the date's inputs, no clock and no run id.
"""

from __future__ import annotations

import pyarrow as pa

from allocation_assets.reconciliation.frames import run_query

_STEPS = """
WITH stated AS (
    SELECT supplier_id, location_id, sku_id, approval_status, proposed_on, units, held_reason, is_today,
        concat_ws('|', proposed_on, supplier_id, location_id, sku_id) AS row_key, json_object(
            'approval_status', approval_status, 'approvals_given', approvals_given, 'approved_by', approved_by,
            'approver_role', approver_role, 'held_reason', held_reason, 'order_value', order_value::VARCHAR, 'units', units
        )::VARCHAR AS state
    FROM (
        SELECT *, true AS is_today FROM orders
        UNION ALL BY NAME
        SELECT *, false AS is_today FROM before WHERE approval_status IN ('pending', 'rejected')
    )
),
joined AS (
    SELECT coalesce(t.supplier_id, b.supplier_id) AS supplier_id, coalesce(t.location_id, b.location_id) AS location_id,
        coalesce(t.sku_id, b.sku_id) AS sku_id, t.approval_status AS status, b.approval_status AS status_before,
        coalesce(t.row_key, b.row_key) AS row_key, coalesce(t.proposed_on, b.proposed_on) AS about_date, t.held_reason,
        b.state AS before, t.state AS after, t.units AS units, b.units AS units_before, b.row_key AS key_before
    FROM (FROM stated WHERE is_today) AS t
    FULL JOIN (FROM stated WHERE NOT is_today) AS b USING (supplier_id, location_id, sku_id)
    WHERE t.approval_status <> 'auto' OR b.approval_status IS NOT NULL
),
pipeline AS (
    SELECT *, CASE
        WHEN status = 'pending' AND (status_before IS DISTINCT FROM 'pending' OR units <> units_before) THEN 'proposed'
        WHEN status = 'approved' THEN 'ordered'
        WHEN status_before = 'pending' AND coalesce(status, 'auto') = 'auto' THEN 'withdrawn'
    END AS action
    FROM joined
)
SELECT about_date, NULL::TIMESTAMP AS acted_at, 'allocator' AS actor, NULL::VARCHAR AS role, action,
    'replenishment_orders' AS dataset, CASE action WHEN 'withdrawn' THEN key_before ELSE row_key END AS row_key, location_id, sku_id,
    before, after, CASE WHEN action <> 'withdrawn' THEN held_reason WHEN status IS NULL THEN 'not needed by now'
        ELSE 'fits by now' END AS reason,
    $policy_version AS policy_version, NULL::VARCHAR AS approval_id
FROM pipeline WHERE action IS NOT NULL
UNION ALL BY NAME
SELECT o.about_date, o.decided_at AS acted_at, o.decided_by AS actor, o.role, o.outcome AS action, o.dataset,
    coalesce(j.key_before, o.row_key) AS row_key, o.location_id, o.sku_id, j.before,
    -- What was refused changes nothing.
    CASE WHEN o.outcome IN ('approved', 'counted', 'rejected') THEN j.after ELSE j.before END AS after,
    'approval ' || o.approval_id || ': ' || o.decision AS reason, $policy_version AS policy_version, o.approval_id
FROM outcomes AS o
LEFT JOIN joined AS j ON o.source_id = j.supplier_id AND o.location_id = j.location_id AND o.sku_id = j.sku_id
WHERE o.kind = 'order'
ORDER BY ALL
"""


def order_steps(orders: pa.Table, before: pa.Table, outcomes: pa.Table, policy_version: str) -> pa.Table:
    """Steps of the date's `replenishment_orders` that are or were held; before: the date before's, outcomes: of the date."""
    tables = {"orders": orders, "before": before, "outcomes": outcomes}
    return run_query(_STEPS, tables, {"policy_version": policy_version})
