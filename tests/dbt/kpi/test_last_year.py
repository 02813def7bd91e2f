"""kpi_periods over two years of hand-made days by dimension: against brute force, and restated piece by piece."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.dbt.kpi.world import COLUMNS
from tests.support.lake import Lake, run_dbt

FIRST, LAST = date(2024, 12, 30), date(2026, 2, 27)
MODELS = ("int_kpi_dimension_monthly", "int_kpi_period_sums", "kpi_periods")
#: Member, with its department, of each row of a date; S2 opened late and was shut for a while, S3 is gone.
MEMBERS = {
    ("total", "*", "*"): (FIRST, LAST), ("location", "S2", "*"): (date(2025, 2, 3), LAST), ("location_department", "S2", "A"): (date(2025, 2, 3), LAST),
    ("location", "S3", "*"): (FIRST, date(2025, 12, 31)),
}  # fmt: skip
SHUT = (date(2026, 1, 1), date(2026, 1, 20))
DRAWN = ("sales_units", "net_sales", "markdowns", "inventory_value", "positions")


def _days() -> list[dict]:
    """A row a member and date with some dates missing, as shops that close on holidays have."""
    rng, rows = random.Random(7), []
    for number in range((LAST - FIRST).days + 1):
        day = FIRST + timedelta(days=number)
        if rng.random() < 0.1 and day not in (FIRST, LAST):
            continue
        for key, (opened, closed) in MEMBERS.items():
            if opened <= day <= closed and not (key[1] == "S2" and SHUT[0] <= day <= SHUT[1]):
                held = rng.choice([0, 3])
                values = (rng.randrange(9), Decimal(rng.randrange(900)) / 100, Decimal(rng.randrange(90)) / 100, held and rng.randrange(1, 50), held)
                rows.append({"business_date": day, "key": key, **dict(zip(DRAWN, values, strict=True))})
    return rows


def _write(warehouse: Path, rows: list[dict]) -> None:
    """The table as the marts step builds it; what is not drawn is 0."""
    with duckdb.connect(str(warehouse)) as connection:
        for name in ("int_master_in_force", "stg_budgets"):
            connection.execute(f"CREATE TABLE IF NOT EXISTS {name} ({COLUMNS[name]})")
        connection.execute("CREATE OR REPLACE TABLE drawn (business_date DATE, dimension VARCHAR, member VARCHAR, department VARCHAR, sales_units BIGINT, "
                           "net_sales DECIMAL(28,6), markdowns DECIMAL(28,6), inventory_value DECIMAL(28,6), positions BIGINT)")  # fmt: skip
        connection.executemany(f"INSERT INTO drawn VALUES ({', '.join('?' * 9)})", [[r["business_date"], *r["key"], *(r[name] for name in DRAWN)] for r in rows])
        others = ", ".join(f"0::BIGINT AS {name}" for name in OTHERS)
        connection.execute(f"CREATE OR REPLACE TABLE int_kpi_dimension_daily AS SELECT *, {others} FROM drawn")


OTHERS = (
    "returned_units", "restocked_units", "open_order_units", "available_units", "active_positions", "stockout_positions", "critical_positions",
    "overstock_positions", "obsolete_positions", "counted_records", "accurate_records", "scored_units", "order_lines_due", "order_lines_filled",
    "order_units_due", "order_units_filled", "orders_due", "orders_filled", "refunds", "cogs", "restocked_cost", "active_demand_units",
    "on_shelf_demand_units", "lost_sales_units", "lost_sales_value", "forecast_error_units", "forecast_error_units_abs", "receipts_retail", "inventory_retail",
)  # fmt: skip


def _build(lake: Lake, warehouse: Path, state_from: date, state_to: date) -> None:
    run_dbt("run", "--select", *MODELS, lake=lake, warehouse=warehouse, run_date=state_to, state_from=state_from, state_to=state_to, variables={})


def _table(warehouse: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        return connection.execute(sql).fetchall()


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """All dates in one go."""
    folder = tmp_path_factory.mktemp("last_year")
    _write(folder / "warehouse.duckdb", _days())
    _build(Lake(folder / "lake"), folder / "warehouse.duckdb", FIRST, LAST)
    return folder / "warehouse.duckdb"


def _starts(day: date) -> dict[str, date]:
    return {"day": day, "week_to_date": day - timedelta(days=day.weekday()), "month_to_date": day.replace(day=1), "year_to_date": day.replace(month=1, day=1)}


def _expected(rows: list[dict]) -> Iterator[tuple]:
    """Row by row: sums of the span, of the span 364 days earlier where the books reach back to its first day, and both closes."""
    by_key: dict = {}
    for row in rows:
        by_key.setdefault(row["key"], {})[row["business_date"]] = row
    year = timedelta(days=364)
    for day in sorted({row["business_date"] for row in rows}):
        for period, start in _starts(day).items():
            for key, found in by_key.items():
                now = [found[d] for d in _span(start, day) if d in found]
                if not now:
                    continue
                before = [found[d] for d in _span(start - year, day - year) if d in found] if start - year >= FIRST else []
                sums = [sum(row[name] for row in now) for name in ("sales_units", "net_sales", "markdowns", "inventory_value")]
                earlier = [sum(row[name] for row in before) if before else None for name in ("sales_units", "net_sales", "markdowns", "inventory_value")]
                closing = found.get(day, {"inventory_value": 0})["inventory_value"], found.get(day - year, {"inventory_value": None})["inventory_value"]
                yield (day, period, *key, len(now), sum(row["positions"] > 0 for row in now), *sums, *earlier, *closing)


def _span(first: date, last: date) -> list[date]:
    return [first + timedelta(days=number) for number in range((last - first).days + 1)]


def test_every_period_and_its_last_year_equal_brute_force(built):
    found = _table(built, """
        SELECT business_date, period, dimension, member, department, dates, stock_dates, sales_units, net_sales, markdowns, inventory_value_days,
            sales_units_last_year, net_sales_last_year, markdowns_last_year, inventory_value_days_last_year, inventory_value, inventory_value_last_year
        FROM kpi_periods""")  # fmt: skip
    expected = set(_expected(_days()))
    assert set(found) == expected and len(found) == len(expected)
    assert sum(row[1] == "year_to_date" and row[11] is not None for row in found) > 100


def test_a_restated_range_is_the_range_built_in_one_go(built, tmp_path):
    """A late fact of 28 January 2026 changes the months that a year to date reads, of this year and of the next."""
    lake, warehouse = Lake(tmp_path / "lake"), tmp_path / "warehouse.duckdb"
    late, until = date(2026, 1, 28), date(2026, 2, 10)
    wrong = [{**row, "sales_units": row["sales_units"] + 5 * (row["business_date"] >= late)} for row in _days() if row["business_date"] <= until]
    _write(warehouse, wrong)
    _build(lake, warehouse, FIRST, until)
    _write(warehouse, _days())
    _build(lake, warehouse, late, LAST)
    for table in ("int_kpi_dimension_monthly", "kpi_periods"):
        assert _table(warehouse, f"SELECT * FROM {table} ORDER BY ALL") == _table(built, f"SELECT * FROM {table} ORDER BY ALL"), table
