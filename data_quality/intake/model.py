"""Plain values of the take-in: its options, what it reports, and one landed file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from pathlib import Path


class IntakeError(RuntimeError):
    """The take-in cannot go on, and nothing was committed; one line: what, where, what to do."""


@dataclass(frozen=True)
class IntakeOptions:
    """Settings of a take-in, all from policy but the last three.

    `late_days`: days after its folder's date up to which a row is loaded, and within which keys are
    unique (semantics 4, 10). `timezone`: IANA zone of timestamps without offset (semantics 1).
    `not_merchandise`: patterns on sku_id (semantics 11); a glob (`*`, `?`, `[...]`, whole id, case
    counts), or a regular expression for the whole id where it starts with `re:`.
    `memory_limit`, `threads`: of each DuckDB connection; `batch_bytes`: bytes of files read in one scan.
    """

    late_days: int = 35
    timezone: str = "UTC"
    not_merchandise: tuple[str, ...] | list[str] = ()
    memory_limit: str = "2GB"
    threads: int = 2
    batch_bytes: int = 512_000_000


@dataclass(frozen=True)
class LoadReport:
    """What one take-in of one feed did; counts are rows, and net changes (a resolution moves rows).

    `load` is None when there was nothing to write. `dates` are the business dates touched, ascending.
    `reasons` counts newly quarantined rows by reason (a row with two reasons counts under both).
    """

    feed: str
    load: int | None
    rows_landed: int = 0
    rows_loaded: int = 0
    rows_duplicate: int = 0
    rows_quarantined: int = 0
    rows_late: int = 0
    dates: list[date] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    reasons: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class FeedStatus:
    """State of one feed on one date; `detail` is one line that names feed, date and folder unless ok.

    `status`: ok, missing, zero_bytes, unreadable or quarantine_rate. `rows` and `quarantined` count the
    rows of the files that stand in the folder.
    """

    feed: str
    date: date
    folder: Path
    status: str
    detail: str = ""
    rows: int = 0
    quarantined: int = 0


@dataclass(frozen=True)
class Arrival:
    """A data file as it stands in the landing zone."""

    business_date: date
    path: Path
    size_bytes: int
    mtime_ns: int

    @property
    def name(self) -> str:
        """File name."""
        return self.path.name

    @property
    def is_parquet(self) -> bool:
        """Whether the name says Parquet (else CSV, or gzipped CSV)."""
        return self.path.name.lower().endswith(".parquet")


@dataclass
class LandedFile:
    """A file being taken in. `file_id` names it within the take-in; `problem` as in accounting.

    `header_line` is the 1-based physical line of the header; `newline` the line end of the whole file,
    None where the file mixes them; `refusal` why the manifest does not vouch for it.
    """

    file_id: int
    arrival: Arrival
    source_file: str
    sha256: str
    read_path: Path
    header: tuple[str, ...] = ()
    header_line: int = 1
    newline: str | None = "\n"
    has_quotes: bool = False
    problem: str | None = None
    refusal: str | None = None
    unknown_columns: tuple[str, ...] = ()
    provenance: str | None = None

    @property
    def is_readable(self) -> bool:
        """Whether its rows could be read."""
        return self.problem is None

    def note(self) -> str | None:
        """The text of accounting's `problem`."""
        notes = [self.problem, self.refusal and f"manifest_mismatch: {self.refusal}"]
        if self.unknown_columns:
            notes.append(f"unknown columns: {', '.join(self.unknown_columns)}")
        return "; ".join(note for note in notes if note) or None
