"""`CURRENT.json`: what is published, from which run, and the sha256 of each file."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

from orchestration.settings import code_version

SCHEMA_VERSION = 1
FILE_NAME = "CURRENT.json"


@dataclass
class Current:
    """The content of CURRENT.json. `files` maps a path relative to `published/` to its sha256.

    `through_load` is the newest take-in whose facts the release holds: what arrived later is restated by the next one.
    `run_dates` are the dates that were decided; other dates are history (semantics 3). `outcomes` maps each date whose
    approvals the release was built with to the sha256 of its outcome file (orchestration/reach_back.py).
    `audit_head` names the end of the audit log (see audit.AuditHead); None in a release of a version without one.
    `database_from` is the oldest date of the SKU x location tables in `allocator.duckdb`.
    """

    business_date: str
    run_id: str
    published_at: str
    code_version: str
    input_hash: str
    policy_hash: str
    through_load: int
    run_dates: list[str]
    stage_seconds: dict[str, float]
    provenance: dict[str, str]
    files: dict[str, str] = field(default_factory=dict)
    outcomes: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION
    audit_head: dict[str, Any] | None = None
    database_from: str | None = None

    def code_version_matches(self) -> bool:
        """Whether the installed package wrote this release (else its tables may have other columns)."""
        return self.code_version == code_version() and self.schema_version == SCHEMA_VERSION

    def decided(self) -> set[date]:
        """The dates that were run, as dates."""
        return {date.fromisoformat(text) for text in self.run_dates}


def read_current(published: Path) -> Current | None:
    """Read CURRENT.json; None where nothing has been published."""
    path = published / FILE_NAME
    if not path.exists():
        return None
    return Current(**json.loads(path.read_text()))


def write_current(folder: Path, current: Current) -> None:
    """Write CURRENT.json into a release folder that is still staged."""
    (folder / FILE_NAME).write_text(json.dumps(asdict(current), indent=1, sort_keys=True) + "\n")


def sha256_of(path: Path) -> str:
    """sha256 of a file, streamed."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
