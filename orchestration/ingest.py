"""One partitioned asset per feed: take in every landed file up to the run's date that is not in yet.

A run for date D takes the whole backlog in one pass (a year of history is one run, not one per day); the older dates
are reported to Dagster as materialized partitions of the same asset.
"""

from datetime import date

import dagster as dg

from data_quality.feeds import FeedContract, load_contracts
from data_quality.intake import IntakeError, IntakeOptions, LoadReport, ensure_placeholders, take_in
from orchestration.errors import LandedDataError
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession

GROUP = "feeds"
KEY_PREFIX = "landing"
OWNERS = ["team:data-engineering"]
#: Taken in first: other feeds' ids are checked against them.
MASTERS_FIRST = ("locations", "items")


#: Files of every load beside its rows; assets of their own in the lineage.
LOAD_FILES = {
    "accounting": "What became of every delivered file: landed = loaded + duplicate + quarantined.",
    "quarantine": "Rows that were refused, with their text, file, line and every reason.",
    "resolved": "Quarantined rows that were taken up once their master carried the id (semantics 11).",
}


def load_file_specs() -> list[dg.AssetSpec]:
    """The accounts that all feed assets write together."""
    feeds = [feed_key(feed) for feed in load_contracts()]
    return [
        dg.AssetSpec(["loads", name], deps=feeds, description=text, group_name=GROUP, owners=OWNERS, kinds={"parquet"})
        for name, text in LOAD_FILES.items()
    ]


def feed_key(feed: str) -> dg.AssetKey:
    """Asset key of a feed."""
    return dg.AssetKey([KEY_PREFIX, feed])


def intake_options(session: RunSession, run_date: date) -> IntakeOptions:
    """Intake settings from the policy in force on the run's date."""
    policy = session.policy.deployment(run_date)
    return IntakeOptions(
        late_days=policy["feeds.late_days"],
        timezone=policy["calendar.timezone"],
        not_merchandise=tuple(policy["feeds.not_merchandise"]),
    )


def build_feed_asset(contract: FeedContract) -> dg.AssetsDefinition:
    """The Dagster asset of one feed contract."""
    position = MASTERS_FIRST.index(contract.feed) if contract.feed in MASTERS_FIRST else len(MASTERS_FIRST)

    @dg.asset(
        key=feed_key(contract.feed),
        deps=[feed_key(feed) for feed in MASTERS_FIRST[:position]],
        partitions_def=business_dates,
        group_name=GROUP,
        owners=OWNERS,
        kinds={"duckdb", "parquet"},
        tags={"feed_kind": contract.kind},
        description=f"{contract.description}\n\nGrain: {', '.join(contract.grain)}.",
        metadata={"dagster/column_schema": _column_schema(contract)},
    )
    def feed(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
        session = home.session
        run_date = date.fromisoformat(context.partition_key)
        with session.stage("ingest"):
            ensure_placeholders(session.home.lake, session.contracts)
            try:
                report = take_in(
                    contract,
                    landing=session.home.landing,
                    lake=session.home.lake,
                    run_date=run_date,
                    options=intake_options(session, run_date),
                )
            except IntakeError as error:
                raise LandedDataError(str(error)) from error
        session.load_reports.append(report)
        _note(session, report)
        for day in sorted(set(report.dates) - {run_date}):
            context.log_event(
                dg.AssetMaterialization(
                    asset_key=context.asset_key, partition=str(day), metadata={"taken_in_by": str(run_date)}
                )
            )
        return dg.MaterializeResult(metadata=_metadata(report))

    return feed


def build_feed_assets() -> list[dg.AssetsDefinition]:
    """All feeds of `landing.md`, the optional ones too."""
    return [build_feed_asset(contract) for contract in load_contracts().values()]


def _note(session: RunSession, report: LoadReport) -> None:
    if report.unknown_columns:
        session.warn(
            f"{report.feed}: columns not in the contract are kept out: {', '.join(sorted(report.unknown_columns))}"
        )
    for problem in report.problems:
        session.warn(f"{report.feed}: {problem}")


def _metadata(report: LoadReport) -> dict[str, dg.MetadataValue | int | str]:
    reasons = "\n".join(f"| {name} | {count} |" for name, count in sorted(report.reasons.items()))
    metadata: dict[str, dg.MetadataValue | int | str] = {
        "dagster/row_count": report.rows_loaded,
        "rows_landed": report.rows_landed,
        "rows_duplicate": report.rows_duplicate,
        "rows_quarantined": report.rows_quarantined,
        "rows_late": report.rows_late,
        "dates_taken_in": len(report.dates),
    }
    if reasons:
        metadata["quarantine"] = dg.MetadataValue.md("| reason | rows |\n|---|---|\n" + reasons)
    return metadata


def _column_schema(contract: FeedContract) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(
                column.name,
                type=column.type,
                description=column.description,
                constraints=dg.TableColumnConstraints(nullable=not column.required),
            )
            for column in contract.columns
        ]
    )
