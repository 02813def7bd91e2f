"""No forecaster sees the future: altering any row at or after the origin leaves its forecast unchanged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation_assets.demand.backtest import roll
from allocation_assets.demand.baselines import NAMES, baseline
from allocation_assets.demand.forecaster import Champion
from allocation_assets.demand.panel import DemandPanel

SERIES, DAYS, HORIZON = 6, 70, 7
FORECASTERS = {"champion": Champion(), **{name: baseline(name, "restored") for name in NAMES}}


def world(seed):
    """Six series of three SKUs with hidden days, bounds, an event and promotions."""
    rng = np.random.default_rng(seed)
    shape = (SERIES, DAYS)
    promotion = (rng.random(shape) < 0.1).astype(np.int64)
    return DemandPanel(
        np.arange("2025-01-06", np.datetime64("2025-01-06") + DAYS, dtype="datetime64[D]"),
        (rng.random(DAYS) < 0.05).astype(np.int64), rng.poisson(rng.gamma(1, 3, (SERIES, 1)), shape).astype(np.float32),
        rng.choice([0, 0.5, 1], shape, p=[0.05, 0.1, 0.85]).astype(np.float32), rng.random(shape) < 0.03, promotion,
        np.where(promotion > 0, 1.5, np.nan), np.array([0, 0, 0, 20, 0, 55]), np.array([0, 0, 1, 1, 2, 2]),
        np.array([0, 1, 0, 1, 0, 1]), np.array([0, 0, 0, 0, 1, 1]), np.zeros(SERIES, np.int64), np.array([-1, 0, -1]),
    )  # fmt: skip


def with_another_future(panel, origin, seed):
    """What happened from the origin on drawn anew, and what is planned after the horizon; the plan ahead stays."""
    rng, other = np.random.default_rng(seed), world(seed + 1)
    parts = {}
    for name, start in {
        "units": origin,
        "is_bound": origin,
        "promotion": origin + HORIZON,
        "planned_uplift": origin + HORIZON,
    }.items():
        parts[name] = getattr(panel, name).copy()
        parts[name][:, start:] = getattr(other, name)[:, start:]
    parts["units"][:, origin:] += rng.integers(0, 1000, parts["units"][:, origin:].shape)
    event = panel.event.copy()
    event[origin + HORIZON :] = 1 - event[origin + HORIZON :]
    return replace(panel, **parts, event=event)


@pytest.mark.parametrize("name", FORECASTERS)
@settings(max_examples=8, deadline=None)
@given(seed=st.integers(0, 10**6), origin=st.integers(30, DAYS - HORIZON))
def test_the_future_does_not_move_a_forecast(name, seed, origin):
    """The mean and spread of the first window, as the backtest sees them, over two origins of which the second may differ."""
    panel = world(seed)
    other = with_another_future(panel, origin, seed)
    origins = [origin, min(origin + HORIZON, DAYS - HORIZON)]
    found, again = (roll(p, FORECASTERS[name], origins, HORIZON) for p in (panel, other))
    for part in ("mean", "dispersion"):
        assert (getattr(found, part)[:, :HORIZON] == getattr(again, part)[:, :HORIZON]).all()


@pytest.mark.parametrize("name", FORECASTERS)
def test_the_past_does(name):
    """The test above would notice: another day before the origin is another forecast."""
    panel = world(4)
    units = panel.units.copy()
    units[:, 40:55] += 50
    found, again = (roll(p, FORECASTERS[name], [55], HORIZON).mean for p in (panel, replace(panel, units=units)))
    assert (found != again).any()
