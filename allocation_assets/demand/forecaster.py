"""The champion behind the interface of every forecaster: for the backtest, benchmarks and simulators.

The daily run does the same in `daily` and `outlook`, from a carried state.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from allocation_assets.demand.champion import ChampionSettings, DemandState, Keys, days_of, keys_of
from allocation_assets.demand.cold_start import learn, replay
from allocation_assets.demand.outlook import forecast_days, outlook_of
from allocation_assets.demand.panel import DemandPanel, DemandPlan, Forecast
from allocation_assets.demand.season import WeeklySums, season_index, week_number


@dataclass(frozen=True)
class Champion:
    """The champion behind the interface of every forecaster: learns from the panel alone, then forecasts."""

    settings: ChampionSettings = field(default_factory=ChampionSettings)
    name: str = "champion"

    def forecast(self, history: DemandPanel, plan: DemandPlan) -> Forecast:
        """Forecast the days of `plan`; series may come in any order of SKUs."""
        order = np.lexsort((history.location, history.sku))
        state, keys = self.fit(history.take(order), plan)
        ahead = outlook_of(plan)
        found = forecast_days(state, keys, replace(ahead, offer=ahead.offer[order]), self.settings)
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        per_series = ("mean", "dispersion", "total_dispersion", "method")
        return replace(found, **{name: getattr(found, name)[back] for name in per_series})

    def fit(self, panel: DemandPanel, plan: DemandPlan | None = None) -> tuple[DemandState, Keys]:
        """State after the panel, whose series are in the order of SKUs; a plan may name events and offers never seen."""
        keys, days = keys_of(panel), days_of(panel)
        known = [panel] if plan is None else [panel, plan]
        events, offers = (1 + max(int(getattr(p, of).max(initial=0)) for p in known) for of in ("event", "promotion"))
        sizes = (int(panel.location.max(initial=-1)) + 1, events, offers)
        season = season_index(_weekly(panel, int(keys.sku_class.max(initial=-1)) + 1))
        learned = learn(keys, days, panel.like_sku, sizes, season, self.settings)
        return replay(keys, days, panel.like_sku, learned, self.settings), keys


def _weekly(panel: DemandPanel, classes: int) -> WeeklySums:
    """Weekly units and series-days of the panel by item class; days that say nothing are left out."""
    counted = (panel.exposure > 0) & (np.arange(panel.days) >= np.asarray(panel.first_day)[:, None])
    week, at = np.unique(week_number(panel.dates), return_inverse=True)
    sums = np.zeros((2, classes, len(week)))
    for day in range(panel.days):
        seen = counted[:, day]
        for target, values in zip(sums, (np.where(seen, panel.units[:, day], 0.0), seen), strict=True):
            target[:, at[day]] += np.bincount(panel.item_class, values, classes)
    return WeeklySums.nothing(classes).plus(week, *sums, most_weeks=10_000)


def warm_up() -> None:
    """Compile the walk with the array types of real runs."""
    zero = np.zeros(1, np.int64)
    panel = DemandPanel(
        np.arange("2024-01-01", "2024-01-10", dtype="datetime64[D]"), np.zeros(9, np.int64), np.ones((1, 9), np.float32),
        np.ones((1, 9), np.float32), np.zeros((1, 9), bool), np.ones((1, 9), np.int64), np.full((1, 9), np.nan), zero, zero,
        zero, zero, zero, np.full(1, -1),
    )  # fmt: skip
    Champion().forecast(panel, panel.plan(0, 2))
