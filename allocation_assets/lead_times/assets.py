"""Lead times as assets: what every lane takes, how suppliers kept their word, and when what is on order will come."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa

from allocation_assets.lead_times import queries
from allocation_assets.lead_times.lanes import (
    BASES,
    DRIFTS,
    Deliveries,
    LaneFigures,
    Lanes,
    LaneSettings,
    lane_figures,
    moments,
    quantile,
)
from allocation_assets.lead_times.predict import predict
from allocation_assets.policy import Policy
from allocation_assets.policy.columns import COLUMN_NAMES
from allocation_assets.policy.rules import KEYS
from allocation_assets.tables import floats, integers, truths, write_lake
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession

_DESCRIPTIONS = {
    "lead_times": "Lead time, delay, short and damaged rates of every lane as distributions, drawn towards sender and class of lanes; "
    "and whether the lane drifted.",
    "vendor_scorecards": "How suppliers kept their word: on time, in full, short and damaged, over a window; '*' = all of them.",
    "inbound_predictions": "When each open order line will be received and how much of it, beside what was promised.",
}


def settings_of(policy: Mapping[str, Any]) -> LaneSettings:
    """What the kernel needs of the deployment's policy."""
    return LaneSettings(**{name: policy[f"lead_times.{name}"] for name in LaneSettings.__dataclass_fields__})


def lanes_of(table: pa.Table, policy: Policy, run_date: date) -> Lanes:
    """The kernel's lanes; where none is stated a location's is what policy says, a supplier's `default_supplier_days`."""
    stated = floats(table, "lead_time_days", np.nan)
    attributes = {COLUMN_NAMES.get(key, (key,))[0]: pa.nulls(table.num_rows, pa.string()) for key in KEYS}
    attributes |= {"to_location_id": table["to_location_id"]}
    of_location = policy.resolve("lanes.default_lead_time_days", pa.table(attributes), run_date)["lanes.default_lead_time_days"]
    of_class = integers(table, "class_code")
    default = np.where(of_class == 1, policy.deployment(run_date)["lead_times.default_supplier_days"], of_location)
    return Lanes(
        integers(table, "sender"), of_class, np.where(np.isnan(stated), default, stated), ~np.isnan(stated),
        floats(table, "lead_time_sd_days", np.nan),
    )  # fmt: skip


def deliveries_of(table: pa.Table) -> Deliveries:
    """The kernel's view of `queries.DELIVERIES`."""
    return Deliveries(
        lane=integers(table, "lane"), order=integers(table, "order_code"), is_recent=truths(table, "is_recent"),
        **{name: floats(table, name, np.nan) for name in ("delay", "lead", "gap")},
        **{name: floats(table, name) for name in ("lines", "due", "received", "short", "damaged")},
    )  # fmt: skip


def figure_table(figures: LaneFigures, stated_days: np.ndarray, max_delay_days: int) -> pa.Table:
    """A row per lane: what `queries.LEAD_TIMES` publishes."""
    columns: dict[str, Any] = {"lane": np.arange(len(stated_days)), "stated_lead_days": stated_days}
    for name, table, first in (("lead", figures.lead, 0), ("delay", figures.delay, -max_delay_days)):
        columns[f"{name}_mean"], columns[f"{name}_variance"] = moments(table, first)
        columns |= {f"{name}_p{level}": quantile(table, first, level / 100) for level in (50, 90, 95)}
        columns[f"{name}_probabilities"] = _lists(np.round(table, 9))
    columns |= {name: getattr(figures, name) for name in ("orders", "lead_orders", "factor", "short_rate", "damaged_rate", "order_gap_days")}
    columns |= {"basis": _words(BASES, figures.basis), "late_share": figures.delay[:, max_delay_days + 1 :].sum(axis=1)}
    drift = figures.drift
    return pa.table(columns | {"drift_of": _words(DRIFTS, drift.of), "drift_days": drift.days, "drift_deviations": drift.deviations})


def _words(names: tuple[str, ...], codes: np.ndarray) -> pa.Array:
    return pa.array(np.array(names, object)[codes], pa.string())


def _lists(table: np.ndarray) -> pa.ListArray:
    """Rows (L, D) as lists without the zeros at their ends."""
    columns = np.arange(table.shape[1])
    length = np.where(table > 0, columns + 1, 0).max(axis=1, initial=0)
    offsets = np.concatenate([[0], np.cumsum(length)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(table[columns < length[:, None]]))


def predictions(open_lines: pa.Table, figures: LaneFigures) -> pa.Table:
    """The rows of `queries.OPEN_LINES` with what is predicted of them."""
    lane = integers(open_lines, "lane")
    ahead = predict(
        figures.delay, figures.short_rate, lane, integers(open_lines, "promised_days"), integers(open_lines, "units")
    )
    columns = {name: open_lines[name] for name in open_lines.column_names}
    columns |= {"p50_days": ahead.p50_days, "p90_days": ahead.p90_days, "predicted_units": ahead.units}
    return pa.table(columns | {"basis": _words(BASES, figures.basis[lane])})


def decide(session: RunSession, connection: duckdb.DuckDBPyConnection, run_date: date) -> dict[str, int]:
    """Read the window's deliveries, judge the lanes, predict what is open; returns rows per dataset."""
    policy, day = session.policy.deployment(run_date), {"day": run_date}
    window = day | {"window_days": policy["lead_times.window_days"]}
    recent, scored = (day | {name: policy[f"lead_times.{name}"]} for name in ("recent_days", "scorecard_days"))
    connection.execute(queries.DELIVERED, window | recent)
    connection.execute(queries.KNOWN_LANES, window)
    table = connection.execute(queries.LANES).to_arrow_table()
    lanes, settings = lanes_of(table, session.policy, run_date), settings_of(policy)
    figures = lane_figures(lanes, deliveries_of(connection.execute(queries.DELIVERIES).to_arrow_table()), settings)
    open_lines = connection.execute(queries.OPEN_LINES, day).to_arrow_table()
    tables = {
        "lanes": table,
        "figures": figure_table(figures, lanes.stated_days, settings.max_delay_days),
        "scorecards": connection.execute(queries.VENDOR_SCORECARDS, scored).to_arrow_table(),
        "predictions": predictions(open_lines, figures),
    }
    written = (
        ("lead_times", queries.LEAD_TIMES, window | {"max_delay_days": settings.max_delay_days}),
        ("vendor_scorecards", "FROM scorecards ORDER BY supplier_id", {}),
        ("inbound_predictions", queries.INBOUND_PREDICTIONS, day),
    )
    return {name: write_lake(session.decision_file(name, run_date), query, tables, said) for name, query, said in written}


@dg.multi_asset(
    name="lead_times",
    specs=[
        dg.AssetSpec(
            decision_key(name),
            deps=[mart_key(model) for model in ("int_deliveries", "int_lane_terms", "int_on_order", "shipment_lines", "applied_loads")],
            description=text,
            kinds={"python", "parquet"},
            group_name="decisions",
            owners=["team:planning"],
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=business_dates,
)
def lead_times(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
    """Judge the lanes and predict what is on order at the close of the run's date."""
    session = home.session
    with session.stage("decide"), session.warehouse() as connection:
        counts = decide(session, connection, date.fromisoformat(context.partition_key))
    for name in _DESCRIPTIONS:
        yield dg.MaterializeResult(asset_key=decision_key(name), metadata={"dagster/row_count": counts[name]})
