"""The transaction feeds of Online Retail: classified lines into the columns of the landing contract."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from allocation_assets.demo_world.arrow import TIMESTAMP, constant
from allocation_assets.demo_world.landing_files import DatedTable
from allocation_assets.demo_world.online_retail.matching import match_returns
from allocation_assets.demo_world.online_retail.reasons import reason_codes
from allocation_assets.demo_world.online_retail.source import CORRECTION, RETURN, SALE

LOCATION = "WEB"
AMOUNT = pa.decimal128(18, 3)
#: Drawn for goods that came back on a later date; what is cancelled on the date of its sale never left the shelf.
DISPOSITIONS = ("restock", "damaged", "destroy")
DISPOSITION_SHARES = (0.80, 0.15, 0.05)


def amounts(mills: np.ndarray) -> pa.Array:
    """Integer thousandths (n,) as DECIMAL(18,3), exactly."""
    words = np.empty((len(mills), 2), "<i8")
    words[:, 0] = mills
    words[:, 1] = np.where(np.asarray(mills) < 0, -1, 0)
    return pa.Array.from_buffers(AMOUNT, len(mills), [None, pa.py_buffer(words.tobytes())])


def transactions(lines: pd.DataFrame, dates: np.ndarray, seed: int) -> dict[str, DatedTable]:
    """Feed -> its rows over all ``dates``; every line lands in exactly one feed, in published order."""
    day = np.searchsorted(dates, lines["at"].to_numpy().astype("datetime64[D]"))
    by_feed = {feed: lines[(lines["feed"] == feed).to_numpy()] for feed in (SALE, RETURN, CORRECTION)}
    sales, back = by_feed[SALE], by_feed[RETURN]
    tables = {
        SALE: pos(sales),
        RETURN: returns(back.assign(units=-back["units"]), sales, np.random.default_rng(seed)),
        CORRECTION: adjustments(by_feed[CORRECTION]),
    }
    dated = {}
    for feed, table in tables.items():
        on = day[by_feed[feed].index.to_numpy()]
        order = np.argsort(on, kind="stable")
        dated[feed] = DatedTable(on[order], table.take(pa.array(order)))
    return dated


def _texts(values: pd.Series | np.ndarray) -> pa.Array:
    return pa.array(values, pa.string(), from_pandas=True)


def pos(sales: pd.DataFrame) -> pa.Table:
    """Sales lines; what the source calls quantity and unit price, and nothing that it does not say."""
    count, units, mills = len(sales), sales["units"].to_numpy(), sales["mills"].to_numpy()
    return pa.table(
        {
            "transaction_id": _texts(sales["invoice"]),
            "line_no": sales["line_no"].to_numpy(),
            "location_id": constant(LOCATION, count),
            "sku_id": _texts(sales["sku_id"]),
            "units": units,
            "net_amount": amounts(units * mills),
            "unit_list_price": amounts(mills),
            "sold_at": pa.array(sales["at"].to_numpy(), TIMESTAMP),
            "channel": constant("ecom", count),
            "promo_id": constant(None, count, pa.string()),
            "customer_id": _texts(sales["customer_id"]),
        }
    )


def returns(back: pd.DataFrame, sales: pd.DataFrame, rng: np.random.Generator) -> pa.Table:
    """Cancelled lines (units >= 1). The disposition is simulated: the source does not say what became of the goods."""
    count, units = len(back), back["units"].to_numpy()
    original = match_returns(sales, back)
    drawn = rng.choice(DISPOSITIONS, count, p=DISPOSITION_SHARES)
    sold_on = sales.groupby("invoice")["at"].min().dt.normalize()
    is_same_date = (sold_on.reindex(original).to_numpy() == back["at"].dt.normalize().to_numpy())
    return pa.table(
        {
            "return_id": _texts(back["invoice"]),
            "line_no": back["line_no"].to_numpy(),
            "location_id": constant(LOCATION, count),
            "sku_id": _texts(back["sku_id"]),
            "units": units,
            "disposition": _texts(np.where(is_same_date, "restock", drawn)),
            "reason_code": constant(None, count, pa.string()),
            "refund_amount": amounts(units * back["mills"].to_numpy()),
            "original_transaction_id": _texts(original),
            "returned_at": pa.array(back["at"].to_numpy(), TIMESTAMP),
        }
    )


def adjustments(corrections: pd.DataFrame) -> pa.Table:
    """Signed stock corrections; reason codes from the notes."""
    count, units = len(corrections), corrections["units"].to_numpy()
    return pa.table(
        {
            "adjustment_id": _texts(corrections["invoice"] + "-" + corrections["line_no"].astype(str)),
            "location_id": constant(LOCATION, count),
            "sku_id": _texts(corrections["sku_id"]),
            "units": units,
            "reason_code": _texts(reason_codes(corrections["text"], units)),
            "count_id": constant(None, count, pa.string()),
            "approved_by": constant(None, count, pa.string()),
            "adjusted_at": pa.array(corrections["at"].to_numpy(), TIMESTAMP),
        }
    )
