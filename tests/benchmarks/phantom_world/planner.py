"""What the simulated pipeline knows and does: demand estimated from visible facts, replenishment by the book.

The estimate is the product's own (allocation_assets/demand/estimate.py) over a window; a book that says sold out censors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.demand.estimate import DemandHistory, estimate_demand
from tests.benchmarks.phantom_world.assortment import Assortment
from tests.benchmarks.phantom_world.shelves import Visible

WINDOW = 56
LEAD_DAYS, REVIEW_DAYS = 2, 3
_ESTIMATE_EVERY = 7


@dataclass
class Planner:
    """`sales`, `state` (0 unseen, 1 seen, 2 sold out) are rings (WINDOW, n); `mean`, `dispersion` the latest estimate;
    `transit` (LEAD_DAYS + 1, n) units by day of arrival, a ring."""

    sales: np.ndarray
    state: np.ndarray
    mean: np.ndarray
    dispersion: np.ndarray
    transit: np.ndarray

    @staticmethod
    def start(a: Assortment) -> Planner:
        """A plan of the head office: the SKU's rate times the store's, no pair known for itself."""
        n = len(a.rate)
        table = a.rate.reshape(a.stores, a.skus)
        plan = (table.mean(0)[None, :] * table.mean(1)[:, None] / table.mean()).ravel()
        return Planner(
            np.zeros((WINDOW, n), np.int32), np.zeros((WINDOW, n), np.int8), plan, np.full(n, 1.5),
            np.zeros((LEAD_DAYS + 1, n), np.int64),
        )  # fmt: skip

    def copy(self) -> Planner:
        """A twin that lives on by itself."""
        return Planner(*(values.copy() for values in vars(self).values()))

    def arrivals(self, t: int) -> np.ndarray:
        """Take what arrives in the morning of day t."""
        slot = t % (LEAD_DAYS + 1)
        arrived = self.transit[slot].copy()
        self.transit[slot] = 0
        return arrived

    def ship(self, t: int, units: np.ndarray) -> None:
        """Units decided at the close of day t are on their way."""
        self.transit[(t + LEAD_DAYS) % (LEAD_DAYS + 1)] += units

    def observe(self, a: Assortment, t: int, facts: Visible) -> None:
        """Take a day's visible facts; estimate anew once a week from the third week on."""
        slot = t % WINDOW
        stocked = facts.opening + facts.received + facts.returned > 0
        sold_out = facts.closing - facts.corrected <= 0
        self.sales[slot] = facts.sales
        self.state[slot] = np.where(sold_out & (facts.sales > 0), 2, np.where(stocked & ~sold_out, 1, 0))
        if t >= 20 and t % _ESTIMATE_EVERY == 6:
            self._estimate(a)

    def _estimate(self, a: Assortment) -> None:
        seen, out = self.state == 1, self.state == 2
        units = np.where(seen, self.sales, 0)
        day, pair = np.nonzero(out)
        estimate = estimate_demand(
            DemandHistory(
                a.sku, a.store, (seen | out).sum(0), units.sum(0), (units.astype(np.int64) ** 2).sum(0), pair,
                self.sales[day, pair].astype(float), np.zeros(len(pair)), np.zeros(len(pair), bool),
            )
        )  # fmt: skip
        self.mean, self.dispersion = estimate.daily_mean, estimate.dispersion

    def order_by_book(self, a: Assortment, t: int, book: np.ndarray) -> np.ndarray:
        """Units (n,) in whole cases that bring book + transit up to the level, for the stores of the day."""
        days = LEAD_DAYS + REVIEW_DAYS
        level = np.ceil(self.mean * days + 1.3 * np.sqrt(self.mean * self.dispersion * days))
        short = np.maximum(level, 1) - np.maximum(book, 0) - self.transit.sum(0)
        cases = np.ceil(np.maximum(short, 0) / a.pack).astype(np.int64)
        return np.where(ships_today(a, t), cases * a.pack, 0)


def ships_today(a: Assortment, t: int) -> np.ndarray:
    """Pairs (n,) bool of the stores that are served on the day."""
    return (a.store + t) % REVIEW_DAYS == 0
