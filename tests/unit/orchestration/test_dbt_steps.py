"""Arguments of the dbt steps are pure functions of the run."""

import json
from datetime import date

import duckdb

from orchestration.dbt_steps import StateRange, dbt_arguments, dbt_environment, dbt_vars, pending_range
from orchestration.publishing.current import Current, write_current
from orchestration.settings import Home


def test_variables_carry_the_range_the_lake_and_deployment_policy(tmp_path):
    state = StateRange(date(2024, 6, 1), date(2024, 6, 25), 7)
    variables = dbt_vars(
        Home(tmp_path), date(2024, 6, 23), state, {"feeds.late_days": 35, "feeds.not_merchandise": ["POST"]}
    )
    assert variables == {
        "feeds_late_days": 35,
        "feeds_not_merchandise": ["POST"],
        "run_date": "2024-06-23",
        "state_from": "2024-06-01",
        "state_to": "2024-06-25",
        "applied_load": 7,
        "lake": str(tmp_path / "warehouse" / "lake"),
    }


def test_a_daily_step_runs_no_unit_tests():
    arguments = dbt_arguments({"run_date": "2024-06-23"})
    assert arguments[arguments.index("--exclude-resource-type") + 1] == "unit_test"
    assert json.loads(arguments[arguments.index("--vars") + 1]) == {"run_date": "2024-06-23"}


def test_dbt_talks_to_nobody(tmp_path):
    assert dbt_environment(Home(tmp_path))["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"


def test_nothing_built_or_published_means_from_the_run_date(tmp_path):
    day = date(2024, 6, 23)
    assert pending_range(Home(tmp_path), day) == StateRange(day, day, -1)


def _load(home, feed, number, day):
    folder = home.lake / "loads" / feed / f"posted_on={day}" / f"load={number:06d}"
    folder.mkdir(parents=True)
    duckdb.sql("SELECT $day::DATE AS business_date", params={"day": day}).write_parquet(
        str(folder / "accounting.parquet")
    )


def _publish(home, day, through_load):
    home.published.mkdir(parents=True)
    write_current(home.published, Current(str(day), "r", "t", "v", "i", "p", through_load, [str(day)], {}, {}))


def _build(home, through_load, state_to, opened_on):
    with duckdb.connect(str(home.database)) as connection:
        connection.execute(
            "CREATE TABLE applied_loads AS SELECT $load AS through_load, $to::DATE AS state_to, $opened::DATE AS opened_on",
            {"load": through_load, "to": state_to, "opened": opened_on},
        )


def test_a_late_fact_reaches_back_to_its_date(tmp_path):
    """Semantics 4: what was published through load 1 is restated from the oldest date of load 2."""
    home, late, day = Home(tmp_path), date(2024, 6, 3), date(2024, 6, 8)
    _load(home, "pos", 1, date(2024, 6, 1))
    _load(home, "pos", 2, late)
    _publish(home, date(2024, 6, 7), 1)
    _build(home, 1, date(2024, 6, 7), date(2024, 6, 1))
    assert pending_range(home, day) == StateRange(late, day, 1)


def test_built_but_not_published_is_still_pending(tmp_path):
    """A run killed after dbt: the warehouse holds load 2, readers do not."""
    home, day = Home(tmp_path), date(2024, 6, 8)
    _load(home, "pos", 1, date(2024, 6, 1))
    _load(home, "pos", 2, date(2024, 6, 3))
    _publish(home, date(2024, 6, 7), 1)
    _build(home, 2, day, date(2024, 6, 1))
    assert pending_range(home, day) == StateRange(date(2024, 6, 3), day, 1)


def test_a_snapshot_that_moves_the_opening_rebuilds_from_the_first_date(tmp_path):
    """Semantics 13: the books of a pair open with the first snapshot; what stood before it is built again."""
    home, day = Home(tmp_path), date(2024, 6, 8)
    _load(home, "pos", 1, date(2024, 6, 1))
    _load(home, "inventory_snapshot", 2, date(2024, 6, 5))
    _publish(home, date(2024, 6, 7), 1)
    _build(home, 1, date(2024, 6, 7), None)
    assert pending_range(home, day) == StateRange(date(2024, 6, 1), day, 1)
