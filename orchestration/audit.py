"""`allocator audit`: check the published log and what it vouches for, or show it. Reads `published/` alone.

What is checked, in this order: every file of the log against the sha256 that the next one (for the last: CURRENT.json)
gives of it; sequences without a gap; every sealed file (ledger, allocations) against its newest seal; the tables of
`allocator.duckdb` against these files, row by row. Each problem is one line: the oldest broken place comes first.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from data_quality.intake.sql import exact_path, literal
from orchestration.errors import LandedDataError, UsageError
from orchestration.publishing.audit import LOG, NO_FILE, AuditHead
from orchestration.publishing.current import FILE_NAME, Current, read_current, sha256_of
from orchestration.publishing.datasets import BY_NAME, partition_file
from orchestration.publishing.release import DATABASE
from orchestration.settings import Home

_FILE_FACTS = """
SELECT
    count(*), min(sequence), max(sequence), count(DISTINCT sequence), min(previous_sha256), max(previous_sha256),
    count(*) FILTER (business_date IS DISTINCT FROM $day)
FROM read_parquet($file, hive_partitioning = false)
"""
_SEALS = """
SELECT
    dataset, about_date, sequence, business_date, json_extract_string(after, '$.sha256') AS sha256,
    json_extract_string(before, '$.sha256') AS sha256_before,
    lag(json_extract_string(after, '$.sha256')) OVER (PARTITION BY dataset, about_date ORDER BY sequence) AS sealed_before
FROM read_parquet($files, hive_partitioning = false)
WHERE action = 'sealed' AND list_contains($datasets, dataset)
ORDER BY sequence
"""
_SHOWN = """
SELECT sequence, business_date, about_date, acted_at, actor, role, action, dataset, row_key, before, after, reason
FROM read_parquet($files, hive_partitioning = false)
WHERE ($row_key IS NULL OR row_key = $row_key OR row_key LIKE '%|' || $row_key)
    AND ($day IS NULL OR business_date = $day OR about_date = $day)
ORDER BY sequence
"""
_CHANGED = "changed after it was published"


@dataclass
class _Audit:
    """One pass over a published folder: what CURRENT.json says, what was found, what was counted."""

    published: Path
    current: Current
    connection: duckdb.DuckDBPyConnection
    problems: list[str] = field(default_factory=list)
    readable: list[Path] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    entries: int = 0
    sealed: dict[str, list[date]] = field(default_factory=dict)

    def dates_of(self, dataset: str) -> list[date]:
        """Dates that have a file of the dataset, oldest first."""
        files = (self.published / dataset).glob("business_date=*/data.parquet")
        return sorted(date.fromisoformat(path.parent.name.split("=")[1]) for path in files)

    def path(self, dataset: str, day: date) -> Path:
        """File of one dataset and date."""
        return self.published / partition_file(dataset, day)


def verify(home: Home, expected: str | None = None) -> str:
    """One line on the whole chain. LandedDataError (exit 3) with a line per problem, the first broken link first.

    expected: sha256 of a head noted down earlier, outside; a log that was written anew as a whole does not hold it.
    """
    current = _current(home)
    while True:
        problems, summary = verify_published(home.published, current, expected)
        again = _current(home)
        if again == current:
            break
        current = again  # a run published meanwhile: what was read belongs to two releases
    if problems:
        raise LandedDataError("\n".join(problems))
    return summary


def verify_published(published: Path, current: Current, expected: str | None = None) -> tuple[list[str], str]:
    """Problems found in a published folder, and the line that says what was verified."""
    with duckdb.connect(config={"threads": 2, "memory_limit": "4GB"}) as connection:
        audit = _Audit(published, current, connection)
        _check_chain(audit)
        if expected and expected not in audit.hashes:
            audit.problems.append(f"{LOG}: {expected}, the head given with --expect, is no file of the chain")
        _check_seals(audit)
        _check_database(audit)
    sealed = ", ".join(f"{len(days)} files of {name}" for name, days in sorted(audit.sealed.items()))
    head = current.audit_head
    return audit.problems, (
        f"audit log verified: {audit.entries} entries on {len(audit.readable)} dates; {sealed} as sealed; {DATABASE} agrees;"
        f" head {head['business_date']} sequence {head['sequence']} sha256 {head['sha256']}"
    )


def show(home: Home, row_key: str | None, day: date | None) -> str:
    """Entries of the log, oldest first: of one row, of one date, or all. A proposal's key may leave its date out."""
    files = [home.published / name for name in sorted(_current(home).files) if name.startswith(f"{LOG}/")]
    absent = [file for file in files if not file.exists()]
    if absent:
        raise LandedDataError(f"{absent[0]} is missing, though CURRENT.json names it: see `allocator audit verify`")
    with duckdb.connect() as connection:
        parameters = {"files": [exact_path(file) for file in files], "row_key": row_key, "day": day}
        rows = connection.execute(_SHOWN, parameters).fetchall()
    if not rows:
        raise UsageError("no audit entry is about that: leave --row-key and --date out to see all of them")
    return "\n".join(_shown(*row) for row in rows)


def _shown(number, on, about, at, actor, role, action, dataset, key, before, after, reason) -> str:
    change = f"{before or 'nothing'} -> {after or 'nothing'}"
    return f"{number}  {at or on}  {actor}{f' ({role})' if role else ''}  {action} {dataset} {key} of {about}: {change}; {reason or 'no reason given'}"


def _current(home: Home) -> Current:
    try:
        current = read_current(home.published)
        if current and current.audit_head:
            AuditHead(**current.audit_head)
    except (ValueError, TypeError) as error:
        raise LandedDataError(
            f"{home.published / FILE_NAME} cannot be read: {error}; put it back from a backup"
        ) from None
    if current is None:
        raise LandedDataError(f"nothing is published under {home.published}: run `allocator run --date D` first")
    if current.audit_head is None:
        raise LandedDataError(
            f"{home.published / FILE_NAME} has no audit_head: it was taken out, or an older version published; run a date"
        )
    return current


def _check_chain(audit: _Audit) -> None:
    """Every file of the log against the file after it, and the last against CURRENT.json."""
    previous, sequence = ("", NO_FILE), 0
    named = {name for name in audit.current.files if name.startswith(f"{LOG}/")}
    days = audit.dates_of(LOG)
    for name in sorted(named - {partition_file(LOG, day) for day in days}):
        audit.problems.append(f"{name}: missing, though CURRENT.json names it")
    for day in days:
        name = partition_file(LOG, day)
        if name not in named:
            audit.problems.append(f"{name}: CURRENT.json does not name this file")
        facts = _file_facts(audit, name, day)
        if facts:
            rows, first, last, distinct, said, said_last, foreign = facts
            if said != said_last or said != previous[1]:
                audit.problems.append(_broken_link(name, said, said_last, previous))
            if foreign or (first, last - first + 1, distinct) != (sequence + 1, rows, rows):
                audit.problems.append(
                    f"{name}: sequences {first} to {last} in {rows} rows ({foreign} of another date), but {sequence + 1} and on"
                    " without a gap is due: rows were taken out or put in"
                )
            sequence = last
            audit.entries += rows
            audit.readable.append(audit.published / name)
        previous = (name, sha256_of(audit.published / name))
        audit.hashes.append(previous[1])
    _check_head(audit, previous, days[-1] if days else None, sequence)


def _file_facts(audit: _Audit, name: str, day: date) -> tuple | None:
    try:
        file = exact_path(audit.published / name)
        facts = audit.connection.execute(_FILE_FACTS, {"file": file, "day": day}).fetchone()
    except duckdb.Error as error:
        audit.problems.append(f"{name}: cannot be read as a file of the log: {str(error).splitlines()[0]}")
        return None
    if not facts[0]:
        audit.problems.append(f"{name}: holds no entry, but a file of the log has one at least")
        return None
    return facts


def _broken_link(name: str, said: str, said_last: str, previous: tuple[str, str]) -> str:
    if said != said_last:
        return f"{name}: previous_sha256 is not the same in every row: {_CHANGED}"
    if not previous[0]:
        return (
            f"{name}: says that a file with sha256 {said} came before it, but it is the oldest: an older one is missing"
        )
    return (
        f"{previous[0]}: sha256 is {previous[1]}, but {name}, the next in the chain, says {said}: {_CHANGED}, or a file"
        " between the two is missing"
    )


def _check_head(audit: _Audit, last: tuple[str, str], day: date | None, sequence: int) -> None:
    head = audit.current.audit_head
    due = (head["business_date"], head["sha256"], head["sequence"])
    if (str(day), last[1], sequence) != due:
        audit.problems.append(
            f"{partition_file(LOG, head['business_date'])}: CURRENT.json says that the log ends here with sequence {due[2]} and"
            f" sha256 {due[1]}, but it ends on {day} with sequence {sequence} and sha256 {last[1]}: {_CHANGED}"
        )


def _check_seals(audit: _Audit) -> None:
    """Every sealed file against its newest seal, and every seal against the one before it."""
    if not audit.readable:
        return
    newest: dict[tuple[str, date], tuple[int, str]] = {}
    try:
        parameters = {"files": [exact_path(path) for path in audit.readable], "datasets": sorted(BY_NAME)}
        seals = audit.connection.execute(_SEALS, parameters).fetchall()
    except duckdb.Error as error:
        audit.problems.append(f"{LOG}: its seals cannot be read: {str(error).splitlines()[0]}")
        return
    for dataset, about, sequence, on, sha256, before, sealed_before in seals:
        if before != sealed_before:
            audit.problems.append(
                f"{partition_file(LOG, on)}: entry {sequence} seals {partition_file(dataset, about)} as rewritten from sha256"
                f" {before}, but the seal before it says {sealed_before}"
            )
        newest[dataset, about] = (sequence, sha256)
        audit.sealed.setdefault(dataset, [])
    for dataset in audit.sealed:
        days = set(audit.dates_of(dataset))
        for day in sorted(days | {about for name, about in newest if name == dataset}):
            problem = _seal_problem(audit, dataset, day, newest.get((dataset, day)), day in days)
            audit.problems += [problem] if problem else []
        audit.sealed[dataset] = sorted(days)


def _seal_problem(audit: _Audit, dataset: str, day: date, seal: tuple[int, str] | None, exists: bool) -> str | None:
    name = partition_file(dataset, day)
    if seal is None:
        return f"{name}: the audit log has no seal of this file: it was put there"
    if not exists:
        return f"{name}: missing, though entry {seal[0]} of the audit log seals it (sha256 {seal[1]})"
    found, said = sha256_of(audit.path(dataset, day)), audit.current.files.get(name)
    if found != seal[1]:
        return f"{name}: sha256 is {found}, but its seal, entry {seal[0]} of the audit log, says {seal[1]}: {_CHANGED}"
    if said != found:
        return f"{name}: sha256 is {found} as sealed, but CURRENT.json says {said}: CURRENT.json was changed"
    return None


def _check_database(audit: _Audit) -> None:
    """Tables of the published database against the files, date by date within the database's window."""
    database = audit.published / DATABASE
    try:
        audit.connection.execute(f"ATTACH {literal(database)} AS release (READ_ONLY)")
    except duckdb.Error as error:
        audit.problems.append(f"{DATABASE}: cannot be opened: {str(error).splitlines()[0]}")
        return
    for dataset in (LOG, *sorted(audit.sealed)):
        problem = next(_table_problems(audit, dataset), None)
        audit.problems += [problem] if problem else []


def _table_problems(audit: _Audit, dataset: str) -> Iterator[str]:
    """One line per date whose rows differ: the first row that does, by key."""
    table = f"release.main.{dataset}"
    window = date.fromisoformat(audit.current.database_from) if BY_NAME[dataset].windowed else date.min
    files = {day for day in audit.dates_of(dataset) if day >= window}
    try:
        held = audit.connection.execute(f"SELECT DISTINCT business_date FROM {table}").fetchall()
        for day in sorted(files | {day for (day,) in held if day is not None}):
            if day not in files:
                yield f"{DATABASE}: table {dataset} holds rows of {day}, but there is no file of that date"
            else:
                difference = _first_difference(audit, dataset, day)
                if difference:
                    yield difference
        if (None,) in held:
            yield f"{DATABASE}: table {dataset} holds a row without business_date"
    except duckdb.Error as error:
        yield f"{DATABASE}: table {dataset} cannot be compared with its files: {str(error).splitlines()[0]}"


def _first_difference(audit: _Audit, dataset: str, day: date) -> str | None:
    """The first row, by key, that is in the table of the database or in the file of a date only."""
    keys = BY_NAME[dataset].key
    parameters = {"file": exact_path(audit.path(dataset, day)), "day": day}
    schema = "SELECT * FROM read_parquet($file, hive_partitioning = false) LIMIT 0"
    names = [item[0] for item in audit.connection.execute(schema, {"file": parameters["file"]}).description]
    columns = ", ".join(f'"{name}"' for name in names)
    in_file = f"SELECT {columns} FROM read_parquet($file, hive_partitioning = false)"
    in_table = f"SELECT {columns} FROM release.main.{dataset} WHERE business_date = $day"
    rows = audit.connection.execute(
        f"""SELECT 'table' AS side, * FROM ({in_table} EXCEPT ALL {in_file})
            UNION ALL BY NAME
            SELECT 'file' AS side, * FROM ({in_file} EXCEPT ALL {in_table})
            ORDER BY {", ".join(keys)}, side LIMIT 2""",
        parameters,
    ).fetchall()
    if not rows:
        return None
    found = [dict(zip(("side", *names), row, strict=True)) for row in rows]
    key = {name: found[0][name] for name in keys}
    where = f"{DATABASE}: table {dataset}, {day}, {', '.join(f'{name} {value}' for name, value in key.items())}"
    if len(found) == 2 and all(found[1][name] == value for name, value in key.items()):
        return f"{where}: {_changed_columns(found[0], found[1])}"
    if found[0]["side"] == "table":
        return f"{where}: in the table, not in {partition_file(dataset, day)}"
    return f"{where}: in {partition_file(dataset, day)}, not in the table"


def _changed_columns(file: dict[str, Any], table: dict[str, Any]) -> str:
    changes = [
        f"{name} is {json.dumps(table[name], default=str)}, the file says {json.dumps(file[name], default=str)}"
        for name in file
        if name != "side" and file[name] != table[name]
    ]
    return "; ".join(changes) or "a row is there twice"
