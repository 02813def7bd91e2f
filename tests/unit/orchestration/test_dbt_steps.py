"""Arguments of the dbt steps are pure functions of the run."""

import json
from datetime import date

from orchestration.dbt_steps import StateRange, dbt_arguments, dbt_environment, dbt_vars, pending_range
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
    arguments = dbt_arguments("inventory", {"run_date": "2024-06-23"})
    assert arguments[arguments.index("--exclude-resource-type") + 1] == "unit_test"
    assert json.loads(arguments[arguments.index("--vars") + 1]) == {"run_date": "2024-06-23"}


def test_dbt_talks_to_nobody(tmp_path):
    assert dbt_environment(Home(tmp_path))["DBT_SEND_ANONYMOUS_USAGE_STATS"] == "false"


def test_nothing_built_or_published_means_from_the_run_date(tmp_path):
    day = date(2024, 6, 23)
    assert pending_range(Home(tmp_path), day) == StateRange(day, day, -1)
