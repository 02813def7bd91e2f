"""Allocation as assets: lines, the need behind them, the certificate, and what the next date is handed."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import pyarrow as pa

from allocation_assets.allocation import queries
from allocation_assets.allocation.frames import build_problem, certificate_table, plan_table
from allocation_assets.allocation.price_memory import PRICES, read_prices, write_prices
from allocation_assets.allocation.problem import AllocationSettings
from allocation_assets.allocation.trust import QUERY as TRUST
from allocation_assets.allocation.trust import record_trust
from allocation_assets.schedule import scheduled_pairs
from allocation_assets.tables import write_lake
from orchestration.errors import AllocatorError
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession
from orchestration.run_facts import carry_file, predecessor

_DESCRIPTIONS = {
    "allocations": "Units per DC, location and SKU that ship next; firm where the ship date is the next day (semantics 20).",
    "allocation_needs": "Every pair that wants stock or gets it: need, what it got, what bound it, values of its last and next case.",
    "allocation_certificate": "Value, proven bound and gap of the plan per DC and for the run (semantics 22).",
    "carry": "What the date hands to the next one: firm lines that are still open (semantics 6).",
}

_TRUST_FILES = {"beliefs": "record_beliefs", "reliability": "location_reliability"}


@dg.multi_asset(
    name="allocate",
    specs=[
        dg.AssetSpec(
            decision_key(name),
            deps=[
                decision_key("demand_forecasts"),
                decision_key("record_beliefs"),
                decision_key("location_reliability"),
                mart_key("int_allocation_pairs"),
                mart_key("int_booked_capacity"),
                mart_key("int_dc_supply"),
                mart_key("applied_loads"),
            ],
            description=text,
            group_name="decisions",
            owners=["team:allocation"],
            kinds={"python", "numba", "parquet"},
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=business_dates,
)
def allocate(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
    """Decide the allocation at the close of the run's date."""
    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    with session.stage("decide"):
        counts = decide(session, run_date)
    for name in _DESCRIPTIONS:
        yield dg.MaterializeResult(asset_key=decision_key(name), metadata={"dagster/row_count": counts[name]})


def decide(session: RunSession, run_date: date) -> dict[str, int]:
    """Read, solve, check and write; returns rows per dataset. A plan that breaks a limit is our own bug."""
    # The engine compiles on import: kept out of the definitions (tests/unit/test_architecture.py).
    from allocation_assets.allocation.engine import plan as solve
    from allocation_assets.allocation.feasibility import violations

    with session.warehouse() as connection:
        pairs = scheduled_pairs(connection, session.decision_file("sku_segments", run_date), session.policy, run_date)
        supply = connection.execute("SELECT * FROM int_dc_supply ORDER BY location_id, sku_id").to_arrow_table()
        forecasts = connection.execute(
            queries.FORECASTS, {"file": str(session.decision_file("demand_forecasts", run_date))}
        ).to_arrow_table()
        booked = connection.execute(queries.BOOKED).to_arrow_table()
        files = {name: str(session.decision_file(dataset, run_date)) for name, dataset in _TRUST_FILES.items()}
        trust = record_trust(connection.execute(TRUST, files).to_arrow_table())
    problem = build_problem(pairs, supply, forecasts, trust, session.policy, run_date, booked)
    if not pairs.is_review_day.size:
        session.warn("nothing to allocate: no open location is supplied by a DC (locations.supplied_by)")
    elif not pairs.is_review_day.any():
        session.warn(f"no review day: policy allocation.review_days leaves out {run_date:%A}, so no line is decided")
    before = predecessor(session, run_date)
    handed = carry_file(session, before).with_name(PRICES) if before else None
    plan = solve(problem, AllocationSettings(start_prices=read_prices(handed, pairs, problem)))
    broken = violations(problem, plan)
    if broken:
        raise AllocatorError("the plan breaks a limit: " + "; ".join(broken))
    write_prices(carry_file(session, run_date).with_name(PRICES), pairs, problem, plan)
    table = plan_table(pairs, problem, plan, forecasts, trust)
    return write_decisions(session, run_date, table, certificate_table(pairs, problem, plan))


def write_decisions(session: RunSession, run_date: date, plan: pa.Table, certificate: pa.Table) -> dict[str, int]:
    """Write the four lake files of a decided date; returns rows per dataset."""
    day = {"day": run_date}
    counts = {
        name: write_lake(session.decision_file(name, run_date), query, {"plan": plan, "certificate": certificate}, day)
        for name, query in queries.DECISIONS.items()
    }
    before = predecessor(session, run_date)
    carried = carry_file(session, before) if before else None
    previous = str(carried) if carried and carried.exists() else str(carry_file(session, date.min))
    lines = str(session.decision_file("allocations", run_date))
    counts["carry"] = write_lake(
        carry_file(session, run_date), queries.CARRY, {}, day | {"lines": lines, "previous": previous}
    )
    return counts
