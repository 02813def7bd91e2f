"""One published date as DuckDB relations, each dataset under its name, however old the date is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from data_quality.intake.sql import literal
from orchestration.errors import LandedDataError
from orchestration.publishing.current import read_current
from orchestration.publishing.datasets import DATASETS, partition_file
from orchestration.publishing.release import DATABASE


def open_date(published: Path, day: date) -> duckdb.DuckDBPyConnection:
    """A connection over what is published of a decided date. LandedDataError where the date was not decided.

    The published database holds SKU x location tables of the newest dates alone: for an older date these are its Parquet
    files, and the others stay the database's, with their history.
    """
    current = read_current(published)
    if current is None or day not in current.decided():
        decided = ", ".join(current.run_dates[-5:]) if current else "none"
        raise LandedDataError(
            f"{day} is not a published run (decided dates: {decided}): run `allocator run --date {day}` first"
        )
    database = published / DATABASE
    if database.exists() and current.database_from and str(day) >= current.database_from:
        return duckdb.connect(str(database), read_only=True)
    return _from_files(published, database, day)


def _from_files(published: Path, database: Path, day: date) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    held = set()
    if database.exists():
        connection.execute(f"ATTACH {literal(database)} AS held (READ_ONLY)")
        held = {
            name
            for (name,) in connection.execute(
                "SELECT table_name FROM duckdb_tables() WHERE database_name = 'held'"
            ).fetchall()
        }
    for dataset in DATASETS:
        file = published / partition_file(dataset.name, day)
        if dataset.name in held and not dataset.windowed:
            connection.execute(f"CREATE VIEW {dataset.name} AS FROM held.{dataset.name}")
        elif file.exists():
            connection.execute(
                f"CREATE VIEW {dataset.name} AS FROM read_parquet({literal(file)}, hive_partitioning = false)"
            )
        elif dataset.name in held:
            connection.execute(f"CREATE VIEW {dataset.name} AS FROM held.{dataset.name}")
    return connection
