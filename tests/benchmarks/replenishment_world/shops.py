"""The policies that run the shelf: ours, and those of an ERP. None knows more than `Seen`."""

from __future__ import annotations

import math

import numpy as np

from allocation_assets.replenishment.policies import propose
from allocation_assets.replenishment.problem import BASE_STOCK, COST, problem_of
from allocation_assets.replenishment.safety_stock import lead_time_table, outstanding_table
from tests.benchmarks.replenishment_world.shelf import Seen
from tests.benchmarks.replenishment_world.world import LEAD_MEAN, LEAD_SD, Costs

COVER = int(LEAD_MEAN) + 1


class Cover:
    """(s, S) and min-max: below so many days of cover, up to so many."""

    def __init__(self, outlook, least: float, most: float):
        self._outlook, self._least, self._most = outlook, least, most

    def order(self, seen: Seen) -> np.ndarray:
        mean, position = self._outlook.expect(seen).mean, seen.on_hand + seen.on_order
        below = position <= np.ceil(self._least * mean)
        return np.where(below, np.maximum(np.ceil(self._most * mean) - position, 0), 0).astype(np.int64)


class Normal:
    """Base stock at mean x (L + 1) + z sigma sqrt(L + 1)."""

    def __init__(self, outlook, z: float):
        self._outlook, self._z = outlook, z

    def order(self, seen: Seen) -> np.ndarray:
        found = self._outlook.expect(seen)
        level = np.ceil(found.mean * COVER + self._z * found.deviation() * math.sqrt(COVER))
        return np.maximum(level - seen.on_hand - seen.on_order, 0).astype(np.int64)


class Ours:
    """Base stock by cost on the distribution over what is open and a day: one fixed setting, nothing tuned."""

    def __init__(self, outlook, costs: Costs, *, overtaking: bool = True):
        table = lead_time_table(LEAD_MEAN, LEAD_SD, least=1)
        self._table = outstanding_table(table, 1) if overtaking else table
        self._outlook, self._costs = outlook, costs

    def order(self, seen: Seen) -> np.ndarray:
        found = self._outlook.expect(seen)
        problem = problem_of(
            found.mean, self._table, dispersion=found.dispersion, level_variance=found.level_variance,
            on_hand=seen.on_hand, on_order=seen.on_order, lost_sale_cost=self._costs.lost,
            holding_cost=self._costs.holding, policy=BASE_STOCK, basis=COST,
        )  # fmt: skip
        return propose(problem, threads=1).units


class Spread:
    """As `Normal`, with the deviation of all days to cover: shared level, and open periods of orders that overtake each other."""

    def __init__(self, outlook, z: float):
        self._outlook, self._z = outlook, z
        row = outstanding_table(lead_time_table(LEAD_MEAN, LEAD_SD, least=1), 1)[0]
        days = np.arange(len(row))
        self._lead_variance = float(row @ days**2 - (row @ days) ** 2)

    def order(self, seen: Seen) -> np.ndarray:
        found = self._outlook.expect(seen)
        total = found.mean * COVER
        variance = found.dispersion * total + found.level_variance * total**2 + self._lead_variance * found.mean**2
        level = np.ceil(total + self._z * np.sqrt(variance))
        return np.maximum(level - seen.on_hand - seen.on_order, 0).astype(np.int64)
