"""Signals as an asset: the date's sales against the forecast that the date before made of them."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allocation_assets.placeholders import NEVER
from allocation_assets.signals import queries
from allocation_assets.signals.monitor import SERIES_STATE, SIGNALS, Flags, Observed, SignalSettings, SignalState, watch
from allocation_assets.tables import floats, integers, write_lake, write_table
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession
from orchestration.run_facts import carry_file, predecessor


def settings_of(policy: Mapping[str, Any]) -> SignalSettings:
    """Limits of the signals from the deployment's policy."""
    return SignalSettings(**{name: policy[f"signals.{name}"] for name in SignalSettings.__dataclass_fields__})


def previous_files(session: RunSession, run_date: date) -> tuple[Path, Path, Path | None]:
    """Forecasts and signals of the date before (the files without rows on a cold start) and the folder of its carry."""
    before = predecessor(session, run_date)
    never = date.fromisoformat(NEVER)
    files = [session.decision_file(name, before or never) for name in ("demand_forecasts", "demand_signals")]
    names = ("demand_forecasts", "demand_signals")
    found = [
        file if file.exists() else session.decision_file(name, never) for name, file in zip(names, files, strict=True)
    ]
    return found[0], found[1], carry_file(session, before).parent if before else None


def seen_of(table: pa.Table, skus: pa.Array, days: int) -> Observed:
    """The kernel's view of `queries.WATCHED`; `skus` are its items, in the order of their codes."""
    places = pc.unique(table["location_id"])
    return Observed(
        sku=pc.index_in(table["sku_id"], value_set=skus).to_numpy(zero_copy_only=False).astype(np.int64),
        location=pc.index_in(table["location_id"], value_set=places).to_numpy(zero_copy_only=False).astype(np.int64),
        mean=floats(table, "next_day_mean"), dispersion=floats(table, "next_day_dispersion", 1.0), units=floats(table, "units"),
        exposure=floats(table, "exposure", 1.0), is_bound=integers(table, "is_bound").astype(bool),
        is_on_sale=integers(table, "is_on_sale").astype(bool), days=days,
    )  # fmt: skip


def flag_table(flags: Flags, table: pa.Table, skus: pa.Array, stops: np.ndarray) -> pa.Table:
    """Flags with the names of what they are of; a stop is of a SKU at all locations ('*')."""
    is_stop = flags.signal == SIGNALS.index("stop")
    series, item = np.where(is_stop, 0, flags.row), np.where(is_stop, flags.row, 0)
    if table.num_rows == 0:
        names = {"location_id": pa.array([], pa.string()), "sku_id": pa.array([], pa.string())}
    else:
        mask = pa.array(is_stop)
        names = {
            "location_id": pc.if_else(mask, "*", table["location_id"].combine_chunks().take(pa.array(series))),
            "sku_id": pc.if_else(
                mask, skus.take(pa.array(item)), table["sku_id"].combine_chunks().take(pa.array(series))
            ),
        }
    periods = stops[1][item] if len(stops[1]) else np.zeros(len(item))
    figures = {name: getattr(flags, name) for name in ("is_up", "value", "threshold", "units")}
    return pa.table({"signal": np.asarray(SIGNALS)[flags.signal], **names, "periods": periods, **figures})


def decide(session: RunSession, connection: duckdb.DuckDBPyConnection, run_date: date) -> int:
    """Watch the date, write its signals and hand the state on; returns rows."""
    policy = session.policy.deployment(run_date)
    forecasts, previous, folder = previous_files(session, run_date)
    queries.open_carried(connection, folder)
    table = connection.execute(queries.WATCHED, {"forecasts": str(forecasts), "day": run_date}).to_arrow_table()
    skus = pc.unique(table["sku_id"])
    carried = connection.execute(queries.CARRIED_STOPS).to_arrow_table()
    at = pc.index_in(skus, value_set=carried["sku_id"].combine_chunks()).fill_null(-1).to_numpy(zero_copy_only=False)
    stops = np.stack([np.append(floats(carried, name), 0.0)[at] for name in ("log_chance", "periods")])
    state = SignalState(np.stack([floats(table, name) for name in SERIES_STATE]).astype(np.float32), stops)
    days = 7 if policy["calendar.period"] == "week" else 1
    after, flags = watch(seen_of(table, skus, days), state, settings_of(policy))
    tables = {
        "flags": flag_table(flags, table, skus, after.stops),
        "money": connection.execute(queries.MONEY).to_arrow_table(),
    }
    said = {"day": run_date, "previous": str(previous), "value_days": policy["signals.value_days"],
            "event_days": policy["exceptions.event_days"]}  # fmt: skip
    rows = write_lake(session.decision_file("demand_signals", run_date), queries.SIGNALS, tables, said)
    target = carry_file(session, run_date).parent
    series = dict(zip(SERIES_STATE, after.series, strict=True))
    write_table(
        target / queries.SERIES, pa.table({"sku_id": table["sku_id"], "location_id": table["location_id"], **series})
    )
    write_table(
        target / queries.STOPS, pa.table({"sku_id": skus, "log_chance": after.stops[0], "periods": after.stops[1]})
    )
    return rows


@dg.asset(
    key=decision_key("demand_signals"),
    # Forecasts are those of the date before, by file (semantics 6): not the asset of this run, or the graph were a circle.
    deps=[mart_key(model) for model in ("int_demand_daily", "int_active_pairs", "int_items", "applied_loads")],
    partitions_def=business_dates,
    group_name="decisions",
    owners=["team:planning"],
    kinds={"python", "parquet"},
    description="Where the date's sales say that the forecast is biased, a sale is an outlier, the level broke or an item stopped "
    "selling. Method: allocation_assets/signals/monitor.py.",
)
def demand_signals(context: dg.AssetExecutionContext, home: HomeResource) -> dg.MaterializeResult:
    """Watch demand at the close of the run's date."""
    session = home.session
    with session.stage("decide"), session.warehouse() as connection:
        rows = decide(session, connection, date.fromisoformat(context.partition_key))
    return dg.MaterializeResult(metadata={"dagster/row_count": rows})
