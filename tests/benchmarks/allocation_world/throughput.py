"""How many pairs per second the streamed solver plans, in how much memory, and from Parquet to Parquet."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numba import njit

from allocation_assets import warm_up
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings, allocation_problem
from allocation_assets.allocation.stream import solve_stream
from tests.benchmarks.allocation_world.days import Repeated, repeated
from tests.benchmarks.figures import peak_gib

# A pair's own bytes: mean, dispersion, position, gain and store as a compact table holds them (4 + 4 + 2 + 4 + 2 + 2).
_BYTES_PER_PAIR = 18


@njit(cache=True, nogil=True)
def _triad(a, b, c):
    for i in range(a.shape[0]):
        a[i] = b[i] + 3.0 * c[i]


def bandwidth() -> float:
    """Memory bandwidth of one core: bytes per second of a triad over arrays far larger than the caches, best of five."""
    a, b, c = np.zeros(20_000_000), np.ones(20_000_000), np.ones(20_000_000)
    best = 0.0
    for _ in range(6):
        start = time.perf_counter()
        _triad(a, b, c)
        best = max(best, 24 * len(a) / (time.perf_counter() - start))
    return best


def in_own_process(pairs: int, threads: int, seed: int, *, capacities: bool) -> dict:
    """Figures of one size, measured in a process of its own."""
    name = "tests.benchmarks.allocation_world.throughput"
    command = [sys.executable, "-m", name, str(pairs), str(threads), str(seed), str(int(capacities))]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def measure(pairs: int, threads: int, seed: int, *, capacities: bool) -> dict:
    """Wall and CPU seconds of `solve_stream`, certificate, peak memory and share of the memory bandwidth."""
    warm_up()
    stores = 200 if pairs <= 10**6 else 250 if pairs <= 10**7 else 500
    source = repeated(pairs, stores, seed, capacities=capacities)
    triad = bandwidth()
    settings = AllocationSettings(threads=threads, polish_pairs=0)
    runs = []
    for _ in range(3 if pairs <= 10**7 else 1):
        wall, cpu = time.perf_counter(), time.process_time()
        solution = solve_stream(source, settings)
        runs.append((time.perf_counter() - wall, time.process_time() - cpu))
    wall, cpu = sorted(runs)[len(runs) // 2]
    rate = source.pairs / cpu
    return {
        "case": "capacities" if capacities else "supply only", "pairs": source.pairs, "threads": threads,
        "wall_seconds": wall, "cpu_seconds": cpu, "pairs_per_second_and_core": rate,
        "seconds_per_million": wall / source.pairs * 1e6, "served_share": float(np.mean(solution.x > 0) * len(solution.x) / source.pairs),
        "certified_percent": 100 * solution.value / solution.bound,
        "bandwidth_share": rate * _BYTES_PER_PAIR / triad, "triad_bytes_per_second": triad,
        "peak_gib": peak_gib(),
    }  # fmt: skip


@dataclass
class TableSource:
    """Shards of a table sorted by SKU and store."""

    table: pa.Table
    shared: dict
    shard_rows: int
    skus: int
    packs: np.ndarray
    supply: np.ndarray

    @property
    def pairs(self) -> int:
        """Pairs of the table."""
        return self.table.num_rows

    def __len__(self) -> int:
        return -(-self.skus // self.shard_rows)

    def load(self, number: int) -> AllocationProblem:
        """Shard `number`: SKUs number x shard_rows and on; every SKU has equally many stores."""
        stores = self.table.num_rows // self.skus
        lo, hi = number * self.shard_rows, min((number + 1) * self.shard_rows, self.skus)
        part = self.table.slice(lo * stores, (hi - lo) * stores)
        column = {name: part[name].to_numpy() for name in part.column_names}
        return allocation_problem(
            pair_row=column["sku"] - lo, pair_key=column["store"], mean_units=column["mean"],
            dispersion=column["dispersion"], position_units=column["position"], gain_per_unit=column["gain"],
            holding_per_unit=0.04, ship_cost_per_unit=0.22, receiving_bucket=column["store"], dispatch_bucket=0,
            row_case_pack=self.packs[lo:hi], row_available_units=self.supply[lo:hi], **self.shared,
        )  # fmt: skip


def parquet_to_parquet(pairs: int, threads: int, seed: int) -> dict:
    """Read shuffled Parquet, sort, solve, write the lines; against DuckDB's read, sort and write of the same file."""
    warm_up()
    with tempfile.TemporaryDirectory() as folder:
        given, out, echo = (Path(folder) / f"{name}.parquet" for name in ("given", "lines", "sorted"))
        source = repeated(pairs, 250, seed)
        shared = _write_shuffled(source, given, seed)
        duck = _duckdb_alone(given, echo, threads)
        start = time.perf_counter()
        with duckdb.connect() as connection:
            connection.execute(f"SET threads = {threads}")
            table = connection.sql(f"SELECT * FROM read_parquet('{given}') ORDER BY sku, store").to_arrow_table()
        read = time.perf_counter() - start
        packs, supply = shared.pop("packs"), shared.pop("supply")
        tables = TableSource(table, shared, 1_000, len(packs), packs, supply)
        solution = solve_stream(tables, AllocationSettings(threads=threads, polish_pairs=0))
        solved = time.perf_counter() - start
        some = solution.x > 0
        lines = table.select(["sku", "store"]).take(pa.array(solution.pair[some]))
        pq.write_table(lines.append_column("cases", pa.array(solution.x[some])), out)
        total = time.perf_counter() - start
    solve = solved - read
    return {
        "pairs": tables.pairs, "read_sort_seconds": read, "solve_seconds": solve, "write_seconds": total - solved,
        "total_seconds": total, "duckdb_read_sort_write_seconds": duck,
        "beyond_solve_to_duckdb": (total - solve) / duck, "certified_percent": 100 * solution.value / solution.bound,
    }  # fmt: skip


def _write_shuffled(source: Repeated, path: Path, seed: int) -> dict:
    parts, packs, supply = [], [], []
    for number in range(len(source)):
        p = source.load(number)
        parts.append(pa.table({
            "sku": (p.pair_row + sum(len(some) for some in packs)).astype(np.int32),
            "store": p.receiving_bucket.astype(np.int16), "mean": p.mean_units.astype(np.float32),
            "dispersion": np.maximum(p.dispersion, 1).astype(np.float32), "position": p.position_units.astype(np.int16),
            "gain": p.gain_per_unit.astype(np.float32),
        }))  # fmt: skip
        packs.append(p.row_case_pack)
        supply.append(p.row_available_units)
    table = pa.concat_tables(parts)
    table = table.take(pa.array(np.random.default_rng(seed).permutation(table.num_rows)))
    pq.write_table(table, path)
    first = source.base[0]
    names = ("receiving_capacity_units", "dispatch_capacity_units", "dispatch_capacity_lines")
    shared = {name: getattr(first, name) for name in names}
    return shared | {"packs": np.concatenate(packs), "supply": np.concatenate(supply)}


def _duckdb_alone(given: Path, out: Path, threads: int) -> float:
    seconds = []
    for _ in range(3):
        with duckdb.connect() as connection:
            connection.execute(f"SET threads = {threads}")
            start = time.perf_counter()
            connection.execute(f"COPY (SELECT * FROM read_parquet('{given}') ORDER BY sku, store) TO '{out}' (FORMAT parquet)")
            seconds.append(time.perf_counter() - start)
    return sorted(seconds)[1]


if __name__ == "__main__":
    size, threads_, seed_, coupled = (int(value) for value in sys.argv[1:5])
    print(json.dumps(measure(size, threads_, seed_, capacities=bool(coupled))))
