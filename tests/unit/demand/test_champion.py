"""The champion: its walk against a plain one, what it recovers from simulated demand, odd series, borrowed levels."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocation_assets.demand._kernels import moments_at_least
from allocation_assets.demand.champion import (
    ChampionSettings,
    DemandState,
    FactorSums,
    advance_state,
    borrow_levels,
    days_of,
    keys_of,
    location_factors,
    offer_multipliers,
    offers_of,
    tables_of,
    take_late,
)
from allocation_assets.demand.forecaster import Champion
from allocation_assets.demand.outlook import METHODS, level_variance, sum_dispersion
from allocation_assets.demand.panel import DemandPanel, DemandPlan
from tests.support import demand_reference

SETTINGS = ChampionSettings()


def panel(units, *, sku=None, exposure=None, bound=None, promotion=None, planned=None, event=None, first_day=None,
          item_class=None, location=None, like=None, start="2026-01-05") -> DemandPanel:  # fmt: skip
    units = np.asarray(units, np.float32)
    n, t = units.shape
    sku = np.zeros(n, np.int64) if sku is None else np.asarray(sku)
    return DemandPanel(
        np.datetime64(start) + np.arange(t),
        np.zeros(t, np.int64) if event is None else np.asarray(event),
        units,
        np.ones((n, t), np.float32) if exposure is None else np.asarray(exposure, np.float32),
        np.zeros((n, t), bool) if bound is None else np.asarray(bound),
        np.zeros((n, t), np.int64) if promotion is None else np.asarray(promotion),
        np.full((n, t), np.nan) if planned is None else np.asarray(planned, float),
        np.zeros(n, np.int64) if first_day is None else np.asarray(first_day),
        sku,
        np.arange(n) if location is None else np.asarray(location),
        np.zeros(n, np.int64) if item_class is None else np.asarray(item_class),
        np.zeros(n, np.int64),
        np.full(int(sku.max()) + 1, -1) if like is None else np.asarray(like),
    )


def plan(days=7, n=1, start="2026-03-02", promotion=0, planned=np.nan, event=0) -> DemandPlan:
    dates = np.datetime64(start) + np.arange(days)
    return DemandPlan(dates, np.full(days, event), np.full((n, days), promotion), np.full((n, days), planned))


def random_world(seed: int):
    """A panel with everything in it, its keys and a state in the middle of things."""
    rng = np.random.default_rng(seed)
    sku = np.sort(rng.integers(0, 4, 9))
    n, t = len(sku), 20
    exposure = np.where(rng.random((n, t)) < 0.3, rng.choice([0.0, 0.1, 0.5, 0.8], (n, t)), 1.0)
    p = panel(
        rng.poisson(rng.gamma(1, 3, (n, 1)), (n, t)), sku=sku, exposure=exposure, bound=rng.random((n, t)) < 0.1,
        promotion=rng.choice([0, 0, 0, 1, 2], (n, t)), event=rng.choice([0, 0, 0, 1], t), item_class=sku % 2,
        first_day=rng.choice([0, 0, 5], n), like=np.full(4, -1),
    )  # fmt: skip
    keys = keys_of(p)
    series = np.stack([rng.gamma(4, 0.25, n), rng.random(n), rng.random(n) * 5, rng.random(n) * 5, np.zeros(n)])
    skus = np.stack([rng.gamma(2, 1.0, 4), rng.random(4), rng.normal(0, 0.01, 4)])
    sums = FactorSums(
        rng.random((2, len(keys.group_class), 7)) * 50,
        rng.random((2, len(keys.group_class), 2)) * 50,
        rng.random((2, 3)) * 50,
    )
    state = DemandState(
        series.astype(np.float32),
        skus,
        sums,
        np.array([1.5, 4.0]),
        (0.002, 0.001, 0.05),
        1.0,
        rng.uniform(0.5, 2.0, (2, 53)),
    )
    return p, keys, state


@pytest.mark.parametrize("seed", range(6))
def test_the_walk_is_the_plain_walk(seed):
    p, keys, state = random_world(seed)
    days = days_of(p)
    got, _ = advance_state(state, keys, days, SETTINGS, learns=False)
    tables = tables_of(state.sums, keys.group_class, SETTINGS)
    season = state.season[keys.group_class][:, days.week]
    factor = (tables.weekday[:, days.weekday] * tables.event[:, days.event] * season)[keys.group].T
    uplift = offer_multipliers(tables, days.offer_class, days.planned, SETTINGS)
    series, skus = demand_reference.walk(state.series, state.skus, p.sku, days, factor, uplift,
                                         state.class_dispersion[keys.sku_class], state.drifts, SETTINGS)  # fmt: skip
    np.testing.assert_allclose(got.series, series, rtol=2e-4, atol=1e-5)
    np.testing.assert_allclose(got.skus, skus, rtol=2e-4, atol=1e-6)


@pytest.mark.parametrize("seed", range(4))
def test_day_by_day_is_all_at_once(seed):
    """The daily update of a state and the replay of a history are one and the same step, at any number of threads."""
    p, keys, state = random_world(seed)
    at_once, _ = advance_state(state, keys, days_of(p), SETTINGS, learns=False, threads=1)
    by_day = state
    for t in range(p.days):
        days = days_of(replace(p.until(t + 1)))
        one = replace(days, units=days.units[-1:], exposure=days.exposure[-1:], offer=days.offer[-1:], weekday=days.weekday[-1:], week=days.week[-1:],
                      event=days.event[-1:], first_day=np.maximum(days.first_day - t, 0))  # fmt: skip
        by_day, _ = advance_state(by_day, keys, one, SETTINGS, learns=False, threads=2)
    np.testing.assert_array_equal(by_day.series, at_once.series)
    np.testing.assert_array_equal(by_day.skus, at_once.skus)


@pytest.mark.parametrize(
    ("units", "mean", "d"), [(1, 0.2, 1.0), (3, 2.0, 1.5), (12, 4.0, 3.0), (40, 30.0, 6.0), (5, 0.01, 1.2)]
)
def test_a_sold_out_day_is_worth_its_conditional_mean(units, mean, d):
    assert moments_at_least(units, mean, d) == pytest.approx(demand_reference.at_least(units, mean, d), rel=1e-6)


def test_a_sold_out_day_of_many_units_is_near_its_conditional_mean():
    expected = demand_reference.at_least(900, 800.0, 4.0)
    assert moments_at_least(900, 800.0, 4.0) == (
        pytest.approx(expected[0], rel=5e-3),
        pytest.approx(expected[1], rel=0.25),
    )
    assert moments_at_least(1_000_000, 1.0, 2.0)[0] == pytest.approx(1_000_000, rel=1e-4)


def simulated(seed=0, skus=30, stores=20, days=120, d=1.8):
    """NB demand: SKU x store levels, a weekday shape, a promotion that sells 1.8 times, an event of 0.5."""
    rng = np.random.default_rng(seed)
    sku, store = np.repeat(np.arange(skus), stores), np.tile(np.arange(stores), skus)
    level = rng.gamma(2, 1.0, skus)[sku] * rng.uniform(0.6, 1.6, stores)[store]
    week = np.array([0.8, 0.8, 0.9, 1.0, 1.1, 1.3, 1.1])
    promotion = (rng.random((len(sku), days)) < 0.08).astype(np.int64)
    event = np.zeros(days, np.int64)
    event[::29] = 1
    mean = level[:, None] * week[np.arange(days) % 7] * np.where(promotion, 1.8, 1.0) * np.where(event, 0.5, 1.0)
    units = rng.negative_binomial(mean / (d - 1), 1 / d)
    return panel(units, sku=sku, location=store, promotion=promotion, event=event), level, week, mean, rng


def test_levels_and_factors_are_recovered():
    p, level, week, _, _ = simulated()
    state, keys = Champion().fit(p)
    tables = tables_of(state.sums, keys.group_class, SETTINGS)
    np.testing.assert_allclose(tables.weekday[0], week / week.mean(), rtol=0.04)
    assert offer_multipliers(tables, np.array([1]), np.array([np.nan]), SETTINGS)[0] == pytest.approx(1.8, rel=0.05)
    assert tables.event[0, 1] == pytest.approx(0.5, rel=0.08)
    found = state.skus[0, keys.sku] * state.series[0]
    assert found.sum() == pytest.approx(level.sum() * week.mean(), rel=0.02)
    assert np.abs(found / (level * week.mean()) - 1).mean() < 0.12


def test_stock_outs_do_not_pull_the_level_down():
    """Each day's stock is random; sales stop when it is gone, at a known hour or at an unknown one."""
    p, level, week, mean, rng = simulated(seed=3)
    share = np.where(rng.random(p.units.shape) < 0.4, rng.uniform(0.1, 0.9, p.units.shape), 1.0)
    part = rng.binomial(np.asarray(p.units, int), share)
    timed = Champion().fit(replace(p, units=part.astype(np.float32), exposure=share.astype(np.float32)))[0]
    stock = rng.poisson(mean * 1.3)
    sold = np.minimum(p.units, stock)
    bound = Champion().fit(replace(p, units=sold.astype(np.float32), is_bound=p.units >= stock))[0]
    ignored = Champion().fit(replace(p, units=sold.astype(np.float32)))[0]
    truth = level.sum() * week.mean()
    total = [(s.skus[0, p.sku] * s.series[0]).sum() / truth - 1 for s in (timed, bound, ignored)]
    assert abs(total[0]) < 0.02
    assert abs(total[1]) < 0.05
    assert total[2] < -0.1


ODD = {
    "all_zero": (np.zeros(60), {}),
    "one_sale": (np.eye(1, 60, 30)[0], {}),
    "constant": (np.full(60, 4.0), {}),
    "a_million_in_a_day": (np.where(np.arange(60) == 40, 1e6, 2.0), {}),
    "all_out_of_stock": (np.zeros(60), {"exposure": np.zeros((1, 60))}),
    "all_sold_out": (np.full(60, 3.0), {"bound": np.ones((1, 60), bool)}),
    "negative_days": (np.where(np.arange(60) % 5 == 0, -3.0, 2.0), {}),
    "one_day": (np.array([2.0]), {}),
}


@pytest.mark.parametrize("name", ODD)
def test_odd_series_get_a_sane_distribution(name):
    units, more = ODD[name]
    forecast = Champion().forecast(panel(units[None, :], **more), plan(start="2026-04-06"))
    mean, d, total = forecast.mean, forecast.dispersion, forecast.total_dispersion
    assert np.isfinite(mean).all() and np.isfinite(d).all() and np.isfinite(total).all()
    assert (mean >= 0).all() and (d >= 1).all() and (d <= SETTINGS.max_dispersion).all() and (total >= 1).all()
    upper = {"all_zero": 0.1, "one_sale": 0.3, "constant": 4.4, "a_million_in_a_day": 20, "all_out_of_stock": 0.0,
             "all_sold_out": 15, "negative_days": 1.7, "one_day": 6}  # fmt: skip
    lower = {"constant": 3.6, "all_sold_out": 3.0, "a_million_in_a_day": 1.0, "one_day": 0.5}
    assert lower.get(name, 0.0) <= mean.mean() <= upper[name]
    methods = {"all_out_of_stock": "no_history", "constant": "own_level", "one_sale": "intermittent"}
    if name in methods:
        assert forecast.methods[forecast.method[0]] == methods[name]


def test_nothing_after_the_origin_is_read():
    p, *_ = simulated(days=50, skus=4, stores=5)
    wild = replace(p, units=np.concatenate([p.units[:, :40], 1e4 + p.units[:, 40:]], axis=1))
    one, two = (Champion().forecast(x.until(40), x.plan(40, 7)) for x in (p, wild))
    np.testing.assert_array_equal(one.mean, two.mean)
    np.testing.assert_array_equal(one.dispersion, two.dispersion)


def test_series_may_come_in_any_order():
    p, *_ = simulated(days=40, skus=3, stores=4)
    order = np.random.default_rng(1).permutation(p.series)
    one, two = Champion().forecast(p, p.plan(0, 3)), Champion().forecast(p.take(order), p.take(order).plan(0, 3))
    np.testing.assert_allclose(one.mean[order], two.mean, rtol=1e-6)


def test_the_plan_is_the_prior_of_an_uplift():
    """Nothing seen: the plan's 2.5. Then 100 units where 50 were expected without: (100 + 50 x 2.5) / (50 + 50) = 2.25."""
    nothing = tables_of(FactorSums.nothing(1, 1, 2), np.zeros(1, np.int64), SETTINGS)
    assert offer_multipliers(nothing, np.array([0, 1, 1]), np.array([np.nan, 2.5, np.nan]), SETTINGS).tolist() == [
        1.0,
        2.5,
        1.0,
    ]
    seen = replace(FactorSums.nothing(1, 1, 2), offer=np.array([[0.0, 100.0], [0.0, 50.0]]))
    # Days without an offer sold as expected: (50 + 50) / (50 + 50) = 1.
    tables = tables_of(
        replace(seen, offer=seen.offer + np.array([[50.0, 0], [50.0, 0]])), np.zeros(1, np.int64), SETTINGS
    )
    assert offer_multipliers(tables, np.array([1]), np.array([2.5]), SETTINGS)[0] == pytest.approx(2.25)


def test_offers_are_numbered_once():
    index, kind, planned = offers_of(
        np.array([[0, 2, 1], [2, 0, 2]]), np.array([[np.nan, 1.5, np.nan], [1.5, np.nan, 2.0]])
    )
    assert index.tolist() == [[0, 2, 1], [2, 0, 3]]
    assert kind.tolist() == [0, 1, 2, 2]
    np.testing.assert_array_equal(planned, [np.nan, np.nan, 1.5, 2.0])


def test_a_new_item_borrows_and_then_re_trends():
    """SKU 1 names SKU 0 (5 a day); SKU 3 has only its class (SKU 2: 2 a day). Two days at 10 move SKU 1 most of the way."""
    skus = np.array([[5.0, 0, 2.0, 0], [0.01] * 4, [0.0] * 4])
    known, classes = np.array([True, False, True, False]), np.array([0, 0, 1, 1])
    got = borrow_levels(skus, known, np.array([-1, 0, -1, -1]), classes, classes, SETTINGS)
    assert got[0].tolist() == [5.0, 5.0, 2.0, 2.0]
    assert got[1].tolist() == [0.01, SETTINGS.borrowed_var, 0.01, SETTINGS.borrowed_var]
    p = panel(np.full((6, 2), 10.0), sku=np.repeat([0], 6))
    state = DemandState(np.tile(np.array([[1.0], [0.3], [0], [0], [0]], np.float32), 6), got[:, 1:2], FactorSums.nothing(1, 1, 1),
                        np.array([1.5]), (0.002, 0.001, 0.0), 1.0, np.ones((1, 53)))  # fmt: skip
    after, _ = advance_state(state, keys_of(p), days_of(p), SETTINGS, learns=False)
    assert 8.0 < (after.skus[0, 0] * after.series[0]).mean() <= 10.5


def test_a_new_series_starts_at_its_locations_factor():
    """Location 0 sells 3 + 8 of the 2 + 4 that its SKUs usually sell: (11 + 1) / (6 + 1); location 1 is new."""
    p = panel(np.zeros((3, 1)), sku=[0, 1, 1], location=[0, 0, 1])
    state = DemandState(np.array([[1.5, 2.0, 9.0], *[[0.0] * 3] * 4], np.float32), np.array([[2.0, 4.0], [0, 0], [0, 0]]),
                        FactorSums.nothing(1, 1, 1), np.array([1.5]), (0.0, 0.0, 0.0), 1.0, np.ones((1, 53)))  # fmt: skip
    got = location_factors(state, keys_of(p), np.array([0, 1]), 2, SETTINGS)
    np.testing.assert_allclose(got, [12 / 7, 1.0])


def test_days_of_a_horizon_share_their_level():
    """A level known to 20 % that walks by 5 % a day: the spread of a sum of 10 days against a simulation."""
    rng = np.random.default_rng(0)
    draws, days, mean, d = 200_000, 10, 6.0, 1.6
    walk = rng.normal(0, 0.2, draws)[:, None] + np.cumsum(rng.normal(0, 0.05, (draws, days)), axis=1)
    level = np.maximum(mean * (1 + walk), 0.01)
    total = rng.negative_binomial(level / (d - 1), 1 / d).sum(axis=1)
    state = DemandState(
        np.zeros((5, 1), np.float32),
        np.zeros((3, 1)),
        FactorSums.nothing(1, 1, 1),
        np.ones(1),
        (0.002, 0.0005, 0.0),
        1.0,
        np.ones((1, 53)),
    )
    got = sum_dispersion(
        np.array([d]), np.array([mean * days]), np.array([0.04]), days, state, replace(SETTINGS, max_dispersion=99)
    )
    assert got[0] == pytest.approx(total.var() / total.mean(), rel=0.05)
    assert level_variance(state, keys_of(panel(np.zeros((1, 1)))))[0] == 0


def test_every_forecast_says_its_method():
    assert METHODS == ("own_level", "intermittent", "sku_level", "like_sku", "neighbours", "no_history")
    units = np.zeros((4, 30))
    units[0], units[1, ::9], exposure = 5.0, 1.0, np.ones((4, 30))
    exposure[2:] = 0.0
    p = panel(units, sku=[0, 1, 1, 2], exposure=exposure, item_class=[0, 0, 0, 0])
    found = Champion().forecast(p, plan(n=4))
    assert [METHODS[m] for m in found.method] == ["own_level", "intermittent", "sku_level", "neighbours"]


def test_three_years_carry_their_season_ahead():
    """Sales double around the turn of the year; a forecast made in autumn for the days at hand and one made at Christmas."""
    rng = np.random.default_rng(5)
    dates = np.datetime64("2022-01-03") + np.arange(3 * 365)
    shape = np.exp(0.6 * np.cos(2 * np.pi * (dates.astype(int) + 10) / 365.2425))
    units = rng.poisson(np.outer(rng.gamma(4, 2.0, 40), shape))
    p = panel(units, sku=np.repeat(np.arange(8), 5), location=np.tile(np.arange(5), 8), start="2022-01-03")
    state, _ = Champion().fit(p)
    weeks = np.arange(53)
    expected = np.exp(0.6 * np.cos(2 * np.pi * (weeks * 7 + 13) / 365.2425))
    np.testing.assert_allclose(state.season[0], expected / expected.mean(), rtol=0.05)
    january = plan(n=40, start="2025-01-02")
    assert Champion().forecast(p, january).mean.sum() == pytest.approx(
        units.mean() * 40 * 7 * np.exp(0.6) / shape.mean(), rel=0.1
    )


def test_late_sales_count_as_if_they_had_been_there():
    """Three series; of the second 12 units of four days ago came late, of the third a return was missing."""
    rng = np.random.default_rng(2)
    units = rng.poisson(4, (3, 60)).astype(float)
    units[1, 55], units[2, 57] = 13, -2
    partial = units.copy()
    partial[1, 55], partial[2, 57] = 1, 3
    whole, known = panel(units, sku=np.arange(3)), panel(partial, sku=np.arange(3))
    start = DemandState(np.array([[1.0], [0.3], [0], [0], [0]], np.float32).repeat(3, axis=1), np.array([[4.0] * 3, [0.0] * 3, [0.0] * 3]),
                        FactorSums.nothing(1, 1, 1), np.array([1.5]), (0.0, 0.003, 0.0), 1.0, np.ones((1, 53)))  # fmt: skip
    keys, settings = keys_of(whole), replace(SETTINGS, clip=100.0)
    exact, missed = (advance_state(start, keys, days_of(p), settings, learns=False)[0] for p in (whole, known))
    got = take_late(missed, keys, np.array([1, 2]), np.array([12.0, -5.0]), np.array([4, 2]), settings)
    before, after = np.abs(missed.series[0] - exact.series[0]), np.abs(got.series[0] - exact.series[0])
    assert (after[1:] < 0.2 * before[1:]).all() and got.series[0, 0] == missed.series[0, 0]


def test_the_worked_example_of_the_methods_page():
    """4 a day expected, dispersion 1.5, relative variance 0.3; 7 sold. Gain 0.3 x 4 / (0.3 x 4 + 1.5) = 4 / 9, surprise 3 / 4: the
    level rises by a third to 5.33, its variance falls to 0.3 x 1.5 / 2.7 = 1 / 6. With half the day's demand in stock and 3.5
    sold the gain is 0.6 / 2.1 = 2 / 7 and the level 4.86."""
    for share, sold, ratio, var in ((1.0, 7.0, 4 / 3, 1 / 6), (0.5, 3.5, 17 / 14, 0.3 * 1.5 / 2.1)):
        p = panel([[sold]], exposure=[[share]])
        state = DemandState(np.array([[1.0], [0.3], [0], [0], [0]], np.float32), np.array([[4.0], [0.0], [0.0]]),
                            FactorSums.nothing(1, 1, 1), np.array([1.5]), (0.0, 0.0, 0.0), 1.0, np.ones((1, 53)))  # fmt: skip
        after, _ = advance_state(state, keys_of(p), days_of(p), SETTINGS, learns=False)
        assert (after.skus[0, 0] * after.series[0, 0]).item() == pytest.approx(4 * ratio, rel=1e-5)
        assert after.series[1, 0] == pytest.approx(var, rel=1e-5)
