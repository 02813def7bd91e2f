"""Build the next release of `published/` beside the live one: changed Parquet files, the database, CURRENT.json.

Nothing here touches `published/` itself: a release is a folder under `warehouse/` made of hard links to the files that
stay and of new files for the dates that changed. The publish step audits it and then exchanges the two folders.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb

from data_quality.intake.sql import literal
from orchestration.errors import LandedDataError
from orchestration.publishing.append_only import check_append_only
from orchestration.publishing.audit import LOG, AuditHead, OpenLog, extend_log, open_log
from orchestration.publishing.current import Current, sha256_of
from orchestration.publishing.datasets import DATASETS, Dataset, partition_file
from orchestration.settings import Home

DATABASE = "allocator.duckdb"
#: Older BI clients cannot open DuckDB 2's own storage version; 1.0's is the oldest that DuckDB still writes.
STORAGE_VERSION = "v1.0.0"


@dataclass(frozen=True)
class Scope:
    """Which dates a publish rewrites.

    run_date: the date just decided. changed: every date with state in the release whose state or measures may differ
    from what is published (restated by late facts, or new), the run date included. run_dates: all decided dates.
    """

    run_date: date
    changed: tuple[date, ...]
    run_dates: frozenset[date]

    def dates_of(self, dataset: Dataset) -> list[date]:
        """The dates of one dataset to write anew, oldest first."""
        if dataset.dates == "tail":
            return [max(self.run_dates)]
        if not dataset.is_restated:
            return [self.run_date]
        if dataset.dates == "run":
            return sorted(set(self.changed) & self.run_dates | {self.run_date})
        return list(self.changed)


@dataclass(frozen=True)
class Release:
    """A staged release: its folder, sha256 per file, the end of its audit log, the oldest date of its windowed tables."""

    folder: Path
    files: dict[str, str]
    audit_head: AuditHead
    database_from: date


def stage_release(
    home: Home, scope: Scope, current: Current | None, *, policy_version: str, window_days: int, threads: int = 2
) -> Release:
    """Build the staged folder; CURRENT.json is the caller's to write.

    Raises LandedDataError when the release would break what earlier ones promise: movements dropped, a log changed.
    """
    staged = home.private / "release.next"
    shutil.rmtree(staged, ignore_errors=True)
    staged.mkdir(parents=True)
    log = open_log(home.published, current)
    written = {dataset.name: scope.dates_of(dataset) for dataset in DATASETS}
    replaced = {partition_file(name, day) for name, days in written.items() for day in days} | {DATABASE}
    for relative in current.files if current else {}:
        if relative not in replaced:
            _link(home.published / relative, staged / relative)
    with duckdb.connect(config={"threads": threads, "memory_limit": "4GB"}) as connection:
        connection.execute(f"ATTACH {literal(home.database)} AS warehouse (READ_ONLY)")
        for dataset in DATASETS:
            if dataset.source != "audit":
                for day in written[dataset.name]:
                    _write_partition(connection, home, dataset, day, staged)
        files = _file_hashes(staged, replaced, current)
        check_append_only(connection, home.published, staged, files, current)
        head = _write_log(connection, log, home, scope, staged, files, policy_version)
    database_from = _build_database(home, staged, written, current, window_days=window_days, threads=threads)
    files[DATABASE] = sha256_of(staged / DATABASE)
    return Release(staged, dict(sorted(files.items())), head, database_from)


def _write_log(
    connection: duckdb.DuckDBPyConnection,
    log: OpenLog,
    home: Home,
    scope: Scope,
    staged: Path,
    files: dict[str, str],
    policy_version: str,
) -> AuditHead:
    """Write the newest file of the audit log, enter it in `files` and return the new head."""
    tail = max(scope.run_dates)
    rows = extend_log(
        connection,
        log,
        home.lake / "decisions" / "audit_entries" / f"business_date={scope.run_date}" / "data.parquet",
        staged=staged,
        files=files,
        run_date=scope.run_date,
        tail=tail,
        policy_version=policy_version,
    )
    connection.register("audit_tail", rows)
    relative = partition_file(LOG, tail)
    _copy(connection, "SELECT * FROM audit_tail ORDER BY sequence", staged / relative, {})
    files[relative] = sha256_of(staged / relative)
    return AuditHead.after(rows, tail, files[relative])


def _file_hashes(staged: Path, rewritten: set[str], current: Current | None) -> dict[str, str]:
    """sha256 per file of a staged folder; files linked from the live one keep the hash that CURRENT.json has."""
    known = dict(current.files) if current else {}
    hashes = {}
    for path in sorted(staged.rglob("*")):
        relative = path.relative_to(staged).as_posix()
        if path.is_file():
            hashes[relative] = sha256_of(path) if relative in rewritten or relative not in known else known[relative]
    return hashes


def _write_partition(
    connection: duckdb.DuckDBPyConnection, home: Home, dataset: Dataset, day: date, staged: Path
) -> None:
    order = ", ".join(dataset.key) or "business_date"
    query = f"SELECT * FROM {_source(home, dataset, day)} WHERE business_date = $day ORDER BY {order}"
    _copy(connection, query, staged / partition_file(dataset.name, day), {"day": day})


def _copy(connection: duckdb.DuckDBPyConnection, query: str, target: Path, parameters: dict[str, date]) -> None:
    target.parent.mkdir(parents=True)
    connection.execute(f"COPY ({query}) TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)", parameters)
    _sync(target)
    target.chmod(0o444)


def _source(home: Home, dataset: Dataset, day: date) -> str:
    if dataset.source == "warehouse":
        return f"warehouse.main.{dataset.name}"
    folder = "quality" if dataset.source == "quality" else f"decisions/{dataset.name}"
    files = home.lake / folder / f"business_date={day}" / "*.parquet"
    return f"read_parquet({literal(files)}, hive_partitioning = false)"


def _build_database(
    home: Home,
    staged: Path,
    written: dict[str, list[date]],
    current: Current | None,
    *,
    window_days: int,
    threads: int,
) -> date:
    """Copy the live database and replace the dates that changed; from the Parquet files when there is none to copy.

    Returns the oldest date of the windowed tables: a window that grew fills from the day it grew.
    """
    target, live = staged / DATABASE, home.published / DATABASE
    is_update = current is not None and current.code_version_matches() and live.exists()
    if is_update:
        shutil.copyfile(live, target)
    newest = max(day for days in written.values() for day in days)
    newest = max(newest, date.fromisoformat(current.business_date)) if current else newest
    oldest = newest - timedelta(days=window_days - 1)
    with duckdb.connect(config={"threads": threads, "memory_limit": "4GB"}) as connection:
        connection.execute(f"ATTACH {literal(target)} AS release (STORAGE_VERSION '{STORAGE_VERSION}')")
        for dataset in DATASETS:
            days = written[dataset.name] if is_update else _dates_in(staged / dataset.name)
            _load_table(connection, dataset, days, staged, oldest if dataset.windowed else date.min)
        connection.execute("DETACH release")
    _sync(target)
    held_from = date.fromisoformat(current.database_from) if is_update and current.database_from else oldest
    return max(oldest, held_from)


def _load_table(
    connection: duckdb.DuckDBPyConnection, dataset: Dataset, days: Iterable[date], staged: Path, oldest: date
) -> None:
    days = sorted(days)
    files = [str(staged / partition_file(dataset.name, day)) for day in days if day >= oldest]
    schema_file = str(staged / partition_file(dataset.name, days[-1])) if days else None
    if schema_file is None:
        return
    table = f"release.main.{dataset.name}"
    order = ", ".join(("business_date", *dataset.key))
    connection.execute("BEGIN")
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {table} AS FROM read_parquet($file, hive_partitioning = false) LIMIT 0",
        {"file": schema_file},
    )
    connection.execute(
        f"DELETE FROM {table} WHERE business_date < $oldest OR list_contains($days, business_date)",
        {"oldest": oldest, "days": days},
    )
    if files:
        connection.execute(
            f"INSERT INTO {table} BY NAME FROM read_parquet($files, hive_partitioning = false) ORDER BY {order}",
            {"files": files},
        )
    connection.execute("COMMIT")


def _dates_in(folder: Path) -> list[date]:
    return sorted(date.fromisoformat(path.name.split("=")[1]) for path in folder.glob("business_date=*"))


def _link(source: Path, target: Path) -> None:
    if not source.exists():
        raise LandedDataError(
            f"{source} is missing, though CURRENT.json names it: put it back from a backup (see `allocator audit verify`);"
            " nothing was published"
        )
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
