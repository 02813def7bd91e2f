"""Stores, SKUs and their demand in a simulated world; nothing here depends on stock, so arms share it exactly."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tests.benchmarks.phantom_world.ranges import Faults

OVERDISPERSED, INTERMITTENT, WEEKLY, TRENDING = range(4)


@dataclass(frozen=True)
class Assortment:
    """Pairs (n = stores x skus, store by store): `store`, `sku`, `sibling` index of the pair that is confused with it, `rate`
    true base units per day, `pack`, `price`, `margin`, `cost` money per unit, `abc` 0 to 2 by value of the SKU,
    `hazard` and `receiving` factors of the faults, `phase` of the count cycle. SKUs (s): `kind`, `shape` of the mixing,
    `batch` size, `weekday` (s, 7), `season` (amplitude, phase), `level` (s, days) log level."""

    stores: int
    skus: int
    store: np.ndarray
    sku: np.ndarray
    sibling: np.ndarray
    rate: np.ndarray
    pack: np.ndarray
    price: np.ndarray
    margin: np.ndarray
    cost: np.ndarray
    abc: np.ndarray
    hazard: np.ndarray
    receiving: np.ndarray
    phase: np.ndarray
    kind: np.ndarray
    shape: np.ndarray
    batch: np.ndarray
    weekday: np.ndarray
    season: np.ndarray
    level: np.ndarray


def build(stores: int, skus: int, days: int, faults: Faults, seed: int) -> Assortment:
    """Draw the assortment of a world. `skus` must be even: every SKU has a sibling that pickers and tills confuse it with."""
    if skus % 2:
        raise ValueError(f"phantom world: {skus} SKUs have no pairs of siblings; give an even number")
    rng = np.random.default_rng([seed, 0])
    store, sku = np.repeat(np.arange(stores), skus), np.tile(np.arange(skus), stores)
    sku_rate = rng.lognormal(np.log(0.3), 0.9, skus)
    rate = sku_rate[sku] * rng.lognormal(0, 0.4, stores)[store] * rng.gamma(6, 1 / 6, stores * skus)
    wanted = sku_rate * rng.uniform(4, 14, skus)
    packs = np.array([1, 2, 3, 4, 6, 12])
    pack = packs[np.abs(np.log(packs[None, :]) - np.log(wanted[:, None])).argmin(1)]
    price = rng.lognormal(2.6, 0.6, skus)
    margin = price * rng.uniform(0.25, 0.55, skus)
    return Assortment(
        stores, skus, store, sku, store * skus + (sku ^ 1), rate, pack[sku], price[sku], margin[sku],
        (price - margin)[sku], _abc(sku_rate * price)[sku],
        _spread(rng, stores, faults.store_sigma)[store] * (_spread(rng, skus, faults.sku_sigma) * _dearness(price))[sku],
        _spread(rng, stores, faults.store_sigma)[store], rng.integers(0, 10_000, stores * skus),
        **_demand(rng, skus, days, faults),
    )  # fmt: skip


def _spread(rng: np.random.Generator, size: int, sigma: float) -> np.ndarray:
    """Log-normal factors of mean 1."""
    return rng.lognormal(-(sigma**2) / 2, sigma, size)


def _dearness(price: np.ndarray) -> np.ndarray:
    """Thieves prefer what is dear, less than in proportion."""
    weight = price**0.4
    return weight / weight.mean()


def _abc(value: np.ndarray) -> np.ndarray:
    """0 for the SKUs of the first 80 % of value, 1 for the next 15 %, 2 for the rest."""
    order = np.argsort(-value, kind="stable")
    before = np.cumsum(value[order]) - value[order]
    out = np.empty(len(value), np.int64)
    out[order] = np.searchsorted([0.8, 0.95], before / value.sum(), side="right")
    return out


def _demand(rng: np.random.Generator, skus: int, days: int, faults: Faults) -> dict[str, np.ndarray]:
    kind = rng.choice(4, skus, p=faults.demand_shares)
    strength = np.where(kind == WEEKLY, 0.8, 0.3)
    week = np.exp(rng.normal(0, 1, (1, 7)) * strength[:, None] * 0.7 + rng.normal(0, 0.1, (skus, 7)))
    walk = np.cumsum(rng.normal(0, 0.02, (skus, days)) + rng.uniform(-0.004, 0.004, (skus, 1)), axis=1)
    return {
        "kind": kind,
        "shape": rng.uniform(0.5, 3.0, skus),
        "batch": rng.uniform(1.5, 4.0, skus),
        "weekday": week / week.mean(1, keepdims=True),
        "season": np.column_stack([rng.uniform(0, 0.4, skus), rng.uniform(0, 2 * np.pi, skus)]),
        "level": np.where((kind == TRENDING)[:, None], np.clip(walk, -1.2, 1.2), 0.0),
    }


def expected_demand(a: Assortment, day: int) -> np.ndarray:
    """True mean units per pair (n,) on a day."""
    season = 1 + a.season[:, 0] * np.sin(2 * np.pi * day / 365 + a.season[:, 1])
    return a.rate * (a.weekday[:, day % 7] * season * np.exp(a.level[:, day]))[a.sku]


def demand(a: Assortment, day: int, seed: int) -> np.ndarray:
    """Units that customers want (n,) int64: a function of world, day and seed only."""
    rng = np.random.default_rng([seed, 1, day])
    mean = expected_demand(a, day)
    n = len(mean)
    kind, shape, batch = a.kind[a.sku], a.shape[a.sku], a.batch[a.sku]
    mixed = mean * np.where(kind == OVERDISPERSED, rng.gamma(shape, 1 / shape, n), 1.0)
    smooth = rng.poisson(mixed)
    lumps = np.where(rng.random(n) < np.minimum(mean / batch, 1.0), 1 + rng.poisson(batch - 1), 0)
    # Where the mean exceeds a batch the item is no longer intermittent: it sells every day.
    return np.where((kind == INTERMITTENT) & (mean < batch), lumps, smooth).astype(np.int64)
