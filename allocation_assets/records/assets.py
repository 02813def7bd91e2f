"""Beliefs of stock records, the count list and the reliability of locations, as assets."""

from collections.abc import Iterator
from datetime import date

import dagster as dg
import numpy as np
import pyarrow as pa

from allocation_assets.records import queries
from allocation_assets.records.carry import BELIEFS, write_learned, write_state
from allocation_assets.records.counts import CountSettings, expected_gain, rank_counts
from allocation_assets.records.daily import Carried, Formed, form_beliefs, read_universe
from allocation_assets.records.filter import EVIDENCE, FilterSettings
from allocation_assets.records.reliability import ReliabilitySettings, location_reliability
from allocation_assets.tables import floats, write_lake
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession
from orchestration.run_facts import carry_file, predecessor

_DESCRIPTIONS = {
    "record_beliefs": "How far each stock record is to be believed: probabilities that it is wrong, empty or hiding stock, and the units that the engine believes.",
    "count_list": "Records to count, best first by the money that the count is expected to gain.",
}
_GROUP = {"group_name": "decisions", "owners": ["team:inventory-control"]}


@dg.multi_asset(
    name="believe_records",
    specs=[
        dg.AssetSpec(
            decision_key(name),
            deps=[decision_key("demand_forecasts"), mart_key("int_record_evidence"), mart_key("applied_loads")],
            description=text,
            kinds={"python", "numba", "parquet"},
            **_GROUP,
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=business_dates,
)
def believe_records(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
    """Form the beliefs at the close of the run's date and rank what to count."""
    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    with session.stage("decide"):
        formed = beliefs_of(session, run_date)
        counts = write_beliefs(session, run_date, formed)
    for name in _DESCRIPTIONS:
        yield dg.MaterializeResult(asset_key=decision_key(name), metadata={"dagster/row_count": counts[name]})


def beliefs_of(session: RunSession, run_date: date) -> Formed:
    """Read the records and take in what happened since the carried beliefs."""
    before = predecessor(session, run_date)
    carried = None
    if before:
        folder = carry_file(session, before).parent
        if (folder / BELIEFS).exists():
            carried = Carried(before, folder)
    window = session.policy.deployment(run_date)["records.window_days"]
    files = [session.decision_file(name, run_date) for name in ("demand_forecasts", "sku_segments")]
    with session.warehouse() as connection:
        universe = read_universe(connection, run_date, *files)
        return form_beliefs(connection, universe, run_date, carried, FilterSettings(), window)


def write_beliefs(session: RunSession, run_date: date, formed: Formed) -> dict[str, int]:
    """Write the two decided datasets and the hand-over; returns rows per dataset."""
    table, beliefs, policy = formed.universe.table, formed.beliefs, session.policy.deployment(run_date)
    money = session.policy.resolve(["costs.lost_sale_per_unit", "costs.holding_per_unit_day"], table, run_date)
    settings = CountSettings(
        policy["records.cost_per_count"], policy["records.count_list_size"], policy["records.recount_pause_days"],
        policy["records.gain_days"],
    )  # fmt: skip
    margin, holding = (
        np.nan_to_num(money[name]) for name in ("costs.lost_sale_per_unit", "costs.holding_per_unit_day")
    )
    gain = expected_gain(beliefs, floats(table, "daily_mean"), margin, holding, settings)
    ranked = rank_counts(gain, formed.universe.location, beliefs.days_since_count, settings)
    records = pa.table(
        {
            "pair": np.arange(table.num_rows),
            **{name: table[name] for name in ("location_id", "sku_id")},
            "book": formed.state.book,
            **{name: values for name, values in vars(beliefs).items() if name != "evidence"},
            "evidence": pa.DictionaryArray.from_arrays(pa.array(beliefs.evidence), list(EVIDENCE)).dictionary_decode(),
        }
    )
    listed = pa.table(
        {"pair": ranked.pair, "rank": ranked.rank, "location_rank": ranked.location_rank, "gain": ranked.gain}
    )
    counts = {
        name: write_lake(
            session.decision_file(name, run_date), query, {"records": records, "listed": listed}, {"day": run_date}
        )
        for name, query in queries.BELIEFS.items()
    }
    folder = carry_file(session, run_date).parent
    write_state(folder / BELIEFS, table["sku_id"], table["location_id"], formed.state)
    write_learned(folder, formed.universe.locations, formed.learned)
    return counts


@dg.asset(
    key=decision_key("location_reliability"),
    deps=[mart_key("int_location_errors_daily"), mart_key("applied_loads")],
    partitions_def=business_dates,
    description="Receiving errors, wrong records and shrink per location over the window, and what policy does about chronic ones.",
    kinds={"python", "parquet"},
    **_GROUP,
)
def reliability(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Judge every location on the errors of its window."""
    session = home.session
    run_date = date.fromisoformat(context.partition_key)
    policy = session.policy.deployment(run_date)
    settings = ReliabilitySettings(
        policy["records.chronic_receiving_rate"], policy["records.chronic_shrink_rate"],
        policy["records.chronic_action"], policy["records.chronic_buffer_rate"],
    )  # fmt: skip
    with session.stage("decide"), session.warehouse() as connection:
        sums = connection.execute(
            queries.ERRORS, {"day": run_date, "window": policy["records.reliability_days"]}
        ).to_arrow_table()
        judged = location_reliability(*(floats(sums, name) for name in queries.ERROR_SUMS), settings)
        table = pa.table({**{name: sums[name] for name in sums.column_names}, **vars(judged)})
        target = session.decision_file("location_reliability", run_date)
        rows = write_lake(target, queries.RELIABILITY, {"judged": table}, {"day": run_date})
    chronic = [
        name for name, action in zip(sums["location_id"].to_pylist(), judged.action, strict=True) if action != "none"
    ]
    return dg.MaterializeResult(metadata={"dagster/row_count": rows, "chronic": ", ".join(chronic) or "none"})
