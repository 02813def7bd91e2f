"""The demand benchmark's own arithmetic: what is seen of a day, what is hidden, what the series of a shard look like."""

from __future__ import annotations

import numpy as np
import pytest

from tests.benchmarks.forecast_world import censoring, speed
from tests.benchmarks.forecast_world.freshretail import load_fresh, seen_panel


@pytest.fixture(scope="module")
def fresh():
    return load_fresh()


def test_a_day_is_seen_in_its_hours_in_stock(fresh):
    """Units of the hours in stock, and the share of the profile that falls into them."""
    assert fresh.profile.sum() == pytest.approx(1.0)
    assert fresh.panel.units.shape == (803, 90) and fresh.training == 62
    row, day = np.argwhere((fresh.panel.exposure > 0.3) & (fresh.panel.exposure < 0.7))[17]
    hours = fresh.in_stock[row, day]
    assert fresh.panel.units[row, day] == fresh.hourly[row, day][hours].sum()
    assert fresh.panel.exposure[row, day] == pytest.approx(fresh.profile[hours].sum(), rel=1e-5)
    full = fresh.in_stock.all(axis=2)
    assert (fresh.panel.exposure[full] == 1.0).all() and full.mean() > 0.1


@pytest.mark.parametrize("pattern", censoring.PATTERNS)
def test_hidden_hours_were_in_stock(fresh, pattern):
    left = censoring.hide(fresh, pattern, 3)
    assert (left <= fresh.in_stock).all() and left.sum() < fresh.in_stock.sum()
    hidden = seen_panel(fresh, left)
    assert (hidden.units <= fresh.panel.units).all() and (hidden.exposure <= fresh.panel.exposure).all()
    assert 0.15 < (hidden.exposure < fresh.panel.exposure).mean() < 0.4


def test_errors_are_shares_of_what_truly_sold():
    got = censoring._against(np.array([[2.0, 9.0, 5.0]]), np.array([[4.0, 6.0, 7.0]]), np.array([[True, True, False]]))
    assert (got.bias, got.wape) == (pytest.approx(0.1), pytest.approx(0.5))


def test_a_shard_has_the_demand_that_it_says():
    shard = speed.make_shard(5, skus=30, days=60)
    units, exposure = shard.days.units, shard.days.exposure
    assert units.shape == (60, 3000) and (units[exposure == 0] == 0).all()
    assert 0.03 < (exposure < 1).mean() < 0.07
    panel = speed.as_panel(shard, np.array([0, 150, 2999]))
    assert panel.sku.tolist() == [0, 1, 29]
    np.testing.assert_array_equal(panel.units[1], units[:, 150])
