"""The real part of the demo: FreshRetailNet-50K, one city, as integer arrays.

Belongs here: reading the two packaged files and turning the scaled sales into units. Nothing is simulated here.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

DATA_DIR = Path(__file__).parent / "data"
HOURS = 24
OPEN_FROM, OPEN_TO = 6, 22  # the data set counts stock-out hours in [6, 22): 16 trading hours
HOURS_OPEN = OPEN_TO - OPEN_FROM
DAILY_COLUMNS = [
    "store_id",
    "product_id",
    "dt",
    "sale_amount",
    "stock_hour6_22_cnt",
    "discount",
    "activity_flag",
    "holiday_flag",
    "management_group_id",
    "first_category_id",
    "second_category_id",
    "third_category_id",
]


@dataclass(frozen=True)
class Source:
    """Real demand of S stores x K SKUs as P store-SKU series over T dates.

    Arrays over time are (T, P), units are eaches; ``hourly_units`` is (T, P, 24) and sums to ``units`` exactly.
    ``discount`` is the price paid as a share of the list price, in (0, 1].
    """

    dates: np.ndarray
    store_ids: np.ndarray
    product_ids: np.ndarray
    pair_store: np.ndarray
    pair_sku: np.ndarray
    units: np.ndarray
    hourly_units: np.ndarray
    hours_out: np.ndarray
    is_out_at_close: np.ndarray
    discount: np.ndarray
    is_promoted: np.ndarray
    is_weekend_or_holiday: np.ndarray
    categories: dict[str, np.ndarray]


def policy_text() -> str:
    """The policy file that a home with this data needs."""
    return (Path(__file__).parent / "policy.yaml").read_text(encoding="utf-8")


def _columns(name: str, columns: list[str]) -> dict[str, np.ndarray]:
    table = pq.read_table(DATA_DIR / name, columns=columns, use_threads=False)
    return {column: table[column].to_numpy() for column in columns}


def reconcile_hours(hourly_sale: np.ndarray, units: np.ndarray) -> np.ndarray:
    """Hourly units (n, 24) from hourly sales (n, 24, steps of 0.1) that sum to the day's ``units`` (n,).

    The day rules: hours are floored and the units still missing go to the hours with the largest remainder, the
    earliest hour first. Only days with half units (0.09 % of them) need it.
    """
    scaled = np.round(hourly_sale.astype(np.float64) * 10, 3)
    whole = np.floor(scaled).astype(np.int64)
    missing = units - whole.sum(axis=1)
    if missing.min() < 0 or missing.max() > HOURS:
        raise ValueError("demo data: hourly and daily sales contradict each other; restore the packaged files")
    rows = np.flatnonzero(missing)
    order = np.argsort(-(scaled[rows] - whole[rows]), axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    whole[rows] += rank < missing[rows, None]
    return whole


def load_source() -> Source:
    """Read the packaged files (units = round(sale_amount x 10), half to even).

    Raises:
        ValueError: the files are not the full, sorted grid of series x dates (x hours) that they should be.
    """
    day = _columns("frn_city15_daily.parquet", DAILY_COLUMNS)
    hour = _columns("frn_city15_hourly.parquet", ["store_id", "product_id", "hourly_sale", "hourly_stockout"])
    dates = np.unique(day["dt"].astype("datetime64[D]"))
    span, series = len(dates), len(day["dt"]) // len(dates)
    grid = day["dt"].astype("datetime64[D]").reshape(series, span)
    if (grid != dates).any() or (np.repeat(day["product_id"], HOURS) != hour["product_id"]).any():
        raise ValueError("demo data: series are not sorted by store, product, date; restore the packaged files")

    def by_date(values: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(values.reshape(series, span).T)

    units = np.rint(day["sale_amount"] * 10).astype(np.int64)
    hourly = reconcile_hours(hour["hourly_sale"].reshape(-1, HOURS), units)
    stores, pair_store = np.unique(day["store_id"].reshape(series, span)[:, 0], return_inverse=True)
    products, pair_sku = np.unique(day["product_id"].reshape(series, span)[:, 0], return_inverse=True)
    first_row = np.unique(day["product_id"], return_index=True)[1]
    out = hour["hourly_stockout"].reshape(series, span, HOURS)[:, :, OPEN_TO - 1]
    return Source(
        dates=dates,
        store_ids=stores,
        product_ids=products,
        pair_store=pair_store,
        pair_sku=pair_sku,
        units=by_date(units),
        hourly_units=np.ascontiguousarray(hourly.reshape(series, span, HOURS).transpose(1, 0, 2).astype(np.int16)),
        hours_out=by_date(day["stock_hour6_22_cnt"]).astype(np.int64),
        is_out_at_close=np.ascontiguousarray(out.T).astype(bool),
        # A discount of 0 is a gap in the data, above 1 a surcharge of 5 % on two rows: both sell at list price.
        discount=np.where(by_date(day["discount"]) > 0, np.minimum(by_date(day["discount"]), 1.0), 1.0),
        is_promoted=by_date(day["activity_flag"]).astype(bool),
        is_weekend_or_holiday=by_date(day["holiday_flag"])[:, 0].astype(bool),
        categories={
            "department": day["first_category_id"][first_row],
            "class": day["second_category_id"][first_row],
            "subclass": day["third_category_id"][first_row],
            "group": day["management_group_id"][first_row],
        },
    )
