"""Distributions of demand: closed forms and quantiles against scipy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from allocation_assets.demand.distribution import (
    demand_quantiles,
    expected_sales,
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
