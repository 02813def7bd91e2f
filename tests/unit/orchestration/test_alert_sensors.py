"""What is told of a run: its worst failed check, else its failed step; nothing of a run without either."""

import sys

import dagster as dg
import pytest

from orchestration import alert_sensors
from orchestration.check_words import failed_check_metadata
from orchestration.errors import LandedDataError
from orchestration.operations import Operations, read_operations
from orchestration.partitions import BUSINESS_DATE_TAG
from orchestration.settings import Home

DAY = "2024-03-06"


@pytest.fixture
def instance():
    with dg.DagsterInstance.ephemeral() as instance:
        yield instance


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    script = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    home.operations.write_text(f"alerts: {{command: ['{sys.executable}', '-c', \"{script}\", '{tmp_path / 'told'}']}}\n")
    return home


def run(instance, error=None, checks=(), job="daily_run"):
    """A run of one asset that raises `error`, with checks (name, passed, severity)."""

    @dg.asset(key=["landing", "pos"])
    def pos():
        if error:
            raise error

    def build(name, passed, severity):
        @dg.asset_check(asset=["landing", "pos"], name=name)
        def check():
            return dg.AssetCheckResult(passed=passed, severity=severity, description=f"{name} says why.", metadata={"status": "missing"})

        return check

    defs = dg.Definitions(assets=[pos], asset_checks=[build(*said) for said in checks], jobs=[dg.define_asset_job(job)])
    return defs.resolve_job_def(job).execute_in_process(instance=instance, raise_on_error=False, tags={BUSINESS_DATE_TAG: DAY})


def told(home) -> list[str]:
    path = home.root / "told"
    return path.read_text().splitlines() if path.exists() else []


def fail_sensor(home, instance, result) -> None:
    failed, _ = alert_sensors.build_alert_sensors(str(home.root), read_operations(home))
    context = dg.build_run_status_sensor_context(
        sensor_name="s", dagster_event=result.get_run_failure_event(), dagster_instance=instance, dagster_run=result.dagster_run
    )
    failed(context.for_run_failure())


def test_a_failed_run_is_told_by_the_error_of_its_step(home, instance):
    result = run(instance, LandedDataError("pos on 2024-03-06: no file landed; deliver the feed"))
    fail_sensor(home, instance, result)
    [line] = told(home)
    assert line.startswith("daily_run of 2024-03-06 failed: pos on 2024-03-06: no file landed; deliver the feed. Where: landing__pos")
    assert line.endswith("Runbook: docs/runbooks/gate-refused-to-publish.md") and f"home {home.root}" in line


def test_our_own_bug_is_told_with_its_runbook(home, instance):
    fail_sensor(home, instance, run(instance, ZeroDivisionError("by nought")))
    [line] = told(home)
    assert "by nought" in line and line.endswith("docs/runbooks/run-failed.md")


def test_a_warning_is_not_blamed_for_a_failed_run(home, instance):
    fail_sensor(home, instance, run(instance, ZeroDivisionError("by nought"), [("fresh", False, dg.AssetCheckSeverity.WARN)]))
    [line] = told(home)
    assert "by nought" in line and "fresh" not in line


def test_a_failed_check_of_a_run_that_went_through_is_told_errors_first(home, instance):
    checks = [("decisions", False, dg.AssetCheckSeverity.WARN), ("arrival", False, dg.AssetCheckSeverity.ERROR), ("other", True, dg.AssetCheckSeverity.ERROR)]
    result = run(instance, checks=checks)
    assert alert_sensors.tell(home, instance, result.dagster_run) == ["command"]
    [line] = told(home)
    assert "went through with a failed check: arrival of landing/pos: arrival says why. (and 1 more failed checks)" in line
    assert line.endswith("docs/runbooks/feed-missing-or-refused.md")


def test_staleness_is_told_by_the_hourly_check_not_by_each_date_of_a_backfill(home, instance):
    stale = [("fresh", False, dg.AssetCheckSeverity.WARN)]
    assert alert_sensors.tell(home, instance, run(instance, checks=stale).dagster_run) == []
    assert alert_sensors.tell(home, instance, run(instance, checks=stale, job="freshness_check").dagster_run) == ["command"]
    [line] = told(home)
    assert line.endswith("docs/runbooks/published-is-behind.md")


def test_nothing_is_told_of_a_sound_run(home, instance):
    result = run(instance, checks=[("arrival", True, dg.AssetCheckSeverity.ERROR)])
    assert alert_sensors.tell(home, instance, result.dagster_run) == []
    assert told(home) == []


def test_the_sensors_are_on_where_a_channel_is_named_and_off_elsewhere(home):
    on = alert_sensors.build_alert_sensors(str(home.root), read_operations(home))
    off = alert_sensors.build_alert_sensors(str(home.root), Operations())
    assert {sensor.default_status for sensor in on} == {dg.DefaultSensorStatus.RUNNING}
    assert {sensor.default_status for sensor in off} == {dg.DefaultSensorStatus.STOPPED}


def test_the_daemon_finds_runs_of_the_command_too(home, instance):
    """A tick of the sensor itself, over an instance as the daemon sees it: the first tick only remembers where it stands."""
    failed, _ = alert_sensors.build_alert_sensors(str(home.root), read_operations(home))
    defs = dg.Definitions(sensors=[failed])
    repository = defs.get_repository_def()
    first = failed.evaluate_tick(dg.build_sensor_context(instance, repository_def=repository))
    assert told(home) == []
    run(instance, ZeroDivisionError("by nought"))
    failed.evaluate_tick(dg.build_sensor_context(instance, repository_def=repository, cursor=first.cursor))
    assert len(told(home)) == 1


def test_a_failed_check_shows_the_runbook_where_it_is_served(home):
    home.operations.write_text("runbooks_url: https://git.example.com/runbooks/\n")
    said = failed_check_metadata(home, "arrival", ["kpi_daily"], "quarantine_rate")
    assert said["runbook"].value == "https://git.example.com/runbooks/too-many-rows-quarantined.md"
    assert said["touches"] == "kpi_daily"
