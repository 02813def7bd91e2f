"""The published `audit_log`: append-only, one file per date, each file naming the sha256 of the one before it.

A release writes to the newest date of the log only, and there only behind what is already written: the run's audit
entries that the log does not hold yet, then one seal per file of a sealed dataset whose bytes are new. Nothing here is
written before publishing, so a run that is refused or killed leaves no trace. `orchestration.audit` checks the chain.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from data_quality.intake.sql import exact_path
from orchestration.errors import LandedDataError
from orchestration.publishing.current import Current, sha256_of
from orchestration.publishing.datasets import DATASETS, partition_file

LOG = "audit_log"
#: What the first file of the log says about the one before it.
NO_FILE = "0" * 64
SEALED = tuple(sorted(dataset.name for dataset in DATASETS if dataset.is_sealed))
_TEXT = ("actor", "role", "action", "dataset", "row_key", "location_id", "sku_id", "before", "after", "reason")
#: Columns of the log. A seal has no time: the pipeline puts no clock into a published file (semantics 5).
SCHEMA = pa.schema(
    [
        ("business_date", pa.date32()),
        ("sequence", pa.int64()),
        ("entry_id", pa.string()),
        ("about_date", pa.date32()),
        ("acted_at", pa.timestamp("us")),
        *((name, pa.string()) for name in _TEXT),
        ("policy_version", pa.string()),
        ("previous_sha256", pa.string()),
    ]
)
ENTRIES = pa.schema([field for field in SCHEMA if field.name not in ("sequence", "previous_sha256")])
SEALS = pa.schema(
    [
        ("dataset", pa.string()),
        ("about_date", pa.date32()),
        ("rows", pa.int64()),
        ("sha256", pa.string()),
        ("sha256_before", pa.string()),
    ]
)

_EXTENDED = """
WITH fresh AS (
    SELECT
        e.entry_id, coalesce(e.about_date, e.business_date) AS about_date, e.acted_at, e.actor, e.role, e.action,
        e.dataset, e.row_key, e.location_id, e.sku_id, e.before, e.after, e.reason, e.policy_version,
        false AS is_seal, e.place
    FROM entries AS e
    ANTI JOIN known AS k ON k.entry_id = e.entry_id
    UNION ALL BY NAME
    SELECT
        about_date, 'allocator' AS actor, 'sealed' AS action, dataset, about_date::VARCHAR AS row_key,
        CASE WHEN sha256_before IS NOT NULL THEN json_object('sha256', sha256_before)::VARCHAR END AS before,
        json_object('rows', rows, 'sha256', sha256)::VARCHAR AS after,
        CASE WHEN sha256_before IS NULL THEN 'first published' ELSE 'rewritten' END || ' by the run of '
            || $run_date::DATE::VARCHAR AS reason,
        $policy_version AS policy_version, true AS is_seal, row_number() OVER (ORDER BY dataset, about_date) AS place
    FROM seals
),

numbered AS (SELECT *, $sequence + row_number() OVER (ORDER BY is_seal, place) AS sequence FROM fresh)

SELECT * FROM tail_rows
UNION ALL BY NAME
SELECT
    $tail::DATE AS business_date, sequence,
    -- The same file may be sealed twice (changed and changed back): the place in the log tells the seals apart.
    CASE WHEN is_seal THEN md5(concat_ws('|', 'sealed', dataset, row_key, after, sequence)) ELSE entry_id END AS entry_id,
    about_date, acted_at, actor, role, action, dataset, row_key, location_id, sku_id, before, after, reason,
    policy_version, $previous_sha256 AS previous_sha256
FROM numbered
ORDER BY sequence
"""


@dataclass(frozen=True)
class AuditHead:
    """The end of the log as `CURRENT.json` names it: newest file, its sha256, its last sequence, what is sealed."""

    business_date: str
    sha256: str
    sequence: int
    sealed: list[str]

    @classmethod
    def after(cls, rows: pa.Table, tail: date, sha256: str) -> AuditHead:
        """Head of a log whose newest file holds `rows` (sequence order)."""
        return cls(str(tail), sha256, rows["sequence"][-1].as_py(), list(SEALED))


@dataclass(frozen=True)
class OpenLog:
    """The log as published, checked at its end: folder, dates of its files, head, sealed files' hashes."""

    published: Path
    dates: list[date]
    head: AuditHead | None
    sealed_hashes: dict[str, str]

    def rows_since(self, day: date) -> pa.Table:
        """Rows of the files of `day` and later, in sequence order. A day's run reads a day's file."""
        files = [self.published / partition_file(LOG, each) for each in self.dates if each >= day]
        return (
            pa.concat_tables([pq.read_table(file, schema=SCHEMA, partitioning=None) for file in files])
            if files
            else SCHEMA.empty_table()
        )


def open_log(published: Path, current: Current | None) -> OpenLog:
    """The published log. Raises LandedDataError when its newest file is not the one that CURRENT.json names."""
    dates = sorted(date.fromisoformat(path.name.split("=")[1]) for path in (published / LOG).glob("business_date=*"))
    head = AuditHead(**current.audit_head) if current and current.audit_head else None
    if head is None and not dates:
        return OpenLog(published, [], None, {})
    newest = published / partition_file(LOG, dates[-1]) if dates else None
    intact = head and newest and str(dates[-1]) == head.business_date and newest.exists()
    if not intact or sha256_of(newest) != head.sha256:
        raise LandedDataError(
            f"{published / LOG} does not end as CURRENT.json says (audit_head {current.audit_head if current else None}):"
            " the log was changed after it was published; nothing is appended to it; see `allocator audit verify`"
        )
    hashes = {name: sha for name, sha in current.files.items() if name.split("/")[0] in head.sealed}
    return OpenLog(published, dates, head, hashes)


def extend_log(
    connection: duckdb.DuckDBPyConnection,
    log: OpenLog,
    entries_file: Path,
    *,
    staged: Path,
    files: dict[str, str],
    run_date: date,
    tail: date,
    policy_version: str,
) -> pa.Table:
    """Rows of the log's file of `tail`: those it has, then what the release adds.

    The run's entries may stand in any file since the run's date (a date decided again writes to the log's end), so that
    is as far back as one looks. files: sha256 per staged file.
    """
    rows = log.rows_since(min(run_date, tail))
    tail_rows = rows.filter(np.asarray(rows["business_date"].to_numpy() == np.datetime64(tail), dtype=bool))
    previous = log.head.sha256 if log.head else NO_FILE
    if len(tail_rows):
        previous = tail_rows["previous_sha256"][0].as_py()
    return extended(
        connection,
        tail_rows,
        rows.select(["entry_id"]),
        read_entries(connection, entries_file),
        seals_due(staged, files, log.sealed_hashes),
        run_date=run_date,
        tail=tail,
        sequence=log.head.sequence if log.head else 0,
        previous_sha256=previous,
        policy_version=policy_version,
    )


def extended(
    connection: duckdb.DuckDBPyConnection,
    tail_rows: pa.Table,
    known: pa.Table,
    entries: pa.Table,
    seals: pa.Table,
    *,
    run_date: date,
    tail: date,
    sequence: int,
    previous_sha256: str,
    policy_version: str,
) -> pa.Table:
    """The tail (SCHEMA) with the entries (ENTRIES, in their order) that are not `known`, then the seals (SEALS), behind it.

    sequence: the last one of the whole log. Pure: same arguments, same rows.
    """
    tables = {
        "tail_rows": tail_rows,
        "known": known,
        "entries": entries.append_column("place", pa.array(np.arange(len(entries)))),
        "seals": seals,
    }
    for name, table in tables.items():
        connection.register(name, table)
    parameters = {
        "run_date": run_date,
        "tail": tail,
        "sequence": sequence,
        "previous_sha256": previous_sha256,
        "policy_version": policy_version,
    }
    result = connection.sql(_EXTENDED, params=parameters).to_arrow_table().cast(SCHEMA)
    for name in tables:
        connection.unregister(name)
    return result


def read_entries(connection: duckdb.DuckDBPyConnection, file: Path) -> pa.Table:
    """The audit entries that a run decided, in the file's order; none where the run wrote no file."""
    if not file.exists():
        return ENTRIES.empty_table()
    columns = ", ".join(ENTRIES.names)
    query = f"SELECT {columns} FROM read_parquet($file, hive_partitioning = false, file_row_number = true) ORDER BY file_row_number"
    return connection.sql(query, params={"file": exact_path(file)}).to_arrow_table().cast(ENTRIES)


def seals_due(staged: Path, files: dict[str, str], sealed: dict[str, str]) -> pa.Table:
    """One row per staged file of a sealed dataset whose sha256 is not the sealed one (SEALS, by dataset and date)."""
    due = [
        {
            "dataset": relative.split("/")[0],
            "about_date": date.fromisoformat(relative.split("/")[1].removeprefix("business_date=")),
            "rows": pq.read_metadata(staged / relative).num_rows,
            "sha256": sha256,
            "sha256_before": sealed.get(relative),
        }
        for relative, sha256 in sorted(files.items())
        if relative.split("/")[0] in SEALED and sealed.get(relative) != sha256
    ]
    return pa.Table.from_pylist(due, schema=SEALS)
