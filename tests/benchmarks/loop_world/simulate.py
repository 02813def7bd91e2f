"""One policy in one world, day by day: arrivals, sales, forecast, decision, shipment; and what it earned.

Order of a day: goods arrive in the morning (stores and DC), the store sells, at the close the policy decides what ships
the next morning. Lost sales are lost. Money: see `chain`; profit counts from the end of the warm-up.
"""

from __future__ import annotations

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


@dataclass
class View:
    """What a policy sees at the close of a day.

    Pairs (n): `position`; `mean`, `spread` of a day's demand; `wait` days from tomorrow to the next shipping day, `gap`
    from it to the one after, `lead`. Rows (m): `dc` units; `inbound_days` from today to the next inbound's morning (what
    arrives then can be planned at that day's close), `inbound_units`. `level_variance` is that of the forecast's levels.
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

    @property
    def horizon(self) -> np.ndarray:
        """Days until the shipment after the next one arrives."""
        return self.wait + self.gap + self.lead

    @property
    def level_spread(self) -> np.ndarray:
        """Variance-to-mean of demand over the horizon: days apart from each other, one uncertain level over all."""
        return self.spread + self.mean * self.horizon * self.level_variance


class Calendar:
    """Waits and gaps (weekdays, stores); days to and units of the next inbound (days, SKUs), as the open order says."""

    def __init__(self, world: World):
        ahead = np.arange(1, 22)
        self.wait, self.gap = np.zeros((7, len(world.lead)), np.int64), np.zeros((7, len(world.lead)), np.int64)
        for weekday in range(7):
            order = np.argsort(~world.ships[:, (weekday + ahead) % 7], axis=1, kind="stable")
            self.wait[weekday], self.gap[weekday] = order[:, 0], order[:, 1] - order[:, 0]
        days, skus = world.inbound.shape
        self.next_days, self.next_units = np.zeros((days, skus)), np.zeros((days, skus))
        # Behind the last inbound of the simulated time another one is on order, a cycle after it.
        last = days - 1 - np.argmax(world.inbound[::-1] > 0, axis=0)
        at, units = last + INBOUND_DAYS * (1 + (days - 1 - last) // INBOUND_DAYS), world.inbound[last, np.arange(skus)]
        for day in range(days - 1, -1, -1):
            self.next_days[day], self.next_units[day] = at - day, units
            due = world.inbound[day] > 0
            at, units = np.where(due, day, at), np.where(due, world.inbound[day], units)


@dataclass
class Outcome:
    """Per simulated run: profit and lost sales in % of perfect margin and units, store stock per pair, lines a week and pair,
    mean optimality gap in % (ours; 0 for a rule).
    """

    profit: float
    lost: float
    store_stock: float
    dc_stock: float
    lines: float
    gap: float

    def figures(self) -> list[float]:
        """The fields in their order."""
        return [self.profit, self.lost, self.store_stock, self.dc_stock, self.lines, self.gap]


def simulate(world: World, policy, scale: float = 1.0, calendar: Calendar | None = None) -> Outcome:
    """Run `policy(view) -> units (n)` through the world; raises AssertionError where it breaks a limit."""
    calendar = calendar or Calendar(world)
    n, rows, longest = len(world.sku), len(world.pack), int(world.lead.max()) + 2
    lead, price = world.lead[world.store], world.price[world.sku]
    stock, dc = world.start_store.copy(), world.start_dc.copy()
    coming = np.zeros((longest, n), np.int64)
    forecast = Forecast(world, scale)
    total = {name: 0.0 for name in ("margin", "sold", "lost", "wanted", "holding", "dc_holding", "handling", "lines", "stock", "dc")}
    for day in range(world.days):
        slot = day % longest
        stock += coming[slot]
        coming[slot] = 0
        dc += world.inbound[day]
        start = stock.copy()
        sold = np.minimum(stock, world.demand[day])
        stock = stock - sold
        forecast.learn(start, sold, stock)
        weekday = day % 7
        view = View(
            day, world, stock + coming.sum(axis=0), forecast.mean, forecast.spread, forecast.level_variance,
            calendar.wait[weekday][world.store], calendar.gap[weekday][world.store], lead, dc,
            calendar.next_days[day], calendar.next_units[day],
        )  # fmt: skip
        units = policy(view)
        _check(world, view, units)
        dc = dc - np.bincount(world.sku, units, rows).astype(np.int64)
        # Ships tomorrow, arrives in the morning `lead` days later.
        coming[(day + 1 + lead) % longest, np.arange(n)] += units
        if day >= world.warm_up:
            total["margin"] += MARGIN * (price * world.demand[day]).sum()
            total["sold"] += MARGIN * (price * sold).sum()
            total["lost"] += (world.demand[day] - sold).sum()
            total["wanted"] += world.demand[day].sum()
            total["holding"] += STORE_HOLDING * (price * stock).sum()
            total["dc_holding"] += DC_HOLDING * (world.price * dc).sum()
            total["handling"] += HANDLING * (price * units).sum()
            total["lines"] += (units > 0).sum()
            total["stock"] += stock.mean()
            total["dc"] += dc.sum() / n
    scored = world.days - world.warm_up
    cost = total["holding"] + total["dc_holding"] + total["handling"] + LINE_COST * total["lines"]
    return Outcome(
        100 * (total["sold"] - cost) / total["margin"], 100 * total["lost"] / total["wanted"], total["stock"] / scored,
        total["dc"] / scored, 7 * total["lines"] / scored / n,
        100 * float(np.mean(getattr(policy, "gaps", [0.0]))),
    )  # fmt: skip


def _check(world: World, view: View, units: np.ndarray) -> None:
    assert units.min() >= 0 and (units[view.wait > 0] == 0).all(), "ships on a day without a departure"
    assert (np.bincount(world.sku, units, len(world.pack)) <= view.dc).all(), "ships more than the DC has"
    if world.dispatch_cap >= 0:
        assert units.sum() <= world.dispatch_cap, "more than the DC can dispatch"
        assert (np.bincount(world.store, units, len(world.lead)) <= world.receiving_cap).all(), "more than stores take"
