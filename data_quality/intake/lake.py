"""Where loads live in the lake, what their files hold, and how a load is committed.

A load is one directory, `loads/<feed>/posted_on=D/load=N/`, staged and renamed once: it is there whole or
not at all. It holds `accounting.parquet` always, and `raw`, `quarantine`, `held`, `resolved` and `keys`
(ids of a master that no earlier load carried) where they have rows; a zero-row placeholder of each at
posted_on=0001-01-01 keeps globs and schemas valid.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path

import duckdb

from data_quality.feeds import FeedContract
from data_quality.intake.model import IntakeError
from data_quality.intake.sql import connect, exact_path, identifier, literal

PLACEHOLDER = "posted_on=0001-01-01/load=000000"
ROW_COLUMNS = (("business_date", "DATE"), ("source_file", "VARCHAR"), ("source_line", "BIGINT"))
QUARANTINE_COLUMNS = (
    ("feed", "VARCHAR"),
    *ROW_COLUMNS,
    ("raw_text", "VARCHAR"),
    ("reasons", "VARCHAR[]"),
    ("detail", "VARCHAR"),
    ("first_seen", "DATE"),
)
RESOLVED_COLUMNS = (("feed", "VARCHAR"), *ROW_COLUMNS, ("resolved_on", "DATE"))
ACCOUNTING_COLUMNS = (
    ("feed", "VARCHAR"),
    ("business_date", "DATE"),
    ("source_file", "VARCHAR"),
    ("sha256", "VARCHAR"),
    ("rows_landed", "BIGINT"),
    ("rows_loaded", "BIGINT"),
    ("rows_duplicate", "BIGINT"),
    ("rows_quarantined", "BIGINT"),
    ("rows_late", "BIGINT"),
    ("is_readable", "BOOLEAN"),
    ("problem", "VARCHAR"),
    ("size_bytes", "BIGINT"),
    ("mtime_ns", "BIGINT"),
    ("provenance", "VARCHAR"),
)
_LOAD = re.compile(r"load=(\d+)")


def row_columns(contract: FeedContract) -> tuple[tuple[str, str], ...]:
    """(name, SQL type) of raw.parquet and held.parquet: the contract columns and where the row came from."""
    return (*((c.name, c.sql_type) for c in contract.columns), *ROW_COLUMNS)


def file_schemas(contract: FeedContract) -> dict[str, tuple[tuple[str, str], ...]]:
    """File stem -> (name, SQL type) of its columns, for the five files of a load."""
    return {
        "raw": row_columns(contract),
        "quarantine": QUARANTINE_COLUMNS,
        "held": row_columns(contract),
        "resolved": RESOLVED_COLUMNS,
        "accounting": ACCOUNTING_COLUMNS,
    }


def load_folders(lake: Path, feed: str, posted_from: date = date.min) -> list[Path]:
    """Load directories of a feed posted on or after a date, placeholder left out, in load order."""
    root = lake / "loads" / feed
    found = []
    if not root.is_dir():
        return []
    for posted in os.scandir(root):
        day = posted.name.removeprefix("posted_on=")
        if not posted.is_dir() or day < posted_from.isoformat() or day == date.min.isoformat():
            continue
        found += [(int(m[1]), Path(e.path)) for e in os.scandir(posted.path) if (m := _LOAD.fullmatch(e.name))]
    return [path for _, path in sorted(found)]


def load_files(lake: Path, feed: str, stem: str, posted_from: date = date.min) -> list[str]:
    """Paths (as exact DuckDB patterns) of one file of every such load that has it, in load order."""
    paths = (folder / f"{stem}.parquet" for folder in load_folders(lake, feed, posted_from))
    return [exact_path(path) for path in paths if path.exists()]


def empty_select(columns: Iterable[tuple[str, str]]) -> str:
    """A SELECT of zero rows with these columns."""
    return f"SELECT {', '.join(f'NULL::{kind} AS {identifier(name)}' for name, kind in columns)} WHERE FALSE"


def next_load(lake: Path) -> int:
    """One more than the highest load number of any feed."""
    folders = (lake / "loads").glob("*/posted_on=*/load=*")
    return 1 + max((int(m[1]) for f in folders if (m := _LOAD.fullmatch(f.name))), default=0)


def ensure_placeholders(lake: Path, contracts: Mapping[str, FeedContract]) -> None:
    """Write the zero-row placeholders of every feed that lacks them or has them with other columns."""
    connection = None
    for contract in contracts.values():
        folder = lake / "loads" / contract.feed / PLACEHOLDER
        stamp = repr(file_schemas(contract))
        marker = folder / ".schema"
        if marker.is_file() and marker.read_text(encoding="utf-8") == stamp:
            continue
        connection = connection or connect("256MB", 1)
        _write_placeholder(connection, contract, folder, lake / ".staging" / f"{contract.feed}-placeholder", stamp)
    if connection is not None:
        connection.close()


def _write_placeholder(
    connection: duckdb.DuckDBPyConnection, contract: FeedContract, folder: Path, staging: Path, stamp: str
) -> None:
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for stem, columns in file_schemas(contract).items():
        connection.execute(
            f"COPY ({empty_select(columns)}) TO {literal(staging / (stem + '.parquet'))} (FORMAT parquet)"
        )
    (staging / ".schema").write_text(stamp, encoding="utf-8")
    shutil.rmtree(folder, ignore_errors=True)
    commit(staging, folder)


def fresh_staging(lake: Path, feed: str) -> Path:
    """An empty staging directory of a feed; what a killed take-in left behind is removed."""
    staging = lake / ".staging" / feed
    shutil.rmtree(staging, ignore_errors=True)
    (staging / "load").mkdir(parents=True)
    return staging


def commit(staged: Path, target: Path) -> None:
    """Move a staged directory to its place in one atomic, durable step.

    Raises:
        IntakeError: the target is there already (two take-ins at once).
    """
    for path in [*sorted(staged.iterdir()), staged]:
        _sync(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if target.exists():
        raise IntakeError(f"{target}: exists already; take in one feed at a time, then run again")
    os.rename(staged, target)
    _sync(target.parent)
    _sync(target.parent.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
