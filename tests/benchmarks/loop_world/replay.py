"""The FreshRetailNet slice as a world ("replay"): recorded demand of 90 days, simulated supply.

Demand is the packaged slice (803 series, 17 stores; see `allocation_assets.demo_world.source`). What a series sold on a day
with hours out of stock is a lower bound of demand. It is restored by hours in stock: a series sells at its mean rate per
trading hour in stock, and the hours out of stock add a Poisson number at that rate, drawn by seed. So demand is never
below the sale, and days without an empty hour stay as recorded. A seed also draws the 17 stores with replacement (a store
drawn twice has the same recorded sales, but lanes of its own). Packs, prices, lanes, inbounds and money are the
generated chain's (see `chain`); weekdays of shipping count from the first day of the data.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from allocation_assets.demo_world.source import HOURS_OPEN, Source, load_source
from tests.benchmarks.loop_world.chain import INBOUND_DAYS, World, capacities, inbounds, lanes, packs_and_prices

WARM_UP_DAYS = 21


@lru_cache(maxsize=1)
def _slice() -> Source:
    return load_source()


def restored(rng: np.random.Generator, units: np.ndarray, hours_out: np.ndarray) -> np.ndarray:
    """Demand (T, P): units sold plus a Poisson number for `hours_out` of the 16 trading hours, at the series' own rate."""
    hours_in = (HOURS_OPEN - hours_out).sum(axis=0)
    rate = units.sum(axis=0) / np.maximum(hours_in, 1)
    return units + rng.poisson(rate * hours_out)


def replayed_slice(seed: int, phi: float) -> World:
    """The slice's demand with the stores of `seed` and supply of `phi` times the demand that the buyer expects."""
    rng, source = np.random.default_rng([seed, 6]), _slice()
    stores, skus = len(source.store_ids), len(source.product_ids)
    drawn = rng.integers(0, stores, stores)
    pairs = [np.flatnonzero(source.pair_store == store) for store in drawn]
    of_pair, store = np.concatenate(pairs), np.repeat(np.arange(stores), [len(p) for p in pairs])
    order = np.lexsort((store, source.pair_sku[of_pair]))
    of_pair, store = of_pair[order], store[order]
    # A SKU that none of the drawn stores sells is no part of the world.
    sku = np.unique(source.pair_sku[of_pair], return_inverse=True)[1]
    skus = sku.max() + 1
    demand = restored(rng, source.units[:, of_pair], source.hours_out[:, of_pair]).astype(np.int32)
    mean = np.maximum(demand.mean(axis=0), 0.02)
    pack, price = packs_and_prices(rng, skus)
    lead, ships = lanes(rng, stores)
    by_sku = np.stack([np.bincount(sku, day, skus) for day in demand])
    dispatch, receiving = capacities(mean, store, ships, binding=False)
    return World(
        sku, store, demand, inbounds(rng, _buyer(by_sku), phi, pack), lead, ships, pack, price,
        np.rint(mean * 7).astype(np.int64), np.rint(np.bincount(sku, mean, skus) * 7).astype(np.int64), mean,
        dispatch, receiving, WARM_UP_DAYS,
    )  # fmt: skip


def _buyer(demand: np.ndarray) -> np.ndarray:
    """The buyer's daily forecast (T, m): sees half of the swing of the next 14 days' `demand` around its long-run mean."""
    total = np.vstack([np.zeros(demand.shape[1]), np.cumsum(demand, axis=0)])
    days = np.arange(len(demand))
    end = np.minimum(days + INBOUND_DAYS, len(demand))
    ahead = (total[end] - total[days]) / (end - days)[:, None]
    return (demand.mean(axis=0) + ahead) / 2
