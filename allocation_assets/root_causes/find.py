"""From relations to rows of `stock_out_causes`: set work in SQL, attribution in the kernel. No files, no clock, no Dagster."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np
import pyarrow as pa

from allocation_assets.root_causes.attribute import Evidence, remove_each, shares
from allocation_assets.root_causes.evidence import EVIDENCE, LOSS, PREPARE, PUBLISHED
from allocation_assets.root_causes.vocabulary import CAUSES, CODES, UNEXPLAINED
from allocation_assets.tables import floats, integers

#: What the queries read: relation -> columns. Each holds the window's dates and may hold more of other dates.
RELATIONS = {
    "positions": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, department VARCHAR, available BIGINT, stock_status VARCHAR, ownership VARCHAR,"
    " is_active BOOLEAN, location_type VARCHAR, daily_mean DOUBLE, presentation_min BIGINT, unit_cost DECIMAL(18, 6)",
    "items": "sku_id VARCHAR, unit_cost DECIMAL(18, 6), unit_price DECIMAL(18, 6)",
    "losses": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, lost_units DECIMAL(18, 6), lost_margin DECIMAL(18, 3)",
    "demand": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, sales_units BIGINT, demand_units BIGINT,"
    " hours_out DECIMAL(18, 6), is_censored BOOLEAN",
    "forecasts": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, next_day_mean DOUBLE, next_day_dispersion DOUBLE",
    "beliefs": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, book_on_hand BIGINT, probability_empty DOUBLE,"
    " zero_sales_days INTEGER",
    # Plans of dates before the run's: the day's own arrive later.
    "plans": "business_date DATE, from_location_id VARCHAR, to_location_id VARCHAR, sku_id VARCHAR, need_units BIGINT,"
    " allocated_units BIGINT, shorted_units BIGINT, forced_units BIGINT, binding_constraint VARCHAR, override_id VARCHAR, arrival DATE",
    "lines": "business_date DATE, allocation_id VARCHAR, from_location_id VARCHAR, to_location_id VARCHAR, sku_id VARCHAR, is_firm BOOLEAN,"
    " units BIGINT, ship_date DATE, arrival_date DATE, approval_status VARCHAR",
    "deliveries": "business_date DATE, shipment_id VARCHAR, line_no BIGINT, from_location_id VARCHAR, to_location_id VARCHAR, sku_id VARCHAR,"
    " allocation_id VARCHAR, shipped_on DATE, expected_date DATE, units_shipped BIGINT, units_received BIGINT, units_damaged BIGINT,"
    " in_transit_units BIGINT, short_units BIGINT, last_received_on DATE, closed_on DATE",
    "orders": "business_date DATE, po_id VARCHAR, location_id VARCHAR, sku_id VARCHAR, ordered_on DATE, promised_date DATE,"
    " units_ordered BIGINT, units_due BIGINT, units_received BIGINT, last_received_on DATE, closed_on DATE, is_cancelled BOOLEAN",
    # Live movements of on_hand alone.
    "movements": "movement_id VARCHAR, business_date DATE, location_id VARCHAR, sku_id VARCHAR, movement_type VARCHAR, units BIGINT",
}  # fmt: skip


@dataclass(frozen=True)
class CauseSettings:
    """window_days: days up to the run's date that are searched; overstock_days, phantom_probability: as the KPIs take them;
    period_days: days that one date of demand covers (7 by the week)."""

    window_days: int
    overstock_days: int
    phantom_probability: float
    period_days: int = 1

    def window_from(self, run_date: date) -> date:
        """First date of the window."""
        return run_date - timedelta(days=self.window_days - 1)


def find_causes(connection: duckdb.DuckDBPyConnection, run_date: date, settings: CauseSettings) -> pa.Table:
    """Rows of `stock_out_causes` of the run's date, ordered by location, item and cause; shares of a position add to 1.

    connection: has every relation of RELATIONS, as tables or views; temporary tables and variables are left on it.
    """
    first = settings.window_from(run_date)
    variables = {
        "run_date": run_date,
        "window_from": first,
        "overstock_days": settings.overstock_days,
        "phantom_probability": settings.phantom_probability,
        "period_days": settings.period_days,
    }
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    for statement in PREPARE:
        connection.execute(statement)
    cases = connection.execute("SELECT count(*) FROM cases").fetchone()[0]
    loss = connection.execute(LOSS).to_arrow_table()
    evidence = connection.execute(EVIDENCE).to_arrow_table()
    attributed = _attribute(cases, settings.window_days, loss, evidence)
    connection.register("attributed", attributed)
    connection.register("evidence", evidence.append_column("r", pa.array(np.arange(evidence.num_rows))))
    result = connection.execute(PUBLISHED).to_arrow_table()
    connection.unregister("attributed")
    connection.unregister("evidence")
    return result


def _attribute(cases: int, days: int, loss: pa.Table, evidence: pa.Table) -> pa.Table:
    """Run the kernel; returns c, cause, thousandths, r (strongest row, -1 without) and evidence_rows."""
    lost = np.zeros((cases, days))
    lost[integers(loss, "c"), integers(loss, "day")] = floats(loss, "units")
    # A position without any demand still has its causes: one unit on its last date.
    lost[lost.sum(axis=1) <= 0, -1] = 1.0
    cause = np.array([CODES[name] for name in evidence["cause"].to_pylist()], np.int64)
    rows = Evidence(integers(evidence, "c"), cause, integers(evidence, "first"), integers(evidence, "last"), floats(evidence, "units"))
    removed = remove_each(lost, rows)
    case, cause, thousandths, group = shares(removed, lost, UNEXPLAINED)
    at_work = np.zeros(len(removed.case), np.int64)
    key = removed.case * len(CAUSES) + removed.cause
    working = rows.case[removed.row_units > 0] * len(CAUSES) + rows.cause[removed.row_units > 0]
    np.add.at(at_work, np.searchsorted(key, working), 1)
    top = np.append(removed.top_row, -1)
    return pa.table(
        {
            "c": case,
            "cause": pa.array(np.array(list(CAUSES), dtype=object)[cause], pa.string()),
            "thousandths": thousandths,
            "r": top[group],
            "evidence_rows": np.append(at_work, 0)[group],
        }
    )
