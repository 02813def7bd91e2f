"""Partitions are the dates that landed (semantics 3): dynamic, added when a landing folder appears."""

from __future__ import annotations

import dagster as dg

BUSINESS_DATE_TAG = "allocator/business_date"

business_dates = dg.DynamicPartitionsDefinition(name="business_date")


def register_landed(instance: dg.DagsterInstance, dates: set[str]) -> list[str]:
    """Add the landed dates that the instance does not know yet; returns them, oldest first."""
    new = sorted(dates - set(instance.get_dynamic_partitions(business_dates.name)))
    if new:
        instance.add_dynamic_partitions(business_dates.name, new)
    return new
