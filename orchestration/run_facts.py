"""What a run says of itself: inputs, policy, provenance, figures, warnings. Becomes `run_summary` through dbt.

Clock times and the run id live here and in CURRENT.json alone (semantics 5).
"""

import hashlib
from datetime import date
from pathlib import Path

import dagster as dg
import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from allocation_assets.allocation.price_memory import PRICES
from allocation_assets.demand.carry import FILES as DEMAND_FILES
from allocation_assets.records.carry import BELIEFS, CHANCES, LEARNED
from allocation_assets.segmentation.carry import SEGMENTS
from allocation_assets.signals.queries import FILES as SIGNAL_FILES
from orchestration.gates import decision_key
from orchestration.partitions import business_dates
from orchestration.publishing.current import sha256_of
from orchestration.resources import HomeResource, RunSession
from orchestration.settings import code_version

SCHEMA = pa.schema(
    [
        ("business_date", pa.date32()),
        ("run_id", pa.string()),
        ("started_at", pa.timestamp("us")),
        ("policy_hash", pa.string()),
        ("input_hash", pa.string()),
        ("code_version", pa.string()),
        ("seconds_ingest", pa.float64()),
        ("seconds_inventory", pa.float64()),
        ("seconds_decide", pa.float64()),
        ("seconds_gates", pa.float64()),
        ("rows_landed", pa.int64()),
        ("rows_loaded", pa.int64()),
        ("rows_quarantined", pa.int64()),
        ("allocation_lines", pa.int64()),
        ("objective_value", pa.decimal128(18, 6)),
        ("objective_bound", pa.decimal128(18, 6)),
        ("optimality_gap", pa.float64()),
        ("is_cold_start", pa.bool_()),
        ("warnings", pa.list_(pa.string())),
        ("provenance", pa.string()),
    ]
)

#: Decided datasets of the date before that a run reads, and files beside its carry file.
HANDED_OVER = (
    "adjustments_proposed", "allocation_needs", "allocations", "approval_outcomes", "demand_forecasts", "demand_signals", "exceptions",
    "forecast_accuracy", "replenishment_orders", "variance_causes",
)  # fmt: skip
CARRIED_BESIDE = (BELIEFS, LEARNED, CHANCES, PRICES, SEGMENTS, *DEMAND_FILES, *SIGNAL_FILES)


def _accounting(session: RunSession) -> str:
    return str(session.home.lake / "loads" / "*" / "*" / "*" / "accounting.parquet")


def carry_file(session: RunSession, business_date: date) -> Path:
    """Lake file that one date hands to the next (semantics 6)."""
    return session.home.lake / "carry" / f"business_date={business_date}" / "data.parquet"


def predecessor(session: RunSession, run_date: date) -> date | None:
    """The landed date before the run's date, whose carry file the run reads; None when nothing landed before."""
    with duckdb.connect() as connection:
        return connection.execute(
            "SELECT max(business_date) FROM read_parquet($files, hive_partitioning = false) WHERE business_date < $day",
            {"files": _accounting(session), "day": run_date},
        ).fetchone()[0]


def handed_over_files(session: RunSession, business_date: date) -> list[Path]:
    """What a date hands to the next one (semantics 6), whether it is there or not."""
    decided = [session.decision_file(name, business_date) for name in HANDED_OVER]
    carried = carry_file(session, business_date)
    return [carried, *(carried.with_name(name) for name in CARRIED_BESIDE), *decided]


def input_hash(session: RunSession, run_date: date) -> str:
    """sha256 over every delivered file up to the date, the policy, the code version and what the date before hands over."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            """SELECT DISTINCT feed, business_date, source_file, sha256
               FROM read_parquet($files, hive_partitioning = false)
               WHERE business_date <= $day ORDER BY ALL""",
            {"files": _accounting(session), "day": run_date},
        ).fetchall()
    before = predecessor(session, run_date)
    digest = hashlib.sha256()
    for row in rows:
        digest.update(repr(tuple(map(str, row))).encode())
    digest.update(session.policy.hash.encode() + code_version().encode())
    for file in handed_over_files(session, before) if before else []:
        digest.update(sha256_of(file).encode() if file.exists() else b"cold start")
    return digest.hexdigest()


def provenance(session: RunSession, run_date: date) -> dict[str, str]:
    """Provenance per feed as the manifests state it (semantics 27); `unstated` where none does, `mixed` where they differ."""
    with duckdb.connect() as connection:
        rows = connection.execute(
            """SELECT feed, CASE WHEN count(DISTINCT coalesce(provenance, 'unstated')) > 1 THEN 'mixed'
                                 ELSE any_value(coalesce(provenance, 'unstated')) END
               FROM read_parquet($files, hive_partitioning = false)
               WHERE business_date <= $day GROUP BY feed ORDER BY feed""",
            {"files": _accounting(session), "day": run_date},
        ).fetchall()
    return dict(rows)


def absent_feeds(session: RunSession) -> list[str]:
    """Feeds of the contract without any take-in (a placeholder is load 0)."""
    loads = session.home.lake / "loads"
    landed = {
        path.parent.parent.name for path in loads.glob("*/posted_on=*/load=*") if not path.name.endswith("=000000")
    }
    return [feed for feed in session.contracts if feed not in landed]


def _figures(session: RunSession, run_date: date) -> dict[str, object]:
    certificate = session.decision_file("allocation_certificate", run_date)
    lines = session.decision_file("allocations", run_date)
    with duckdb.connect() as connection:
        value, bound, gap = connection.execute(
            """SELECT objective_value, objective_bound, optimality_gap
               FROM read_parquet($file, hive_partitioning = false) WHERE from_location_id = '*'""",
            {"file": str(certificate)},
        ).fetchone()
        count = connection.execute(
            "SELECT count(*) FROM read_parquet($file, hive_partitioning = false)", {"file": str(lines)}
        ).fetchone()[0]
    return {"objective_value": value, "objective_bound": bound, "optimality_gap": gap, "allocation_lines": count}


def write_run_facts(session: RunSession, run_date: date) -> dict[str, object]:
    """Write the run's row to the lake and return it."""
    before = predecessor(session, run_date)
    is_cold = before is None or not carry_file(session, before).exists()
    if is_cold:
        session.warn(f"cold start: the date before ({before}) was not run, so nothing is carried over from it")
    absent = absent_feeds(session)
    if absent:
        session.warn(f"feeds that never landed, policy defaults apply: {', '.join(absent)}")
    seconds = session.stage_seconds
    reports = session.load_reports
    row = {
        "business_date": run_date,
        "run_id": session.run_id,
        "started_at": session.started_at,
        "policy_hash": session.policy.hash,
        "input_hash": input_hash(session, run_date),
        "code_version": code_version(),
        "seconds_ingest": seconds.get("ingest", 0.0),
        "seconds_inventory": seconds.get("dbt_inventory", 0.0),
        "seconds_decide": seconds.get("decide", 0.0),
        "seconds_gates": seconds.get("gates", 0.0),
        "rows_landed": sum(report.rows_landed for report in reports),
        "rows_loaded": sum(report.rows_loaded for report in reports),
        "rows_quarantined": sum(report.rows_quarantined for report in reports),
        "is_cold_start": is_cold,
        "warnings": session.warnings,
        "provenance": "; ".join(f"{feed}={kind}" for feed, kind in provenance(session, run_date).items()),
        **_figures(session, run_date),
    }
    target = session.home.lake / "runs" / f"business_date={run_date}" / "data.parquet"
    write_rows(target, [row], SCHEMA)
    return row


def write_rows(target: Path, rows: list[dict], schema: pa.Schema) -> None:
    """Write a small table to a lake file, complete or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), part)
    part.replace(target)


@dg.asset(
    key=decision_key("run_facts"),
    deps=[decision_key("allocations")],
    partitions_def=business_dates,
    group_name="decisions",
    owners=["team:data-engineering"],
    kinds={"python", "parquet"},
    description="What the run says of itself: hashes of inputs and policy, provenance, stage times, value, bound, gap, warnings.",
)
def run_facts(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Write the run's facts for dbt's run_summary."""
    row = write_run_facts(home.session, date.fromisoformat(context.partition_key))
    warnings = "\n".join(f"- {line}" for line in home.session.warnings) or "none"
    figures = {name: float(row[name] or 0.0) for name in ("objective_value", "objective_bound")}
    return dg.MaterializeResult(metadata={"dagster/row_count": 1, **figures, "warnings": dg.MetadataValue.md(warnings)})
