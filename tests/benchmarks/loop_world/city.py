"""The FreshRetailNet slice's demand with a simulated supply: a replay, not a retailer's result.

803 series of 170 SKUs in 17 stores over 90 days (CC BY 4.0, Dingdong Inc.). Sales are a lower bound on demand where hours were
out of stock: a day counts what was sold in hours in stock over the share of a usual day that falls into them; a day with
less than a quarter of its demand in stock is drawn (Poisson) around the series' mean of its other days. Prices, packs, lanes
and inbounds are those of the generated chain.
"""

from __future__ import annotations

import numpy as np

from tests.benchmarks.forecast_world.freshretail import load_fresh
from tests.benchmarks.loop_world.chain import World, inbounds, lanes, prices_and_packs

_LEAST_SEEN, _WARM_UP_DAYS = 0.25, 21


def restored(rng: np.random.Generator, units: np.ndarray, exposure: np.ndarray) -> np.ndarray:
    """Demand (n, T) in units from what was seen in stock and the share of the day that was (see the module docstring)."""
    told = exposure >= _LEAST_SEEN
    estimate = np.where(told, units / np.where(told, exposure, 1.0), 0.0)
    mean = estimate.sum(axis=1) / np.maximum(told.sum(axis=1), 1)
    whole = np.floor(estimate)
    rounded = whole + (rng.random(units.shape) < estimate - whole)
    return np.where(told, rounded, rng.poisson(np.broadcast_to(mean[:, None], units.shape))).astype(np.int32)


def city(seed: int, phi: float) -> World:
    """The slice with its stores drawn anew, with replacement; supply is phi x the buyer's expectation."""
    rng = np.random.default_rng([seed, 11])
    panel = load_fresh().panel
    demand = restored(rng, panel.units.astype(np.float64), panel.exposure.astype(np.float64))
    drawn = rng.integers(0, panel.location.max() + 1, panel.location.max() + 1)
    rows = np.concatenate([np.flatnonzero(panel.location == store) for store in drawn])
    store = np.repeat(np.arange(len(drawn)), [np.count_nonzero(panel.location == s) for s in drawn])
    order = np.lexsort((store, panel.sku[rows]))
    rows, store = rows[order], store[order]
    _, sku = np.unique(panel.sku[rows], return_inverse=True)
    demand = demand[rows].T.copy()
    skus, mean = int(sku.max()) + 1, np.maximum(demand.mean(axis=0), 0.02)
    price, pack = prices_and_packs(rng, skus)
    lead, ships = lanes(rng, len(drawn))
    by_sku = np.stack([np.bincount(sku, day, skus) for day in demand])
    # The buyer sees half of the swing of the two weeks around.
    window = np.cumsum(np.vstack([np.zeros((1, skus)), by_sku]), axis=0)
    at = np.arange(len(demand))
    first, last = np.maximum(at - 7, 0), np.minimum(at + 7, len(demand))
    swing = (window[last] - window[first]) / (last - first)[:, None]
    expected = (by_sku.mean(axis=0) + swing) / 2
    return World(
        sku, store, demand, inbounds(rng, expected, phi, pack), lead, ships, pack, price, np.rint(mean * 7).astype(np.int64),
        np.rint(np.bincount(sku, mean, skus) * 7).astype(np.int64), mean, -1, np.full(len(drawn), -1, np.int64), _WARM_UP_DAYS,
    )  # fmt: skip
