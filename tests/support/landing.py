"""Write landing files for tests, byte for byte, without any code of the pipeline.

`write_csv(landing, "pos", "2024-03-04", [pos(1), pos(2, units=3)])`: rows are dicts; the header is the
union of their keys in first-seen order unless given. Row makers give one valid row of a feed each.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

Row = Mapping[str, Any]


def folder(landing: Path, feed: str, day: date | str) -> Path:
    """The landing folder of a feed and date, made if need be."""
    path = landing / feed / f"business_date={day}"
    path.mkdir(parents=True, exist_ok=True)
    return path


def write_bytes(landing: Path, feed: str, day: date | str, data: bytes, name: str = "data.csv") -> Path:
    """A file of exactly these bytes."""
    path = folder(landing, feed, day) / name
    path.write_bytes(data)
    return path


def csv_bytes(rows: Iterable[Row], header: Sequence[str] | None = None, end: str = "\n") -> bytes:
    """Rows as UTF-8 CSV; None is written as an empty field."""
    rows = list(rows)
    names = list(header) if header is not None else list(dict.fromkeys(name for row in rows for name in row))
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator=end)
    writer.writerow(names)
    writer.writerows([row.get(name) for name in names] for row in rows)
    return stream.getvalue().encode()


def write_csv(
    landing: Path,
    feed: str,
    day: date | str,
    rows: Iterable[Row],
    name: str = "data.csv",
    *,
    header: Sequence[str] | None = None,
    end: str = "\n",
) -> Path:
    """A CSV file, gzipped where the name ends in .gz (with a fixed time, so that bytes repeat)."""
    data = csv_bytes(rows, header, end)
    return write_bytes(landing, feed, day, gzip.compress(data, mtime=0) if name.endswith(".gz") else data, name)


def write_parquet(
    landing: Path, feed: str, day: date | str, table: pa.Table | Iterable[Row], name: str = "data.parquet"
) -> Path:
    """A Parquet file of an Arrow table or of rows (types inferred)."""
    path = folder(landing, feed, day) / name
    pq.write_table(table if isinstance(table, pa.Table) else pa.Table.from_pylist([dict(r) for r in table]), path)
    return path


def write_manifest(landing: Path, feed: str, day: date | str, files: Iterable[Row], **extra: Any) -> Path:
    """The folder's _manifest.json with these entries and top-level keys."""
    path = folder(landing, feed, day) / "_manifest.json"
    path.write_text(json.dumps({"files": [dict(entry) for entry in files], **extra}))
    return path


def manifest_entry(path: Path, rows: int) -> dict[str, Any]:
    """A true manifest entry of a file."""
    return {"name": path.name, "rows": rows, "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def pos(n: int, **changes: Any) -> dict[str, Any]:
    """A valid sales line: transaction T<n>, one unit of A at S1 for 4.00."""
    row = {
        "transaction_id": f"T{n}",
        "line_no": 1,
        "location_id": "S1",
        "sku_id": "A",
        "units": 1,
        "net_amount": "4.00",
    }
    return {**row, **changes}


def item(sku_id: str, **changes: Any) -> dict[str, Any]:
    """A valid item at cost 2 and price 4."""
    return {"sku_id": sku_id, "department": "dry", "unit_cost": "2.00", "unit_price": "4.00", **changes}


def location(location_id: str, location_type: str = "store", **changes: Any) -> dict[str, Any]:
    """A valid location."""
    return {"location_id": location_id, "location_type": location_type, **changes}


def write_masters(
    landing: Path, day: date | str, skus: Iterable[str] = ("A", "B"), locations: Iterable[str] = ("S1", "S2")
) -> None:
    """Items and locations of one date; location DC1 comes on top."""
    write_csv(landing, "items", day, [item(sku) for sku in skus], "items.csv")
    rows = [location("DC1", "dc"), *(location(name) for name in locations)]
    write_csv(landing, "locations", day, rows, "locations.csv")
