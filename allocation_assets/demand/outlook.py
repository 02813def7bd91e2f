"""From the champion's state to predictive distributions: of single days, of the coverage horizon, of a long run.

*Uncertainty ahead.* The relative variance of a series' level, v + drift x days, is shared by all days of a horizon, so a sum
of mean M over h days has the dispersion d + M (v + drift x h / 3): a walk's days are on average a third of it apart. All of it
times the inflation that earlier forecasts of the same kind have asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from allocation_assets.demand.champion import (
    ChampionSettings,
    DemandState,
    Keys,
    day_factors,
    offer_multipliers,
    offers_of,
    series_dispersion,
    tables_of,
    weekdays,
)
from allocation_assets.demand.daily import Calendar, RunDemand
from allocation_assets.demand.distribution import LEVELS, demand_quantiles
from allocation_assets.demand.history import promoted
from allocation_assets.demand.panel import DemandPlan, Forecast
from allocation_assets.demand.season import week_of_year

METHODS = (
    "own_level",  # own sales say more than the prior
    "intermittent",  # the same, of a series that sells on fewer than 1 in 1.32 days
    "sku_level",  # the SKU's level times the location's factor says more
    "like_sku",  # borrowed from the SKU that the item names, or re-trended from it
    "neighbours",  # borrowed from the items of its class
    "no_history",  # nothing sold anywhere: mean 0
)
#: One sale in more than 1.32 days is intermittent (Syntetos, Boylan and Croston 2005).
_INTERMITTENT_MEAN = 1.0 / 1.32


#: Pairs whose days ahead are in memory at once.
_CHUNK = 250_000


@dataclass(frozen=True)
class Outlook:
    """Days ahead of some series, as arrays: weekday, week of the year and event (h,), offer (m, h) into offer_class and planned (o,)."""

    weekday: np.ndarray
    week: np.ndarray
    event: np.ndarray
    offer: np.ndarray
    offer_class: np.ndarray
    planned: np.ndarray


def outlook_of(plan: DemandPlan) -> Outlook:
    """The days of a plan."""
    offer, offer_class, planned = offers_of(plan.promotion, plan.planned_uplift)
    days = weekdays(plan.dates), week_of_year(plan.dates), plan.event.astype(np.int64)
    return Outlook(*days, offer, offer_class, planned)


def levels(state: DemandState, keys: Keys, settings: ChampionSettings) -> np.ndarray:
    """Units a period by series (n,) on an average weekday without event or promotion."""
    from allocation_assets.demand._kernels import LEVEL, RATIO

    return np.minimum(state.skus[LEVEL, keys.sku] * state.series[RATIO], settings.max_mean)


def day_means(
    state: DemandState, keys: Keys, rows: np.ndarray, ahead: Outlook, settings: ChampionSettings
) -> np.ndarray:
    """Expected units (m, h) of the series in `rows` on each day ahead."""
    from allocation_assets.demand._kernels import GROWTH

    tables = tables_of(state.sums, keys.group_class, settings)
    uplift = offer_multipliers(tables, ahead.offer_class, ahead.planned, settings)
    factor = day_factors(state, keys, tables, ahead.weekday, ahead.week, ahead.event)
    growth = np.cumsum(settings.growth_damping ** np.arange(1, len(ahead.weekday) + 1))
    mean = levels(state, keys, settings)[rows, None] * factor[keys.group[rows]] * uplift[ahead.offer]
    mean *= np.maximum(1.0 + state.skus[GROWTH, keys.sku[rows]][:, None] * growth, 0.1)
    return np.minimum(mean, settings.max_mean)


def level_variance(state: DemandState, keys: Keys) -> np.ndarray:
    """Relative variance of each series' level (n,)."""
    from allocation_assets.demand._kernels import LEVEL_VAR, RATIO_VAR

    return state.skus[LEVEL_VAR, keys.sku] + state.series[RATIO_VAR].astype(np.float64)


def sum_dispersion(
    day_dispersion, total_mean, variance, days, state: DemandState, settings: ChampionSettings
) -> np.ndarray:
    """Variance-to-mean of a sum of `days` days of mean `total_mean`; arrays of one shape (see the module docstring)."""
    total = state.inflation * (day_dispersion + total_mean * (variance + sum(state.drifts[:2]) * days / 3.0))
    return np.clip(total, 1.0, settings.max_dispersion)


def forecast_days(state: DemandState, keys: Keys, ahead: Outlook, settings: ChampionSettings) -> Forecast:
    """Predictive distribution of each day ahead and of their sum, for every series."""
    days = len(ahead.weekday)
    mean = day_means(state, keys, np.arange(len(keys.sku)), ahead, settings)
    d, variance = series_dispersion(state, keys, settings), level_variance(state, keys)
    drift = sum(state.drifts[:2]) * np.arange(1, days + 1)
    daily = np.clip(state.inflation * (d[:, None] + mean * (variance[:, None] + drift)), 1.0, settings.max_dispersion)
    total = sum_dispersion(d, mean.sum(axis=1), variance, days, state, settings)
    return Forecast(mean, daily, total, methods(state, keys, settings), METHODS)


def methods(
    state: DemandState, keys: Keys, settings: ChampionSettings, like_sku: np.ndarray | None = None
) -> np.ndarray:
    """Index into METHODS by series (n,); like_sku (k,) as in `DemandPanel`."""
    from allocation_assets.demand._kernels import RATIO_VAR, SEEN

    level, skus = levels(state, keys, settings), state.skus.shape[1]
    seen = state.series[SEEN]
    own = (seen >= settings.own_days) | ((seen > 0) & (state.series[RATIO_VAR] < 0.5 * settings.ratio_var))
    sku_seen = np.bincount(keys.sku, seen, skus)
    like = np.full(skus, -1) if like_sku is None else like_sku
    is_like = (like >= 0) & (sku_seen[np.maximum(like, 0)] > 0)
    cases = {
        "no_history": level <= 0,
        "intermittent": own & (level < _INTERMITTENT_MEAN),
        "own_level": own,
        "sku_level": sku_seen[keys.sku] > 0,
        "like_sku": is_like[keys.sku],
    }
    codes = [METHODS.index(name) for name in cases]
    return np.select(list(cases.values()), codes, METHODS.index("neighbours")).astype(np.int8)


def forecast_table(
    demand: RunDemand,
    rows: np.ndarray,
    horizon: np.ndarray,
    run_date: date,
    calendar: Calendar,
    settings: ChampionSettings,
) -> pa.Table:
    """Forecast columns of the series in `rows` (m,), each over its own horizon of days (m,) from the day after `run_date`."""
    from allocation_assets.demand._kernels import SEEN

    state, keys = demand.state, demand.keys
    d, variance = series_dispersion(state, keys, settings), level_variance(state, keys)
    ahead = _days_ahead(demand, run_date, int(horizon.max(initial=1)), calendar)
    parts = [
        _chunk(demand, rows[at : at + _CHUNK], horizon[at : at + _CHUNK], ahead, calendar, d, variance, settings)
        for at in range(0, len(rows), _CHUNK)
    ] or [_chunk(demand, rows, horizon, ahead, calendar, d, variance, settings)]
    columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    method = methods(state, keys, settings, demand.codes.like_sku)[rows]
    columns["base_daily_mean"] = levels(state, keys, settings)[rows] / calendar.period_days
    columns["observed_days"] = state.series[SEEN, rows].astype(np.float64) * calendar.period_days
    return pa.table({**columns, "horizon_days": horizon, "method": pa.array(METHODS).take(pa.array(method))})


def _days_ahead(
    demand: RunDemand, run_date: date, days: int, calendar: Calendar
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(dates, weekday codes, event codes) of the days after the run's date."""
    dates = np.datetime64(run_date) + np.arange(1, days + 1)
    week = np.zeros(days, np.int64) if calendar.is_weekly else weekdays(dates)
    return dates, week, calendar.event_of(dates, demand.names.event)


def _chunk(demand: RunDemand, rows, horizon, ahead, calendar: Calendar, d, variance, settings) -> dict[str, np.ndarray]:
    dates, week, event = ahead
    order = np.argsort(rows, kind="stable")
    code, uplift = promoted(demand.promotions, dates, rows[order], demand.names.offer)
    code[order], uplift[order] = code.copy(), uplift.copy()
    outlook = Outlook(week, week_of_year(dates), event, *offers_of(code, uplift))
    mean = day_means(demand.state, demand.keys, rows, outlook, settings) / calendar.period_days
    total = np.cumsum(mean, axis=1)[np.arange(len(rows)), horizon - 1] if len(rows) else np.zeros(0)
    periods = horizon / calendar.period_days
    dispersion = sum_dispersion(d[rows], total, variance[rows], periods, demand.state, settings)
    quantiles = demand_quantiles(total, dispersion, np.ones(len(rows)), LEVELS)
    first = mean[:, 0]
    next_day = sum_dispersion(d[rows], first, variance[rows], 3.0 / calendar.period_days, demand.state, settings)
    return {
        "daily_mean": total / horizon,
        "dispersion": dispersion,
        "next_day_mean": first,
        "next_day_dispersion": next_day,
        **{f"p{round(level * 100)}": quantiles[:, k] for k, level in enumerate(LEVELS)},
    }
