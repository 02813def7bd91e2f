"""Known hours in stock, hidden as if the shelf had been empty: what demand is recovered from the hours that are left?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.demand.forecaster import Champion
from tests.benchmarks.forecast_world.freshretail import HORIZON, WINDOWS, Fresh, seen_panel

#: How hours are hidden: from a random hour on; or from the hour in which a stock drawn before the day is sold.
PATTERNS = ("from_an_hour", "sold_out")


def hide(fresh: Fresh, pattern: str, seed: int) -> np.ndarray:
    """Hours (n, t, 24) that are left in stock: a third of the days loses some of its known ones."""
    rng = np.random.default_rng(seed)
    n, t, _ = fresh.hourly.shape
    if pattern == "from_an_hour":
        last = rng.integers(8, 20, (n, t))
        left = np.arange(24) < last[:, :, None]
    else:
        # Stock in shares of the series' own usual day: busy days sell out sooner.
        usual = fresh.panel.units.mean(axis=1, keepdims=True)
        stock = usual * rng.uniform(0.3, 1.3, (n, t))
        sold = np.cumsum(fresh.hourly * fresh.in_stock, axis=2)
        left = np.concatenate([np.zeros((n, t, 1)), sold[:, :, :-1]], axis=2) < stock[:, :, None]
    chosen = rng.random((n, t)) < 1 / 3
    return np.where(chosen[:, :, None], left & fresh.in_stock, fresh.in_stock)


@dataclass(frozen=True)
class Recovered:
    """Error sums of one way to recover hidden demand."""

    bias: float
    wape: float


def recover(fresh: Fresh, pattern: str, seed: int) -> dict[str, Recovered]:
    """Recovered demand of the days with hidden hours in the last weeks, against what truly sold in them."""
    left = hide(fresh, pattern, seed)
    hidden, panel = fresh.panel, seen_panel(fresh, left)
    span = slice(fresh.training, None)
    origins = [fresh.training + HORIZON * k for k in range(WINDOWS)]
    parts = [Champion().forecast(panel.until(o), panel.plan(o, HORIZON)) for o in origins]
    mean = np.concatenate([part.mean for part in parts], axis=1)
    truth, seen = hidden.units[:, span].astype(np.float64), panel.units[:, span].astype(np.float64)
    whole, share = hidden.exposure[:, span].astype(np.float64), panel.exposure[:, span].astype(np.float64)
    scored = (whole - share > 1e-6) & (whole > 0)
    # As the KPI's lost sales: what was seen, and the expected demand of the hours that were not.
    ours = seen + (whole - share) * mean
    kept = np.where(scored, np.nan, hidden.units[:, span] / np.maximum(whole, 1e-9))
    usual = np.nanmean(np.where(whole > 0.25, kept, np.nan), axis=1, keepdims=True)
    ways = {"champion": ours, "drop_the_days": np.nan_to_num(usual * whole), "sales_as_demand": seen}
    return {name: _against(values, truth, scored) for name, values in ways.items()}


def _against(values: np.ndarray, truth: np.ndarray, scored: np.ndarray) -> Recovered:
    error, total = (values - truth)[scored], truth[scored].sum()
    return Recovered(float(error.sum() / total), float(np.abs(error).sum() / total))
