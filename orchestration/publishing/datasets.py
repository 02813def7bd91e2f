"""The published datasets, declared once: where each comes from, its key, and which dates it has.

Adding a dataset is adding a row here (and its columns to the dbt docs). `published.md` is the contract.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal


@dataclass(frozen=True)
class Dataset:
    """One published dataset.

    source: `warehouse` (a dbt mart), `decisions` or `quality` (lake Parquet of the run's date), `audit` (what earlier
        releases hold, plus the run's entries and seals; see audit.py).
    key: columns of the grain; rows are written in this order, which makes the bytes a function of the content.
    dates: `run` = only dates that were run; `all` = history taken in as well (semantics 3); `tail` = every run writes
        to the newest one.
    windowed: SKU x location grain, so the published database holds only the newest `publish.window_days`.
    is_restated: late facts rewrite it (semantics 4); decisions never are.
    has_clock: its bytes differ from run to run.
    is_sealed: the audit log vouches for each of its files. append_only_by: the id whose rows no release may drop or edit.
    """

    name: str
    source: Literal["warehouse", "decisions", "quality", "audit"]
    key: tuple[str, ...]
    dates: Literal["run", "all", "tail"]
    windowed: bool
    is_restated: bool
    has_clock: bool = False
    is_sealed: bool = False
    append_only_by: str | None = None


DATASETS: tuple[Dataset, ...] = (
    Dataset(
        "allocations", "decisions", ("from_location_id", "to_location_id", "sku_id"), "run", True, False, is_sealed=True
    ),
    Dataset("allocation_needs", "decisions", ("from_location_id", "to_location_id", "sku_id"), "run", True, False),
    Dataset("demand_forecasts", "decisions", ("location_id", "sku_id"), "run", True, False),
    Dataset("demand_signals", "decisions", ("location_id", "sku_id", "signal"), "run", True, False),
    Dataset("forecast_accuracy", "decisions", ("level", "segment", "method"), "run", False, False),
    Dataset("sku_segments", "decisions", ("sku_id",), "run", True, False),
    Dataset("sku_segment_changes", "decisions", ("sku_id", "dimension"), "run", True, False),
    Dataset(
        "adjustments_proposed", "decisions", ("location_id", "sku_id", "source_id"), "run", True, False, is_sealed=True
    ),
    Dataset("record_beliefs", "decisions", ("location_id", "sku_id"), "run", True, False),
    Dataset("count_list", "decisions", ("location_id", "sku_id"), "run", True, False),
    Dataset("location_reliability", "decisions", ("location_id",), "run", False, False),
    Dataset("lead_times", "decisions", ("from_id", "to_location_id"), "run", True, False),
    Dataset("vendor_scorecards", "decisions", ("supplier_id",), "run", False, False),
    Dataset("inbound_predictions", "decisions", ("po_id", "location_id", "sku_id"), "run", True, False),
    Dataset("replenishment_orders", "decisions", ("supplier_id", "location_id", "sku_id"), "run", True, False),
    Dataset("service_levels", "decisions", ("segment", "location_type"), "run", False, False),
    Dataset("stock_placement", "decisions", ("dc_location_id", "segment", "location_id"), "run", False, False),
    Dataset("open_to_buy", "warehouse", ("department", "month"), "run", False, False),
    Dataset("stock_out_causes", "decisions", ("location_id", "sku_id", "cause"), "run", True, False),
    Dataset("exceptions", "decisions", ("exception_id",), "run", True, False),
    Dataset("inventory_positions", "warehouse", ("location_id", "sku_id"), "run", True, True),
    Dataset("reconciliations", "warehouse", ("location_id", "sku_id"), "run", True, True),
    Dataset("shipment_lines", "warehouse", ("shipment_id", "line_no", "to_location_id", "sku_id"), "run", True, True),
    Dataset("fact_flags", "warehouse", ("feed", "source_key", "flag"), "all", True, True),
    Dataset(
        "stock_ledger", "warehouse", ("movement_id",), "all", True, True, is_sealed=True, append_only_by="movement_id"
    ),
    Dataset("kpi_daily", "warehouse", ("location_id", "department"), "all", False, True),
    Dataset("kpi_periods", "warehouse", ("period", "dimension", "member", "department"), "all", False, True),
    Dataset("allocation_performance", "warehouse", ("channel", "department"), "run", False, False),
    Dataset("feed_accounting", "warehouse", ("feed", "file"), "all", False, True),
    Dataset("quarantine", "warehouse", ("feed", "file", "line"), "all", False, True),
    Dataset("quality_results", "quality", ("suite", "dataset", "expectation"), "run", False, False),
    Dataset("run_summary", "warehouse", (), "run", False, False, has_clock=True),
    Dataset("audit_log", "audit", ("sequence",), "tail", False, False),
)

BY_NAME = {dataset.name: dataset for dataset in DATASETS}


def partition_file(dataset: str, day: date) -> str:
    """Path of one dataset's file of one date, relative to `published/`."""
    return f"{dataset}/business_date={day}/data.parquet"
