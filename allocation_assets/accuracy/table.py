"""The rows of `forecast_accuracy` as a table, and the queries that write it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

MEASURES = (
    "wape", "wape_mean", "bias", "mase", "rmsse", "scaled_pinball_loss", "weighted_quantile_loss", "coverage_50", "coverage_80",
    "coverage_95", "pit_80", "wape_difference", "wape_difference_low", "wape_difference_high", "pinball_difference",
    "pinball_difference_low", "pinball_difference_high",
)  # fmt: skip
SCHEMA = pa.schema(
    [
        ("level", pa.string()),
        ("segment", pa.string()),
        ("method", pa.string()),
        ("is_champion", pa.bool_()),
        ("windows", pa.int32()),
        ("series", pa.int64()),
        ("scored_days", pa.int64()),
        ("scored_units", pa.float64()),
        *((name, pa.float64()) for name in MEASURES),
    ]
)
_ORDER = "ORDER BY level, segment, method"
#: Rounded: the last bits of a sum may differ from one machine to another.
WRITE = f"""
SELECT $day::DATE AS business_date, $day::DATE AS evaluated_on, level, segment, method, is_champion, windows, series,
       scored_days, scored_units::DECIMAL(18, 3) AS scored_units, {", ".join(f"round({name}, 6) AS {name}" for name in MEASURES)}
FROM rows {_ORDER}
"""
#: What the date before handed on, under the run's date.
COPY = f"""
SELECT * REPLACE ($day::DATE AS business_date) FROM read_parquet($file, hive_partitioning = false) {_ORDER}
"""


def row_table(rows: Sequence[Mapping[str, Any]]) -> pa.Table:
    """The rows with the columns and types of the dataset."""
    return pa.Table.from_pylist([dict(row) for row in rows], schema=SCHEMA)
