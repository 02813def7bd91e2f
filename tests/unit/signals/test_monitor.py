"""Each signal by hand on a series or two, and its chances against scipy's distributions."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from allocation_assets.signals.monitor import SIGNALS, Flags, Observed, SignalSettings, SignalState, watch

#: Limits of the worked examples.
SETTINGS = SignalSettings(significance=4.0)


def seen(units, mean=10.0, dispersion=1.0, **changes) -> Observed:
    """Series of one SKU at locations 0, 1, ...; one value or one per series."""
    n = len(units)
    arrays = {"sku": 0, "location": np.arange(n), "mean": mean, "dispersion": dispersion, "exposure": 1.0, "is_bound": False,
              "is_on_sale": True} | {name: values for name, values in changes.items() if name != "days"}  # fmt: skip
    spread = {name: np.broadcast_to(np.asarray(values), n).copy() for name, values in arrays.items()}
    return Observed(units=np.array(units, float), days=changes.get("days", 1), **spread)


def walk(dates: list[Observed], settings: SignalSettings = SETTINGS) -> list[dict[str, Flags]]:
    """Flags date by date, by signal; state carried in between."""
    state = SignalState.nothing(len(dates[0].units), int(dates[0].sku.max()) + 1)
    found = []
    for date in dates:
        state, flags = watch(date, state, settings)
        rows = {name: np.flatnonzero(flags.signal == code) for code, name in enumerate(SIGNALS)}
        found.append(
            {name: Flags(*(values[at] for values in vars(flags).values())) for name, at in rows.items() if len(at)}
        )
    return found


def test_a_forecast_too_low_by_half_its_size():
    """10 forecast, 15 sold, Poisson: after t dates error 5 w, variance 10 v, w = (1 - .95^t) / .05, v = (1 - .9025^t) / .0975.

    t = 6: 26.49 < 4 sqrt(47.15) = 27.47. t = 7: 30.17 >= 4 sqrt(52.55) = 29.00: bias -1/3 of what sold, all errors one way.
    CUSUM: each date adds 5 / sqrt(10) - 0.5 = 1.081; 10.81 on the tenth; the shift is (0.5 + 1.081) sqrt(10) = 5 a day.
    """
    found = walk([seen([15])] * 11)
    assert [sorted(date) for date in found] == [[]] * 6 + [["bias", "tracking"]] * 3 + [
        ["bias", "break", "tracking"],
        ["bias", "tracking"],
    ]
    bias, tracking, broken = found[6]["bias"], found[6]["tracking"], found[9]["break"]
    assert bias.value == pytest.approx([-1 / 3], rel=1e-5) and bias.units == pytest.approx([5], rel=1e-5)
    assert tracking.value == pytest.approx([1.0], rel=1e-5)
    assert broken.value == pytest.approx([10 * (5 / np.sqrt(10) - 0.5)], rel=1e-5)
    assert broken.units == pytest.approx([5], rel=1e-5)
    assert bias.is_up.all() and broken.is_up.all()


def test_a_forecast_too_high_and_a_week_at_a_time():
    """1 a day forecast, 2 of the week's 7 sold: a break downwards of 5 / 7 a day. -5 / sqrt(7) + 0.5 = -1.39: 8 dates.

    Error 5 w, variance 7 v: t = 4: 18.55 < 4 sqrt(24.16) = 19.66; t = 5: 22.62 >= 4 sqrt(28.80) = 21.47.
    """
    found = walk([seen([2], mean=1.0, days=7)] * 8)
    broken = found[7]["break"]
    assert [sorted(date) for date in found[:7]] == [[]] * 4 + [["bias", "tracking"]] * 3
    assert not broken.is_up.any() and broken.units == pytest.approx([5 / 7], rel=1e-5)
    assert found[7]["bias"].value == pytest.approx([2.5], rel=1e-5)


def test_without_enough_units_nothing_is_called_biased():
    """0.5 a day against none for 40 dates: all errors one way, but at most 10 units are ever forecast."""
    settings = SignalSettings(significance=2.0, stop_probability=1e-300, break_limit=1000)
    assert all(not date for date in walk([seen([0], mean=0.5)] * 40, settings))
    assert any(date for date in walk([seen([0], mean=0.5)] * 40, SignalSettings(significance=2.0, min_units=8)))


@pytest.mark.parametrize(("mean", "dispersion"), [(0.3, 1.0), (4.0, 1.0), (0.3, 2.5), (4.0, 1.2), (80.0, 6.0)])
def test_an_outlier_is_what_the_distribution_makes_it(mean, dispersion):
    """P(D >= u) from scipy; flagged exactly where it is below 1e-6."""
    units = np.arange(0, 400)
    if dispersion == 1.0:
        chance = stats.poisson.sf(units - 1, mean)
    else:
        chance = stats.nbinom.sf(units - 1, mean / (dispersion - 1), 1 / dispersion)
    [found] = walk([seen(units, mean, dispersion)])
    outlier = found["outlier"]
    assert outlier.row.tolist() == np.flatnonzero(chance < 1e-6).tolist()
    rows = outlier.row[chance[outlier.row] > 1e-200]
    assert outlier.value[: len(rows)] == pytest.approx(chance[rows], rel=1e-6)
    assert outlier.units == pytest.approx(outlier.row - mean)


def test_one_outlier_is_not_a_bias_and_not_a_break():
    """A thousand units once: its error counts for three standard deviations."""
    found = walk([seen([1000])] + [seen([10])] * 5)
    assert [sorted(date) for date in found] == [["outlier"], [], [], [], [], []]


def test_a_sudden_stop():
    """Poisson 1 a day at two locations: chance exp(-2 t) of nothing; exp(-12) > 1e-6 > exp(-14): flagged from the 7th date.

    With one shelf empty the other alone speaks: 14 dates. A sale at either begins anew.
    """
    nothing, half = seen([0, 0], mean=1.0), seen([0, 0], mean=1.0, is_bound=[False, True])
    found = walk([nothing] * 8)
    assert ["stop" in date for date in found] == [False] * 6 + [True] * 2
    assert found[6]["stop"].value == pytest.approx([np.exp(-14)]) and found[6]["stop"].units == pytest.approx([2.0])
    assert ["stop" in date for date in walk([half] * 14)] == [False] * 13 + [True]
    assert "stop" not in walk([nothing] * 6 + [seen([0, 1], mean=1.0)] + [nothing] * 6)[-1]


def test_chance_of_nothing_with_dispersion_and_hours_out():
    """Negative binomial of mean 2, ratio 3: P(0) = 3^-1. Half the day in stock: mean 1, ratio 2, P(0) = 2^-1."""
    for exposure, chance in ((1.0, 1 / 3), (0.5, 1 / 2)):
        found = walk([seen([0], mean=2.0, dispersion=3.0, exposure=exposure)], SignalSettings(stop_probability=0.9))
        assert found[0]["stop"].value == pytest.approx([chance])


def test_an_empty_shelf_a_closed_pair_and_a_closed_location_say_nothing():
    """Nothing sold for 40 dates: out of stock, not on sale, or a location that sold none of 12 units expected of two items."""
    for silent in (
        seen([0], is_bound=True),
        seen([0], is_on_sale=False),
        seen([0], exposure=0.0),
        seen([0, 0], mean=6.0, sku=[0, 1], location=[0, 0]),
    ):
        assert all(not date for date in walk([silent] * 40))


def test_sales_of_an_empty_shelf_are_a_lower_bound_and_may_still_be_an_outlier():
    [found] = walk([seen([60], is_bound=True)])
    assert sorted(found) == ["outlier"]


def test_a_forecast_that_is_none_is_refused():
    for bad in ({"mean": np.nan}, {"mean": -1.0}, {"dispersion": 0.5}):
        with pytest.raises(ValueError, match="signals: forecasts"):
            watch(seen([1], **bad), SignalState.nothing(1, 1), SETTINGS)


def test_no_series():
    state, flags = watch(seen([]), SignalState.nothing(0, 0), SETTINGS)
    assert flags.signal.tolist() == [] and state.series.shape == (9, 0)
