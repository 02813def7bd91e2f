"""The publish step: verify the gates' receipts again, stage a release, audit it, swap it in.

One multi-asset, so that every published dataset stands in the lineage; it writes all of them or none.
"""

import shutil
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, date, datetime

import dagster as dg
import duckdb

from data_quality import invariants, receipts
from data_quality.intake import landed_dates
from orchestration.dbt_steps import StateRange, newest_load, pending_range
from orchestration.errors import LandedDataError
from orchestration.gates import GATED, decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.previews import PREVIEWS
from orchestration.published_date import open_date
from orchestration.publishing import datasets as registry
from orchestration.publishing.current import Current, read_current, write_current
from orchestration.publishing.exchange import exchange, finish_interrupted_exchange
from orchestration.publishing.release import DATABASE, Release, Scope, stage_release
from orchestration.reach_back import outcome_hashes
from orchestration.resources import HomeResource, RunSession
from orchestration.run_facts import input_hash, provenance
from orchestration.settings import code_version

PREFIX = "published"


def published_key(dataset: str) -> dg.AssetKey:
    """Asset key of a published dataset."""
    return dg.AssetKey([PREFIX, dataset])


def _upstream(dataset: registry.Dataset) -> dg.AssetKey:
    if dataset.source == "quality":
        return decision_key("run_facts")
    if dataset.source == "audit":
        return decision_key("audit_entries")
    return mart_key(dataset.name) if dataset.source == "warehouse" else decision_key(dataset.name)


def build_publish_asset() -> dg.AssetsDefinition:
    """All published datasets of a run's date, written together."""
    specs = [
        dg.AssetSpec(
            published_key(dataset.name),
            deps=[_upstream(dataset)],
            description=f"`published/{dataset.name}`: key {', '.join(('business_date', *dataset.key))}. Contract: published.md.",
            group_name=PREFIX,
            owners=["team:analytics"],
            kinds={"parquet", "duckdb"},
        )
        for dataset in registry.DATASETS
    ]
    gated = sorted({key for group in GATED.values() for key in group.values()})

    @dg.multi_asset(
        name="publish", specs=[spec.merge_attributes(deps=gated) for spec in specs], partitions_def=business_dates
    )
    def publish(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
        run_date = date.fromisoformat(context.partition_key)
        with home.session.stage("publish"):
            counts = publish_release(home.session, run_date)
        home.session.is_published = True
        previews, age = preview_metadata(home.session, run_date), age_metadata(home.session, run_date)
        for dataset in registry.DATASETS:
            shown = {"dagster/row_count": counts.get(dataset.name, 0), **previews.get(dataset.name, {})}
            yield dg.MaterializeResult(asset_key=published_key(dataset.name), metadata={**shown, **age})

    return publish


def preview_metadata(session: RunSession, run_date: date) -> dict[str, dict[str, dg.MetadataValue]]:
    """Pictures and tables of the date by dataset, read back from what was published."""
    with open_date(session.home.published, run_date) as connection:
        return {
            dataset: {name: dg.MetadataValue.md(show(connection, run_date))} for dataset, (name, show) in PREVIEWS.items()
        }


def age_metadata(session: RunSession, run_date: date) -> dict[str, str | int]:
    """How old what is published is, in landed dates: the date itself and how many newer ones have landed."""
    newer = [day for day in landed_dates(session.home.landing, list(session.contracts)) if day > run_date]
    return {"business_date": str(run_date), "newer_landed_dates": len(newer)}


def publish_release(session: RunSession, run_date: date) -> dict[str, int]:
    """Publish a run's date; returns rows of that date per dataset. Raises LandedDataError when a gate did not pass."""
    home = session.home
    verify_receipts(session, run_date)
    finish_interrupted_exchange(home.published)
    current = read_current(home.published)
    state = pending_range(home, run_date)
    scope = publish_scope(session, run_date, current, state)
    release = stage_release(
        home,
        scope,
        current,
        policy_version=session.policy.hash,
        window_days=session.policy.deployment(run_date)["publish.window_days"],
    )
    staged = release.folder
    violations = invariants.check_invariants(staged / DATABASE, list(scope.changed))
    if violations:
        lines = "\n".join(f"invariant {v.invariant} of published.md is broken: {v.message}" for v in violations)
        raise LandedDataError(f"{lines}\nnothing was published; the staged release is {staged}")
    write_current(staged, _current(session, run_date, scope, current, state, release))
    exchange(staged, home.published)
    shutil.rmtree(staged, ignore_errors=True)
    return _row_counts(home.published / DATABASE, run_date)


def verify_receipts(session: RunSession, run_date: date) -> None:
    """Every gate must have passed on exactly the data that is about to be published."""
    problems = []
    for gate in GATED:
        problems += receipts.verify_receipt(
            gate,
            run_date,
            warehouse=session.home.database,
            lake=session.home.lake,
            contracts=session.contracts,
        )
    if problems:
        raise LandedDataError("\n".join(problems))


def publish_scope(session: RunSession, run_date: date, current: Current | None, state: StateRange) -> Scope:
    """Dates to rewrite: every landed date from the oldest one touched to the newest built."""
    with session.warehouse() as connection:
        days = connection.execute(
            "SELECT DISTINCT business_date FROM feed_accounting WHERE business_date BETWEEN $from AND $to ORDER BY 1",
            {"from": state.state_from, "to": state.state_to},
        ).fetchall()
    decided = (current.decided() if current else set()) | {run_date}
    return Scope(run_date, tuple(sorted({day for (day,) in days} | {run_date})), frozenset(decided))


def _current(
    session: RunSession,
    run_date: date,
    scope: Scope,
    current: Current | None,
    state: StateRange,
    release: Release,
) -> Current:
    newest = max(str(run_date), current.business_date) if current else str(run_date)
    return Current(
        business_date=newest,
        run_id=session.run_id,
        published_at=datetime.now(UTC).isoformat(timespec="seconds"),
        code_version=code_version(),
        input_hash=input_hash(session, run_date),
        policy_hash=session.policy.hash,
        through_load=newest_load(session.home),
        run_dates=sorted(str(day) for day in scope.run_dates),
        stage_seconds={name: round(seconds, 3) for name, seconds in session.stage_seconds.items()},
        provenance=provenance(session, run_date),
        files=release.files,
        audit_head=asdict(release.audit_head),
        database_from=str(release.database_from),
        outcomes=outcome_hashes(session.home, state.state_to),
    )


def _row_counts(database, run_date: date) -> dict[str, int]:
    with duckdb.connect(str(database), read_only=True) as connection:
        return {
            dataset.name: connection.execute(
                f"SELECT count(*) FROM {dataset.name} WHERE business_date = $day", {"day": run_date}
            ).fetchone()[0]
            for dataset in registry.DATASETS
        }
