"""Compiled walks along the negative binomial distribution of demand (numba).

Demand over a horizon has mean ``mu`` and a constant variance-to-mean ratio ``d`` >= 1: negative binomial for d > 1,
Poisson for d = 1. Both are Panjer (a, b, 0) distributions: p(u + 1) = p(u) (alpha + beta u) / (u + 1) with
alpha = mu / d and beta = 1 - 1 / d, so one recurrence serves both. Where p(0) would underflow the walk starts in the
far left tail, at a mass below 1e-22 of the mode's, normalised by the summed mass. P(D > u) = 1 - cdf(u) is
non-increasing in floating point too, hence so are case values. Tail probabilities below 1e-13 count as zero.

Everything here is deterministic, holds no state and releases the GIL. No file outside this one calls these functions
from compiled code: numba's cache does not see changes across files.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

TAIL = 1e-13


@njit(cache=True, nogil=True)
def _support_start(mu, d):
    """Return (u, p(u)) of the first unit that carries mass worth counting."""
    x = d - 1.0
    decay = math.log1p(x) / x if x > 1e-12 else 1.0
    if mu * decay <= 600.0:
        return 0, math.exp(-mu * decay)
    alpha, beta = mu / d, 1.0 - 1.0 / d
    mode = int(max(0.0, mu - d))
    total, p, low = 1.0, 1.0, mode
    while p > 1e-22 and low > 0:
        p *= low / (alpha + beta * (low - 1))
        low -= 1
        total += p
    p_low = p
    p, u = 1.0, mode
    while p > 1e-22:
        p *= (alpha + beta * u) / (u + 1)
        u += 1
        total += p
    return low, p_low / total


@njit(cache=True, nogil=True)
def _support_end(mu, d):
    """Return a unit beyond which P(D > u) is zero for every purpose (Chernoff, far below TAIL)."""
    return int(mu + 12.0 * math.sqrt(mu * d) + 60.0 * d) + 1


@njit(cache=True, nogil=True)
def _unit_sales(y, u, p, cdf, mu, d, start, end):
    """Return (P(D > y), u, p, cdf) after moving the walk up to unit y; y never decreases between calls."""
    if y < start:
        return 1.0, u, p, cdf
    if y >= end:
        return 0.0, u, p, cdf
    alpha, beta = mu / d, 1.0 - 1.0 / d
    while u < y:
        p *= (alpha + beta * u) / (u + 1)
        u += 1
        cdf += p
    tail = 1.0 - cdf
    return (tail if tail > TAIL else 0.0), u, p, cdf


@njit(cache=True, nogil=True)
def _wants_nothing(mu, d, position, gain, cost, bonus, presentation):
    """Exact rejection without a walk: Cantelli's bound on P(D > position) cannot pay for one unit."""
    if bonus > 0.0 and position < presentation:
        return False
    slack = position + 1 - mu
    if slack <= 0.0:
        return gain <= cost
    variance = mu * d
    return gain * variance <= cost * (variance + slack * slack)


@njit(cache=True, nogil=True)
def _count_one(mu, d, position, pack, gain, cost, bonus, presentation):
    """Return (cases with positive worth, whether a single unit pays although no case does)."""
    start, p = _support_start(mu, d)
    end = _support_end(mu, d)
    u, cdf = start, p
    want = 0
    if gain > cost and position + pack <= start:
        want = (start - position) // pack
    first = False  # asked only where no case pays
    y = position + want * pack
    while True:
        sold = 0.0
        for i in range(pack):
            tail, u, p, cdf = _unit_sales(y + i, u, p, cdf, mu, d, start, end)
            if want == 0 and i == 0:
                first = gain * tail - cost + (bonus if y < presentation else 0.0) > 0.0
            sold += tail
        shown = min(max(presentation - y, 0), pack)
        if gain * sold - pack * cost + bonus * shown <= 0.0 or (y >= end and y >= presentation):
            return want, first and want == 0
        want += 1
        y += pack


@njit(cache=True, nogil=True)
def count_cases(mu, d, position, pack, gain, cost, bonus, presentation, lo, hi, want, first):
    """Fill ``want`` and ``first`` for the pairs lo <= j < hi (need at zero price, without any limit)."""
    for j in range(lo, hi):
        if _wants_nothing(mu[j], d[j], position[j], gain[j], cost[j], bonus[j], presentation[j]):
            want[j], first[j] = 0, False
        else:
            want[j], first[j] = _count_one(
                mu[j], d[j], position[j], pack[j], gain[j], cost[j], bonus[j], presentation[j]
            )


@njit(cache=True, nogil=True)
def fill_cases(
    mu, d, position, pack, gain, cost, bonus, presentation, partial_at, partial_units, ptr, lo, hi, sales, worth
):
    """Fill expected sales and worth (value + presentation bonus) of the stored cases of the pairs lo <= j < hi.

    Case k of pair j is item ptr[j] + k. The case with index ``partial_at`` (-1 = none) holds ``partial_units``.
    """
    for j in range(lo, hi):
        if ptr[j + 1] == ptr[j]:
            continue
        start, p = _support_start(mu[j], d[j])
        end = _support_end(mu[j], d[j])
        u, cdf = start, p
        y = position[j]
        for k in range(ptr[j + 1] - ptr[j]):
            size = partial_units[j] if k == partial_at[j] else pack[j]
            sold = 0.0
            for i in range(size):
                tail, u, p, cdf = _unit_sales(y + i, u, p, cdf, mu[j], d[j], start, end)
                sold += tail
            shown = min(max(presentation[j] - y, 0), size)
            sales[ptr[j] + k] = sold
            worth[ptr[j] + k] = gain[j] * sold - size * cost[j] + bonus[j] * shown
            y += size


@njit(cache=True, nogil=True)
def quantiles(mu, d, levels, out):
    """Fill out[j, q] with the smallest k with cdf(k) >= levels[q]; levels ascend."""
    for j in range(mu.shape[0]):
        u, p = _support_start(mu[j], d[j])
        end = _support_end(mu[j], d[j])
        alpha, beta = mu[j] / d[j], 1.0 - 1.0 / d[j]
        cdf = p
        for q in range(levels.shape[0]):
            while cdf < levels[q] and u < end:
                p *= (alpha + beta * u) / (u + 1)
                u += 1
                cdf += p
            out[j, q] = u


def demand_arrays(mean, dispersion):
    """Return contiguous float64 copies (mean >= 0, dispersion >= 1) as the compiled walks expect them."""
    mu = np.ascontiguousarray(np.broadcast_arrays(mean, dispersion)[0], dtype=np.float64)
    d = np.ascontiguousarray(np.broadcast_arrays(mean, dispersion)[1], dtype=np.float64)
    if not (np.isfinite(mu).all() and np.isfinite(d).all() and (mu >= 0).all() and (d >= 1).all()):
        raise ValueError("demand: mean must be finite and >= 0, dispersion finite and >= 1; check the estimate")
    return mu, d
