"""SKU classes from window aggregates (kpi_definitions.md: ABC on cumulative gross margin, XYZ on weekly CV).

Boundary rule of ABC: SKUs in order of falling gross margin, ties by the lower key; a SKU is A while the share
cumulated *before* it is below `abc_a`, B while below `abc_b`, else C. So the SKU that crosses a line belongs to the
better class, the largest SKU is always A, and a share of exactly 80 % closes A. A SKU without positive margin is C,
and has no part in the total.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class SegmentInput:
    """Arrays (n), one per SKU: tie-breaking key, window figures in money and units, and weekly demand moments.

    `weekly_sum` and `weekly_sum_sq` run over `weeks` whole weeks, weeks without demand included.
    """

    key: np.ndarray
    gross_margin: np.ndarray
    net_sales: np.ndarray
    weeks: np.ndarray
    weekly_sum: np.ndarray
    weekly_sum_sq: np.ndarray


@dataclass(frozen=True)
class SegmentPolicy:
    """Class limits and service targets, from policy; velocity limits are in units per week of the SKU."""

    abc_a: float = 0.80
    abc_b: float = 0.95
    xyz_x: float = 0.5
    xyz_y: float = 1.0
    fast_units_per_week: float = 10.0
    medium_units_per_week: float = 1.0
    service_target_a: float = 0.98
    service_target_b: float = 0.95
    service_target_c: float = 0.90


@dataclass(frozen=True)
class Segments:
    """Arrays (n): 'A'|'B'|'C', 'X'|'Y'|'Z', 'fast'|'medium'|'slow'|'none', rate (nan without sales), target."""

    abc: np.ndarray
    xyz: np.ndarray
    velocity: np.ndarray
    margin_rate: np.ndarray
    service_target: np.ndarray


def segment_skus(data: SegmentInput, policy: SegmentPolicy | None = None) -> Segments:
    """Classify SKUs. Raises ValueError where lengths disagree, a key repeats or a figure is not finite."""
    policy = policy or SegmentPolicy()
    _validate(data)
    abc = _abc(np.asarray(data.key), np.asarray(data.gross_margin, np.float64), policy)
    weeks = np.maximum(np.asarray(data.weeks, np.float64), 0.0)
    mean = np.asarray(data.weekly_sum, np.float64) / np.maximum(weeks, 1.0)
    sales = np.asarray(data.net_sales, np.float64)
    rate = np.full(sales.shape, np.nan)
    np.divide(np.asarray(data.gross_margin, np.float64), sales, out=rate, where=sales > 0)
    targets = {"A": policy.service_target_a, "B": policy.service_target_b, "C": policy.service_target_c}
    target = np.select([abc == "A", abc == "B"], [targets["A"], targets["B"]], targets["C"])
    return Segments(abc, _xyz(data, weeks, mean, policy), _velocity(mean, policy), rate, target)


def _validate(data: SegmentInput) -> None:
    n = len(data.key)
    for name in ("gross_margin", "net_sales", "weeks", "weekly_sum", "weekly_sum_sq"):
        values = np.asarray(getattr(data, name), np.float64)
        if values.shape != (n,) or not np.isfinite(values).all():
            raise ValueError(f"segmentation: {name} must hold {n} finite values")
    if len(np.unique(data.key)) != n:
        raise ValueError("segmentation: key repeats; give one row per SKU")


def _abc(key, margin, policy: SegmentPolicy) -> np.ndarray:
    # Ten-thousandths of money as integers: the cumulative share does not depend on rounding along the way.
    minor = np.rint(np.maximum(margin, 0.0) * 1e4).astype(np.int64)
    order = np.lexsort((key, -minor))
    before = np.cumsum(minor[order]) - minor[order]
    total = int(minor.sum())
    classes = np.where(
        before < policy.abc_a * total - 0.5, "A", np.where(before < policy.abc_b * total - 0.5, "B", "C")
    )
    out = np.empty(len(margin), dtype="<U1")
    out[order] = np.where(minor[order] > 0, classes, "C")
    return out


def _xyz(data: SegmentInput, weeks, mean, policy: SegmentPolicy) -> np.ndarray:
    """CV with the sample standard deviation; without two weeks or without demand the class is Z."""
    spread = np.maximum(np.asarray(data.weekly_sum_sq, np.float64) - weeks * mean**2, 0.0)
    deviation = np.sqrt(spread / np.maximum(weeks - 1.0, 1.0))
    cv = np.where((weeks >= 2) & (mean > 0), deviation / np.maximum(mean, 1e-12), np.inf)
    return np.where(cv < policy.xyz_x, "X", np.where(cv < policy.xyz_y, "Y", "Z"))


def _velocity(mean, policy: SegmentPolicy) -> np.ndarray:
    return np.select(
        [mean >= policy.fast_units_per_week, mean >= policy.medium_units_per_week, mean > 0],
        ["fast", "medium", "slow"],
        "none",
    )
