"""Expectations of the root causes: every position out of stock or with too much is explained, and the shares are whole."""

from __future__ import annotations

from data_quality.expectations.spec import ExpectationSpec, SpecBuilder

KEY = ("location_id", "sku_id", "cause")
CAUSES = (
    "no_dc_supply", "supplier_late", "supplier_short", "receiving_capacity", "dispatch_capacity", "missed_cutoff", "delivery_late",
    "delivery_short", "forecast_miss", "policy_maximum", "policy_rule", "policy_minimum", "case_pack", "override", "phantom_stock",
    "count_gain", "store_execution", "customer_returns", "supplier_over", "opening_stock", "unexplained",
)  # fmt: skip

_NOT_WHOLE = """
SELECT location_id, sku_id, min(cause) AS cause, sum(share) AS shares, sum(value) AS parts, max(position_value) AS position_value
FROM {batch} GROUP BY location_id, sku_id
HAVING sum(share) <> 1 OR sum(value) <> max(position_value) OR min(kind) <> max(kind) OR min(position_value) <> max(position_value)
"""

_NOT_EXPLAINED = """
SELECT p.location_id, p.sku_id, p.stock_status
FROM inventory_positions AS p
LEFT JOIN (SELECT DISTINCT b.location_id, b.sku_id, b.kind FROM {batch} AS b) AS c ON c.location_id = p.location_id AND c.sku_id = p.sku_id
WHERE p.stock_status = 'stockout' AND c.kind IS DISTINCT FROM 'stock_out' OR p.stock_status = 'overstock' AND c.kind IS NULL
"""


def cause_parts(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    """The expectations of `stock_out_causes`, as part of `suite`."""
    rows = SpecBuilder(suite, "stock_out_causes", KEY)
    return [
        rows.of_run_date(),
        rows.unique(*KEY),
        rows.not_null("business_date", "department", "kind", "basis", "share", "position_units", "position_value", "value", "evidence_rows"),
        rows.one_of("kind", ["stock_out", "overstock"]),
        rows.one_of("basis", ["book", "shelf", "belief"]),
        rows.one_of("cause", CAUSES),
        rows.where("share_in_range", "share <= 0 OR share > 1", "a share is above 0 and at most 1"),
        rows.between("position_units", 0),
        rows.between("position_value", 0),
        rows.rows("shares_are_whole", _NOT_WHOLE, "the shares of a position add to exactly 1 and its parts to its value"),
        rows.where(
            "evidence_named",
            "(evidence_dataset IS NULL OR evidence_key IS NULL OR evidence_rows = 0) <> (cause = 'unexplained')",
            "every cause names the fact behind it; what no fact carries is unexplained",
        ),
        rows.rows(
            "every_position_explained", _NOT_EXPLAINED, "every stock-out and overstock position has its causes",
            keys=("location_id", "sku_id"),
        ),
    ]  # fmt: skip
