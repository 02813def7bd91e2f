"""What a seed draws: demand where the shelf was empty, and the lead time of every order. Costs are the same for all seeds.

Demand is the FreshRetailNet slice, 803 series x 90 days, hour by hour. In the hours in which a shelf was out of stock nobody
knows it: there it is drawn, Poisson, at the series' rate of the 15 days around (units seen per exposure, shrunk to the series'
mean) times the hour's share of a usual day. Lead times are 5 +- 2 days, rounded normal, at least 1, drawn per order: orders may overtake
each other. Margins 25 to 45 % of a price of 1 and holding 25 to 100 % of the unit's cost a year are drawn once per
SKU and series with a seed of their own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tests.benchmarks.forecast_world.freshretail import Fresh, load_fresh, seen_panel

LEARN, BURN_IN = 30, 14
LEAD_MEAN, LEAD_SD = 5.0, 2.0
#: Fixed before any run.
COST_SEED = 20_240_601


@dataclass(frozen=True)
class World:
    """One seed: hourly demand cumulated over each day (n, t, 24), lead time in days of an order placed at the close of a day (n, t)."""

    cumulated: np.ndarray
    lead: np.ndarray

    @property
    def demand(self) -> np.ndarray:
        """Units a day (n, t)."""
        return self.cumulated[:, :, -1]


@dataclass(frozen=True)
class Costs:
    """Money of a lost unit and of a unit held over a night, (n,)."""

    lost: np.ndarray
    holding: np.ndarray


def load() -> Fresh:
    """The slice, its hour profile from the days of learning alone."""
    fresh = load_fresh()
    full = fresh.in_stock[:, :LEARN, 6:22].all(axis=2)
    profile = (fresh.hourly[:, :LEARN] * full[:, :, None]).sum(axis=(0, 1))
    fresh = replace(fresh, profile=profile / profile.sum(), training=LEARN)
    return replace(fresh, panel=seen_panel(fresh, fresh.in_stock))


def opening_stock(fresh: Fresh) -> np.ndarray:
    """Eight days of the average of the days of learning (n,): the same for every policy."""
    return np.ceil(8.0 * fresh.panel.units[:, :LEARN].mean(axis=1)).astype(np.int64)


def draw_world(fresh: Fresh, seed: int) -> World:
    """The world of a seed."""
    rng = np.random.default_rng(seed)
    units, exposure = fresh.panel.units.astype(np.float64), fresh.panel.exposure.astype(np.float64)
    mean = units.sum(axis=1) / np.maximum(exposure.sum(axis=1), 1.0)
    window = np.ones(15)
    seen, share = (np.array([np.convolve(row, window, "same") for row in values]) for values in (units, exposure))
    rate = (seen + 2.0 * mean[:, None]) / (share + 2.0)
    missing = rng.poisson(rate[:, :, None] * fresh.profile)
    hourly = np.where(fresh.in_stock, fresh.hourly, missing).astype(np.int32)
    lead = np.maximum(np.rint(rng.normal(LEAD_MEAN, LEAD_SD, units.shape)), 1).astype(np.int64)
    return World(np.cumsum(hourly, axis=2), lead)


def draw_costs(fresh: Fresh) -> Costs:
    """Margin by SKU, holding by series."""
    rng = np.random.default_rng(COST_SEED)
    margin = rng.uniform(0.25, 0.45, len(fresh.panel.like_sku))[fresh.panel.sku]
    yearly = rng.uniform(0.25, 1.0, len(fresh.panel.like_sku))[fresh.panel.sku]
    return Costs(margin, (1.0 - margin) * yearly / 365.0)


def perfect_foresight(world: World, costs: Costs) -> float:
    """Cost of who knows demand and lead times: each unit by the last order that still comes in time, or not at all."""
    n, days = world.demand.shape
    total = np.zeros(n)
    comes = np.full((n, days), -1)
    rows = np.arange(n)
    for day in range(days):
        ready = day + world.lead[:, day] + 1
        good = ready < days
        comes[rows[good], ready[good]] = ready[good]
    last = np.maximum.accumulate(comes, axis=1)
    for day in range(LEARN + BURN_IN, days):
        nights = day - last[:, day]
        total += world.demand[:, day] * np.minimum(costs.lost, costs.holding * nights)
    return float(total.sum())
