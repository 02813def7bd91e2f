"""End to end on a world small enough to work out by hand: published figures, what explains them, refusals."""

import json

from data_quality.invariants import check_invariants
from tests.support import tiny_world as world
from tests.support.home import allocator, parquet_hashes, published

D8, D9 = world.DATES[7:9]


def _current(home):
    return json.loads((home / "published" / "CURRENT.json").read_text())


def test_the_book_is_what_the_movements_say(tiny_home):
    """Semantics 13 to 16: opening 12, less sales, plus transfers received, plus returns that came back sellable."""
    for location in world.SELLING:
        for sku in world.SKUS:
            # Facts of the snapshot's own date lie before its close: they feed demand only.
            sold = sum(world.units_sold(day, location, sku) for day in world.DATES[1:8])
            received = 2 * 7 if sku in "AB" else 0
            came_back = sum(day.day % 2 for day in world.DATES[1:8]) if (location, sku) == ("S1", "A") else 0
            expected = 12 - sold + received + came_back
            rows = published(
                tiny_home,
                "SELECT on_hand FROM inventory_positions WHERE business_date = $day AND location_id = $l AND sku_id = $s",
                day=D8, l=location, s=sku,
            )  # fmt: skip
            assert rows == [(expected,)], (location, sku)


def test_history_publishes_ledger_accounts_and_measures_but_no_decisions(tiny_home):
    """Semantics 3."""
    for dataset in ("stock_ledger", "feed_accounting", "kpi_daily"):
        assert published(tiny_home, f"SELECT count(DISTINCT business_date) FROM {dataset}") == [(8,)], dataset
    for dataset in ("allocations", "demand_forecasts", "inventory_positions"):
        assert published(tiny_home, f"SELECT DISTINCT business_date FROM {dataset}") == [(D8,)], dataset


def test_steps_read_the_project_parsed_once(tiny_home):
    [log] = (tiny_home / "warehouse" / "logs").glob("run-*.log")
    assert log.read_text().count("Running with dbt=") == 2
    assert "Unable to do partial parsing" not in log.read_text()


def test_sales_of_history_are_the_sales_that_landed(tiny_home):
    for day in world.DATES[:8]:
        units = sum(world.units_sold(day, location, sku) for location in world.SELLING for sku in world.SKUS)
        row = published(
            tiny_home,
            "SELECT sales_units FROM kpi_daily WHERE business_date = $day AND location_id = '*' AND department = '*'",
            day=day,
        )
        assert row == [(units,)]


def test_invariants_hold(tiny_home):
    assert check_invariants(tiny_home / "published" / "allocator.duckdb", None) == []


def test_current_names_every_file_with_its_hash(tiny_home):
    current = _current(tiny_home)
    assert current["business_date"] == str(D8)
    hashes = parquet_hashes(tiny_home)
    assert hashes.items() <= current["files"].items()
    assert {name for name in current["files"] if "run_summary" not in name} == {*hashes, "allocator.duckdb"}


def test_explain_answers_for_every_pair_with_need(tiny_home):
    rows = published(tiny_home, "SELECT sku_id, to_location_id FROM allocation_needs ORDER BY ALL LIMIT 1")
    sku, location = rows[0]
    text = allocator(tiny_home, "explain", "--date", str(D8), "--sku", sku, "--location", location).stdout
    for word in ("demand", "need", "supply", "because", "rule", "value"):
        assert f"\n{word}" in text


def test_the_dc_orders_for_all_that_it_supplies(tiny_home):
    """Position = the DC's own stock and what the locations below hold; up to the level in cases of 2; lead 7 days by policy, from the 12th."""
    rows = published(
        tiny_home,
        "SELECT o.sku_id, o.supplier_id, o.units, o.order_up_to - o.inventory_position, o.on_hand - p.on_hand,"
        " o.inventory_position - o.on_hand - o.stock_below, (o.expected_date - o.order_date)::INTEGER, (o.order_date - o.business_date)::INTEGER"
        " FROM replenishment_orders AS o JOIN inventory_positions AS p USING (business_date, location_id, sku_id) ORDER BY ALL",
    )
    assert [row[0] for row in rows] == list(world.SKUS)
    for _, supplier, units, short, *same, lead, wait in rows:
        assert (supplier, units, same, lead, wait) == ("SUP1", short + short % 2, [0, 0], 7, 1)
    assert published(tiny_home, "SELECT sum(pairs), min(location_type) FROM service_levels") == [(4, "dc")]


def test_explain_answers_for_orders(tiny_home):
    """At the DC, and at a store for what its DC orders."""
    for location in (world.DC, "S1"):
        text = allocator(tiny_home, "explain", "--date", str(D8), "--sku", "C", "--location", location).stdout
        assert f"order      {world.DC} orders" in text and "  level    orders at" in text and "  benefit  " in text, location


def test_the_next_day_keeps_the_past(tiny_home, ninth_day):
    """Semantics 5, too: the eighth date decided in one go with the ninth is, to the byte, the eighth alone."""
    assert parquet_hashes(tiny_home).items() <= parquet_hashes(ninth_day).items()
    assert _current(ninth_day)["business_date"] == str(D9)
    assert check_invariants(ninth_day / "published" / "allocator.duckdb", None) == []


def test_a_feed_full_of_bad_rows_refuses_to_publish(home):
    """Semantics 12: more than 5 % and more than 20 rows quarantined."""
    before = parquet_hashes(home)
    world.write_day(home / "landing", D9)
    rows = [(f"B{n}", 1, "S1", "A", -1, 4, f"{D9}T10:00:00", "store") for n in range(30)]
    world.write_feed(home / "landing", "pos", D9, rows, "bad.csv")
    done = allocator(home, "run", "--date", str(D9), check=False)
    assert done.returncode == 3
    assert "pos" in done.stderr and "quarantine" in done.stderr
    assert parquet_hashes(home) == before
    exported = home.parent / "rows.csv"
    allocator(home, "quarantine", "--feed", "pos", "--export", str(exported))
    assert exported.read_text().count("[out_of_range]") == 30
