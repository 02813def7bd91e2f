"""What the filter hands from one date to the next: a compact file of each record's state, and what counts have taught.

Private to the pipeline; rows are in the order of SKU and location. Probabilities are kept in 16 bits: a state read back is
the state written, to 1 in 65,535.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from allocation_assets.records.filter import CELLS, Learned, RecordState
from allocation_assets.tables import write_table

_SCALE = 65_535
BELIEFS, LEARNED, CHANCES = "beliefs.parquet", "learned.parquet", "chances.parquet"
_CHANCES = ("found_wrong", "predicted_wrong")
_LEARNED = {"loss_factor": 1.0, "loss_weight": 0.0, "gain_factor": 1.0, "gain_weight": 0.0}


def write_state(target: Path, sku: pa.ChunkedArray, location: pa.ChunkedArray, state: RecordState) -> None:
    """Write the state, complete or not at all."""
    states = state.mass.shape[1]
    packed = np.rint(state.mass.astype(np.float64) * _SCALE).astype(np.uint16)
    table = pa.table(
        {
            "sku_id": sku,
            "location_id": location,
            "book": state.book,
            "run_units": state.run[:, 0],
            "run_days": state.run[:, 1],
            "demand_level": state.run[:, 2],
            "days_since_count": state.days_since_count.astype(np.int32),
            "days_since_receipt": state.days_since_receipt.astype(np.int32),
            "mass": pa.FixedSizeListArray.from_arrays(pa.array(packed.ravel()), states),
        }
    )
    write_table(target, table)


def read_state(source: Path, rows: np.ndarray) -> RecordState:
    """The state of the given rows (k,) of a file, in that order."""
    table = pq.read_table(source)
    states = table.schema.field("mass").type.list_size
    flat = table["mass"].combine_chunks().flatten().to_numpy()
    mass = flat.reshape(table.num_rows, states)[rows].astype(np.float32) / np.float32(_SCALE)
    # Rounded to 16 bits the sum is 1 only nearly.
    mass /= np.maximum(mass.sum(axis=1, keepdims=True), np.float32(1e-9))

    def of(name: str, kind: type) -> np.ndarray:
        return table[name].to_numpy()[rows].astype(kind)

    run = np.column_stack([of(name, np.float64) for name in ("run_units", "run_days", "demand_level")])
    return RecordState(
        mass, of("book", np.int64), run, of("days_since_count", np.int64), of("days_since_receipt", np.int64)
    )


def write_learned(folder: Path, locations: list[str], learned: Learned) -> None:
    """Write what counts have taught: of each location's rates, and of the chances (LEARNED and CHANCES in `folder`)."""
    rates = {name: getattr(learned, name) for name in _LEARNED}
    write_table(folder / LEARNED, pa.table({"location_id": locations, **rates}))
    write_table(folder / CHANCES, pa.table({name: getattr(learned, name).ravel() for name in _CHANCES}))


def read_learned(folder: Path, locations: list[str]) -> Learned:
    """What counts had taught, of the given locations; nothing of one that the files do not know."""
    learned = Learned.nothing(len(locations))
    if (folder / LEARNED).exists():
        chances = pq.read_table(folder / CHANCES)
        for name in _CHANCES:
            getattr(learned, name)[:] = chances[name].to_numpy().reshape(CELLS)
        table = pq.read_table(folder / LEARNED)
        known = {name: row for row, name in enumerate(table["location_id"].to_pylist())}
        at = np.array([known.get(name, -1) for name in locations], np.int64)
        for name, nothing in _LEARNED.items():
            values = np.append(table[name].to_numpy(), nothing)
            getattr(learned, name)[:] = values[at]
    return learned
