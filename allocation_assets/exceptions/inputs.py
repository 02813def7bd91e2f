"""The relations that the kinds read, as temporary views on one connection; the rows stay where they lie."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from data_quality.intake.sql import exact_path, literal

#: Views over the warehouse; each business_date filter prunes row groups.
_WAREHOUSE_VIEWS = {
    "positions": "SELECT * FROM inventory_positions WHERE business_date = getvariable('run_date')",
    "ordering": "SELECT * FROM int_replenishment_pairs",
    # The newest picture of every shipment line that was open, closed or touched in the event window.
    "deliveries": """
        SELECT * FROM shipment_lines
        WHERE business_date BETWEEN getvariable('event_from') AND getvariable('run_date')
        QUALIFY row_number() OVER (
            PARTITION BY shipment_id, line_no, to_location_id, sku_id ORDER BY business_date DESC) = 1""",
    # Orders to suppliers that closed short in the event window.
    "supplier_shorts": """
        SELECT from_id, to_location_id AS location_id, order_id, sum(ordered_units)::BIGINT AS ordered_units,
            sum(short_of_ordered_units)::BIGINT AS short_units, sum(short_value) AS short_value
        FROM int_deliveries
        WHERE business_date BETWEEN getvariable('event_from') AND getvariable('run_date')
            AND lane_class = 'supplier' AND is_promised
        GROUP BY ALL HAVING sum(short_of_ordered_units) > 0""",
}
#: What is on order, with its cost at the receiver.
_INBOUND = """
SELECT i.*, coalesce(p.unit_cost, 0) AS unit_cost
FROM predictions AS i LEFT JOIN positions AS p ON p.location_id = i.location_id AND p.sku_id = i.sku_id
"""
#: View -> decided dataset of the run's date.
DECIDED_VIEWS = {
    "needs": "allocation_needs",
    "record_beliefs": "record_beliefs",
    "proposals": "adjustments_proposed",
    "location_reliability": "location_reliability",
    "demand_signals": "demand_signals",
    "lead_times": "lead_times",
    "predictions": "inbound_predictions",
    "supplier_orders": "replenishment_orders",
}


def open_inputs(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, Path],
    previous: Path,
    run_date: date,
    policy: Mapping[str, Any],
) -> None:
    """Create variables and views for the queries of the kinds.

    files: lake file by decided dataset, of the run's date; previous: the exceptions of the date before (zero rows on a
    cold start). Raises duckdb.IOException where a file is not there.
    """
    variables = {
        "run_date": run_date,
        "event_from": run_date - timedelta(days=policy["exceptions.event_days"] - 1),
        "phantom_probability": policy["exceptions.phantom_probability"],
        "min_value": policy["exceptions.min_value"],
        "signal_value": policy["signals.min_value"],
    }
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    for view, query in _WAREHOUSE_VIEWS.items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {query}")
    for view, dataset in DECIDED_VIEWS.items():
        _parquet_view(connection, view, files[dataset])
    _parquet_view(connection, "previous", previous)
    connection.execute(f"CREATE OR REPLACE TEMP VIEW inbound AS {_INBOUND}")


def _parquet_view(connection: duckdb.DuckDBPyConnection, view: str, path: Path) -> None:
    origin = f"read_parquet({literal(exact_path(path))}, hive_partitioning = false)"
    connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT * FROM {origin}")
