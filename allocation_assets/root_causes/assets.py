"""Root causes as an asset: why each position of the date is out of stock or has too much."""

from datetime import date
from pathlib import Path

import dagster as dg
import duckdb

from allocation_assets.reconciliation.assets import earlier_files
from allocation_assets.root_causes.facts import DECIDED_VIEWS, open_facts, settings_of
from allocation_assets.root_causes.find import find_causes
from allocation_assets.tables import write_lake
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession

DATASET = "stock_out_causes"


def decide(session: RunSession, connection: duckdb.DuckDBPyConnection, run_date: date) -> list[tuple[str, str, int, float]]:
    """Find and write the causes of the date; returns (kind, cause, positions, value) in order."""
    policy = session.policy.deployment(run_date)
    settings = settings_of(policy)
    first = settings.window_from(run_date)
    files = {
        dataset: [str(session.decision_file(dataset, run_date))] if reach == "today" else earlier_files(session, dataset, first, run_date)
        for dataset, reach, _ in DECIDED_VIEWS.values()
    }  # fmt: skip
    open_facts(connection, files, run_date, settings, policy["lead_times.window_days"])
    rows = find_causes(connection, run_date, settings)
    target: Path = session.decision_file(DATASET, run_date)
    write_lake(target, "FROM result_rows", {"result_rows": rows})
    connection.register("found_causes", rows)
    return connection.execute(
        "SELECT kind, cause, count(*), sum(value)::DOUBLE FROM found_causes GROUP BY ALL ORDER BY kind, cause"
    ).fetchall()


@dg.asset(
    key=decision_key(DATASET),
    # Plans, lines and forecasts are those of earlier dates.
    deps=[
        decision_key("record_beliefs"),
        *[mart_key(model) for model in (
            "int_demand_daily", "int_items", "int_lost_demand", "int_purchase_lines", "inventory_positions", "shipment_lines",
            "stock_ledger",
        )],
    ],
    partitions_def=business_dates,
    group_name="decisions",
    owners=["team:planning"],
    kinds={"python", "duckdb", "parquet"},
    description="Why each position of the date is out of stock or has too much: causes with shares that add to 1, value at stake and "
    "the fact behind each. Method: allocation_assets/root_causes/attribute.py; facts: evidence.py.",
)  # fmt: skip
def stock_out_causes(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Causes of the stock-outs and the overstock of the run's date."""
    session = home.session
    with session.stage("decide"), session.warehouse() as connection:
        counts = decide(session, connection, date.fromisoformat(context.partition_key))
    lines = "\n".join(f"| {kind} | {cause} | {positions} | {value:.2f} |" for kind, cause, positions, value in counts)
    return dg.MaterializeResult(
        metadata={
            "dagster/row_count": sum(positions for *_, positions, _ in counts),
            "causes": dg.MetadataValue.md("| kind | cause | positions | value |\n|---|---|---|---|\n" + lines),
        }
    )
