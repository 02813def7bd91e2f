"""What became of every landed file: the figures kept per file, and the identity they must satisfy.

A row of accounting.parquet is a change; the figure of a file is the sum over its (feed, business_date,
source_file, sha256). A resolution is a change of 0 landed, + loaded, - quarantined.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable
from dataclasses import astuple, dataclass
from datetime import date
from pathlib import Path

import duckdb

from data_quality.intake.lake import ACCOUNTING_COLUMNS, load_files
from data_quality.intake.model import Arrival, IntakeError
from data_quality.intake.sql import copy_ordered, identifier

_RENAMED = re.compile(r"@[0-9a-f]{8}(@\d+)?$")
_REFUSED = "manifest_mismatch: "


@dataclass(frozen=True)
class AccountingRow:
    """One change of one file's figures, in rows; fields are the columns of accounting.parquet."""

    feed: str
    business_date: date
    source_file: str
    sha256: str
    rows_landed: int
    rows_loaded: int
    rows_duplicate: int
    rows_quarantined: int
    rows_late: int
    is_readable: bool
    problem: str | None
    size_bytes: int
    mtime_ns: int
    provenance: str | None

    @property
    def landing_name(self) -> str:
        """Name of the file in its folder (a redelivered name is recorded with a suffix)."""
        return landing_name(self.source_file)

    @property
    def is_refused(self) -> bool:
        """Whether its manifest did not vouch for it."""
        return _REFUSED in (self.problem or "")


def landing_name(source_file: str) -> str:
    """The file's name in its folder."""
    return _RENAMED.sub("", source_file)


def recorded_name(name: str, sha256: str, taken: Iterable[str]) -> str:
    """The name under which a file is recorded: unique within feed and date, kept where it is free."""
    used = set(taken)
    if name not in used:
        return name
    renamed = f"{name}@{sha256[:8]}"
    number = 2
    candidate = renamed
    while candidate in used:
        candidate = f"{renamed}@{number}"
        number += 1
    return candidate


def known_files(
    connection: duckdb.DuckDBPyConnection, lake: Path, feed: str, posted_from: date = date.min
) -> list[AccountingRow]:
    """Summed figures of every file of a feed taken in on or after `posted_from`, in order of take-in."""
    paths = load_files(lake, feed, "accounting", posted_from)
    if not paths:
        return []
    rows = connection.execute(
        """SELECT feed, business_date, source_file, sha256, sum(rows_landed)::BIGINT, sum(rows_loaded)::BIGINT,
            sum(rows_duplicate)::BIGINT, sum(rows_quarantined)::BIGINT, sum(rows_late)::BIGINT, bool_and(is_readable),
            max(problem), max(size_bytes), max(mtime_ns), max(provenance)
        FROM read_parquet($paths, hive_partitioning = true)
        GROUP BY feed, business_date, source_file, sha256
        ORDER BY min(load::BIGINT), business_date, source_file""",
        {"paths": paths},
    ).fetchall()
    return [AccountingRow(*row) for row in rows]


def check_identity(rows: Iterable[AccountingRow]) -> None:
    """Every row landed is loaded, duplicate or quarantined, in every file.

    Raises:
        IntakeError: it is not so; nothing may be committed.
    """
    for row in rows:
        accounted = row.rows_loaded + row.rows_duplicate + row.rows_quarantined
        if row.rows_landed != accounted:
            raise IntakeError(
                f"{row.feed} {row.business_date} {row.source_file}: {row.rows_landed} rows landed, {accounted} accounted "
                "for; nothing was loaded, report this as a defect with the file"
            )


def write_accounting(connection: duckdb.DuckDBPyConnection, rows: list[AccountingRow], target: Path) -> None:
    """Write accounting.parquet, ordered by business_date and source_file."""
    columns = list(zip(*map(astuple, rows), strict=True))
    unnested = ", ".join(f"unnest(${name}::{kind}[]) AS {identifier(name)}" for name, kind in ACCOUNTING_COLUMNS)
    parameters = {name: list(values) for (name, _), values in zip(ACCOUNTING_COLUMNS, columns, strict=True)}
    connection.execute(f"CREATE OR REPLACE TEMP TABLE accounting AS SELECT {unnested}", parameters)
    copy_ordered(connection, "SELECT * FROM accounting", "business_date, source_file, rows_landed DESC", target)


class TouchedFiles:
    """Remembers files whose bytes are known but whose modification time is not the recorded one.

    A cache beside the loads, so that a copied home is hashed once and not at every run; it may be deleted.
    """

    def __init__(self, lake: Path, feed: str) -> None:
        self._path = lake / ".touched" / f"{feed}.json"
        try:
            self._known = json.loads(self._path.read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            self._known = {}
        self._changed = False

    def sha256(self, arrival: Arrival) -> str | None:
        """Hash of the file if it stands as remembered."""
        size, mtime, sha256 = self._known.get(self._key(arrival), (None, None, None))
        return sha256 if (size, mtime) == (arrival.size_bytes, arrival.mtime_ns) else None

    def remember(self, arrival: Arrival, sha256: str) -> None:
        """Note the file's present state."""
        self._known[self._key(arrival)] = [arrival.size_bytes, arrival.mtime_ns, sha256]
        self._changed = True

    def save(self) -> None:
        """Write the notes, in one step."""
        if not self._changed:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        draft = self._path.with_suffix(".tmp")
        draft.write_text(json.dumps(self._known, sort_keys=True), encoding="utf-8")
        os.replace(draft, self._path)

    @staticmethod
    def _key(arrival: Arrival) -> str:
        return f"{arrival.business_date}/{arrival.name}"
