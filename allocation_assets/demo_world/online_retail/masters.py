"""The master feeds of Online Retail, derived: the source is a list of invoice lines and holds no master data."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa

from allocation_assets.demo_world.arrow import constant
from allocation_assets.demo_world.online_retail.facts import LOCATION, amounts
from allocation_assets.demo_world.online_retail.source import is_not_merchandise

DEPARTMENT = "Giftware"
#: The source holds no cost; half the price is an assumption, as the README says.
COST_SHARE = 0.5


def items(lines: pd.DataFrame) -> pa.Table:
    """One row per article that ever had a price, by sku_id: median positive price, most frequent description.

    Articles without any price (stock corrections only) cannot be valued and are not listed: their rows wait as
    ``unknown_sku``. Codes that are no goods are never listed. Ties of a description go to the first by text.
    """
    priced = lines[(lines["mills"] > 0).to_numpy() & ~is_not_merchandise(lines["sku_id"])]
    price = priced.groupby("sku_id", sort=True)["mills"].median()
    named = priced.assign(text=priced["text"].str.strip()).groupby(["sku_id", "text"], sort=True).size().reset_index(name="n")
    named = named.sort_values(["sku_id", "n", "text"], ascending=[True, False, True], kind="stable")
    text = named.drop_duplicates("sku_id").set_index("sku_id")["text"].reindex(price.index)
    # A median of an even number of prices may end in half a mill: upwards, and never below one mill.
    mills = np.ceil(price.to_numpy(float)).astype(np.int64)
    return pa.table(
        {
            "sku_id": pa.array(price.index, pa.string()),
            "description": pa.array(text, pa.string()),
            "department": constant(DEPARTMENT, len(price)),
            "unit_cost": amounts(np.maximum(1, np.rint(mills * COST_SHARE).astype(np.int64))),
            "unit_price": amounts(mills),
            "case_pack": constant(1, len(price), pa.int64()),
        }
    )


def locations() -> pa.Table:
    """The one web shop; there is no DC that could supply it."""
    return pa.table(
        {
            "location_id": [LOCATION],
            "name": ["Online Retail web shop"],
            "location_type": ["ecom"],
            "channel": ["ecom"],
            "region": ["United Kingdom"],
        }
    )
