"""`allocator explain`: why this SKU at this location got this many units, read from the published files of the date."""

from __future__ import annotations

from datetime import date

from allocation_assets.reporting.picture import fetcher
from allocation_assets.reporting.reasons import explanation
from orchestration.errors import UsageError
from orchestration.published_date import open_date
from orchestration.settings import Home


def explain(home: Home, day: date, sku: str, location: str) -> str:
    """The reasons of one decision as lines of text. UsageError when the pair is unknown, LandedDataError when the date is."""
    with open_date(home.published, day) as connection:
        lines = explanation(fetcher(connection), day, sku, location)
    if not lines:
        raise UsageError(f"no SKU {sku!r} at location {location!r} on {day}: check both ids in inventory_positions")
    return "\n".join(lines)
