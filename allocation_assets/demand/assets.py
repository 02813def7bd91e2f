"""Demand as an asset: what happened since the date before in, a predictive distribution per SKU x location out."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa

from allocation_assets.demand import daily
from allocation_assets.demand.carry import SERIES
from allocation_assets.demand.outlook import forecast_table
from allocation_assets.schedule import scheduled_pairs
from allocation_assets.tables import integers, write_lake
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession
from orchestration.run_facts import carry_file, predecessor

_QUERY = """
SELECT $day::DATE AS business_date, to_location_id AS location_id, sku_id, daily_mean, dispersion,
       p50, p90, p95, p99, horizon_days::INTEGER AS horizon_days, next_day_mean, next_day_dispersion, base_daily_mean, method,
       observed_days, censored_days::INTEGER AS censored_days
FROM forecasts ORDER BY location_id, sku_id
"""
_OF_PAIRS = """
SELECT s.series FROM int_allocation_pairs AS p JOIN series AS s ON s.sku_id = p.sku_id AND s.location_id = p.to_location_id
ORDER BY p.sku_id, p.to_location_id
"""
#: Selling pairs that suppliers deliver to directly, and the days from the run date to the arrival after the next one, about.
_DIRECT = """
CREATE OR REPLACE TEMP TABLE direct AS
SELECT p.location_id AS to_location_id, p.sku_id, r.censored_days::BIGINT AS censored_days,
    (p.release_days + ceil(coalesce(p.lead_time_days, $default_days)) + $review_days)::BIGINT AS horizon_days
FROM int_replenishment_pairs AS p
JOIN int_demand_rates AS r ON r.business_date = $day AND r.location_id = p.location_id AND r.sku_id = p.sku_id
WHERE p.location_type IN ('store', 'ecom')
"""
_OF_DIRECT = """
SELECT p.to_location_id, p.sku_id, p.censored_days, p.horizon_days, s.series
FROM direct AS p JOIN series AS s ON s.sku_id = p.sku_id AND s.location_id = p.to_location_id
ORDER BY p.sku_id, p.to_location_id
"""


def carried_folder(session: RunSession, run_date: date) -> tuple[Path | None, date | None]:
    """Folder and date of what the landed date before handed over; nothing on a cold start."""
    before = predecessor(session, run_date)
    folder = carry_file(session, before).parent if before else None
    return (folder, before) if folder and (folder / SERIES).exists() else (None, None)


def form(session: RunSession, connection: duckdb.DuckDBPyConnection, run_date: date, horizon: int) -> daily.RunDemand:
    """The demand of the run's series, handed on to the next date."""
    policy = session.policy.deployment(run_date)
    carried = carried_folder(session, run_date)
    demand = daily.form_demand(
        connection, run_date, *carried, daily.calendar_of(policy), horizon, daily.settings_of(policy)
    )
    daily.save(carry_file(session, run_date).parent, demand)
    return demand


def forecasts_of(session: RunSession, run_date: date) -> tuple[daily.RunDemand, pa.Table]:
    """The run's demand, and one forecast per pair: what DCs supply, then what suppliers deliver to directly."""
    policy = session.policy.deployment(run_date)
    with session.warehouse() as connection:
        segments = session.decision_file("sku_segments", run_date)
        pairs = scheduled_pairs(connection, segments, session.policy, run_date)
        horizon = np.maximum(pairs.schedule.horizon_days, 1).astype(np.int64)
        longest = max(int(horizon.max(initial=1)), _longest_direct(connection, policy, run_date))
        demand = form(session, connection, run_date, longest)
        rows = integers(connection.execute(_OF_PAIRS).to_arrow_table(), "series")
        direct = connection.execute(_OF_DIRECT).to_arrow_table()
    rows, horizon = np.append(rows, integers(direct, "series")), np.append(horizon, integers(direct, "horizon_days"))
    table = forecast_table(demand, rows, horizon, run_date, daily.calendar_of(policy), daily.settings_of(policy))
    names = ["to_location_id", "sku_id", "censored_days"]
    kept = pa.concat_tables([pairs.table.select(names), direct.select(names)])
    return demand, pa.table({name: each[name] for each in (kept, table) for name in each.column_names})


def _longest_direct(connection: duckdb.DuckDBPyConnection, policy: Mapping[str, Any], run_date: date) -> int:
    """Keep the pairs without a DC as the temporary table `direct`; their longest horizon in days."""
    days = {"default_days": policy["lead_times.default_supplier_days"], "review_days": 7 if policy["calendar.period"] == "week" else 1}
    connection.execute(_DIRECT, days | {"day": run_date})
    return connection.execute("SELECT coalesce(max(horizon_days), 1) FROM direct").fetchone()[0]


@dg.asset(
    key=decision_key("demand_forecasts"),
    deps=[
        decision_key("sku_segments"),
        *[
            mart_key(model)
            for model in (
                "int_allocation_pairs", "int_replenishment_pairs", "int_demand_daily", "int_demand_rates", "int_promotions_in_force",
                "int_late_demand", "int_active_pairs", "applied_loads",
            )
        ],
    ],
    partitions_def=business_dates,
    group_name="decisions",
    owners=["team:planning"],
    kinds={"python", "numba", "parquet"},
    description="Daily mean, dispersion and quantiles over the coverage horizon per SKU x location; days out of stock are "
    "censored, not zero. Method: allocation_assets/demand/champion.py.",
)  # fmt: skip
def demand_forecasts(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Estimate demand at the close of the run's date."""
    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    with session.stage("decide"):
        demand, table = forecasts_of(session, run_date)
        target = session.decision_file("demand_forecasts", run_date)
        rows = write_lake(target, _QUERY, {"forecasts": table}, {"day": run_date})
    methods = table["method"].value_counts().to_pylist()
    shares = "\n".join(
        f"| {row['values']} | {row['counts']} |" for row in sorted(methods, key=lambda row: row["values"])
    )
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": rows,
            "series": demand.table.num_rows,
            "learned_on": str(demand.learned_on),
            "methods": dg.MetadataValue.md("| method | pairs |\n|---|---|\n" + shares),
        }
    )
