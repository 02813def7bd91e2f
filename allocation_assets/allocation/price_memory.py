"""Capacity prices handed from one date to the next (semantics 6): where the search for today's prices starts.

A capacity belongs to a location and a date, and tomorrow's dates are others; what lasts is that a location's dock or a
DC's gate is scarce. So one price per kind and location is kept, that of its earliest date.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from allocation_assets.allocation.limits import Buckets
from allocation_assets.allocation.problem import AllocationPlan, StartPrices
from allocation_assets.tables import write_table

PRICES = "prices.parquet"


def _keys(used: Buckets) -> dict[str, list[tuple[str, date | None]]]:
    """Location and date of each capacity, by kind of price."""
    return {"receiving": used.receiving_keys, "dispatch": used.dispatch_keys, "lines": used.dispatch_keys}


def write_prices(target: Path, used: Buckets, plan: AllocationPlan) -> None:
    """Write one price per kind and location (money per unit, per line), complete or not at all."""
    prices = {"receiving": plan.receiving_price, "dispatch": plan.dispatch_price, "lines": plan.line_price}
    rows: dict[tuple[str, str], tuple[date, float]] = {}
    # Over capacities, not over pairs.
    for kind, keys in _keys(used).items():
        for (name, day), price in zip(keys, prices[kind].tolist(), strict=True):
            known = rows.get((kind, name))
            if day is not None and (known is None or day < known[0]):
                rows[kind, name] = (day, price)
    found = sorted(rows)
    write_table(target, pa.table({
        "kind": pa.array([kind for kind, _ in found], pa.string()),
        "location_id": pa.array([name for _, name in found], pa.string()),
        "price": pa.array([rows[key][1] for key in found], pa.float64()),
    }))  # fmt: skip


def read_prices(source: Path | None, used: Buckets) -> StartPrices | None:
    """Prices to start from, in the problem's order of capacities; None where nothing was handed over."""
    if source is None or not source.exists():
        return None
    known = {(row["kind"], row["location_id"]): row["price"] for row in pq.read_table(source).to_pylist()}
    keys = _keys(used)
    return StartPrices(
        **{kind: np.array([known.get((kind, name), 0.0) for name, _ in keys[kind]], np.float64) for kind in keys}
    )
