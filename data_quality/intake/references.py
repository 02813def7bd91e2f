"""Ids that the masters carry, rows that wait for one, and rows that are no merchandise (semantics 11).

Every load of a referenced master keeps the ids that no earlier load carried (`keys.parquet`), so that the
known ids are read without reading the master's history.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from data_quality.feeds import REFERENCED_FEEDS, REFERENCES, FeedContract
from data_quality.intake.lake import load_files, row_columns
from data_quality.intake.sql import copy_ordered, identifier, identifiers

REASONS = {"items": "unknown_sku", "locations": "unknown_location"}
_KEY_COLUMN = dict(reference.split(".") for reference in REFERENCES)
REGEX_MARK = "re:"


def load_known_ids(connection: duckdb.DuckDBPyConnection, lake: Path, feeds: tuple[str, ...]) -> None:
    """Create table `known_<feed>` (id) of every master named, from all of its loads."""
    for feed in feeds:
        connection.execute(f"CREATE TEMP TABLE {identifier('known_' + feed)} (id VARCHAR)")
        paths = load_files(lake, feed, "keys")
        if paths:
            connection.execute(
                f"INSERT INTO {identifier('known_' + feed)} SELECT id FROM read_parquet($paths, hive_partitioning = false)",
                {"paths": paths},
            )


def write_new_ids(connection: duckdb.DuckDBPyConnection, contract: FeedContract, raw: Path, lake: Path) -> None:
    """Write keys.parquet beside a referenced master's raw.parquet, where it carries ids not known before."""
    if contract.feed not in REFERENCED_FEEDS:
        return
    load_known_ids(connection, lake, (contract.feed,))
    known = identifier("known_" + contract.feed)
    column = identifier(_KEY_COLUMN[contract.feed])
    connection.execute(
        f"""CREATE TEMP TABLE new_ids AS
        SELECT DISTINCT {column} AS id FROM read_parquet($raw, hive_partitioning = false) ANTI JOIN {known} ON id = {column}""",
        {"raw": str(raw)},
    )
    if connection.execute("SELECT count(*) FROM new_ids").fetchone()[0]:
        copy_ordered(connection, "SELECT id FROM new_ids", "id", raw.with_name("keys.parquet"))


def unknown_ids_query(contract: FeedContract, table: str) -> str:
    """SELECT file_id, source_line, reason, detail of every id in `table` that no master row carries."""
    parts = [
        f"""SELECT file_id, source_line, '{REASONS[feed]}' AS reason, '{column.name}' AS detail FROM {table}
        ANTI JOIN {identifier("known_" + feed)} ON id = {identifier(column.name)} WHERE {identifier(column.name)} IS NOT NULL"""
        for column, feed in contract.references
    ]
    parts.append("SELECT NULL::INTEGER AS file_id, NULL::BIGINT AS source_line, '' AS reason, '' AS detail WHERE FALSE")
    return " UNION ALL ".join(parts)


def flag_not_merchandise(
    connection: duckdb.DuckDBPyConnection, contract: FeedContract, patterns: tuple[str, ...] | list[str]
) -> None:
    """Add `not_merchandise` to `findings` for sku_ids that a policy pattern matches, in place of unknown_sku.

    A pattern is a glob on the whole id, or `re:` and a regular expression for the whole id.
    """
    if not patterns or "sku_id" not in contract.column_names:
        return
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE not_merchandise AS
        SELECT sku_id FROM (SELECT DISTINCT sku_id FROM typed WHERE sku_id IS NOT NULL) AS s
        WHERE EXISTS (
            SELECT 1 FROM unnest($patterns::VARCHAR[]) AS p(pattern)
            WHERE CASE WHEN starts_with(pattern, $mark) THEN regexp_full_match(sku_id, substring(pattern, len($mark) + 1))
                ELSE sku_id GLOB pattern END)""",
        {"patterns": list(patterns), "mark": REGEX_MARK},
    )
    connection.execute(
        """DELETE FROM findings USING typed AS t, not_merchandise AS n WHERE findings.reason = 'unknown_sku'
        AND t.file_id = findings.file_id AND t.source_line = findings.source_line AND n.sku_id = t.sku_id"""
    )
    connection.execute(
        """INSERT INTO findings SELECT file_id, source_line, 'not_merchandise', 'sku_id'
        FROM typed SEMI JOIN not_merchandise USING (sku_id)"""
    )


def load_waiting(connection: duckdb.DuckDBPyConnection, contract: FeedContract, lake: Path) -> None:
    """Create `waiting`: held rows not resolved yet, and `waiting_files` (file_id, business_date, source_file).

    file_id is -1, -2, ... in the order in which the files were loaded. `still_waiting` are the rows whose ids
    are not all known yet.
    """
    columns = identifiers(name for name, _ in row_columns(contract))
    typed = ", ".join(f"{identifier(name)} {kind}" for name, kind in row_columns(contract))
    connection.execute(f"CREATE TEMP TABLE held_rows ({typed}, load BIGINT)")
    held = load_files(lake, contract.feed, "held")
    if held:
        connection.execute(
            f"INSERT INTO held_rows BY NAME SELECT {columns}, load::BIGINT AS load FROM read_parquet($held, hive_partitioning = true, union_by_name = true)",
            {"held": held},
        )
    resolved = load_files(lake, contract.feed, "resolved")
    if resolved:
        connection.execute(
            """DELETE FROM held_rows USING read_parquet($resolved, hive_partitioning = false) AS r
            WHERE (held_rows.business_date, held_rows.source_file, held_rows.source_line)
                = (r.business_date, r.source_file, r.source_line)""",
            {"resolved": resolved},
        )
    connection.execute(
        """CREATE TEMP TABLE waiting_files AS
        SELECT (-row_number() OVER (ORDER BY load, business_date, source_file))::INTEGER AS file_id, business_date, source_file
        FROM (SELECT DISTINCT load, business_date, source_file FROM held_rows)"""
    )
    connection.execute(
        """CREATE TEMP TABLE waiting AS SELECT f.file_id, h.* EXCLUDE (business_date, source_file, load)
        FROM held_rows AS h JOIN waiting_files AS f USING (business_date, source_file)"""
    )
    connection.execute(
        f"CREATE TEMP TABLE still_waiting AS SELECT DISTINCT file_id, source_line FROM ({unknown_ids_query(contract, 'waiting')})"
    )
