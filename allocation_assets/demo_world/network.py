"""The simulated retailer around the real demand: items, prices, places, pairs and the calendar.

Belongs here: everything that is drawn once and holds for the whole demo. Movements of stock live in ``store_supply``
and ``dc_supply``, how the feeds write it down in ``feeds``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.demo_world.source import Source

DC, ECOM = "DC15", "ECOM15"
SUPPLIERS = 14
ECOM_SKUS = 100
ECOM_SHARE = 0.05  # of the city's units
MASTER_DATES = ("2024-03-28", "2024-05-01", "2024-06-01")
AHEAD_DAYS = 5  # simulated beyond the last date, so that stock is in transit and on order when the data end
RECEIVING_DAYS = "MTWTFS-"
CADENCE = (2, 3, 4)


@dataclass(frozen=True)
class Network:
    """Items (K), locations and pairs (P = store series first, then e-com), with the calendar of N = T + ahead dates.

    Money is in cents. ``price_cents`` and ``cost_cents`` are (versions, K); ``version`` (T,) says which is in force.
    ``weekday`` is 0 = Monday. Demand (N, P) is real for stores up to T and simulated otherwise.
    """

    dates: np.ndarray
    weekday: np.ndarray
    sku_ids: np.ndarray
    location_ids: np.ndarray
    pair_location: np.ndarray
    pair_sku: np.ndarray
    store_pairs: int
    demand: np.ndarray
    case_pack: np.ndarray
    price_cents: np.ndarray
    cost_cents: np.ndarray
    version: np.ndarray
    supplier: np.ndarray
    is_scarce: np.ndarray
    dc_cover_days: np.ndarray
    abc: np.ndarray

    @property
    def pairs(self) -> int:
        """Number of SKU x location pairs that sell."""
        return len(self.pair_sku)

    @property
    def days(self) -> int:
        """Number of dates that land."""
        return len(self.version)

    @property
    def ecom_index(self) -> int:
        """Row of the e-com location; the DC is the next one."""
        return len(self.location_ids) - 2

    @property
    def dc_index(self) -> int:
        """Row of the distribution centre."""
        return len(self.location_ids) - 1


def _case_packs(mean_units: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Cases of about half a day to a day of one store's demand, as short-life goods are delivered."""
    sizes = np.array([[3, 4], [4, 6], [6, 8], [12, 12], [20, 24]])
    band = np.searchsorted([6, 10, 20, 50], mean_units, side="right")
    return sizes[band, rng.integers(0, 2, len(mean_units))]


def _prices(skus: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Shelf prices and unit costs (versions, K) in cents; one SKU in ten changes at each monthly refresh."""
    price = np.clip(np.round(np.exp(rng.normal(np.log(8.0), 0.55, skus)) * 10), 15, 600).astype(np.int64) * 10
    cost = np.maximum(1, np.rint(price * (1 - rng.uniform(0.22, 0.42, skus))).astype(np.int64))
    prices, costs = [price], [cost]
    for _ in MASTER_DATES[1:]:
        change = np.where(rng.random(skus) < 0.1, rng.choice([0.95, 1.05, 1.1], skus), 1.0)
        prices.append(np.rint(prices[-1] * change / 10).astype(np.int64) * 10)
        costs.append(np.rint(costs[-1] * change).astype(np.int64))
    return np.stack(prices), np.stack(costs)


def _ecom_demand(source: Source, skus: np.ndarray, city: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Simulated e-com demand (T, E): a share of the city's level, its weekday shape, gamma-Poisson noise."""
    level = np.stack([np.convolve(city[:, k], np.ones(7) / 7, mode="same") for k in skus], axis=1)
    shape = np.where(source.is_weekend_or_holiday, 1.25, 0.9)[:, None]
    mean = np.maximum(0.8, ECOM_SHARE * level) * shape
    return rng.poisson(mean * rng.gamma(4.0, 0.25, mean.shape))


def _extend(demand: np.ndarray, weekday: np.ndarray, days: int) -> np.ndarray:
    """Demand (N, P) continued after the data end by the rounded mean of the last four equal weekdays."""
    ahead = [
        np.rint(demand[[days + a - 7 * w for w in range((a // 7) + 1, (a // 7) + 5)]].mean(axis=0))
        for a in range(len(weekday) - days)
    ]
    return np.concatenate([demand, np.stack(ahead).astype(np.int64)])


def _abc(value: np.ndarray) -> np.ndarray:
    """Count classes by cumulative sales value: 0 = A to 80 %, 1 = B to 95 %, 2 = C."""
    order = np.argsort(-value, kind="stable")
    before = np.concatenate([[0.0], np.cumsum(value[order])[:-1]]) / value.sum()
    classes = np.empty(len(value), np.int64)
    classes[order] = np.searchsorted([0.8, 0.95], before, side="right")
    return classes


def build_network(source: Source, seed: int) -> Network:
    """Draw the retailer around ``source``; deterministic in ``seed``."""
    rng = np.random.default_rng([seed, 1])
    days, skus, stores = len(source.dates), len(source.product_ids), len(source.store_ids)
    dates = source.dates[0] + np.arange(days + AHEAD_DAYS)
    weekday = (dates.astype(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    city = np.zeros((days, skus), np.int64)
    for k in range(skus):
        city[:, k] = source.units[:, source.pair_sku == k].sum(axis=1)
    ecom_skus = np.sort(np.argsort(-city.sum(axis=0), kind="stable")[:ECOM_SKUS])
    demand = np.concatenate([source.units, _ecom_demand(source, ecom_skus, city, rng)], axis=1)
    price, cost = _prices(skus, rng)
    is_scarce = np.zeros(skus, bool)
    is_scarce[rng.choice(skus, skus // 4, replace=False)] = True
    demand = _extend(demand, weekday, days)
    pair_sku = np.concatenate([source.pair_sku, ecom_skus])
    demand[days:][:, is_scarce[pair_sku]] //= 2
    mean_units = np.array([source.units[:, source.pair_sku == k].mean() for k in range(skus)])
    return Network(
        dates=dates,
        weekday=weekday,
        sku_ids=np.array([f"P{p:04d}" for p in source.product_ids]),
        location_ids=np.array([*(f"S{s:04d}" for s in source.store_ids), ECOM, DC]),
        pair_location=np.concatenate([source.pair_store, np.full(ECOM_SKUS, stores)]),
        pair_sku=pair_sku,
        store_pairs=len(source.pair_sku),
        demand=demand,
        case_pack=_case_packs(mean_units, rng),
        price_cents=price,
        cost_cents=cost,
        version=np.searchsorted(np.array(MASTER_DATES, "datetime64[D]"), source.dates, side="right") - 1,
        supplier=np.unique(source.categories["department"], return_inverse=True)[1] % SUPPLIERS,
        is_scarce=is_scarce,
        dc_cover_days=np.where(is_scarce, rng.uniform(0.15, 0.6, skus), rng.uniform(1.0, 3.0, skus)),
        abc=_abc((city.sum(axis=0) * price[0]).astype(np.float64)),
    )
