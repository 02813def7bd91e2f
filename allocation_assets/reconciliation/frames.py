"""SQL over Arrow tables: how the kernels of this package do set work. No files, no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa

from allocation_assets.placeholders import SCHEMAS

#: Dataset that proposals are published as; approvals name it.
PROPOSALS = "adjustments_proposed"


def run_query(query: str, tables: Mapping[str, pa.Table], parameters: Mapping[str, Any] | None = None) -> pa.Table:
    """Result of a query over named tables. The query orders its rows; sums are of integers or DECIMAL."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "2GB"}) as connection:
        for name, table in tables.items():
            connection.register(name, table)
        return connection.execute(query, parameters or {}).to_arrow_table()


def empty(dataset: str) -> pa.Table:
    """No rows of a lake dataset, with its columns (`placeholders.SCHEMAS`)."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE empty ({SCHEMAS[dataset]})")
        return connection.execute("FROM empty").to_arrow_table()


def limits_table(ladder: Sequence[tuple[str, Decimal | None]]) -> pa.Table:
    """The ladder of approval as a table: role, most money (null = without limit), rank from 1 and what it is for.

    A value in (above, up_to] needs at least this role; the highest role answers for all that is above its limit, too.
    """
    most = [amount for _, amount in ladder]
    money = pa.decimal128(24, 6)
    return pa.table(
        {
            "role": pa.array([role for role, _ in ladder], pa.string()),
            "most": pa.array(most, money),
            "rank": pa.array(range(1, len(ladder) + 1), pa.int32()),
            "above": pa.array([Decimal(-1), *most[:-1]], money),
            "up_to": pa.array([*most[:-1], Decimal(10) ** 17], money),
        }
    )
