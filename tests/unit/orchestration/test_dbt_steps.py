"""Arguments of the dbt steps are pure functions of the run."""

import json
from datetime import date
from importlib.metadata import version

import dagster as dg
import duckdb
from dagster_dbt import DagsterDbtCliRuntimeError, DbtCliResource

from orchestration.dbt_parse import dbt_environment, dbt_executable
from orchestration.dbt_steps import (
    DbtCommand,
    StateRange,
    check_in_words,
    dbt_arguments,
    dbt_vars,
    events_of,
    pending_range,
)
from orchestration.publishing.current import Current, write_current
from orchestration.reach_back import outcome_hashes
from orchestration.settings import DBT_PROJECT, Home


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
    with duckdb.connect() as connection:
        rows = connection.sql("SELECT $day::DATE AS business_date", params={"day": day})
        rows.write_parquet(str(folder / "accounting.parquet"))


def _publish(home, day, through_load, outcomes=None):
    home.published.mkdir(parents=True, exist_ok=True)
    current = Current(str(day), "r", "t", "v", "i", "p", through_load, [str(day)], {}, {}, outcomes=outcomes or {})
    write_current(home.published, current)


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


def _judge(home, day, *outcomes):
    """The outcome file of `day`: (about_date, outcome, kind) each."""
    target = home.lake / "decisions" / "approval_outcomes" / f"business_date={day}" / "data.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE o (business_date DATE, about_date DATE, outcome VARCHAR, kind VARCHAR)")
        for about, outcome, kind in outcomes:
            connection.execute("INSERT INTO o VALUES (?, ?, ?, ?)", [day, about, outcome, kind])
        connection.table("o").write_parquet(str(target))


def _apply(home, *rows):
    """What dbt's step keeps of the outcome files that it has read: (decided_on, about_date) each."""
    with duckdb.connect(str(home.database)) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS applied_approvals (decided_on DATE, about_date DATE)")
        connection.executemany("INSERT INTO applied_approvals VALUES (?, ?)", [list(row) for row in rows])


def _day(number):
    return date(2024, 6, number)


def _ordinary(home):
    """All of load 1 is built and published up to the 7th; the placeholder of date 1 is there."""
    _load(home, "pos", 1, _day(1))
    _build(home, 1, _day(7), _day(1))
    _judge(home, date.min)
    _judge(home, _day(7), (_day(5), "approved", "count"))
    _apply(home, (_day(7), _day(5)))
    _publish(home, _day(7), 1, outcome_hashes(home, _day(7)))


def test_an_approval_reaches_back_to_the_date_of_its_count(tmp_path):
    """Semantics 18: the oldest count that the run date's file approves; dispositions, rejections and refusals move no count."""
    home = Home(tmp_path)
    _ordinary(home)
    assert pending_range(home, _day(8)).state_from == _day(8)
    _judge(
        home, _day(8), (_day(4), "approved", "count"), (_day(6), "approved", "count"), (_day(3), "approved", "disposition"),
        (_day(2), "rejected", "count"), (_day(1), "refused_role", "count"),
    )  # fmt: skip
    assert pending_range(home, _day(8)) == StateRange(_day(4), _day(8), 1)


def test_every_step_and_every_re_run_see_the_same_range(tmp_path):
    """After dbt's step, after the publish step, and when the date is run again."""
    home = Home(tmp_path)
    _ordinary(home)
    _judge(home, _day(8), (_day(4), "approved", "count"))
    before = pending_range(home, _day(8))
    _apply(home, (_day(8), _day(4)))
    assert pending_range(home, _day(8)) == before
    _publish(home, _day(8), 1, outcome_hashes(home, _day(8)))
    assert pending_range(home, _day(8)) == before
    assert pending_range(home, _day(9)).state_from == _day(9)


def test_approvals_of_a_killed_or_refused_run_are_still_pending(tmp_path):
    """The run of the 8th never published: the next one reaches back for it, once; the 8th is never a published run date."""
    home = Home(tmp_path)
    _ordinary(home)
    _judge(home, _day(8), (_day(4), "approved", "count"))
    _apply(home, (_day(8), _day(4)))
    _judge(home, _day(9))
    assert pending_range(home, _day(9)).state_from == _day(4)
    _publish(home, _day(9), 1, outcome_hashes(home, _day(9)))
    assert pending_range(home, _day(10)).state_from == _day(10)


def test_a_date_judged_again_rebuilds_what_the_first_judgement_posted(tmp_path):
    """Under another policy the count of the 4th is not approved any more, that of the 6th is: both dates are rebuilt, also
    when the run that judged differently in between was killed before it published."""
    home = Home(tmp_path)
    _ordinary(home)
    _judge(home, _day(8), (_day(4), "approved", "count"))
    _apply(home, (_day(8), _day(4)))
    _publish(home, _day(8), 1, outcome_hashes(home, _day(8)))
    _judge(home, _day(8), (_day(6), "approved", "count"))
    assert pending_range(home, _day(8)).state_from == _day(4)
    _apply(home, (_day(8), _day(6)))
    _judge(home, _day(8))
    assert pending_range(home, _day(8)).state_from == _day(4)
    assert pending_range(home, _day(9)).state_from == _day(4)


def test_outcomes_of_a_later_date_wait_for_it(tmp_path):
    """The run of the 9th died before dbt's step: running the 8th again neither reads its outcomes nor counts them as seen."""
    home = Home(tmp_path)
    _ordinary(home)
    _judge(home, _day(9), (_day(2), "approved", "count"))
    assert pending_range(home, _day(8)).state_from == _day(8)
    assert str(_day(9)) not in outcome_hashes(home, _day(8))
    assert pending_range(home, _day(9)).state_from == _day(2)


def test_starting_a_step_asks_nobody(monkeypatch):
    """`dbt --version` looks for newer releases on the internet. Both names are dagster-dbt's own: renamed ones would not be
    called any more."""
    assert {"_cli_version", "_initialize_dbt_core_adapter"} <= set(dir(DbtCliResource))
    monkeypatch.setattr("dagster_dbt.core.resource.check_output", lambda *_: 1 / 0)
    command = DbtCommand(project_dir=str(DBT_PROJECT), profiles_dir=str(DBT_PROJECT), dbt_executable=dbt_executable())
    assert str(command._cli_version) == version("dbt-core")
    assert command._initialize_dbt_core_adapter([]) is None


def test_a_failed_data_test_says_what_does_not_hold_and_what_it_touches(tmp_path):
    result = dg.AssetCheckResult(
        passed=False, asset_key=["dbt", "kpi_daily"], check_name="kpi_daily_key", metadata={"dagster_dbt/failed_row_count": 3}
    )
    said = check_in_words(Home(tmp_path), result, "No two rows share business_date.", ["kpi_daily", "kpi_periods"])
    assert said.description == (
        "kpi_daily: 3 rows break the rule: No two rows share business_date; it touches kpi_daily, kpi_periods:"
        " none of them is published, published/ stays as it was."
    )
    assert (said.check_name, said.passed, said.metadata["dagster_dbt/failed_row_count"].value) == ("kpi_daily_key", False, 3)
    assert said.metadata["runbook"].value == "docs/runbooks/gate-refused-to-publish.md"


def test_what_dbt_said_before_it_failed_is_kept():
    error = DagsterDbtCliRuntimeError("1 test failed")

    def stream():
        yield "built"
        yield "test failed"
        raise error

    assert events_of(stream()) == (["built", "test failed"], error)
    assert events_of(iter(["built"])) == (["built"], None)
