"""What an upstream location needs: the pooled demand of everything that it supplies, level by level.

A DC orders on its *echelon*: its position plus all stock below it, against pooled demand over its own lead time and review plus
the way to its stores. Stock that stores already hold is never asked for again (Clark and Scarf 1960, Management Science 6(4)).
*Pooling.* Independent day-to-day demand adds its variances; the uncertain levels of one SKU's stores move together with
correlation c: V = c (sum m sqrt v)^2 + (1 - c) sum m^2 v.
*Case packs.* Stores order whole cases of Q: orders over a horizon differ from demand by the change of the remainder, which is
uniform, so they add a variance of (Q^2 - 1) / 6, or Q times the mean where a store orders less than a case in that time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Pooled:
    """Demand of each location (p,) as `ReplenishmentProblem` takes it: daily mean, dispersion, level variance."""

    daily_mean: np.ndarray
    dispersion: np.ndarray
    level_variance: np.ndarray


def pool_tree(
    own: Pooled, parent: np.ndarray, case_pack: np.ndarray, horizon_days: np.ndarray, *, level_correlation: float = 0.5
) -> Pooled:
    """Demand at every location (p,) of one SKU's tree: its own and that of all below it.

    parent (p,): index of what supplies it, -1 = a supplier; case_pack (p,): cases that it orders in; horizon_days (p,): lead time
    and review over which its stock has to last. One store, one DC or any depth. ValueError where parents form a loop.
    """
    depth = _depths(parent)
    mean = own.daily_mean.astype(np.float64).copy()
    # Sums over the members of each location: day-to-day variance, (m sqrt v), m^2 v, variance of the packs over the horizon.
    spread = own.daily_mean * own.dispersion
    together = own.daily_mean * np.sqrt(own.level_variance)
    apart = together**2
    packs = np.zeros(len(mean))
    for level in range(int(depth.max(initial=0)), 0, -1):
        rows = np.flatnonzero(depth == level)
        up = parent[rows]
        over = mean[rows] * horizon_days[up]
        rounding = np.minimum((case_pack[rows] ** 2 - 1.0) / 6.0, (case_pack[rows] - 1.0) * over)
        for sums, values in ((mean, mean[rows]), (spread, spread[rows]), (together, together[rows]), (apart, apart[rows])):
            np.add.at(sums, up, values)
        np.add.at(packs, up, rounding)
    safe = np.maximum(mean, 1e-12)
    level_variance = (level_correlation * together**2 + (1.0 - level_correlation) * apart) / safe**2
    dispersion = np.maximum((spread + packs / np.maximum(horizon_days, 1e-12)) / safe, 1.0)
    return Pooled(mean, np.where(mean > 0, dispersion, 1.0), level_variance)


def echelon_position(position: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Stock (p,) units of each location and all below it, from their inventory positions.

    What a location has asked of its parent counts once: it is on order below and reserved (or in transit and gone) above.
    """
    depth = _depths(parent)
    total = position.copy()
    for level in range(int(depth.max(initial=0)), 0, -1):
        rows = np.flatnonzero(depth == level)
        np.add.at(total, parent[rows], total[rows])
    return total


def cover_days(own_days: np.ndarray, daily_mean: np.ndarray, parent: np.ndarray) -> np.ndarray:
    """Days (p,) that the stock of a location and of all below it has to last: its own lead time and review, then those of what
    it supplies, weighted by their demand. daily_mean (p,): each location's own demand.
    """
    depth = _depths(parent)
    cover, total = own_days.astype(np.float64), daily_mean.astype(np.float64)
    weighted, below = np.zeros(len(parent)), np.zeros(len(parent))
    for level in range(int(depth.max(initial=0)), -1, -1):
        rows = np.flatnonzero(depth == level)
        cover[rows] += np.where(below[rows] > 0, weighted[rows] / np.maximum(below[rows], 1e-12), 0.0)
        if level:
            up = parent[rows]
            for sums, values in ((weighted, total[rows] * cover[rows]), (below, total[rows]), (total, total[rows])):
                np.add.at(sums, up, values)
    return cover


def _depths(parent: np.ndarray) -> np.ndarray:
    """Steps to the top (p,)."""
    depth, at = np.zeros(len(parent), np.int64), parent.copy()
    for _ in range(len(parent) + 1):
        up = at >= 0
        if not up.any():
            return depth
        depth[up] += 1
        at[up] = parent[at[up]]
    raise ValueError("pooled: supplied_by forms a loop; mend the locations")
