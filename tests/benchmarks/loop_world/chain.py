"""The generated chain: demand, supply and calendar of one seed, drawn before any policy acts (common random numbers).

Shape as in algorithms.md section 4: negative binomial demand with means of 0.05 to 3 a day, a slow factor per SKU (AR(1)), weekdays,
case packs of 1 to 12, lead times of 2 to 5 days, 2 or 3 shipping days a week, an inbound at the DC every 14 days of
phi times the demand that the buyer expects, with noise. Money as shares of the price: margin 45 %, store holding 0.15 % and DC
holding 0.05 % a day, handling 2 %, and 0.30 per line.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

WARM_UP_DAYS, INBOUND_DAYS = 56, 14
MARGIN, STORE_HOLDING, DC_HOLDING, HANDLING, LINE_COST = 0.45, 0.0015, 0.0005, 0.02, 0.30
_PACKS = np.array([1, 2, 3, 4, 6, 8, 12])
_WEEKDAY = np.array([0.85, 0.85, 0.9, 1.0, 1.2, 1.3, 0.9])
#: AR(1) of the log of a SKU's factor per day and its stationary standard deviation; noise of an inbound (log).
_PERSISTENCE, _FACTOR_SD, _INBOUND_SD = 0.97, 0.3, 0.3


@dataclass(frozen=True)
class World:
    """One seed's world. Pairs (n) sorted by SKU, stores (s), SKUs (m), days (T); units are eaches.

    `demand` (T, n); `inbound` (T + 14, m) arrives at the DC in the morning of its day (the next one is always known);
    `lead` (s) days from shipping to the morning of arrival; `ships` (s, 7) shipping weekdays; `pack`, `price` (m);
    `start_store` (n), `start_dc` (m); `mean` (n) long-run units a day, from which every forecast starts; `dispatch_cap`
    units a day and `receiving_cap` (s) units a delivery, -1 = none; `warm_up` days that do not count.
    """

    sku: np.ndarray
    store: np.ndarray
    demand: np.ndarray
    inbound: np.ndarray
    lead: np.ndarray
    ships: np.ndarray
    pack: np.ndarray
    price: np.ndarray
    start_store: np.ndarray
    start_dc: np.ndarray
    mean: np.ndarray
    dispatch_cap: int
    receiving_cap: np.ndarray
    warm_up: int

    @property
    def days(self) -> int:
        return len(self.demand)


def lanes(rng: np.random.Generator, stores: int) -> tuple[np.ndarray, np.ndarray]:
    """Lead time in days and shipping weekdays (no Sundays) of each store; 2 or 3 a week, spread over the week."""
    lead = rng.integers(2, 6, stores)
    patterns = np.array([[0, 3, -1], [1, 4, -1], [2, 5, -1], [0, 2, 4], [1, 3, 5]])[rng.integers(0, 5, stores)]
    ships = np.zeros((stores, 7), bool)
    for column in patterns.T:
        ships[np.flatnonzero(column >= 0), column[column >= 0]] = True
    return lead, ships


def inbounds(rng: np.random.Generator, expected: np.ndarray, phi: float, pack: np.ndarray) -> np.ndarray:
    """Units (T + 14, m) of inbounds every 14 days, SKUs on their own day; `expected` (T, m) is the buyer's daily forecast."""
    expected = np.vstack([expected, np.repeat(expected[-1:], INBOUND_DAYS, axis=0)])
    days, skus = expected.shape
    first = rng.integers(0, INBOUND_DAYS, skus)
    out = np.zeros((days, skus), np.int64)
    noise = np.exp(rng.normal(0.0, _INBOUND_SD, (days, skus)) - _INBOUND_SD**2 / 2)
    for day in range(days):
        due = (day - first) % INBOUND_DAYS == 0
        units = phi * INBOUND_DAYS * expected[day] * noise[day]
        out[day, due] = (np.maximum(np.rint(units / pack), 1) * pack)[due].astype(np.int64)
    return out


def capacities(mean: np.ndarray, store: np.ndarray, ships: np.ndarray, binding: bool) -> tuple[int, np.ndarray]:
    """Dispatch units a day = mean load of six days a week; receiving units a delivery = 1.1 x its mean load."""
    if not binding:
        return -1, np.full(len(ships), -1, np.int64)
    by_store = np.bincount(store, mean, len(ships)) * 7 / ships.sum(axis=1)
    return round(mean.sum() * 7 / 6), np.rint(1.1 * by_store).astype(np.int64)


def _slow_factor(rng: np.random.Generator, days: int, skus: int) -> np.ndarray:
    """Factor (T, m) on a SKU's demand, of mean 1: exp of an AR(1) that ran 60 days before the first."""
    shock = rng.normal(0, 1, (days + 60, skus))
    log_factor = np.zeros((days + 60, skus))
    for day in range(1, days + 60):
        log_factor[day] = _PERSISTENCE * log_factor[day - 1] + _FACTOR_SD * np.sqrt(1 - _PERSISTENCE**2) * shock[day]
    return np.exp(log_factor[60:] - _FACTOR_SD**2 / 2)


def packs_and_prices(rng: np.random.Generator, skus: int) -> tuple[np.ndarray, np.ndarray]:
    """Case pack (1 to 12) and price (around 8) of each SKU."""
    pack = _PACKS[rng.integers(0, len(_PACKS), skus)]
    return pack, np.exp(rng.normal(np.log(8.0), 0.5, skus))


def generated_chain(
    seed: int, phi: float, binding: bool = False, skus: int = 60, stores: int = 120, weeks: int = 26
) -> World:
    """A chain with every SKU in every store."""
    rng = np.random.default_rng([seed, 5])
    days = WARM_UP_DAYS + 7 * weeks
    sku, store = np.repeat(np.arange(skus), stores), np.tile(np.arange(stores), skus)
    size = np.exp(rng.normal(0, 0.4, stores))
    base = np.exp(rng.normal(np.log(0.45), 0.8, skus))
    mean = np.clip(base[sku] * size[store] * np.exp(rng.normal(0, 0.35, skus * stores)), 0.05, 3.0)
    factor = _slow_factor(rng, days, skus)
    weekday = (_WEEKDAY / _WEEKDAY.mean())[np.arange(days) % 7]
    rate = mean * factor[:, sku] * weekday[:, None]
    spread = rng.uniform(1.1, 2.0, skus)[sku]
    demand = rng.negative_binomial(rate / (spread - 1), 1 / spread).astype(np.int32)
    pack, price = packs_and_prices(rng, skus)
    lead, ships = lanes(rng, stores)
    # The buyer sees half of the swing of demand.
    expected = np.bincount(sku, mean, skus) * (1 + factor) / 2
    dispatch, receiving = capacities(mean, store, ships, binding)
    return World(
        sku, store, demand, inbounds(rng, expected, phi, pack), lead, ships, pack, price,
        np.rint(mean * 7).astype(np.int64), np.rint(np.bincount(sku, mean, skus) * 7).astype(np.int64), mean,
        dispatch, receiving, WARM_UP_DAYS,
    )  # fmt: skip


def pooled_lost(world: World) -> float:
    """Share of demand that no policy could serve: all stores pooled, no lead time, no case packs."""
    stock = world.start_dc + np.bincount(world.sku, world.start_store, len(world.pack))
    lost, total = 0.0, 0.0
    for day in range(world.days):
        wanted = np.bincount(world.sku, world.demand[day], len(world.pack))
        stock = stock + world.inbound[day]
        sold = np.minimum(stock, wanted)
        stock = stock - sold
        if day >= world.warm_up:
            lost, total = lost + (wanted - sold).sum(), total + wanted.sum()
    return lost / total
