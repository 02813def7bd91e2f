"""Demand estimate: closed forms against scipy, recovery of known means under simulated censoring, odd inputs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from allocation_assets.demand.distribution import (
    demand_quantiles,
    expected_given_at_least,
    expected_sales,
    moments_given_at_least,
    probability_at_least,
)
from allocation_assets.demand.estimate import METHODS, DemandHistory, DemandSettings, estimate_demand

MEANS = (0.05, 0.7, 3.0, 40.0, 900.0)
DISPERSIONS = (1.0, 1.2, 3.0, 12.0)


def distribution(mean: float, d: float):
    return stats.poisson(mean) if d == 1 else stats.nbinom(mean / (d - 1), 1 / d)


@pytest.mark.parametrize("mean", MEANS)
@pytest.mark.parametrize("d", DISPERSIONS)
def test_closed_forms_against_scipy(mean, d):
    demand = distribution(mean, d)
    top = int(demand.ppf(1 - 1e-13)) + 50
    units = np.arange(top)
    mass = demand.pmf(units)
    for s in {0, 1, 2, int(mean), int(mean) + 3, int(demand.ppf(0.999))}:
        assert probability_at_least(s, mean, d) == pytest.approx(demand.sf(s - 1), rel=1e-9)
        conditional = (units * mass)[s:].sum() / mass[s:].sum()
        assert expected_given_at_least(s, mean, d) == pytest.approx(conditional, rel=1e-6)
        square = (units.astype(float) ** 2 * mass)[s:].sum() / mass[s:].sum()
        assert moments_given_at_least(s, mean, d)[1] == pytest.approx(square, rel=1e-6)
        assert expected_sales(s, mean, d) == pytest.approx((np.minimum(units, s) * mass).sum(), rel=1e-7)
    assert expected_sales(-3, mean, d) == -3


@pytest.mark.parametrize("mean", (*MEANS, 20_000.0))
@pytest.mark.parametrize("d", DISPERSIONS)
def test_quantiles_equal_scipy(mean, d):
    levels = (0.5, 0.9, 0.95, 0.99)
    got = demand_quantiles([mean / 5], [d], [5], levels)
    assert got.tolist() == [[int(distribution(mean, d).ppf(level)) for level in levels]]


def test_quantiles_of_many_random_pairs():
    rng = np.random.default_rng(3)
    mean, d, days = rng.gamma(0.5, 2.0, 2000), 1 + rng.gamma(1.0, 1.0, 2000), rng.integers(1, 15, 2000)
    got = demand_quantiles(mean, d, days)
    for column, level in enumerate((0.5, 0.9, 0.95, 0.99)):
        expected = stats.nbinom.ppf(level, mean * days / (d - 1), 1 / d)
        np.testing.assert_array_equal(got[:, column], expected.astype(int))


def test_quantiles_without_demand_or_order():
    assert demand_quantiles([0.0], [1.0], [7]).tolist() == [[0, 0, 0, 0]]
    with pytest.raises(ValueError, match="levels"):
        demand_quantiles([1.0], [1.0], [7], (0.9, 0.5))


def test_impossible_bounds_stay_finite():
    """A thousand sold where 0.01 was expected: the tail underflows, the answer stays near the bound."""
    got = expected_given_at_least([1000.0, 1e6, 5.0], [0.01, 0.5, 0.0], [1.0, 2.0, 1.5])
    assert np.isfinite(got).all() and (got >= [1000.0, 1e6, 5.0]).all() and (got <= [1001.0, 1e6 + 2, 6.5]).all()


def simulate(seed: int, known_hours: bool):
    """40 SKUs x 25 stores, 56 days of NB demand; each day's stock is random, sales stop when it is gone."""
    rng = np.random.default_rng(seed)
    sku, store = np.repeat(np.arange(40), 25), np.tile(np.arange(25), 40)
    truth = rng.gamma(1.0, 1.0, 40)[sku] * rng.uniform(0.5, 2.0, 25)[store] * rng.gamma(8.0, 1 / 8.0, sku.size)
    d = 1.8
    demand = rng.negative_binomial((truth / (d - 1))[:, None], 1 / d, (sku.size, 56))
    stock = rng.integers(0, 6, demand.shape)
    sales, out = np.minimum(demand, stock), demand >= stock
    if known_hours:
        # Demand arrives evenly over the day: sold out after about stock / demand of it.
        exposure = np.where(demand > 0, stock / np.maximum(demand, 1), np.where(stock == 0, 0.0, 1.0))
        exposure = np.minimum(exposure, 1.0)
    else:
        exposure = np.ones(demand.shape)
    pair, _ = np.nonzero(out)
    kept = np.where(out, 0, sales)
    history = DemandHistory(
        sku, store, np.full(sku.size, 56), kept.sum(1), (kept**2).sum(1), pair, sales[out], exposure[out],
        np.full(pair.size, known_hours),
    )  # fmt: skip
    return history, truth, sales.mean(1)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_lower_bounds_recover_known_means_better_than_naive(seed):
    history, truth, naive = simulate(seed, known_hours=False)
    got = estimate_demand(history)
    error, naive_error = np.abs(got.daily_mean - truth).sum(), np.abs(naive - truth).sum()
    bias, naive_bias = abs(got.daily_mean.sum() / truth.sum() - 1), abs(naive.sum() / truth.sum() - 1)
    assert error < 0.55 * naive_error
    assert bias < 0.12 < naive_bias
    assert np.median(got.dispersion) == pytest.approx(1.8, abs=0.15)
    sold_out = np.bincount(history.censored_pair, history.censored_units, truth.size) > 0
    np.testing.assert_array_equal(got.method_names() == "censored_em", sold_out)
    assert (got.dispersion >= 1).all() and got.censored_days.sum() == history.censored_pair.size


@pytest.mark.parametrize("seed", [4, 5])
def test_known_hours_recover_known_means_better_than_naive(seed):
    history, truth, naive = simulate(seed, known_hours=True)
    got = estimate_demand(history)
    assert np.abs(got.daily_mean - truth).sum() < 0.6 * np.abs(naive - truth).sum()
    timed = np.bincount(history.censored_pair, history.censored_exposure, truth.size) > 0
    np.testing.assert_array_equal(got.method_names() == "exposure_weighted", timed)


def uncensored(daily: np.ndarray, skus: int):
    stores = daily.shape[0] // skus
    return DemandHistory(
        np.repeat(np.arange(skus), stores), np.tile(np.arange(stores), skus), np.full(daily.shape[0], daily.shape[1]),
        daily.sum(1), (daily.astype(float) ** 2).sum(1),
    )  # fmt: skip


def test_mean_and_dispersion_of_plain_history():
    rng = np.random.default_rng(8)
    truth = np.repeat(rng.gamma(1.0, 1.5, 30), 20)
    daily = rng.negative_binomial((truth / 1.5)[:, None], 1 / 2.5, (600, 56))
    got = estimate_demand(uncensored(daily, 30))
    assert got.daily_mean.sum() == pytest.approx(daily.mean(1).sum(), rel=0.02)
    assert np.abs(got.daily_mean - truth).sum() < np.abs(daily.mean(1) - truth).sum()
    assert np.median(got.dispersion) == pytest.approx(2.5, abs=0.35)
    assert set(got.method_names()) == {"shrunk_mean"}


def test_long_history_is_left_alone():
    """One SKU, one store, 50 units on each of 5,000 days: no shrinkage to speak of, dispersion at its floor."""
    got = estimate_demand(DemandHistory([0], [0], [5000], [250_000], [12_500_000]))
    assert got.daily_mean[0] == pytest.approx(50.0, rel=1e-3)
    assert got.dispersion[0] == 1.0


def test_an_empty_shelf_day_is_no_zero():
    """Ten days of 2, ten days out of stock all day: the mean stays near 2 with known hours and without."""
    for known, exposure in ((True, 0.0), (False, 1.0)):
        history = DemandHistory(
            [0], [0], [20], [20], [40], np.zeros(10, int), np.zeros(10), np.full(10, exposure), np.full(10, known)
        )
        got = estimate_demand(history)
        assert got.daily_mean[0] == pytest.approx(2.0, rel=0.1)
        assert got.observed_days[0] == 10.0 and got.censored_days[0] == 10


@pytest.mark.parametrize(
    ("history", "method"),
    [
        (DemandHistory([0], [0], [56], [0], [0]), "shrunk_mean"),
        (DemandHistory([0], [0], [1], [3], [9]), "shrunk_mean"),
        (DemandHistory([0], [0], [0], [0], [0]), "no_history"),
        (DemandHistory([0], [0], [3], [0], [0], [0, 0, 0], [4, 5, 6], [1, 1, 1], [False] * 3), "censored_em"),
        (DemandHistory([0], [0], [3], [0], [0], [0, 0, 0], [0, 0, 0], [0, 0, 0], [True] * 3), "no_history"),
        (DemandHistory([0], [0], [2], [2e12], [2e24]), "shrunk_mean"),
        (DemandHistory([0], [0], [2], [0], [0], [0, 0], [1e9, 1e9], [1, 1], [False] * 2), "censored_em"),
    ],
)
def test_odd_histories_give_finite_values(history, method):
    got = estimate_demand(history)
    assert got.method_names().tolist() == [method]
    assert np.isfinite(got.daily_mean).all() and (got.daily_mean >= 0).all()
    assert (got.daily_mean <= DemandSettings().max_daily_mean).all()
    assert (got.dispersion >= 1).all() and (got.dispersion <= DemandSettings().max_dispersion).all()


def test_always_sold_out_stays_within_the_uplift():
    history = DemandHistory(
        [0], [0], [30], [0], [0], np.zeros(30, int), np.full(30, 4.0), np.ones(30), np.zeros(30, bool)
    )
    mean = estimate_demand(history).daily_mean[0]
    assert 4.0 < mean <= 4.0 * DemandSettings().uplift_limit * 1.5


def test_fallbacks_to_the_sku_and_to_everything():
    """Pair 1 has no day of its own, SKU 1 none anywhere: prior of the SKU x location, then of all."""
    got = estimate_demand(DemandHistory([0, 0, 1], [0, 1, 0], [56, 0, 0], [112, 0, 0], [300, 0, 0]))
    assert got.method_names().tolist() == ["shrunk_mean", "sku_location_prior", "global_prior"]
    np.testing.assert_allclose(got.daily_mean, 2.0, rtol=0.05)
    assert METHODS[0] == "shrunk_mean"


def test_no_pairs():
    assert estimate_demand(DemandHistory([], [], [], [], [])).daily_mean.size == 0


@pytest.mark.parametrize(
    ("history", "text"),
    [
        (DemandHistory([0], [0, 1], [1], [1], [1]), "location"),
        (DemandHistory([0], [0], [1], [-1], [1]), "sum_units"),
        (DemandHistory([0], [0], [1], [1], [1], [3], [1], [1], [True]), "censored_pair"),
        (DemandHistory([0], [0], [1], [1], [1], [0], [], [1], [True]), "censored_units"),
    ],
)
def test_bad_history_says_what_is_wrong(history, text):
    with pytest.raises(ValueError, match=text):
        estimate_demand(history)
