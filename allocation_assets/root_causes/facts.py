"""The relations that the queries read, as temporary views over the warehouse and the lake; the rows stay where they lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import duckdb

from allocation_assets.root_causes.find import CauseSettings
from data_quality.intake.sql import exact_path, literal

_IN_WINDOW = "business_date BETWEEN getvariable('window_from') AND getvariable('run_date')"
#: Views over the warehouse; each business_date filter prunes row groups.
_WAREHOUSE_VIEWS = {
    "positions": f"SELECT * FROM inventory_positions WHERE {_IN_WINDOW}",
    "items": "SELECT sku_id, unit_cost, unit_price FROM int_items",
    "losses": f"SELECT * FROM int_lost_demand WHERE {_IN_WINDOW}",
    "demand": f"SELECT * FROM int_demand_daily WHERE {_IN_WINDOW}",
    "deliveries": f"SELECT * FROM shipment_lines WHERE {_IN_WINDOW}",
    # An order that waits has its newest row where it was last touched.
    "orders": "SELECT * FROM int_purchase_lines WHERE business_date BETWEEN getvariable('orders_from') AND getvariable('run_date')",
    "movements": f"""
        SELECT m.* FROM stock_ledger AS m
        ANTI JOIN (SELECT reverses_movement_id FROM stock_ledger WHERE is_reversal AND {_IN_WINDOW}) AS r
            ON r.reverses_movement_id = m.movement_id
        WHERE NOT m.is_reversal AND m.bucket = 'on_hand' AND m.{_IN_WINDOW}
            AND m.movement_type IN ('opening', 'return_restock', 'count_correction', 'receipt')""",
}
#: View -> decided dataset and what is read of it: the run's date alone (`today`) or the dates before it in the window.
DECIDED_VIEWS = {
    "beliefs": ("record_beliefs", "today", "*"),
    "forecasts": ("demand_forecasts", "before", "*"),
    "plans": (
        "allocation_needs",
        "before",
        "* EXCLUDE (arrival_date), coalesce(arrival_date, coalesce(ship_date, business_date + 1) + 1) AS arrival",
    ),
    "lines": ("allocations", "before", "*"),
}


def settings_of(policy: Mapping[str, Any]) -> CauseSettings:
    """From the deployment's policy."""
    return CauseSettings(
        window_days=policy["root_causes.window_days"],
        overstock_days=policy["kpi.overstock_days"],
        phantom_probability=policy["kpi.phantom_probability"],
        period_days=7 if policy["calendar.period"] == "week" else 1,
    )


def open_facts(
    connection: duckdb.DuckDBPyConnection,
    files: Mapping[str, Sequence[str]],
    run_date: date,
    settings: CauseSettings,
    lead_days: int,
) -> None:
    """Create variables and views for `find.find_causes`.

    files: lake files by decided dataset, as DECIDED_VIEWS asks for them (none is an error); lead_days: how long before the
    window an order to a supplier may have been touched last. Raises duckdb.IOException where a file is not there.
    """
    variables = {
        "run_date": run_date,
        "window_from": settings.window_from(run_date),
        "orders_from": date.fromordinal(settings.window_from(run_date).toordinal() - lead_days),
    }
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    for view, query in _WAREHOUSE_VIEWS.items():
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {query}")
    for view, (dataset, _, columns) in DECIDED_VIEWS.items():
        listed = ", ".join(literal(exact_path(file)) for file in files[dataset])
        origin = f"read_parquet([{listed}], hive_partitioning = false)"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS SELECT {columns} FROM {origin}")
