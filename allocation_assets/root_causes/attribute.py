"""How much of a position's loss goes when one cause is taken away, and the shares that follow. Arrays only.

A row of evidence says: without this fact, so many units more would have been there from one day to another. A unit that
would have been there serves one unit of loss, on one of these days. What a cause removes is therefore the most units of
loss that its rows can serve: days in order, on each day the row that lapses first goes first (earliest deadline first,
which is optimal for intervals). Causes are taken away one at a time, as in a world re-run without that one fault.

Removed losses are made shares of their sum, or of the whole loss where they do not reach it: the rest is unexplained.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Shares are integers that add to this.
WHOLE = 1000


@dataclass(frozen=True)
class Evidence:
    """Rows of evidence, each (rows,). case: index of the position; cause: code of the cause; first, last: day indices into the
    loss between which `units` would have been there (inclusive); rows may come in any order, the last tie is the row's place."""

    case: np.ndarray
    cause: np.ndarray
    first: np.ndarray
    last: np.ndarray
    units: np.ndarray


@dataclass(frozen=True)
class Removed:
    """What each cause of each position removes, (groups,) ordered by case and cause; `top_row` is the row of evidence that
    removes most of it (the first of equals); `row_units` (rows,) is what each row removes."""

    case: np.ndarray
    cause: np.ndarray
    units: np.ndarray
    top_row: np.ndarray
    row_units: np.ndarray


def remove_each(loss: np.ndarray, evidence: Evidence) -> Removed:
    """Loss that goes with each cause alone.

    loss: units lost (cases, days) float64, at least 0, 0 on days before the position's present trouble began.
    """
    order = np.lexsort((np.arange(len(evidence.case)), evidence.last, evidence.cause, evidence.case))
    case, cause = evidence.case[order], evidence.cause[order]
    starts = np.flatnonzero(np.r_[True, (case[1:] != case[:-1]) | (cause[1:] != cause[:-1])]) if len(order) else order
    group = np.zeros(len(order), np.int64)
    group[starts[1:]] = 1
    group = np.cumsum(group)
    left = np.maximum(evidence.units[order].astype(float), 0.0)
    row_units = np.zeros(len(order))
    for day in range(loss.shape[1]):
        is_there = (evidence.first[order] <= day) & (day <= evidence.last[order])
        taken = _serve(np.where(is_there, left, 0.0), group, starts, loss[case[starts], day] if len(order) else loss[:0, 0])
        left -= taken
        row_units += taken
    units = np.add.reduceat(row_units, starts) if len(order) else row_units
    by_size = np.lexsort((order, -row_units, group))
    top = order[by_size[starts]] if len(order) else order
    back = np.empty(len(order))
    back[order] = row_units
    return Removed(case[starts], cause[starts], units, top, back)


def _serve(offered: np.ndarray, group: np.ndarray, starts: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Units that each row gives: in order of the rows of a group, until what the group wants is served."""
    total = np.cumsum(offered)
    before = total - offered
    before -= before[starts][group] if len(starts) else 0.0
    return np.clip(wanted[group] - before, 0.0, offered) if len(starts) else offered


def shares(removed: Removed, loss: np.ndarray, unexplained: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Shares per position and cause: case, cause, thousandths (int64, at least 1, adding to WHOLE per case), group.

    loss: (cases, days) as in `remove_each`; unexplained: code of the cause that takes what no other removes; group: index into
    `removed`, -1 for the unexplained rest. Thousandths are by largest remainder, ties to the lower code.
    """
    cases = len(loss)
    explained = np.bincount(removed.case, removed.units, cases)
    rest = np.maximum(loss.sum(axis=1) - explained, 0.0)
    rest[explained + rest <= 0] = 1.0
    case = np.r_[removed.case, np.arange(cases)]
    cause = np.r_[removed.cause, np.full(cases, unexplained)]
    units = np.r_[removed.units, rest]
    group = np.r_[np.arange(len(removed.case)), np.full(cases, -1)]
    exact = units / np.bincount(case, units, cases)[case] * WHOLE
    whole = np.floor(exact + 1e-9)
    missing = WHOLE - np.bincount(case, whole, cases)
    order = np.lexsort((cause, -np.round(exact - whole, 9), case))
    first = np.searchsorted(case[order], np.arange(cases))
    place = np.empty(len(case), np.int64)
    place[order] = np.arange(len(case)) - first[case[order]]
    thousandths = (whole + (place < missing[case])).astype(np.int64)
    keep = np.lexsort((cause, case))
    keep = keep[thousandths[keep] > 0]
    return case[keep], cause[keep], thousandths[keep], group[keep]
