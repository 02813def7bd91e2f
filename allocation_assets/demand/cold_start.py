"""Learning from history: the state where nothing was handed over, factors and drifts from a sample of SKUs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from allocation_assets.demand.champion import (
    ChampionSettings,
    Days,
    DemandState,
    FactorSums,
    Keys,
    advance_state,
    borrow_levels,
)
from allocation_assets.demand.season import WEEKS


@dataclass(frozen=True)
class Priors:
    """What a series starts from: units a day of an item class at an average location (classes,), factor by location (l,)."""

    class_rate: np.ndarray
    location_factor: np.ndarray


def early_rates(days: Days, settings: ChampionSettings) -> tuple[np.ndarray, np.ndarray]:
    """(units, full days) of each series (n,) over its first `early_days` days; lower bounds stand for themselves."""
    last = min(int(days.first_day.max(initial=0)) + settings.early_days, len(days.units))
    span = np.arange(last)[:, None]
    exposure = np.where(days.exposure[:last] < 0, days.units[:last] > 0, days.exposure[:last])
    counted = (span >= days.first_day) & (span < days.first_day + settings.early_days) & (exposure > 0)
    units = np.where(counted, days.units[:last], 0.0).sum(axis=0, dtype=np.float64)
    return np.maximum(units, 0.0), np.where(counted, exposure, 0.0).sum(axis=0, dtype=np.float64)


def priors_of(
    keys: Keys, units: np.ndarray, full_days: np.ndarray, locations: int, settings: ChampionSettings
) -> Priors:
    """Class rates and location factors from early units and full days of a sample of series (n,)."""
    classes = int(keys.sku_class.max(initial=-1)) + 1
    # Half a unit of prior: a level of 0 could never rise.
    overall = (units.sum() + 0.5) / (full_days.sum() + 1.0) if full_days.sum() > 0 else 0.0
    rate = _sku_rates(keys, units, full_days, np.full(classes, overall))
    of = keys.sku_class[keys.sku]
    class_rate = (np.bincount(of, units, classes) + overall) / (np.bincount(of, full_days, classes) + 1.0)
    expected = np.bincount(keys.location, rate[keys.sku] * full_days, locations)
    # One expected unit of weight at factor 1 keeps a location with hardly any history at the average.
    factor = (np.bincount(keys.location, units, locations) + 1.0) / (expected + 1.0)
    return Priors(class_rate, np.clip(factor, 1 / settings.factor_limit, settings.factor_limit))


def _sku_rates(keys: Keys, units: np.ndarray, full_days: np.ndarray, class_rate: np.ndarray) -> np.ndarray:
    """Units a full day of each SKU (k,), half a unit at its class's rate as prior."""
    skus, prior = len(keys.sku_class), class_rate[keys.sku_class]
    weight = 0.5 / np.maximum(prior, 1e-9)
    return (np.bincount(keys.sku, units, skus) + weight * prior) / (np.bincount(keys.sku, full_days, skus) + weight)


def first_state(
    keys: Keys, units: np.ndarray, full_days: np.ndarray, priors: Priors, like_sku: np.ndarray, sums: FactorSums,
    drifts: tuple[float, float, float], settings: ChampionSettings,
) -> DemandState:  # fmt: skip
    """State before the history: SKU rates of the early days, a SKU without any from its like SKU, else from its class."""
    skus = np.zeros((3, len(keys.sku_class)))
    known = np.bincount(keys.sku, full_days, skus.shape[1]) > 0
    skus[0] = _sku_rates(keys, units, full_days, priors.class_rate)
    skus[1] = settings.level_var
    skus = borrow_levels(skus, known, like_sku, keys.sku_class, keys.sku_class, settings)
    series = np.zeros((5, len(keys.sku)), np.float32)
    series[0] = priors.location_factor[keys.location]
    series[1] = settings.ratio_var
    classes = int(keys.sku_class.max(initial=-1)) + 1
    return DemandState(
        series, skus, sums, np.full(classes, settings.default_dispersion), drifts, 1.0, np.ones((classes, WEEKS))
    )


@dataclass(frozen=True)
class Learned:
    """What a sample of SKUs taught: sums of the factors, class dispersion, the learned constants, inflation of the variance ahead, priors, season."""

    sums: FactorSums
    class_dispersion: np.ndarray
    drifts: tuple[float, float, float]
    inflation: float
    priors: Priors
    season: np.ndarray


def learn(
    keys: Keys, days: Days, like_sku: np.ndarray, sizes: tuple[int, int, int], season: np.ndarray, settings: ChampionSettings
) -> Learned:  # fmt: skip
    """Factors and constants from the history of a sample; sizes: numbers of locations, events and offer classes; season
    (classes, 53): the yearly profile."""
    locations, events, offers = sizes
    early = early_rates(days, settings)
    priors = priors_of(keys, *early, locations, settings)
    sums = FactorSums.nothing(len(keys.group_class), events, offers)
    drifts = (
        settings.sku_drifts[len(settings.sku_drifts) // 2],
        settings.ratio_drifts[len(settings.ratio_drifts) // 2],
        0.0,
    )
    start = replace(first_state(keys, *early, priors, like_sku, sums, drifts, settings), season=season)
    # Twice: the first walk sees levels that still carry the factors.
    for _ in range(2):
        after, _score = advance_state(start, keys, days, settings)
        start = replace(
            start, sums=_of_days(after.sums, start.sums, days, settings), class_dispersion=after.class_dispersion
        )
    grid = sorted(((*drifts, 0.0) for drifts in product(settings.sku_drifts, settings.ratio_drifts)), key=sum)
    best, _ = _calmest(start, grid, keys, days, settings)
    gains = [(*best[:2], gain) for gain in sorted(settings.growth_gains)]
    best, inflation = _calmest(start, gains, keys, days, settings)
    return Learned(start.sums, start.class_dispersion, best, inflation, priors, season)


def _calmest(
    start: DemandState, grid: list[tuple], keys: Keys, days: Days, settings: ChampionSettings
) -> tuple[tuple, float]:
    """(constants, inflation): the first of the grid whose deviance on the last third of the history is near the least."""
    score_from = days.units.shape[0] * 2 // 3
    scores = [advance_state(replace(start, drifts=c), keys, days, settings, score_from=score_from)[1] for c in grid]
    deviance = np.array([score[0] / max(score[1], 1.0) for score in scores])
    at = int(np.argmax(deviance <= deviance.min() * (1.0 + settings.calm)))
    inflation = scores[at][2] / scores[at][1] if scores[at][1] > 0 else 1.0
    return grid[at], float(np.clip(inflation, 1.0, settings.max_inflation))


def _of_days(after: FactorSums, before: FactorSums, days: Days, settings: ChampionSettings) -> FactorSums:
    """The sums of the days alone: what was there before they were walked is taken out again."""
    return after.after(before, 1.0, -((1.0 - settings.factor_forget) ** len(days.weekday)))


def replay(
    keys: Keys, days: Days, like_sku: np.ndarray, learned: Learned, settings: ChampionSettings, *, threads: int = 2
) -> DemandState:  # fmt: skip
    """State after a history (of any share of the SKUs), with what was learned; the factors stay as learned."""
    start = first_state(
        keys, *early_rates(days, settings), learned.priors, like_sku, learned.sums, learned.drifts, settings
    )
    taught = {name: getattr(learned, name) for name in ("class_dispersion", "inflation", "season")}
    start = replace(start, **taught)
    return advance_state(start, keys, days, settings, learns=False, threads=threads)[0]
