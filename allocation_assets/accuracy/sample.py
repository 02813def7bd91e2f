"""A sample of the run's series as a panel, for the backtest: from the warehouse to dense arrays.

Series that are on sale on the run's date; whole SKUs at up to sqrt(most) of their locations, both in an order that says nothing
about them (md5 of the id), so that the sample has levels to add up to and is the same whatever else there is. Dates that did
not land are days with nothing on the shelf: not scored, and no demand.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np

from allocation_assets.demand import history
from allocation_assets.demand.daily import Calendar
from allocation_assets.demand.panel import DemandPanel
from allocation_assets.tables import dates as date_column
from allocation_assets.tables import integers

#: Takes the place of the run's series, so that everything read afterwards is of the sample alone.
_DRAW = """
CREATE OR REPLACE TEMP TABLE series AS
WITH active AS (
    SELECT s.* FROM series AS s
    SEMI JOIN int_active_pairs AS a ON a.business_date = $day AND a.location_id = s.location_id AND a.sku_id = s.sku_id
), skus AS (
    SELECT sku_id FROM active GROUP BY sku_id ORDER BY md5(sku_id), sku_id LIMIT $most
), placed AS (
    SELECT a.*, row_number() OVER (PARTITION BY a.sku_id ORDER BY md5(a.location_id), a.location_id) AS place
    FROM active AS a SEMI JOIN skus AS k ON k.sku_id = a.sku_id
), drawn AS (
    SELECT sku_id, sum(least(count(*), $places)) OVER (ORDER BY md5(sku_id), sku_id) AS through FROM placed GROUP BY sku_id
)
SELECT row_number() OVER (ORDER BY p.sku_id, p.location_id) - 1 AS series, p.* EXCLUDE (series, place),
       row_number() OVER (ORDER BY md5(concat_ws('|', p.sku_id, p.location_id)), p.sku_id, p.location_id) AS draw
FROM placed AS p JOIN drawn AS d ON d.sku_id = p.sku_id
WHERE p.place <= $places AND d.through <= $most
"""
#: Columns of sku_segments by which accuracy is cut, where they are there.
SEGMENTS = ("abc", "xyz", "demand_class")


@dataclass(frozen=True)
class Sample:
    """The drawn series: their panel, the order in which they were drawn (n,) from 1, and labels of each SKU (k,) by segment."""

    panel: DemandPanel
    draw: np.ndarray
    segments: Mapping[str, np.ndarray]


def read_sample(
    connection: duckdb.DuckDBPyConnection, day: date, calendar: Calendar, most: int, segments: Path
) -> Sample | None:
    """The sample of at most `most` series with the history that policy keeps; None where nothing is on sale or has landed.

    segments: lake file of the date's sku_segments.
    """
    first = day - timedelta(days=calendar.history_days - 1)
    landed = history.landed_dates(connection, first, day)
    history.open_series(connection, day)
    connection.execute(_DRAW, {"day": day, "most": most, "places": math.ceil(math.sqrt(most))})
    table = connection.execute("SELECT * FROM series ORDER BY series").to_arrow_table()
    if not table.num_rows or not len(landed):
        return None
    codes = history.series_codes(table)
    panel = _panel(connection, date_column(table, "first_seen"), codes, landed, calendar)
    skus = codes.sku_names.to_pylist()
    return Sample(panel, integers(table, "draw"), _labels(connection, segments, skus))


def _panel(connection, first_seen: np.ndarray, codes: history.SeriesCodes, landed: np.ndarray, calendar: Calendar):
    dates = landed if calendar.is_weekly else np.arange(landed[0], landed[-1] + 1)
    events = calendar.event_of(dates, calendar.event_names())
    promotions = history.read_promotions(connection, dates[0].item(), dates[-1].item())
    offers, rows = sorted(set(promotions.offer.tolist())), np.arange(len(codes.sku))
    days = history.read_days(
        connection, first_seen, dates, rows, calendar.is_weekly, events, promotions, offers
    )  # fmt: skip
    promotion, uplift = history.promoted(promotions, dates, rows, offers)
    # A lower bound is not scored, and no exposure tells what it would have been.
    is_bound = days.exposure.T < 0
    exposure = np.where(is_bound | ~np.isin(dates, landed), np.float32(0), days.exposure.T)
    names = sorted({name for _, name in codes.group_names})
    location_class = np.array([names.index(name) for _, name in codes.group_names], np.int64)[codes.group]
    return DemandPanel(
        dates, events, np.ascontiguousarray(days.units.T), exposure, is_bound, promotion.astype(np.int64), uplift,
        days.first_day.astype(np.int64), codes.sku, codes.location, codes.sku_class[codes.sku], location_class,
        codes.like_sku,
    )  # fmt: skip


def _labels(connection: duckdb.DuckDBPyConnection, file: Path, skus: list[str]) -> dict[str, np.ndarray]:
    """Labels of the SKUs, in their order, by those SEGMENTS that the file has; '' where a SKU has none."""
    source = {"file": str(file)}
    read = "read_parquet($file, hive_partitioning = false)"
    described = connection.execute(f"DESCRIBE SELECT * FROM {read}", source).fetchall()
    there = [name for name in SEGMENTS if name in {row[0] for row in described}]
    if not there:
        return {}
    found = connection.execute(
        f"SELECT {', '.join(f'coalesce(g.{name}, {chr(39) * 2}) AS {name}' for name in there)} "
        f"FROM (SELECT unnest($skus) AS sku_id) AS k LEFT JOIN {read} AS g ON g.sku_id = k.sku_id ORDER BY k.sku_id",
        {**source, "skus": skus},
    ).fetchnumpy()
    return {name: np.asarray(found[name], object).astype(str) for name in there}
