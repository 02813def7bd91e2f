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
# Units with a reciprocal at hand.
TABLE = 1023


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
def support_starts(mu, d, unit, p):
    """Fill (unit[j], p[j]) with the first unit that carries mass worth counting, for kernels of other files."""
    for j in range(mu.shape[0]):
        unit[j], p[j] = _support_start(mu[j], d[j])


@njit(cache=True, nogil=True)
def _support_end(mu, d):
    """Return a unit beyond which P(D > u) is zero for every purpose (Chernoff, far below TAIL)."""
    return int(mu + 12.0 * math.sqrt(mu * d) + 60.0 * d) + 1


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
def _reciprocals():
    """1 / u for small u: the walk multiplies instead of dividing. Made once per range of pairs."""
    out = np.ones(TABLE + 1)
    for u in range(1, TABLE + 1):
        out[u] = 1.0 / u
    return out


# Inlined before compiling: a call per unit or case, with its many scalars, costs more than the walk itself.
@njit(inline="always")
def _move_to(y, u, p, cdf, alpha, beta, inverse):
    """Return (u, p, cdf) after moving the walk up to unit y."""
    while u < min(y, TABLE):
        p *= (alpha + beta * u) * inverse[u + 1]
        u += 1
        cdf += p
    while u < y:
        p *= (alpha + beta * u) / (u + 1)
        u += 1
        cdf += p
    return u, p, cdf


@njit(inline="always")
def _sold(y, stop, u, p, cdf, alpha, beta, start, end, inverse):
    """Return (sum of P(D > i) for y <= i < stop, u, p, cdf): the walk stands at y before and at stop after.

    Before the first unit with mass the walk stands there, and past the last one here: nothing is left to sell.
    """
    sold, top = float(max(min(stop, start) - y, 0)), min(stop, end)
    while u < min(top, TABLE):
        tail = 1.0 - cdf
        sold += tail if tail > TAIL else 0.0
        p *= (alpha + beta * u) * inverse[u + 1]
        u += 1
        cdf += p
    while u < top:
        tail = 1.0 - cdf
        sold += tail if tail > TAIL else 0.0
        p *= (alpha + beta * u) / (u + 1)
        u += 1
        cdf += p
    return sold, u, p, cdf


@njit(inline="always")
def _line_pays(worth, begin, want, top, least, fee):
    """Why a line is not worth its cost or its least size: 0 it is, 1 line cost, 2 least size. `top` cases are possible."""
    cases = max(min(want, top), least)
    total = 0.0
    for i in range(begin, begin + min(cases, top)):
        total += worth[i]
    if cases <= top and total > fee:
        return 0
    smaller = 0.0
    for i in range(begin, begin + min(want, top)):
        smaller += worth[i]
    return 2 if smaller > fee else 1


@njit(inline="always")
def _choosable(worth, begin, pays, reach, cap_cases, supply_cases, forced, least, fee, partial_at):
    """Return (why no line pays, cases that may be chosen) of a pair whose first `pays` cases pay."""
    reason, lim = 0, forced
    if forced == 0 and pays > 0 and (fee > 0.0 or least > 1):
        reason = _line_pays(worth, begin, pays, min(cap_cases, supply_cases), least, fee)
        lim = 0 if reason else min(max(pays, least), max(min(cap_cases, supply_cases + 1), least))
    elif partial_at < 0:
        # An odd last case of an override closes the pair: nothing may follow it.
        lim = max(forced, min(pays, reach))
    return reason, lim


@njit(inline="always")
def _walk_of(mu, d, p_zero):
    """Return (first unit of the walk, its probability, last unit, alpha, beta) from P(D = 0)."""
    start, p = 0, p_zero
    if p < 1e-260:
        start, p = _support_start(mu, d)
    share = 1.0 / d
    return start, p, _support_end(mu, d), mu * share, 1.0 - share


@njit(cache=True, nogil=True)
def build_cases(
    mu, d, position, pack, gain, cost, bonus, presentation, supply_cases, cap_cases, forced, least, fee, partial_at,
    partial_units, keep_all, p_zero, lo, hi, want, first, no_line, lim, stored, worth,
):
    """Store the worth of every case within reach of the pairs lo <= j < hi; return (next pair, items written).

    Per pair: ``want`` (cases that pay at zero price without any limit), ``first`` (a single unit pays although no case
    does), ``no_line`` (why no line pays, see `_line_pays`), ``lim`` (cases that may be chosen, forced ones included; one
    more than the row's supply stays in reach, because it sets the row's price), ``stored`` (lim; with ``keep_all`` the
    value of one case more as well, also where none may be chosen but the pair wants something). Case ``partial_at``
    (-1 = none) holds ``partial_units``; ``p_zero`` is P(D = 0) of the pairs lo <= j < hi. Stops before the pair that
    does not fit into ``worth``.
    """
    inverse, room, at = _reciprocals(), worth.shape[0], 0
    for j in range(lo, hi):
        want[j], first[j], no_line[j], lim[j], stored[j] = 0, False, 0, forced[j], 0
        y, earns, costs, extra, shown = position[j], gain[j], cost[j], bonus[j], presentation[j]
        if forced[j] == 0 and _wants_nothing(mu[j], d[j], y, earns, costs, extra, shown):
            continue
        start, p, end, alpha, beta = _walk_of(mu[j], d[j], p_zero[j - lo])
        u, p, cdf = _move_to(min(y, end), start, p, p, alpha, beta, inverse)
        tail = 1.0 if y < start else 1.0 - cdf if y < end and 1.0 - cdf > TAIL else 0.0
        single = earns * tail - costs + (extra if y < shown else 0.0) > 0.0
        reach = max(min(cap_cases[j], supply_cases[j] + 1), forced[j], min(least[j], cap_cases[j]))
        begin, k, pays, counting = at, 0, 0, True
        while counting or k <= min(max(pays, least[j], forced[j]), reach):
            size = partial_units[j] if k == partial_at[j] else pack[j]
            sold, u, p, cdf = _sold(y, y + size, u, p, cdf, alpha, beta, start, end, inverse)
            value = earns * sold - size * costs + extra * min(max(shown - y, 0), size)
            if k <= reach and at >= room:
                return j, begin
            if k <= reach:
                worth[at] = value
                at += 1
            if counting and (value <= 0.0 or (y >= end and y >= shown)):
                pays, counting = k, False
            k, y = k + 1, y + size
        want[j], first[j] = pays, single and pays == 0
        no_line[j], lim[j] = _choosable(
            worth, begin, pays, reach, cap_cases[j], supply_cases[j], forced[j], least[j], fee[j], partial_at[j]
        )
        more = keep_all and (lim[j] > 0 or pays > 0 or first[j])
        stored[j] = min(lim[j] + more, at - begin)
        at = begin + stored[j]
    return hi, at


@njit(cache=True, nogil=True)
def sales_between(mu, d, position, units, lo, hi, out):
    """Expected sales of ``units`` on top of ``position``: sum of P(D > u) over them, for the pairs lo <= j < hi."""
    inverse = _reciprocals()
    for j in range(lo, hi):
        out[j] = 0.0
        if units[j] <= 0:
            continue
        start, p = _support_start(mu[j], d[j])
        end = _support_end(mu[j], d[j])
        alpha, beta = mu[j] / d[j], 1.0 - 1.0 / d[j]
        u, p, cdf = _move_to(min(position[j], end), start, p, p, alpha, beta, inverse)
        sold, u, p, cdf = _sold(position[j], position[j] + units[j], u, p, cdf, alpha, beta, start, end, inverse)
        out[j] = sold


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


def p_of_zero(mean, dispersion):
    """P(D = 0) = d^(-mu / (d - 1)), exp(-mu) for d = 1; arrays (n,) float64. Vectorised apart from the compiled walks."""
    over = dispersion - 1.0
    poisson = over <= 1e-12
    rate = np.where(poisson, 1.0, np.log(dispersion) / np.where(poisson, 1.0, over))
    return np.exp(-mean * rate)


def demand_arrays(mean, dispersion):
    """Return contiguous float64 copies (mean >= 0, dispersion >= 1) as the compiled walks expect them."""
    mu = np.ascontiguousarray(np.broadcast_arrays(mean, dispersion)[0], dtype=np.float64)
    d = np.ascontiguousarray(np.broadcast_arrays(mean, dispersion)[1], dtype=np.float64)
    if not (np.isfinite(mu).all() and np.isfinite(d).all() and (mu >= 0).all() and (d >= 1).all()):
        raise ValueError("demand: mean must be finite and >= 0, dispersion finite and >= 1; check the estimate")
    return mu, d
