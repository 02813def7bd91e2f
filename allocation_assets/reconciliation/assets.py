"""Reconciliation as assets: approvals judged, variances attributed, corrections and dispositions proposed and audited."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from typing import Any

import dagster as dg
import duckdb
import pyarrow as pa

from allocation_assets.placeholders import NEVER
from allocation_assets.policy.limits import parse_limits
from allocation_assets.reconciliation import queries
from allocation_assets.tables import write_lake
from data_quality.feeds import load_contracts
from orchestration.dbt_steps import pending_range
from orchestration.gates import decision_key, mart_key
from orchestration.ingest import feed_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession
from orchestration.run_facts import predecessor

_COMMON = {"group_name": "decisions", "owners": ["team:inventory-control"]}
#: The kernels return their rows in order, and DuckDB keeps it.
_AS_IS = "FROM result_rows"
_DESCRIPTIONS = {
    "adjustments_proposed": "Corrections of the book and dispositions of goods, open or closed on the date (semantics 18).",
    "audit_entries": "Every step of proposals and approvals on the date: who, what, before, after, why, under which policy.",
}


def _query(query: str, parameters: Mapping[str, Any], connection: duckdb.DuckDBPyConnection | None = None) -> pa.Table:
    if connection is not None:
        return connection.execute(query, dict(parameters)).to_arrow_table()
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as own:
        return own.execute(query, dict(parameters)).to_arrow_table()


def handed_over(session: RunSession, dataset: str, run_date: date) -> str:
    """File of a decided dataset of the date before; the one without rows on a cold start."""
    before = predecessor(session, run_date)
    file = session.decision_file(dataset, before) if before else None
    return str(file if file and file.exists() else session.decision_file(dataset, date.fromisoformat(NEVER)))


def earlier_files(session: RunSession, dataset: str, first: date, run_date: date) -> list[str]:
    """Files of a decided dataset of the dates from `first` to before the run's date, and the one without rows."""
    folder = session.home.lake / "decisions" / dataset
    dated = {path.name.split("=")[1]: path / "data.parquet" for path in sorted(folder.glob("business_date=*"))}
    return [str(dated[day]) for day in dated if day == NEVER or str(first) <= day < str(run_date)]


def earlier_outcomes(session: RunSession, run_date: date, late_days: int) -> pa.Table:
    """Approval outcomes of the dates whose counts could still be proposed."""
    first = run_date - timedelta(days=late_days)
    return _query(queries.FILES, {"files": earlier_files(session, "approval_outcomes", first, run_date)})


@dg.asset(
    key=decision_key("approval_outcomes"),
    # Every feed: the date before is known only once all of them are in.
    deps=[feed_key(feed) for feed in load_contracts()],
    partitions_def=business_dates,
    kinds={"python", "parquet"},
    description="What became of every approval that came in: it counts, or it is refused and why (role, amount, self, "
    "four eyes, unknown, closed, too late). Rules: allocation_assets/reconciliation/approvals.py.",
    **_COMMON,
)
def approval_outcomes(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Judge the approvals that the run took in against the proposals of the date before."""
    from allocation_assets.reconciliation.approvals import judge_approvals

    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    policy = session.policy.deployment(run_date)
    late_days = policy["feeds.late_days"]
    landed = str(session.home.lake / "loads" / "approvals" / "*" / "*" / "raw.parquet")
    with session.stage("approve"):
        result = judge_approvals(
            _query(queries.APPROVALS, {"files": landed, "day": run_date, "late_days": late_days}),
            _query(queries.FILES, {"files": handed_over(session, "adjustments_proposed", run_date)}),
            earlier_outcomes(session, run_date, late_days),
            parse_limits(policy["reconciliation.approval_limits"]),
            run_date,
            late_days,
            _query(queries.FILES, {"files": handed_over(session, "replenishment_orders", run_date)}),
            parse_limits(policy["replenishment.approval_limits"]),
        )
        rows = write_lake(session.decision_file("approval_outcomes", run_date), _AS_IS, {"result_rows": result})
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})


@dg.asset(
    key=decision_key("variance_causes"),
    deps=[
        mart_key("int_variances"),
        mart_key("int_variance_evidence"),
        mart_key("int_variance_history"),
        mart_key("applied_loads"),
    ],
    partitions_def=business_dates,
    kinds={"python", "numba", "parquet"},
    description="Causes of the count variances as far as facts carry; the rest is unexplained. "
    "Method: allocation_assets/reconciliation/causes.py.",
    **_COMMON,
)
def variance_causes(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Attribute the variances of every date that the run rebuilt."""
    from allocation_assets.reconciliation.causes import attribute_causes

    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    window = session.policy.deployment(run_date)["reconciliation.evidence_days"]
    first = pending_range(session.home, run_date).state_from
    files = earlier_files(session, "variance_causes", first - timedelta(days=window), run_date)
    with session.stage("decide"), session.warehouse() as connection:
        result = attribute_causes(
            _query(queries.VARIANCES, {}, connection),
            _query(queries.EVIDENCE, {}, connection),
            _query(queries.EARLIER_CAUSES, {"files": files, "first": first, "evidence_days": window}, connection),
            run_date,
        )
        rows = write_lake(session.decision_file("variance_causes", run_date), _AS_IS, {"result_rows": result})
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})


@dg.multi_asset(
    name="propose_adjustments",
    specs=[
        dg.AssetSpec(
            decision_key(name),
            deps=[
                decision_key("variance_causes"),
                decision_key("approval_outcomes"),
                decision_key("replenishment_orders"),
                mart_key("int_variances"),
                mart_key("int_items"),
                mart_key("stg_returns"),
                mart_key("stg_receipts"),
                mart_key("stg_adjustments"),
                mart_key("applied_loads"),
            ],
            description=text,
            kinds={"python", "parquet"},
            **_COMMON,
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=business_dates,
)
def propose_adjustments(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
    """Propose corrections and dispositions at the close of the run's date and say what was done."""
    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    with session.stage("decide"):
        counts = decide(session, run_date)
    for name in _DESCRIPTIONS:
        yield dg.MaterializeResult(asset_key=decision_key(name), metadata={"dagster/row_count": counts[name]})


def decide(session: RunSession, run_date: date) -> dict[str, int]:
    """Read, propose, audit and write; returns rows per dataset."""
    from allocation_assets.reconciliation.audit import audit_entries
    from allocation_assets.reconciliation.disposition import dispose
    from allocation_assets.reconciliation.proposals import DayFacts, propose
    from allocation_assets.replenishment.audit import order_steps

    policy = session.policy.deployment(run_date)
    days = {"day": run_date, "late_days": policy["feeds.late_days"]}
    before, orders_before = (handed_over(session, name, run_date) for name in ("adjustments_proposed", "replenishment_orders"))
    with session.warehouse() as connection:
        goods = {"day": run_date, "is_cold_start": f"business_date={NEVER}" in before}
        facts = DayFacts(
            carried=_query(queries.OPEN, {"files": before}),
            variances=_query(queries.VARIANCES, {}, connection),
            causes=_query(queries.FILES, {"files": str(session.decision_file("variance_causes", run_date))}),
            outcomes=_query(queries.FILES, {"files": str(session.decision_file("approval_outcomes", run_date))}),
            earlier=earlier_outcomes(session, run_date, policy["feeds.late_days"]),
            dispositions=dispose(_query(queries.GOODS, goods, connection), policy),
            named=_query(queries.NAMED, days, connection),
        )
    proposals = propose(facts, policy, session.policy.hash, run_date)
    orders = [_query(queries.FILES, {"files": file}) for file in (str(session.decision_file("replenishment_orders", run_date)), orders_before)]
    steps = order_steps(*orders, facts.outcomes, session.policy.hash)
    entries = audit_entries(proposals, facts.carried, facts.outcomes, session.policy.hash, run_date, steps)
    return {
        name: write_lake(session.decision_file(name, run_date), _AS_IS, {"result_rows": rows})
        for name, rows in {"adjustments_proposed": proposals, "audit_entries": entries}.items()
    }
