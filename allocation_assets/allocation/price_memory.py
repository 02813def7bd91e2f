"""Capacity prices handed from one date to the next (semantics 6): where the search for today's prices starts.

A capacity belongs to a location and a date, and tomorrow's dates are others; what lasts is that a location's dock or a
DC's gate is scarce. So one price per kind and location is kept, that of its earliest date.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from allocation_assets.allocation.problem import AllocationPlan, AllocationProblem, StartPrices
from allocation_assets.schedule import ScheduledPairs
from allocation_assets.tables import write_table

PRICES = "prices.parquet"
#: Kind: (bucket of the problem, prices of the plan, column of the location, date that the bucket is for).
_KINDS = {
    "receiving": ("receiving_bucket", "receiving_price", "to_location_id", "arrival_date"),
    "dispatch": ("dispatch_bucket", "dispatch_price", "from_location_id", "ship_date"),
    "lines": ("dispatch_bucket", "line_price", "from_location_id", "ship_date"),
}


def _buckets(pairs: ScheduledPairs, problem: AllocationProblem, kind: str) -> tuple[list[str], np.ndarray, np.ndarray]:
    """(location, date, bucket number) of each capacity of a kind that some pair uses."""
    bucket, _, location, day = _KINDS[kind]
    numbers, first = np.unique(getattr(problem, bucket), return_index=True)
    first = first[numbers >= 0]
    names = pairs.table[location].take(pa.array(first)).to_pylist()
    return names, getattr(pairs.schedule, day)[first], numbers[numbers >= 0]


def write_prices(target: Path, pairs: ScheduledPairs, problem: AllocationProblem, plan: AllocationPlan) -> None:
    """Write one price per kind and location (money per unit, per line), complete or not at all."""
    rows: dict[tuple[str, str], tuple[np.datetime64, float]] = {}
    # Over capacities, not over pairs.
    for kind, (_, price, _, _) in _KINDS.items():
        values = getattr(plan, price)
        for name, day, number in zip(*_buckets(pairs, problem, kind), strict=True):
            known = rows.get((kind, name))
            if not np.isnat(day) and (known is None or day < known[0]):
                rows[kind, name] = (day, float(values[number]))
    keys = sorted(rows)
    write_table(target, pa.table({
        "kind": pa.array([kind for kind, _ in keys], pa.string()),
        "location_id": pa.array([name for _, name in keys], pa.string()),
        "price": pa.array([rows[key][1] for key in keys], pa.float64()),
    }))  # fmt: skip


def read_prices(source: Path | None, pairs: ScheduledPairs, problem: AllocationProblem) -> StartPrices | None:
    """Prices to start from, in the problem's order of capacities; None where nothing was handed over."""
    if source is None or not source.exists():
        return None
    table = pq.read_table(source)
    known = dict(
        zip(zip(table["kind"].to_pylist(), table["location_id"].to_pylist(), strict=True), table["price"].to_pylist(), strict=True)
    )
    sizes = (
        len(problem.receiving_capacity_units),
        len(problem.dispatch_capacity_units),
        len(problem.dispatch_capacity_lines),
    )
    start = StartPrices(*(np.zeros(size) for size in sizes))
    for kind in _KINDS:
        for name, _, number in zip(*_buckets(pairs, problem, kind), strict=True):
            getattr(start, kind)[number] = known.get((kind, name), 0.0)
    return start
