"""The simulated world keeps its own books: stock is conserved, what is visible adds up, twins live alike."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.benchmarks.phantom_world import assortment, ranges, shelves
from tests.benchmarks.phantom_world.closed_loop import ARMS, SUPPLY, Plan, run
from tests.benchmarks.phantom_world.detection import margin_recovered, ways_of_counting
from tests.benchmarks.phantom_world.planner import LEAD_DAYS, Planner
from tests.benchmarks.phantom_world.watcher import Watcher
from tests.benchmarks.phantom_world.world import BAND, begin, within_band

RATES = ("shrink", "damage", "till_swap", "sweep", "receipt", "miscount")


def faults(seed: int = 5, **changes) -> ranges.Faults:
    return replace(ranges.draw(np.random.default_rng(seed)), **changes)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_true_stock_is_conserved_and_books_follow_what_is_visible(seed):
    world = begin(5, 20, 70, faults(seed, scale=4.0), seed)
    for _ in range(60):
        true, book = world.shelves.true.copy(), world.shelves.book.copy()
        v, h = world.live()
        s = world.shelves
        # what is left = what was there + what came - what left, with customers or without
        assert (s.true == true + v.received + h.receipt_error - h.lost_units - h.sold + v.returned - v.damaged).all()
        assert s.true.min() >= 0
        assert (v.opening == book).all() and (v.closing == s.book).all()
        assert (v.closing == v.opening - v.sales + v.received + v.returned - v.damaged + v.corrected).all()
        counted = v.counted >= 0
        assert (v.closing[counted] == v.counted[counted]).all()
        assert (v.corrected[~counted] == 0).all() and (v.variance == v.corrected).all()
        # the till swaps siblings: no unit is rung twice or forgotten
        by_two = lambda units: units.reshape(5, 10, 2).sum(2)  # noqa: E731
        assert (by_two(v.sales) == by_two(h.sold)).all() and v.sales.min() >= 0
        assert (v.received % world.a.pack == 0).all()
        world.order()


def test_a_world_without_faults_never_has_a_wrong_record():
    none = faults(**dict.fromkeys(RATES, 0.0))
    world = begin(4, 20, 60, none, 3)
    for _ in range(50):
        world.live()
        assert (world.shelves.true == world.shelves.book).all()
        world.order()
    assert margin_recovered(begin(4, 20, 60, none, 3)).tolist() == [0.0] * 80


def test_receipt_errors_by_hand():
    # two SKUs of one store, each delivered 12 units in packs of 6; every line is wrong (0.4 is the most, u below it)
    a = assortment.build(1, 2, 10, faults(), 1)
    a = replace(a, pack=np.array([6, 6]), receiving=np.array([1.0, 1.0]))
    arrived, u = np.array([12, 12]), np.array([0.0, 0.9])

    def errors(kind: int) -> list[int]:
        f = faults(receipt=1.0, scale=1.0, receipt_kinds=np.eye(5)[kind])
        return shelves._receive(a, f, arrived, u, np.array([0.5, 0.5])).tolist()

    assert errors(0) == [-6, 0]  # a case missing
    assert errors(1) == [6, 0]  # a case over
    assert -5 <= errors(2)[0] <= -1  # a few units short
    assert errors(3) == [-12, 0]  # the line is lost
    assert errors(4) == [-12, 12]  # the sibling was sent


def test_what_changes_a_decision_by_hand():
    true, book, pack = np.array([0, 0, 3, 9, 10, 2]), np.array([1, 0, 9, 3, 3, 3]), np.array([6, 6, 6, 6, 6, 1])
    # empty against 1; empty and known; 6 too few (a case, not more); 6 too many; 7 too many; 1 of a pack of 1
    assert shelves.is_wrong(true, book, pack).tolist() == [True, False, False, False, True, False]


def test_twins_live_alike_and_customers_do_not_depend_on_stock():
    world = begin(4, 20, 60, faults(), 7)
    for _ in range(20):
        world.live()
        world.order()
    twin, rich = world.copy(), world.copy()
    rich.shelves.true += 100
    first, second, third = (w.live() for w in (world, twin, rich))
    for one, other in zip(first, second, strict=True):
        assert all((values == getattr(other, name)).all() for name, values in vars(one).items())
    wanted = first[1].sold + first[1].lost_sales
    assert (third[1].sold + third[1].lost_sales == wanted).all() and third[1].lost_sales.max() == 0


def test_deliveries_arrive_once_after_the_lead_time():
    planner = Planner.start(assortment.build(1, 2, 5, faults(), 1))
    planner.ship(4, np.array([6, 0]))
    planner.ship(5, np.array([0, 3]))
    assert planner.arrivals(5).tolist() == [0, 0]
    assert planner.arrivals(4 + LEAD_DAYS).tolist() == [6, 0]
    assert planner.arrivals(5 + LEAD_DAYS).tolist() == [0, 3]
    assert planner.transit.sum() == 0


def test_mean_demand_is_what_customers_want():
    a = assortment.build(10, 40, 30, faults(), 2)
    days = range(28)
    wanted = sum(int(assortment.demand(a, t, seed).sum()) for t in days for seed in range(5))
    expected = 5 * sum(float(assortment.expected_demand(a, t).sum()) for t in days)
    assert wanted == pytest.approx(expected, rel=0.03)


def test_prevalence_is_held_within_the_band_without_the_detector():
    found = within_band(10, 60, 130, [100, 110], 1)
    assert found is not None and all(BAND[0] <= p <= BAND[1] for p in found.prevalence)
    again = within_band(10, 60, 130, [100, 110], 1)
    assert again.prevalence == found.prevalence


def test_every_way_counts_a_record_once_and_the_watcher_sees_only_what_is_visible():
    world = begin(5, 20, 90, faults(scale=3.0), 4)
    watcher = Watcher.start(world)
    for _ in range(30):
        visible, _ = world.live()
        # the true stock is made unreadable while the detector looks
        hidden, world.shelves.true = world.shelves.true, None
        watcher = watcher.see(world, visible)
        watcher.count_list(world)
        world.shelves.true = hidden
        world.order()
    for name, order in ways_of_counting(world, watcher).items():
        assert len(set(order.tolist())) == len(order), name
        assert name == "count_list" or len(order) == 100


def test_arms_face_the_same_supply_and_count_equally_often():
    out = run(Plan(4, 20, 25, 10, 14), ARMS, faults(scale=3.0), 6)
    for level in SUPPLY:
        arms = out[level]
        assert len({arm["counts"] for arm in arms.values()}) == 1
        assert len({arm["shipped"] + arm["warehouse_stock"] for arm in arms.values()}) == 1
    assert out["ample"]["book"]["lost_units"] <= out["tight"]["book"]["lost_units"]
