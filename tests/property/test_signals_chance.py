"""Signals of a world whose forecasts are right are as rare as policy says; they do not depend on the neighbours."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation_assets.signals.monitor import SIGNALS, Observed, SignalSettings, SignalState, watch


def world(rng, n: int, days: int):
    mean, dispersion = np.exp(rng.normal(-0.5, 1.3, n)), 1.2 + rng.gamma(1.0, 0.8, n)
    units = rng.negative_binomial(mean / (dispersion - 1), 1 / dispersion, (days, n)).astype(float)
    return mean, dispersion, units


def flagged(mean, dispersion, units, limits: SignalSettings) -> list[set[tuple[str, int]]]:
    """Flags (signal, series) by date; every series is an item of its own, at a location of its own."""
    n, state, found = len(mean), SignalState.nothing(len(mean), len(mean)), []
    code, no, one = np.arange(n), np.zeros(n, bool), np.ones(n)
    for row in units:
        state, flags = watch(Observed(code, code, mean, dispersion, row, one, no, ~no), state, limits)
        found.append({(SIGNALS[signal], int(at)) for signal, at in zip(flags.signal, flags.row, strict=True)})
    return found


def test_right_forecasts_are_seldom_flagged():
    """240,000 series-days. Outliers and stops have the chance that policy gives them (here 1 in 1,000, twice as often at most);
    biases, far from zero by five standard deviations, are seldom even though errors are skewed."""
    rng = np.random.default_rng(3)
    found = flagged(*world(rng, 4000, 60), SignalSettings(outlier_probability=1e-3, stop_probability=1e-3))
    counts = {name: sum(signal == name for date in found for signal, _ in date) / 240_000 for name in SIGNALS}
    assert 0 < counts["outlier"] < 1e-3 and counts["stop"] < 2e-3
    assert max(counts["bias"], counts["tracking"], counts["break"]) < 1e-3


def test_wrong_forecasts_are_found():
    """Demand twice the forecast, of 2 units a day and more: nine in ten are flagged within 60 dates, however erratic."""
    rng = np.random.default_rng(4)
    mean, dispersion, units = world(rng, 1000, 60)
    found = flagged(np.maximum(mean, 2) / 2, dispersion, np.where(mean >= 2, units, 2.0), SignalSettings())
    fast = set(np.flatnonzero(mean >= 2).tolist())
    caught = {at for date in found for _, at in date} & fast
    assert len(caught) >= 0.9 * len(fast)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_a_series_is_judged_by_its_own_sales(seed):
    rng = np.random.default_rng(seed)
    mean, dispersion, units = world(rng, 6, 25)
    limits = SignalSettings(
        significance=1.0, min_units=1.0, outlier_probability=0.01, break_limit=2.0, stop_probability=0.05
    )
    together = flagged(mean, dispersion, units, limits)
    alone = flagged(mean[2:3], dispersion[2:3], units[:, 2:3], limits)
    assert [{signal for signal, at in date if at == 2} for date in together] == [
        {signal for signal, _ in date} for date in alone
    ]
