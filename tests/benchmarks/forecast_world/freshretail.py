"""The FreshRetailNet slice as a panel: demand seen in the hours that the shelf was full, against an hour profile of the past.

Units are scaled sales (steps of 0.1, CC BY 4.0, Dingdong Inc.). Exposure of a day = share of the usual day's demand that falls
into its hours in stock, by a profile that only full days before the first scored day have made. Sales in hours flagged as
out (2.5 % of units) contradict the flag and are left out on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pyarrow.parquet as pq

from allocation_assets.demand.panel import DemandPanel
from allocation_assets.demo_world.source import DATA_DIR, HOURS, load_source

WINDOWS, HORIZON = 4, 7
#: Days with less of their demand in stock say too little to count.
_LEAST_EXPOSURE = 0.05


@dataclass(frozen=True)
class Fresh:
    """The panel, units and stock by hour (n, t, 24), the hour profile (24,), and the days of training."""

    panel: DemandPanel
    hourly: np.ndarray
    in_stock: np.ndarray
    profile: np.ndarray
    training: int


def load_fresh() -> Fresh:
    """The slice: 803 series of 170 SKUs in 17 stores over 90 days."""
    source = load_source()
    hourly = source.hourly_units.transpose(1, 0, 2)
    flags = pq.read_table(DATA_DIR / "frn_city15_hourly.parquet", columns=["hourly_stockout"])[
        "hourly_stockout"
    ].to_numpy()
    in_stock = ~flags.reshape(*hourly.shape[:2], HOURS).astype(bool)
    series, days = hourly.shape[:2]
    training = days - WINDOWS * HORIZON
    full = in_stock[:, :training, 6:22].all(axis=2)
    profile = (hourly[:, :training] * full[:, :, None]).sum(axis=(0, 1)).astype(np.float64)
    profile /= profile.sum()
    weekend = (source.dates.astype("datetime64[D]").astype(np.int64) + 3) % 7 >= 5
    event = np.select([source.is_weekend_or_holiday & ~weekend, ~source.is_weekend_or_holiday & weekend], [1, 2], 0)
    # As the product codes a plan: the discount by steps of a tenth; below 5 % it is none.
    depth = 1.0 - source.discount.T
    promotion = np.where(depth >= 0.05, 1 + np.floor(depth * 10 + 1e-9).astype(np.int64), 0)
    order = np.lexsort((source.pair_store, source.pair_sku))
    _, item_class = np.unique(source.categories["class"], return_inverse=True)
    panel = DemandPanel(
        source.dates.astype("datetime64[D]"), event, np.zeros((series, days), np.float32),
        np.ones((series, days), np.float32), np.zeros((series, days), bool), promotion[order],
        np.full((series, days), np.nan), np.zeros(series, np.int64), source.pair_sku[order].astype(np.int64),
        source.pair_store[order].astype(np.int64), item_class[source.pair_sku[order]].astype(np.int64),
        np.zeros(series, np.int64), np.full(len(source.product_ids), -1),
    )  # fmt: skip
    fresh = Fresh(panel, hourly[order].astype(np.float64), in_stock[order], profile, training)
    return replace(fresh, panel=seen_panel(fresh, fresh.in_stock))


def seen_panel(fresh: Fresh, seen: np.ndarray) -> DemandPanel:
    """The panel as one sees it in the given hours (n, t, 24) alone."""
    exposure = (seen * fresh.profile).sum(axis=2)
    exposure = np.where(exposure > _LEAST_EXPOSURE, np.minimum(exposure, 1.0), 0.0)
    # The profile's last digits: a day that misses only hours in which nobody buys is a full day.
    exposure = np.where(exposure > 1.0 - 1e-9, 1.0, exposure)
    units = np.where(exposure > 0, (fresh.hourly * seen).sum(axis=2), 0.0)
    return replace(fresh.panel, units=units.astype(np.float32), exposure=exposure.astype(np.float32))
