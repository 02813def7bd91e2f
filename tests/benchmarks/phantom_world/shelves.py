"""True and booked stock of every pair, day by day: what happens, and what of it gets written down.

All random draws of a day have fixed shapes and are functions of (seed, day) only, so that two arms of an experiment see the
same customers, thieves and mistakes whatever stock they hold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.benchmarks.phantom_world.assortment import Assortment, demand
from tests.benchmarks.phantom_world.ranges import Faults

#: Mean size of a small theft drawn as a geometric number with this chance of one unit.
_SINGLE = 0.6


@dataclass
class Shelves:
    """State per pair: units truly there, units booked, days since the last count (-1 never)."""

    true: np.ndarray
    book: np.ndarray
    days_since_count: np.ndarray

    def copy(self) -> Shelves:
        """A twin that lives on by itself."""
        return Shelves(self.true.copy(), self.book.copy(), self.days_since_count.copy())


@dataclass(frozen=True)
class Visible:
    """What the pipeline is told of a day (n, int64): book at open and close, and the facts between; `counted` -1 = not."""

    opening: np.ndarray
    closing: np.ndarray
    sales: np.ndarray
    received: np.ndarray
    returned: np.ndarray
    damaged: np.ndarray
    corrected: np.ndarray
    counted: np.ndarray
    variance: np.ndarray


@dataclass(frozen=True)
class Hidden:
    """What nobody is told (n, int64): units that left with customers, demand not met, units lost, units by which receipts
    differ from their papers."""

    sold: np.ndarray
    lost_sales: np.ndarray
    lost_units: np.ndarray
    receipt_error: np.ndarray


def is_wrong(true: np.ndarray, book: np.ndarray, pack: np.ndarray) -> np.ndarray:
    """Records that change a decision: nothing there although the book says so, or wrong by more than a case."""
    return ((true == 0) & (book > 0)) | (np.abs(true - book) > pack)


def day(
    a: Assortment, f: Faults, s: Shelves, t: int, arrived: np.ndarray, to_count: np.ndarray, seed: int
) -> tuple[Visible, Hidden]:
    """One day in place. `arrived` (n,) units on the papers of the morning's deliveries; `to_count` (n,) bool at the close."""
    rng = np.random.default_rng([seed, 2, t])
    n = len(a.rate)
    u = rng.random((8, n))
    opening = s.book.copy()
    receipt_error = _receive(a, f, arrived, u[0], u[1])
    s.true += arrived + receipt_error
    s.book += arrived
    lost = _steal(a, f, s.true, u[2], u[3], rng)
    s.true -= lost
    wanted = demand(a, t, seed)
    sold = np.minimum(wanted, s.true)
    s.true -= sold
    rung = _ring(a, f, sold, u[4])
    s.book -= rung
    returned = (u[5] < 0.03 * a.rate).astype(np.int64)
    damaged = ((u[6] < 0.002 * a.rate) & (s.true > 0)).astype(np.int64)
    s.true += returned - damaged
    s.book += returned - damaged
    counted, variance = _count(f, s, to_count, u[7], rng.random(n))
    visible = Visible(opening, s.book.copy(), rung, arrived.copy(), returned, damaged, variance, counted, variance)
    return visible, Hidden(sold, wanted - sold, lost, receipt_error)


def _receive(a: Assortment, f: Faults, arrived: np.ndarray, u: np.ndarray, v: np.ndarray) -> np.ndarray:
    """Units (n,) by which the delivery differs from its papers: case missing, case over, units short, line lost, sibling."""
    is_bad = (arrived > 0) & (u < np.minimum(f.receipt * f.scale * a.receiving, 0.4))
    edges = np.cumsum(f.receipt_kinds)
    kind = np.minimum(np.searchsorted(edges, v, side="right"), 4)
    few = 1 + np.floor((v * 1e4) % 1 * np.maximum(a.pack - 1, 1)).astype(np.int64)
    loss = np.select([kind == 0, kind == 1, kind == 2, kind == 3], [a.pack, -a.pack, few, arrived], arrived)
    error = np.where(is_bad, -np.minimum(loss, arrived), 0)
    swapped = is_bad & (kind == 4)
    error[a.sibling[swapped]] += arrived[swapped]
    return error


def _steal(
    a: Assortment, f: Faults, true: np.ndarray, u: np.ndarray, v: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Units (n,) that vanish unseen: small thefts and unreported damage, and now and then most of a shelf."""
    small = rng.geometric(_SINGLE, len(true))
    events = f.scale * (f.shrink * a.hazard * _SINGLE + f.damage) * a.rate
    lost = np.where(u < 1 - np.exp(-events), small, 0)
    swept = v < np.minimum(f.scale * f.sweep * a.hazard, 0.2)
    share = rng.uniform(0.6, 1.0, len(true))
    return np.minimum(np.where(swept, np.ceil(true * share).astype(np.int64), lost), true)


def _ring(a: Assortment, f: Faults, sold: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Sales as the till has them: now and then a unit is scanned as its sibling."""
    swapped = (u < 1 - (1 - min(f.till_swap * f.scale, 0.2)) ** sold).astype(np.int64)
    rung = sold - swapped
    np.add.at(rung, a.sibling, swapped)
    return rung


def _count(f: Faults, s: Shelves, to_count: np.ndarray, u: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Counts of the evening and their posting; returns counted units (-1 = not counted) and variance (0 where not)."""
    slip = np.where(v < 0.7, 1, np.maximum(np.round(0.1 * s.true), 1)).astype(np.int64)
    slip = np.where(u < f.miscount / 2, -slip, np.where(u < f.miscount, slip, 0))
    counted = np.where(to_count, np.maximum(s.true + slip, 0), -1)
    variance = np.where(to_count, counted - s.book, 0)
    s.book += variance
    s.days_since_count = np.where(to_count, 0, np.where(s.days_since_count >= 0, s.days_since_count + 1, -1))
    return counted, variance


def cycle_days(a: Assortment, f: Faults) -> np.ndarray:
    """Days between counts of a pair: A twice as often as B, B twice as often as C."""
    return np.array([f.count_days // 2, f.count_days, 2 * f.count_days])[a.abc]


def due_by_cycle(a: Assortment, f: Faults, t: int) -> np.ndarray:
    """Pairs (n,) bool whose rotating cycle count falls on the day."""
    return (t + a.phase) % cycle_days(a, f) == 0
