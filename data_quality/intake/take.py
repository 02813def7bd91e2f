"""Taking in one feed: read, check, settle, account, commit."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from shutil import rmtree

import duckdb

from data_quality.feeds import FeedContract
from data_quality.intake.accounting import (
    AccountingRow,
    TouchedFiles,
    check_identity,
    known_files,
    write_accounting,
)
from data_quality.intake.duplicates import settle_duplicates
from data_quality.intake.lake import commit, fresh_staging, load_files, next_load, row_columns
from data_quality.intake.model import IntakeOptions, LandedFile, LoadReport
from data_quality.intake.plan import Plan, plan_files
from data_quality.intake.reading import create_session_tables, land, raw_texts, register_files
from data_quality.intake.references import (
    flag_not_merchandise,
    load_known_ids,
    load_waiting,
    unknown_ids_query,
    write_new_ids,
)
from data_quality.intake.sql import connect, copy_ordered, identifiers

FileKey = tuple[date, str]
ROW_ORDER = "business_date, source_file, source_line"


@dataclass
class _TakeIn:
    """What the steps of one take-in share."""

    connection: duckdb.DuckDBPyConnection
    contract: FeedContract
    lake: Path
    run_date: date
    options: IntakeOptions
    staged: Path
    known: list[AccountingRow]
    plan: Plan

    @property
    def is_first_load(self) -> bool:
        """Whether no row of the feed was ever loaded: such a bulk load is neither late nor too late (semantics 4)."""
        return not any(k.rows_loaded for k in self.known)


def take_in(
    feed: FeedContract, *, landing: Path, lake: Path, run_date: date, options: IntakeOptions | None = None
) -> LoadReport:
    """Take in every file of a feed that is not in yet, from folders up to the run's date, as one atomic load.

    Masters that other feeds refer to (`feed.requires`) must have been taken in before. Rows that waited
    for a master are evaluated again (semantics 11). Feeds are taken in one after another, never at once.

    Args:
        feed: the feed's contract.
        landing: the landing zone, `<landing>/<feed>/business_date=D/*`.
        lake: the lake; the load goes to `<lake>/loads/<feed>/posted_on=<run_date>/load=N/`.
        run_date: date of the run.
        options: settings, all from policy.

    Raises:
        IntakeError: nothing was committed; the message says what to do.
    """
    options = options or IntakeOptions()
    staging = fresh_staging(lake, feed.feed)
    connection = connect(options.memory_limit, options.threads, staging / "spill")
    try:
        known = known_files(connection, lake, feed.feed)
        plan = plan_files(landing, feed.feed, run_date, known, TouchedFiles(lake, feed.feed), staging)
        job = _TakeIn(connection, feed, lake, run_date, options, staging / "load", known, plan)
        return _run(job)
    finally:
        connection.close()
        rmtree(staging, ignore_errors=True)


def _run(job: _TakeIn) -> LoadReport:
    load_known_ids(job.connection, job.lake, job.contract.requires)
    load_waiting(job.connection, job.contract, job.lake)
    waiting = job.connection.execute(
        "SELECT count(*) FROM waiting ANTI JOIN still_waiting USING (file_id, source_line)"
    )
    if not waiting.fetchone()[0] and not job.plan.fresh and not job.plan.copies:
        return LoadReport(job.contract.feed, None, problems=job.plan.problems)
    create_session_tables(job.connection, job.contract)
    register_files(job.connection, job.plan.fresh, job.options.timezone)
    land(job.connection, job.contract, job.plan.fresh, job.options)
    _check_row_totals(job)
    _collect_findings(job)
    settle_duplicates(job.connection, job.contract, job.lake, job.options.late_days)
    _write_rows(job)
    rows = _account(job)
    if not rows:
        return LoadReport(job.contract.feed, None, problems=job.plan.problems)
    check_identity(rows)
    write_accounting(job.connection, rows, job.staged / "accounting.parquet")
    load = next_load(job.lake)
    target = job.lake / "loads" / job.contract.feed / f"posted_on={job.run_date}" / f"load={load:06d}"
    report = _report(job, load, rows)
    commit(job.staged, target)
    return report


def _rows_per_file(job: _TakeIn) -> dict[int, int]:
    return dict(job.connection.execute("SELECT file_id, count(*) FROM typed GROUP BY file_id").fetchall())


def _check_row_totals(job: _TakeIn) -> None:
    """Refuse files whose row count is not the one their manifest lists."""
    counts = _rows_per_file(job)
    for file in job.plan.fresh:
        manifest = job.plan.manifests.get(file.arrival.business_date)
        if manifest is not None and file.refusal is None and file.is_readable:
            file.refusal = manifest.refusal(file.arrival.name, file.sha256, counts.get(file.file_id, 0))


def _collect_findings(job: _TakeIn) -> None:
    """Fill `findings` (file_id, source_line, reason, detail): every reason that applies to a row by itself."""
    connection, files = job.connection, job.plan.fresh
    connection.execute(
        "CREATE TEMP TABLE findings (file_id INTEGER, source_line BIGINT, reason VARCHAR, detail VARCHAR)"
    )
    connection.execute(
        """INSERT INTO findings SELECT file_id, source_line, split_part(fault, ':', 1), substring(fault, position(':' IN fault) + 1)
        FROM (SELECT file_id, source_line, unnest(faults) AS fault FROM typed WHERE faults IS NOT NULL)"""
    )
    refused = {f.file_id: f.refusal for f in files if f.refusal is not None}
    _flag_files(connection, "manifest_mismatch", refused)
    if not job.is_first_load:
        _flag_files(connection, "too_late", {f.file_id: _lateness(job, f) for f in files if _is_too_late(job, f)})
    connection.execute(f"INSERT INTO findings {unknown_ids_query(job.contract, 'typed')}")
    flag_not_merchandise(connection, job.contract, job.options.not_merchandise)


def _is_too_late(job: _TakeIn, file: LandedFile) -> bool:
    return (job.run_date - file.arrival.business_date).days > job.options.late_days


def _lateness(job: _TakeIn, file: LandedFile) -> str:
    return f"{(job.run_date - file.arrival.business_date).days} days, {job.options.late_days} allowed"


def _flag_files(connection: duckdb.DuckDBPyConnection, reason: str, details: dict[int, str]) -> None:
    """Add a finding to every row of the files."""
    if details:
        connection.execute(
            """INSERT INTO findings SELECT file_id, source_line, $reason, detail FROM typed
            JOIN (SELECT unnest($ids::INTEGER[]) AS file_id, unnest($details::VARCHAR[]) AS detail) USING (file_id)""",
            {"reason": reason, "ids": list(details), "details": list(details.values())},
        )


def _write_rows(job: _TakeIn) -> None:
    """Write raw, held, resolved and quarantine where they have rows, and a master's new ids."""
    columns = identifiers(name for name, _ in row_columns(job.contract))
    _write(job, "raw", f"SELECT {columns} FROM pool ANTI JOIN losers USING (file_id, source_line)")
    if (job.staged / "raw.parquet").exists():
        write_new_ids(job.connection, job.contract, job.staged / "raw.parquet", job.lake)
    _write(
        job,
        "held",
        f"SELECT {columns} FROM waiting_pool ANTI JOIN losers USING (file_id, source_line) WHERE origin = 2",
    )
    _write_resolved(job)
    _write_quarantine(job)


def _write(job: _TakeIn, stem: str, query: str) -> None:
    target = job.staged / f"{stem}.parquet"
    if not copy_ordered(job.connection, query, ROW_ORDER, target):
        target.unlink()


def _write_resolved(job: _TakeIn) -> None:
    """Waiting rows that are loaded or turned out to be duplicates, and all rows of files that were retaken."""
    connection = job.connection
    connection.execute(
        """CREATE TEMP TABLE resolved AS SELECT $feed::VARCHAR AS feed, p.business_date, p.source_file, p.source_line,
            $run_date::DATE AS resolved_on
        FROM pool AS p
        ANTI JOIN (FROM losers WHERE verdict = 'conflicting_duplicate') AS l USING (file_id, source_line)
        WHERE p.origin = 1""",
        {"feed": job.contract.feed, "run_date": job.run_date},
    )
    quarantined = load_files(job.lake, job.contract.feed, "quarantine")
    if job.plan.retaken and quarantined:
        connection.execute(
            """INSERT INTO resolved SELECT q.feed, q.business_date, q.source_file, q.source_line, $run_date::DATE
            FROM read_parquet($paths, hive_partitioning = false) AS q
            JOIN (SELECT unnest($days::DATE[]) AS business_date, unnest($names::VARCHAR[]) AS source_file)
                USING (business_date, source_file)""",
            {
                "paths": quarantined,
                "run_date": job.run_date,
                "days": [r.business_date for r in job.plan.retaken],
                "names": [r.source_file for r in job.plan.retaken],
            },
        )
    _write(job, "resolved", "SELECT * FROM resolved")


def _write_quarantine(job: _TakeIn) -> None:
    connection = job.connection
    connection.execute(
        """CREATE TEMP TABLE wanted AS SELECT file_id, source_line, list_sort(list(DISTINCT reason)) AS reasons,
            string_agg(DISTINCT reason || ': ' || detail, '; ' ORDER BY reason || ': ' || detail) AS detail
        FROM findings GROUP BY file_id, source_line"""
    )
    bad = {row[0] for row in connection.execute("SELECT DISTINCT file_id FROM wanted").fetchall()}
    raw_texts(
        connection,
        job.contract,
        [f for f in job.plan.fresh if f.file_id in bad and f.is_readable],
        job.options,
    )
    connection.execute(
        """CREATE TEMP TABLE quarantine AS SELECT $feed::VARCHAR AS feed, f.business_date, f.source_file, w.source_line,
            r.raw_text, w.reasons, w.detail, $run_date::DATE AS first_seen
        FROM wanted AS w JOIN files AS f USING (file_id) LEFT JOIN raw_texts AS r USING (file_id, source_line)""",
        {"feed": job.contract.feed, "run_date": job.run_date},
    )
    _write(job, "quarantine", "SELECT * FROM quarantine")


def _written(job: _TakeIn, stem: str, condition: str = "TRUE") -> dict[FileKey, int]:
    """Rows per (business_date, source_file) in a file just written: counted from what will be committed."""
    path = job.staged / f"{stem}.parquet"
    if not path.exists():
        return {}
    rows = job.connection.execute(
        f"""SELECT business_date, source_file, count(*) FROM read_parquet($path, hive_partitioning = false)
        WHERE {condition} GROUP BY ALL""",
        {"path": str(path), **({"run_date": job.run_date} if "$run_date" in condition else {})},
    ).fetchall()
    return {(day, name): count for day, name, count in rows}


def _account(job: _TakeIn) -> list[AccountingRow]:
    """Accounting rows of this load: new files, copies, resolved waiting rows, and refused files taken again."""
    landed = _rows_per_file(job)
    loaded, quarantined = _written(job, "raw"), _written(job, "quarantine")
    late = {} if job.is_first_load else _written(job, "raw", "business_date < $run_date")
    duplicates = dict(
        job.connection.execute(
            "SELECT file_id, count(*) FROM losers WHERE verdict = 'duplicate' GROUP BY file_id"
        ).fetchall()
    )
    rows: dict[int, AccountingRow] = {}
    for file in job.plan.fresh:
        key = (file.arrival.business_date, file.source_file)
        counts = (landed.get(file.file_id, 0), loaded.get(key, 0), duplicates.get(file.file_id, 0))
        rows[file.file_id] = _file_row(job, file, (*counts, quarantined.get(key, 0), late.get(key, 0)))
    for file, original in job.plan.copies:
        row = original if isinstance(original, AccountingRow) else rows[original.file_id]
        copy = _file_row(job, file, (row.rows_landed, 0, row.rows_landed, 0, 0))
        rows[file.file_id] = replace(copy, is_readable=row.is_readable, problem=row.problem)
    reverted = [_reverted(record) for record in job.plan.retaken]
    return [*rows.values(), *reverted, *_resolution_rows(job, loaded, late, duplicates)]


def _file_row(job: _TakeIn, file: LandedFile, counts: tuple[int, int, int, int, int]) -> AccountingRow:
    arrival = file.arrival
    return AccountingRow(
        job.contract.feed,
        arrival.business_date,
        file.source_file,
        file.sha256,
        *counts,
        is_readable=file.is_readable,
        problem=file.note(),
        size_bytes=arrival.size_bytes,
        mtime_ns=arrival.mtime_ns,
        provenance=file.provenance,
    )


def _reverted(record: AccountingRow) -> AccountingRow:
    """The change that takes a refused file's first record back to nothing."""
    return replace(
        record,
        rows_landed=-record.rows_landed,
        rows_loaded=-record.rows_loaded,
        rows_duplicate=-record.rows_duplicate,
        rows_quarantined=-record.rows_quarantined,
        rows_late=-record.rows_late,
    )


def _resolution_rows(
    job: _TakeIn, loaded: dict[FileKey, int], late: dict[FileKey, int], duplicates: dict[int, int]
) -> list[AccountingRow]:
    """Rows that left quarantine, as changes of the files that they came in."""
    records = {(k.business_date, k.source_file): k for k in job.known}
    rows = []
    for file_id, day, name in job.connection.execute(
        "SELECT file_id, business_date, source_file FROM waiting_files ORDER BY business_date, source_file"
    ).fetchall():
        taken, repeated = loaded.get((day, name), 0), duplicates.get(file_id, 0)
        if taken or repeated:
            change = (0, taken, repeated, -(taken + repeated), late.get((day, name), 0))
            names = ("rows_landed", "rows_loaded", "rows_duplicate", "rows_quarantined", "rows_late")
            rows.append(replace(records[day, name], **dict(zip(names, change, strict=True))))
    return rows


def _report(job: _TakeIn, load: int, rows: list[AccountingRow]) -> LoadReport:
    reasons = Counter(
        dict(
            job.connection.execute(
                "SELECT reason, count(*) FROM (SELECT unnest(reasons) AS reason FROM wanted) GROUP BY reason ORDER BY reason"
            ).fetchall()
        )
    )
    named = [
        f"{f.arrival.business_date} {f.arrival.name}: {' '.join(filter(None, [f.problem, f.refusal]))}"
        for f in job.plan.fresh
        if f.problem or f.refusal
    ]
    return LoadReport(
        feed=job.contract.feed,
        load=load,
        rows_landed=sum(r.rows_landed for r in rows),
        rows_loaded=sum(r.rows_loaded for r in rows),
        rows_duplicate=sum(r.rows_duplicate for r in rows),
        rows_quarantined=sum(r.rows_quarantined for r in rows),
        rows_late=sum(r.rows_late for r in rows),
        dates=sorted({r.business_date for r in rows}),
        unknown_columns=sorted({name for f in job.plan.fresh for name in f.unknown_columns}),
        problems=[*job.plan.problems, *named],
        reasons=dict(reasons),
    )
