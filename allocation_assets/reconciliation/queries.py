"""What the reconciliation's assets read: bounded windows of the lake and the warehouse."""

from __future__ import annotations

#: Approvals taken in by the run of `day`, of each id the newest (semantics 10).
APPROVALS = """
SELECT approval_id, dataset, row_key, decision, decided_by, role, decided_at
FROM (
    SELECT * FROM read_parquet($files, hive_partitioning = true)
    WHERE posted_on BETWEEN $day::DATE - $late_days::INTEGER AND $day::DATE
    QUALIFY row_number() OVER (PARTITION BY approval_id ORDER BY business_date DESC, load DESC, source_line) = 1
)
WHERE posted_on = $day::DATE ORDER BY decided_at, approval_id
"""

FILES = "SELECT * FROM read_parquet($files, hive_partitioning = false) ORDER BY ALL"

OPEN = """
SELECT * FROM read_parquet($files, hive_partitioning = false) WHERE closed_on IS NULL ORDER BY ALL
"""

VARIANCES = "SELECT * FROM int_variances ORDER BY business_date, location_id, sku_id, count_id"

EVIDENCE = "SELECT * FROM int_variance_evidence ORDER BY ALL"

#: What earlier runs attributed to counts before the range that this run rebuilds, as the newest of them said it.
EARLIER_CAUSES = """
WITH newest AS (
    SELECT * FROM read_parquet($files, hive_partitioning = false)
    WHERE counted_on >= $first::DATE - $evidence_days::INTEGER AND counted_on < $first::DATE
    QUALIFY business_date = max(business_date) OVER (PARTITION BY counted_on, location_id, sku_id, count_id)
)
SELECT concat_ws('|', c.count_id, c.location_id, c.sku_id) AS own_key, c.location_id, c.sku_id, c.evidence_feed,
    c.evidence_key, c.units, coalesce(h.is_posted, false) AS is_posted
FROM newest AS c
LEFT JOIN int_variance_history AS h ON c.counted_on = h.business_date AND c.location_id = h.location_id
    AND c.sku_id = h.sku_id AND c.count_id = h.count_id
ORDER BY ALL
"""

#: Counts that an adjustment taken in by now names: the system of record has posted them.
NAMED = """
SELECT DISTINCT count_id, location_id, sku_id FROM stg_adjustments
WHERE count_id IS NOT NULL AND posted_on BETWEEN $day::DATE - $late_days::INTEGER AND $day::DATE
ORDER BY ALL
"""

#: Returned and damaged goods taken in by the run of `day`; facts of earlier dates only where there is a date before to
#: have decided on its own (a cold start would decide a year of history).
GOODS = """
WITH facts AS (
    SELECT 'returns:' || return_id || '|' || line_no AS source_id, location_id, sku_id, business_date, units,
        disposition AS stated, reason_code, true AS is_answerable, NULL::VARCHAR AS supplier_id, posted_on
    FROM stg_returns
    UNION ALL
    SELECT 'receipts:' || receipt_id || '|' || line_no, location_id, sku_id, business_date, units_damaged, 'damaged',
        NULL, source_type = 'purchase', supplier_id, posted_on
    FROM stg_receipts WHERE units_damaged > 0
    UNION ALL
    SELECT 'adjustments:' || adjustment_id, location_id, sku_id, business_date, -units, 'damaged', reason_code, false,
        NULL, posted_on
    FROM stg_adjustments WHERE reason_code = 'damage' AND units < 0
)
SELECT f.source_id, f.location_id, f.sku_id, f.business_date, f.units, f.stated, f.reason_code, f.is_answerable,
    coalesce(f.supplier_id, i.supplier_id) AS supplier_id, i.unit_cost, i.unit_price, i.season, i.lifecycle
FROM facts AS f JOIN int_items AS i USING (sku_id)
WHERE f.posted_on = $day::DATE AND (f.business_date = $day::DATE OR NOT $is_cold_start::BOOLEAN)
ORDER BY f.location_id, f.sku_id, f.source_id
"""
