"""A shop by the day: open, sell hour by hour what the shelf has, close, receive, decide. What it could not sell is lost.

An order of day t's close is received at the close of t + lead and on sale the next morning: it has to last for lead + 1 days. Holding is
paid on what lies there at a close, before receipts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from tests.benchmarks.replenishment_world.world import BURN_IN, LEARN, Costs, World


@dataclass(frozen=True)
class Seen:
    """What a shop knows at a close: units sold (n,), exposure (n,), stock and open orders (n,), the day's index."""

    day: int
    sold: np.ndarray
    exposure: np.ndarray
    on_hand: np.ndarray
    on_order: np.ndarray


class Policy(Protocol):
    """Anything that orders from what a shop sees."""

    def order(self, seen: Seen) -> np.ndarray:
        """Units (n,) int >= 0."""
        ...


@dataclass(frozen=True)
class Outcome:
    """Of the scored days: money, mean stock at a close, share of demand sold."""

    cost: float
    lost: float
    holding: float
    stock: float
    fill: float


def run(world: World, profile: np.ndarray, costs: Costs, start: np.ndarray, policy: Policy) -> Outcome:
    """The days after those of learning, scored after the burn-in."""
    n, days = world.demand.shape
    due = np.zeros((n, days + 64), np.int64)
    rows, on_hand = np.arange(n), start.astype(np.int64).copy()
    passed = np.concatenate([[0.0], np.cumsum(profile)])
    lost, held, stock, met, asked = 0.0, 0.0, 0.0, 0, 0
    for day in range(LEARN, days):
        hours = world.cumulated[:, day]
        demand = hours[:, -1]
        sold = np.minimum(demand, on_hand)
        is_out = demand >= on_hand
        hour = np.argmax(hours >= on_hand[:, None], axis=1)
        # Half of the hour in which it sold out.
        until = 0.5 * (passed[hour] + passed[hour + 1])
        exposure = np.where(is_out, np.where(on_hand > 0, until, 0.0), 1.0)
        on_hand = on_hand - sold
        if day >= LEARN + BURN_IN:
            lost += float((costs.lost * (demand - sold)).sum())
            held += float((costs.holding * on_hand).sum())
            stock, met, asked = stock + float(on_hand.sum()), met + int(sold.sum()), asked + int(demand.sum())
        on_hand = on_hand + due[:, day]
        due[:, day] = 0
        units = policy.order(Seen(day, sold, exposure, on_hand, due.sum(axis=1)))
        due[rows, day + world.lead[:, day]] += units
    return Outcome(lost + held, lost, held, stock / (days - LEARN - BURN_IN) / n, met / asked)
