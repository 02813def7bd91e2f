"""The pairs of a run with their shipping schedule: what both the forecast's horizon and the plan stand on."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from allocation_assets.allocation.calendar import Schedule, day_masks, shipping_schedule
from allocation_assets.policy import Policy, Resolution
from allocation_assets.tables import dates, floats, integers, texts

#: Pair-scope parameters that shape an allocation; the most specific rule among them is the line's rule_id.
PARAMETERS = (
    "allocation.cases_per_layer",
    "allocation.cases_per_pallet",
    "allocation.max_units",
    "allocation.min_ship_units",
    "allocation.min_units",
    "allocation.presentation_value_per_unit",
    "allocation.priority_weight",
    "allocation.quota_share",
    "allocation.rest_days",
    "allocation.review_days",
    "allocation.tier",
    "costs.holding_per_unit_day",
    "costs.lost_sale_per_unit",
    "costs.shipment_per_line",
    "lanes.default_lead_time_days",
)


@dataclass(frozen=True)
class ScheduledPairs:
    """Pairs of the run (n, sorted by SKU and location), their policy values and their shipping schedule."""

    table: pa.Table
    policy: Resolution
    schedule: Schedule
    is_review_day: np.ndarray


@dataclass(frozen=True)
class SkuRange:
    """The SKUs from `first` to `last`, both included: `pairs` rows of int_allocation_pairs, whole SKUs."""

    first: str
    last: str
    pairs: int


#: Pairs of a range, about: what a shard of a run holds in memory as one wide table.
PAIRS_PER_RANGE = 500_000

_PAIRS = """
SELECT p.*, s.abc AS segment FROM int_allocation_pairs AS p
LEFT JOIN read_parquet($segments, hive_partitioning = false) AS s ON s.sku_id = p.sku_id
ORDER BY p.sku_id, p.to_location_id
"""
_RANGES = """
WITH skus AS (SELECT sku_id, count(*) AS pairs FROM query_table($relation) GROUP BY sku_id),
placed AS (SELECT *, (sum(pairs) OVER (ORDER BY sku_id) - pairs) // $most AS range FROM skus)
SELECT min(sku_id), max(sku_id), sum(pairs)::BIGINT FROM placed GROUP BY range ORDER BY range
"""


def sku_ranges(
    connection: duckdb.DuckDBPyConnection, pairs_per_range: int = PAIRS_PER_RANGE, relation: str = "int_allocation_pairs"
) -> list[SkuRange]:
    """Ranges of whole SKUs that together hold all rows of the relation, in order; each starts within its own `pairs_per_range`."""
    rows = connection.execute(_RANGES, {"most": pairs_per_range, "relation": relation}).fetchall()
    return [SkuRange(*row) for row in rows]


def of_skus(query: str, parameters: dict, skus: SkuRange | None) -> tuple[str, dict]:
    """A query over rows `p` that ends in ORDER BY, and its parameters, limited to a range of SKUs (None = all)."""
    if skus is None:
        return query, parameters
    limited = query.replace("ORDER BY", "WHERE p.sku_id BETWEEN $first AND $last ORDER BY")
    return limited, parameters | {"first": skus.first, "last": skus.last}


def scheduled_pairs(
    connection: duckdb.DuckDBPyConnection, segments: Path, policy: Policy, run_date: date, skus: SkuRange | None = None
) -> ScheduledPairs:
    """Read the pairs with their ABC class (`segment` of policy rules) and schedule each one's next shipment.

    Rules: semantics 2 and 19. `segments` is the run date's sku_segments file; `skus` = all where None.
    """
    query, parameters = of_skus(_PAIRS, {"segments": str(segments)}, skus)
    table = connection.execute(query, parameters).to_arrow_table()
    values = policy.resolve(list(PARAMETERS), table, run_date)
    review = np.asarray(values["allocation.review_days"], np.uint8)
    lead = floats(table, "lead_time_days", np.nan)
    schedule = shipping_schedule(
        run_date,
        day_masks(texts(table, "ship_days")),
        np.where(np.isnan(lead), values["lanes.default_lead_time_days"], lead),
        day_masks(texts(table, "receiving_days")),
        open_date=dates(table, "open_date"),
        close_date=dates(table, "close_date"),
        review_mask=review,
        release_days=integers(table, "release_days", 1),
    )
    return ScheduledPairs(table, values, schedule, (review >> run_date.weekday() & 1).astype(bool))
