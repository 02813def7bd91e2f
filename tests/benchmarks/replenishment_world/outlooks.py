"""What a shop expects: the average of 30 days as an ERP has it, or the product's champion, both from the shop's own sales."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.demand.champion import (
    ChampionSettings,
    Days,
    DemandState,
    Keys,
    advance_state,
    offers_of,
    series_dispersion,
    weekdays,
)
from allocation_assets.demand.forecaster import Champion
from allocation_assets.demand.outlook import day_means, level_variance, outlook_of
from allocation_assets.demand.panel import DemandPanel
from allocation_assets.demand.season import week_of_year
from tests.benchmarks.replenishment_world.shelf import Seen
from tests.benchmarks.replenishment_world.world import LEARN


@dataclass(frozen=True)
class Expected:
    """Units a day over the days to cover, variance-to-mean of a day, relative variance of the level, (n,)."""

    mean: np.ndarray
    dispersion: np.ndarray
    level_variance: np.ndarray

    def deviation(self) -> np.ndarray:
        """Standard deviation of a day."""
        return np.sqrt(self.mean * self.dispersion + self.level_variance * self.mean**2)


class Average:
    """Mean and variance of the last 30 days' sales, whatever the shelf held."""

    def __init__(self, panel: DemandPanel):
        self._sold = panel.units[:, :LEARN].astype(np.float64)

    def expect(self, seen: Seen) -> Expected:
        self._sold = np.column_stack([self._sold[:, 1:], seen.sold])
        mean = self._sold.mean(axis=1)
        ratio = self._sold.var(axis=1, ddof=1) / np.maximum(mean, 1e-9)
        return Expected(mean, np.maximum(ratio, 1.0), np.zeros(len(mean)))


def fit(panel: DemandPanel) -> tuple[DemandState, Keys]:
    """The champion on the days of learning; a seed changes nothing that was seen in them."""
    return Champion().fit(panel.until(LEARN), panel.plan(LEARN, panel.days - LEARN))


class Learned:
    """The champion, carried day by day as the daily run does; the plan of promotions and holidays is known."""

    def __init__(self, panel: DemandPanel, fitted: tuple[DemandState, Keys], cover: int):
        self._panel, self._cover, self._settings = panel, cover, ChampionSettings()
        self._state, self._keys = fitted
        self._offer, self._offer_class, self._planned = offers_of(panel.promotion.T, panel.planned_uplift.T)
        self._weekday, self._week = weekdays(panel.dates), week_of_year(panel.dates)
        self._first = np.asarray(panel.first_day, np.int32)

    def expect(self, seen: Seen) -> Expected:
        panel, settings, span = self._panel, self._settings, slice(seen.day, seen.day + 1)
        days = Days(
            seen.sold[None].astype(np.float32), seen.exposure[None].astype(np.float32), self._offer[span],
            self._offer_class, self._planned, np.zeros_like(self._first), self._weekday[span], self._week[span],
            panel.event[span].astype(np.int64),
        )  # fmt: skip
        self._state, _ = advance_state(self._state, self._keys, days, settings, threads=1)
        state, keys = self._state, self._keys
        ahead = min(self._cover, panel.days - 1 - seen.day)
        if ahead < 1:
            return Expected(*np.ones((3, panel.series)))
        plan = outlook_of(panel.plan(seen.day + 1, ahead))
        mean = day_means(state, keys, np.arange(panel.series), plan, settings).mean(axis=1)
        variance = level_variance(state, keys) + sum(state.drifts[:2]) * self._cover / 3.0
        return Expected(mean, state.inflation * series_dispersion(state, keys, settings), state.inflation * variance)
