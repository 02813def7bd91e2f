"""A world that lives: shelves, planner and cycle counts together, and worlds of a wanted prevalence."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tests.benchmarks.phantom_world import ranges, shelves
from tests.benchmarks.phantom_world.assortment import Assortment, build
from tests.benchmarks.phantom_world.planner import Planner
from tests.benchmarks.phantom_world.ranges import Faults
from tests.benchmarks.phantom_world.shelves import Hidden, Shelves, Visible

BAND = (0.05, 0.15)
#: Target within the band when the fault scale has to be mended.
_MIDDLE = 0.09


@dataclass
class World:
    """One chain: its stores and faults, its shelves and what the planner knows; `t` is the next day to live."""

    a: Assortment
    faults: Faults
    shelves: Shelves
    planner: Planner
    seed: int
    t: int = 0

    def copy(self) -> World:
        """A twin: same past, same customers and faults to come."""
        return replace(self, shelves=self.shelves.copy(), planner=self.planner.copy())

    def live(self, to_count: np.ndarray | None = None) -> tuple[Visible, Hidden]:
        """One day of deliveries, sales, faults and counts (default: the rotating cycle); nothing is ordered."""
        if to_count is None:
            to_count = shelves.due_by_cycle(self.a, self.faults, self.t)
        arrived = self.planner.arrivals(self.t)
        visible, hidden = shelves.day(self.a, self.faults, self.shelves, self.t, arrived, to_count, self.seed)
        self.planner.observe(self.a, self.t, visible)
        return visible, hidden

    def order(self) -> None:
        """Order by the book from an endless source; ends the day."""
        self.planner.ship(self.t, self.planner.order_by_book(self.a, self.t, self.shelves.book))
        self.t += 1

    def wrong(self) -> np.ndarray:
        """Records (n,) bool that change a decision, at the close."""
        return shelves.is_wrong(self.shelves.true, self.shelves.book, self.a.pack)


def begin(stores: int, skus: int, days: int, faults: Faults, seed: int) -> World:
    """A world on its first morning: every record right, every shelf filled to its level."""
    a = build(stores, skus, days, faults, seed)
    planner = Planner.start(a)
    stock = -(-np.ceil(planner.mean * 7).astype(np.int64) // a.pack) * a.pack
    return World(a, faults, Shelves(stock.copy(), stock.copy(), np.full(len(stock), -1)), planner, seed)


@dataclass(frozen=True)
class Found:
    """Faults that give a prevalence within the band at every evaluation date, found without any detector."""

    faults: Faults
    prevalence: list[float]
    attempts: int


def within_band(
    stores: int, skus: int, days: int, dates: list[int], seed: int, span: str = "first", attempts: int = 8
) -> Found | None:
    """Draw a world; mend only its fault scale until the prevalence lies in the band; None where it never does."""
    faults = ranges.draw(np.random.default_rng([seed, 9]), span)
    for attempt in range(1, attempts + 1):
        seen = prevalence(begin(stores, skus, days, faults, seed), dates)
        if BAND[0] <= min(seen) and max(seen) <= BAND[1]:
            return Found(faults, seen, attempt)
        ratio = np.clip(_MIDDLE / max(float(np.mean(seen)), 1e-3), 0.2, 5.0)
        faults = replace(faults, scale=faults.scale * float(ratio))
    return None


def prevalence(world: World, dates: list[int]) -> list[float]:
    """Share of wrong records at the close of each date."""
    out = []
    while world.t <= max(dates):
        world.live()
        if world.t in dates:
            out.append(float(world.wrong().mean()))
        world.order()
    return out
