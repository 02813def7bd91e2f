"""Expectations of the exceptions: one row a cause, open ones with owner and due date, resolved ones of the run's date."""

from __future__ import annotations

from data_quality.expectations.spec import ExpectationSpec, SpecBuilder

#: Negative books are in the positions for everyone to see, so that a missing exception can be told.
_NEGATIVE_NOT_FOUND = """
SELECT p.location_id, p.sku_id, p.on_hand
FROM inventory_positions AS p
LEFT JOIN (SELECT b.* FROM {batch} AS b WHERE b.kind = 'negative_stock' AND b.status = 'open') AS e
    ON e.location_id = p.location_id AND e.sku_id = p.sku_id
CROSS JOIN (
    SELECT count(*) AS rows_for_the_rest
    FROM (SELECT b.* FROM {batch} AS b WHERE b.kind = 'negative_stock' AND b.status = 'open' AND b.cause_key = '*') AS r
) AS rest
WHERE p.on_hand < 0 AND e.exception_id IS NULL AND rest.rows_for_the_rest = 0
"""

_CAUSE_TWICE = """
SELECT min(exception_id) AS exception_id, kind, cause_key, count(*) AS open_rows
FROM {batch} WHERE status = 'open' GROUP BY kind, cause_key HAVING count(*) > 1
"""


def exception_parts(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    """The expectations of `exceptions`, as part of `suite`."""
    rows = SpecBuilder(suite, "exceptions", ("exception_id",))
    return [
        rows.of_run_date(),
        rows.unique("exception_id", name="exception_id_unique"),
        rows.not_null(
            "business_date", "exception_id", "kind", "cause_key", "severity", "value_at_risk", "owner_role", "opened_on",
            "due_on", "escalation_level", "status", "evidence", "detail", "recommended_action",
        ),
        rows.one_of("severity", ["critical", "high", "medium", "low"]),
        rows.one_of("status", ["open", "resolved"]),
        rows.between("value_at_risk", 0),
        rows.between("escalation_level", 0),
        rows.rows("cause_once", _CAUSE_TWICE, "a cause is open once, under one id"),
        rows.where(
            "resolved_today",
            "CASE status WHEN 'resolved' THEN resolved_on IS DISTINCT FROM business_date ELSE resolved_on IS NOT NULL END",
            "resolved rows were resolved on the run's date, open ones were not",
        ),
        rows.where(
            "dates_in_order", "opened_on > business_date OR due_on < opened_on", "opened by the run's date, due after it opened"
        ),
        rows.where(
            "escalated_when_late",
            "status = 'open' AND (escalation_level > 0) <> (due_on < business_date)",
            "an open exception is escalated exactly when it is past due",
        ),
        rows.rows(
            "negative_stock_found", _NEGATIVE_NOT_FOUND, "every negative book has its exception, or is among the rest",
            keys=("location_id", "sku_id"),
        ),
    ]  # fmt: skip
