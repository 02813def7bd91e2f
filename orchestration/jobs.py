"""Jobs, the daily schedule and the landing sensor. Both stand still until somebody switches them on."""

from datetime import date

import dagster as dg

from data_quality.feeds import load_contracts
from data_quality.intake import landed_dates
from orchestration.export_assets import GROUP as EXPORTS
from orchestration.partitions import BUSINESS_DATE_TAG, business_dates, register_landed
from orchestration.resources import load_home_policy
from orchestration.settings import Home

DAILY_JOB = "daily_run"



def tags_of(day: str) -> dict[str, str]:
    """Tags of a run of a date, whoever starts it: the date, and a priority in the queue that puts the older date first.

    Each date is handed what the date before learnt, so a backfill must not run dates in the order in which they were clicked.
    """
    return {BUSINESS_DATE_TAG: day, "dagster/priority": str(-date.fromisoformat(day).toordinal())}


_TAGGED = dg.PartitionedConfig(
    partitions_def=business_dates,
    run_config_for_partition_key_fn=lambda _: {},
    tags_for_partition_key_fn=tags_of,
)

#: Everything from landing to published, for one business date, in one process: the stages share one lock and one session.
daily_run = dg.define_asset_job(
    DAILY_JOB,
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups(EXPORTS),
    partitions_def=business_dates,
    config=_TAGGED,
    executor_def=dg.in_process_executor,
    description="Take in, build, decide, gate and publish one business date.",
)

#: Only the feeds and their arrival checks: take in what landed without deciding anything.
ingest_only = dg.define_asset_job(
    "ingest_only",
    selection=dg.AssetSelection.groups("feeds"),
    partitions_def=business_dates,
    config=_TAGGED,
    executor_def=dg.in_process_executor,
    description="Take in what landed up to a date, without deciding.",
)


def request_for(day: str) -> dg.RunRequest:
    """One run per business date; the key makes a second request for the same date a no-op."""
    return dg.RunRequest(run_key=f"daily-{day}", partition_key=day, tags=tags_of(day))


def pending_dates(home: Home, instance: dg.DagsterInstance) -> list[str]:
    """Landed dates with every feed that policy expects, newer than the newest published one; oldest first.

    A fresh home starts at its newest complete date: what lies before is history, taken in but not decided.
    """
    from orchestration.publishing.current import read_current

    feeds = list(load_contracts())
    landed = sorted(landed_dates(home.landing, feeds))
    register_landed(instance, {str(day) for day in landed})
    if not landed:
        return []
    policy = load_home_policy(home).deployment(landed[-1])
    expected = [feed for feed in feeds if policy[f"feeds.{feed}.expected"] != "never"]
    complete = sorted(set(landed).intersection(*(landed_dates(home.landing, [feed]) for feed in expected)))
    current = read_current(home.published)
    if current is None:
        return [str(day) for day in complete[-1:]]
    return [str(day) for day in complete if str(day) > current.business_date]


def build_schedule(home_path: str | None) -> dg.ScheduleDefinition:
    """Every morning: run the oldest landed date that is not published yet."""

    @dg.schedule(
        name="daily_schedule",
        job=daily_run,
        cron_schedule="0 5 * * *",
        default_status=dg.DefaultScheduleStatus.STOPPED,
        description="05:00 UTC: run what landed since the newest published date. Off until switched on.",
    )
    def daily_schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        days = pending_dates(Home.at(home_path), context.instance)
        return [request_for(day) for day in days] or dg.SkipReason("nothing landed after the newest published date")

    return daily_schedule


def build_sensor(home_path: str | None) -> dg.SensorDefinition:
    """Watches landing/: registers dates as partitions and runs those whose expected feeds are all there."""

    @dg.sensor(
        name="landing_sensor",
        job=daily_run,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.STOPPED,
        description="Runs a business date once every feed that policy expects has landed. Off until switched on.",
    )
    def landing_sensor(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        days = pending_dates(Home.at(home_path), context.instance)
        if not days:
            return dg.SkipReason("no complete new business date in landing/")
        return dg.SensorResult(run_requests=[request_for(day) for day in days])

    return landing_sensor
