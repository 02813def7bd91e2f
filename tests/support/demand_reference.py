"""The champion's walk written plainly from its docstring, one number at a time: the oracle of the compiled kernel."""

from __future__ import annotations

import math

import numpy as np
from scipy import stats


def at_least(units: float, mean: float, d: float) -> tuple[float, float]:
    """(E[D | D >= units], Var[D | D >= units]) by summing the distribution."""
    demand = stats.poisson(mean) if d <= 1 else stats.nbinom(mean / (d - 1), 1 / d)
    u = np.arange(int(units), int(demand.ppf(1 - 1e-14)) + int(units) + 50)
    mass = demand.pmf(u)
    first = (u * mass).sum() / mass.sum()
    return float(first), float((u**2 * mass).sum() / mass.sum() - first**2)


def shrunk(spread: float, weight: float, prior: float, prior_weight: float, most: float) -> float:
    """Excess of the dispersion over 1."""
    return min(max((spread + prior_weight * (prior - 1)) / (weight + prior_weight), 0.0), most - 1)


def walk(series: np.ndarray, skus: np.ndarray, sku: np.ndarray, days, factor: np.ndarray, uplift: np.ndarray,
         class_dispersion: np.ndarray, drifts, s) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """States (5, n), (3, k) after the days; factor (t, n) multiplies the mean, uplift by offer."""
    series, skus = series.astype(float).copy(), skus.copy()
    for t in range(days.units.shape[0]):
        seen = {}
        for k in range(skus.shape[1]):
            skus[0, k] *= 1 + skus[2, k]
            members = np.flatnonzero(sku == k)
            of_sku = shrunk(
                series[2, members].sum(),
                series[3, members].sum(),
                class_dispersion[k],
                s.dispersion_weight,
                s.max_dispersion,
            )
            total = expected = variance = 0.0
            for j in members:
                y, share, unseen = float(days.units[t, j]), float(days.exposure[t, j]), 0.0
                if t < days.first_day[j] or share == 0 or (share < 0 and y <= 0):
                    continue
                mean = max(skus[0, k] * series[0, j] * factor[t, j] * uplift[days.offer[t, j]], 1e-6)
                d = 1 + shrunk(series[2, j], series[3, j], 1 + of_sku, s.dispersion_weight, s.max_dispersion)
                if share < 0:
                    (y, unseen), share = at_least(y, mean, d), 1.0
                part = share * mean
                seen[j] = (y, share, part, d, unseen)
                total, expected, variance = total + y, expected + part, variance + part * (d + part * series[1, j])
            prior, gain, surprise = min(skus[1, k] + drifts[0], s.borrowed_var), 0.0, 0.0
            if expected > 0:
                noise = variance / expected**2
                gain = prior / (prior + noise)
                limit = s.clip * math.sqrt(prior + noise)
                surprise = min(max(total / expected - 1, -limit), limit)
            moved = max(1 + gain * surprise, 0.1)
            skus[:, k] = (
                skus[0, k] * moved,
                prior * (1 - gain),
                s.growth_damping * skus[2, k] + drifts[2] * gain * surprise,
            )
            for j in members:
                series[1, j] = min(series[1, j] + drifts[1], s.ratio_var)
                if j in seen:
                    _raise(series[:, j], *seen[j], moved, s)
    return series, skus


def _raise(state: np.ndarray, y: float, share: float, part: float, d: float, unseen: float, moved: float, s) -> None:
    now = part * moved
    width = state[1] * now + d
    most = s.clip * math.sqrt(now * width)
    error = min(max(y - now, -most), most)
    state[0] *= max(1 + state[1] * error / width, 0.05)
    state[1] *= d / width
    if share >= 0.3:
        square = min((y - part) ** 2 + unseen, 36 * part * d + 9)
        state[2] = (1 - s.dispersion_forget) * state[2] + (square - part) / (1 + 2 * part)
        state[3] = (1 - s.dispersion_forget) * state[3] + part / (1 + 2 * part)
    state[4] += share
