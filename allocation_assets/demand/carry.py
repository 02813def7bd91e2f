"""What demand hands from one date to the next: the state of every series, its SKUs' levels, and what factors have shown.

Private to the pipeline; series are in the order of SKU and location, names are kept so that codes may change from date to
date. Everything stands in few files beside the date's carry file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from allocation_assets.demand.champion import DemandState, FactorSums
from allocation_assets.demand.season import WeeklySums
from allocation_assets.tables import write_table

_KINDS = ("series", "skus", "factors", "model", "weeks")
SERIES, SKUS, FACTORS, MODEL, WEEKS = FILES = tuple(f"demand_{name}.parquet" for name in _KINDS)
_SERIES = ("ratio", "ratio_var", "spread", "spread_weight", "seen_days")
_SKUS = ("level", "level_var", "growth")
_CONSTANTS = ("level_drift", "ratio_drift", "growth_gain", "inflation")
_LEARNED_ON = "learned_on"


@dataclass(frozen=True)
class Names:
    """What the codes of a state stand for: SKUs (k,), item classes, groups (item class, location class), events and offer
    classes, the last two without their entry 0."""

    sku: pa.Array
    item_class: Sequence[str]
    group: Sequence[tuple[str, str]]
    event: Sequence[str]
    offer: Sequence[str]


def write_state(
    folder: Path, sku: pa.ChunkedArray, location: pa.ChunkedArray, state: DemandState, weeks: WeeklySums, names: Names,
    learned_on: date,
) -> None:  # fmt: skip
    """Write the state, each file complete or not at all; learned_on: the date whose run learned from history."""
    series = dict(zip(_SERIES, state.series, strict=True))
    write_table(folder / SERIES, pa.table({"sku_id": sku, "location_id": location, **series}))
    write_table(folder / SKUS, pa.table({"sku_id": names.sku, **dict(zip(_SKUS, state.skus, strict=True))}))
    write_table(folder / FACTORS, _factors(state.sums, names))
    write_table(folder / WEEKS, _weeks(weeks, names))
    names_of, values = [*_CONSTANTS, _LEARNED_ON], [*state.drifts, state.inflation, float(learned_on.toordinal())]
    names_of += [f"dispersion|{name}" for name in names.item_class]
    values += state.class_dispersion.tolist()
    write_table(folder / MODEL, pa.table({"name": names_of, "value": pa.array(values, pa.float64())}))


def read_series(folder: Path, rows: np.ndarray) -> np.ndarray:
    """State (5, k) float32 of the given rows of the series file."""
    table = pq.read_table(folder / SERIES, columns=list(_SERIES))
    return np.stack([table[name].to_numpy()[rows] for name in _SERIES]).astype(np.float32)


def read_skus(folder: Path, sku: pa.Array) -> np.ndarray:
    """State (3, k) of the given SKUs, nan where the file does not know one."""
    import pyarrow.compute as pc

    table = pq.read_table(folder / SKUS)
    at = pc.index_in(sku, value_set=table["sku_id"].combine_chunks()).fill_null(-1).to_numpy(zero_copy_only=False)
    return np.stack([np.append(table[name].to_numpy(), np.nan)[at] for name in _SKUS])


def read_model(folder: Path, names: Names, default_dispersion: float) -> tuple[FactorSums, np.ndarray, tuple, float]:
    """(factor sums, class dispersion, constants, inflation) by the codes of `names`; what the files do not know starts at nothing."""
    table = pq.read_table(folder / MODEL)
    known = dict(zip(table["name"].to_pylist(), table["value"].to_pylist(), strict=True))
    dispersion = [known.get(f"dispersion|{name}", default_dispersion) for name in names.item_class]
    sums = FactorSums.nothing(len(names.group), len(names.event) + 1, len(names.offer) + 1)
    table = pq.read_table(folder / FACTORS)
    group = {name: code for code, name in enumerate(names.group)}
    codes = {
        "weekday": {str(day): day for day in range(7)},
        "event": {name: code + 1 for code, name in enumerate(names.event)},
        "offer": {name: code + 1 for code, name in enumerate(names.offer)},
    }
    for kind, item_class, location_class, name, seen, base in zip(
        *(table[c].to_pylist() for c in table.column_names), strict=True
    ):
        at, row = codes[kind].get(name), group.get((item_class, location_class))
        if at is None or (kind != "offer" and row is None):
            continue
        target = getattr(sums, kind)
        target[(slice(None), at) if kind == "offer" else (slice(None), row, at)] = seen, base
    *drifts, inflation = (known[name] for name in _CONSTANTS)
    return sums, np.array(dispersion), tuple(drifts), inflation


def learned_on(folder: Path) -> date:
    """The date whose run learned the state's constants and factors from history."""
    table = pq.read_table(folder / MODEL)
    known = dict(zip(table["name"].to_pylist(), table["value"].to_pylist(), strict=True))
    return date.fromordinal(int(known[_LEARNED_ON]))


def read_weeks(folder: Path, names: Names, most_weeks: int) -> WeeklySums:
    """Weekly sums by the item classes of `names`; those of classes that are gone are dropped."""
    import pyarrow.compute as pc

    table = pq.read_table(folder / WEEKS)
    at = pc.index_in(table["item_class"], value_set=pa.array(names.item_class, pa.string())).fill_null(-1)
    item_class = at.to_numpy(zero_copy_only=False).astype(np.int64)
    kept = item_class >= 0
    week, column = np.unique(table["week"].to_numpy()[kept], return_inverse=True)
    sums = np.zeros((2, len(names.item_class), len(week)))
    for target, name in zip(sums, ("units", "days"), strict=True):
        target[item_class[kept], column] = table[name].to_numpy()[kept]
    return WeeklySums.nothing(len(names.item_class)).plus(week, *sums, most_weeks)


def known_names(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the events and offer classes that the files know."""
    table = pq.read_table(folder / FACTORS, columns=["kind", "name"])
    pairs = set(zip(table["kind"].to_pylist(), table["name"].to_pylist(), strict=True))
    return tuple(sorted(name for kind, name in pairs if kind == wanted) for wanted in ("event", "offer"))


def _weeks(weeks: WeeklySums, names: Names) -> pa.Table:
    """One row per item class and week."""
    item_class, column = np.nonzero(np.ones_like(weeks.units))
    return pa.table(
        {
            "item_class": pa.array(names.item_class, pa.string()).take(pa.array(item_class)),
            "week": column + weeks.first,
            "units": weeks.units[item_class, column],
            "days": weeks.days[item_class, column],
        }
    )


def _factors(sums: FactorSums, names: Names) -> pa.Table:
    """One row per factor with anything to say: of groups and weekdays, groups and events, offer classes."""
    rows = []
    for kind, of in (("weekday", [str(day) for day in range(7)]), ("event", [None, *names.event])):
        values = getattr(sums, kind)
        for g, at in np.argwhere(values[1] > 0).tolist():
            if of[at] is not None:
                rows.append((kind, *names.group[g], of[at], *values[:, g, at].tolist()))
    for at in np.flatnonzero(sums.offer[1] > 0).tolist():
        if at:
            rows.append(("offer", None, None, names.offer[at - 1], *sums.offer[:, at].tolist()))
    text = [pa.array([row[i] for row in rows], pa.string()) for i in range(4)]
    number = [pa.array([row[i] for row in rows], pa.float64()) for i in (4, 5)]
    return pa.table([*text, *number], names=["kind", "item_class", "location_class", "name", "seen", "base"])
