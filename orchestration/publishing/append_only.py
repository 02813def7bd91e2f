"""The promise of append-only datasets, held at publish: a row that readers have seen stays, unchanged."""

from __future__ import annotations

from pathlib import Path

import duckdb

from data_quality.intake.sql import exact_path
from orchestration.errors import LandedDataError
from orchestration.publishing.current import Current
from orchestration.publishing.datasets import DATASETS, Dataset

_COLUMNS = "SELECT name FROM parquet_schema($file) WHERE num_children IS NULL OR num_children = 0"


def check_append_only(
    connection: duckdb.DuckDBPyConnection, published: Path, staged: Path, files: dict[str, str], current: Current | None
) -> None:
    """Every row of a published file that the release rewrites must be in the new file. Raises LandedDataError.

    files: sha256 per staged file. Only rewritten files are read, one date at a time.
    """
    datasets = {dataset.name: dataset for dataset in DATASETS if dataset.append_only_by}
    for relative, before in sorted(current.files.items()) if current else []:
        dataset = datasets.get(relative.split("/")[0])
        if dataset and files.get(relative) != before:
            lost = lost_row(connection, dataset, published / relative, staged / relative)
            if lost:
                raise LandedDataError(
                    f"{dataset.name} is append-only, but the release would drop or change {dataset.append_only_by} {lost}"
                    f" of published/{relative}: either that file was changed after it was published (see `allocator audit"
                    " verify`) or the ledger was; nothing was published"
                )


def lost_row(connection: duckdb.DuckDBPyConnection, dataset: Dataset, old: Path, new: Path) -> str | None:
    """First id of `old` whose row is not in `new` with the same content; a column that came or went is no change."""
    if not (old.exists() and new.exists()):
        return "*"
    held, kept = (
        [name for (name,) in connection.execute(_COLUMNS, {"file": exact_path(file)}).fetchall()] for file in (old, new)
    )
    columns = ", ".join(f'"{name}"' for name in held if name in kept)
    found = connection.execute(
        f"""SELECT {dataset.append_only_by} FROM (
            SELECT {columns} FROM read_parquet($old, hive_partitioning = false)
            EXCEPT ALL SELECT {columns} FROM read_parquet($new, hive_partitioning = false)
        ) ORDER BY 1 LIMIT 1""",
        {"old": exact_path(old), "new": exact_path(new)},
    ).fetchone()
    return str(found[0]) if found else None
