"""A web shop's articles by day (UCI Online Retail, CC0): 77 % of the days without a sale, bulk orders in between.

Sales lines with a positive quantity of articles with a five-digit code; days on which the shop sold nothing at all were closed.
"""

from __future__ import annotations

import duckdb
import numpy as np

from allocation_assets.demand.panel import DemandPanel
from allocation_assets.demo_world.online_retail.source import FILE

_DAILY = """
WITH sold AS (
    SELECT StockCode AS sku, InvoiceDate::DATE AS day, sum(Quantity)::BIGINT AS units FROM read_parquet($file)
    WHERE Quantity > 0 AND InvoiceNo NOT LIKE 'C%' AND regexp_matches(StockCode, '^[0-9]{5}') GROUP BY ALL
), known AS (SELECT sku FROM sold GROUP BY sku HAVING count(*) >= 10 ORDER BY md5(sku), sku LIMIT $most)
SELECT dense_rank() OVER (ORDER BY s.sku) - 1 AS series, s.day, s.units FROM sold AS s SEMI JOIN known AS k ON k.sku = s.sku
ORDER BY ALL
"""


def load_lumpy(most: int) -> DemandPanel:
    """At most so many articles, drawn by hash, over 374 days."""
    with duckdb.connect() as connection:
        rows = connection.execute(_DAILY, {"file": str(FILE), "most": most}).fetchnumpy()
    day = rows["day"].astype("datetime64[D]")
    dates = np.arange(day.min(), day.max() + 1)
    n, t = int(rows["series"].max()) + 1, len(dates)
    units = np.zeros((n, t), np.float32)
    units[rows["series"], (day - dates[0]).astype(np.int64)] = rows["units"]
    open_days = units.sum(axis=0) > 0
    none, one = np.zeros((n, t), np.int64), np.zeros(n, np.int64)
    return DemandPanel(
        dates, none[0], units, np.broadcast_to(open_days.astype(np.float32), (n, t)).copy(), none.astype(bool), none,
        np.full((n, t), np.nan), np.argmax(units > 0, axis=1), np.arange(n), one, one, one, np.full(n, -1),
    )  # fmt: skip
