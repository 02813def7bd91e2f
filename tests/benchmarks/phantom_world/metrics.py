"""Measures of a count list and of probabilities; small enough to be checked by hand."""

from __future__ import annotations

import math

import numpy as np

from tests.benchmarks.figures import t_interval


def top(order: np.ndarray, share: float, population: int) -> np.ndarray:
    """The first `share` of a population in a list of indices, at least one; a shorter list is taken whole."""
    return order[: max(round(share * population), 1)]


def caught(order: np.ndarray, wrong: np.ndarray, share: float) -> dict[str, float]:
    """Precision, recall and lift (precision / prevalence) of the top `share` of a count list.

    order: indices, best first, each once; wrong (n,) bool. A list that is shorter than the share is judged by the counts that
    the share allows: what it leaves out finds nothing.
    """
    picked = top(order, share, len(wrong))
    allowed = max(round(share * len(wrong)), 1)
    hits, all_wrong = int(wrong[picked].sum()), int(wrong.sum())
    precision = hits / allowed
    prevalence = all_wrong / len(wrong)
    return {
        "precision": precision,
        "recall": hits / all_wrong if all_wrong else math.nan,
        "lift": precision / prevalence if all_wrong else math.nan,
    }


def reliability(probability: np.ndarray, wrong: np.ndarray, bins: int = 10) -> list[dict[str, float]]:
    """Per bin of equal width: records, mean probability said, share that was wrong. The last bin holds 1; empty bins are left
    out."""
    at = np.minimum((probability * bins).astype(int), bins - 1)
    count = np.bincount(at, minlength=bins)
    said = np.bincount(at, probability, bins)
    seen = np.bincount(at, wrong, bins)
    return [
        {"from": k / bins, "records": int(count[k]), "said": said[k] / count[k], "seen": seen[k] / count[k]}
        for k in range(bins)
        if count[k]
    ]


def calibration_error(table: list[dict[str, float]]) -> float:
    """Expected calibration error: mean |said - seen| over the bins, weighed by records (Naeini et al., AAAI 2015)."""
    total = sum(row["records"] for row in table)
    return sum(row["records"] * abs(row["said"] - row["seen"]) for row in table) / total


def brier_skill(probability: np.ndarray, wrong: np.ndarray) -> float:
    """1 - Brier score / that of always saying the base rate of these very records; nan where all are alike."""
    base = wrong.mean()
    if base in (0.0, 1.0):
        return math.nan
    return float(1 - np.mean((probability - wrong) ** 2) / (base * (1 - base)))


def skill_over_classes(probability: np.ndarray, wrong: np.ndarray, group: np.ndarray) -> float:
    """1 - Brier score / that of always saying the base rate of the record's class; nan where every class is all alike.

    group (n,) int from 0.
    """
    base = np.bincount(group, wrong) / np.maximum(np.bincount(group), 1)
    reference = np.mean((base[group] - wrong) ** 2)
    return float(1 - np.mean((probability - wrong) ** 2) / reference) if reference > 0 else math.nan


def interval(values: list[float]) -> dict[str, float]:
    """Mean and 95 % interval over seeds (Student's t); no interval for one value."""
    mean, half = t_interval([value for value in values if not math.isnan(value)])
    half = half if math.isfinite(half) else math.nan
    return {"mean": mean, "low": mean - half, "high": mean + half}
