"""UCI Online Retail as it was published, each row sorted into the one feed that it lands in.

Belongs here: reading the packaged file and what a row is. How a row looks in its feed: ``facts``.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from importlib.resources import files

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from allocation_assets.demo_world.source import DATA_DIR

FILE = DATA_DIR / "online_retail.parquet"
#: Mills are thousandths of a pound: the finest price of the source is 0.001.
MILLS = 1_000
SALE, RETURN, CORRECTION = "pos", "returns", "adjustments"


def read_rows() -> pd.DataFrame:
    """The 541,909 published rows in their order, columns as published."""
    return pq.read_table(FILE).to_pandas(types_mapper={pa.string(): pd.ArrowDtype(pa.string())}.get)


def policy_text() -> str:
    """The policy file that a home with this data needs."""
    return files(__package__).joinpath("policy.yaml").read_text(encoding="utf-8")


def not_merchandise_patterns() -> list[str]:
    """Globs of the codes that are no goods, as the policy file lists them."""
    (rule,) = yaml.safe_load(policy_text())["rules"]
    return rule["set"]["feeds.not_merchandise"]


def is_not_merchandise(skus: pd.Series) -> np.ndarray:
    """Whether each sku_id is matched by the policy's patterns, (n,) bool."""
    patterns = not_merchandise_patterns()
    matched = [sku for sku in skus.unique() if any(fnmatchcase(sku, pattern) for pattern in patterns)]
    return skus.isin(matched).to_numpy(bool)


def sku_ids(codes: pd.Series) -> pd.Series:
    """``StockCode`` as sku_id: the letters after a five-digit code in capitals, everything else as published.

    112 codes are spelt both ways (85123A, 85123a) for the same article.
    """
    is_variant = codes.str.fullmatch(r"[0-9]{5}[a-z]+").to_numpy(bool)
    return codes.where(~is_variant, codes.str.upper())


def classify(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows as lines: sku_id, line_no, units, price in mills, customer, and the ``feed`` that each lands in.

    - an invoice number that starts with C is a cancellation: ``returns``;
    - else a negative quantity, or a price of 0 without a customer and without the article's own name in the
      description, is a correction of stock: ``adjustments``;
    - else a sale: ``pos``, also where it was given away (price 0).

    ``line_no`` counts an invoice's rows in published order, from 1, whatever their feed.
    """
    lines = pd.DataFrame(
        {
            "invoice": rows["InvoiceNo"],
            "line_no": rows.groupby("InvoiceNo", sort=False).cumcount().to_numpy() + 1,
            "sku_id": sku_ids(rows["StockCode"]),
            "text": rows["Description"],
            "units": rows["Quantity"].to_numpy(np.int64),
            "mills": np.rint(rows["UnitPrice"].to_numpy() * MILLS).astype(np.int64),
            "at": rows["InvoiceDate"].to_numpy().astype("datetime64[s]"),
            "customer_id": rows["CustomerID"].str.replace(r"\.0$", "", regex=True),
        }
    )
    is_return = lines["invoice"].str.startswith("C").to_numpy(bool)
    free = (lines["mills"] == 0).to_numpy() & lines["customer_id"].isna().to_numpy() & ~_has_own_name(lines)
    is_correction = ~is_return & ((lines["units"] < 0).to_numpy() | free)
    lines["feed"] = np.select([is_return, is_correction], [RETURN, CORRECTION], SALE)
    return lines


def _has_own_name(lines: pd.DataFrame) -> np.ndarray:
    """Whether the description is one under which the same article was sold for money, (n,) bool."""
    key = lines["sku_id"] + "\x1f" + lines["text"]
    return (key.notna() & key.isin(key[lines["mills"] > 0].dropna().unique())).to_numpy(bool)


def exact_repeats(rows: pd.DataFrame) -> int:
    """How many rows repeat an earlier row in every column; they stand as sales of their own."""
    return int(rows.duplicated().sum())
