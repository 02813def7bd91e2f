"""A landing zone and a lake, and what was taken in, read back with DuckDB."""

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from data_quality.feeds import FeedContract, load_contracts
from data_quality.intake import IntakeOptions, LoadReport, ensure_placeholders, take_in
from tests.support.landing import write_masters

DAY = date(2024, 3, 4)
CONTRACTS = load_contracts()


@dataclass
class World:
    landing: Path
    lake: Path
    options: IntakeOptions = field(default_factory=lambda: IntakeOptions(threads=1, memory_limit="512MB"))

    def contract(self, feed: str) -> FeedContract:
        return CONTRACTS[feed]

    def take(self, feed: str = "pos", day: date = DAY) -> LoadReport:
        return take_in(CONTRACTS[feed], landing=self.landing, lake=self.lake, run_date=day, options=self.options)

    def masters(self, day: date = DAY, skus: tuple[str, ...] = ("A", "B")) -> None:
        write_masters(self.landing, day, skus)
        self.take("locations", day)
        self.take("items", day)

    def rows(self, stem: str, columns: str = "*", feed: str = "pos") -> list[tuple[Any, ...]]:
        """Rows of one file over all loads, in order of load, business_date, file and line."""
        pattern = str(self.lake / "loads" / feed / "*" / "*" / f"{stem}.parquet")
        order = {"accounting": "load, business_date, source_file", "keys": "load, id"}.get(
            stem, "load, business_date, source_file, source_line"
        )
        query = f"SELECT {columns} FROM read_parquet($p, hive_partitioning = true) ORDER BY {order}"
        with duckdb.connect() as connection:
            return connection.execute(query, {"p": pattern}).fetchall()

    def reasons(self, feed: str = "pos") -> list[tuple[int, list[str]]]:
        return self.rows("quarantine", "source_line, reasons", feed)

    def figures(self, feed: str = "pos") -> dict[tuple[str, str], tuple[int, ...]]:
        """(date, file) -> rows landed, loaded, duplicate, quarantined, late; summed over loads."""
        pattern = str(self.lake / "loads" / feed / "*" / "*" / "accounting.parquet")
        query = """SELECT business_date::VARCHAR, source_file, sum(rows_landed)::BIGINT, sum(rows_loaded)::BIGINT,
            sum(rows_duplicate)::BIGINT, sum(rows_quarantined)::BIGINT, sum(rows_late)::BIGINT
            FROM read_parquet($p) GROUP BY ALL ORDER BY ALL"""
        with duckdb.connect() as connection:
            found = connection.execute(query, {"p": pattern}).fetchall()
        return {(row[0], row[1]): row[2:] for row in found}


def new_world(root: Path) -> World:
    """An empty landing zone and a lake with placeholders under `root`."""
    world = World(root / "landing", root / "warehouse" / "lake")
    ensure_placeholders(world.lake, CONTRACTS)
    return world
