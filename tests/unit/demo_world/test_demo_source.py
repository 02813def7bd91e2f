"""The real data: units, hours and flags."""

from __future__ import annotations

import hashlib

import numpy as np
import pyarrow.parquet as pq

from allocation_assets.demo_world.source import DATA_DIR, load_source, reconcile_hours


def test_hours_add_up_to_the_day_by_largest_remainder():
    # 0.15 + 0.15 + 1.0: 1.5, 1.5 and 10 units; the day says 13, so one of the halves rounds up: the earlier one.
    sale = np.zeros((1, 24), np.float32)
    sale[0, [8, 12, 20]] = [0.15, 0.15, 1.0]
    units = reconcile_hours(sale, np.array([13]))
    assert units[0, [8, 12, 20]].tolist() == [2, 1, 10]
    assert units.sum() == 13


def test_a_half_unit_that_the_day_drops_is_dropped():
    sale = np.zeros((1, 24), np.float32)
    sale[0, [9, 10]] = [0.45, 0.3]
    assert reconcile_hours(sale, np.array([7]))[0, [9, 10]].tolist() == [4, 3]


def test_series_are_the_published_slice():
    source = load_source()
    assert source.units.shape == (90, 803)
    assert (len(source.store_ids), len(source.product_ids)) == (17, 170)
    assert (str(source.dates[0]), str(source.dates[-1])) == ("2024-03-28", "2024-06-25")
    daily = pq.read_table(DATA_DIR / "frn_city15_daily.parquet").to_pylist()
    at = {(int(s), int(p)): i for i, (s, p) in enumerate(zip(
        source.store_ids[source.pair_store], source.product_ids[source.pair_sku], strict=True))}
    for row in daily[::997]:
        day = int((np.datetime64(row["dt"]) - source.dates[0]).astype(int))
        pair = at[row["store_id"], row["product_id"]]
        assert source.units[day, pair] == round(row["sale_amount"] * 10)
        assert source.hours_out[day, pair] == row["stock_hour6_22_cnt"]
        assert source.is_promoted[day, pair] == bool(row["activity_flag"])
    assert (source.hourly_units.sum(axis=2) == source.units).all()


def test_a_missing_discount_means_list_price():
    source = load_source()
    assert source.discount.min() > 0
    assert source.discount.max() == 1


def test_attribution_names_the_packaged_bytes():
    text = (DATA_DIR / "ATTRIBUTION.md").read_text()
    for path in DATA_DIR.glob("*.parquet"):
        assert hashlib.sha256(path.read_bytes()).hexdigest() in text
    assert all(word in text for word in ("CC BY 4.0", "Dingdong", "FreshRetailNet-50K", "2505.16319"))
