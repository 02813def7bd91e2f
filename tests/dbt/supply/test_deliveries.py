"""Deliveries built run by run, with facts that come late, against an account of them in plain Python and one rebuild."""

from __future__ import annotations

import shutil
from collections import Counter
from datetime import date

import duckdb
import pytest

from tests.dbt.inventory.deliveries import day
from tests.dbt.supply import orders
from tests.support.lake import DbtSession, Lake
from tests.support.shared import made_once

COLUMNS = (
    "business_date, from_id, to_location_id, order_id, arrived_on, promise_delay_days, delay_days, lead_days, order_gap_days,"
    " on_time_lines, in_full_lines, otif_lines, ordered_units, due_units, received_units, damaged_units,"
    " short_of_ordered_units, short_of_due_units, short_value"
)
SEED = 20260128


def build(folder) -> None:
    """Warehouses `daily`, run by run, and `whole`, in one go."""
    world, lake = orders.draw(SEED), Lake(folder / "lake")
    for name in ("daily", "whole"):
        (folder / name).mkdir()
    with DbtSession(lake, folder / "daily" / "warehouse.duckdb") as dbt:
        for run in world.runs:
            touched = world.take_in(lake, run)
            dbt.run("run", "--select", "+int_deliveries", run_date=run, state_from=min(touched, run))
    with DbtSession(lake, folder / "whole" / "warehouse.duckdb") as dbt:
        last = world.runs[-1]
        dbt.run("build", "--select", "+int_deliveries", "--exclude", "test_type:singular", "test_type:unit",
                run_date=last, state_from=day(1), state_to=last)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return made_once(tmp_path_factory, "deliveries", build)


def rows(folder, name: str, table: str) -> list[tuple]:
    with duckdb.connect(str(folder / name / "warehouse.duckdb"), read_only=True) as connection:
        return connection.execute(f"from {table}").fetchall()


def summed(lines: Counter) -> dict[tuple, list[int]]:
    """The oracle's lines by the key of the model's rows, figures added up."""
    table: dict[tuple, list[int]] = {}
    for line, count in lines.items():
        figures = table.setdefault(line[:9], [0] * (len(line) - 8))
        for at, value in enumerate((1, *line[9:])):
            figures[at] += count * value
    return table


@pytest.mark.parametrize("name", ["daily", "whole"])
def test_deliveries_equal_an_independent_account(folder, name):
    expected = summed(orders.deliveries(orders.draw(SEED)))
    found = {
        row[:9]: [*row[9:]]
        for row in rows(folder, name, f"(select {COLUMNS.replace('on_time_lines', 'lines, on_time_lines')} from int_deliveries)")
    }
    assert {key: [float(v) for v in figures] for key, figures in found.items()} == {
        key: [float(v) for v in figures] for key, figures in expected.items()
    }


def test_the_random_world_takes_every_way(folder):
    """Early, on time, late, never, short, damaged, order date known and unknown, no order: else the account proves little."""
    with duckdb.connect(str(folder / "whole" / "warehouse.duckdb"), read_only=True) as connection:
        [ways] = connection.execute(
            "select count(*) filter (delay_days < 0), count(*) filter (delay_days = 0), count(*) filter (delay_days > 0),"
            " count(*) filter (arrived_on is null), count(*) filter (short_of_due_units > 0), count(*) filter (damaged_units > 0),"
            " count(*) filter (lead_days is null and is_promised), count(*) filter (lead_days is not null),"
            " count(*) filter (not is_promised), count(*) filter (lane_class = 'dc'),"
            " count(*) filter (promise_delay_days <> delay_days) from int_deliveries"
        ).fetchall()
    assert min(ways) >= 2, ways


@pytest.mark.parametrize("table", ["int_purchase_events", "int_purchase_lines", "int_deliveries"])
def test_daily_runs_equal_one_rebuild(folder, table):
    """semantics 4: late facts restate; nothing is left of what they replaced."""
    daily, whole = (Counter(rows(folder, name, table)) for name in ("daily", "whole"))
    assert daily == whole


def test_a_step_that_runs_twice_changes_nothing(folder, tmp_path):
    before = Counter(rows(folder, "daily", "int_deliveries"))
    (tmp_path / "again").mkdir()
    shutil.copy(folder / "daily" / "warehouse.duckdb", tmp_path / "again" / "warehouse.duckdb")
    lake = Lake.__new__(Lake)
    lake.root = folder / "lake"
    with DbtSession(lake, tmp_path / "again" / "warehouse.duckdb") as dbt:
        dbt.run("run", "--select", "int_purchase_events", "int_purchase_lines", "int_deliveries",
                run_date=date(2026, 1, 20), state_from=day(9), state_to=day(20))  # fmt: skip
    assert Counter(rows(tmp_path, "again", "int_deliveries")) == before
