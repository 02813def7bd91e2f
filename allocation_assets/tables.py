"""Arrow columns as the arrays that kernels take, and arrays as Parquet files of the lake. No Dagster, no clock."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from data_quality.intake.sql import literal


def floats(table: pa.Table, column: str, null: float = 0.0) -> np.ndarray:
    """Column as float64 (n,), nulls replaced."""
    return table[column].cast(pa.float64()).fill_null(null).to_numpy(zero_copy_only=False)


def integers(table: pa.Table, column: str, null: int = 0) -> np.ndarray:
    """Column as int64 (n,), nulls replaced."""
    return table[column].cast(pa.int64()).fill_null(null).to_numpy(zero_copy_only=False)


def truths(table: pa.Table, column: str) -> np.ndarray:
    """Column as bool (n,), null = False."""
    return table[column].cast(pa.bool_()).fill_null(False).to_numpy(zero_copy_only=False)


def dates(table: pa.Table, column: str) -> np.ndarray:
    """Column as datetime64[D] (n,), null = NaT."""
    return table[column].cast(pa.date32()).to_numpy(zero_copy_only=False).astype("datetime64[D]")


def codes(*columns: pa.ChunkedArray) -> np.ndarray:
    """Integer code (n,) int64 per distinct combination of the columns, from 0, in order of first appearance."""
    combined = np.zeros(len(columns[0]), np.int64)
    for column in columns:
        encoded = column.combine_chunks().dictionary_encode()
        index = encoded.indices.fill_null(len(encoded.dictionary)).to_numpy(zero_copy_only=False).astype(np.int64)
        combined = combined * (len(encoded.dictionary) + 1) + index
    _, first, inverse = np.unique(combined, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]


def texts(table: pa.Table, column: str) -> np.ndarray:
    """Column as an object array (n,) of str or None."""
    return np.asarray(table[column].to_pylist(), dtype=object)


def write_lake(
    target: Path, query: str, tables: dict[str, pa.Table | ds.Dataset], parameters: dict | None = None
) -> int:
    """Write the result of a query over named tables to a lake file, complete or not at all; returns its rows.

    The query orders its rows and casts money to DECIMAL, which makes the bytes a function of the content.
    """
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        connection.execute(f"CREATE TEMP TABLE result AS {query}", parameters or {})
        rows = connection.execute("SELECT count(*) FROM result").fetchone()[0]
        copy_whole(connection, "result", target)
    return rows


def copy_whole(connection: duckdb.DuckDBPyConnection, table: str, target: Path) -> None:
    """Copy a table (a constant name) to a Parquet file that is there complete or not at all."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    connection.execute(f"COPY {table} TO {literal(part)} (FORMAT parquet, COMPRESSION zstd)")
    part.replace(target)


def write_table(target: Path, table: pa.Table) -> None:
    """Write an Arrow table to a Parquet file that is there complete or not at all; rows keep their order."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".part")
    pq.write_table(table, part, compression="zstd", row_group_size=1_000_000)
    part.replace(target)
