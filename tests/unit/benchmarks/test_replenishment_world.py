"""The replenishment benchmark's own arithmetic: what a seed draws, what a shelf costs, what perfect foresight would."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.replenishment_world.loop import interval, stock_at_equal_fill
from tests.benchmarks.replenishment_world.shelf import Outcome, run
from tests.benchmarks.replenishment_world.world import (
    BURN_IN,
    LEARN,
    Costs,
    World,
    draw_costs,
    draw_world,
    load,
    perfect_foresight,
)

SCORED = LEARN + BURN_IN


@pytest.fixture(scope="module")
def fresh():
    return load()


def test_what_was_seen_stays_and_what_was_not_is_drawn(fresh):
    first, second = draw_world(fresh, 1), draw_world(fresh, 2)
    for world in (first, second):
        hourly = np.diff(world.cumulated, axis=2, prepend=0)
        np.testing.assert_array_equal(hourly[fresh.in_stock], fresh.hourly[fresh.in_stock])
        assert world.lead.min() >= 1 and abs(world.lead.mean() - 5) < 0.05 and abs(world.lead.std() - 2) < 0.1
    assert (first.demand != second.demand).mean() > 0.1
    # Restored demand is as high as what the exposed share of the days says, within 3 %.
    rate = fresh.panel.units.sum() / fresh.panel.exposure.sum()
    assert first.demand.mean() == pytest.approx(rate, rel=0.03)
    costs = draw_costs(fresh)
    yearly = costs.holding * 365 / (1 - costs.lost)
    assert costs.lost.min() >= 0.25 and costs.lost.max() <= 0.45 and yearly.min() >= 0.25 and yearly.max() <= 1.0


def flat_world(per_day, lead, days=SCORED + 4):
    """One series that sells `per_day` in the hour at 10, lead times all alike."""
    hourly = np.zeros((1, days, 24), int)
    hourly[:, :, 10] = per_day
    return World(hourly.cumsum(axis=2), np.full((1, days), lead))


class Once:
    """Orders a number of units on one day, and writes down what it sees."""

    def __init__(self, day, units):
        self.day, self.units, self.seen = day, units, []

    def order(self, seen):
        self.seen.append(seen)
        return np.array([self.units if seen.day == self.day else 0])


def test_an_order_comes_after_its_lead_time_and_lost_sales_are_lost():
    """3 a day; 2 on the shelf when scoring begins, then none until 7 come at the close of the second scored day."""
    policy, costs = Once(SCORED - 1, 7), Costs(np.array([0.3]), np.array([0.01]))
    start = np.array([3 * BURN_IN + 2])
    profile = np.full(24, 1 / 24)
    found = run(flat_world(3, 2), profile, costs, start, policy)
    # Scored: sells 2 (1 lost), 0 (3 lost), then 3 of 7 (4 left), 3 of 4 (1 left).
    assert found.lost == pytest.approx(0.3 * 4) and found.holding == pytest.approx(0.01 * (0 + 0 + 4 + 1))
    assert found.cost == pytest.approx(found.lost + found.holding) and found.fill == 8 / 12 and found.stock == 5 / 4
    by_day = {seen.day: seen for seen in policy.seen}
    assert by_day[SCORED - 1].exposure[0] == 1.0 and by_day[SCORED].on_order[0] == 7
    # Sold out in the hour from 10 to 11: half of it counts; then a day with nothing to sell.
    assert by_day[SCORED].exposure[0] == pytest.approx(10.5 / 24) and by_day[SCORED + 1].exposure[0] == 0.0
    assert by_day[SCORED + 1].on_hand[0] == 7


def test_perfect_foresight_by_hand():
    """Lead times 1, but 4 for two days before scoring: those days' demand waits from the last arrival."""
    world = flat_world(2, 1)
    world.lead[0, SCORED - 2 : SCORED] = 4
    # On sale on the mornings ..., SCORED - 1, then SCORED + 2 (placed on SCORED), SCORED + 3.
    want = 2 * (0.01 * 1 + 0.01 * 2)
    assert perfect_foresight(world, Costs(np.array([0.3]), np.array([0.01]))) == pytest.approx(want)
    assert perfect_foresight(world, Costs(np.array([0.015]), np.array([0.01]))) == pytest.approx(2 * (0.01 + 0.015))


def test_intervals_and_equal_fill():
    found = interval([1.0, 2.0, 3.0])
    assert (found["mean"], found["high"]) == (2.0, pytest.approx(2 + 4.302653 / np.sqrt(3), rel=1e-6))

    def outcome(stock, fill):
        return [Outcome(0.0, 0.0, 0.0, stock, fill)] * 2

    results = {
        ("ours", "ours", ()): outcome(30.0, 0.95),
        ("s_S", "ours", (1,)): outcome(20.0, 0.90),
        ("s_S", "ours", (2,)): outcome(60.0, 1.00),
        ("s_S", "ours", (3,)): outcome(90.0, 0.98),  # no point of the frontier
    }
    assert stock_at_equal_fill(results, "s_S", "ours")["mean"] == pytest.approx(25.0)
