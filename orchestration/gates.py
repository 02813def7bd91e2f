"""Quality gates as Dagster asset checks: what refuses to publish, in one sentence, beside the asset it concerns.

Two kinds. The arrival gate asks whether the feeds that policy expects came and how much of them is quarantined. The
Great Expectations gates judge accepted rows, positions, decisions and marts where they lie; each leaves a receipt that
the publish step verifies again, because Dagster's blocking checks hold within one run only.
"""

import threading
from collections.abc import Iterator
from datetime import date
from typing import TYPE_CHECKING

import dagster as dg

from data_quality import receipts, runner
from data_quality.feeds import load_contracts
from data_quality.intake import FeedStatus, arrival_status
from orchestration.check_words import failed_check_metadata, failure, touched
from orchestration.dbt_steps import pending_range
from orchestration.ingest import MASTERS_FIRST, feed_key
from orchestration.resources import HomeResource, RunSession

if TYPE_CHECKING:
    from dagster._core.definitions.assets.graph.asset_graph import AssetGraph

ARRIVAL = "arrival"


def decision_key(dataset: str) -> dg.AssetKey:
    """Asset key of a decided dataset."""
    return dg.AssetKey(["decisions", dataset])


def mart_key(model: str) -> dg.AssetKey:
    """Asset key of a dbt model."""
    return dg.AssetKey(["dbt", model])


#: gate -> the datasets it judges, as assets. The check of a dataset is named after its gate.
GATED: dict[str, dict[str, dg.AssetKey]] = {
    "feeds": {feed: feed_key(feed) for feed in load_contracts()},
    "positions": {
        name: mart_key(name) for name in ("stock_ledger", "inventory_positions", "applied_loads")
    },
    "decisions": {
        name: decision_key(name)
        for name in (
            "demand_forecasts",
            "forecast_accuracy",
            "allocations",
            "allocation_needs",
            "allocation_certificate",
            "sku_segments",
            "sku_segment_changes",
            "demand_signals",
            "record_beliefs",
            "count_list",
            "location_reliability",
            "lead_times",
            "vendor_scorecards",
            "inbound_predictions",
            "replenishment_orders",
            "service_levels",
            "stock_placement",
            "stock_out_causes",
            "exceptions",
            "approval_outcomes",
            "variance_causes",
            "adjustments_proposed",
            "audit_entries",
        )
    },
    "marts": {
        name: mart_key(name)
        for name in ("kpi_daily", "kpi_periods", "allocation_performance", "feed_accounting", "quarantine", "reconciliations")
    },
}
#: Datasets whose downstream waits for the gate. An asset that other judged assets of the gate stand on cannot wait for
#: it (the gate needs them all), nor can one in the middle of a dbt step (it would cut the step in two): the step's last
#: model waits for them.
ANCHORS: dict[str, set[str]] = {
    "feeds": set(load_contracts()) - set(MASTERS_FIRST),
    "positions": {"applied_loads"},
    "decisions": {"allocations", "allocation_certificate", "exceptions"},
    "marts": {"kpi_daily", "kpi_periods", "allocation_performance", "feed_accounting", "quarantine"},
}


def preload_expectations() -> None:
    """Start importing Great Expectations (seconds) in the background while other stages wait for DuckDB or dbt."""
    threading.Thread(target=runner.preload, name="preload-great-expectations", daemon=True).start()


def build_arrival_gate() -> dg.AssetChecksDefinition:
    """One blocking check per feed: present, readable, and not mostly quarantined (semantics 8 and 12)."""
    specs = [
        dg.AssetCheckSpec(
            ARRIVAL,
            asset=feed_key(feed),
            blocking=feed in ANCHORS["feeds"],
            description="The feed came on the run's date if policy expects it, is readable, and its quarantined share is within policy.",
        )
        for feed in load_contracts()
    ]

    @dg.multi_asset_check(name="arrival_gate", specs=specs)
    def arrival_gate(context: dg.AssetCheckExecutionContext, home: HomeResource) -> Iterator[dg.AssetCheckResult]:
        session = home.session
        run_date = date.fromisoformat(context.partition_key)
        with session.stage("gates"):
            statuses = arrivals(session, run_date)
        session.refusals += [status.detail for status in statuses if status.status != "ok"]
        graph = context.job_def.asset_layer.asset_graph
        for status in statuses:
            yield _arrival_result(session, status, graph)

    return arrival_gate


def _arrival_result(session: RunSession, status: FeedStatus, graph: "AssetGraph") -> dg.AssetCheckResult:
    passed = status.status == "ok"
    # A walk over the graph: for a feed that failed alone.
    datasets = [] if passed else touched(graph, feed_key(status.feed))
    said = {} if passed else failed_check_metadata(session.home, ARRIVAL, datasets, status.status)
    return dg.AssetCheckResult(
        check_name=ARRIVAL,
        asset_key=feed_key(status.feed),
        passed=passed,
        severity=dg.AssetCheckSeverity.ERROR,
        description="as policy expects" if passed else failure(status.detail, datasets, is_blocking=True),
        metadata={"status": status.status, "rows": status.rows, "quarantined": status.quarantined, **said},
    )


def arrivals(session: RunSession, run_date: date) -> list[FeedStatus]:
    """State of every feed on the run's date against what policy expects of it."""
    policy = session.policy.deployment(run_date)
    expected = {feed: policy[f"feeds.{feed}.expected"] for feed in session.contracts}
    return arrival_status(
        session.contracts,
        session.home.landing,
        session.home.lake,
        run_date,
        expected,
        max_quarantine_rate=policy["quality.max_quarantine_rate"],
        max_quarantine_rows=policy["quality.max_quarantine_rows"],
    )


def build_expectation_gate(gate: str) -> dg.AssetChecksDefinition:
    """One blocking check per dataset of a Great Expectations gate."""
    datasets = GATED[gate]
    specs = [
        dg.AssetCheckSpec(
            gate,
            asset=key,
            blocking=name in ANCHORS[gate],
            description=f"Great Expectations suite of {name}, in DuckDB.",
        )
        for name, key in datasets.items()
    ]

    @dg.multi_asset_check(name=f"{gate}_gate", specs=specs)
    def expectation_gate(context: dg.AssetCheckExecutionContext, home: HomeResource) -> Iterator[dg.AssetCheckResult]:
        session = home.session
        run_date = date.fromisoformat(context.partition_key)
        with session.stage("gates"):
            result = judge(session, gate, run_date)
        session.refusals += result.messages
        graph = context.job_def.asset_layer.asset_graph
        for name, key in datasets.items():
            results = [item for item in result.results if item.dataset == name]
            yield _check_result(session, gate, key, results, graph)
        session.stop_if_refused()

    return expectation_gate


def judge(session: RunSession, gate: str, run_date: date) -> runner.GateResult:
    """Judge everything that the run rebuilt and leave the receipt; publish what was seen on the run's date alone.

    The published results are a function of the date's own data (semantics 5): a run that also restated older dates
    judges these first, and what fails there refuses the run all the same.
    """
    state = pending_range(session.home, run_date)
    common = {
        "warehouse": session.home.database,
        "lake": session.home.lake,
        "run_date": run_date,
        "contracts": session.contracts,
    }
    result = runner.run_gate(gate, **common, state_from=state.state_from, state_to=state.state_to)
    receipts.write_receipt(result, session.home.lake)
    if result.passed and (state.state_from, state.state_to) != (run_date, run_date):
        runner.run_gate(gate, **common)
    return result


def build_gates() -> list[dg.AssetChecksDefinition]:
    """All gates of a run."""
    return [build_arrival_gate(), *(build_expectation_gate(gate) for gate in GATED)]


def _check_result(
    session: RunSession, gate: str, key: dg.AssetKey, results: list[runner.ExpectationResult], graph: "AssetGraph"
) -> dg.AssetCheckResult:
    failed = [item for item in results if not item.success]
    datasets = touched(graph, key) if failed else []
    blocking = [item for item in failed if item.blocking]
    lines = "; ".join(
        f"{item.suite}: {item.expectation} failed ({item.observed}), e.g. {item.failing_keys}" for item in failed
    )
    rows = "\n".join(
        f"| {item.expectation} | {'passed' if item.success else 'FAILED'} | {item.severity} | {item.observed} |"
        for item in results
    )
    return dg.AssetCheckResult(
        check_name=gate,
        asset_key=key,
        passed=not failed,
        severity=dg.AssetCheckSeverity.ERROR if blocking else dg.AssetCheckSeverity.WARN,
        description=failure(lines, datasets, is_blocking=bool(blocking)) if failed else f"{len(results)} expectations hold",
        metadata={
            "expectations": dg.MetadataValue.md(
                "| expectation | result | severity | observed |\n|---|---|---|---|\n" + rows
            ),
            **(failed_check_metadata(session.home, gate, datasets) if failed else {}),
        },
    )
