"""Segments as assets: one row per SKU with its classes and service target, and what changed since the date before."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import dagster as dg
import duckdb
import numpy as np
import pyarrow as pa

from allocation_assets.segmentation import queries
from allocation_assets.segmentation.carry import SEGMENTS, read_memory, write_memory
from allocation_assets.segmentation.changes import Memory, segment_changes
from allocation_assets.segmentation.classify import SegmentInput, SegmentPolicy, segment_skus
from allocation_assets.segmentation.lifecycle import LifecycleInput, lifecycle_of
from allocation_assets.tables import dates, floats, integers, texts, write_lake
from orchestration.gates import decision_key, mart_key
from orchestration.partitions import business_dates
from orchestration.resources import HomeResource, RunSession
from orchestration.run_facts import carry_file, predecessor

_FIGURES = (
    "gross_margin", "net_sales", "units", "weeks", "weekly_sum", "weekly_sum_sq", "periods", "sold_periods", "size_spread",
    "size_freedom",
)  # fmt: skip
_DESCRIPTIONS = {
    "sku_segments": "ABC by margin (or what policy chooses), XYZ, demand class, velocity, lifecycle and service target per SKU; "
    "classes are held against noise.",
    "sku_segment_changes": "Classes that changed on the date, with the measure and the boundary that it passed.",
}


def policy_of(policy: Mapping[str, Any]) -> SegmentPolicy:
    """Limits of the classes from the deployment's policy."""
    return SegmentPolicy(
        abc_by=policy["segmentation.abc_by"],
        abc_a=policy["segmentation.abc_a_share"],
        abc_b=policy["segmentation.abc_b_share"],
        xyz_x=policy["segmentation.xyz_x_cv"],
        xyz_y=policy["segmentation.xyz_y_cv"],
        fast_units_per_week=policy["segmentation.fast_units_per_week"],
        medium_units_per_week=policy["segmentation.medium_units_per_week"],
        intermittent_interval=policy["segmentation.intermittent_interval"],
        erratic_variation=policy["segmentation.erratic_variation"],
        service_target_a=policy["service.target_a"],
        service_target_b=policy["service.target_b"],
        service_target_c=policy["service.target_c"],
        service_target_strategic=policy["service.target_strategic"],
        hysteresis=policy["segmentation.hysteresis"],
        confirm_days=policy["segmentation.confirm_days"],
    )


def stages_of(table: pa.Table, run_date: date, policy: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Lifecycle (n,) and its basis (n,) of the SKUs of `queries.WINDOW`."""
    seen = LifecycleInput(
        texts(table, "lifecycle"), dates(table, "launch_date"), dates(table, "first_seen"),
        integers(table, "is_taken_over").astype(bool), dates(table, "last_sold"), integers(table, "is_past_exit").astype(bool),
    )  # fmt: skip
    return lifecycle_of(
        seen, np.datetime64(run_date), policy["segmentation.new_days"], policy["segmentation.exit_days"]
    )


def decide(session: RunSession, connection: duckdb.DuckDBPyConnection, run_date: date) -> dict[str, int]:
    """Classify every SKU of the items master on the memory of the date before; write both datasets and the memory."""
    policy = session.policy.deployment(run_date)
    window = {"day": run_date, "window": policy["demand.window_days"]}
    table = connection.execute(queries.WINDOW, window).to_arrow_table()
    before = predecessor(session, run_date)
    memory = read_memory(carry_file(session, before).with_name(SEGMENTS) if before else None, table["sku_id"])
    data = SegmentInput(
        key=table["sku_id"].to_numpy(zero_copy_only=False).astype(str), **{name: floats(table, name) for name in _FIGURES},
        is_strategic=integers(table, "is_strategic").astype(bool),
    )  # fmt: skip
    segments = segment_skus(data, policy_of(policy), memory.held, (run_date - before).days if before else 1)
    lifecycle, basis = stages_of(table, run_date, policy)
    changes = segment_changes(memory, segments, lifecycle, basis)
    classes = {name: values for name, values in vars(segments).items() if name not in ("scales", "held")}
    tables = {
        "segments": pa.table({"row": np.arange(table.num_rows), "sku_id": table["sku_id"], "lifecycle": lifecycle,
                              "is_strategic": table["is_strategic"], **classes}),
        "changes": pa.table(vars(changes)),
    }  # fmt: skip
    said = {"abc_by": policy["segmentation.abc_by"], "new_days": policy["segmentation.new_days"],
            "exit_days": policy["segmentation.exit_days"]}  # fmt: skip
    rows = {
        name: write_lake(session.decision_file(name, run_date), query, tables, {"day": run_date} | extra)
        for name, query, extra in (
            ("sku_segments", queries.SEGMENTS, {}),
            ("sku_segment_changes", queries.CHANGES, said),
        )
    }
    now = Memory(segments.held, segments.demand_class, lifecycle)
    write_memory(carry_file(session, run_date).with_name(SEGMENTS), table["sku_id"], memory, now)
    return rows


@dg.multi_asset(
    name="segment_skus",
    specs=[
        dg.AssetSpec(
            decision_key(name),
            deps=[mart_key(model) for model in
                  ("int_demand_daily", "int_items", "int_assortment", "int_business_dates", "inventory_positions", "applied_loads")],
            description=text,
            kinds={"python", "parquet"},
            group_name="decisions",
            owners=["team:planning"],
        )
        for name, text in _DESCRIPTIONS.items()
    ],
    partitions_def=business_dates,
)  # fmt: skip
def sku_segments(context: dg.AssetExecutionContext, home: HomeResource) -> Iterator[dg.MaterializeResult]:
    """Segment the SKUs at the close of the run's date."""
    session = home.session
    with session.stage("decide"), session.warehouse() as connection:
        counts = decide(session, connection, date.fromisoformat(context.partition_key))
    for name in _DESCRIPTIONS:
        yield dg.MaterializeResult(asset_key=decision_key(name), metadata={"dagster/row_count": counts[name]})
