"""Allocation as assets: lines, the need behind them, the certificate, and what the next date is handed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import pyarrow as pa
import pyarrow.dataset as ds

from allocation_assets.allocation import queries
from allocation_assets.allocation.frames import build_problem, certificate_table, dc_rents, plan_table
from allocation_assets.allocation.limits import buckets
from allocation_assets.allocation.price_memory import PRICES, read_prices, write_prices
from allocation_assets.allocation.problem import AllocationProblem
from allocation_assets.allocation.shards import InputFiles, RunShards, ShardInputs, read_inputs
from allocation_assets.schedule import sku_ranges
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

_FILES = {
    "segments": "sku_segments",
    "forecasts": "demand_forecasts",
    "beliefs": "record_beliefs",
    "reliability": "location_reliability",
    "inbound": "inbound_predictions",
}


@dg.multi_asset(
    name="allocate",
    specs=[
        dg.AssetSpec(
            decision_key(name),
            deps=[
                decision_key("demand_forecasts"),
                decision_key("record_beliefs"),
                decision_key("location_reliability"),
                decision_key("inbound_predictions"),
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
    from allocation_assets.allocation.problem import AllocationSettings

    settings = AllocationSettings()
    with session.warehouse() as connection, TemporaryDirectory(dir=session.home.private) as folder:
        ranges = sku_ranges(connection)
        booked = connection.execute(queries.BOOKED).to_arrow_table()
        files = InputFiles(**{name: session.decision_file(dataset, run_date) for name, dataset in _FILES.items()})

        def build(shard: ShardInputs) -> AllocationProblem:
            tables = (shard.pairs, shard.supply, shard.forecasts, shard.trust)
            return build_problem(*tables, session.policy, run_date, booked)

        def read(number: int | None) -> ShardInputs:
            return read_inputs(connection, files, session.policy, run_date, None if number is None else ranges[number])

        if sum(skus.pairs for skus in ranges) < settings.stream_pairs:
            decided = _at_once(session, run_date, read(None), build, settings)
        else:
            decided = _in_shards(session, run_date, RunShards(Path(folder) / "problem", len(ranges), read, build), settings, folder)
        plan, certificate, broken = decided
        if broken:
            raise AllocatorError("the plan breaks a limit: " + "; ".join(broken))
        return write_decisions(session, run_date, plan, certificate)


def _warn_of_nothing(session: RunSession, run_date: date, pairs: int, has_review_day: bool) -> None:
    if not pairs:
        session.warn("nothing to allocate: no open location is supplied by a DC (locations.supplied_by)")
    elif not has_review_day:
        session.warn(f"no review day: policy allocation.review_days leaves out {run_date:%A}, so no line is decided")


def _at_once(session: RunSession, run_date: date, inputs: ShardInputs, build, settings):
    """(plan table, certificate table, broken limits) of a run that fits in memory."""
    # The engine compiles on import: kept out of the definitions (tests/unit/test_architecture.py).
    from allocation_assets.allocation.engine import plan as solve
    from allocation_assets.allocation.feasibility import violations

    pairs, problem = inputs.pairs, build(inputs)
    _warn_of_nothing(session, run_date, pairs.table.num_rows, bool(pairs.is_review_day.any()))
    before = predecessor(session, run_date)
    handed = carry_file(session, before).with_name(PRICES) if before else None
    used = buckets(pairs)
    plan = solve(problem, replace(settings, start_prices=read_prices(handed, used)))
    write_prices(carry_file(session, run_date).with_name(PRICES), used, plan)
    table = plan_table(pairs, problem, plan, inputs.forecasts, inputs.trust)
    return table, certificate_table(*dc_rents(pairs, problem, plan)), violations(problem, plan)


def _in_shards(session: RunSession, run_date: date, shards: RunShards, settings, folder: str):
    """The same of a run that does not; the plan's rows lie in `folder`."""
    from allocation_assets.allocation.streamed import streamed_plan

    _warn_of_nothing(session, run_date, shards.pairs, shards.has_review_day)
    return streamed_plan(shards, settings, Path(folder) / "plan")


def write_decisions(
    session: RunSession, run_date: date, plan: pa.Table | ds.Dataset, certificate: pa.Table
) -> dict[str, int]:
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
