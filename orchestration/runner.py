"""Run business dates from the command line: one process, one lock, one Dagster run per date."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg

from allocation_assets.policy import WEEKDAYS
from data_quality.feeds import load_contracts
from data_quality.intake import landed_dates
from orchestration.errors import AllocatorError, LandedDataError, UsageError, find_allocator_error
from orchestration.lock import hold_home
from orchestration.partitions import BUSINESS_DATE_TAG, register_landed
from orchestration.resources import RunSession, load_home_policy, sessions
from orchestration.settings import Home

log = logging.getLogger("allocator")
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True)
class DateReport:
    """What one date's run had to say."""

    business_date: date
    seconds: float
    session: RunSession


def run_dates(home: Home, first: date, last: date | None = None) -> list[DateReport]:
    """Run and publish each landed date from `first` to `last`; stops at the first that is refused.

    Raises UsageError, LandedDataError or HomeLockedError as the contract's exit codes say.
    """
    with hold_home(home, f"allocator run --date {first}"):
        policy = load_home_policy(home).deployment(first)
        days = dates_to_run(home, first, last or first)
        check_period_ends(policy, days)
        from orchestration.gates import preload_expectations

        preload_expectations()
        return [_run_date(home, day) for day in days]


def dates_to_run(home: Home, first: date, last: date) -> list[date]:
    """The landed dates between two dates, both of which must have landed (semantics 3)."""
    if last < first:
        raise UsageError(f"--through {last} lies before --date {first}: give a later date")
    landed = landed_dates(home.landing, list(load_contracts()))
    for day in (first, last):
        if day not in landed:
            newest = max(landed, default=None)
            raise LandedDataError(
                f"nothing landed for {day}: no folder {home.landing}/<feed>/business_date={day} holds a file"
                f" (newest landed date: {newest}); deliver that date or run another"
            )
    return sorted(day for day in landed if first <= day <= last)


def check_period_ends(policy: Mapping[str, Any], days: list[date]) -> None:
    """By the week, runs are valid on period ends only (semantics 7)."""
    if policy["calendar.period"] != "week":
        return
    if policy["calendar.week_ends_on"] is None:
        return  # the weekday of the dates that landed: every landed date is a period end
    last_day = WEEKDAYS.index(policy["calendar.week_ends_on"])
    for day in days:
        if day.weekday() != last_day:
            raise UsageError(
                f"{day} is not a period end: policy calendar.period is week, ending {policy['calendar.week_ends_on']}"
            )


def _run_date(home: Home, day: date) -> DateReport:
    start = time.perf_counter()
    home.prepare()
    with dg.DagsterInstance.from_config(str(home.dagster)) as instance:
        register_landed(instance, {str(d) for d in landed_dates(home.landing, list(load_contracts())) if d <= day})
        job = _daily_job(home)
        with _output_to(home.private / "logs" / f"run-{day}.log"):
            result = job.execute_in_process(
                instance=instance,
                partition_key=str(day),
                raise_on_error=False,
                run_config=_QUIET,
                tags={BUSINESS_DATE_TAG: str(day)},
            )
    session = sessions.pop(result.run_id, None)
    if not result.success:
        raise _failure(result, session, day)
    return DateReport(day, time.perf_counter() - start, session)


@contextmanager
def _output_to(path: Path) -> Iterator[None]:
    """What dbt and libraries print goes to a log of the run, so that the terminal shows the run alone."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream, redirect_stdout(stream), redirect_stderr(stream):
        yield


def _daily_job(home: Home) -> dg.JobDefinition:
    from orchestration.definitions import build_defs
    from orchestration.jobs import DAILY_JOB

    if home not in _jobs:
        _jobs[home] = build_defs(str(home.root)).resolve_job_def(DAILY_JOB)
    return _jobs[home]


_jobs: dict[Home, dg.JobDefinition] = {}


def _failure(result: dg.ExecuteInProcessResult, session: RunSession | None, day: date) -> AllocatorError:
    """The error a user reads: a refusal by the gates, an error of ours that says what to do, or a bug."""
    if session and session.refusals:
        return LandedDataError("\n".join([*session.refusals, f"{day} was not published; published/ is as it was"]))
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data
            known = find_allocator_error(getattr(data.user_failure_data, "error", None))
            if known:
                return known
            return known_error(data.error, str(day))
    return AllocatorError(f"run of {day} failed before its first step; see the run in `allocator ui`")


def known_error(error: Any, day: str) -> AllocatorError:
    """The error of a failed step, which Dagster hands back serialized: one of ours, by class name in the chain, else a bug."""
    kinds = {kind.__name__: kind for kind in _subclasses(AllocatorError)}
    current = error
    while current is not None:
        if current.cls_name in kinds:
            return kinds[current.cls_name](current.message.split(": ", 1)[-1].strip())
        current = current.cause
    deepest = error
    while deepest.cause is not None:
        deepest = deepest.cause
    return AllocatorError(
        f"run of {day} failed: {_one_line(deepest.message)} (our own bug; the run is in `allocator ui`)"
    )


def _one_line(message: str, limit: int = 600) -> str:
    text = " ".join(message.split())
    return text if len(text) <= limit else text[:limit] + " ..."


def _subclasses(kind: type) -> list[type]:
    return [sub for child in kind.__subclasses__() for sub in (child, *_subclasses(child))]
