"""Runs a gate: its expectations through Great Expectations over DuckDB, its results to the lake.

A gate passes when no blocking expectation fails. One that cannot be evaluated (missing table, missing column, SQL
error) has failed: nothing is published on the strength of a check that did not run.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from data_quality import judged
from data_quality.expectations import GATES, ExpectationSpec, Gate, suite_specs, suite_version
from data_quality.gx_duckdb import GxSession, Outcome, preload
from data_quality.judged import Fingerprint, Scope

if TYPE_CHECKING:
    from data_quality.feeds import FeedContract

__all__ = ["GATES", "ExpectationResult", "GateResult", "Limits", "preload", "results_path", "run_gate"]

SAMPLE_ROWS = 10
MISSING = "the dataset is missing or cannot be read"
_NOT_EVALUATED = "not evaluated: "


@dataclass(frozen=True)
class Limits:
    """What a gate may use of the machine: DuckDB threads and memory."""

    threads: int = 2
    memory_limit: str = "2GB"


@dataclass(frozen=True)
class ExpectationResult:
    """Outcome of one expectation; `failing_keys` is a JSON list of at most ten keys, None where there are none."""

    suite: str
    expectation: str
    dataset: str
    success: bool
    observed: str
    severity: str
    blocking: bool
    failing_keys: str | None
    description: str

    @property
    def is_missing(self) -> bool:
        """The dataset was not there to be judged."""
        return self.observed == _NOT_EVALUATED + MISSING

    def message(self) -> str:
        """One line: suite / expectation / what was observed / sample keys, and what should have been."""
        keys = f" / {self.failing_keys}" if self.failing_keys else ""
        return f"{self.suite} / {self.expectation} / {self.observed}{keys} (expected: {self.description})"


@dataclass(frozen=True)
class GateResult:
    """All results of a gate at D, the dates of state it judged, the suite's version, the hashes of what it judged."""

    gate: Gate
    run_date: date
    first_date: date
    last_date: date
    suite_version: str
    results: tuple[ExpectationResult, ...]
    fingerprints: tuple[Fingerprint, ...]

    @property
    def passed(self) -> bool:
        """No blocking expectation failed."""
        return not self.failures

    @property
    def failures(self) -> tuple[ExpectationResult, ...]:
        """Blocking expectations that failed: why publication is refused."""
        return tuple(result for result in self.results if result.blocking and not result.success)

    @property
    def warnings(self) -> tuple[ExpectationResult, ...]:
        """Expectations that failed and do not block."""
        return tuple(result for result in self.results if not result.blocking and not result.success)

    @property
    def messages(self) -> list[str]:
        """Why publication is refused, a line per blocking failure: suite / expectation / observed / sample keys.

        A dataset that is missing is one line, however many expectations it fails.
        """
        missing = {
            result.dataset: f"{self.gate} / {result.dataset} / {MISSING}"
            for result in self.failures
            if result.is_missing
        }
        return [*missing.values(), *(result.message() for result in self.failures if not result.is_missing)]

    @property
    def warning_messages(self) -> list[str]:
        """A line per expectation that failed and does not block."""
        return [result.message() for result in self.warnings]


def run_gate(
    gate: Gate,
    *,
    warehouse: Path,
    lake: Path,
    run_date: date,
    contracts: Mapping[str, FeedContract],
    state_from: date | None = None,
    state_to: date | None = None,
    limits: Limits | None = None,
) -> GateResult:
    """Judge one gate at `run_date` D and write its results to the lake (`results_path`).

    state_from, state_to: dates of state rebuilt by this run (late facts restate earlier dates, semantics 4); D alone
    by default. Decisions are always those of D. Raises ValueError for an unknown gate or a range that excludes D.
    """
    scope = gate_scope(
        gate, warehouse=warehouse, lake=lake, run_date=run_date, contracts=contracts,
        state_from=state_from, state_to=state_to,
    )  # fmt: skip
    specs = suite_specs(gate, contracts)
    limits = limits or Limits()
    with GxSession(threads=limits.threads, memory_limit=limits.memory_limit) as session:
        datasets = judged.open_views(session.connection, scope)
        # Hashed before it is judged: a change in between then shows when the receipt is verified.
        fingerprints = judged.fingerprints(session.connection, scope, datasets)
        # A feed without rows on the judged dates has nothing to hold to its contract.
        due = [spec for spec in specs if gate != "feeds" or spec.dataset in datasets]
        results = evaluate(session, due, datasets)
    result = GateResult(gate, run_date, scope.first_date, scope.last_date, suite_version(specs), results, fingerprints)
    write_results(result, lake)
    return result


def gate_scope(
    gate: Gate,
    *,
    warehouse: Path,
    lake: Path,
    run_date: date,
    contracts: Mapping[str, FeedContract],
    state_from: date | None = None,
    state_to: date | None = None,
) -> Scope:
    """The scope of a gate, checked; see `run_gate`."""
    if gate not in GATES:
        raise ValueError(f"gate {gate!r} does not exist: use one of {', '.join(GATES)}")
    first, last = state_from or run_date, state_to or run_date
    if not first <= run_date <= last:
        raise ValueError(
            f"gate {gate}: dates {first} to {last} do not include the run date {run_date}: widen the range"
        )
    return Scope(gate, Path(warehouse), Path(lake), run_date, first, last, tuple(contracts))


def evaluate(
    session: GxSession, specs: Sequence[ExpectationSpec], datasets: frozenset[str] | None = None
) -> tuple[ExpectationResult, ...]:
    """Results in the order of `specs`; `datasets` are those that exist (None = all of them do)."""
    by_dataset: dict[str, list[ExpectationSpec]] = {}
    for spec in specs:
        by_dataset.setdefault(spec.dataset, []).append(spec)
    outcomes: dict[str, Outcome] = {}
    for dataset, group in by_dataset.items():
        if datasets is None or dataset in datasets:
            outcomes |= session.validate(dataset, group)
    missing = Outcome(False, None, None, None, MISSING)
    return tuple(_result(session.connection, spec, outcomes.get(spec.name, missing)) for spec in specs)


def results_path(lake: Path, run_date: date, gate: Gate) -> Path:
    """Where a gate's results are kept: one row per expectation, columns as quality_results is published."""
    return lake / "quality" / f"business_date={run_date.isoformat()}" / f"{gate}.parquet"


def write_results(result: GateResult, lake: Path) -> Path:
    """Write the results, byte-identical for identical results; replaced whole on a re-run."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    schema = pa.schema([
        ("business_date", pa.date32()), ("suite", pa.string()), ("expectation", pa.string()), ("dataset", pa.string()),
        ("success", pa.bool_()), ("observed", pa.string()), ("severity", pa.string()), ("blocking", pa.bool_()),
        ("failing_keys", pa.string()),
    ])  # fmt: skip
    names = [name for name in schema.names if name != "business_date"]
    ordered = sorted(result.results, key=lambda each: (each.suite, each.expectation))
    columns = [[result.run_date] * len(ordered)] + [[getattr(each, name) for each in ordered] for name in names]
    table = pa.table(
        [pa.array(values, kind) for values, kind in zip(columns, schema.types, strict=True)], schema=schema
    )
    path = results_path(lake, result.run_date, result.gate)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".parquet.tmp")
    pq.write_table(table, partial, compression="zstd")
    os.replace(partial, path)
    return path


def _result(connection: Any, spec: ExpectationSpec, outcome: Outcome) -> ExpectationResult:
    result = ExpectationResult(
        spec.suite, spec.name, spec.dataset, outcome.success and outcome.error is None, _observed(outcome),
        spec.severity, spec.blocking, None, spec.description,
    )  # fmt: skip
    if result.success or outcome.error is not None:
        return result
    return replace(result, failing_keys=failing_keys(connection, spec))


def _observed(outcome: Outcome) -> str:
    if outcome.error is not None:
        return _NOT_EVALUATED + outcome.error
    if outcome.elements is not None:
        return f"{outcome.unexpected or 0} of {outcome.elements} rows"
    return f"{outcome.unexpected if outcome.unexpected is not None else outcome.observed} rows"


def failing_keys(connection: Any, spec: ExpectationSpec) -> str | None:
    """JSON list of the first ten keys of failing rows, in order of key; None where no row is to blame."""
    found = _failing_rows(spec)
    if found is None:
        return None
    sql, parameters = found
    keys = ", ".join(f'"{key}"' for key in spec.keys)
    rows = connection.execute(
        f"SELECT DISTINCT {keys} FROM ({sql}) AS failing ORDER BY ALL LIMIT {SAMPLE_ROWS}", parameters
    ).fetchall()
    return json.dumps([dict(zip(spec.keys, map(_plain, row), strict=True)) for row in rows], separators=(",", ":"))


def _plain(value: Any) -> Any:
    return value if value is None or isinstance(value, int | str | bool) else str(value)


def _failing_rows(spec: ExpectationSpec) -> tuple[str, list[Any]] | None:
    """The rows that an expectation faults, as SQL over its dataset, with parameters."""
    kwargs, table = spec.kwargs, f'"{spec.dataset}"'
    column = f'"{kwargs["column"]}"' if "column" in kwargs else ""
    match spec.type:
        case "unexpected_rows_expectation":
            return kwargs["unexpected_rows_query"].format(batch=table), []
        case "expect_column_values_to_not_be_null":
            return f"SELECT * FROM {table} WHERE {column} IS NULL", []
        case "expect_column_values_to_be_in_set":
            return f"SELECT * FROM {table} WHERE NOT list_contains(?, {column})", [kwargs["value_set"]]
        case "expect_column_values_to_not_be_in_set":
            return f"SELECT * FROM {table} WHERE list_contains(?, {column})", [kwargs["value_set"]]
        case "expect_column_values_to_be_between":
            low, high = kwargs.get("min_value"), kwargs.get("max_value")
            return f"SELECT * FROM {table} WHERE {column} < ?::DOUBLE OR {column} > ?::DOUBLE", [low, high]
        case "expect_column_values_to_be_unique" | "expect_compound_columns_to_be_unique":
            names = kwargs.get("column_list") or [kwargs["column"]]
            group = ", ".join(f'"{name}"' for name in names)
            return f"SELECT * FROM {table} QUALIFY count(*) OVER (PARTITION BY {group}) > 1", []
    return None
