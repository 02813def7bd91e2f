"""What the simulated pipeline knows and does: demand estimated from visible facts, replenishment by the book.

The estimate is the product's own (allocation_assets/demand/champion.py) over a window; a book that says sold out censors.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.demand.champion import series_dispersion
from allocation_assets.demand.forecaster import Champion
from allocation_assets.demand.outlook import levels
from allocation_assets.demand.panel import DemandPanel
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
            self._estimate(a, t)

    def _estimate(self, a: Assortment, t: int) -> None:
        days = np.arange(max(t + 1 - WINDOW, 0), t + 1)
        order = np.lexsort((a.store, a.sku))
        sales, state = (ring[days % WINDOW].T[order] for ring in (self.sales, self.state))
        none = np.zeros(sales.shape, np.int64)
        code = np.zeros(len(order), np.int64)
        panel = DemandPanel(
            np.datetime64("2024-01-01") + days, np.zeros(len(days), np.int64), sales.astype(np.float32),
            (state > 0).astype(np.float32), state == 2, none, np.full(sales.shape, np.nan), code, a.sku[order],
            a.store[order], code, code, np.full(int(a.sku.max()) + 1, -1),
        )  # fmt: skip
        champion = Champion()
        fitted, keys = champion.fit(panel)
        self.mean, self.dispersion = np.empty(len(order)), np.empty(len(order))
        self.mean[order] = levels(fitted, keys, champion.settings)
        self.dispersion[order] = series_dispersion(fitted, keys, champion.settings)

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
