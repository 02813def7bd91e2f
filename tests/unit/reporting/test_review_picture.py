"""What the topics read of a small published database, against numbers set by hand (tests/support/review_world.py)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from allocation_assets.reporting.picture import columns_without_definition, read_picture
from allocation_assets.reporting.words import summary, write, write_change
from orchestration.report import column_docs
from tests.support import review_world as world
from tests.support.review_world import CODE, DAY, DAYS, FORMULA


def headline(picture) -> dict[str, tuple]:
    return {row["measure"]: (row["value"], row["before_value"], row["change"]) for row in picture.tables["headline"].dicts()}


def test_a_day_is_compared_with_the_date_before(connection):
    picture = read_picture(connection, DAY)
    assert picture.before == DAYS[-2]
    found = headline(picture)
    assert found["net_sales"] == (230, 220, 10)
    assert found["in_stock_rate"] == (0.8, 0.9, pytest.approx(-0.1))
    assert found["optimality_gap"] == (0.005, None, None)  # the date before was not decided


def test_a_week_sums_flows_and_compares_states_seven_days_apart(connection):
    """Net sales 100 + 10 i: the week i = 7..13 makes 1,400, the week before 910; stock is the date's own."""
    picture = read_picture(connection, DAY, is_weekly=True)
    assert picture.before == DAY - timedelta(days=7)
    found = headline(picture)
    assert found["net_sales"] == (1400, 910, 490)
    assert found["inventory_value"] == (1234.56, 1234.56, 0)
    assert found["stockout_positions"] == (4, 2, 2)


def test_a_week_is_not_compared_with_half_a_week(connection):
    connection.execute("DELETE FROM kpi_daily WHERE business_date = ?", [DAYS[0]])
    picture = read_picture(connection, DAY, is_weekly=True)
    assert headline(picture)["net_sales"] == (1400, None, None)
    assert headline(picture)["stockout_positions"] == (4, 2, 2)
    assert "net_sales" not in picture.tables["movers"].column("measure")


def test_the_first_date_is_compared_with_nothing(connection):
    picture = read_picture(connection, DAYS[0])
    assert picture.before is None
    assert picture.tables["movers"].rows == []
    assert summary(picture)[0] == f"{DAYS[0]} is the first date that is published, so nothing can be compared."


def test_movers_name_the_largest_change_of_each_measure(connection):
    """Department CODE went from 120 to 150, Fresh from 100 to 80; so did the two stores."""
    rows = read_picture(connection, DAY).tables["movers"].dicts()
    found = [(r["dimension"], r["member"], r["change"], r["place"]) for r in rows if r["measure"] == "net_sales"]
    assert found == [("department", CODE, 30, 1), ("department", "Fresh", -20, 2), ("location", FORMULA, 30, 1), ("location", "S2", -20, 2)]


def test_the_summary_says_what_moved_and_why(connection):
    told = summary(read_picture(connection, DAY))
    assert f"Net sales: 230.00 on {DAY}, up from 220.00 on {DAYS[-2]} (better); led by department {CODE} (+30.00) and location {FORMULA} (+30.00)." in told
    assert f"In-stock rate: 80.00% on {DAY}, down from 90.00% on {DAYS[-2]} (worse); behind it positions out of stock, led by department {CODE} (+1)." in told
    assert (
        "The plan sends 10 units for 18 needed, worth 99.50 over sending nothing, proven to be at most 0.5000% short of the best possible plan;"
        " 8 units of need stay unmet, most of them (8) because the DC ran out: other locations' next cases are worth more than this one's." in told
    )
    assert (
        f"2 exceptions are open with 109.99 at risk, 1 of them new and 1 past due; the largest is negative stock at {FORMULA} @A"
        " (99.99, inventory_controller, due 2026-03-08)." in told
    )
    assert "Proposed are 2 order lines to 1 supplier, worth 150.15 at cost; 50.05 of it waits for an approval." in told
    assert "1 row landed and went to quarantine in this run: see `allocator quarantine`." in told


def test_nothing_moved_is_said_in_one_sentence(connection):
    connection.execute("UPDATE kpi_daily SET net_sales = 100, sales_units = 10, in_stock_rate = 0.9, stockout_positions = 2")
    assert summary(read_picture(connection, DAY))[0] == f"No headline measure moved much against {DAYS[-2]}."


def test_explain_says_what_binds_and_what_would_change_it(connection):
    first, second = read_picture(connection, DAY).tables["explain"].dicts()
    assert (first["to_location_id"], first["shorted_units"], first["binding_constraint"], first["limit_price"]) == (FORMULA, 8, "dc_supply", 1.5)
    assert first["meaning"].startswith("the DC ran out")
    assert first["remedy"].startswith("more stock at the DC")
    assert first["competing"] == "S2: got 6, next case 0.50, short 0"
    assert (second["to_location_id"], second["limit_price"]) == ("S2", None)


def test_explain_takes_the_largest_unmet_needs_and_the_largest_values(connection):
    """Of 300 pairs of equal value but one, 100 are explained: the one worth most, and the 99 that lack most."""
    connection.execute("DELETE FROM allocation_needs WHERE to_location_id = 'S2'")
    connection.execute(
        """CREATE OR REPLACE TABLE allocation_needs AS SELECT n.* REPLACE (format('L{:03d}', i) AS to_location_id, i AS shorted_units,
               CASE WHEN i = 7 THEN 1000 ELSE 1 END AS objective_value) FROM allocation_needs AS n, range(300) AS r(i)"""
    )
    chosen = read_picture(connection, DAY).tables["explain"].column("to_location_id")
    assert len(chosen) == 100
    assert "L007" in chosen and "L299" in chosen


def test_explanations_are_those_of_the_command(connection):
    text = "\n".join(read_picture(connection, DAY).explanations[0])
    assert f"-A at {FORMULA}, decided at the close of {DAY}" in text
    assert "competing  S2: got 6, last case 3.25, next case 0.50, short 0" in text


def test_actions_are_what_waits_for_a_person(connection):
    rows = read_picture(connection, DAY, is_weekly=True).tables["actions"].dicts()
    assert [(r["about"], float(r["value"])) for r in rows] == [
        ("exception", 99.99), ("service level", 88.8), ("supplier order", 50.05), ("allocation", 6.5),
    ]  # fmt: skip
    assert rows[1]["finding"] == "Aimed at 99.00 % of demand, 97.00 % pays; 12 units of level are more than that."


def test_causes_add_up_and_are_in_the_summary(connection):
    """Two stock-outs: one wholly by a late supplier, one half by it and half unexplained."""
    connection.execute(
        "CREATE TABLE IF NOT EXISTS stock_out_causes (business_date DATE, location_id VARCHAR, sku_id VARCHAR, cause VARCHAR, kind VARCHAR,"
        " share DECIMAL(4, 3), position_units DECIMAL(18, 6), value DECIMAL(18, 6))"
    )
    for location, cause, share, value in (("S1", "supplier_late", 1, 30), ("S2", "supplier_late", 0.5, 10), ("S2", "unexplained", 0.5, 10)):
        world.insert(connection, "stock_out_causes", business_date=DAY, location_id=location, sku_id="A", cause=cause, kind="stock_out", share=share,
                     position_units=8, value=value)  # fmt: skip
    picture = read_picture(connection, DAY)
    assert [(r["cause"], r["positions"], float(r["value"]), float(r["part_units"])) for r in picture.tables["causes"].dicts()] == [
        ("supplier_late", 2, 40, 12), ("unexplained", 1, 10, 4),
    ]  # fmt: skip
    assert "Stock-outs cost 50.00 of margin on the date, most of it (40.00) by supplier late." in summary(picture)


def test_channels_are_sums_of_their_locations(connection):
    [row] = read_picture(connection, DAY).tables["channels"].dicts()
    assert (row["channel"], row["locations"], row["net_sales"], row["stockout_positions"], float(row["inventory_value"])) == ("store", 2, 230, 4, 1234.56)


def test_regions_are_of_the_day_the_most_lost_sales_first(connection):
    """Not of the week to date, nor of another date or dimension; where as much is lost, the most stock-outs first."""
    rows = read_picture(connection, DAY).tables["regions"].dicts()
    assert [(r["region"], r["net_sales"], r["stockout_positions"], r["line_fill_rate"], r["order_fill_rate"]) for r in rows] == [
        ("north", 150, 3, 0.625, 0.5), (CODE, 80, 1, 0.625, 0),
    ]  # fmt: skip


def test_a_resolved_exception_is_not_shown(connection):
    assert read_picture(connection, DAY).tables["exceptions"].column("exception_id") == ["e0", "e1"]


def test_days_overdue_count_from_the_business_date(connection):
    assert read_picture(connection, DAY).tables["exceptions"].column("days_overdue") == [2, 0]


def test_a_dataset_that_is_not_published_leaves_its_topics_out(connection):
    connection.execute("DROP TABLE count_list")
    tables = read_picture(connection, DAY).tables
    assert "counts" not in tables and "exceptions" in tables


def test_what_is_cut_off_is_the_least_and_is_counted(connection):
    table = read_picture(connection, DAY, most_rows=1).tables["exceptions"]
    assert (table.column("exception_id"), table.total) == (["e0"], 2)


def test_every_column_is_defined(connection):
    picture = read_picture(connection, DAY, definitions=column_docs())
    assert columns_without_definition(picture, picture.tables.values()) == []


def test_definitions_are_those_of_the_dbt_docs(connection):
    picture = read_picture(connection, DAY, definitions={("kpi_daily", "net_sales"): "as documented"})
    assert picture.define(picture.tables["trend"].topic, "net_sales") == "as documented"


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (1234.5, "money", "1,234.50"), (1234, "units", "1,234"), (0.81254, "rate", "81.25%"), (0.00001, "gap", "0.0010%"),
        (None, "money", "–"), (float("nan"), "number", "–"), (True, "flag", "yes"), (date(2026, 3, 1), "date", "2026-03-01"),
    ],
)  # fmt: skip
def test_numbers_as_a_reader_sees_them(value, kind, text):
    assert write(value, kind) == text


@pytest.mark.parametrize(("value", "kind", "text"), [(0.012, "rate", "+1.20 points"), (-3, "units", "-3"), (0, "money", "0.00"), (None, "rate", "–")])
def test_changes_carry_their_sign(value, kind, text):
    assert write_change(value, kind) == text
