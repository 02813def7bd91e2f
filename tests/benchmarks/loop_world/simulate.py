"""One policy in one world, day by day: arrivals, sales, forecast, decision, shipment; and what it earned.

Order of a day: goods arrive in the morning (stores and DC), the store sells, at the close the policy decides what ships
the next morning. Lost sales are lost. Money: see `chain`; everything counts from the end of the warm-up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from tests.benchmarks.loop_world.chain import (
    DC_HOLDING,
    HANDLING,
    INBOUND_DAYS,
    LINE_COST,
    MARGIN,
    STORE_HOLDING,
    World,
)
from tests.benchmarks.loop_world.forecast import Forecast


@dataclass(frozen=True)
class View:
    """What a policy sees at the close of a day.

    Pairs (n): `position`; `mean`, `spread` of a day's demand; `wait` days from tomorrow to the next shipping day, `gap`
    from it to the one after, `lead`. Rows (m): `dc` units; `inbound_days` from today to the next inbound's morning (what
    arrives then can be planned at that day's close), `inbound_units`, `cycle_days` between inbounds. `level_variance`
    relative variance of a SKU's level. Of `world` a policy may read what stands still: pairs, packs, prices, limits.
    """

    day: int
    world: World
    position: np.ndarray
    mean: np.ndarray
    spread: np.ndarray
    level_variance: float
    wait: np.ndarray
    gap: np.ndarray
    lead: np.ndarray
    dc: np.ndarray
    inbound_days: np.ndarray
    inbound_units: np.ndarray
    cycle_days: np.ndarray

    @property
    def horizon(self) -> np.ndarray:
        """Days until the shipment after the next one arrives."""
        return self.wait + self.gap + self.lead

    @property
    def level_spread(self) -> np.ndarray:
        """Variance-to-mean of demand over the horizon: days apart from each other, one uncertain level over all."""
        return self.spread + self.mean * self.horizon * self.level_variance


Policy = Callable[[View], np.ndarray]


class Calendar:
    """Waits and gaps (weekdays, stores), days to and units of the next inbound (days, SKUs)."""

    def __init__(self, world: World):
        ahead = np.arange(1, 22)
        self.wait, self.gap = np.zeros((7, len(world.lead)), np.int64), np.zeros((7, len(world.lead)), np.int64)
        for weekday in range(7):
            open_ = world.ships[:, (weekday + ahead) % 7]
            order = np.argsort(~open_, axis=1, kind="stable")
            self.wait[weekday], self.gap[weekday] = order[:, 0], order[:, 1] - order[:, 0]
        self.next_days = np.zeros(world.inbound.shape, np.int64)
        self.next_units = np.zeros(world.inbound.shape, np.int64)
        at, units = np.zeros(len(world.pack), np.int64), np.zeros(len(world.pack), np.int64)
        for day in range(len(world.inbound) - 1, -1, -1):
            self.next_days[day], self.next_units[day] = at - day, units
            due = world.inbound[day] > 0
            at, units = np.where(due, day, at), np.where(due, world.inbound[day], units)


@dataclass(frozen=True)
class Day:
    """One simulated day at its close: `sold`, `stock`, `units` shipped the next morning, `coming` under way before (n), `dc` (m)."""

    day: int
    sold: np.ndarray
    stock: np.ndarray
    units: np.ndarray
    coming: np.ndarray
    dc: np.ndarray


@dataclass(frozen=True)
class Outcome:
    """Per run: profit in % of the margin of perfect sales, lost sales in % of demand, units per pair in stores and at the
    DC, lines a week per pair, mean optimality gap of the plans (None where a policy proves none)."""

    profit: float
    lost: float
    store_stock: float
    dc_stock: float
    lines: float
    gap: float | None


def days_of(world: World, policy: Policy, scale: float = 1.0) -> Iterator[Day]:
    """Run `policy(view) -> units (n)` through the world; `scale` multiplies the forecast that it sees.

    Raises AssertionError where a plan breaks a limit.
    """
    calendar, n, rows = Calendar(world), len(world.sku), len(world.pack)
    lead, pairs, slots = world.lead[world.store], np.arange(len(world.sku)), int(world.lead.max()) + 2
    stock, dc = world.start_store.copy(), world.start_dc.copy()
    coming, under_way, forecast = np.zeros((slots, n), np.int64), np.zeros(n, np.int64), Forecast(world, scale)
    for day in range(world.days):
        start = stock + coming[day % slots]
        under_way = under_way - coming[day % slots]
        coming[day % slots] = 0
        dc = dc + world.inbound[day]
        sold = np.minimum(start, world.demand[day])
        stock = start - sold
        forecast.learn(start, sold, stock)
        weekday = day % 7
        view = View(
            day, world, stock + under_way, forecast.mean, forecast.spread, forecast.level_variance,
            calendar.wait[weekday][world.store], calendar.gap[weekday][world.store], lead, dc,
            calendar.next_days[day], calendar.next_units[day], np.full(rows, INBOUND_DAYS),
        )  # fmt: skip
        units = policy(view)
        _check(world, view, units)
        dc = dc - np.bincount(world.sku, units, rows).astype(np.int64)
        # Ships tomorrow, arrives in the morning `lead` days later.
        coming[(day + 1 + lead) % slots, pairs] += units
        yield Day(day, sold, stock, units, under_way, dc)
        under_way = under_way + units


def simulate(world: World, policy: Policy, scale: float = 1.0) -> Outcome:
    """What `policy` earns in `world` after the warm-up; see `days_of`."""
    price = world.price[world.sku]
    perfect = earned = lost = store = dc = lines = 0.0
    for d in days_of(world, policy, scale):
        if d.day < world.warm_up:
            continue
        perfect += MARGIN * (price * world.demand[d.day]).sum()
        earned += (price * (MARGIN * d.sold - STORE_HOLDING * d.stock - HANDLING * d.units)).sum()
        earned -= DC_HOLDING * (world.price * d.dc).sum() + LINE_COST * (d.units > 0).sum()
        lost += (world.demand[d.day] - d.sold).sum()
        store, dc, lines = store + d.stock.sum(), dc + d.dc.sum(), lines + (d.units > 0).sum()
    pair_days = (world.days - world.warm_up) * len(world.sku)
    gaps = getattr(policy, "gaps", None)
    return Outcome(
        profit=float(100 * earned / perfect), lost=float(100 * lost / world.demand[world.warm_up :].sum()),
        store_stock=float(store / pair_days), dc_stock=float(dc / pair_days), lines=float(7 * lines / pair_days),
        gap=float(np.mean(gaps)) if gaps else None,
    )  # fmt: skip


def _check(world: World, view: View, units: np.ndarray) -> None:
    assert units.min() >= 0 and (units[view.wait > 0] == 0).all(), "ships on a day without a departure"
    assert (units % world.pack[world.sku] == 0).all(), "ships a broken case"
    assert (np.bincount(world.sku, units, len(world.pack)) <= view.dc).all(), "ships more than the DC has"
    if world.dispatch_cap >= 0:
        assert units.sum() <= world.dispatch_cap, "more than the DC can dispatch"
        assert (np.bincount(world.store, units, len(world.lead)) <= world.receiving_cap).all(), "more than stores take"
