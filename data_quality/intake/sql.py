"""DuckDB helpers of the take-in: connections, and the only places that put text into SQL."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb


def connect(memory_limit: str, threads: int, spill: Path | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory connection in UTC; `spill` is the folder for what does not fit into memory."""
    config: dict[str, Any] = {"memory_limit": memory_limit, "threads": threads}
    if spill is not None:
        config["temp_directory"] = str(spill)
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def identifier(name: str) -> str:
    """A quoted SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def identifiers(names: Iterable[str], prefix: str = "") -> str:
    """Quoted identifiers, comma-separated, each behind `prefix` (such as `t.`)."""
    return ", ".join(prefix + identifier(name) for name in names)


def literal(text: object) -> str:
    """A quoted SQL string, for the places where DuckDB takes no parameter (COPY targets, type names)."""
    return "'" + str(text).replace("'", "''") + "'"


def exact_path(path: Path) -> str:
    """The path as a DuckDB file pattern that matches only this file, whatever characters it holds."""
    return "".join(f"[{c}]" if c in "*?[" else c for c in str(path))


def copy_ordered(connection: duckdb.DuckDBPyConnection, query: str, order: str, target: Path) -> int:
    """Write the query to a Parquet file in a fixed order (same rows, same bytes) and return its row count."""
    copied = connection.execute(
        f"COPY (SELECT * FROM ({query}) ORDER BY {order}) TO {literal(target)} "
        "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)"
    ).fetchone()
    return int(copied[0])
