"""The yearly profile: recovered from simulated years, none from one year, weeks added one by one."""

from __future__ import annotations

import numpy as np
import pytest

from allocation_assets.demand.season import WEEKS, WeeklySums, season_index, week_number, week_of_year


def weekly(years: float, seed: int = 0, swing: float = 0.5):
    """Two classes: a big one that peaks at the turn of the year, a tiny one of the same shape."""
    rng = np.random.default_rng(seed)
    dates = np.datetime64("2021-01-04") + 7 * np.arange(int(years * 52.18))
    day = dates.astype(int) + 3.0
    shape = np.exp(swing * np.cos(2 * np.pi * day / 365.2425) + 0.002 * np.arange(len(dates)))
    units = rng.poisson(np.stack([4000 * shape, 0.4 * shape]))
    return WeeklySums(int(week_number(dates)[0]), units.astype(float), np.full(units.shape, 700.0))


def test_three_years_show_the_season_and_not_the_trend():
    index = season_index(weekly(3))
    expected = np.exp(0.5 * np.cos(2 * np.pi * (np.arange(WEEKS) * 7 + 3) / 365.2425))
    np.testing.assert_allclose(index[0], expected / expected.mean(), rtol=0.03)
    np.testing.assert_allclose(index.mean(axis=1), 1.0)
    # A class with hardly a sale takes the shape of all.
    np.testing.assert_allclose(index[1], index[0], rtol=0.12)


def test_one_year_is_no_season():
    assert (season_index(weekly(1.9)) == 1.0).all()
    assert season_index(WeeklySums.nothing(3)).tolist() == [[1.0] * WEEKS] * 3


def test_no_season_gives_an_index_near_one():
    index = season_index(weekly(3, swing=0.0))
    assert np.abs(index[0] - 1).max() < 0.01
    assert np.abs(index[1] - 1).max() < 0.1


def test_weeks_add_up_and_old_ones_are_dropped():
    sums = WeeklySums.nothing(1).plus(np.array([10, 11]), np.array([[1.0, 2.0]]), np.array([[7.0, 7.0]]), 3)
    sums = sums.plus(np.array([11, 13]), np.array([[5.0, 6.0]]), np.array([[1.0, 1.0]]), 3)
    assert (sums.first, sums.units.tolist(), sums.days.tolist()) == (11, [[7.0, 0.0, 6.0]], [[8.0, 0.0, 1.0]])
    assert sums.plus(np.array([], int), np.zeros((1, 0)), np.zeros((1, 0)), 3) is sums


def test_weeks_by_hand():
    """2026-01-05 is a Monday."""
    dates = np.array(["2026-01-01", "2026-01-07", "2026-01-08", "2026-12-31"], "datetime64[D]")
    assert week_of_year(dates).tolist() == [0, 0, 1, 52]
    monday = week_number(np.array(["2026-01-04", "2026-01-05", "2026-01-11", "2026-01-12"], "datetime64[D]"))
    assert np.diff(monday).tolist() == pytest.approx([1, 0, 1])
