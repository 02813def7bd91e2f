"""Sensors that tell of failed runs and failed checks. On where the home's `operations.yaml` names a channel, else off."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import dagster as dg
from dagster import DagsterEventType, DagsterInstance, DagsterRun

from orchestration.alerts import Alert, deliver
from orchestration.catalogue import FIRST_STEP, runbook_of_check, runbook_of_error, runbook_place
from orchestration.errors import AllocatorError
from orchestration.freshness import FRESH, freshness_check
from orchestration.operations import Operations, read_operations
from orchestration.partitions import BUSINESS_DATE_TAG
from orchestration.runner import known_error
from orchestration.settings import Home

_SECONDS = 30


def build_alert_sensors(home_path: str | None, operations: Operations) -> list[dg.SensorDefinition]:
    """The two sensors of a home; runs of every kind are watched, those of the command too."""
    home = Home.at(home_path)
    is_on = not operations.alerts.is_empty
    common = {
        "minimum_interval_seconds": _SECONDS,
        "monitor_all_code_locations": True,
        "default_status": dg.DefaultSensorStatus.RUNNING if is_on else dg.DefaultSensorStatus.STOPPED,
    }
    switch = "On where operations.yaml of the home names a channel (docs/operations.md)."

    @dg.run_failure_sensor(name="run_failure_alert", description=f"Tells of a run that failed. {switch}", **common)
    def run_failure_alert(context: dg.RunFailureSensorContext) -> None:
        tell(home, context.instance, context.dagster_run, context.failure_event.message)

    @dg.run_status_sensor(
        name="failed_check_alert",
        run_status=dg.DagsterRunStatus.SUCCESS,
        description=f"Tells of checks that failed in a run that went through. {switch}",
        **common,
    )
    def failed_check_alert(context: dg.RunStatusSensorContext) -> None:
        tell(home, context.instance, context.dagster_run)

    return [run_failure_alert, failed_check_alert]


def tell(home: Home, instance: DagsterInstance, run: DagsterRun, failed_with: str | None = None) -> list[str]:
    """Hand what failed in a run to the home's channels; returns those that took it, none where nothing failed.

    failed_with: what Dagster says of a run that failed; None for one that went through, of which checks alone are told.
    """
    operations = read_operations(home)
    alert = alert_of(home, operations, instance, run, failed_with)
    return deliver(operations.alerts, alert) if alert else []


def alert_of(
    home: Home, operations: Operations, instance: DagsterInstance, run: DagsterRun, failed_with: str | None = None
) -> Alert | None:
    """What to tell of a run: the worst failed check, else the error of its first failed step."""
    day = run.tags.get(BUSINESS_DATE_TAG) or run.tags.get("dagster/partition")
    name = f"{run.job_name} of {day}" if day else run.job_name
    checks = _failed_checks(instance, run, errors_only=failed_with is not None)
    if checks:
        worst = checks[0]
        status = worst.metadata.get("status")
        runbook = runbook_of_check(worst.check_name, str(status.value) if status else None)
        more = f" (and {len(checks) - 1} more failed checks)" if len(checks) > 1 else ""
        verb = "went through with a failed check" if failed_with is None else "failed"
        what = f"{name} {verb}: {worst.check_name} of {worst.asset_key.to_user_string()}: {worst.description}{more}"
        where = f"{worst.asset_key.to_user_string()}, home {home.root}"
    elif failed_with is not None:
        step, error = _failed_step(instance, run, day, failed_with)
        runbook = runbook_of_error(error)
        what = f"{name} failed: {str(error).removeprefix(f'run of {day} failed: ')}"
        where = f"{step or 'before its first step'}, home {home.root}"
    else:
        return None
    return Alert(what, f"{where}, run {run.run_id[:8]}", FIRST_STEP[runbook], runbook_place(runbook, operations))


def _failed_checks(instance: DagsterInstance, run: DagsterRun, *, errors_only: bool) -> Sequence[Any]:
    """Evaluations that failed, errors before warnings, in the order of the run; a warning ends no run."""
    entries = instance.all_logs(run.run_id, of_type=DagsterEventType.ASSET_CHECK_EVALUATION)
    failed = [entry.dagster_event.asset_check_evaluation_data for entry in entries if entry.dagster_event]
    failed = [item for item in failed if not item.passed and not (errors_only and item.severity != dg.AssetCheckSeverity.ERROR)]
    if run.job_name != freshness_check.name:  # every date but the last of a backfill is behind, as it should be
        failed = [item for item in failed if item.check_name != FRESH]
    return sorted(failed, key=lambda item: item.severity != dg.AssetCheckSeverity.ERROR)


def _failed_step(
    instance: DagsterInstance, run: DagsterRun, day: str | None, failed_with: str
) -> tuple[str | None, AllocatorError]:
    for entry in instance.all_logs(run.run_id, of_type=DagsterEventType.STEP_FAILURE):
        event = entry.dagster_event
        if event and event.step_failure_data.error:
            return event.step_key, known_error(event.step_failure_data.error, str(day))
    return None, AllocatorError(failed_with)
