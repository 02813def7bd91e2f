"""Crafted loads of every feed in a lake: rows that keep their contract, and one row for each way to break it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from data_quality.feeds import Column, FeedContract

ARROW = {
    "str": pa.string(), "int": pa.int64(), "num": pa.decimal128(18, 6), "date": pa.date32(),
    "ts": pa.timestamp("us"), "bool": pa.bool_(),
}  # fmt: skip
IDS = {"items.sku_id": "A", "locations.location_id": "S1"}
Row = dict[str, Any]


def good_row(contract: FeedContract, line: int, day: date) -> Row:
    """A row with every column filled within its contract; `line` makes its key its own."""
    row = {column.name: _good(column, line) for column in contract.columns}
    return row | {"business_date": day, "source_file": f"{contract.feed}.csv", "source_line": line}


def broken(row: Row, expectation_type: str, kwargs: Mapping[str, Any], column: Column | None) -> Row:
    """The row changed so that it breaks this one rule."""
    name = kwargs.get("column") or (column and column.name)
    match expectation_type:
        case "expect_column_values_to_not_be_null":
            return row | {name: None}
        case "expect_column_values_to_be_in_set":
            return row | {name: "none of them"}
        case "expect_column_values_to_not_be_in_set":
            return row | {name: 0}
        case "expect_column_values_to_be_between" if "min_value" in kwargs:
            return row | {name: kwargs["min_value"] - 1}
        case "expect_column_values_to_be_between":
            return row | {name: kwargs["max_value"] + 1}
        case "unexpected_rows_expectation":
            return row | {name: "unheard of"}
    raise AssertionError(f"no way to break {expectation_type}")


def schema_of(contract: FeedContract) -> pa.Schema:
    own = [(column.name, ARROW[column.type]) for column in contract.columns]
    return pa.schema([*own, ("business_date", pa.date32()), ("source_file", pa.string()), ("source_line", pa.int64())])


def write_load(lake: Path, contract: FeedContract, number: int, posted_on: date, rows: Iterable[Row]) -> Path:
    """One load: raw rows, the accounting that they imply, and the ids of a master."""
    rows = list(rows)
    folder = lake / "loads" / contract.feed / f"posted_on={posted_on}" / f"load={number:06d}"
    folder.mkdir(parents=True)
    table = pa.Table.from_pylist([_typed(contract, row) for row in rows], schema=schema_of(contract))
    pq.write_table(table, folder / "raw.parquet")
    with duckdb.connect() as connection:
        connection.register("raw", table)
        connection.execute(f"""COPY (
            SELECT '{contract.feed}' AS feed, business_date, source_file, 'f00d' AS sha256, count(*) AS rows_landed,
                count(*) AS rows_loaded, 0::BIGINT AS rows_duplicate, 0::BIGINT AS rows_quarantined,
                0::BIGINT AS rows_late, true AS is_readable, NULL::VARCHAR AS problem
            FROM raw GROUP BY ALL
        ) TO '{folder / "accounting.parquet"}'""")
        if contract.feed in ("items", "locations"):
            connection.execute(f"COPY (SELECT {contract.grain[0]} AS id FROM raw) TO '{folder / 'keys.parquet'}'")
    return folder


def _good(column: Column, line: int) -> Any:
    if column.references:
        return IDS[column.references]
    if column.enum:
        return column.enum[0]
    if column.type in ("int", "num"):
        return (column.min or 0) + line
    return {"date": date(2026, 3, 4), "ts": datetime(2026, 3, 4, 9), "bool": True}.get(column.type, f"v{line}")


def _typed(contract: FeedContract, row: Row) -> Row:
    decimals = {column.name for column in contract.columns if column.type == "num" and row[column.name] is not None}
    return row | {name: Decimal(str(row[name])) for name in decimals}
