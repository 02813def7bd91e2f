"""The asset's decision on a home of its own: figures of the window by hand, memory by file, changes with their reasons."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from allocation_assets.placeholders import SCHEMAS, ensure_decision_placeholders
from allocation_assets.policy import load_parameters
from allocation_assets.segmentation.assets import decide
from tests.support.lake import Lake

FIRST = date(2026, 3, 1)
DAYS = [FIRST + timedelta(days=n) for n in range(30)]
LAST = DAYS[27]
POLICY = {name: parameter.default for name, parameter in load_parameters().items()} | {"demand.window_days": 28}
TABLES = {
    "int_demand_daily": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, sales_units BIGINT, net_sales DECIMAL(18, 6), exposure DOUBLE",
    "int_items": "sku_id VARCHAR, lifecycle VARCHAR, launch_date DATE, strategic BOOLEAN, unit_cost DECIMAL(18, 6)",
    "int_business_dates": "business_date DATE, date_number BIGINT, opened_on DATE",
    "inventory_positions": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, first_seen DATE, last_sale_date DATE",
    "int_assortment": "business_date DATE, sku_id VARCHAR, is_past_exit BOOLEAN",
}


def session_of(root: Path, **changed) -> SimpleNamespace:
    lake = Lake(root / "lake")
    ensure_decision_placeholders(lake.root)
    for day in DAYS:
        lake.load("pos", day, landed=[day])
    return SimpleNamespace(
        home=SimpleNamespace(lake=lake.root),
        policy=SimpleNamespace(deployment=lambda day: POLICY | changed),
        decision_file=lambda name, day: lake.root / "decisions" / name / f"business_date={day}" / "data.parquet",
    )


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    """A and B sell at two stores on 28 dates; C never did. A earns 10 a unit, B 1; S2 sells four times what S1 does."""
    connection = duckdb.connect()
    for name, columns in TABLES.items():
        connection.execute(f"CREATE TABLE {name} ({columns})")
    connection.executemany(
        "INSERT INTO int_business_dates VALUES (?, ?, ?)", [[day, n, FIRST] for n, day in enumerate(DAYS)]
    )
    connection.execute(
        "INSERT INTO int_items VALUES ('A', NULL, NULL, NULL, 10), ('B', NULL, NULL, true, 9), ('C', 'exit', NULL, false, 1)"
    )
    for day in DAYS:
        connection.execute("INSERT INTO inventory_positions SELECT $d, l, s, $f, $d FROM (VALUES ('S1'), ('S2')) t(l), (VALUES ('A'), ('B')) u(s)",
                           {"d": day, "f": FIRST})  # fmt: skip
    return connection


def sell(connection, day: date, location: str, sku: str, units: int, price: int, exposure: float = 1) -> None:
    connection.execute(
        "INSERT INTO int_demand_daily VALUES (?, ?, ?, ?, ?, ?)", [day, location, sku, units, units * price, exposure]
    )


def table(session, dataset: str, day: date) -> list[dict]:
    with duckdb.connect() as connection:
        cursor = connection.execute(
            "FROM read_parquet($f, hive_partitioning = false)", {"f": str(session.decision_file(dataset, day))}
        )
        return [dict(zip([c[0] for c in cursor.description], row, strict=True)) for row in cursor.fetchall()]


def test_figures_of_the_window(warehouse, tmp_path):
    """A sells 2 a day at S1 and 8 at S2, every day: steady about each store's own mean. B sells every other day, 1 or 5.

    B at S1: 14 demand days in 28, half of it seen on one of the empty ones: interval 27.5 / 14 = 1.96. Sizes 1 and 5, 7
    each: mean 3, sum of squares 182, spread (182 - 14 * 9) / 9 = 6.22 over 13 = 0.479 < 0.49.
    """
    for n, day in enumerate(DAYS[:28]):
        sell(warehouse, day, "S1", "A", 2, 20)
        sell(warehouse, day, "S2", "A", 8, 20)
        if n % 2 == 0:
            sell(warehouse, day, "S1", "B", 1 if n % 4 == 0 else 5, 10)
    sell(warehouse, DAYS[1], "S1", "B", 0, 10, exposure=0.5)
    session = session_of(tmp_path)
    assert decide(session, warehouse, LAST) == {"sku_segments": 3, "sku_segment_changes": 0}
    a, b, c = table(session, "sku_segments", LAST)
    assert a == {"business_date": LAST, "sku_id": "A", "abc": "A", "xyz": "X", "demand_class": "smooth", "velocity": "fast",
                 "margin_rate": 0.5, "lifecycle": "core", "strategic": False, "service_target": 0.98}  # fmt: skip
    assert (b["abc"], b["demand_class"], b["velocity"], b["margin_rate"], b["strategic"], b["service_target"]) == (
        "C", "intermittent", "fast", 0.1, True, 0.99)  # fmt: skip
    assert (c["abc"], c["xyz"], c["demand_class"], c["velocity"], c["margin_rate"], c["lifecycle"]) == (
        "C", "Z", "none", "none", None, "exit")  # fmt: skip


def units_in_four_weeks(warehouse, number: int, units: int) -> None:
    """Units of A at S1 on the date with this number; a row without units lets the window begin four weeks back."""
    sell(warehouse, DAYS[number], "S1", "A", units, 20)
    sell(warehouse, DAYS[2], "S2", "A", 0, 20)


def test_a_change_says_what_was_passed_and_the_memory_is_the_file_of_the_date_before(warehouse, tmp_path):
    """Velocity of A over 4 weeks, fast at 10 a week: 43 units are 10.75, inside the band of 1; 46 are 11.5, past it."""
    session = session_of(tmp_path)
    units_in_four_weeks(warehouse, 20, 36)
    decide(session, warehouse, LAST)
    assert [row["velocity"] for row in table(session, "sku_segments", LAST)] == ["medium", "none", "none"]
    units_in_four_weeks(warehouse, 28, 7)
    decide(session, warehouse, DAYS[28])
    assert [row["velocity"] for row in table(session, "sku_segments", DAYS[28])] == ["medium", "none", "none"]
    units_in_four_weeks(warehouse, 29, 3)
    decide(session, warehouse, DAYS[29])
    [changed] = [row for row in table(session, "sku_segment_changes", DAYS[29]) if row["dimension"] == "velocity"]
    assert changed == {"business_date": DAYS[29], "sku_id": "A", "dimension": "velocity", "old_class": "medium", "new_class": "fast",
                       "reason": "units a week 11.500 past 10.000 by 1.500"}  # fmt: skip
    before = session.decision_file("sku_segment_changes", DAYS[29]).read_bytes()
    decide(session, warehouse, DAYS[29])
    assert session.decision_file("sku_segment_changes", DAYS[29]).read_bytes() == before


def test_confirmed_by_days_demand_that_ceases_and_a_date_that_was_not_run(warehouse, tmp_path):
    session = session_of(tmp_path, **{"segmentation.confirm_days": 2})
    units_in_four_weeks(warehouse, 20, 36)
    decide(session, warehouse, LAST)
    units_in_four_weeks(warehouse, 28, 7)
    decide(session, warehouse, DAYS[28])
    decide(session, warehouse, DAYS[29])
    reasons = {row["dimension"]: row["reason"] for row in table(session, "sku_segment_changes", DAYS[29])}
    assert reasons["velocity"] == "units a week 10.750 past 10.000 for 2 days"
    warehouse.execute("DELETE FROM int_demand_daily")
    decide(session, warehouse, DAYS[29])
    reasons = {row["dimension"]: row["reason"] for row in table(session, "sku_segment_changes", DAYS[29])}
    assert reasons["abc"] == "no positive margin in the window"
    assert reasons["velocity"] == reasons["demand_class"] == "no demand in the window"
    decide(session, warehouse, DAYS[3])
    assert table(session, "sku_segment_changes", DAYS[3]) == []


@pytest.mark.parametrize("dataset", ["sku_segments", "sku_segment_changes"])
def test_the_files_have_the_columns_of_the_schema(warehouse, tmp_path, dataset):
    session = session_of(tmp_path)
    sell(warehouse, LAST, "S1", "A", 1, 20)
    decide(session, warehouse, LAST)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE declared ({SCHEMAS[f'decisions/{dataset}']})")
        path = session.decision_file(dataset, LAST)
        written, declared = (
            [row[:2] for row in connection.execute(f"DESCRIBE FROM {origin}").fetchall()]
            for origin in (f"read_parquet('{path}', hive_partitioning = false)", "declared")
        )
    assert written == declared
