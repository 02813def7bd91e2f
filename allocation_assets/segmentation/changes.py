"""What changed in the classes of SKUs from one date to the next, with the measure that did it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from allocation_assets.segmentation.classify import ABC, SCALES, VELOCITY, XYZ, Segments
from allocation_assets.segmentation.hysteresis import UNKNOWN, Held

_LABELS = {"abc": ABC, "xyz": XYZ, "velocity": VELOCITY}
#: Dimensions of the published changes; the demand class has two scales, the lifecycle none.
DIMENSIONS = ("abc", "xyz", "velocity", "demand_class", "lifecycle")


@dataclass(frozen=True)
class Memory:
    """What the date before held of the same SKUs (n): classes by scale, and the labels that are no scale ('' unknown)."""

    held: Mapping[str, Held]
    demand_class: np.ndarray
    lifecycle: np.ndarray

    @classmethod
    def nothing(cls, size: int) -> Memory:
        """No memory of `size` SKUs."""
        none = np.full(size, "", dtype="<U12")
        return cls({name: Held.nothing(size) for name in SCALES}, none, none)


@dataclass(frozen=True)
class Changes:
    """Arrays (m), one per change: row of the SKU, dimension, classes, and the cause.

    cause: scale that passed its boundary (measure against boundary; `days` running, 0 where it was clear at once), or the
    basis of a lifecycle, or 'demand' where it began or ceased.
    """

    row: np.ndarray
    dimension: np.ndarray
    old_class: np.ndarray
    new_class: np.ndarray
    cause: np.ndarray
    measure: np.ndarray
    boundary: np.ndarray
    days: np.ndarray


def segment_changes(memory: Memory, segments: Segments, lifecycle: np.ndarray, basis: np.ndarray) -> Changes:
    """Changes by dimension and row; a SKU without memory has none."""
    parts = [_of_scale(name, labels, memory, segments) for name, labels in _LABELS.items()]
    parts.append(_of_demand_class(memory, segments))
    old = memory.lifecycle
    rows = np.flatnonzero((old != "") & (old != lifecycle))
    nothing = np.full(len(rows), np.nan)
    parts.append(
        ("lifecycle", rows, old[rows], lifecycle[rows], basis[rows], nothing, nothing, np.zeros(len(rows), np.int32))
    )
    columns = list(zip(*parts, strict=True))
    dimension = np.repeat(columns[0], [len(rows) for rows in columns[1]])
    joined = [np.concatenate(column) for column in columns[1:]]
    return Changes(joined[0], dimension, *joined[1:])


def _of_scale(name: str, labels: tuple[str, ...], memory: Memory, segments: Segments) -> tuple:
    old, new = memory.held[name].classes, segments.held[name].classes
    rows = np.flatnonzero((old != UNKNOWN) & (old != new))
    names = np.asarray(labels)
    return name, rows, names[old[rows]], names[new[rows]], np.full(len(rows), name), *_why(name, rows, memory, segments)


def _of_demand_class(memory: Memory, segments: Segments) -> tuple:
    """By the interval where that moved, else by the sizes; by demand itself where it began or ceased."""
    old, new = memory.demand_class, segments.demand_class
    rows = np.flatnonzero((old != "") & (old != new))
    by_interval = memory.held["interval"].classes[rows] != segments.held["interval"].classes[rows]
    began = (old[rows] == "none") | (new[rows] == "none")
    cause = np.where(began, "demand", np.where(by_interval, "interval", "sizes"))
    interval, sizes = (_why(name, rows, memory, segments) for name in ("interval", "sizes"))
    return (
        "demand_class",
        rows,
        old[rows],
        new[rows],
        cause,
        *(np.where(by_interval, first, second) for first, second in zip(interval, sizes, strict=True)),
    )


def _why(name: str, rows: np.ndarray, memory: Memory, segments: Segments) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Measure, the boundary of the old class that it passed, and days running that confirmed it."""
    scale, held = segments.scales[name], segments.held[name]
    old, new = memory.held[name].classes[rows].astype(int), held.classes[rows].astype(int)
    passed = np.clip(np.where(new > old, old, old - 1), 0, len(scale.boundaries) - 1)
    return scale.measure[rows] / scale.unit, scale.boundaries[passed] / scale.unit, np.abs(held.days[rows])
