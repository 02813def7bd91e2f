"""The picture of a date: every topic's rows, read once, for the page and the workbook alike."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import duckdb

from allocation_assets.reporting.reasons import CONSTRAINTS, REMEDIES, Fetch, Rows, explanation
from allocation_assets.reporting.topics import TOPICS, Topic

#: Rows of one topic that are read at most; whatever is cut off is said, and is worth less than what stays.
MOST_ROWS = 50_000
TREND_DAYS = 91
PAIRS = 100
PAIRS_IN_FULL = 12

_BEFORE = """
SELECT max(business_date) FROM kpi_daily
WHERE location_id = '*' AND department = '*' AND business_date <= $day::DATE - $gap::INTEGER
"""
#: Whether the period before is as long as this one: history that starts in its middle would look like growth.
_WHOLE = """
SELECT min(business_date) <= $before::DATE - $days::INTEGER + 1
    OR count(*) FILTER (business_date > $before::DATE - $days::INTEGER AND business_date <= $before)
        >= count(*) FILTER (business_date > $day::DATE - $days::INTEGER AND business_date <= $day)
FROM kpi_daily WHERE location_id = '*' AND department = '*'
"""


@dataclass(frozen=True)
class Table:
    """Rows of a topic: `names` and DuckDB `types` of the columns, `rows` as tuples, `total` rows where `rows` was cut."""

    topic: Topic
    names: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple]
    total: int

    def dicts(self) -> Rows:
        """The rows as dicts."""
        return [dict(zip(self.names, row, strict=True)) for row in self.rows]

    def column(self, name: str) -> list[Any]:
        """The values of one column."""
        at = self.names.index(name)
        return [row[at] for row in self.rows]


@dataclass(frozen=True)
class Picture:
    """What a page or a workbook shows of a business date.

    before: the date compared with, or None. tables: by topic, without those whose datasets are not published.
    definitions: (dataset, column) to its text in the dbt docs. explanations: lines as `allocator explain` says them.
    """

    day: date
    before: date | None
    is_weekly: bool
    tables: dict[str, Table]
    definitions: dict[tuple[str, str], str] = field(default_factory=dict)
    explanations: list[list[str]] = field(default_factory=list)

    def define(self, topic: Topic, column: str) -> str:
        """What a column of a topic means: the topic's own words, else the dbt docs of the first source that has it."""
        found = (self.definitions.get((source, column)) for source in topic.sources)
        return topic.own.get(column) or next((text for text in found if text), "")


def read_picture(
    connection: duckdb.DuckDBPyConnection,
    day: date,
    *,
    is_weekly: bool = False,
    definitions: dict[tuple[str, str], str] | None = None,
    most_rows: int = MOST_ROWS,
) -> Picture:
    """Read every topic of a date from published relations (see published.md), at most `most_rows` rows of each."""
    before = _set_variables(connection, day, 7 if is_weekly else 1)
    words = [(reason, meaning, REMEDIES[reason]) for reason, meaning in CONSTRAINTS.items()]
    connection.execute("CREATE OR REPLACE TEMP TABLE reason_words (reason VARCHAR, meaning VARCHAR, remedy VARCHAR)")
    connection.executemany("INSERT INTO reason_words VALUES (?, ?, ?)", words)
    published = relations(connection)
    wanted = [topic for topic in TOPICS if published.issuperset(topic.sources)]
    tables = {topic.name: read_topic(connection, topic, topic.most_rows or most_rows) for topic in wanted}
    fetch = fetcher(connection)
    chosen = tables["explain"].dicts()[:PAIRS_IN_FULL] if "explain" in tables else []
    explanations = [explanation(fetch, day, row["sku_id"], row["to_location_id"]) for row in chosen]
    return Picture(day, before, is_weekly, tables, definitions or {}, explanations)


def _set_variables(connection: duckdb.DuckDBPyConnection, day: date, days: int) -> date | None:
    """Set what the topics read; returns the date compared with."""
    before = connection.execute(_BEFORE, {"day": day, "gap": days}).fetchone()[0]
    is_whole = before and connection.execute(_WHOLE, {"day": day, "before": before, "days": days}).fetchone()[0]
    variables = {
        "day": day, "day_flows": day, "before": before, "before_flows": before if is_whole else None, "period_days": days,
        "trend_days": TREND_DAYS, "pairs": PAIRS,
    }  # fmt: skip
    for name, value in variables.items():
        connection.execute(f"SET VARIABLE {name} = $value", {"value": value})
    return before


def read_topic(connection: duckdb.DuckDBPyConnection, topic: Topic, most_rows: int) -> Table:
    """The rows of a topic, the first `most_rows` of them in the topic's order."""
    cursor = connection.execute(topic.query)
    names = tuple(column[0] for column in cursor.description)
    types = tuple(str(column[1]) for column in cursor.description)
    rows = cursor.fetchmany(most_rows)
    total = len(rows)
    while rest := cursor.fetchmany(most_rows):
        total += len(rest)
    return Table(topic, names, types, rows, total)


def relations(connection: duckdb.DuckDBPyConnection) -> set[str]:
    """Names of the relations that are there."""
    return {name for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall()}


def fetcher(connection: duckdb.DuckDBPyConnection) -> Fetch:
    """Runs queries of one published dataset each; no rows where the dataset is not published."""
    published = relations(connection)

    def fetch(query: str, parameters: dict[str, Any]) -> Rows:
        if not published.intersection(query.split()):
            return []
        cursor = connection.execute(query, parameters)
        names = [column[0] for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    return fetch


def columns_without_definition(picture: Picture, tables: Iterable[Table]) -> list[tuple[str, str]]:
    """(topic, column) that nobody has described: there should be none."""
    return [(t.topic.name, name) for t in tables for name in t.names if not picture.define(t.topic, name)]
