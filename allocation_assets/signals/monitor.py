"""Watches each series' sales against yesterday's forecast of them: bias, outliers, breaks of level, sudden stops.

Errors are judged by the forecast's own distribution (negative binomial with a mean and a variance-to-mean ratio; of the
share of the day in stock, binomial thinning of it), so a thin series has to be as unlikely as a fast one to be flagged.
  tracking   Trigg's signal (1964): discounted sum of errors over discounted sum of absolute errors, in -1..1
  bias       discounted sum(F - A) / sum(A), positive = over-forecast (kpi_definitions.md)
             both only with enough units and where the sum is `significance` standard deviations from 0
  outlier    P(D >= units) of the whole day below policy; the other signals take its error for 3 standard deviations
  break      two-sided CUSUM (Page 1954) of standardised errors, cut at 3, allowance 0.5; it starts anew after an alarm.
             The shift is estimated as Montgomery does: allowance + sum / periods since the sum was 0
  stop       a SKU sold nothing anywhere for so long that the product of P(D = 0) over its series in stock is below policy
A day whose hours out of stock are unknown is a lower bound: it takes part in the outliers alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Rows of the state of a series, float32: discounted sums, then the CUSUMs with their periods.
SERIES_STATE = ("error", "absolute", "actual", "variance", "weight", "up", "up_periods", "down", "down_periods")
SIGNALS = ("tracking", "bias", "outlier", "break", "stop")
ALLOWANCE, CUT = 0.5, 3.0
#: A forecast of nothing is not certain: least mean units a day.
_LEAST_MEAN = 0.01
#: A location that sold nothing at all, though this many units were expected, was closed: that is no news of its items.
_CLOSED_UNITS = 5.0


@dataclass(frozen=True)
class Observed:
    """One landed date of n series: codes (n,), forecast mean and dispersion a day (n,), units sold net of what came back.

    exposure: share of the period in stock (n,). is_bound: out of stock for an unknown share. is_on_sale: open and
    assorted. days: days of the period (7 for a weekly retailer).
    """

    sku: np.ndarray
    location: np.ndarray
    mean: np.ndarray
    dispersion: np.ndarray
    units: np.ndarray
    exposure: np.ndarray
    is_bound: np.ndarray
    is_on_sale: np.ndarray
    days: int = 1


@dataclass(frozen=True)
class SignalSettings:
    """Limits of the signals, from policy (`signals.*`)."""

    smoothing: float = 0.05
    tracking_limit: float = 0.7
    bias_rate: float = 0.3
    significance: float = 5.0
    min_units: float = 20.0
    outlier_probability: float = 1e-6
    break_limit: float = 10.0
    stop_probability: float = 1e-6


@dataclass(frozen=True)
class SignalState:
    """series: (9, n) float32, rows SERIES_STATE. stops: (2, k) float64 by SKU: log probability of no sale, and its periods."""

    series: np.ndarray
    stops: np.ndarray

    @classmethod
    def nothing(cls, series: int, skus: int) -> SignalState:
        """No memory."""
        return cls(np.zeros((len(SERIES_STATE), series), np.float32), np.zeros((2, skus)))


@dataclass(frozen=True)
class Flags:
    """Arrays (m,): signal (code of SIGNALS), row (of the series; of the SKU for a stop), is_up (demand above the forecast),
    value against threshold, and units a day that demand is off by (of an outlier: units)."""

    signal: np.ndarray
    row: np.ndarray
    is_up: np.ndarray
    value: np.ndarray
    threshold: np.ndarray
    units: np.ndarray


def watch(seen: Observed, state: SignalState, settings: SignalSettings) -> tuple[SignalState, Flags]:
    """Take in one date; returns the state to carry and what is flagged on the date.

    Raises ValueError where a mean is negative or a dispersion below 1, or either is not finite.
    """
    if not ((seen.mean >= 0) & (seen.dispersion >= 1) & np.isfinite(seen.mean) & np.isfinite(seen.dispersion)).all():
        raise ValueError("signals: forecasts must have a finite mean >= 0 and a finite dispersion >= 1")
    locations = int(seen.location.max(initial=-1)) + 1
    units = np.maximum(np.asarray(seen.units, np.float64), 0.0)
    share = np.where(seen.is_bound, 1.0, np.clip(seen.exposure, 0.0, 1.0))
    whole, vtm = np.maximum(seen.mean, _LEAST_MEAN) * seen.days, np.asarray(seen.dispersion, np.float64)
    mean, dispersion = whole * share, 1.0 + share * (vtm - 1.0)
    sold = np.bincount(seen.location, units, locations)
    expected = np.bincount(seen.location, np.where(seen.is_on_sale, mean, 0.0), locations)
    trades = ~((sold <= 0) & (expected >= _CLOSED_UNITS))
    told = seen.is_on_sale & ~seen.is_bound & (share > 0) & trades[seen.location]
    outliers = _outliers(units, whole, vtm, settings)
    plausible = units.copy()
    plausible[outliers[1]] = np.minimum(units, mean + CUT * np.sqrt(mean * dispersion))[outliers[1]]
    series = np.where(told, _updated(state.series, plausible, mean, dispersion, settings), state.series)
    stops, stopped = _stops(seen, units, told, mean, dispersion, state.stops, settings)
    flags = [
        *_bias(series, told, seen.days, settings), outliers, *_breaks(series, told, mean * dispersion, seen.days, settings),
        stopped,
    ]  # fmt: skip
    _restart(series, settings)
    columns = [np.concatenate(column) for column in zip(*flags, strict=True)]
    return SignalState(series.astype(np.float32), stops), Flags(*columns)


def _updated(old: np.ndarray, units, mean, dispersion, settings: SignalSettings) -> np.ndarray:
    error, keep = units - mean, 1.0 - settings.smoothing
    sums = dict(zip(SERIES_STATE, old.astype(np.float64), strict=True))
    score = np.clip(error / np.sqrt(np.maximum(mean * dispersion, 1e-9)), -CUT, CUT)
    up = np.maximum(sums["up"] + score - ALLOWANCE, 0.0)
    down = np.maximum(sums["down"] - score - ALLOWANCE, 0.0)
    return np.stack([
        keep * sums["error"] + error,
        keep * sums["absolute"] + np.abs(error),
        keep * sums["actual"] + units,
        keep**2 * sums["variance"] + mean * dispersion,
        keep * sums["weight"] + 1.0,
        up, np.where(up > 0, sums["up_periods"] + 1.0, 0.0),
        down, np.where(down > 0, sums["down_periods"] + 1.0, 0.0),
    ])  # fmt: skip


def _bias(series: np.ndarray, told: np.ndarray, days: int, settings: SignalSettings) -> list[tuple]:
    error, absolute, actual, variance, weight = series[:5]
    forecast = actual - error
    sure = told & (np.abs(error) >= settings.significance * np.sqrt(variance)) & (error != 0)
    sure &= np.maximum(actual, forecast) >= settings.min_units
    tracking = error / np.maximum(absolute, 1e-9)
    bias = -error / np.maximum(actual, 1.0)
    off = np.abs(error) / np.maximum(weight, 1.0) / days
    return [
        _flagged("tracking", sure & (np.abs(tracking) >= settings.tracking_limit), error > 0, tracking,
                 settings.tracking_limit, off),
        _flagged("bias", sure & (np.abs(bias) >= settings.bias_rate), error > 0, bias, settings.bias_rate, off),
    ]  # fmt: skip


def _outliers(units, mean, dispersion, settings: SignalSettings) -> tuple:
    """P(D >= units) as a regularised incomplete beta (negative binomial) or gamma (Poisson) function, where units are high."""
    from scipy import special

    rows = np.flatnonzero((units >= 1) & (units > mean))
    u, mu, d = np.floor(units[rows]), np.maximum(mean[rows], 1e-9), dispersion[rows]
    over = np.maximum(d - 1.0, 1e-9)
    chance = np.where(d - 1.0 > 1e-6, special.betainc(u, mu / over, 1.0 - 1.0 / d), special.gammainc(u, mu))
    rare = chance < settings.outlier_probability
    at, n = rows[rare], int(rare.sum())
    threshold = np.full(n, settings.outlier_probability)
    return np.full(n, SIGNALS.index("outlier")), at, np.ones(n, bool), chance[rare], threshold, (units - mean)[at]


def _breaks(series: np.ndarray, told, variance, days: int, settings: SignalSettings) -> list[tuple]:
    found = []
    for sums, periods, is_up in ((series[5], series[6], True), (series[7], series[8], False)):
        shift = (ALLOWANCE + sums / np.maximum(periods, 1.0)) * np.sqrt(variance) / days
        over = told & (sums >= settings.break_limit)
        found.append(_flagged("break", over, np.full(len(over), is_up), sums, settings.break_limit, shift))
    return found


def _restart(series: np.ndarray, settings: SignalSettings) -> None:
    for at in (5, 7):
        alarmed = series[at] >= settings.break_limit
        series[at : at + 2, alarmed] = 0.0


def _stops(seen: Observed, units, told, mean, dispersion, stops, settings: SignalSettings) -> tuple[np.ndarray, tuple]:
    """A SKU that sold anywhere begins anew; one that nobody could have bought keeps its memory and is not flagged."""
    sku, skus = seen.sku, stops.shape[1]
    over = np.maximum(dispersion - 1.0, 1e-9)
    nothing = np.where(dispersion - 1.0 > 1e-6, -mean / over * np.log(dispersion), -mean)
    gained = np.bincount(sku, np.where(told, nothing, 0.0), skus)
    in_stock = np.bincount(sku, told, skus) > 0
    sold = np.bincount(sku, units, skus) > 0
    after = np.where(sold, 0.0, stops + np.stack([gained, in_stock.astype(float)]))
    limit = np.log(max(settings.stop_probability, 1e-300))
    stopped = in_stock & ~sold & (after[0] <= limit)
    lost = np.bincount(sku, np.where(told, mean, 0.0), skus) / seen.days
    chance = np.exp(np.maximum(after[0], -700.0))
    return after, _flagged("stop", stopped, np.zeros(skus, bool), chance, settings.stop_probability, lost)


def _flagged(signal: str, mask, is_up, value, threshold: float, units) -> tuple:
    rows = np.flatnonzero(mask)
    n = len(rows)
    code, limit = np.full(n, SIGNALS.index(signal)), np.full(n, threshold)
    return code, rows, is_up[rows], value[rows].astype(np.float64), limit, np.asarray(units[rows], np.float64)
