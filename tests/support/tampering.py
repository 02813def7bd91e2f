"""What an intruder does to published files: change a value, take a file away, make CURRENT.json agree."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from orchestration.publishing.current import sha256_of


def rewrite(published: Path, relative: str, change: str, *, fix_current: bool = False) -> None:
    """Replace a Parquet file by `SELECT * REPLACE (change)` of itself, as a file of its own, if wanted with its new hash."""
    target = published / relative
    with duckdb.connect() as connection:
        connection.execute(f"COPY (SELECT * REPLACE ({change}) FROM '{target}') TO '{target}.new' (FORMAT parquet)")
    replace(published, relative, Path(f"{target}.new"), fix_current=fix_current)


def replace(published: Path, relative: str, by: Path, *, fix_current: bool = False) -> None:
    """Put another file in a file's place, if wanted with its hash in CURRENT.json (audit_head too)."""
    by.replace(published / relative)
    if fix_current:
        path = published / "CURRENT.json"
        said = json.loads(path.read_text())
        old, new = said["files"][relative], sha256_of(published / relative)
        path.write_text(path.read_text().replace(old, new))


def alter_database(published: Path, statement: str) -> None:
    """Run a statement on the published database."""
    with duckdb.connect(str(published / "allocator.duckdb")) as connection:
        connection.execute(statement)
