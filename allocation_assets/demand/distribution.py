"""Closed forms of the negative binomial with mean ``mu`` and variance-to-mean ratio ``d`` (Poisson at d = 1).

With q = 1 - 1/d and r = mu / (d - 1):  P(D >= s) = I_q(s, r)  (regularised incomplete beta), and because
k p(k; r) = mu p(k - 1; r + 1):  E[D 1(D >= s)] = mu P(D' >= s - 1) with D' ~ NB(r + 1, same q).
The variance-to-mean ratio is constant over horizons: a sum of h days has mean mu h and the same d.
"""

from __future__ import annotations

import numpy as np

LEVELS = (0.50, 0.90, 0.95, 0.99)
_POISSON = 1.0 + 1e-9


def shared_variance(total, wide, first, narrow) -> np.ndarray:
    """Relative variance (n,) of the level that the days of a horizon share, nan where the horizon says no more than its first day.

    A forecast's dispersion over a horizon is its day's plus mean x the level's variance (`outlook`), so two horizons tell
    it: `wide` is the dispersion of the mean `total`, `narrow` that of the first day's mean `first`; arrays (n,).
    """
    more = np.asarray(total - first, np.float64)
    tells = more > 1e-9
    return np.where(tells, np.maximum(wide - narrow, 0.0) / np.where(tells, more, 1.0), np.nan)


def probability_at_least(units, mean, dispersion, *, shape_shift: float = 0.0) -> np.ndarray:
    """P(D >= units), elementwise; 1 where units <= 0. ``shape_shift`` is added to the NB shape r."""
    from scipy import special

    s, mu, d = np.broadcast_arrays(
        np.asarray(units, np.float64), np.asarray(mean, np.float64), np.asarray(dispersion, np.float64)
    )
    at = np.maximum(s, 1.0)
    out = np.empty(s.shape)
    poisson = d < _POISSON
    out[poisson] = special.gammainc(at[poisson], mu[poisson])
    nb = ~poisson
    shape = np.maximum(mu[nb], 1e-300) / (d[nb] - 1.0) + shape_shift
    out[nb] = special.betainc(at[nb], shape, 1.0 - 1.0 / d[nb])
    out[s <= 0] = 1.0
    return out


def expected_sales(stock, mean, dispersion) -> np.ndarray:
    """G(y) = E[min(D, y)] in units; negative stock is backlog, which sells for certain: G(y) = y for y <= 0."""
    y, mu, d = np.broadcast_arrays(
        np.asarray(stock, np.float64), np.asarray(mean, np.float64), np.asarray(dispersion, np.float64)
    )
    below = mu * (1.0 - probability_at_least(y - 1.0, mu, d, shape_shift=1.0))
    return np.where(y <= 0, y, below + y * probability_at_least(y, mu, d))


def demand_quantiles(daily_mean, dispersion, horizon_days, levels: tuple[float, ...] = LEVELS) -> np.ndarray:
    """Exact quantiles of demand over the horizon.

    Shapes (n,) each -> int64 (n, len(levels)) units; mean over the horizon = daily_mean * horizon_days, dispersion
    (variance-to-mean, >= 1) unchanged. Quantile = smallest k with P(D <= k) >= level. Levels must ascend in (0, 1).
    """
    from allocation_assets.negbin import demand_arrays, quantiles

    if list(levels) != sorted(levels) or not all(0.0 < level < 1.0 for level in levels):
        raise ValueError(f"demand_quantiles: levels must ascend in (0, 1), got {levels}")
    mean = np.asarray(daily_mean, np.float64) * np.asarray(horizon_days, np.float64)
    mu, d = demand_arrays(np.atleast_1d(mean), np.asarray(dispersion, np.float64))
    out = np.empty((mu.shape[0], len(levels)), dtype=np.int64)
    quantiles(mu, d, np.asarray(levels, np.float64), out)
    return out
