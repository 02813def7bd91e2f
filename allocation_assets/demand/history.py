"""From the warehouse to arrays: which series there are, and what sold, was promoted and happened on given dates.

Reads only the dates it is asked for; rows are sparse (a row only where something happened) and scattered into dense arrays by
date. Promotions are intervals and stay so until here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allocation_assets.demand.carry import SERIES
from allocation_assets.demand.champion import Days, offers_of, weekdays
from allocation_assets.demand.season import WeeklySums, week_number, week_of_year
from allocation_assets.tables import dates as date_column
from allocation_assets.tables import floats, integers

#: Series of a run: every pair of a selling location with a book or with demand in the window, in the order of SKU, location.
_SERIES = """
CREATE OR REPLACE TEMP TABLE series AS
SELECT row_number() OVER (ORDER BY r.sku_id, r.location_id) - 1 AS series, r.sku_id, r.location_id, r.first_seen,
       coalesce(i.class, i.department, '') AS item_class, i.like_sku_id, i.price_band,
       concat_ws('|', l.location_type, coalesce(l.cluster, l.region)) AS location_class
FROM int_demand_rates AS r
JOIN int_locations_in_force AS l ON l.business_date = r.business_date AND l.location_id = r.location_id
LEFT JOIN (
    SELECT sku_id, class, department, like_sku_id,
           ntile(3) OVER (PARTITION BY coalesce(class, department) ORDER BY unit_price, sku_id) AS price_band
    FROM int_items
) AS i ON i.sku_id = r.sku_id
WHERE r.business_date = $day AND l.location_type IN ('store', 'ecom')
"""
_DATES = (
    "SELECT business_date FROM int_business_dates WHERE business_date >= $first AND business_date <= $last ORDER BY 1"
)
_ROWS = """
SELECT w.slot, d.business_date, d.demand_units, d.exposure, d.is_censored AND d.hours_out IS NULL AS is_bound
FROM int_demand_daily AS d JOIN series AS s USING (location_id, sku_id) JOIN wanted AS w ON w.series = s.series
WHERE d.business_date >= $first AND d.business_date <= $last
ORDER BY w.slot, d.business_date
"""
#: SKUs in an order that says nothing about them, until they have so many series together: a sample, never a prefix.
_SAMPLE = """
WITH skus AS (SELECT sku_id, count(*) AS members FROM series GROUP BY sku_id),
drawn AS (SELECT sku_id, sum(members) OVER (ORDER BY md5(sku_id), sku_id) - members AS before FROM skus)
SELECT s.series FROM series AS s JOIN drawn AS d USING (sku_id) WHERE d.before < $most ORDER BY s.series
"""
#: Back-fill of the yearly profile: units by class and date, as far back as the season reaches.
_CLASS_UNITS = """
SELECT d.business_date, s.item_class, sum(d.demand_units)::BIGINT AS units
FROM int_demand_daily AS d JOIN series AS s USING (location_id, sku_id)
WHERE d.business_date >= $first AND d.business_date <= $last
GROUP BY ALL ORDER BY ALL
"""
#: Pairs that were not on sale on the date (closed, blocked, on the way out): nothing sold there says nothing.
_CLOSED = """
SELECT s.series FROM series AS s
ANTI JOIN int_active_pairs AS a ON a.business_date = $day AND a.location_id = s.location_id AND a.sku_id = s.sku_id
ORDER BY s.series
"""
_PROMOTIONS = """
SELECT s.series, p.start_date, p.end_date, p.planned_uplift,
       concat_ws(':', p.kind, floor(p.planned_discount_rate * 10)::INTEGER * 10) AS offer
FROM int_promotions_in_force AS p JOIN series AS s USING (location_id, sku_id)
WHERE p.end_date >= $first AND p.start_date <= $last
ORDER BY s.series, p.start_date, p.promo_id
"""
#: Late facts of the run's series, and how many landed dates the carried state has seen since.
_LATE = """
SELECT s.series, l.demand_units, (
    SELECT count(*) FROM int_business_dates AS d WHERE d.business_date > l.business_date AND d.business_date <= $before
) AS age
FROM int_late_demand AS l JOIN series AS s USING (location_id, sku_id)
WHERE l.business_date <= $before ORDER BY s.series, l.business_date
"""
_CARRIED = """
SELECT s.series, c.file_row_number AS carried FROM series AS s
JOIN read_parquet($carry, file_row_number = true, hive_partitioning = false) AS c USING (location_id, sku_id) ORDER BY s.series
"""


@dataclass(frozen=True)
class Promotions:
    """Promotions of the run's series, one row each (p,): series, first and last date, planned uplift (nan = none), offer."""

    series: np.ndarray
    start: np.ndarray
    end: np.ndarray
    uplift: np.ndarray
    offer: np.ndarray


def open_series(connection: duckdb.DuckDBPyConnection, day: date) -> None:
    """Make the temporary table `series` on the connection: the run's series in order."""
    connection.execute(_SERIES, {"day": day})


def read_series(connection: duckdb.DuckDBPyConnection, day: date) -> pa.Table:
    """The run's series (n rows, in order); the connection keeps them as the temporary table `series`."""
    open_series(connection, day)
    return connection.execute("SELECT * FROM series ORDER BY series").to_arrow_table()


def read_carried(connection: duckdb.DuckDBPyConnection, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    """(series, row of the carried file) of the series that the date before knew."""
    known = connection.execute(_CARRIED, {"carry": str(folder / SERIES)}).to_arrow_table()
    return integers(known, "series"), integers(known, "carried")


def read_late(connection: duckdb.DuckDBPyConnection, before: date) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(series, units, age in landed dates) of facts that came after the state of the date `before` was made."""
    table = connection.execute(_LATE, {"before": before}).to_arrow_table()
    return integers(table, "series"), floats(table, "demand_units"), integers(table, "age")


def landed_dates(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> np.ndarray:
    """Business dates of the warehouse within the range, ascending."""
    rows = connection.execute(_DATES, {"first": first, "last": last}).fetchall()
    return np.array([row[0] for row in rows], "datetime64[D]")


def read_promotions(connection: duckdb.DuckDBPyConnection, first: date, last: date) -> Promotions:
    """Promotions that touch the range; a later one in order of start and id stands where two overlap."""
    table = connection.execute(_PROMOTIONS, {"first": first, "last": last}).to_arrow_table()
    offer = table["offer"].to_numpy(zero_copy_only=False).astype(str)
    spans = (date_column(table, name) for name in ("start_date", "end_date"))
    return Promotions(integers(table, "series"), *spans, floats(table, "planned_uplift", np.nan), offer)


def sample_series(connection: duckdb.DuckDBPyConnection, most: int) -> np.ndarray:
    """Series (ascending) of whole SKUs, about `most`, drawn by the hash of the SKU."""
    return integers(connection.execute(_SAMPLE, {"most": most}).to_arrow_table(), "series")


def promoted(
    promotions: Promotions, days: np.ndarray, rows: np.ndarray, offers: Sequence[str]
) -> tuple[np.ndarray, np.ndarray]:
    """(offer code, planned uplift), (len(rows), len(days)) each, of the series in `rows` (ascending); code 0 = none, else 1 +
    index in `offers`."""
    code = np.zeros((len(rows), len(days)), np.uint16)
    uplift = np.full((len(rows), len(days)), np.nan, np.float32)
    slot = np.searchsorted(rows, promotions.series)
    here = slot < len(rows)
    here[here] = rows[slot[here]] == promotions.series[here]
    slot, start, end, planned = (v[here] for v in (slot, promotions.start, promotions.end, promotions.uplift))
    codes = 1 + np.searchsorted(np.asarray(offers, str), promotions.offer[here])
    for t, day in enumerate(days if len(slot) else []):
        runs = (start <= day) & (day <= end)
        code[slot[runs], t], uplift[slot[runs], t] = codes[runs], planned[runs]
    return code, uplift


@dataclass(frozen=True)
class SeriesCodes:
    """Codes of the run's series (n,) and of its SKUs (k,), and the names that they stand for, in the order of the names.

    A group is an item class at a location class; like_sku (k,) is -1 where the item names none that is known; neighbours
    (k,) numbers the items of one class and price band.
    """

    sku: np.ndarray
    location: np.ndarray
    group: np.ndarray
    sku_class: np.ndarray
    group_class: np.ndarray
    like_sku: np.ndarray
    neighbours: np.ndarray
    sku_names: pa.Array
    locations: int
    class_names: list[str]
    group_names: list[tuple[str, str]]


def series_codes(table: pa.Table) -> SeriesCodes:
    """Codes of the series table."""
    names, codes = {}, {}
    for column in ("sku_id", "location_id", "item_class", "location_class"):
        names[column] = pa.array(sorted(table[column].unique().to_pylist()), pa.string())
        codes[column] = (
            pc.index_in(table[column], value_set=names[column]).to_numpy(zero_copy_only=False).astype(np.int64)
        )
    sku, item_class, span = codes["sku_id"], codes["item_class"], len(names["location_class"])
    found, group = np.unique(item_class * span + codes["location_class"], return_inverse=True)
    skus = len(names["sku_id"])
    sku_class, like, band = np.zeros(skus, np.int64), np.full(skus, -1, np.int64), np.zeros(skus, np.int64)
    sku_class[sku], band[sku] = item_class, integers(table, "price_band")
    like[sku] = (
        pc.index_in(table["like_sku_id"], value_set=names["sku_id"]).fill_null(-1).to_numpy(zero_copy_only=False)
    )
    item_names, location_names = names["item_class"].to_pylist(), names["location_class"].to_pylist()
    return SeriesCodes(
        sku, codes["location_id"], group.reshape(-1).astype(np.uint32), sku_class, found // max(span, 1), like,
        sku_class * 4 + band, names["sku_id"], len(names["location_id"]), item_names,
        [(item_names[at // span], location_names[at % span]) for at in found.tolist()],
    )  # fmt: skip


def read_days(
    connection: duckdb.DuckDBPyConnection, first_seen: np.ndarray, dates: np.ndarray, rows: np.ndarray, is_weekly: bool,
    events: np.ndarray, promotions: Promotions, offers: Sequence[str],
) -> Days:  # fmt: skip
    """Demand of the series in `rows` (ascending) on the given landed dates (t,); `events` (t,) are their codes.

    `first_seen` (n,) datetime64[D] of all series. About 20 bytes per series and date: read a long
    history shard by shard.
    """
    connection.register("wanted", pa.table({"series": rows, "slot": np.arange(len(rows))}))
    span = {"first": dates[0].item(), "last": dates[-1].item()}
    table = connection.execute(_ROWS, span).to_arrow_table()
    connection.unregister("wanted")
    at = np.searchsorted(dates, date_column(table, "business_date")), integers(table, "slot")
    units, exposure = np.zeros((len(dates), len(rows)), np.float32), np.ones((len(dates), len(rows)), np.float32)
    sold, share = floats(table, "demand_units"), floats(table, "exposure", 1.0)
    bound = table["is_bound"].to_numpy(zero_copy_only=False).astype(bool)
    # Units sold on a day recorded as out all day contradict the hours: only the lower bound is believed.
    units[at], exposure[at] = sold, np.where(bound | ((share <= 0) & (sold > 0)), -1.0, share)
    code, uplift = promoted(promotions, dates, rows, offers)
    seen = np.where(np.isnat(first_seen[rows]), dates[0], first_seen[rows])
    week = np.zeros(len(dates), np.int64) if is_weekly else weekdays(dates)
    offer, offer_class, planned = offers_of(code.T, uplift.T)
    first = np.searchsorted(dates, seen).astype(np.int32)
    return Days(units, exposure, offer, offer_class, planned, first, week, week_of_year(dates), events)


def read_weeks(
    connection: duckdb.DuckDBPyConnection, codes: SeriesCodes, first_seen: np.ndarray, dates: np.ndarray, most_weeks: int
) -> WeeklySums:  # fmt: skip
    """Weekly units and series-days by item class over the landed dates (t,): a group-by over history, for a cold start."""
    classes = len(codes.class_names)
    table = connection.execute(_CLASS_UNITS, {"first": dates[0].item(), "last": dates[-1].item()}).to_arrow_table()
    item_class = pc.index_in(table["item_class"], value_set=pa.array(codes.class_names, pa.string()))
    week, at = np.unique(week_number(dates), return_inverse=True)
    units, days = np.zeros((2, classes, len(week)))
    at_row = at[np.searchsorted(dates, date_column(table, "business_date"))]
    np.add.at(units, (item_class.to_numpy(zero_copy_only=False).astype(np.int64), at_row), floats(table, "units"))
    seen = np.where(np.isnat(first_seen), dates[0], first_seen)
    for number in range(classes):
        begun = np.sort(seen[codes.sku_class[codes.sku] == number])
        np.add.at(days[number], at, np.searchsorted(begun, dates, side="right"))
    return WeeklySums.nothing(classes).plus(week, np.maximum(units, 0.0), days, most_weeks)


def closed_series(connection: duckdb.DuckDBPyConnection, day: date) -> np.ndarray:
    """Series that were not on sale on the date."""
    return integers(connection.execute(_CLOSED, {"day": day}).to_arrow_table(), "series")
