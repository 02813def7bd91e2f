"""SQL of the signals: series of the date before with what the date sold, and flags as published rows."""

from __future__ import annotations

from pathlib import Path

import duckdb

from allocation_assets.signals.monitor import SERIES_STATE
from data_quality.intake.sql import exact_path, literal

SERIES, STOPS = "signal_series.parquet", "signal_stops.parquet"
FILES = (SERIES, STOPS)

_STATE = ", ".join(f"coalesce(c.{name}, 0)::DOUBLE AS {name}" for name in SERIES_STATE)
#: Every pair that the date before forecast, with what the run's date sold of it; a date without a row sold nothing.
WATCHED = f"""
SELECT f.sku_id, f.location_id, f.next_day_mean, f.next_day_dispersion, greatest(coalesce(d.demand_units, 0), 0) AS units,
    coalesce(d.exposure, 1) AS exposure, coalesce(d.is_censored AND d.hours_out IS NULL, false) AS is_bound,
    a.sku_id IS NOT NULL AS is_on_sale, {_STATE}
FROM read_parquet($forecasts, hive_partitioning = false) AS f
LEFT JOIN (
    SELECT location_id, sku_id, demand_units, exposure, is_censored, hours_out FROM int_demand_daily WHERE business_date = $day
) AS d ON d.location_id = f.location_id AND d.sku_id = f.sku_id
LEFT JOIN (SELECT location_id, sku_id FROM int_active_pairs WHERE business_date = $day) AS a
    ON a.location_id = f.location_id AND a.sku_id = f.sku_id
LEFT JOIN carried_series AS c ON c.location_id = f.location_id AND c.sku_id = f.sku_id
ORDER BY f.sku_id, f.location_id
"""
CARRIED_STOPS = "SELECT sku_id, log_chance, periods FROM carried_stops ORDER BY sku_id"
MONEY = "SELECT sku_id, unit_cost, unit_price FROM int_items ORDER BY sku_id"

#: Rows of the run's date; an outlier or a break stays listed while the date that showed it is in the event window.
SIGNALS = """
WITH flagged AS (
    SELECT f.signal, f.location_id, f.sku_id, CASE WHEN f.is_up THEN 'up' ELSE 'down' END AS direction, $day::DATE AS observed_on,
        f.value, f.threshold, f.units,
        CASE WHEN f.signal = 'outlier' THEN f.units * coalesce(m.unit_cost, 0)::DOUBLE
            WHEN f.is_up OR f.signal = 'stop'
            THEN f.units * $value_days * greatest(coalesce(m.unit_price, 0) - coalesce(m.unit_cost, 0), 0)::DOUBLE
            ELSE f.units * $value_days * coalesce(m.unit_cost, 0)::DOUBLE END AS value_at_risk,
        CASE f.signal
            WHEN 'tracking' THEN format('tracking signal {:.2f}, {:.2f} units a day', f.value, f.units)
            WHEN 'bias' THEN format('bias {:+.0f} %, {:.2f} units a day', 100 * f.value, f.units)
            WHEN 'outlier' THEN format('{:.1f} units more than forecast, chance {:.1e}', f.units, f.value)
            WHEN 'break' THEN format('CUSUM {:.1f}, a shift of {:.2f} units a day', f.value, f.units)
            ELSE format('nothing sold in stock for {:.0f} landed dates, chance {:.1e}, {:.2f} units a day forecast',
                f.periods, f.value, f.units)
        END AS detail
    FROM flags AS f LEFT JOIN money AS m ON m.sku_id = f.sku_id
), earlier AS (
    SELECT signal, location_id, sku_id, direction, observed_on, value, threshold, units, value_at_risk::DOUBLE AS value_at_risk, detail
    FROM read_parquet($previous, hive_partitioning = false) AS p
    WHERE signal IN ('outlier', 'break') AND observed_on > $day::DATE - $event_days
        AND NOT EXISTS (
            SELECT 1 FROM flagged AS f WHERE f.signal = p.signal AND f.location_id = p.location_id AND f.sku_id = p.sku_id)
)
SELECT $day::DATE AS business_date, location_id, sku_id, signal, direction, observed_on, value, threshold, units,
    value_at_risk::DECIMAL(18, 6) AS value_at_risk, detail
FROM (FROM flagged UNION ALL FROM earlier) ORDER BY location_id, sku_id, signal
"""


def open_carried(connection: duckdb.DuckDBPyConnection, folder: Path | None) -> None:
    """Views `carried_series` and `carried_stops`, without rows where nothing was handed over."""
    is_there = folder is not None and all((folder / name).exists() for name in FILES)
    state = ", ".join(f"0::FLOAT AS {name}" for name in SERIES_STATE)
    empty = {
        SERIES: f"SELECT '' AS sku_id, '' AS location_id, {state}",
        STOPS: "SELECT '' AS sku_id, 0.0 AS log_chance, 0.0 AS periods",
    }
    for view, name in (("carried_series", SERIES), ("carried_stops", STOPS)):
        origin = (
            f"FROM read_parquet({literal(exact_path(folder / name))})" if is_there else f"{empty[name]} WHERE false"
        )
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {view} AS {origin}")
