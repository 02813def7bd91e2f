"""SQL of the rows that a table of the semantic layer holds, in words that every warehouse knows."""

from __future__ import annotations

from collections.abc import Callable

from allocation_assets.bi.semantics import DATE, Table
from data_quality.intake.sql import literal


def quoted(name: str, quote: str = '"') -> str:
    """A name as a quoted identifier."""
    return quote + name.replace(quote, quote * 2) + quote


def rows_sql(
    table: Table, source: str, casts: dict[str, str] | None = None, name_as: Callable[[str], str] = quoted, newest_days: int | None = None
) -> str:
    """SELECT of the table's columns from `source` (a relation as SQL text), one row per row of the table.

    casts: SQL type by column where the reader needs another one than the published. name_as: how a name is written. newest_days:
    keep so many of the newest days alone.
    """
    casts = casts or {}
    names = [
        f"CAST({name_as(column.name)} AS {casts[column.name]}) AS {name_as(column.name)}"
        if column.name in casts
        else name_as(column.name)
        for column in table.columns
    ]
    wanted = [f"{name_as(name)} {operator} {literal(value)}" for name, operator, value in table.conditions]
    if newest_days is not None:
        wanted.append(f"{name_as(DATE)} > (SELECT MAX({name_as(DATE)}) FROM {source}) - {newest_days}")
    where = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    if table.is_fact:
        return f"SELECT {', '.join(names)} FROM {source}{where}"
    rank = f"row_number() OVER (PARTITION BY {name_as(table.newest_by)} ORDER BY {name_as(DATE)} DESC)"
    ranked = f"SELECT *, {rank} AS newest_rank FROM {source}{where}"
    return f"SELECT {', '.join(names)} FROM ({ranked}) AS ranked WHERE newest_rank = 1"
