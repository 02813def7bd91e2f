"""Online Retail as a world that can be landed: 305 dates of sales, returns and corrections, two derived masters."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa

from allocation_assets.demo_world.landing_files import DatedTable, LandingFile
from allocation_assets.demo_world.online_retail import facts, masters
from allocation_assets.demo_world.online_retail.source import (
    CORRECTION,
    RETURN,
    SALE,
    classify,
    exact_repeats,
    read_rows,
)

RUN_DATES = (date(2011, 12, 8), date(2011, 12, 9))
SEED = 20101201
# What the manifests say (semantics 27): sales are the seller's own lines; dispositions are drawn; reason codes and
# masters are worked out from the lines.
PROVENANCE = {SALE: "observed", RETURN: "simulated", CORRECTION: "derived", "items": "derived", "locations": "derived"}


@dataclass(frozen=True)
class OnlineRetail:
    """Everything that lands. ``repeats``: rows that repeat an earlier one in every column; they are sales."""

    days: np.ndarray
    transactions: dict[str, DatedTable]
    plans: dict[str, pa.Table]
    repeats: int

    def dates(self) -> list[date]:
        """The dates that land, oldest first."""
        return [day.item() for day in self.days]

    def feeds(self) -> list[str]:
        """The feeds that land, in a fixed order."""
        return list(PROVENANCE)

    def files(self, feed: str, day: int) -> list[LandingFile]:
        """One file per transaction feed and date, without rows where nothing happened; masters on the first date."""
        if feed in self.transactions:
            return [LandingFile(f"{feed}.parquet", self.transactions[feed].on(day))]
        return [LandingFile(f"{feed}.parquet", self.plans[feed])] if day == 0 else []

    def provenance(self, feed: str) -> str:
        """What the feed's manifests say."""
        return PROVENANCE[feed]


def build_online_retail(rows: pd.DataFrame | None = None, seed: int = SEED) -> OnlineRetail:
    """Turn published rows (default: the packaged ones) into landing tables; ``seed`` draws the dispositions."""
    rows = read_rows() if rows is None else rows
    lines = classify(rows)
    dates = np.unique(lines["at"].to_numpy().astype("datetime64[D]"))
    return OnlineRetail(
        dates,
        facts.transactions(lines, dates, seed),
        {"items": masters.items(lines), "locations": masters.locations()},
        exact_repeats(rows),
    )
