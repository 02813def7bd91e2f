"""One world and one written landing zone for all tests of the demo."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from demo_contract import CONTRACT, GRAIN, SQL_TYPES

from allocation_assets.demo_world import World, build_world, write_landing
from allocation_assets.demo_world.landing import LandingReport


@pytest.fixture(scope="session")
def world() -> World:
    return build_world()


@pytest.fixture(scope="session")
def report(world: World, landing_path: Path) -> LandingReport:
    return write_landing(landing_path, world=world)


@pytest.fixture(scope="session")
def landing_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo") / "landing"


@pytest.fixture(scope="session")
def landing(report: LandingReport, landing_path: Path) -> Path:
    return landing_path


@pytest.fixture(scope="session")
def db(landing: Path) -> duckdb.DuckDBPyConnection:
    """The good rows of every feed, typed as the contract says, read back from the files; ``all_<feed>`` is raw text."""
    connection = duckdb.connect(config={"threads": 1})
    for feed, spec in CONTRACT.items():
        names = spec.replace("!", "").split()
        reader = ("read_parquet(?, hive_partitioning = true)" if list(landing.glob(f"{feed}/*/*.parquet")) else
                  "read_csv(?, hive_partitioning = true, all_varchar = true, header = true, quote = '\"')")
        pattern = next(iter(landing.glob(f"{feed}/*/*.*[tz]" if "parquet" in reader else f"{feed}/*/*.csv*")))
        glob = str(landing / feed / "*" / ("*" + "".join(pattern.suffixes)))
        columns = ", ".join(f'"{c}"::VARCHAR AS "{c}"' for c in names[::2])
        connection.execute(f"CREATE TABLE all_{feed} AS SELECT business_date::DATE AS business_date, {columns} "
                           f"FROM {reader}", [glob])
        typed = ", ".join(f'TRY_CAST("{c}" AS {SQL_TYPES[k]}) AS "{c}"'
                          for c, k in zip(names[::2], names[1::2], strict=True))
        key = GRAIN[feed].split(", ")[-2] if "line_no" in GRAIN[feed] else GRAIN[feed].split(", ")[0]
        bad = {"pos": "transaction_id NOT LIKE 'X-%'", "returns": "return_id NOT LIKE 'R-X-%'",
               "receipts": "receipt_id NOT LIKE 'RC-X-%'", "cycle_counts": "count_id NOT LIKE 'CC-X-%'",
               "adjustments": "adjustment_id NOT LIKE 'A-X-%'"}.get(feed, f"{key} IS NOT NULL")
        # The first delivered row of a key stands: the two bad rows that repeat a key come last in their file.
        connection.execute(f"CREATE TABLE {feed} AS SELECT business_date, {typed} FROM (SELECT *, row_number() OVER "
                           f"(PARTITION BY {GRAIN[feed]} ORDER BY rowid) AS nth FROM all_{feed}) "
                           f"WHERE nth = 1 AND {bad}")
    return connection
