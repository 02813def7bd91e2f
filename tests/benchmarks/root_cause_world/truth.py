"""The true cause of a stock-out: the single fault whose removal removes most of what the stock-out has cost so far."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.root_cause_world.chain import Nature, run
from tests.benchmarks.root_cause_world.faults import Fault


def episodes(lost: np.ndarray, is_out: np.ndarray) -> np.ndarray:
    """First day of the stock-out that each pair is in on each day, (days, stores, skus); the day after where it is in none."""
    first = np.zeros(lost.shape, np.int64)
    for t in range(len(lost)):
        before = first[t - 1] if t else np.zeros(lost.shape[1:], np.int64)
        first[t] = np.where(is_out[t], before if t else 0, t + 1)
    return first


def lost_of(record) -> np.ndarray:
    """Units lost (days, stores, skus)."""
    return record.arrays["demand"] - record.arrays["sales"]


def removed_by_each(nature: Nature, faults: list[Fault], base: np.ndarray, first: np.ndarray, days: list[int]) -> np.ndarray:
    """Loss of the present stock-out that goes with each fault, (faults, days looked at, stores, skus).

    base: units lost in the world with all faults. Only demand that both worlds saw counts: a surge that is taken away takes its loss along.
    """
    sums = np.concatenate([np.zeros((1, *base.shape[1:])), np.cumsum(base, axis=0)])
    store, sku = np.indices(base.shape[1:])
    found = []
    for number in range(len(faults)):
        other = lost_of(run(nature, faults[:number] + faults[number + 1 :]))
        others = np.concatenate([np.zeros((1, *base.shape[1:])), np.cumsum(other, axis=0)])
        rows = []
        for t in days:
            start = np.minimum(first[t], t + 1)
            rows.append((sums[t + 1] - sums[start, store, sku]) - (others[t + 1] - others[start, store, sku]))
        found.append(rows)
    return np.array(found)
