"""A run's problem in shards of whole SKUs, so that a plan needs the memory of a few shards and not of all pairs.

Each shard is read and built once; its arrays are spilled to a folder, where the solver reads them again as often as it
needs. Capacities are shared by shards: their numbers are given in the order in which the pairs first use them, so the
problem is the same for any cut.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from allocation_assets.allocation import queries
from allocation_assets.allocation.limits import buckets
from allocation_assets.allocation.problem import AllocationProblem, of_bucket
from allocation_assets.allocation.trust import QUERY as TRUST
from allocation_assets.allocation.trust import RecordTrust, record_trust
from allocation_assets.policy import Policy
from allocation_assets.schedule import ScheduledPairs, SkuRange, of_skus, scheduled_pairs


@dataclass(frozen=True)
class ShardInputs:
    """What one shard is made of: pairs with whole SKUs, and stock, forecasts and trust aligned with them."""

    pairs: ScheduledPairs
    supply: pa.Table
    forecasts: pa.Table
    trust: RecordTrust


@dataclass(frozen=True)
class InputFiles:
    """Files of the run's date that the pairs are joined with."""

    segments: Path
    forecasts: Path
    beliefs: Path
    reliability: Path
    inbound: Path


def read_inputs(
    connection: duckdb.DuckDBPyConnection, files: InputFiles, policy: Policy, run_date: date, skus: SkuRange | None = None
) -> ShardInputs:
    """The pairs of a range of SKUs (None = all) with what belongs to them; a cursor of its own makes it safe in threads."""

    def table(query: str, **parameters) -> pa.Table:
        return connection.execute(*of_skus(query, parameters, skus)).to_arrow_table()

    return ShardInputs(
        scheduled_pairs(connection, files.segments, policy, run_date, skus),
        table(queries.SUPPLY, inbound=str(files.inbound)),
        table(queries.FORECASTS, file=str(files.forecasts)),
        record_trust(table(TRUST, beliefs=str(files.beliefs), reliability=str(files.reliability))),
    )


class Numbers:
    """Numbers of keys in the order in which they are first met."""

    def __init__(self) -> None:
        self.known: dict = {}

    def of(self, keys: Iterable) -> np.ndarray:
        """Number of each key (distinct keys of one shard: locations and dates, never pairs)."""
        return np.array([self.known.setdefault(key, len(self.known)) for key in keys], np.int64)


class RunShards:
    """A `ShardSource` (stream.py) of a run. `inputs` reads a shard; it is called once here and once more by `view`."""

    def __init__(
        self,
        folder: Path,
        shards: int,
        inputs: Callable[[int], ShardInputs],
        build: Callable[[ShardInputs], AllocationProblem],
    ) -> None:
        self._folder, self._shards, self._inputs = folder, shards, inputs
        self._docks, self._gates, self._dcs = Numbers(), Numbers(), Numbers()
        self._receiving, self._dispatch, self._lines = (np.zeros(0, np.int64) for _ in range(3))
        self._numbers: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self.pairs, self.has_review_day = 0, False
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(shards):
            self._spill(number, build)

    def __len__(self) -> int:
        return self._shards

    @property
    def dcs(self) -> list[str]:
        """DC per code of `row_dc`."""
        return list(self._dcs.known)

    @property
    def receiving_keys(self) -> list[tuple[str, date | None]]:
        """Location and arrival date per receiving bucket of the run."""
        return list(self._docks.known)

    @property
    def dispatch_keys(self) -> list[tuple[str, date | None]]:
        """DC and ship date per dispatch bucket of the run."""
        return list(self._gates.known)

    def _spill(self, number: int, build: Callable[[ShardInputs], AllocationProblem]) -> None:
        shard = self._inputs(number)
        problem, used = build(shard), buckets(shard.pairs)
        docks, gates = self._docks.of(used.receiving_keys), self._gates.of(used.dispatch_keys)
        self._numbers.append((docks, gates, self._dcs.of(_names(shard.pairs.table["from_location_id"]))))
        self._receiving = _merged(self._receiving, docks, problem.receiving_capacity_units)
        self._dispatch = _merged(self._dispatch, gates, problem.dispatch_capacity_units)
        self._lines = _merged(self._lines, gates, problem.dispatch_capacity_lines)
        np.savez(self._file(number), **{f.name: getattr(problem, f.name) for f in fields(problem)})
        self.pairs += len(problem.pair_row)
        self.has_review_day |= bool(shard.pairs.is_review_day.any())

    def _file(self, number: int) -> Path:
        return self._folder / f"{number:05}.npz"

    def load(self, number: int) -> AllocationProblem:
        """One shard with the run's capacities; safe to call from several threads."""
        with np.load(self._file(number)) as arrays:
            problem = AllocationProblem(**dict(arrays))
        docks, gates, dcs = self._numbers[number]
        return replace(
            problem,
            receiving_bucket=of_bucket(docks, problem.receiving_bucket, -1),
            dispatch_bucket=of_bucket(gates, problem.dispatch_bucket, -1),
            row_dc=dcs[problem.row_dc],
            receiving_capacity_units=self._receiving,
            dispatch_capacity_units=self._dispatch,
            dispatch_capacity_lines=self._lines,
        )

    def view(self, number: int) -> ShardInputs:
        """The shard's tables again, for `plan_table`."""
        return self._inputs(number)


def _names(column: pa.ChunkedArray) -> list[str]:
    """Distinct values in order of first appearance, as supply rows number their DCs."""
    return column.unique().to_pylist()


def _merged(run: np.ndarray, numbers: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """The run's capacities with those of a shard: what a shard does not know (-1) another may."""
    out = np.full(max(len(run), int(numbers.max(initial=-1)) + 1), -1, np.int64)
    out[: len(run)] = run
    np.maximum.at(out, numbers, capacity)
    return out
