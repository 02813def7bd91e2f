"""The forecast that every policy gets, learned from its own censored sales: EWMA, censor-aware, shrunk to SKU x store.

SKU level: EWMA of the sum over stores of what a day says of demand (the sale; on a sold-out day
E[D | D >= sale]; on a day that starts empty the forecast). A store's share of its SKU: decayed sales over what level and store size
expect, shrunk to 1. Dispersion: decayed squared one-step errors per SKU; the level's own error: see `level_variance`.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tests.benchmarks.loop_world.chain import World

_LEVEL_RATE, _SHARE_DECAY, _SHARE_PRIOR, _SPREAD_DECAY, _LOOK = 0.08, 0.992, 8.0, 0.98, 14


@njit(cache=True)
def at_least(mean, spread, sold):
    """E[D | D >= sold] and E[(D - mean)^2 | D >= sold] of negative binomial demand, per pair."""
    out, squares = np.empty(len(mean)), np.empty(len(mean))
    for j in range(len(mean)):
        x = spread[j] - 1.0
        p = np.exp(-mean[j] * (np.log1p(x) / x if x > 1e-9 else 1.0))
        below, sum_below, near = 0.0, 0.0, 0.0
        for u in range(sold[j]):
            below, sum_below, near = below + p, sum_below + u * p, near + (u - mean[j]) ** 2 * p
            p *= (mean[j] / spread[j] + (1 - 1 / spread[j]) * u) / (u + 1)
        left = 1.0 - below
        out[j] = max((mean[j] - sum_below) / left, sold[j]) if left > 1e-6 else sold[j] + 1.0
        least = (sold[j] - mean[j]) ** 2
        squares[j] = max((mean[j] * spread[j] - near) / left, least) if left > 1e-6 else least
    return out, squares


class Forecast:
    """`mean` (n) units a day, `spread` (n) variance-to-mean of a day, `level_variance` (relative, of two weeks' mean).

    `scale` multiplies what policies see (a biased forecast), not what is learned.
    """

    def __init__(self, world: World, scale: float = 1.0):
        self.world, self.scale = world, scale
        self.skus, self.stores = len(world.pack), len(world.lead)
        # Everybody starts from the same guess: the true long-run mean of the SKU, split by the size of the store.
        total = np.bincount(world.sku, world.mean, self.skus)
        self.size = np.bincount(world.store, world.mean, self.stores)
        self.level = total.copy()
        self.sold, self.expected = np.zeros(len(world.sku)), np.zeros(len(world.sku))
        self.by_store = 30 * self.size
        self.squares, self.means = np.full(self.skus, 1.5 * 30), np.full(self.skus, 30.0)
        self.level_variance = 0.06
        self.past: list[tuple[np.ndarray, np.ndarray]] = []
        self._spread_out()

    def _spread_out(self) -> None:
        w = self.world
        size = self.by_store[w.store]
        share = size * (self.sold + _SHARE_PRIOR) / (self.expected + _SHARE_PRIOR)
        total = np.bincount(w.sku, share, self.skus)
        sizes = np.bincount(w.sku, size, self.skus)
        self.base = self.level[w.sku] * size / sizes[w.sku]
        self.own = self.level[w.sku] * share / total[w.sku]

    @property
    def mean(self) -> np.ndarray:
        return np.maximum(self.own * self.scale, 1e-4)

    @property
    def spread(self) -> np.ndarray:
        return np.maximum(self.squares / self.means, 1.0)[self.world.sku]

    def learn(self, start: np.ndarray, sold: np.ndarray, left: np.ndarray) -> None:
        """One day: stock at the start, units sold, stock left (n each)."""
        w, own = self.world, self.own
        full = left > 0
        seen = np.where(full, sold, own)
        out = np.flatnonzero(~full & (start > 0))
        squares = np.where(full, (sold - own) ** 2, 0.0)
        seen[out], squares[out] = at_least(own[out], self.spread[out], sold[out])
        of_sku = np.bincount(w.sku, seen, self.skus)
        self.past.append((self.level.copy(), of_sku))
        if len(self.past) > _LOOK:
            then = self.past.pop(0)[0]
            since = np.mean([units for _, units in self.past], axis=0)
            error = np.mean(np.minimum((since / then - 1) ** 2, 1.0))
            self.level_variance += 0.03 * (error - self.level_variance)
        self.squares = _SPREAD_DECAY * self.squares + np.bincount(w.sku, squares, self.skus)
        self.means = _SPREAD_DECAY * self.means + np.bincount(w.sku, np.where(start > 0, own, 0), self.skus)
        self.sold = _SHARE_DECAY * self.sold + np.where(start > 0, seen, 0)
        self.expected = _SHARE_DECAY * self.expected + np.where(start > 0, self.base, 0)
        self.by_store = _SHARE_DECAY * self.by_store + np.bincount(w.store, seen, self.stores)
        self.level = self.level + _LEVEL_RATE * (of_sku - self.level)
        self._spread_out()
