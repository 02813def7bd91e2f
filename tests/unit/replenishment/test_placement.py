"""Where to hold: stages of a class by hand, the grouped tree against the whole one, the DC's time by brute force."""

from __future__ import annotations

import time
from datetime import date
from math import sqrt
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pytest
from scipy import stats

from allocation_assets.placeholders import SCHEMAS
from allocation_assets.reconciliation.frames import empty, run_query
from allocation_assets.replenishment import queries
from allocation_assets.replenishment.guaranteed_service import Tree, place
from allocation_assets.replenishment.placement import placement_parts, stock_placement
from tests.unit.allocation.pairs_of_a_run import policy_of_rules

DAY = date(2026, 11, 23)
_PLACED = {
    "sku_id": "A", "from_location_id": "DC1", "to_location_id": "S1", "style_id": None, "department": "dry", "class": None, "subclass": None,
    "brand": None, "supplier_id": "V1", "lifecycle": "core", "season": None, "location_type": "store", "cluster": None, "region": None,
    "channel": "store", "tier": None, "segment": "A", "unit_cost": 7.3, "unit_price": 12.0, "service_target": 0.95, "lead_days": 2.0,
    "daily_mean": 4.0, "dispersion": 1.0, "next_day_mean": 4.0, "next_day_dispersion": 1.0, "horizon_days": 3.0,
}  # fmt: skip
_NUMBERS = {"unit_cost", "unit_price", "service_target", "lead_days", "daily_mean", "dispersion", "next_day_mean", "next_day_dispersion", "horizon_days"}


def placed_table(*rows: dict) -> pa.Table:
    assert all(set(row) <= set(_PLACED) for row in rows)
    return pa.table({name: pa.array([row.get(name, value) for row in rows], pa.float64() if name in _NUMBERS else pa.string()) for name, value in _PLACED.items()})


def dc_pairs(*rows: tuple) -> SimpleNamespace:
    """(DC, SKU, mean lead time, holding) of the pairs that order, as much of them as is read."""
    dc, sku, lead, holding = zip(*rows, strict=True)
    table = pa.table({"location_id": dc, "sku_id": sku})
    return SimpleNamespace(table=table, lead_days=np.array(lead, float), policy={"costs.holding_per_unit_day": np.array(holding, float)})


def published(tmp_path, pairs, *rows: dict) -> dict:
    parts = placement_parts(pairs, placed_table(*rows), policy_of_rules(tmp_path / "policies"), DAY)
    stages = run_query(queries.DECISIONS["stock_placement"], {"stages": stock_placement(parts)}, {"day": DAY})
    described = [run_query("DESCRIBE FROM t", {"t": t}).select(["column_name", "column_type"]).to_pylist() for t in (stages, empty("decisions/stock_placement"))]
    assert described[0] == described[1] and "decisions/stock_placement" in SCHEMAS
    return {(row["dc_location_id"], row["segment"], row["location_id"]): row for row in stages.to_pylist()}


#: 7.30 x 0.25 / 365 a day.
H = 0.005


def test_a_class_of_two_skus_at_two_stores_by_hand(tmp_path):
    """A sells 4 a day at S1 and 9 at S2, B 16 at S1 (Poisson: sd 2, 3, 4). DC1 is reached in 5 days, S1 in 2, S2 in 3: stage times 6, 3, 4.
    At the DC sd of A is sqrt(4 + 9), of B 4; it quotes the S of 0 ... 6 that costs least."""
    found = published(
        tmp_path, dc_pairs(("DC1", "A", 5.0, H), ("DC1", "B", 5.0, H)), {}, {"to_location_id": "S2", "daily_mean": 9.0, "next_day_mean": 9.0, "lead_days": 3.0},
        {"sku_id": "B", "daily_mean": 16.0, "next_day_mean": 16.0},
    )  # fmt: skip
    z, sd = stats.norm.ppf(0.95), {"DC1": sqrt(13) + 4, "S1": 6.0, "S2": 3.0}
    costs = [z * H * (sd["DC1"] * sqrt(6 - s) + sd["S1"] * sqrt(s + 3) + sd["S2"] * sqrt(s + 4)) for s in range(7)]
    best = int(np.argmin(costs))
    rows = {key[2]: row for key, row in found.items()}
    assert {place: (r["skus"], r["stage_days"], r["service_days"], r["net_lead_days"], r["is_dc"]) for place, r in rows.items()} == {
        "DC1": (2, 6, best, 6 - best, True), "S1": (2, 3, 0, best + 3, False), "S2": (1, 4, 0, best + 4, False)
    }  # fmt: skip
    assert {place: r["safety_stock_units"] for place, r in rows.items()} == {p: pytest.approx(z * sd[p] * sqrt(rows[p]["net_lead_days"])) for p in sd}
    assert float(sum(r["cost_per_day"] for r in rows.values())) == pytest.approx(min(costs), abs=2e-6)
    assert float(sum(r["cost_at_stores_per_day"] for r in rows.values())) == pytest.approx(costs[6], abs=2e-6)
    assert rows["DC1"]["cost_at_stores_per_day"] == 0


def test_classes_and_dcs_are_trees_of_their_own_and_without_a_dc_there_is_no_row(tmp_path):
    """B is of class C at another DC; C's DC does not order it; D sells nothing. Targets are weighted by sd: (2 x 0.9 + 3 x 0.98) / 5."""
    found = published(
        tmp_path, dc_pairs(("DC1", "A", 5.0, H), ("DC2", "B", 1.2, H)), {"service_target": 0.9},
        {"to_location_id": "S2", "daily_mean": 9.0, "next_day_mean": 9.0, "service_target": 0.98},
        {"sku_id": "B", "from_location_id": "DC2", "to_location_id": "S3", "segment": None, "lead_days": None},
        {"sku_id": "C", "to_location_id": "S4"}, {"sku_id": "D", "daily_mean": 0.0, "next_day_mean": 0.0, "segment": "Z"},
    )  # fmt: skip
    assert list(found) == [("DC1", "A", "DC1"), ("DC1", "A", "S1"), ("DC1", "A", "S2"), ("DC2", "none", "DC2"), ("DC2", "none", "S3")]
    assert found["DC1", "A", "S1"]["service_target"] == pytest.approx(0.948)
    # 1.2 days are two whole ones, and a day of review; a lane that nobody knows takes policy's one day.
    assert [found["DC2", "none", at]["stage_days"] for at in ("DC2", "S3")] == [3, 2]


def test_nothing_supplied_by_a_dc_is_no_row(tmp_path):
    assert published(tmp_path, dc_pairs(("S9", "A", 5.0, H))) == {}


@pytest.mark.parametrize("seed", range(8))
def test_stores_of_the_same_time_are_one_stage_exactly(seed):
    """Against `place` on the whole tree, every store a stage of its own."""
    rng = np.random.default_rng(seed)
    m, dc_days = 12, int(rng.integers(1, 12))
    days, sd, h = rng.integers(1, 5, m), rng.uniform(0.5, 9, m), rng.uniform(0.8, 1.5, m)
    top_h, pooled = rng.uniform(0.3, 1.4), sqrt((sd**2).sum())
    z = stats.norm.ppf(0.97)
    whole = place(Tree([(0, k + 1) for k in range(m)], np.append(dc_days, days), np.append(top_h, h), np.append(pooled, sd), np.full(m + 1, z),
                       np.append(-1, np.zeros(m, int)), np.zeros(m + 1, int)))  # fmt: skip
    parts = pa.table({
        "dc": ["DC1"] * (m + 1), "segment": ["A"] * (m + 1), "location_id": ["DC1", *(f"S{k:02}" for k in range(m))], "is_dc": [True] + [False] * m,
        "skus": [1] * (m + 1), "sd": np.append(pooled, sd), "holding_sd": np.append(top_h * pooled, h * sd),
        "lead_sd": np.append((dc_days - 1) * pooled, (days - 1) * sd), "target_sd": np.append(np.nan, 0.97 * sd),
    })  # fmt: skip
    parts = parts.set_column(8, "target_sd", pa.array([None, *(0.97 * sd)]))
    found = stock_placement(parts)
    assert found["net_lead_days"].to_pylist() == whole.net_lead_time.tolist()
    np.testing.assert_allclose(found["safety_stock"], whole.safety_stock, rtol=1e-9)
    assert sum(found["cost"].to_pylist()) == pytest.approx(whole.cost)


def test_a_thousand_stores_three_classes_and_two_dcs_take_less_than_two_seconds():
    trees = [(dc, segment) for dc in ("DC1", "DC2") for segment in "ABC"]
    places = [(dc, segment, at) for dc, segment in trees for at in (dc, *(f"S{k:04}" for k in range(1000)))]
    dc, segment, at = zip(*places, strict=True)
    is_dc = np.array([d == a for d, a in zip(dc, at, strict=True)])
    sd = np.where(is_dc, 900.0, 40.0)
    lead = np.where(is_dc, 20.0, np.arange(len(at)) % 7)
    parts = pa.table({
        "dc": dc, "segment": segment, "location_id": at, "is_dc": is_dc, "skus": np.full(len(at), 50), "sd": sd, "holding_sd": sd * H,
        "lead_sd": sd * lead, "target_sd": pa.array(sd * 0.95, mask=is_dc),
    })  # fmt: skip
    began = time.process_time()
    found = stock_placement(parts)
    assert time.process_time() - began < 2.0 and found.num_rows == 6006
