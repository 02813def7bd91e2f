"""A retailer by the week (semantics 7): one row of sales a week, an order a week, lead times in weeks, costs per SKU, no DC."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from tests.support import tiny_world as world
from tests.support.home import allocator, published
from tests.support.shared import made_once

#: Sundays.
WEEKS = [date(2024, 1, 7) + timedelta(days=7 * n) for n in range(9)]
W9 = WEEKS[8]
SHOP, SUPPLIER = "SHOP", "SUP1"
POLICY = """version: 1
rules:
  - id: by-the-week
    match: {}
    set: {calendar.period: week, calendar.week_ends_on: SUN, replenishment.review_days: [SUN]}
  - id: dear-to-miss
    match: {sku: [X, Z]}
    set: {costs.lost_sale_per_unit: 40, costs.holding_per_unit_day: 0.01}
  - id: dear-to-hold
    match: {sku: Y}
    set: {costs.lost_sale_per_unit: 0.5, costs.holding_per_unit_day: 0.05}
"""


def write_week(landing, day: date) -> None:
    """Seven or eight of each SKU a week; the supplier needs two weeks."""
    if day == WEEKS[0]:
        world.write_feed(landing, "items", day, [(sku, sku, "dry", 6, 10, 2, "core", SUPPLIER) for sku in "XYZ"])
        world.write_feed(landing, "locations", day, [(SHOP, "store", "store", "north", "")])
        world.write_feed(landing, "lanes", day, [(SUPPLIER, SHOP, 14, "")])
        world.write_feed(landing, "inventory_snapshot", day, [(SHOP, sku, 70, 0, 0) for sku in "XYZ"])
    units = 7 + WEEKS.index(day) % 2
    world.write_feed(landing, "pos", day, [(f"T{day}{sku}", 1, SHOP, sku, units, 10 * units, "", "store") for sku in "XYZ"])
    for feed in ("receipts", "returns", "cycle_counts"):
        world.write_feed(landing, feed, day, [])


@pytest.fixture(scope="module")
def weekly_home(tmp_path_factory):
    """Nine weeks landed, with an open order of 20 Z, which is X in all else; the ninth is run."""

    def make(folder):
        home = folder / "home"
        (home / "policies").mkdir(parents=True)
        (home / "policies" / "week.yaml").write_text(POLICY)
        for day in WEEKS[:9]:
            write_week(home / "landing", day)
        world.write_feed(home / "landing", "purchase_orders", W9, [("POZ", 1, SUPPLIER, SHOP, "Z", 20, 0, W9 + timedelta(days=8), "open")])
        allocator(home, "run", "--date", str(W9))

    return made_once(tmp_path_factory, "weekly", make) / "home"


def test_the_shop_orders_once_a_week_from_its_supplier(weekly_home):
    """Sold since the opening: 4 x 7 + 4 x 8 = 60 of 70. Leaves on Monday, comes two weeks later; cases of 2. About one unit a day."""
    rows = published(
        weekly_home,
        "SELECT sku_id, supplier_id, inventory_position, review_days, lead_time_days, (order_date - business_date)::INTEGER,"
        " (expected_date - order_date)::INTEGER, units - (order_up_to - inventory_position), rule_id"
        " FROM replenishment_orders WHERE business_date = $d AND sku_id <> 'Z' ORDER BY sku_id",
        d=W9,
    )
    spare = [row[7] for row in rows]
    assert [row[:7] + row[8:] for row in rows] == [
        ("X", SUPPLIER, 10, 7, 14.0, 1, 14, "dear-to-miss"), ("Y", SUPPLIER, 10, 7, 14.0, 1, 14, "dear-to-hold")
    ]  # fmt: skip
    assert set(spare) <= {0, 1}
    means = published(weekly_home, "SELECT daily_mean FROM replenishment_orders WHERE business_date = $d", d=W9)
    assert all(1.0 <= mean <= 8 / 7 for (mean,) in means)


def test_the_costs_of_the_sku_set_its_level(weekly_home):
    """The critical ratio is 40 / 40.07 for X, 0.5 / 0.85 for Y, over the same 22 days of demand."""
    levels = dict(published(weekly_home, "SELECT sku_id, order_up_to FROM replenishment_orders WHERE business_date = $d", d=W9))
    mean = {sku: 22 * mean for sku, mean in published(weekly_home, "SELECT sku_id, daily_mean FROM replenishment_orders WHERE business_date = $d", d=W9)}
    assert levels["X"] > mean["X"] + 2.5 * mean["X"] ** 0.5
    assert mean["Y"] - 1 <= levels["Y"] < mean["Y"] + mean["Y"] ** 0.5


def test_what_is_on_its_way_is_not_ordered_again(weekly_home):
    """Z is X with 20 on order: the same level, 20 less of it."""
    rows = published(weekly_home, "SELECT sku_id, order_up_to, on_order, inventory_position, units FROM replenishment_orders WHERE business_date = $d", d=W9)
    of = {row[0]: row[1:] for row in rows}
    assert of["Z"] == (of["X"][0], 20, 30, of["X"][3] - 20)


def test_explain_answers_for_the_shop(weekly_home):
    text = allocator(weekly_home, "explain", "--date", str(W9), "--sku", "X", "--location", SHOP).stdout
    assert f"order      {SHOP} orders" in text and "rule dear-to-miss" in text
