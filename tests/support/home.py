"""Run the installed command against a home, as a user would, and look at what it published."""

from __future__ import annotations

import subprocess
from pathlib import Path

import duckdb

from orchestration.publishing.current import sha256_of
from tests.support.warm_command import run_warm


def allocator(home: Path, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """`allocator <arguments> --home <home>` in a process of its own; fails loudly when `check`."""
    done = run_warm([*arguments, "--home", str(home)])
    if check and done.returncode:
        raise AssertionError(f"{arguments} exited {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done


def parquet_hashes(home: Path) -> dict[str, str]:
    """sha256 of every published Parquet file but run_summary, which alone holds clock times (semantics 5)."""
    return {
        path.relative_to(home / "published").as_posix(): sha256_of(path)
        for path in sorted((home / "published").rglob("*.parquet"))
        if "run_summary" not in path.parts
    }


def published(home: Path, query: str, **parameters) -> list[tuple]:
    """Rows of a query over published/allocator.duckdb alone."""
    with duckdb.connect(str(home / "published" / "allocator.duckdb"), read_only=True) as connection:
        return connection.execute(query, parameters).fetchall()
