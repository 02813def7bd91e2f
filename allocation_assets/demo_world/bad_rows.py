"""Rows that are wrong on purpose, so that quarantine has something true to show. Far below 5 % of any feed and date."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class BadRow:
    """A copy of the first row of ``feed`` on ``business_date`` with ``changes``, appended to that file.

    ``reason`` is the quarantine reason by name (landing.md), or ``duplicate`` for an exact copy. In CSV files a change
    may be any text; in Parquet it keeps the column's type.
    """

    feed: str
    business_date: str
    reason: str
    changes: dict[str, object] = field(default_factory=dict)


DEMO_BAD_ROWS = (
    BadRow("pos", "2024-06-23", "unknown_sku", {"transaction_id": "X-240623-1", "sku_id": "P9999"}),
    BadRow("pos", "2024-06-23", "duplicate"),
    BadRow("pos", "2024-06-24", "out_of_range", {"transaction_id": "X-240624-1", "units": -2}),
    BadRow("pos", "2024-06-24", "conflicting_duplicate", {"units": 97}),
    BadRow("pos", "2024-06-25", "missing_required", {"transaction_id": "X-240625-1", "sku_id": None}),
    BadRow("pos", "2024-06-25", "future_dated", {"transaction_id": "X-240625-2", "sold_at": "2024-06-29T10:00:00"}),
    BadRow("receipts", "2024-06-24", "bad_type", {"receipt_id": "RC-X-240624-1", "units": "twelve"}),
    BadRow("receipts", "2024-06-25", "unknown_location", {"receipt_id": "RC-X-240625-1", "location_id": "S9999"}),
    BadRow("returns", "2024-06-24", "bad_enum", {"return_id": "R-X-240624-1", "disposition": "resell"}),
    BadRow("returns", "2024-06-25", "out_of_range", {"return_id": "R-X-240625-1", "units": "0"}),
    BadRow("cycle_counts", "2024-06-25", "out_of_range", {"count_id": "CC-X-240625-1", "counted_units": "-4"}),
    BadRow("adjustments", "2024-06-25", "bad_enum", {"adjustment_id": "A-X-240625-1", "reason_code": "gremlins"}),
)
