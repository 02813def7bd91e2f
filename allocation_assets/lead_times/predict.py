"""When what is on order will be received, and how much of it. Pure.

An order promised for day p arrives on p + delay, delay from its lane's table. What has not come by the close of the run
date comes on the day after at the earliest, so the table is cut off below that and scaled up: the conditional
distribution. Where it has no mass left the order is taken to come on the day after.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVELS = (0.5, 0.9)
_NOTHING = 1e-9


@dataclass(frozen=True)
class Prediction:
    """Per open line (n,): days from the run date to its receipt that hold in one of two and in nine of ten cases, units."""

    p50_days: np.ndarray
    p90_days: np.ndarray
    units: np.ndarray


def predict(
    delay: np.ndarray, short_rate: np.ndarray, lane: np.ndarray, promised_days: np.ndarray, units: np.ndarray
) -> Prediction:
    """Predict n open lines.

    delay (L, 2 K + 1): P(delay = i - K days) by lane; short_rate (L,); lane (n,) codes; promised_days (n,) from the run
    date to the promised one, negative = past due; units (n,) outstanding. Predicted units are outstanding x (1 - short
    rate), to the nearest unit, never more than outstanding; days are at least 1.
    """
    k = (delay.shape[1] - 1) // 2
    # The least delay still possible; beyond the table nothing of it is left, below it all of it.
    least = np.clip(1 - promised_days.astype(np.int64), -k, k + 1)
    cases, case = np.unique(lane * (2 * k + 2) + least + k, return_inverse=True)
    days = [least_days(delay[cases // (2 * k + 2)], cases % (2 * k + 2), level)[case] - k for level in LEVELS]
    p50, p90 = (np.where(each > k, 1, np.maximum(promised_days + each, 1)) for each in days)
    left = np.floor(units * (1.0 - short_rate[lane]) + 0.5).astype(np.int64)
    return Prediction(p50, np.maximum(p50, p90), np.clip(left, 0, units))


def least_days(table: np.ndarray, start: np.ndarray, level: float) -> np.ndarray:
    """Smallest column (m,) from `start` (m,) on at which a row of `table` (m, D) has `level` of its mass from there on.

    D where no mass is left.
    """
    columns = np.arange(table.shape[1])
    ahead = np.cumsum(np.where(columns >= start[:, None], table, 0.0), axis=1)
    mass = ahead[:, -1]
    reached = (columns >= start[:, None]) & (ahead >= level * mass[:, None] - 1e-12)
    return np.where((mass > _NOTHING) & reached.any(axis=1), reached.argmax(axis=1), table.shape[1])
