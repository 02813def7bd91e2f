"""Receipts of the gates: proof, beside the data, that exactly this data has passed exactly this suite.

A blocking check holds within one run only; publishing by hand afterwards would publish data that failed. So the
publish step asks `verify_receipt` of every gate: the receipt exists, says passed, was given by the suite in force, and
the data still hashes to what was judged.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from data_quality import judged
from data_quality.expectations import Gate, suite_specs, suite_version
from data_quality.judged import Fingerprint, Scope
from data_quality.runner import GateResult, Limits, gate_scope

if TYPE_CHECKING:
    from data_quality.feeds import FeedContract

RECEIPT_VERSION = 1


def receipt_path(lake: Path, run_date: date, gate: Gate) -> Path:
    """Where the receipt of a gate at D is kept."""
    return lake / "receipts" / f"business_date={run_date.isoformat()}" / f"{gate}.json"


def write_receipt(result: GateResult, lake: Path) -> Path:
    """Write the receipt of a judged gate, passed or not; the same judgement gives the same bytes (no clock inside)."""
    receipt = {
        "version": RECEIPT_VERSION,
        "gate": result.gate,
        "business_date": result.run_date.isoformat(),
        "state_from": result.first_date.isoformat(),
        "state_to": result.last_date.isoformat(),
        "suite_version": result.suite_version,
        "passed": result.passed,
        "failures": result.messages,
        "data": {each.name: {"kind": each.kind, "sha256": each.sha256} for each in result.fingerprints},
    }
    path = receipt_path(lake, result.run_date, result.gate)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".json.tmp")
    partial.write_text(json.dumps(receipt, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    os.replace(partial, path)
    return path


def verify_receipt(
    gate: Gate,
    run_date: date,
    *,
    warehouse: Path,
    lake: Path,
    contracts: Mapping[str, FeedContract],
    limits: Limits | None = None,
) -> list[str]:
    """Why the data may not be published on this gate's receipt, a line each; empty = it may.

    Reads no expectation engine: the data is hashed again in DuckDB, over the dates that the receipt names.
    """
    path = receipt_path(lake, run_date, gate)
    try:
        receipt = json.loads(path.read_text(encoding="utf-8"))
        problems = _said(receipt, gate, run_date, suite_version(suite_specs(gate, contracts)))
        scope = gate_scope(
            gate, warehouse=warehouse, lake=lake, run_date=run_date, contracts=contracts,
            state_from=date.fromisoformat(receipt["state_from"]), state_to=date.fromisoformat(receipt["state_to"]),
        )  # fmt: skip
        recorded = {name: entry["sha256"] for name, entry in receipt["data"].items()}
    except FileNotFoundError:
        return [f"gate {gate} has no receipt for {run_date}: run that date again"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        return [f"gate {gate}: receipt of {run_date} cannot be read ({error!r}): run that date again"]
    try:
        present = {each.name: each.sha256 for each in _current(scope, limits or Limits())}
    except duckdb.Error as error:
        reason = str(error).splitlines()[0]
        return [*problems, f"gate {gate}: data of {run_date} cannot be read ({reason}): run that date again"]
    return problems + [
        f"gate {gate}: {name} {_difference(name, recorded, present)} since it was judged: run {run_date} again"
        for name in sorted(recorded.keys() | present.keys())
        if recorded.get(name) != present.get(name)
    ]


def _said(receipt: Mapping[str, Any], gate: Gate, run_date: date, version: str) -> list[str]:
    """Problems of what the receipt says, apart from the data."""
    problems = []
    if receipt["version"] != RECEIPT_VERSION:
        problems.append(f"gate {gate}: receipt of {run_date} has another format: run that date again")
    if receipt["gate"] != gate or receipt["business_date"] != run_date.isoformat():
        problems.append(f"gate {gate}: receipt is for {receipt['gate']} of {receipt['business_date']}, not {run_date}")
    if receipt["suite_version"] != version:
        problems.append(f"gate {gate}: its suite has changed since {run_date} was judged: run that date again")
    if receipt["passed"] is not True:
        reasons = receipt["failures"]
        more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
        problems.append(f"gate {gate}: did not pass for {run_date}: {reasons[0]}{more}")
    return problems


def _current(scope: Scope, limits: Limits) -> tuple[Fingerprint, ...]:
    settings = {"threads": limits.threads, "memory_limit": limits.memory_limit}
    with duckdb.connect(config=settings) as connection:
        return judged.fingerprints(connection, scope, judged.open_views(connection, scope))


def _difference(name: str, recorded: Mapping[str, str], present: Mapping[str, str]) -> str:
    if name not in recorded:
        return "has appeared"
    return "is gone" if name not in present else "has changed"
