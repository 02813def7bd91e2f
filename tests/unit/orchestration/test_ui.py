"""What `allocator ui` prepares before it starts Dagster, and that a home's Dagster starts one run at a time."""

import dagster as dg
import yaml

from orchestration.partitions import business_dates
from orchestration.settings import Home
from orchestration.ui import register_dates


def test_landed_dates_can_be_run_from_the_ui_of_a_home_that_never_ran(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    for day in ("2024-03-05", "2024-03-04"):
        (home.landing / "pos" / f"business_date={day}").mkdir(parents=True)
        (home.landing / "pos" / f"business_date={day}" / "data.csv").write_text("transaction_id\n")
    register_dates(home)
    register_dates(home)
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert list(instance.get_dynamic_partitions(business_dates.name)) == ["2024-03-04", "2024-03-05"]


def test_runs_are_queued_one_behind_the_other(tmp_path):
    home = Home(tmp_path)
    home.prepare()
    assert yaml.safe_load((home.dagster / "dagster.yaml").read_text())["concurrency"]["runs"]["max_concurrent_runs"] == 1
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        assert type(instance.run_coordinator).__name__ == "QueuedRunCoordinator"
