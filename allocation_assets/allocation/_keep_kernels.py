"""Compiled kernels of the price of kept stock (numba; no state, GIL released); the formulas stand in `keep`."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

# Prices at which needs are computed, as shares of the highest price that any location would pay.
_GRID = 12


@njit(cache=True, nogil=True)
def _targets(mu, d, first, p, gain, holding, ship, top, target, served):
    """Fill target[k] and served[k] at price k / grid x top: units wanted at the last shipment, share of demand before it.

    The walk starts at unit `first` of probability `p`; below it every unit sells.
    """
    grid = target.shape[0]
    alpha, beta = mu / d, 1.0 - 1.0 / d
    cdf, sold, u, last, before = 0.0 if first > 0 else p, 0.0, 0, grid - 1, grid - 1
    end = mu + 12.0 * math.sqrt(mu * d) + 20.0 * d
    # Prices rise with k, so what pays at the highest pays at all: the walk settles them from the highest down.
    while last >= 0 or before >= 0:
        tail = 1.0 - cdf if u < end else 0.0
        while last >= 0 and (gain + holding) * tail <= holding + ship + top * last / grid:
            target[last] = u
            last -= 1
        while before >= 0 and (gain - top * before / grid + holding) * tail <= holding + ship:
            served[before] = min(sold / mu, 1.0)
            before -= 1
        if u < first:
            sold, u, cdf = float(first), first, p
            continue
        sold += tail
        p *= (alpha + beta * u) / (u + 1)
        u += 1
        cdf += p


@njit(cache=True, nogil=True)
def _above(mean, variance):
    """E[X+] of a normal X."""
    if variance <= 1e-12:
        return max(mean, 0.0)
    sd = math.sqrt(variance)
    z = mean / sd
    if z > 4.0 or z < -4.0:
        return max(mean, 0.0)
    return 0.5 * mean * math.erfc(-z / math.sqrt(2.0)) + sd * math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi)


@njit(cache=True, nogil=True)
def _expected_price(stock, top, need, variance, mass, level_variance, nodes, weights):
    """E[l*] over the nodes of a standard normal: the needs' curve moves as a whole, the price is read off where it meets stock."""
    grid, out = need.shape[0], 0.0
    for q in range(nodes.shape[0]):
        before, price = 0.0, top
        for k in range(grid + 1):
            asked = 0.0
            if k < grid and need[k] > 0.0:
                sd = math.sqrt(variance[k] + level_variance * mass[k] * mass[k])
                asked = max(need[k] + nodes[q] * sd, 0.0)
            if asked <= stock:
                price = 0.0 if k == 0 else top * (k - 1 + (before - stock) / max(before - asked, 1e-12)) / grid
                break
            before = asked
        out += weights[q] * price
    return out


@njit(cache=True, nogil=True)
def _needs(
    j0, j1, first, p_first, daily, dispersion, horizon, shipments, gap, arrive, position, gain, holding, ship, top, need, variance, mass
):
    """Fill, per price of the grid: units that the pairs j0 <= j < j1 need until the inbound, their variance, and what a level moves."""
    grid = need.shape[0]
    target, served = np.empty(grid), np.empty(grid)
    need[:], variance[:], mass[:] = 0.0, 0.0, 0.0
    for j in range(j0, j1):
        if daily[j] <= 0.0 or shipments[j] < 0.0:
            continue
        between, mu = shipments[j] * gap[j] * daily[j], daily[j] * horizon[j]
        _targets(mu, dispersion[j], first[j], p_first[j], gain[j], holding[j], ship[j], top, target, served)
        soon = daily[j] * arrive[j]
        have = position[j] + _above(soon - position[j], soon * dispersion[j])
        spread = between * dispersion[j]
        for k in range(grid):
            asked = _above(target[k] + between * served[k] - have, spread)
            need[k] += asked
            if asked > 0.0:
                variance[k] += spread
                mass[k] += between * served[k] + mu


@njit(cache=True, nogil=True)
def price_rows(
    row_ptr, first, p_first, daily, dispersion, horizon, shipments, gap, arrive, position, gain, holding, ship, stock, level_variance, nodes,
    weights, r0, r1, price,
):  # fmt: skip
    """Fill price[r0:r1]; the outlook's arrays, nodes and weights of a standard normal (see `keep`)."""
    need, variance, mass = np.empty(_GRID), np.empty(_GRID), np.empty(_GRID)
    for r in range(r0, r1):
        j0, j1, top = row_ptr[r], row_ptr[r + 1], 0.0
        for j in range(j0, j1):
            top = max(top, gain[j])
        pairs = (first, p_first, daily, dispersion, horizon, shipments, gap, arrive, position, gain, holding, ship)
        # Most rows have enough at a price of 0 whatever happens: one price of the grid tells.
        _needs(j0, j1, *pairs, top, need[:1], variance[:1], mass[:1])
        most = need[0] + nodes[-1] * math.sqrt(variance[0] + level_variance[r] * mass[0] * mass[0])
        price[r] = 0.0
        if need[0] > 0.0 and most > stock[r]:
            _needs(j0, j1, *pairs, top, need, variance, mass)
            price[r] = _expected_price(stock[r], top, need, variance, mass, level_variance[r], nodes, weights)
