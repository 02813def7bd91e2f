"""Writes a demo's landing zone: exact bytes for a seed, whole folders or nothing, and safe to run again."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
import os
import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from allocation_assets.demo_world.bad_rows import BadRow
from allocation_assets.demo_world.landing_files import LandingFile, LandingWorld
from allocation_assets.demo_world.world import DEMO_SEED, build_world

STAGING = ".staging-demo"


class DemoLandingError(ValueError):
    """The landing zone holds something else than this demo where the demo belongs."""


@dataclass(frozen=True)
class LandingReport:
    """What ``write_landing`` did: folders written, folders found complete, and the bytes of both."""

    folders_written: int
    folders_kept: int
    bytes_total: int


def _bad_values(file: LandingFile, row: BadRow) -> dict[str, object]:
    return {**file.table.slice(0, 1).to_pylist()[0], **row.changes}


def _parquet_bytes(file: LandingFile) -> bytes:
    table = file.table
    for row in file.bad_rows:
        values = _bad_values(file, row)
        columns = [pa.array([values[f.name]]).cast(f.type) for f in table.schema]
        table = pa.concat_tables([table, pa.Table.from_arrays(columns, schema=table.schema)])
    sink = pa.BufferOutputStream()
    pq.write_table(
        table.combine_chunks(),
        sink,
        compression="zstd",
        compression_level=3,
        version="2.6",
        data_page_version="1.0",
        store_schema=False,
        row_group_size=1 << 20,
    )
    return sink.getvalue().to_pybytes()


def _texts(table: pa.Table) -> pa.Table:
    """Timestamps as ISO 8601 with ``T``; everything else is written as it is."""
    for i, column in enumerate(table.schema):
        if pa.types.is_timestamp(column.type):
            text = pc.strftime(table[i], format="%Y-%m-%dT%H:%M:%S")
            table = table.set_column(i, column.name, text)
    return table


def _csv_bytes(file: LandingFile) -> bytes:
    table, sink = _texts(file.table), io.BytesIO()
    sink.write((",".join(table.column_names) + "\n").encode())
    # No value needs quotes; Arrow raises should one ever do.
    options = pacsv.WriteOptions(include_header=False, quoting_style="none")
    pacsv.write_csv(table, sink, options)
    if file.bad_rows:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        shown = LandingFile(file.name, table)
        for row in file.bad_rows:
            writer.writerow(["" if v is None else v for v in _bad_values(shown, row).values()])
        sink.write(text.getvalue().encode())
    return sink.getvalue()


def render(file: LandingFile) -> bytes:
    """The file's bytes; the same table gives the same bytes."""
    if file.name.endswith(".parquet"):
        return _parquet_bytes(file)
    content = _csv_bytes(file)
    return gzip.compress(content, 6, mtime=0) if file.name.endswith(".gz") else content


def manifest(provenance: str, files: list[LandingFile], contents: list[bytes]) -> bytes:
    """``_manifest.json`` of one folder: control totals and where the figures come from (semantics 27)."""
    listed = [
        {
            "name": file.name,
            "rows": file.table.num_rows + len(file.bad_rows),
            "sha256": hashlib.sha256(content).hexdigest(),
        }
        for file, content in zip(files, contents, strict=True)
    ]
    body = {"files": listed, "provenance": provenance}
    return (json.dumps(body, indent=1) + "\n").encode()


def _is_complete(folder: Path, contents: dict[str, bytes]) -> bool:
    return all((folder / name).is_file() and (folder / name).read_bytes() == body for name, body in contents.items())


def _write_folder(folder: Path, staging: Path, contents: dict[str, bytes]) -> bool:
    """Write one folder through ``staging`` and one rename; False where it stood complete already."""
    if folder.exists():
        if not _is_complete(folder, contents):
            raise DemoLandingError(f"{folder}: holds other files than the demo's; give the demo an empty home")
        return False
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    for name, body in contents.items():
        (staging / name).write_bytes(body)
    folder.parent.mkdir(parents=True, exist_ok=True)
    os.rename(staging, folder)
    return True


def write_landing(
    landing: Path, *, seed: int = DEMO_SEED, world: LandingWorld | None = None, through: date | None = None
) -> LandingReport:
    """Write every feed of ``world`` under ``landing``, up to and including ``through`` (default: all its dates).

    Without ``world`` it is the default demo's, drawn from ``seed``.

    Each ``<feed>/business_date=…`` folder appears by one rename, so a killed run leaves whole folders only and the next
    run goes on where it stopped. Files that others add to a folder are left alone.

    Raises:
        DemoLandingError: a folder exists and lacks the demo's files, or holds other bytes under their names.
    """
    world = world or build_world(seed)
    landing, staging = Path(landing), Path(landing) / STAGING
    written = kept = size = 0
    for day, on in enumerate(world.dates()):
        if through is not None and on > through:
            break
        for feed in world.feeds():
            files = world.files(feed, day)
            if not files:
                continue
            bodies = [render(file) for file in files]
            contents = {file.name: body for file, body in zip(files, bodies, strict=True)}
            contents["_manifest.json"] = manifest(world.provenance(feed), files, bodies)
            is_new = _write_folder(landing / feed / f"business_date={on}", staging, contents)
            written, kept = written + is_new, kept + (not is_new)
            size += sum(map(len, contents.values()))
    shutil.rmtree(staging, ignore_errors=True)
    return LandingReport(written, kept, size)
