"""Capacity prices from one date to the next: one per kind and location, that of the earliest date."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace

import numpy as np

from allocation_assets.allocation.limits import Buckets
from allocation_assets.allocation.price_memory import read_prices, write_prices

EARLY, LATE = date(2024, 3, 4), date(2024, 3, 6)


def used(docks, gates) -> Buckets:
    return Buckets(np.zeros(0, np.int64), np.zeros(0, np.int64), docks, gates)


def test_the_price_of_the_earliest_date_comes_back_in_the_order_of_the_next_date(tmp_path):
    plan = SimpleNamespace(
        receiving_price=np.array([0.5, 0.2, 9.0, 0.7]), dispatch_price=np.array([0.1, 0.3]), line_price=np.array([2.0, 4.0])
    )
    docks = [("S1", LATE), ("S1", EARLY), ("S2", None), ("S3", EARLY)]
    write_prices(tmp_path / "prices.parquet", used(docks, [("DC", EARLY), ("DC", LATE)]), plan)
    start = read_prices(tmp_path / "prices.parquet", used([("S3", LATE), ("S2", LATE), ("S1", None)], [("DC", LATE), ("NEW", LATE)]))
    assert start.receiving.tolist() == [0.7, 0.0, 0.2]
    assert start.dispatch.tolist() == [0.1, 0.0]
    assert start.lines.tolist() == [2.0, 0.0]


def test_nothing_handed_over_is_a_cold_start(tmp_path):
    assert read_prices(None, used([], [])) is None
    assert read_prices(tmp_path / "missing.parquet", used([], [])) is None
