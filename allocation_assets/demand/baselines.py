"""Baselines beside the champion, from libraries (statsforecast; Nixtla, Apache 2.0), behind the interface of every forecaster.

They know nothing of stock-outs. What they are fed is their `history`: `sales` as they were, or `restored` demand, each day's units
divided by its exposure and hidden days at the mean of the series' own weekday, so that they are not beaten for lack of it.
Their distribution is the negative binomial with the dispersion of their own one-step errors: sum of squares over sum of
forecasts, at least 1. statsforecast is imported when a baseline is asked, never before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocation_assets.demand.panel import DemandPanel, DemandPlan, Forecast

METHODS = ("library", "fallback")
#: Fewer days than this get the mean of what there is.
_LEAST_DAYS = 14
_LEAST_EXPOSURE = 0.25
_MAX_DISPERSION = 50.0
#: Models that give no fitted values: their errors are measured from the series' mean.
_UNFITTED = ("WindowAverage",)


def histories(panel: DemandPanel, history: str) -> np.ndarray:
    """What a baseline is fed (n, t), at least 0: `sales`, or `restored` demand (see the module docstring)."""
    units = np.maximum(np.asarray(panel.units, np.float64), 0.0)
    if history == "sales":
        return units
    if history != "restored":
        raise ValueError(f"baselines: history must be sales or restored, not {history!r}")
    seen = (panel.exposure >= _LEAST_EXPOSURE) & (np.arange(panel.days) >= np.asarray(panel.first_day)[:, None])
    restored = np.where(seen, units / np.maximum(panel.exposure, _LEAST_EXPOSURE), np.nan)
    out = np.empty_like(restored)
    every = _mean(restored, np.zeros((panel.series, 1)))
    for day in range(7):
        part = restored[:, day::7]
        out[:, day::7] = np.where(np.isnan(part), _mean(part, every), part)
    return out


def _mean(values: np.ndarray, empty: np.ndarray) -> np.ndarray:
    """Mean of each row (n, 1) without nan; `empty` where a row has none."""
    seen = ~np.isnan(values)
    count = seen.sum(axis=1, keepdims=True)
    return np.where(count > 0, np.nansum(values, axis=1, keepdims=True) / np.maximum(count, 1), empty)


@dataclass(frozen=True)
class Baseline:
    """One library model per series; `build` makes it (the import is inside)."""

    name: str
    build: Callable[[], Any]
    history: str = "sales"

    def forecast(self, history: DemandPanel, plan: DemandPlan) -> Forecast:
        """Forecast the days of `plan` for every series."""
        fed, days = histories(history, self.history), len(plan.dates)
        mean, dispersion = np.empty((history.series, days)), np.empty(history.series)
        method = np.zeros(history.series, np.int8)
        model, first = self.build(), np.asarray(history.first_day)
        # One library model per series: the libraries offer no other way.
        for row in range(history.series):
            mean[row], dispersion[row], method[row] = _of_series(model, fed[row, first[row] :], days)
        wide = np.repeat(dispersion[:, None], days, axis=1)
        return Forecast(mean, wide, dispersion, method, METHODS)


def _of_series(model: Any, units: np.ndarray, days: int) -> tuple[np.ndarray, float, int]:
    """(mean (days,), dispersion, index into METHODS) of one series."""
    usual = float(units.mean()) if len(units) else 0.0
    fallback = np.full(days, usual), _dispersion(units, np.full(len(units), usual)), METHODS.index("fallback")
    if len(units) < _LEAST_DAYS or units.min() == units.max():
        return fallback
    try:
        found = model.forecast(y=units.astype(np.float32), h=days, fitted=type(model).__name__ not in _UNFITTED)
    except (ValueError, ZeroDivisionError, FloatingPointError, np.linalg.LinAlgError):
        return fallback
    mean = np.asarray(found["mean"], np.float64)
    fitted = np.asarray(found.get("fitted", fallback[0][:1].repeat(len(units))), np.float64)
    if not np.isfinite(mean).all():
        return fallback
    return np.maximum(mean, 0.0), _dispersion(units, fitted), METHODS.index("library")


def _dispersion(units: np.ndarray, fitted: np.ndarray) -> float:
    known = np.isfinite(fitted)
    squares, expected = ((units - fitted)[known] ** 2).sum(), np.maximum(fitted[known], 0.0).sum()
    return float(np.clip(squares / expected, 1.0, _MAX_DISPERSION)) if expected > 0 else 1.0


def _models() -> dict[str, Callable[[], Any]]:
    def library(name: str, **settings: Any) -> Callable[[], Any]:
        def build() -> Any:
            from statsforecast import models

            return getattr(models, name)(**settings)

        return build

    return {
        "seasonal_naive": library("SeasonalNaive", season_length=7),
        "moving_average": library("WindowAverage", window_size=28),
        "ses": library("SimpleExponentialSmoothing", alpha=0.1),
        "croston_sba": library("CrostonSBA"),
        "tsb": library("TSB", alpha_d=0.1, alpha_p=0.1),
        "auto_ets": library("AutoETS", season_length=7),
    }


#: Baselines by name; AutoETS is a thousand times slower than the rest: ask it of a sample.
NAMES = tuple(_models())


def baseline(name: str, history: str = "sales") -> Baseline:
    """The baseline of that name; raises KeyError where there is none."""
    return Baseline(name if history == "sales" else f"{name} ({history})", _models()[name], history)
