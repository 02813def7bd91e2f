"""Freshness counts from the newest landed date, not from the wall clock: a shop that is closed is not stale."""

import dagster as dg

from data_quality.feeds import load_contracts
from data_quality.intake import landed_dates
from orchestration.check_words import failed_check_metadata
from orchestration.publish import published_key
from orchestration.publishing.current import read_current
from orchestration.publishing.datasets import DATASETS
from orchestration.resources import HomeResource

FRESH = "fresh"


@dg.asset_check(
    asset=published_key("allocations"),
    name=FRESH,
    description="The newest published date is the newest landed one.",
)
def fresh(home: HomeResource) -> dg.AssetCheckResult:
    """Compare CURRENT.json with landing/."""
    where = home.session.home
    dates = landed_dates(where.landing, list(load_contracts()))
    landed = max(dates, default=None)
    current = read_current(where.published)
    published = current.business_date if current else None
    passed = landed is not None and published is not None and published >= str(landed)
    behind = sorted(str(day) for day in dates if published is None or str(day) > published)
    late = f"; {len(behind)} landed dates are not published, the next is {behind[0]}" if behind else ""
    return dg.AssetCheckResult(
        passed=passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=f"newest landed {landed}, newest published {published}{late}",
        metadata={} if passed else failed_check_metadata(where, FRESH, [dataset.name for dataset in DATASETS]),
    )


freshness_check = dg.define_asset_job(
    "freshness_check",
    selection=dg.AssetSelection.checks(fresh),
    executor_def=dg.in_process_executor,
    description="Is what is published as new as what landed?",
)

freshness_schedule = dg.ScheduleDefinition(
    name="freshness_schedule",
    job=freshness_check,
    cron_schedule="0 * * * *",
    default_status=dg.DefaultScheduleStatus.STOPPED,
    description="Hourly freshness check. Off until switched on.",
)
