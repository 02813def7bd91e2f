"""Generated days: slow movers, mixed packs, supply below the want, capacities that bind (algorithms.md section 3)."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.prepare import prepare
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings, allocation_problem

SUPPLY_ONLY = AllocationSettings(threads=2, stream_pairs=10**9)


def day(skus: int, stores: int, seed: int, *, capacities: bool = True, lines: bool = False) -> AllocationProblem:
    """One day of `skus` x `stores`: NB means of 0.25 a day x 3 to 8 days, packs of 1 to 12, minimums of presentation.

    Supply is 35 to 105 % of the want; about every second pair gets a case. With capacities, six stores in ten receive
    60 to 110 % of what they would take and the DC ships at most 90 % of it. With `lines`, three SKUs in ten have a least
    shipment of two cases and the DC ships at most 80 % of the lines.
    """
    rng = np.random.default_rng(seed)
    n, store = skus * stores, np.tile(np.arange(stores), skus)
    arrays = _demand(rng, skus, stores)
    problem = _with_supply(rng, arrays, skus)
    if not capacities:
        return problem
    shipped = plan(problem, SUPPLY_ONLY).units
    taken = np.bincount(store, shipped, stores)
    limit = np.where(rng.random(stores) < 0.6, taken * rng.uniform(0.6, 1.1, stores), -1).astype(np.int64)
    arrays |= {
        "row_available_units": problem.row_available_units, "receiving_bucket": store, "dispatch_bucket": 0,
        "receiving_capacity_units": limit, "dispatch_capacity_units": [int(0.9 * shipped.sum())],
    }  # fmt: skip
    if lines:
        pack = np.repeat(arrays["row_case_pack"], stores)
        arrays["min_ship_units"] = np.where(np.repeat(rng.random(skus) < 0.3, stores), 2 * pack, 0)
        arrays["dispatch_capacity_lines"] = [int(0.8 * np.count_nonzero(shipped))]
    del n
    return allocation_problem(**arrays)


def _demand(rng: np.random.Generator, skus: int, stores: int) -> dict:
    n = skus * stores
    arrays = {
        "pair_row": np.repeat(np.arange(skus), stores),
        "mean_units": rng.lognormal(np.log(0.25), 1.0, n) * rng.integers(3, 9, n),
        "dispersion": 1 + rng.gamma(1.0, 0.6, n),
        "gain_per_unit": np.repeat(rng.lognormal(1.5, 0.6, skus), stores) * rng.uniform(0.8, 1.3, n),
        "holding_per_unit": 0.04,
        "ship_cost_per_unit": 0.22,
        "presentation_min_units": np.where(rng.random(n) < 0.3, rng.integers(1, 3, n), 0),
        "presentation_value_per_unit": 0.2,
        "row_case_pack": rng.choice([1, 2, 3, 4, 6, 12], skus),
    }
    arrays["position_units"] = rng.poisson(0.9 * arrays["mean_units"])
    return arrays


def _with_supply(rng: np.random.Generator, arrays: dict, skus: int) -> AllocationProblem:
    free = allocation_problem(**arrays, row_available_units=np.zeros(skus, int))
    inst = prepare(free, SUPPLY_ONLY, keep_all=False)
    want = np.bincount(free.pair_row, inst.want * inst.pack, skus)
    return replace(free, row_available_units=(want * rng.uniform(0.35, 1.05, skus)).astype(np.int64))


@dataclass
class Repeated:
    """A source of `count` shards of 250,000 pairs made from four different ones in memory.

    Each shard's stock is moved along by another number of pairs, so that no two shards are the same day. Capacities are
    those of the four, in proportion.
    """

    base: list[AllocationProblem]
    count: int
    pairs: int

    def __len__(self) -> int:
        return self.count

    def load(self, number: int) -> AllocationProblem:
        """Shard `number`."""
        p = self.base[number % len(self.base)]
        return replace(p, position_units=np.roll(p.position_units, 7 * (number // len(self.base))))


def repeated(pairs: int, stores: int, seed: int, *, capacities: bool = True) -> Repeated:
    """Shards of `stores` x 250,000 / stores SKUs up to `pairs` pairs."""
    skus = 250_000 // stores
    days = [day(skus, stores, seed * 100 + i, capacities=False) for i in range(4)]
    count = max(pairs // (skus * stores), 1)
    none, store = np.array([-1]), np.tile(np.arange(stores), skus)
    if not capacities:
        return Repeated([_with_limits(d, store, none.repeat(stores), none) for d in days], count, count * skus * stores)
    rng = np.random.default_rng(seed)
    taken = sum(np.bincount(store, plan(d, SUPPLY_ONLY).units, stores) for d in days)
    limit = np.where(rng.random(stores) < 0.6, taken * rng.uniform(0.6, 1.1, stores) * count / 4, -1).astype(np.int64)
    dispatch = np.array([int(0.9 * taken.sum() * count / 4)])
    return Repeated([_with_limits(d, store, limit, dispatch) for d in days], count, count * skus * stores)


def _with_limits(p: AllocationProblem, store, receiving, dispatch) -> AllocationProblem:
    return replace(
        p, receiving_bucket=store, receiving_capacity_units=receiving, dispatch_bucket=store * 0,
        dispatch_capacity_units=dispatch, dispatch_capacity_lines=np.array([-1]),
    )  # fmt: skip
