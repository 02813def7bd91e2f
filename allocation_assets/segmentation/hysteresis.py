"""Classes that do not flap: a class once given stays until its measure is clearly, or for long, past a boundary.

A measure leaves its class at once where it is past the boundary by the band, and after `confirm_days` days running on
one side of it otherwise. Without memory the class is the plain one. A two-threshold (Schmitt) trigger with a dwell time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Code of a SKU that has no class yet.
UNKNOWN = -1


@dataclass(frozen=True)
class Scale:
    """A measure and the rising boundaries between its classes 0..m: class k begins at boundary k - 1, which is its own.

    measure: (n,), any unit; nan says nothing. boundaries: (m,), same unit. bands: (m,), how far past a boundary is
    clear, at least 0. unit: divides measure and boundaries for people.
    """

    measure: np.ndarray
    boundaries: np.ndarray
    bands: np.ndarray
    unit: float = 1.0


@dataclass(frozen=True)
class Held:
    """Class codes (n,) int8 and how many days running (n,) int32 the plain class was above (+) or below (-) the held one.

    On the date of a change `days` still says what confirmed it, 0 where the band was passed; the next date begins anew.
    """

    classes: np.ndarray
    days: np.ndarray

    @classmethod
    def nothing(cls, size: int) -> Held:
        """No memory of `size` SKUs."""
        return cls(np.full(size, UNKNOWN, np.int8), np.zeros(size, np.int32))


def hold(scale: Scale, memory: Held, confirm_days: int, elapsed_days: int = 1) -> Held:
    """Classes of the date from yesterday's `memory` (n,); `elapsed_days` since then (more than 1 for a weekly retailer)."""
    measure = np.asarray(scale.measure, np.float64)
    plain = _passed(measure, scale.boundaries)
    surely = _passed(measure, scale.boundaries + scale.bands)
    perhaps = _passed(measure, scale.boundaries - scale.bands)
    old = np.asarray(memory.classes, np.int64)
    new = np.clip(old, surely, perhaps)
    side = np.sign(plain - new)
    stayed = new == old
    running = np.where(stayed & (np.sign(memory.days) == side), memory.days + side * elapsed_days, side)
    confirmed = np.abs(running) >= confirm_days
    new = np.where(confirmed, plain, new)
    silent = np.isnan(measure)
    new = np.where(silent, np.maximum(old, 0), np.where(old == UNKNOWN, plain, new))
    running = np.where(silent, memory.days, np.where(stayed & (old != UNKNOWN), running, 0))
    return Held(new.astype(np.int8), running.astype(np.int32))


def handed_on(before: Held, now: Held) -> Held:
    """What the next date gets: a class that changed begins its count anew."""
    return Held(now.classes, np.where(now.classes == before.classes, now.days, 0).astype(np.int32))


def _passed(measure: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """How many of the edges (m,) each measure (n,) has reached."""
    return (measure[:, None] >= np.asarray(edges, np.float64)[None, :]).sum(axis=1)
