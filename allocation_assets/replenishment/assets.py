"""Replenishment as assets: proposals of supplier orders, and what service costs per segment."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from allocation_assets.policy.limits import parse_limits
from allocation_assets.reconciliation.assets import handed_over
from allocation_assets.reconciliation.frames import limits_table
from allocation_assets.replenishment import queries
from allocation_assets.replenishment.frames import (
    LaneTimes,
    build_problem,
    lane_times,
    level_table,
    order_table,
    ordering_pairs,
)
from allocation_assets.replenishment.holds import hold_down, hold_lines, waiting_rows
from allocation_assets.replenishment.placement import placement_parts, stock_placement
from allocation_assets.schedule import SkuRange, of_skus, sku_ranges
from allocation_assets.tables import write_lake
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession

_DESCRIPTIONS = {
    "replenishment_orders": "Units to order per supplier, location and SKU: what set the quantity, what it is worth, and whether "
    "the budget holds it.",
    "service_levels": "Per ABC class and kind of location: the service that margin against holding recommends, what a point of "
    "it costs, and stock that can go without losing any.",
    "stock_placement": "Where to hold safety stock: per DC and ABC class the service times, stock and cost a day of the DC and of each "
    "location that it supplies, beside the cost of holding all of it at the locations.",
}
_DEPS = ("int_replenishment_pairs", "int_allocation_pairs", "int_on_order", "inventory_positions", "open_to_buy", "applied_loads")


@dg.multi_asset(
    name="replenish",
    specs=[
        dg.AssetSpec(
            decision_key(name),
            deps=[
                *(decision_key(dataset) for dataset in ("demand_forecasts", "sku_segments", "lead_times", "approval_outcomes")),
                *(mart_key(model) for model in _DEPS),
            ],
            description=text,
            group_name="decisions",
            owners=["team:planning"],
            kinds={"python", "numba", "parquet"},
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=business_dates,
)
def replenish(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
    """Propose orders at the close of the run's date."""
    session = home.session
    with session.stage("decide"):
        counts = decide(session, date.fromisoformat(context.partition_key))
    for name in _DESCRIPTIONS:
        yield dg.MaterializeResult(asset_key=decision_key(name), metadata={"dagster/row_count": counts[name]})


def decide(session: RunSession, run_date: date) -> dict[str, int]:
    """Propose range by range of SKUs, then hold what overruns its budget; returns rows per dataset."""
    with session.warehouse() as connection, TemporaryDirectory(dir=session.home.private) as folder:
        connection.execute(queries.ROWS)
        ranges = sku_ranges(connection, relation="replenishment_rows") or [SkuRange("", "", 0)]
        lead_times = str(session.decision_file("lead_times", run_date))
        lanes = lane_times(connection.execute(queries.LANES, {"lead_times": lead_times}).to_arrow_table())
        files = {"orders": handed_over(session, "replenishment_orders", run_date), "outcomes": str(session.decision_file("approval_outcomes", run_date))}
        waiting = connection.execute(queries.WAITING, files).to_arrow_table()
        parts = [
            propose_range(session, connection, lanes, waiting, run_date, skus, Path(folder) / f"{at:05}") for at, skus in enumerate(ranges)
        ]
        if any(pairs for pairs, _ in parts) and not any(reviewed for _, reviewed in parts):
            session.warn(f"no review day: policy replenishment.review_days leaves out {run_date:%A}, so no order is proposed")
        lines, levels, places = (ds.dataset(sorted(Path(folder).glob(f"*/{name}.parquet"))) for name in ("lines", "levels", "places"))
        budget = connection.execute(queries.OPEN_TO_BUY).to_arrow_table()
        holds = hold_lines(lines.to_table(), budget, connection.execute(queries.SPACE, {"day": run_date}).to_arrow_table(), waiting)
        tables = {"lines": lines, "levels": levels, "holds": holds, "waiting": waiting, "stages": stock_placement(places.to_table())}
        return write_decisions(session, run_date, tables)


def propose_range(
    session: RunSession, connection: duckdb.DuckDBPyConnection, lanes: LaneTimes, waiting: pa.Table, run_date: date, skus: SkuRange, folder: Path
) -> tuple[int, int]:
    """Decide the pairs of a range and write its lines and levels; returns (pairs that may order, those reviewed on the date)."""
    # The kernels compile on import: kept out of the definitions (tests/unit/test_architecture.py).
    from allocation_assets.replenishment.policies import propose
    from allocation_assets.replenishment.safety_stock import service_report

    files = {name: str(session.decision_file(dataset, run_date)) for name, dataset in (("segments", "sku_segments"), ("forecasts", "demand_forecasts"))}
    lead_times = str(session.decision_file("lead_times", run_date))

    def table(query: str, **parameters) -> pa.Table:
        return connection.execute(*of_skus(query, parameters, skus)).to_arrow_table()

    below = table(queries.BELOW, forecasts=files["forecasts"], day=run_date)
    pairs = ordering_pairs(table(queries.PAIRS, **files), below, lanes, session.policy, run_date)
    waits = waiting_rows(pairs.table, waiting)
    problem, may = build_problem(pairs, lanes), np.flatnonzero(pairs.is_open)
    now = np.flatnonzero(pairs.is_review_day | pairs.is_open & (waits >= 0))
    folder.mkdir()
    ordering, open_pairs = hold_down(problem.take(now), waiting, waits[now], pairs.is_review_day[now]), problem.take(may)
    pq.write_table(order_table(pairs, ordering, propose(ordering), now), folder / "lines.parquet")
    pq.write_table(level_table(pairs, open_pairs, service_report(open_pairs), may), folder / "levels.parquet")
    placed = table(queries.PLACED, **files, lead_times=lead_times)
    pq.write_table(placement_parts(pairs, placed, session.policy, run_date), folder / "places.parquet")
    return len(may), int(pairs.is_review_day.sum())


def write_decisions(session: RunSession, run_date: date, tables: dict) -> dict[str, int]:
    """Write the datasets with who may approve what is held; returns rows per dataset."""
    policy = session.policy.deployment(run_date)
    tables = tables | {"limits": limits_table(parse_limits(policy["replenishment.approval_limits"]))}
    more = {"approval_days": policy["reconciliation.approval_days"], "four_eyes_value": policy["reconciliation.four_eyes_value"]}
    return {
        name: write_lake(session.decision_file(name, run_date), query, tables, {"day": run_date} | (more if name == "replenishment_orders" else {}))
        for name, query in queries.DECISIONS.items()
    }
