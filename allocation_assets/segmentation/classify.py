"""SKU classes from window aggregates (kpi_definitions.md: ABC on cumulative gross margin, XYZ on weekly CV).

Boundary rule of ABC: SKUs in order of falling gross margin (or net sales, or units: `abc_by`), ties by the lower key; a
SKU is A while the share cumulated *before* it is below `abc_a`, B while below `abc_b`, else C. So the SKU that crosses a
line belongs to the better class, the largest SKU is always A, and a share of exactly 80 % closes A. A SKU without a
positive figure is C, and has no part in the total.

Demand class (Syntetos, Boylan, Croston 2005): mean interval between demands 1.32 periods, squared variation of the sizes
of demand 0.49. A period is a landed date; both are pooled over the SKU's pairs that sold in the window, because stock is
planned per pair: the interval is their periods over their periods with demand, the variation is each pair's about its
own mean, so that a large store beside a small one is no variation.

With `Memory` of the date before, classes are held against noise (hysteresis.py). The band of a boundary is a share of the
boundary itself; of ABC, whose measure ends at 1, a share of what lies beyond it (0.80 with 0.1: 0.78 to 0.82).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from allocation_assets.segmentation.hysteresis import Held, Scale, hold

#: Labels of the scales in rising order of their measure.
ABC, XYZ, VELOCITY = ("A", "B", "C"), ("X", "Y", "Z"), ("none", "slow", "medium", "fast")
#: Scales whose classes are held from date to date; the demand class has two.
SCALES = ("abc", "xyz", "velocity", "interval", "sizes")
#: Below this a mean is no demand at all.
_NOTHING = 1e-12


@dataclass(frozen=True)
class SegmentInput:
    """Arrays (n), one per SKU: tie-breaking key, window figures in money and units, and moments of demand.

    `weekly_sum` and `weekly_sum_sq` run over `weeks` whole weeks, weeks without demand included. Over the SKU's pairs
    that sold: `periods` in which each could have sold and `sold_periods` in which it did; `size_spread`, the sum over
    pairs of the squared deviations of its sizes of demand from their mean, in squares of that mean, and `size_freedom`,
    the sizes less one of each pair.
    """

    key: np.ndarray
    gross_margin: np.ndarray
    net_sales: np.ndarray
    units: np.ndarray
    weeks: np.ndarray
    weekly_sum: np.ndarray
    weekly_sum_sq: np.ndarray
    periods: np.ndarray
    sold_periods: np.ndarray
    size_spread: np.ndarray
    size_freedom: np.ndarray
    is_strategic: np.ndarray


@dataclass(frozen=True)
class SegmentPolicy:
    """Class limits and service targets, from policy; velocity limits are in units per week of the SKU."""

    abc_by: str = "margin"
    abc_a: float = 0.80
    abc_b: float = 0.95
    xyz_x: float = 0.5
    xyz_y: float = 1.0
    fast_units_per_week: float = 10.0
    medium_units_per_week: float = 1.0
    intermittent_interval: float = 1.32
    erratic_variation: float = 0.49
    service_target_a: float = 0.98
    service_target_b: float = 0.95
    service_target_c: float = 0.90
    service_target_strategic: float = 0.99
    hysteresis: float = 0.1
    confirm_days: int = 14


@dataclass(frozen=True)
class Segments:
    """Arrays (n): 'A'|'B'|'C', 'X'|'Y'|'Z', 'smooth'|'intermittent'|'erratic'|'lumpy'|'none', 'fast'|'medium'|'slow'|'none',
    rate (nan without sales), target; beside them the scales and what was held of each, by name of the scale.
    """

    abc: np.ndarray
    xyz: np.ndarray
    demand_class: np.ndarray
    velocity: np.ndarray
    margin_rate: np.ndarray
    service_target: np.ndarray
    scales: Mapping[str, Scale] = field(default_factory=dict)
    held: Mapping[str, Held] = field(default_factory=dict)


def segment_skus(
    data: SegmentInput,
    policy: SegmentPolicy | None = None,
    memory: Mapping[str, Held] | None = None,
    elapsed_days: int = 1,
) -> Segments:
    """Classify SKUs; `memory` is what the date `elapsed_days` before held of the same SKUs, by scale (None: nothing).

    Raises ValueError where lengths disagree, a key repeats or a figure is not finite.
    """
    policy = policy or SegmentPolicy()
    _validate(data)
    n = len(data.key)
    scales = _scales(data, policy)
    held = {
        name: hold(scale, (memory or {}).get(name, Held.nothing(n)), policy.confirm_days, elapsed_days)
        for name, scale in scales.items()
    }
    abc = np.asarray(ABC)[held["abc"].classes]
    sales = np.asarray(data.net_sales, np.float64)
    rate = np.full(sales.shape, np.nan)
    np.divide(np.asarray(data.gross_margin, np.float64), sales, out=rate, where=sales > 0)
    target = np.select(
        [abc == "A", abc == "B"], [policy.service_target_a, policy.service_target_b], policy.service_target_c
    )
    strategic = np.asarray(data.is_strategic, bool)
    target = np.where(strategic, np.maximum(target, policy.service_target_strategic), target)
    return Segments(
        abc, np.asarray(XYZ)[held["xyz"].classes], _demand_class(data, held),
        np.asarray(VELOCITY)[held["velocity"].classes], rate, target, scales, held,
    )  # fmt: skip


def _validate(data: SegmentInput) -> None:
    n = len(data.key)
    for name, values in vars(data).items():
        if name == "key":
            continue
        values = np.asarray(values, np.float64)
        if values.shape != (n,) or not np.isfinite(values).all():
            raise ValueError(f"segmentation: {name} must hold {n} finite values")
    if len(np.unique(data.key)) != n:
        raise ValueError("segmentation: key repeats; give one row per SKU")


def _scales(data: SegmentInput, policy: SegmentPolicy) -> dict[str, Scale]:
    weeks = np.maximum(np.asarray(data.weeks, np.float64), 0.0)
    mean = np.asarray(data.weekly_sum, np.float64) / np.maximum(weeks, 1.0)

    def relative(measure: np.ndarray, *boundaries: float) -> Scale:
        values = np.array(boundaries)
        return Scale(measure, values, values * policy.hysteresis)

    worth = {"margin": data.gross_margin, "sales": data.net_sales, "units": data.units}[policy.abc_by]
    sold = np.asarray(data.sold_periods, np.float64)
    interval = np.full(sold.shape, np.nan)
    np.divide(np.maximum(np.asarray(data.periods, np.float64), sold), sold, out=interval, where=sold > 0)
    freedom = np.asarray(data.size_freedom, np.float64)
    sizes = np.full(freedom.shape, np.nan)
    np.divide(np.asarray(data.size_spread, np.float64), freedom, out=sizes, where=freedom > 0)
    return {
        "abc": _abc(np.asarray(data.key), np.asarray(worth, np.float64), policy),
        "xyz": relative(_variation(data, weeks, mean), policy.xyz_x, policy.xyz_y),
        "velocity": relative(mean, _NOTHING, policy.medium_units_per_week, policy.fast_units_per_week),
        "interval": relative(interval, policy.intermittent_interval),
        "sizes": relative(sizes, policy.erratic_variation),
    }


def _abc(key, worth, policy: SegmentPolicy) -> Scale:
    # Ten-thousandths as integers: the cumulative share does not depend on rounding along the way.
    minor = np.rint(np.maximum(worth, 0.0) * 1e4).astype(np.int64)
    order = np.lexsort((key, -minor))
    before = np.empty(len(worth))
    before[order] = np.cumsum(minor[order]) - minor[order]
    total = int(minor.sum())
    shares = np.array([policy.abc_a, policy.abc_b])
    bands = (1.0 - shares) * policy.hysteresis * total
    return Scale(np.where(minor > 0, before, np.inf), shares * total - 0.5, bands, max(total, 1))


def _variation(data: SegmentInput, weeks, mean) -> np.ndarray:
    """CV with the sample standard deviation; without two weeks or without demand it has no bound (class Z)."""
    spread = np.maximum(np.asarray(data.weekly_sum_sq, np.float64) - weeks * mean**2, 0.0)
    deviation = np.sqrt(spread / np.maximum(weeks - 1.0, 1.0))
    return np.where((weeks >= 2) & (mean > 0), deviation / np.maximum(mean, _NOTHING), np.inf)


def _demand_class(data: SegmentInput, held: Mapping[str, Held]) -> np.ndarray:
    codes = held["interval"].classes * 2 + held["sizes"].classes
    labels = np.asarray(["smooth", "erratic", "intermittent", "lumpy"])[codes]
    return np.where(np.asarray(data.sold_periods, np.float64) > 0, labels, "none")
