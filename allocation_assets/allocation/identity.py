"""The name of a line: `allocation_id`, the same for the same business date, locations and SKU (semantics 20)."""

from __future__ import annotations

import hashlib
from datetime import date

# The unit separator cannot stand in a landed id, so two lines never share the hashed text.
SEPARATOR = "\x1f"


def allocation_id(business_date: date, from_location_id: str, to_location_id: str, sku_id: str) -> str:
    """First 16 hex digits of sha256 over the four keys joined by the unit separator; for single lines and tests."""
    text = SEPARATOR.join((business_date.isoformat(), from_location_id, to_location_id, sku_id))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def allocation_id_sql(
    business_date: str = "business_date",
    from_location_id: str = "from_location_id",
    to_location_id: str = "to_location_id",
    sku_id: str = "sku_id",
) -> str:
    """DuckDB expression with the same result, for whole tables; the arguments are column names, never values."""
    for name in (business_date, from_location_id, to_location_id, sku_id):
        if not all(part.isidentifier() for part in name.split(".")):
            raise ValueError(f"allocation_id_sql: {name!r} is not a column name")
    columns = f"strftime({business_date}, '%Y-%m-%d'), {from_location_id}, {to_location_id}, {sku_id}"
    return f"substr(sha256(concat_ws(chr(31), {columns})), 1, 16)"
