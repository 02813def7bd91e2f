"""The backtest against libraries (utilsforecast, scipy), plain loops and cases worked out by hand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from utilsforecast import losses

from allocation_assets.demand import backtest as bt
from allocation_assets.demand.panel import DemandPanel, DemandPlan, Forecast

HORIZON = 7


@dataclass(frozen=True)
class Given:
    """Forecasts the given means (n, t) and dispersion, by day of the panel."""

    means: np.ndarray
    dispersion: float = 1.0
    name: str = "given"

    def forecast(self, history: DemandPanel, plan: DemandPlan) -> Forecast:
        mean = self.means[:, history.days : history.days + len(plan.dates)]
        n = history.series
        return Forecast(mean, np.full(mean.shape, self.dispersion), np.ones(n), np.zeros(n, np.int8), ("given",))


def panel_of(units, **changes):
    units = np.asarray(units, np.float32)
    n, t = units.shape
    zero = np.zeros(n, np.int64)
    made = DemandPanel(
        np.arange("2025-01-06", np.datetime64("2025-01-06") + t, dtype="datetime64[D]"), np.zeros(t, np.int64), units,
        np.ones((n, t), np.float32), np.zeros((n, t), bool), np.zeros((n, t), np.int64), np.full((n, t), np.nan), zero,
        np.arange(n), zero, zero, zero, np.full(n, -1),
    )  # fmt: skip
    return replace(made, **changes)


def pairs(n):
    return bt.Level("pair", None, np.arange(n))


def one(sums, row):
    return bt.measures({name: values[row : row + 1] for name, values in sums.items()})


def test_measures_of_each_series_are_those_of_utilsforecast():
    """Two windows; scales from the days before the first. Quantiles from scipy."""
    rng = np.random.default_rng(3)
    units, means, d = rng.negative_binomial(2, 0.4, (4, 63)), rng.gamma(3, 1.0, (4, 63)), 2.5
    sums = bt.backtest(panel_of(units), Given(means, d), [pairs(4)], windows=2, horizon=HORIZON)["pair", False]
    cut, levels = 63 - 14, np.array(bt.PINBALL_LEVELS)
    rows = pd.DataFrame([(str(k), t, units[k, t], means[k, t]) for k in range(4) for t in range(63)],
                        columns=["unique_id", "ds", "y", "mean"])  # fmt: skip
    demand = stats.nbinom(rows["mean"] / (d - 1), 1 / d)
    rows["median"] = demand.ppf(0.5)
    for level in (*levels, 0.1, 0.9):
        rows[f"q{level}"] = demand.ppf(level)
    train, test = rows[rows.ds < cut].drop(columns=["mean"]), rows[rows.ds >= cut]
    expected = {
        "wape": losses.wape(test, ["median"])["median"],
        "wape_mean": losses.wape(test, ["mean"])["mean"],
        "mase": losses.mase(test, ["mean"], 7, train)["mean"],
        "rmsse": losses.rmsse(test, ["mean"], 7, train)["mean"],
        "scaled_pinball_loss": losses.scaled_mqloss(test, {"q": [f"q{x}" for x in levels]}, levels, 1, train)["q"],
    }
    test = test.assign(**{"m-lo-80": test["q0.1"], "m-hi-80": test["q0.9"], "m-lo-95": test["q0.025"], "m-hi-95": test["q0.975"],
                          "m-lo-50": test["q0.25"], "m-hi-50": test["q0.75"]})  # fmt: skip
    expected |= {f"coverage_{level}": losses.coverage(test, ["m"], level)["m"] for level in (50, 80, 95)}
    for name, values in expected.items():
        assert [one(sums, row)[name] for row in range(4)] == pytest.approx(values.tolist(), rel=1e-6), name
    grouped = test.groupby("unique_id")
    bias = grouped["mean"].sum() / grouped["y"].sum() - 1
    loss = losses.mqloss(test, {"q": [f"q{x}" for x in levels]}, levels)["q"] * 14
    assert [one(sums, row)["bias"] for row in range(4)] == pytest.approx(bias.tolist())
    wql = 2 * loss.to_numpy() / grouped["y"].sum().to_numpy()
    assert [one(sums, row)["weighted_quantile_loss"] for row in range(4)] == pytest.approx(wql.tolist())


def test_a_day_is_compared_on_the_share_of_it_that_was_on_the_shelf():
    units = np.full((1, 21), 4.0)
    exposure, is_bound = np.ones((1, 21), np.float32), np.zeros((1, 21), bool)
    exposure[0, 14:18], is_bound[0, 18] = (0.5, 0.0, 0.25, 1.0), True
    units[0, 19] = -3
    panel = panel_of(units, exposure=exposure, is_bound=is_bound)
    found = bt.roll(panel, Given(np.full((1, 21), 8.0), 3.0), [14], HORIZON)
    assert found.mean[0].tolist() == [4, 0, 2, 8, 8, 8, 8]
    assert found.is_scored[0].tolist() == [True, False, True, True, False, True, True]
    assert found.is_full[0].tolist() == [False, False, False, True, False, True, True]
    assert found.units[0].tolist() == [4, 4, 4, 4, 4, 0, 4]
    scores = {full: bt.score(found, bt.scale_of(units[:, :14]), full_days=full) for full in (False, True)}
    assert [scores[full][name][0] for full in (False, True) for name in ("days", "units", "error_abs")] == [
        5, 16, 0 + 2 + 4 + 8 + 4, 3, 8, 4 + 8 + 4
    ]  # fmt: skip


def test_days_before_a_series_begins_count_neither_in_scores_nor_in_scales():
    units = np.tile([0.0, 3.0], (2, 14))
    panel = panel_of(units, first_day=np.array([0, 17]))
    sums = bt.backtest(panel, Given(np.ones((2, 28))), [pairs(2)], windows=2, horizon=HORIZON)["pair", False]
    assert sums["days"].tolist() == [14, 11]
    # Of 14 days of history the changes from the 10th on: three of 2 units and one of 0.
    history = np.array([[9, 9, 9, 9, 9, 9, 9, 9, 9, 0, 2, 0, 2, 2]])
    assert bt.scale_of(history, np.array([9])).day == pytest.approx([6 / 4])
    assert np.isnan(bt.scale_of(history, np.array([14])).day[0])


def test_series_without_a_scale_are_left_out_of_scaled_measures_only():
    """Constant from week to week: no weekly scale. It changes from day to day: pinball is scaled."""
    units = np.vstack([np.tile([1, 2, 3, 4, 5, 6, 7], 5), np.arange(35), np.full(35, 2)])
    sums = bt.backtest(panel_of(units), Given(units + 1.0), [pairs(3)], windows=1, horizon=HORIZON)["pair", False]
    assert (sums["week_days"].tolist(), sums["scaled_days"].tolist()) == ([0, 7, 0], [7, 7, 0])
    found = bt.measures(sums)
    assert found["mase"] == pytest.approx(1 / 7) and found["rmsse"] == pytest.approx(1 / 7)
    assert one(sums, 0)["mase"] is None and one(sums, 2)["scaled_pinball_loss"] is None
    assert one(sums, 2)["wape"] is not None
    nothing = bt.measures({name: np.zeros(1) for name in bt.SUMS})
    assert set(nothing.values()) == {None}


def four(scored, before):
    """Four series, three windows before and two scored; a forecast of 10 a day."""
    units = np.full((4, 14 + 35), 10.0)
    units[:, 14:35], units[:, 35:] = before, scored
    groups = bt.Level("all", np.zeros(4, np.int64), np.zeros(1, np.int64))
    return bt.backtest(panel_of(units), Given(np.full((4, 49), 10.0)), [groups], windows=2, horizon=HORIZON)[
        "all", False
    ]


def test_what_an_aggregate_shares_is_learned_on_windows_before_the_first_origin():
    """40 a day forecast, 80 sold: outside 95 % of independent Poissons, inside where errors like that came before."""
    surprised, warned = four(20.0, 10.0), four(20.0, 20.0)
    assert (surprised["inside_95"].tolist(), warned["inside_95"].tolist()) == ([0], [14])
    assert surprised["error"].tolist() == warned["error"].tolist() == [14 * -40]


def test_aggregates_by_hand():
    """Two series of mean 2 and 3, dispersion 3: variance 6 + 9; a hidden day of the second leaves the first alone."""
    units, exposure = np.array([[5.0] * 14, [1.0] * 14]), np.ones((2, 14), np.float32)
    exposure[1, 13] = 0
    means = np.array([[2.0] * 14, [3.0] * 14])
    rolled = bt.roll(panel_of(units, exposure=exposure), Given(means, 3.0), [7], HORIZON)
    group = np.zeros(2, np.int64)
    # Six days: error 1, variance 15, mean 5; one day: error 3, variance 6, mean 2. No excess over the variance.
    assert bt.shared_variation(rolled, group) == 0.0
    wide = replace(rolled, units=rolled.units * 4)
    squares, variance = 6 * 19.0**2 + 18.0**2, 6 * 15 + 6
    assert bt.shared_variation(wide, group) == pytest.approx(np.sqrt((squares - variance) / (6 * 25 + 4)))
    found = bt.aggregate(rolled, group, 0.5)
    assert found.mean[0].tolist() == [5] * 6 + [2] and found.units[0].tolist() == [6] * 6 + [5]
    assert found.dispersion[0] == pytest.approx([(15 + 6.25) / 5] * 6 + [(6 + 1) / 2])


@pytest.mark.parametrize(("mean", "d"), [(0.3, 1.0), (2.0, 1.6), (30.0, 6.0)])
def test_randomised_pit_of_the_truth_is_uniform(mean, d):
    """0.8 within four standard errors, for sparse counts too."""
    rng = np.random.default_rng(11)
    demand = stats.poisson(mean) if d == 1 else stats.nbinom(mean / (d - 1), 1 / d)
    units = demand.rvs((400, 35), random_state=rng)
    sums = bt.backtest(panel_of(units), Given(np.full((400, 35), mean), d), [pairs(400)], windows=4, horizon=HORIZON)[
        "pair", False
    ]
    days = 400 * 28
    assert bt.measures(sums)["pit_80"] == pytest.approx(0.8, abs=4 * np.sqrt(0.16 / days))
    again = bt.backtest(panel_of(units), Given(np.full((400, 35), mean), d), [pairs(400)], windows=4, horizon=HORIZON)
    assert (again["pair", False]["pit_80"] == sums["pit_80"]).all()


def test_bootstrap_draws_whole_blocks_for_both_at_once():
    """The same draws by plain counting; interval ends are quantiles of the differences."""
    rng = np.random.default_rng(5)
    sums = [{name: rng.gamma(2.0, 1.0, 9) for name in bt.SUMS} for _ in range(2)]
    block = np.array([0, 0, 1, 2, 2, 2, 3, 3, 1])
    found = bt.differences(*sums, block, draws=200, seed=7)
    weight = np.random.default_rng(7).multinomial(4, [0.25] * 4, 200)
    for name, (top, bottom) in bt.COMPARED.items():
        drawn = []
        for counts in weight:
            rows = [row for b in range(4) for _ in range(counts[b]) for row in np.flatnonzero(block == b)]
            drawn.append(np.subtract(*(of[top][rows].sum() / of[bottom][rows].sum() for of in sums)))
        whole = np.subtract(*(of[top].sum() / of[bottom].sum() for of in sums))
        assert found[name] == pytest.approx((whole, *np.quantile(drawn, [0.025, 0.975])))
    same = bt.differences(sums[0], sums[0], block)
    assert set(same.values()) == {(0.0, 0.0, 0.0)}


def test_origins_end_with_the_panel_and_need_history():
    assert bt.origins_of(35, 4, 7) == [7, 14, 21, 28]
    assert bt.origins_of(28, 4, 7) == [7, 14, 21]
    assert bt.origins_of(5, 4, 7) == []
