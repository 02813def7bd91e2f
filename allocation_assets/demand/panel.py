"""What every forecaster reads and returns: demand history as dense arrays, the plan ahead, a forecast.

Belongs here: the shapes that the champion, the baselines and the backtest share. No method, no files.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Protocol

import numpy as np

#: Fields of `DemandPanel` by their axes.
_BY_SERIES_DAY = ("units", "exposure", "is_bound", "promotion", "planned_uplift")
_BY_DAY = ("dates", "event")


@dataclass(frozen=True)
class DemandPlan:
    """What is known of the days ahead: n series x h days from the day after the history.

    dates (h,) datetime64[D]; event (h,) int, 0 = none; promotion (n, h) int, 0 = none, else a code of kind and depth;
    planned_uplift (n, h): multiplier that the plan expects of the promotion, nan where the plan says nothing.
    """

    dates: np.ndarray
    event: np.ndarray
    promotion: np.ndarray
    planned_uplift: np.ndarray


@dataclass(frozen=True)
class DemandPanel:
    """Demand of n series (SKU x location) over t consecutive days, oldest first.

    dates (t,) datetime64[D]; event (t,) int: 0 none, else the code of a holiday or event.
    units (n, t): sold less what came back sellable; may be negative. Days before `first_day` do not count.
    exposure (n, t) in [0, 1]: share of the day's usual demand that the shelf could have met; 1 = in stock all day.
    is_bound (n, t): sold out at an hour nobody knows: demand was at least `units` (exposure is not used there).
    promotion, planned_uplift (n, t): as in `DemandPlan`.
    first_day (n,): index of the day on which the series begins.
    sku, location, item_class, location_class (n,): codes from 0; item_class is the class of the item, location_class
    the cluster (or region, or channel) of the location.
    like_sku (n_sku,): code of the SKU to borrow from while a SKU has no history of its own, -1 = none.
    """

    dates: np.ndarray
    event: np.ndarray
    units: np.ndarray
    exposure: np.ndarray
    is_bound: np.ndarray
    promotion: np.ndarray
    planned_uplift: np.ndarray
    first_day: np.ndarray
    sku: np.ndarray
    location: np.ndarray
    item_class: np.ndarray
    location_class: np.ndarray
    like_sku: np.ndarray

    @property
    def series(self) -> int:
        """Number of series n."""
        return self.units.shape[0]

    @property
    def days(self) -> int:
        """Number of days t."""
        return self.units.shape[1]

    def until(self, origin: int) -> DemandPanel:
        """The panel as known before day `origin` (0 < origin <= t): no later day is in it."""
        cut = {name: getattr(self, name)[:, :origin] for name in _BY_SERIES_DAY}
        cut |= {name: getattr(self, name)[:origin] for name in _BY_DAY}
        return replace(self, **cut)

    def plan(self, origin: int, days: int) -> DemandPlan:
        """What was planned for the days from `origin` on; demand of these days is not in it."""
        span = slice(origin, origin + days)
        return DemandPlan(self.dates[span], self.event[span], self.promotion[:, span], self.planned_uplift[:, span])

    def take(self, rows: np.ndarray) -> DemandPanel:
        """The given series, in that order; codes keep their meaning."""
        per_series = {f.name for f in fields(self)} - set(_BY_DAY) - {"like_sku"}
        return replace(self, **{name: getattr(self, name)[rows] for name in per_series})


@dataclass(frozen=True)
class Forecast:
    """Predictive distribution of demand: negative binomial (Poisson at dispersion 1) per day and for the sum.

    mean (n, h) units on each day ahead with the shelf full; dispersion (n, h): variance-to-mean of that day;
    total_dispersion (n,): variance-to-mean of the sum over all h days, which knows that days share one uncertain level.
    method (n,): int index into `methods`.
    """

    mean: np.ndarray
    dispersion: np.ndarray
    total_dispersion: np.ndarray
    method: np.ndarray
    methods: tuple[str, ...]


class Forecaster(Protocol):
    """Anything that forecasts: pure, reads only what it is given."""

    name: str

    def forecast(self, history: DemandPanel, plan: DemandPlan) -> Forecast:
        """Forecast the days of `plan` for every series of `history`."""
        ...
