"""The price of a unit kept at the DC: against probabilities worked out apart, and what must hold for any row."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import poisson

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.frames import build_problem
from allocation_assets.allocation.keep import Outlook, keep_prices
from allocation_assets.allocation.problem import allocation_problem
from allocation_assets.policy import load_policy
from tests.unit.allocation.pairs_of_a_run import (
    DAY,
    booked_of,
    forecasts_of,
    pairs_of,
    policy_of_rules,
    supply_of,
    trust_in_books,
)


def outlook(stores=1, rows=1, **changed) -> Outlook:
    """Stores that sell 2 a day (Poisson), ship every day, receive on the next; a unit sold earns 10, holding is free."""
    n = stores * rows
    base = {
        "row_ptr": np.arange(rows + 1) * stores, "daily_mean": np.full(n, 2.0), "dispersion": np.ones(n),
        "horizon_days": np.full(n, 3), "wait_days": np.zeros(n), "gap_days": np.ones(n), "arrive_days": np.full(n, 2.0),
        "position_units": np.zeros(n), "gain_per_unit": np.full(n, 10.0), "holding_per_unit": np.full(n, 0.01),
        "ship_cost_per_unit": np.zeros(n), "stock_units": np.full(rows, 10.0), "inbound_days": np.full(rows, 8.0),
        "level_variance": np.zeros(rows),
    }  # fmt: skip
    return Outlook(**base | changed)


@pytest.mark.parametrize("stock", [60, 78, 86, 94, 110])
def test_one_store_pays_for_a_kept_unit_what_demand_beyond_the_stock_is_likely(stock):
    """80 units are expected in the window of 8 shipments and 3 days; the position of 10 is gone before the first arrives.

    A unit kept earns its 10 where the window's demand is more than what is there, and nothing where it is not: with the
    last target's own fractile, the price lies between those of a window without and with its safety stock.
    """
    o = outlook(daily_mean=np.full(1, 8.0), position_units=np.full(1, 16.0), stock_units=np.array([float(stock)]))
    [price] = keep_prices(o, 1)
    # 7 days between its first and last shipment and a horizon of 3: 80 units less the position of 16.
    likely = 10 * poisson.sf(stock + 16 - 1, 80)
    assert price == pytest.approx(likely, abs=1.2)


@pytest.mark.parametrize("daily", [40.0, 240.0, 400.0])
def test_a_fast_mover_is_priced_like_a_slow_one(daily):
    """P(D = 0) underflows beyond a demand of 745: ten days' demand less the position of two, and a twentieth more or less of it."""
    fast = outlook(daily_mean=np.full(1, daily), position_units=np.full(1, 2 * daily))
    for factor in (0.95, 1.05):
        stock = 8 * daily * factor
        [price] = keep_prices(replace(fast, stock_units=np.array([stock])), 1)
        assert price == pytest.approx(10 * poisson.sf(stock + 2 * daily - 1, 10 * daily), abs=1.2)


def test_enough_for_everybody_is_worth_nothing_and_nothing_is_worth_the_best_sale():
    many = outlook(stores=3, rows=2, stock_units=np.array([10_000.0, 0.0]), gain_per_unit=np.array([3.0, 4.0, 5.0] * 2))
    free, dear = keep_prices(many, 1)
    assert free == 0.0
    assert dear == pytest.approx(5.0, rel=0.01), "demand may still turn out to be nothing"


def test_stock_that_can_never_be_shipped_before_the_inbound_is_not_kept():
    """The next shipping day is the day of the inbound: what waits competes with the new stock."""
    assert keep_prices(outlook(wait_days=np.array([8.0])), 1).tolist() == [0.0]


def test_an_uncertain_level_makes_ample_stock_precious_and_short_stock_less_so():
    """20 expected less 4 on the way: with 30 at the DC only a level that is higher than thought makes it short."""
    known, unsure = (
        keep_prices(outlook(rows=2, stock_units=np.array([30.0, 8.0]), level_variance=np.full(2, v)), 1) for v in (0.0, 0.3)
    )
    assert unsure[0] > known[0] and unsure[1] < known[1]


@settings(max_examples=60, deadline=None)
@given(
    stores=st.integers(1, 6), seed=st.integers(0, 10**6), stock=st.integers(0, 60), more=st.integers(1, 40),
    inbound=st.integers(1, 20),
)  # fmt: skip
def test_more_stock_is_never_dearer_and_no_price_beats_the_best_sale(stores, seed, stock, more, inbound):
    rng = np.random.default_rng(seed)
    o = outlook(
        stores, daily_mean=rng.gamma(1.0, 1.0, stores), dispersion=rng.uniform(1, 3, stores), position_units=rng.integers(0, 9, stores),
        gain_per_unit=rng.uniform(1, 9, stores), wait_days=rng.integers(0, 4, stores), gap_days=rng.integers(1, 5, stores),
        stock_units=np.array([float(stock)]), inbound_days=np.array([float(inbound)]), level_variance=np.array([0.1]),
    )  # fmt: skip
    [price] = keep_prices(o, 1)
    [with_more] = keep_prices(replace(o, stock_units=o.stock_units + more), 1)
    assert 0 <= with_more <= price + 1e-9 <= o.gain_per_unit.max() + 2e-9


def test_the_longer_stock_must_last_the_dearer_it_is():
    prices = [keep_prices(outlook(stores=2, inbound_days=np.array([float(days)])), 1)[0] for days in (2, 3, 4, 6, 9, 14)]
    assert prices == sorted(prices) and prices[0] < prices[-1] / 2 and prices[-1] > 9


def test_rows_stand_alone():
    rng = np.random.default_rng(3)
    rows, stores = 5_000, 2
    o = outlook(stores, rows, daily_mean=rng.gamma(1.0, 1.0, rows * stores), stock_units=rng.integers(0, 40, rows).astype(float))
    together = keep_prices(o, 2)
    pairs = slice(2 * 4_000, 2 * 4_001)
    names = [name for name in o.__dataclass_fields__ if len(getattr(o, name)) == rows * stores]
    alone = replace(
        o, row_ptr=np.array([0, 2]), stock_units=o.stock_units[4_000:4_001], inbound_days=o.inbound_days[:1],
        level_variance=o.level_variance[:1], **{name: getattr(o, name)[pairs] for name in names},
    )  # fmt: skip
    assert keep_prices(alone, 1)[0] == together[4_000]
    assert (keep_prices(o, 1) == together).all() and (together > 0).any() and (together == 0).any()


def test_the_last_shipment_before_the_inbound_pays_for_every_unit():
    """P(D >= 1, 2, 3) = 0.9, 0.6, 0.3, a unit sold earns 10, one kept 4, holding is free.

    What is left unsold saves a later shipment: (10 - 4) x tail > 0 for all three. Before the inbound there is no later one:
    10 x tail - 4 pays for the first two.
    """
    tails = np.array([0.9, 0.6, 0.3])
    wanted = {False: ((10 - 4) * tails > 0).sum(), True: (10 * tails - 4 > 0).sum()}
    for is_last, units in wanted.items():
        problem = allocation_problem(
            pair_row=[0], mean_units=[1.0], dispersion=[1.0], position_units=0, gain_per_unit=10.0, max_units=3,
            row_available_units=[9], row_keep_price=4.0, is_last_shipment=is_last,
        )  # fmt: skip
        earned, cost = problem.earned_per_unit[0], problem.cost_per_unit[0]
        assert (earned * tails - cost > 0).sum() == units
    # Poisson of mean 1: P(D >= 1) = 0.632, P(D >= 2) = 0.264: only the first pays its 4.
    assert plan(problem).units.tolist() == [1]


def problem_of(rows, supply, policy=None, means=None):
    policy = policy or load_policy()
    pairs = pairs_of(rows, policy)
    forecasts = forecasts_of(means or [4.0] * len(rows))
    return build_problem(pairs, supply, forecasts, trust_in_books(pairs.table), policy, DAY, booked_of())


def test_a_run_prices_what_is_kept_until_its_next_inbound(tmp_path):
    """One store sells 4 a day: 20 units are too few for 10 days, and plenty for 2. Without a known inbound 28 days count."""
    store = [{"to_location_id": "S1"}]

    def price(policy=None, **supply):
        return problem_of(store, supply_of({"available": 20, **supply}), policy).row_keep_price[0]

    assert price(next_inbound_date=date(2026, 12, 3), next_inbound_units=40) > 5
    assert price(next_inbound_date=date(2026, 11, 25), next_inbound_units=40) < 0.2
    assert price() > 5
    assert price(policy_of_rules(tmp_path / "a", "{id: short, set: {allocation.keep_days: 2}}")) < 0.2
    assert price(policy_of_rules(tmp_path / "b", "{id: rate, set: {allocation.hold_back_rate: 0.2}}")) == 0
    assert price(policy_of_rules(tmp_path / "c", "{id: share, set: {allocation.rule: proportional}}")) == 0


def test_nothing_to_keep_is_short_supply_not_stock_held_back():
    problem = problem_of([{"to_location_id": "S1", "case_pack": 6}], supply_of({"available": 5}), means=[50.0])
    assert problem.row_keep_price.tolist() == [0.0]


def test_who_gets_nothing_needs_no_kept_stock():
    rows = [{"to_location_id": "S1", "is_blocked": True}, {"to_location_id": "S2"}]
    problem = problem_of(rows, supply_of({"available": 5}), means=[50.0, 0.0])
    assert problem.row_keep_price.tolist() == [0.0]


def test_the_lane_is_paid_by_units_sold_but_by_every_unit_of_an_item_on_its_way_out():
    rows = [{"to_location_id": "S1", "cost_per_unit": 1.5}, {"to_location_id": "S2", "cost_per_unit": 1.5, "lifecycle": "exit"}]
    problem = problem_of(rows, supply_of({}))
    assert problem.gain_per_unit.tolist() == [4.5, 6.0]
    assert problem.ship_cost_per_unit.tolist() == [0.0, 1.5]
