"""Distributions of demand: closed forms and quantiles against scipy."""

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
