"""A small synthetic lake for dbt tests: load files in the lake's format, written without the intake.

`Lake(root)` writes zero-row placeholders for every dataset; `load` appends one load of one feed, `decide` and `carry`
write what the deciding assets of a date would. `run_dbt` runs the project on it in a subprocess, as the pipeline does.
Rows are dicts; a missing column is null. Values are ints, strings, dates, datetimes, bools or Decimals/floats/strings
for `num` columns.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from orchestration.dbt_parse import ensure_manifest

PROJECT = Path(__file__).resolve().parents[2] / "dbt_project"
PLACEHOLDER = date(1, 1, 1)

_TYPES = {
    "str": pa.string(),
    "int": pa.int64(),
    "num": pa.decimal128(18, 6),
    "double": pa.float64(),
    "doubles": pa.list_(pa.float64()),
    "int32": pa.int32(),
    "date": pa.date32(),
    "ts": pa.timestamp("us"),
    "bool": pa.bool_(),
    "list": pa.list_(pa.string()),
}

# One string a feed: `column:type`, str where no type is given; the columns of the landing contract.
_FEEDS = {
    "pos": "transaction_id line_no:int location_id sku_id units:int net_amount:num unit_list_price:num sold_at:ts channel promo_id customer_id",
    "returns": "return_id line_no:int location_id sku_id units:int disposition reason_code refund_amount:num original_transaction_id returned_at:ts",
    "receipts": "receipt_id line_no:int location_id sku_id units:int units_damaged:int source_type source_id source_line_no:int supplier_id from_location_id received_at:ts",
    "cycle_counts": "count_id line_no:int location_id sku_id counted_units:int counted_at:ts count_type counter_id reason_code",
    "adjustments": "adjustment_id location_id sku_id units:int reason_code count_id approved_by adjusted_at:ts",
    "shipments": "shipment_id line_no:int from_location_id to_location_id sku_id units:int shipped_at:ts expected_date:date allocation_id",
    "orders": "order_id line_no:int sku_id units:int channel ordered_at:ts promised_date:date customer_tier ship_to_region status ship_from_location_id allow_split:bool",
    "stock_outs": "location_id sku_id hours_out:num hours_open:num",
    "overrides": "override_id sku_id to_location_id from_location_id kind units:int reason_code requested_by approved_by expires_on:date",
    "approvals": "approval_id dataset row_key decision decided_by role decided_at:ts",
    "items": "sku_id style_id description colour size department class subclass brand supplier_id unit_cost:num unit_price:num case_pack:int cube:num season lifecycle launch_date:date like_sku_id strategic:bool ownership shelf_life_days:int",
    "locations": "location_id name location_type channel region cluster tier supplied_by open_date:date close_date:date receiving_days receiving_capacity_units:int dispatch_capacity_units:int dispatch_capacity_lines:int storage_capacity_units:int",
    "inventory_snapshot": "location_id sku_id on_hand:int damaged:int reserved:int as_of:ts",
    "lanes": "from_id to_location_id lead_time_days:num lead_time_sd_days:num ship_days cutoff_time cost_per_unit:num cost_per_shipment:num min_order_units:int order_multiple mode",
    "purchase_orders": "po_id line_no:int supplier_id location_id sku_id ordered_units:int received_units:int expected_date:date confirmed_units:int asn_id crossdock:bool status",
    "promotions": "promo_id sku_id location_id start_date:date end_date:date kind promo_price:num expected_uplift:num protect_units:int",
    "assortment": "sku_id location_id start_date:date end_date:date presentation_min:int shelf_capacity:int status",
    "vendor_contracts": "supplier_id sku_id location_id kind min_units:int max_units:int min_share:num start_date:date end_date:date",
    "budgets": "department month:date planned_sales:num planned_markdowns:num planned_eom_inventory:num planned_receipts:num",
}
_ORIGIN = "business_date:date source_file source_line:int"
_LOAD_FILES = {
    "quarantine": "feed business_date:date source_file source_line:int raw_text reasons:list detail first_seen:date",
    "resolved": "feed business_date:date source_file source_line:int resolved_on:date",
    "accounting": "feed business_date:date source_file sha256 rows_landed:int rows_loaded:int rows_duplicate:int rows_quarantined:int rows_late:int is_readable:bool problem size_bytes:int mtime_ns:int provenance",
}
_PAIR = "from_location_id to_location_id sku_id"
_DECISIONS = {
    "demand_forecasts": "business_date:date location_id sku_id daily_mean:double dispersion:double p50:int p90:int p95:int p99:int horizon_days:int next_day_mean:double next_day_dispersion:double base_daily_mean:double method observed_days:double censored_days:int",
    "sku_segments": "business_date:date sku_id abc xyz demand_class velocity margin_rate:double lifecycle strategic:bool service_target:double",
    "allocations": f"business_date:date allocation_id {_PAIR} is_firm:bool units:int cases:int ship_date:date arrival_date:date channel priority_rank:int expected_units_sold_uplift:double marginal_value:num opportunity_cost:num binding_constraint rule_id override_id approval_status scenario_id",
    "allocation_needs": f"business_date:date {_PAIR} channel department need_units:int allocated_units:int shorted_units:int on_hand:int believed_on_hand:int probability_wrong:double record_action record_buffer_rate:double in_transit:int position_units:int supply_units:int daily_mean:double dispersion:double horizon_days:int case_pack:int presentation_min:int shelf_capacity:int marginal_value:num next_case_value:num opportunity_cost:num objective_value:num objective_bound:num presentation_bonus:num binding_constraint rule_id override_id ship_date:date arrival_date:date is_blocked:bool receiving_capacity_units:int dispatch_capacity_units:int dispatch_capacity_lines:int order_units:int min_ship_units:int line_cost:num pool pool_cap_units:int forced_units:int least_change kept_value_per_unit:num supply_price:num pool_price:num receiving_price:num dispatch_price:num line_price:num is_repaired:bool",
    "approval_outcomes": "business_date:date approval_id dataset row_key kind about_date:date location_id sku_id source_id decision decided_by role decided_at:ts outcome",
    "variance_causes": "business_date:date counted_on:date location_id sku_id count_id cause units:int evidence_feed evidence_key",
    "adjustments_proposed": "business_date:date location_id sku_id source_id row_key kind about_date:date proposed_on:date book_units:int counted_units:int variance_units:int variance_value:num root_cause action approval_status approver_role approvals_needed:int approvals_given:int approved_by proposed_by disposition expected_recovery:num due_on:date closed_on:date reason policy_version",
    "record_beliefs": "business_date:date location_id sku_id book_on_hand:int believed_on_hand:int probability_wrong:double probability_empty:double probability_hidden:double zero_sales_days:int days_since_count:int evidence",
    "exceptions": "business_date:date exception_id kind cause_key severity sku_id location_id value_at_risk:num owner_role opened_on:date due_on:date resolved_on:date escalation_level:int status evidence detail recommended_action",
    "demand_signals": "business_date:date location_id sku_id signal direction observed_on:date value:double threshold:double units:double value_at_risk:num detail",
    "lead_times": "business_date:date from_id to_location_id lane_class window_days:int32 orders:int lead_orders:int basis credibility:double stated_lead_days:double lead_mean_days:double lead_variance_days2:double lead_p50_days:int32 lead_p90_days:int32 lead_p95_days:int32 order_gap_days:double delay_mean_days:double delay_variance_days2:double delay_p50_days:int32 delay_p90_days:int32 delay_p95_days:int32 late_share:double short_rate:double damaged_rate:double arrivals:int last_arrived_on:date mean_gap_days:double drift_of drift_days:double drift_deviations:double lead_probabilities:doubles delay_from_days:int32 delay_probabilities:doubles",
    "replenishment_orders": "business_date:date supplier_id location_id sku_id department location_type units:int case_pack:int cases:int order_multiple:int order_date:date expected_date:date reorder_point:int order_up_to:int inventory_position:int safety_stock:int on_hand:int in_transit:int on_order:int backorders:int reserved:int stock_below:int lead_time_days:double review_days:int32 daily_mean:double dispersion:double policy basis binding_constraint expected_lost_sales_avoided:double holding_added:num expected_benefit:num order_value:num ownership contract_min:int contract_max:int approval_status held_reason held_under overrun:num overrun_units:int approver_role approvals_needed:int32 approvals_given:int32 approved_by proposed_on:date due_on:date rule_id scenario_id",
    "stock_out_causes": "business_date:date location_id sku_id department cause kind basis share:num position_units:num position_value:num value:num evidence_dataset evidence_key evidence_rows:int",
    "service_levels": "business_date:date segment location_type pairs:int daily_mean_units:double fill_rate_aimed_at:double cycle_service_aimed_at:double recommended_service_target:double recommended_cycle_service:double point_cost_per_day:num point_gain_per_day:num position_units:int level_units:int recommended_level_units:int removable_units:int removable_value:num removable_holding_per_day:num",
    "stock_placement": "business_date:date dc_location_id segment location_id is_dc:bool skus:int service_target:double stage_days:int service_days:int net_lead_days:int daily_sd_units:double safety_stock_units:double cost_per_day:num cost_at_stores_per_day:num",
    "inbound_predictions": "business_date:date po_id location_id sku_id supplier_id promised_date:date promised_units:int predicted_date:date predicted_date_p90:date predicted_units:int is_past_due:bool basis",
    "forecast_accuracy": "business_date:date evaluated_on:date level segment method is_champion:bool windows:int32 series:int scored_days:int scored_units:num wape:double wape_mean:double bias:double mase:double rmsse:double scaled_pinball_loss:double weighted_quantile_loss:double coverage_50:double coverage_80:double coverage_95:double pit_80:double wape_difference:double wape_difference_low:double wape_difference_high:double pinball_difference:double pinball_difference_low:double pinball_difference_high:double",
    "vendor_scorecards": "business_date:date supplier_id window_days:int32 orders:int lines:int overdue_lines:int on_time_rate:double in_full_rate:double otif_rate:double short_rate:double damaged_rate:double mean_delay_days:double ordered_units:int received_units:int short_units:int damaged_units:int short_value:num",
    "allocation_certificate": "business_date:date from_location_id objective_value:num objective_bound:num presentation_bonus:num optimality_gap:double",
}
_CARRY = f"business_date:date kind {_PAIR} units:int ship_date:date arrival_date:date decided_on:date"
_RUNS = "business_date:date run_id started_at:ts policy_hash input_hash code_version seconds_ingest:double seconds_inventory:double seconds_decide:double seconds_gates:double rows_landed:int rows_loaded:int rows_quarantined:int allocation_lines:int objective_value:num objective_bound:num optimality_gap:double is_cold_start:bool warnings:list provenance"

Row = Mapping[str, Any]


def _schema(columns: str) -> pa.Schema:
    pairs = [[*c.split(":"), "str"][:2] for c in columns.split()]
    return pa.schema([(name, _TYPES[kind]) for name, kind in pairs])


def _typed(value: Any, kind: pa.DataType) -> Any:
    if value is None:
        return None
    if pa.types.is_decimal(kind):
        return Decimal(str(value)).quantize(Decimal("0.000001"))
    if isinstance(value, str) and pa.types.is_date(kind):
        return date.fromisoformat(value)
    if isinstance(value, str) and pa.types.is_timestamp(kind):
        return datetime.fromisoformat(value)
    return value


def _write(path: Path, columns: str, rows: Iterable[Row]) -> None:
    schema = _schema(columns)
    rows = list(rows)
    for row in rows:
        unknown = set(row) - set(schema.names)
        if unknown:
            raise ValueError(f"{path.parent.name}: unknown columns {sorted(unknown)}")
    data = [[_typed(r.get(f.name), f.type) for r in rows] for f in schema]
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        pa.Table.from_arrays([pa.array(d, f.type) for d, f in zip(data, schema, strict=True)], schema=schema), path
    )


@dataclass
class Lake:
    """A lake under `root`; loads are numbered from 1 in the order of `load` calls."""

    root: Path
    _loads: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        for feed in _FEEDS:
            self._write_load(feed, PLACEHOLDER, 0, [], [], [])
        for dataset in _DECISIONS:
            self.decide(dataset, PLACEHOLDER, [])
        self.carry(PLACEHOLDER, [])
        _write(self.root / "runs" / f"business_date={PLACEHOLDER}" / "data.parquet", _RUNS, [])

    def load(
        self,
        feed: str,
        posted_on: date,
        rows: Sequence[Row] = (),
        *,
        landed: Sequence[date] = (),
        quarantined: Sequence[Row] = (),
        resolved: Sequence[Row] = (),
    ) -> int:
        """Append one load of `rows` (each with its `business_date`); `landed` adds dates that landed without a row."""
        self._loads += 1
        typed = [dict(r, business_date=_typed(r["business_date"], pa.date32())) for r in rows]
        typed.sort(key=lambda r: (r["business_date"], r.get("source_file", "")))
        for line, row in enumerate(typed, start=2):
            row.setdefault("source_file", f"{feed}.csv")
            row.setdefault("source_line", line + 100_000 * self._loads)
        counts = {d: 0 for d in landed}
        for row in typed:
            counts[row["business_date"]] = counts.get(row["business_date"], 0) + 1
        files = [self._account(feed, d, posted_on, n, quarantined) for d, n in sorted(counts.items())]
        self._write_load(feed, posted_on, self._loads, typed, files, quarantined, resolved)
        return self._loads

    def decide(self, dataset: str, business_date: date, rows: Iterable[Row]) -> None:
        """Write the decisions of one date."""
        path = self.root / "decisions" / dataset / f"business_date={business_date}" / "data.parquet"
        _write(path, _DECISIONS[dataset], [{"business_date": business_date, **r} for r in rows])

    def carry(self, business_date: date, rows: Iterable[Row]) -> None:
        """Write the firm lines that one date hands to the next."""
        path = self.root / "carry" / f"business_date={business_date}" / "data.parquet"
        _write(path, _CARRY, [{"business_date": business_date, "kind": "firm_line", **r} for r in rows])

    def run(self, business_date: date, row: Row) -> None:
        """Write the facts of one run."""
        path = self.root / "runs" / f"business_date={business_date}" / "data.parquet"
        _write(path, _RUNS, [{"business_date": business_date, **row}])

    def _account(self, feed: str, day: date, posted_on: date, loaded: int, quarantined: Sequence[Row]) -> Row:
        refused = sum(1 for q in quarantined if _typed(q["business_date"], pa.date32()) == day)
        name = f"{feed}.csv"
        return {
            "feed": feed,
            "business_date": day,
            "source_file": name,
            "sha256": hashlib.sha256(f"{feed}{day}{self._loads}".encode()).hexdigest(),
            "rows_landed": loaded + refused,
            "rows_loaded": loaded,
            "rows_duplicate": 0,
            "rows_quarantined": refused,
            "rows_late": loaded if posted_on > day else 0,
            "is_readable": True,
            "size_bytes": 1,
            "mtime_ns": 1,
            "provenance": "simulated",
        }

    def _write_load(
        self,
        feed: str,
        posted_on: date,
        load: int,
        rows: Sequence[Row],
        accounting: Sequence[Row],
        quarantined: Sequence[Row] = (),
        resolved: Sequence[Row] = (),
    ) -> None:
        folder = self.root / "loads" / feed / f"posted_on={posted_on}" / f"load={load:06d}"
        raw = f"{_FEEDS[feed]} {_ORIGIN}"
        _write(folder / "raw.parquet", raw, rows)
        _write(folder / "held.parquet", raw, [])
        _write(folder / "accounting.parquet", _LOAD_FILES["accounting"], accounting)
        _write(folder / "quarantine.parquet", _LOAD_FILES["quarantine"], quarantined)
        _write(folder / "resolved.parquet", _LOAD_FILES["resolved"], resolved)


# dbt keeps its DuckDB connection until the process ends: a child per warehouse, told what to do line by line. A call marks
# the manifest that it is given, so each one reads its own.
_CHILD = """
import json, os, sys
from pathlib import Path
from dbt.cli.main import dbtRunner
from orchestration.dbt_child import say_no_more_than_is_read
from orchestration.dbt_parse import load_parsed
say_no_more_than_is_read()
database = Path(os.environ["ALLOCATOR_WAREHOUSE"])
for line in sys.stdin:
    manifest = load_parsed(database) if {reuses} else None
    done = dbtRunner(manifest=manifest).invoke(json.loads(line))
    print(f"\\n@@ {{int(done.success)}} {{done.exception or ''}}", flush=True)
"""


class DbtSession:
    """A child process in which dbt runs on one warehouse, call after call; a call costs about 3 s of start-up less.

    A `warehouse` named `warehouse.duckdb` reads the project parsed once, as the steps of a run do; `parses_anew` leaves
    the parse to dbt, as does any other name (relations carry it).
    """

    def __init__(self, lake: Lake, warehouse: Path, *, parses_anew: bool = False) -> None:
        self._lake = lake
        if not parses_anew:
            ensure_manifest()
        environment = {
            **os.environ,
            "ALLOCATOR_WAREHOUSE": str(warehouse),
            "DBT_TARGET_PATH": str(warehouse.parent / f"target-{warehouse.stem}"),
            "DBT_LOG_PATH": str(warehouse.parent / f"logs-{warehouse.stem}"),
        }
        self._child = subprocess.Popen(
            [sys.executable, "-c", _CHILD.format(reuses=not parses_anew)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def __enter__(self) -> DbtSession:
        return self

    def __exit__(self, *_: object) -> None:
        self._child.stdin.close()
        self._child.stdout.close()
        self._child.wait()

    def run(
        self,
        *arguments: str,
        run_date: date,
        state_from: date | None = None,
        state_to: date | None = None,
        variables: Mapping[str, Any] | None = None,
    ) -> str:
        """Run `dbt <arguments>` for one state range (default: the run date alone); returns dbt's output.

        Raises:
            AssertionError: dbt failed; the message is its output.
        """
        values = {
            "lake": str(self._lake.root),
            "run_date": str(run_date),
            "state_from": str(state_from or run_date),
            "state_to": str(state_to or run_date),
            **(variables or {}),
        }
        project = ["--project-dir", str(PROJECT), "--profiles-dir", str(PROJECT)]
        self._child.stdin.write(json.dumps([*arguments, "--vars", json.dumps(values), *project]) + "\n")
        self._child.stdin.flush()
        output = []
        for line in self._child.stdout:
            if line.startswith("@@ "):
                assert line.startswith("@@ 1"), "".join([*output, line])
                return "".join(output)
            output.append(line)
        raise AssertionError("dbt died:\n" + "".join(output))


def run_dbt(*arguments: str, lake: Lake, warehouse: Path, **range_and_variables: Any) -> str:
    """One call of `DbtSession.run` in a session of its own."""
    with DbtSession(lake, warehouse) as session:
        return session.run(*arguments, **range_and_variables)


def days(first: date, count: int) -> list[date]:
    """`count` consecutive dates from `first`."""
    return [first + timedelta(days=i) for i in range(count)]
