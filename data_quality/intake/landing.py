"""The landing zone: which files stand in which folder, and what a manifest says about them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from data_quality.intake.model import Arrival

SUFFIXES = (".parquet", ".csv", ".csv.gz")
UNFINISHED = (".tmp", ".part")
MANIFEST = "_manifest.json"
PROVENANCES = ("observed", "derived", "simulated")
_PREFIX = "business_date="


def folder_of(landing: Path, feed: str, day: date) -> Path:
    """Folder in which a feed's files of one business date land."""
    return landing / feed / f"{_PREFIX}{day.isoformat()}"


def date_folders(landing: Path, feed: str) -> tuple[list[tuple[date, Path]], list[str]]:
    """(business_date, folder) of a feed in date order, and the names of folders that carry no ISO date."""
    root = landing / feed
    folders, misnamed = [], []
    if not root.is_dir():
        return [], []
    for entry in sorted(os.scandir(root), key=lambda e: e.name):
        if not entry.is_dir() or not entry.name.startswith(_PREFIX):
            continue
        text = entry.name.removeprefix(_PREFIX)
        day = _iso_date(text)
        if day is None:
            misnamed.append(entry.name)
        else:
            folders.append((day, Path(entry.path)))
    return folders, misnamed


def _iso_date(text: str) -> date | None:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    return day if day.isoformat() == text else None


def list_folder(day: date, folder: Path) -> tuple[list[Arrival], list[str]]:
    """Data files of one folder in name order, and the names of files of an unknown kind.

    Files still being written (.tmp, .part) and names that start with `.` or `_` are no data files.
    """
    arrivals, strangers = [], []
    if not folder.is_dir():
        return [], []
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        name = entry.name.lower()
        if name.startswith((".", "_")) or name.endswith(UNFINISHED) or not entry.is_file():
            continue
        if name.endswith(SUFFIXES):
            stat = entry.stat()
            arrivals.append(Arrival(day, Path(entry.path), stat.st_size, stat.st_mtime_ns))
        else:
            strangers.append(entry.name)
    return arrivals, strangers


def landed_dates(landing: Path, feeds: Iterable[str]) -> set[date]:
    """Business dates on which at least one of the feeds has a data file (semantics 3)."""
    days: set[date] = set()
    for feed in feeds:
        for day, folder in date_folders(landing, feed)[0]:
            if day not in days and list_folder(day, folder)[0]:
                days.add(day)
    return days


@dataclass(frozen=True)
class Manifest:
    """Control totals of one folder. `error` says why the manifest cannot be used at all."""

    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    provenance: str | None = None
    error: str | None = None
    note: str | None = None

    def refusal(self, name: str, sha256: str, rows: int | None) -> str | None:
        """Why the file is refused, or None; `rows` None leaves the row count unchecked."""
        if self.error:
            return self.error
        listed = self.files.get(name, {})
        if "sha256" in listed and str(listed["sha256"]).lower() != sha256:
            return "sha256 differs from the one listed"
        if rows is not None and "rows" in listed and listed["rows"] != rows:
            return f"{rows} rows landed, {listed['rows']} listed"
        return None


def read_manifest(folder: Path) -> Manifest | None:
    """The folder's manifest, None where there is none. A malformed one comes back with `error` set."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except UnicodeDecodeError:
        return Manifest(error=f"{MANIFEST} is not UTF-8")
    try:
        raw = json.loads(text)
    except ValueError as error:
        return Manifest(error=f"{MANIFEST} is not valid JSON ({error})")
    listed = raw.get("files", []) if isinstance(raw, dict) else None
    if not isinstance(listed, list) or not all(_is_entry(entry) for entry in listed):
        return Manifest(error=f"{MANIFEST} does not list files as {{name, rows, sha256}}")
    provenance = raw.get("provenance")
    if provenance not in (None, *PROVENANCES):
        note = f"provenance {provenance!r} in {MANIFEST} is none of {', '.join(PROVENANCES)}, not used"
        return Manifest({entry["name"]: entry for entry in listed}, note=note)
    return Manifest({entry["name"]: entry for entry in listed}, provenance)


def _is_entry(entry: Any) -> bool:
    """Whether a manifest entry has the fixed shape; rows and sha256 may be left out, not mistyped."""
    return (
        isinstance(entry, dict)
        and isinstance(entry.get("name"), str)
        and type(entry.get("rows", 0)) is int
        and isinstance(entry.get("sha256", ""), str)
    )
