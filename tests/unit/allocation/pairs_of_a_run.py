"""Pairs of a run by hand: tables with the columns of int_allocation_pairs and int_dc_supply, and a policy from rules."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa

from allocation_assets.allocation.calendar import EVERY_DAY, shipping_schedule
from allocation_assets.allocation.trust import RecordTrust
from allocation_assets.policy import Policy, load_policy
from allocation_assets.schedule import PARAMETERS, ScheduledPairs

#: A Monday.
DAY = date(2026, 11, 23)
_TEXT = {
    "from_location_id": "DC1", "to_location_id": "S1", "sku_id": "A", "department": "dry", "channel": "store", "region": None,
    "cluster": None, "tier": None, "location_type": "store", "override_id": None, "order_multiple": None, "segment": "A", "lifecycle": "core",
}  # fmt: skip
_UNITS = {
    "case_pack": 1, "on_hand": 0, "reserved": 0, "committed": 0, "in_transit": 0, "firm_units": 0, "open_order_units": 0,
    "presentation_min": 0, "shelf_capacity": None, "receiving_capacity_units": None, "min_units": None, "max_units": None,
    "min_order_units": None, "release_days": 1,
}  # fmt: skip
_MONEY = {"unit_cost": 4.0, "unit_price": 10.0, "cost_per_unit": 0.0}
_TRUTHS = {"is_blocked": False, "is_protected": False}
_DATES = {"last_moved_date": None}
_SUPPLY = {
    "available": 100, "protected_units": 0, "next_inbound_units": None, "dispatch_capacity_units": None, "dispatch_capacity_lines": None,
}  # fmt: skip


def _column(rows: list[dict], name: str, default, kind: pa.DataType) -> pa.Array:
    return pa.array([row.get(name, default) for row in rows], kind)


def pair_table(rows: list[dict]) -> pa.Table:
    """Pairs in the order given; what a row does not name has its default."""
    parts = [(_TEXT, pa.string()), (_UNITS, pa.int64()), (_MONEY, pa.float64()), (_TRUTHS, pa.bool_()), (_DATES, pa.date32())]
    known = {name for columns, _ in parts for name in columns}
    assert all(set(row) <= known for row in rows)
    return pa.table({n: _column(rows, n, default, kind) for columns, kind in parts for n, default in columns.items()})


def policy_of_rules(folder: Path, *rules: str) -> Policy:
    """The packaged policy with a deployment's rules over it."""
    folder.mkdir(exist_ok=True)
    (folder / "rules.yaml").write_text("version: 1\nrules:\n" + "".join(f"  - {rule}\n" for rule in rules))
    return load_policy(folder) if rules else load_policy()


def pairs_of(rows: list[dict], policy: Policy | None = None) -> ScheduledPairs:
    """Pairs that ship every day and arrive the day after."""
    table = pair_table(rows)
    n = table.num_rows
    schedule = shipping_schedule(DAY, np.full(n, EVERY_DAY), np.ones(n), np.full(n, EVERY_DAY))
    values = (policy or load_policy()).resolve(list(PARAMETERS), table, DAY)
    return ScheduledPairs(table, values, schedule, np.ones(n, bool))


def supply_of(*rows: dict) -> pa.Table:
    """Stock rows of DC1, item A unless said otherwise."""
    columns = {"location_id": _column(list(rows), "location_id", "DC1", pa.string())}
    columns["sku_id"] = _column(list(rows), "sku_id", "A", pa.string())
    columns |= {name: _column(list(rows), name, default, pa.int64()) for name, default in _SUPPLY.items()}
    columns["next_inbound_date"] = _column(list(rows), "next_inbound_date", None, pa.date32())
    return pa.table(columns)


def forecasts_of(means: list[float]) -> pa.Table:
    """Forecasts aligned with the pairs; Poisson."""
    mean, one = pa.array(means, pa.float64()), pa.array([1.0] * len(means))
    return pa.table({"daily_mean": mean, "dispersion": one, "next_day_mean": mean, "next_day_dispersion": one})


def trust_in_books(table: pa.Table) -> RecordTrust:
    """Every record is believed."""
    n = table.num_rows
    return RecordTrust(table["on_hand"].to_numpy(), np.zeros(n), np.full(n, "none", object), np.zeros(n))


def booked_of(*rows: tuple) -> pa.Table:
    """(kind, location_id, booked_for, units, lines) of int_booked_capacity."""
    names = ("kind", "location_id", "booked_for", "units", "lines")
    kinds = (pa.string(), pa.string(), pa.date32(), pa.int64(), pa.int64())
    return pa.table(
        {name: pa.array([row[i] for row in rows], kind) for i, (name, kind) in enumerate(zip(names, kinds, strict=True))}
    )
