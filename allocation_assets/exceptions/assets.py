"""Exceptions as an asset: the last decision of a date, over everything that the others found."""

from datetime import date
from pathlib import Path

import dagster as dg
import duckdb

from allocation_assets.exceptions.inputs import DECIDED_VIEWS, open_inputs
from allocation_assets.exceptions.kinds import KINDS
from allocation_assets.exceptions.lifecycle import ExceptionSettings, find, settle
from allocation_assets.tables import copy_whole
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession
from orchestration.run_facts import predecessor


def previous_file(session: RunSession, run_date: date) -> Path:
    """Exceptions of the predecessor date (semantics 6); the placeholder of zero rows on a cold start."""
    before = predecessor(session, run_date)
    path = session.decision_file("exceptions", before) if before else None
    return path if path and path.exists() else session.decision_file("exceptions", date.min)


def decide(session: RunSession, connection: duckdb.DuckDBPyConnection, run_date: date) -> list[tuple[str, str, int]]:
    """Find, settle and write the exceptions of the date; returns (kind, status, rows) in order."""
    policy = session.policy.deployment(run_date)
    files = {dataset: session.decision_file(dataset, run_date) for dataset in DECIDED_VIEWS.values()}
    open_inputs(connection, files, previous_file(session, run_date), run_date, policy)
    find(connection, KINDS)
    settle(connection, run_date, ExceptionSettings.of(policy))
    copy_whole(connection, "decided", session.decision_file("exceptions", run_date))
    return connection.execute("SELECT kind, status, count(*) FROM decided GROUP BY ALL ORDER BY ALL").fetchall()


@dg.asset(
    key=decision_key("exceptions"),
    # Only what the kinds read. An asset that the decisions gate lets through (its anchors) cannot be among them: this one is
    # judged by the same gate.
    deps=[
        *[decision_key(dataset) for dataset in DECIDED_VIEWS.values()],
        *[mart_key(model) for model in (
            "applied_loads", "int_deliveries", "int_replenishment_pairs", "inventory_positions", "shipment_lines",
        )],
    ],
    partitions_def=business_dates,
    group_name="decisions",
    owners=["team:planning"],
    kinds={"python", "duckdb", "parquet"},
    description="What somebody has to look at: one row per cause, with owner, due date, value at risk and what to do; kept under "
    "one id until it is no longer found. Kinds: allocation_assets/exceptions/kinds.py.",
)
def exceptions(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Exceptions open or resolved at the close of the run's date."""
    session = home.session
    with session.stage("decide"), session.warehouse() as connection:
        counts = decide(session, connection, date.fromisoformat(context.partition_key))
    lines = "\n".join(f"| {kind} | {status} | {rows} |" for kind, status, rows in counts)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(rows for *_, rows in counts),
            "exceptions": dg.MetadataValue.md("| kind | status | rows |\n|---|---|---|\n" + lines),
        }
    )
