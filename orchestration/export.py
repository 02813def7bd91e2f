"""`allocator export`: what Power BI, Tableau, Looker and Excel open, written from `published/` into one folder each.

Reads `published/` alone and takes no lock. A target's folder is written beside and exchanged as a whole; a folder that holds
something else is never replaced.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from allocation_assets.bi.semantics import Semantics, read_semantics
from orchestration.dbt_parse import ensure_manifest
from orchestration.errors import LandedDataError, UsageError
from orchestration.publishing.current import Current, read_current
from orchestration.publishing.datasets import DATASETS
from orchestration.publishing.exchange import exchange
from orchestration.publishing.release import DATABASE
from orchestration.settings import Home

#: Marks a folder that an export wrote and may replace.
MARKER = ".allocator-export"
_COLUMNS = """
SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'main'
ORDER BY table_name, ordinal_position
"""


@dataclass(frozen=True)
class Source:
    """What an export is made of: the published folder, what CURRENT.json says of it, the semantic layer over it."""

    home: Home
    current: Current
    semantics: Semantics

    @property
    def database(self) -> Path:
        """The published database."""
        return self.home.published / DATABASE


def export(home: Home, target: str, out: str | Path | None = None) -> str:
    """Write what `target` opens to the folder `out` (default `<home>/exports/<target>`); returns the line to print.

    Raises:
        UsageError: nothing is published, the folder holds something else, or a library of the target is not installed.
    """
    folder = Path(out).expanduser().resolve() if out else home.root / "exports" / target
    if folder.exists() and not (folder.is_dir() and ((folder / MARKER).exists() or not any(folder.iterdir()))):
        raise UsageError(f"{folder} holds something that no export wrote: give --out another folder, or an empty one")
    current = read_current(home.published)
    if current is None:
        raise UsageError(f"nothing is published in {home.published}: run `allocator run --date D` first")
    source = Source(home, current, load_semantics(home))
    folder.parent.mkdir(parents=True, exist_ok=True)
    staged = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        staged.chmod(0o755)
        (staged / MARKER).write_text(f"{target} {current.business_date}\n")
        opened = TARGETS[target](source, staged)
        exchange(staged, folder)
    finally:
        shutil.rmtree(staged, ignore_errors=True)
    return f"{target} of {current.business_date} written to {folder}: open {folder / opened}"


def load_semantics(home: Home) -> Semantics:
    """The semantic layer over what the published database of a home holds."""
    with duckdb.connect(str(home.published / DATABASE), read_only=True) as connection:
        types: dict[str, dict[str, str]] = {}
        for table, column, type_ in connection.execute(_COLUMNS).fetchall():
            types.setdefault(table, {})[column] = type_
    try:
        return read_semantics(json.loads(ensure_manifest().read_text()), types)
    except ValueError as error:
        raise LandedDataError(f"{error}; an older version published {home.published}? run its newest date again") from error


def _write_all(files: dict[str, str], folder: Path) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")


def _window_days(source: Source) -> int:
    from orchestration.resources import load_home_policy

    return load_home_policy(source.home).deployment(date.fromisoformat(source.current.business_date))["publish.window_days"]


def _powerbi(source: Source, folder: Path) -> str:
    from allocation_assets.bi import powerbi

    windowed = {dataset.name for dataset in DATASETS if dataset.windowed}
    files = powerbi.project_files(source.semantics, str(source.home.published), windowed, _window_days(source))
    _write_all(files, folder)
    return f"{powerbi.PROJECT}.pbip"


def _tableau(source: Source, folder: Path) -> str:
    from allocation_assets.bi import tableau

    try:
        tableau.write_extract(source.semantics, source.database, folder / tableau.EXTRACT, _window_days(source))
    except ModuleNotFoundError as error:
        raise UsageError(
            f"{error.name} is not installed, and Tableau's extract needs it: pip install 'open-retail-allocator[tableau]'"
        ) from error
    except duckdb.ConversionException as error:
        raise LandedDataError(f"an amount is too large for a Tableau extract: {str(error).splitlines()[0]}") from error
    files = tableau.source_files(source.semantics)
    _write_all(files, folder)
    return next(name for name in files if name.startswith("Daily"))


def _looker(source: Source, folder: Path) -> str:
    from allocation_assets.bi import looker

    _write_all(looker.project_files(source.semantics), folder)
    return "manifest.lkml"


def _excel(source: Source, folder: Path) -> str:
    from allocation_assets.reporting.workbook import render_workbook
    from orchestration.report import read_date

    name = f"allocation-{source.current.business_date}.xlsx"
    render_workbook(read_date(source.home, date.fromisoformat(source.current.business_date)), folder / name)
    return name


TARGETS: dict[str, Callable[[Source, Path], str]] = {
    "powerbi": _powerbi,
    "tableau": _tableau,
    "looker": _looker,
    "excel": _excel,
}
