"""Rolling-origin backtest of forecasters on a panel, at any level of the hierarchy. Pure arrays.

*How a day is scored.* Seen units (at least 0) against the forecast times the day's exposure: a day half out of stock is compared on
half the forecast; its variance-to-mean is that of the day (demand in independent bursts). Days with nothing
on the shelf, days known only as sold out and days before a series begins are not scored. Scoring only days in stock all
day would reward low forecasts, because busy days sell out: that is a second line (`full_days`).
*Aggregates.* Their mean is the sum of the means. Series of one aggregate share what nobody foresaw, so the variance of a sum is
that of independent series plus (c x mean)^2; c is learned per forecaster and level on windows before the first origin, never later.
*Measures* (docs/../kpi_definitions): WAPE of the median (the point forecast that WAPE asks for) and of the mean, bias of the mean,
MASE and RMSSE (Hyndman and Koehler 2006) against the in-sample naive of 7 days, pinball loss over the nine levels of the M5
competition scaled by the in-sample mean absolute day-to-day change (its SPL), weighted quantile loss, coverage of the central
intervals, and the share of the randomised PIT (Czado, Gneiting and Held 2009) inside its central 80 %.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from allocation_assets.demand.distribution import probability_at_least
from allocation_assets.demand.panel import DemandPanel, Forecaster

PINBALL_LEVELS = (0.005, 0.025, 0.165, 0.25, 0.5, 0.75, 0.835, 0.975, 0.995)
_LEVELS = tuple(sorted({*PINBALL_LEVELS, 0.1, 0.9}))
_INTERVALS = {50: (0.25, 0.75), 80: (0.1, 0.9), 95: (0.025, 0.975)}
#: Sums per series from which every measure is a ratio.
SUMS = (
    "days", "units", "error", "error_abs", "error_median", "week_days", "scaled_days", "scaled_abs", "scaled_square", "pinball",
    "scaled_pinball", "inside_50", "inside_80", "inside_95", "pit_80",
)  # fmt: skip


@dataclass(frozen=True)
class Rolled:
    """Forecasts beside what was seen, (n, w) for all days of all windows: mean and dispersion of the day's share, units, and
    whether the day is scored; full: in stock all day."""

    mean: np.ndarray
    dispersion: np.ndarray
    units: np.ndarray
    is_scored: np.ndarray
    is_full: np.ndarray


def origins_of(days: int, windows: int, horizon: int) -> list[int]:
    """First days of the last `windows` windows of `horizon` days that end with the panel; those with history before them."""
    return [o for o in (days - horizon * k for k in range(windows, 0, -1)) if o > 0]


def roll(panel: DemandPanel, forecaster: Forecaster, origins: Sequence[int], horizon: int) -> Rolled:
    """Forecast each window from the days before it alone."""
    parts = []
    for origin in origins:
        found = forecaster.forecast(panel.until(origin), panel.plan(origin, horizon))
        span = slice(origin, origin + horizon)
        share = np.asarray(panel.exposure[:, span], np.float64)
        begun = np.arange(panel.days)[span] >= np.asarray(panel.first_day)[:, None]
        scored = (share > 0) & begun & ~panel.is_bound[:, span]
        units = np.maximum(np.asarray(panel.units[:, span], np.float64), 0.0)
        parts.append((found.mean * share, found.dispersion, units, scored, scored & (share >= 1.0)))
    return Rolled(*(np.concatenate(values, axis=1) for values in zip(*parts, strict=True)))


def shared_variation(rolled: Rolled, group: np.ndarray) -> float:
    """c: relative standard deviation that the series of an aggregate share, by moments; 0 where there is none."""
    mean, variance, units, scored = _summed(rolled, group)
    excess = float(((units - mean) ** 2 - variance)[scored].sum())
    scale = float((mean[scored] ** 2).sum())
    return float(np.sqrt(excess / scale)) if excess > 0 and scale > 0 else 0.0


def aggregate(rolled: Rolled, group: np.ndarray, shared: float) -> Rolled:
    """The same windows by group (g, w); `shared` from windows before them."""
    mean, variance, units, scored = _summed(rolled, group)
    variance = variance + (shared * mean) ** 2
    dispersion = np.maximum(variance / np.maximum(mean, 1e-12), 1.0)
    return Rolled(mean, dispersion, units, scored, scored)


def _summed(rolled: Rolled, group: np.ndarray) -> tuple[np.ndarray, ...]:
    def total(values: np.ndarray) -> np.ndarray:
        out = np.zeros((int(group.max()) + 1, values.shape[1]))
        np.add.at(out, group, np.where(rolled.is_scored, values, 0.0))
        return out

    variance = rolled.mean * rolled.dispersion
    return total(rolled.mean), total(variance), total(rolled.units), total(np.ones_like(rolled.mean)) > 0


@dataclass(frozen=True)
class Scale:
    """In-sample scales of each series (n,): mean absolute change from day to day, and mean absolute and root mean square change
    over 7 days; nan where a series never changes."""

    day: np.ndarray
    week_abs: np.ndarray
    week_square: np.ndarray


def scale_of(units: np.ndarray, first_day: np.ndarray | int = 0) -> Scale:
    """Scales of the history (n, t) before the first origin, of each series from its first day (n,) on."""
    history = np.maximum(np.asarray(units, np.float64), 0.0)
    begun = np.arange(history.shape[1]) >= np.broadcast_to(first_day, len(history))[:, None]

    def mean(values: np.ndarray) -> np.ndarray:
        counted = begun[:, : values.shape[1]]
        found = np.where(counted, values, 0.0).sum(axis=1) / np.maximum(counted.sum(axis=1), 1)
        return np.where(found > 0, found, np.nan)

    week = history[:, 7:] - history[:, :-7]
    return Scale(mean(np.abs(np.diff(history, axis=1))), mean(np.abs(week)), mean(week**2))


def score(rolled: Rolled, scale: Scale, *, seed: int = 0, full_days: bool = False) -> dict[str, np.ndarray]:
    """Sums (n,) by name (SUMS) over the scored days, or over those in stock all day."""
    from allocation_assets.negbin import demand_arrays, quantiles

    counted = rolled.is_full if full_days else rolled.is_scored
    mean, units = np.maximum(rolled.mean, 0.0), rolled.units
    mu, d = demand_arrays(mean.ravel(), np.maximum(rolled.dispersion, 1.0).ravel())
    at = np.empty((mu.size, len(_LEVELS)), np.int64)
    quantiles(mu, d, np.asarray(_LEVELS), at)
    q = {level: at[:, k].reshape(mean.shape).astype(np.float64) for k, level in enumerate(_LEVELS)}
    loss = sum(np.maximum(level * (units - q[level]), (level - 1.0) * (units - q[level])) for level in PINBALL_LEVELS)
    loss /= len(PINBALL_LEVELS)
    above = probability_at_least(np.rint(units) + 1.0, mean, np.maximum(rolled.dispersion, 1.0))
    here = probability_at_least(np.rint(units), mean, np.maximum(rolled.dispersion, 1.0)) - above
    pit = 1.0 - above - np.random.default_rng(seed).random(mean.shape) * here
    error = mean - units
    values = {
        "days": np.ones_like(mean), "units": units, "error": error, "error_abs": np.abs(error),
        "error_median": np.abs(q[0.5] - units), "pinball": loss, "pit_80": (pit > 0.1) & (pit < 0.9),
        **{f"inside_{k}": (q[lo] <= units) & (units <= q[hi]) for k, (lo, hi) in _INTERVALS.items()},
        "week_days": np.broadcast_to(~np.isnan(scale.week_abs)[:, None], mean.shape),
        "scaled_days": np.broadcast_to(~np.isnan(scale.day)[:, None], mean.shape),
        "scaled_abs": np.nan_to_num(np.abs(error) / scale.week_abs[:, None]),
        "scaled_square": np.nan_to_num(error**2 / scale.week_square[:, None]),
        "scaled_pinball": np.nan_to_num(loss / scale.day[:, None]),
    }  # fmt: skip
    return {name: np.where(counted, values[name], 0.0).sum(axis=1) for name in SUMS}


def measures(sums: Mapping[str, np.ndarray]) -> dict[str, float | None]:
    """Every measure over the series of the sums; None where there is nothing to divide by."""
    total = {name: float(np.sum(values)) for name, values in sums.items()}

    def per(name: str, by: str) -> float | None:
        return total[name] / total[by] if total[by] > 0 else None

    square = per("scaled_square", "week_days")
    return {
        "wape": per("error_median", "units"),
        "wape_mean": per("error_abs", "units"),
        "bias": per("error", "units"),
        "mase": per("scaled_abs", "week_days"),
        "rmsse": None if square is None else float(np.sqrt(square)),
        "scaled_pinball_loss": per("scaled_pinball", "scaled_days"),
        "weighted_quantile_loss": None if total["units"] <= 0 else 2.0 * total["pinball"] / total["units"],
        "coverage_50": per("inside_50", "days"),
        "coverage_80": per("inside_80", "days"),
        "coverage_95": per("inside_95", "days"),
        "pit_80": per("pit_80", "days"),
    }


#: Measures that are compared between forecasters, as (sum, what divides it).
COMPARED = {"wape": ("error_median", "units"), "scaled_pinball_loss": ("scaled_pinball", "scaled_days")}


def differences(
    champion: Mapping[str, np.ndarray],
    challenger: Mapping[str, np.ndarray],
    block: np.ndarray,
    *,
    draws: int = 1000,
    seed: int = 0,
) -> dict[str, tuple[float, float, float]]:
    """Champion's measure less the challenger's, with a 95 % interval: (difference, low, high) by measure.

    A paired bootstrap over blocks (n,) of series (a SKU's series stay together), seeded.
    """
    count = int(block.max()) + 1
    weight = np.random.default_rng(seed).multinomial(count, np.full(count, 1.0 / count), draws).astype(np.float64)
    weight = np.concatenate([np.ones((1, count)), weight])
    out = {}
    for name, (top, bottom) in COMPARED.items():
        ratio = []
        for sums in (champion, challenger):
            over, under = (weight @ np.bincount(block, sums[key], count) for key in (top, bottom))
            ratio.append(over / np.maximum(under, 1e-12))
        drawn = ratio[0] - ratio[1]
        low, high = np.quantile(drawn[1:], [0.025, 0.975])
        out[name] = (float(drawn[0]), float(low), float(high))
    return out


@dataclass(frozen=True)
class Level:
    """A level of the hierarchy: group of each series (n,), None = the series themselves, and blocks of its members (g,) that the
    bootstrap keeps together."""

    name: str
    group: np.ndarray | None
    block: np.ndarray


def backtest(
    panel: DemandPanel, forecaster: Forecaster, levels: Sequence[Level], *, windows: int, horizon: int,
    calibration: int = 3, seed: int = 0,
) -> dict[tuple[str, bool], dict[str, np.ndarray]]:  # fmt: skip
    """Sums by (level, full days only) of one forecaster over the last `windows` windows; `calibration` windows before them give
    what the series of an aggregate share."""
    origins = origins_of(panel.days, windows + calibration, horizon)
    rolled = roll(panel, forecaster, origins, horizon)
    cut = max(len(origins) - windows, 0) * horizon
    before, scored = (
        Rolled(*(v[:, part] for v in vars(rolled).values())) for part in (slice(0, cut), slice(cut, None))
    )
    history = panel.units[:, : panel.days - min(windows, len(origins)) * horizon]
    out = {}
    for level in levels:
        if level.group is None:
            for full in (False, True):
                out[level.name, full] = score(scored, scale_of(history, panel.first_day), seed=seed, full_days=full)
            continue
        shared = shared_variation(before, level.group) if cut else 0.0
        summed = np.zeros((int(level.group.max()) + 1, history.shape[1]))
        np.add.at(summed, level.group, history)
        out[level.name, False] = score(aggregate(scored, level.group, shared), scale_of(summed), seed=seed)
    return out
