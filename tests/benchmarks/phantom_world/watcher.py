"""The product's detector over a simulated world: it is handed the visible facts of each day and nothing else."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocation_assets.records.counts import CountSettings, expected_gain, rank_counts
from allocation_assets.records.filter import (
    Beliefs,
    Facts,
    FilterSettings,
    Learned,
    RecordState,
    new_state,
    update_beliefs,
)
from tests.benchmarks.phantom_world.shelves import Visible
from tests.benchmarks.phantom_world.world import World

#: The product's defaults (allocation_assets/policy/parameters.yaml: records.*, and a yearly holding rate of a quarter of the cost).
GAIN_DAYS, PAUSE_DAYS, COST_PER_COUNT = 28, 7, 1.0
HOLDING_PER_DAY = 0.25 / 365


@dataclass(frozen=True)
class Watcher:
    """State of the detector over a world's records and what it believes at the last close."""

    state: RecordState
    learned: Learned
    beliefs: Beliefs | None
    settings: FilterSettings

    @staticmethod
    def start(world: World) -> Watcher:
        """Begin on a running chain: books of unknown age."""
        settings = FilterSettings()
        state = new_state(world.shelves.book, world.planner.mean, world.a.pack, settings)
        return Watcher(state, Learned.nothing(world.a.stores), None, settings)

    def see(self, world: World, v: Visible) -> Watcher:
        """Take the day's visible facts."""
        a, zero = world.a, np.zeros(len(v.sales), np.int64)
        facts = Facts(
            a.store, v.opening, v.closing, v.sales, v.received, v.returned, zero, v.corrected, v.counted, v.variance,
            np.full(len(zero), np.nan), np.ones(len(zero), bool), world.planner.mean, world.planner.dispersion, a.pack,
        )  # fmt: skip
        state, learned, beliefs = update_beliefs(self.state, facts, self.learned, self.settings)
        return replace(self, state=state, learned=learned, beliefs=beliefs)

    def count_list(self, world: World) -> np.ndarray:
        """Pairs in the order of the product's count list, without a limit per store."""
        a, b = world.a, self.beliefs
        settings = CountSettings(COST_PER_COUNT, len(a.rate), PAUSE_DAYS, GAIN_DAYS)
        gain = expected_gain(b, world.planner.mean, a.margin, a.cost * HOLDING_PER_DAY, settings)
        return rank_counts(gain, a.store, b.days_since_count, settings).pair

    def believed(self, world: World, summary: str) -> np.ndarray:
        """Units (n,) that the engine is told: `product` (what it believes), `mean`, `empty_only` (the book unless probably
        empty) or `book`."""
        book, b = world.shelves.book, self.beliefs
        if summary == "product":
            return b.believed_units
        if summary == "mean":
            return np.rint(np.round(b.expected_units, 4)).astype(np.int64)
        if summary == "empty_only":
            return np.where(b.probability_empty > 0.5, 0, book)
        return book
