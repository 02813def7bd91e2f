"""Baselines against their formulas written as plain loops, and on series that break methods."""

from __future__ import annotations

import numpy as np
import pytest

from allocation_assets.demand.baselines import METHODS, NAMES, baseline, histories
from tests.unit.demand.test_backtest import panel_of

DAYS, AHEAD = 70, 9


@pytest.fixture(scope="module")
def units():
    rng = np.random.default_rng(2)
    often = rng.poisson(5.0, (2, DAYS))
    rarely = rng.poisson(2.0, (2, DAYS)) * (rng.random((2, DAYS)) < 0.3)
    return np.vstack([often, rarely]).astype(float)


def forecast(name, units, days=AHEAD, **changes):
    panel = panel_of(np.hstack([units, np.zeros((len(units), days))]), **changes)
    return baseline(name).forecast(panel.until(units.shape[1]), panel.plan(units.shape[1], days))


def smoothed(values, alpha, level):
    for value in values:
        level += alpha * (value - level)
    return level


def test_seasonal_naive_repeats_the_last_week(units):
    found = forecast("seasonal_naive", units).mean
    assert found == pytest.approx(np.hstack([units[:, -7:], units[:, -7:-5]]))


def test_moving_average_is_the_mean_of_28_days_and_its_errors_are_from_the_mean(units):
    found = forecast("moving_average", units)
    assert found.mean == pytest.approx(np.repeat(units[:, -28:].mean(axis=1)[:, None], AHEAD, axis=1), rel=1e-5)
    spread = ((units - units.mean(axis=1, keepdims=True)) ** 2).sum(axis=1) / units.sum(axis=1)
    assert found.total_dispersion == pytest.approx(np.maximum(spread, 1.0))
    assert (found.dispersion == found.total_dispersion[:, None]).all()


def test_ses_by_its_recursion(units):
    found = forecast("ses", units)
    for row, series in enumerate(units):
        assert found.mean[row] == pytest.approx(np.full(AHEAD, smoothed(series[1:], 0.1, series[0])), rel=1e-4)
        fitted = [smoothed(series[1:t], 0.1, series[0]) for t in range(1, DAYS)]
        spread = ((series[1:] - fitted) ** 2).sum() / np.sum(fitted)
        assert found.total_dispersion[row] == pytest.approx(max(spread, 1.0), rel=1e-4)


def test_croston_sba_by_its_recursion(units):
    """Sizes and intervals smoothed with 0.1 from the first of each; the rate times 0.95 (Syntetos and Boylan 2005)."""
    found = forecast("croston_sba", units).mean
    for row, series in enumerate(units):
        at = np.flatnonzero(series)
        sizes, gaps = series[at], np.diff(np.concatenate([[-1], at]))
        rate = smoothed(sizes[1:], 0.1, sizes[0]) / smoothed(gaps[1:], 0.1, gaps[0])
        assert found[row] == pytest.approx(np.full(AHEAD, 0.95 * rate), rel=1e-4)


def test_tsb_by_its_recursion(units):
    """Sizes smoothed at each demand, the chance of a demand every day (Teunter, Syntetos and Babai 2011)."""
    found = forecast("tsb", units).mean
    for row, series in enumerate(units):
        sizes, chance = series[series > 0], (series > 0).astype(float)
        expected = smoothed(sizes[1:], 0.1, sizes[0]) * smoothed(chance[1:], 0.1, chance[0])
        assert found[row] == pytest.approx(np.full(AHEAD, expected), rel=1e-4)


def test_auto_ets_finds_a_week():
    week = np.array([2.0, 2, 2, 2, 6, 12, 12])
    series = np.tile(week, 12) + np.random.default_rng(0).normal(0, 0.3, 84)
    found = forecast("auto_ets", series[None], days=7)
    assert found.mean[0] == pytest.approx(week, abs=1.0) and METHODS[found.method[0]] == "library"


def test_restored_history_by_hand():
    """Half a day counts double; hidden days and slivers of one are the mean of the weekday, else of all days."""
    units, exposure = np.tile(np.arange(1.0, 8), (1, 3)), np.ones((1, 21), np.float32)
    exposure[0, 8], exposure[0, 9], exposure[0, 17] = 0.5, 0.0, 0.2
    exposure[0, [6, 13, 20]] = 0.0
    panel = panel_of(units, exposure=exposure)
    expected = units[0].copy()
    expected[8], expected[9], expected[17] = 2 / 0.5, 3.0, 4.0
    seen = np.delete(expected, [6, 9, 13, 17, 20])
    expected[[6, 13, 20]] = seen.mean()
    assert histories(panel, "restored")[0] == pytest.approx(expected)
    assert histories(panel_of(-units), "sales").tolist() == np.zeros((1, 21)).tolist()
    with pytest.raises(ValueError, match="history must be"):
        histories(panel, "guessed")


DEGENERATE = {
    "all zero": np.zeros(60), "one sale": np.eye(60)[40], "constant": np.full(60, 3.0),
    "a million in a day": np.where(np.arange(60) == 30, 1e6, 1.0), "negative days": np.tile([3.0, -2.0, 0.0], 20),
}  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_degenerate_series_get_finite_distributions(name):
    units = np.vstack(list(DEGENERATE.values()))
    found = forecast(name, units)
    for values in (found.mean, found.dispersion, found.total_dispersion):
        assert np.isfinite(values).all()
    assert (found.mean >= 0).all() and (found.dispersion >= 1).all()
    said = {key: METHODS[code] for key, code in zip(DEGENERATE, found.method, strict=True)}
    assert said["all zero"] == said["constant"] == "fallback"
    assert (found.mean[0].max(), found.mean[2].min()) == (0.0, 3.0)


@pytest.mark.parametrize("name", NAMES)
def test_a_series_of_one_day_gets_that_day(name):
    units = np.vstack([np.full(60, 9.0), np.arange(60.0)])
    units[0, -1] = 4.0
    found = forecast(name, units, first_day=np.array([59, 0]))
    assert found.mean[0].tolist() == [4.0] * AHEAD and METHODS[found.method[0]] == "fallback"
