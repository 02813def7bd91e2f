"""What segmentation hands from one date to the next, beside the published classes: a row per SKU, private to the pipeline."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from allocation_assets.segmentation.changes import Memory
from allocation_assets.segmentation.classify import SCALES
from allocation_assets.segmentation.hysteresis import UNKNOWN, Held, handed_on
from allocation_assets.tables import texts, write_table

SEGMENTS = "segments.parquet"
_LABELS = ("demand_class", "lifecycle")


def write_memory(target: Path, sku: pa.ChunkedArray, memory: Memory, now: Memory) -> None:
    """Write what the date held (`now`), given what it was handed (`memory`); complete or not at all."""
    columns = {}
    for name in SCALES:
        held = handed_on(memory.held[name], now.held[name])
        columns |= {f"{name}_class": held.classes, f"{name}_days": held.days}
    write_table(target, pa.table({"sku_id": sku, **columns, **{name: getattr(now, name) for name in _LABELS}}))


def read_memory(source: Path | None, sku: pa.ChunkedArray) -> Memory:
    """What was held of the given SKUs (n); nothing of one that the file does not know, or where there is no file."""
    memory = Memory.nothing(len(sku))
    if source is None or not source.exists():
        return memory
    table = pq.read_table(source)
    at = pc.index_in(sku, value_set=table["sku_id"].combine_chunks())
    known = at.is_valid().to_numpy(zero_copy_only=False)
    rows = at.drop_null().to_numpy(zero_copy_only=False)
    held = {}
    for name in SCALES:
        classes, days = np.full(len(sku), UNKNOWN, np.int8), np.zeros(len(sku), np.int32)
        classes[known], days[known] = table[f"{name}_class"].to_numpy()[rows], table[f"{name}_days"].to_numpy()[rows]
        held[name] = Held(classes, days)
    labels = {name: getattr(memory, name).copy() for name in _LABELS}
    for name in _LABELS:
        labels[name][known] = texts(table, name)[rows]
    return Memory(held, **labels)
