"""One fact, one row: the same key with the same content counts once, with other content it is refused.

Rule (semantics 9, 10; landing.md "What a bad row gets"): the first delivered row stands, in the order
already loaded, then rows that waited for a master, then new rows by business_date, file name and line. A
row that does not stand is a duplicate where its content equals a standing row's, else a
conflicting_duplicate.

How far a key reaches: for `date` feeds, one business_date. For `window` feeds, `late_days` either side of
the row that stands; a key used again farther away is another fact (an epoch of its own), whose first row
stands in turn. Measured from the row that stands and not from the last repetition, so that a bulk load
and day-by-day loads of the same files agree.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb

from data_quality.feeds import FeedContract
from data_quality.intake.lake import load_files
from data_quality.intake.sql import identifiers

WAITING_REASONS = "('unknown_sku', 'unknown_location')"


def settle_duplicates(
    connection: duckdb.DuckDBPyConnection, contract: FeedContract, lake: Path, late_days: int
) -> None:
    """Decide every repeated key. Reads `typed`, `files`, `findings`, `waiting*`; creates `pool` and `losers`.

    `pool` is the view of rows that may be loaded: new ones without finding (origin 2) and waiting ones
    whose masters are known now (origin 1). `losers` (file_id, source_line, origin, verdict) are those of
    them that are not to be loaded, and new rows that repeat a waiting row. Conflicts of new rows are added
    to `findings`; findings of rows that only repeat a waiting row are taken out.
    """
    connection.execute(
        f"""CREATE TEMP TABLE bad AS SELECT file_id, source_line, bool_and(reason IN {WAITING_REASONS}) AS is_waiting
        FROM findings GROUP BY file_id, source_line"""
    )
    connection.execute(
        "CREATE TEMP TABLE losers (file_id INTEGER, source_line BIGINT, origin INTEGER, verdict VARCHAR)"
    )
    _create_pool(connection, "pool", "ANTI JOIN bad", "ANTI JOIN still_waiting")
    _create_pool(connection, "waiting_pool", "SEMI JOIN (FROM bad WHERE is_waiting) AS b", "SEMI JOIN still_waiting")
    reach = late_days if contract.key_scope == "window" else 0
    keys = [*contract.grain, *(["business_date"] if reach == 0 else [])]
    _find_stored(connection, contract, lake, keys, reach)
    _settle(connection, contract, "pool", keys, reach, by_content=False)
    _settle(connection, contract, "waiting_pool", keys, reach, by_content=True)
    connection.execute(
        f"""INSERT INTO findings SELECT file_id, source_line, 'conflicting_duplicate', '{", ".join(contract.grain)}'
        FROM losers WHERE verdict = 'conflicting_duplicate' AND origin = 2"""
    )
    connection.execute(
        """DELETE FROM findings USING losers AS l WHERE l.verdict = 'duplicate'
        AND l.file_id = findings.file_id AND l.source_line = findings.source_line"""
    )


def _create_pool(connection: duckdb.DuckDBPyConnection, name: str, new_rows: str, waiting_rows: str) -> None:
    connection.execute(
        f"""CREATE TEMP VIEW {name} AS
        SELECT 2 AS origin, f.business_date, f.source_file, t.* EXCLUDE (faults)
        FROM typed AS t {new_rows} USING (file_id, source_line) JOIN files AS f USING (file_id)
        UNION ALL BY NAME
        SELECT 1 AS origin, f.business_date, f.source_file, w.*
        FROM waiting AS w {waiting_rows} USING (file_id, source_line) JOIN waiting_files AS f USING (file_id)"""
    )


def _content(contract: FeedContract) -> str:
    return identifiers(name for name in contract.column_names if name not in contract.grain)


def _find_stored(
    connection: duckdb.DuckDBPyConnection, contract: FeedContract, lake: Path, keys: list[str], reach: int
) -> None:
    """Create `stored`: loaded rows that share a key with the pool and are near enough to matter.

    A row is posted on or after its business_date, so only loads posted since the oldest date in reach are
    opened, and the content columns only when a key is met again.
    """
    columns = (
        f"{identifiers(keys)}, business_date, {_content(contract)}"
        if reach
        else f"{identifiers(keys)}, {_content(contract)}"
    )
    first, last = connection.execute("SELECT min(business_date), max(business_date) FROM pool").fetchone()
    paths = load_files(lake, contract.feed, "raw", _shift(first, -reach)) if first else []
    connection.execute(f"CREATE TEMP TABLE stored AS SELECT {columns} FROM pool WHERE FALSE")
    if not paths:
        return
    near = {"paths": paths, "from": _shift(first, -reach), "to": _shift(last, reach)}
    rows = """read_parquet($paths, hive_partitioning = false, union_by_name = true)
        WHERE business_date BETWEEN $from::DATE AND $to::DATE"""
    connection.execute(
        f"""CREATE TEMP TABLE met_again AS SELECT DISTINCT {identifiers(keys)}
        FROM (SELECT {identifiers(keys)} FROM {rows}) SEMI JOIN pool USING ({identifiers(keys)})""",
        near,
    )
    if connection.execute("SELECT count(*) FROM met_again").fetchone()[0]:
        connection.execute(
            f"INSERT INTO stored SELECT {columns} FROM (SELECT * FROM {rows}) SEMI JOIN met_again USING ({identifiers(keys)})",
            near,
        )


def _shift(day: date, days: int) -> date:
    """The day moved by whole days, kept within the calendar."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.min if days < 0 else date.max


def _settle(
    connection: duckdb.DuckDBPyConnection,
    contract: FeedContract,
    pool: str,
    keys: list[str],
    reach: int,
    by_content: bool,
) -> None:
    """Append to `losers` what of a pool does not stand; `by_content` compares only rows of equal content."""
    names = identifiers(keys)
    # File ids count in order of delivery: waiting files by load (negative), new ones by date and name.
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE contested AS SELECT {names} FROM {pool} GROUP BY {names} HAVING count(*) > 1
        UNION SELECT {names} FROM stored"""
    )
    if not connection.execute("SELECT count(*) FROM contested").fetchone()[0]:
        return
    content = f"struct_pack({_content(contract)})"
    key = f"struct_pack({names})"
    connection.execute(
        f"""CREATE OR REPLACE TEMP TABLE candidates AS
        SELECT row_number() OVER (ORDER BY origin, abs(file_id), source_line) AS ordinal, origin, file_id,
            source_line, business_date, {f"struct_pack(k := {key}, c := {content})" if by_content else key} AS key,
            {content} AS content, NULL::VARCHAR AS verdict
        FROM {pool} SEMI JOIN contested USING ({names})"""
    )
    if not by_content:
        _compare_with_stored(connection, key, content, reach)
    while _decide_next_epoch(connection, reach):
        pass
    wanted = "verdict = 'duplicate' AND origin = 2" if by_content else "verdict <> 'stands'"
    connection.execute(
        f"INSERT INTO losers SELECT file_id, source_line, origin, verdict FROM candidates WHERE {wanted}"
    )


_NEAR = "abs(date_diff('day', a.business_date, c.business_date)) <= $reach"


def _compare_with_stored(connection: duckdb.DuckDBPyConnection, key: str, content: str, reach: int) -> None:
    connection.execute(
        f"""UPDATE candidates SET verdict = CASE WHEN m.is_same THEN 'duplicate' ELSE 'conflicting_duplicate' END
        FROM (
            SELECT c.ordinal, bool_or(c.content IS NOT DISTINCT FROM a.content) AS is_same
            FROM candidates AS c
            JOIN (SELECT business_date, {key} AS key, {content} AS content FROM stored) AS a ON a.key = c.key
            WHERE {_NEAR} GROUP BY c.ordinal
        ) AS m WHERE m.ordinal = candidates.ordinal""",
        {"reach": reach},
    )


def _decide_next_epoch(connection: duckdb.DuckDBPyConnection, reach: int) -> bool:
    """Let the first undecided row of every key stand and judge the undecided rows within its reach."""
    connection.execute(
        """CREATE OR REPLACE TEMP TABLE anchors AS SELECT c.ordinal, c.key, c.business_date, c.content FROM candidates AS c
        SEMI JOIN (SELECT min(ordinal) AS ordinal FROM candidates WHERE verdict IS NULL GROUP BY key) USING (ordinal)"""
    )
    if not connection.execute("SELECT count(*) FROM anchors").fetchone()[0]:
        return False
    connection.execute(
        f"""UPDATE candidates SET verdict = m.verdict
        FROM (
            SELECT c.ordinal, CASE WHEN c.ordinal = a.ordinal THEN 'stands'
                WHEN c.content IS NOT DISTINCT FROM a.content THEN 'duplicate' ELSE 'conflicting_duplicate' END AS verdict
            FROM candidates AS c JOIN anchors AS a ON a.key IS NOT DISTINCT FROM c.key
            WHERE c.verdict IS NULL AND {_NEAR}
        ) AS m WHERE m.ordinal = candidates.ordinal""",
        {"reach": reach},
    )
    return True
