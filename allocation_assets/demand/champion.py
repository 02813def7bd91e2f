"""The champion: a Kalman filter of demand per SKU and per series, on factors learned where the data supports them.

Model. Demand of series j (SKU k at a location) on day t is negative binomial with variance-to-mean d_j and mean

    level_k(t) x ratio_j(t) x season[class_k, week] x weekday[group_j, weekday] x event[group_j, event] x offer[promotion]

*Level and ratio* are local levels on a relative scale (a random walk with drift variances `sku_drift` and `ratio_drift`
a day; Harvey 1989, ch. 2; exponential smoothing with a gain that follows the information of the day). The SKU's level is
raised first, on the sum over its locations, then each series against its own. A series that sells little moves little:
its gain is P mean / (P mean + d), so thin series stay near their SKU, and a new one starts at its SKU's level times its
location's factor. Growth of a SKU's level is smoothed and damped (Gardner and McKenzie 1985).
*Censoring.* A day with the shelf full for a share e of its usual demand has mean e x mean and the same dispersion: demand
comes in independent bursts (compound Poisson), so a sell-out does not bias the rate (Wald's identity). On the demo's real hours
the rest of a day hardly follows its beginning (slope 0.05 to 0.2 of what a day-long busyness would give). A day known only
as sold out counts as E[D | D >= units]; a day with nothing to sell says nothing.
*Dispersion*: discounted sums of squared one-step errors, weighted by their information, shrunk series -> SKU -> item class.
*Factors*: ratio of units to what the levels expected, discounted by `factor_forget` a day, shrunk group -> class -> all
(weekday, event) and towards the plan's expected uplift (promotion).
The two drifts and the gain of the growth are chosen from a grid by the deviance of forecasts made at the start of each week, on
the last third of the history; among those within `calm` of the best the one with the least drift is taken, as the one-standard-
error rule does (Breiman et al. 1984). The same forecasts tell by how much their variance falls short: the inflation.
*Season*: the class's yearly profile where two years of history show one (`season`), else 1.

Known drawbacks: one level for all channels of a SKU's locations moves together; an outlier of more than `clip` standard
deviations counts as that many; weekday and event effects do not differ by season.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from allocation_assets.demand.panel import DemandPanel
from allocation_assets.demand.season import week_of_year


@dataclass(frozen=True)
class ChampionSettings:
    """Constants of the champion; the module docstring says where each acts.

    Variances are relative (1 = a standard deviation of 100 %); weights are in expected units, dispersion weights in units
    of information (sum of mean / (1 + 2 mean)).
    """

    sku_drifts: tuple[float, ...] = (0.0005, 0.002, 0.008)
    ratio_drifts: tuple[float, ...] = (0.0003, 0.001, 0.004)
    growth_gains: tuple[float, ...] = (0.0, 0.05, 0.15)
    growth_damping: float = 0.9
    clip: float = 4.0
    dispersion_forget: float = 0.01
    dispersion_weight: float = 20.0
    default_dispersion: float = 1.5
    max_dispersion: float = 50.0
    factor_forget: float = 0.01
    weekday_weight: float = 50.0
    event_weight: float = 200.0
    offer_weight: float = 50.0
    factor_limit: float = 10.0
    early_days: int = 14
    own_days: int = 28
    level_var: float = 0.5
    ratio_var: float = 0.3
    borrowed_var: float = 1.0
    learn_series: int = 20_000
    calm: float = 0.01
    max_inflation: float = 3.0
    max_mean: float = 1e6


@dataclass(frozen=True)
class FactorSums:
    """Discounted units seen and units the levels expected without the factor, (2, ...): by group and weekday (G, 7), by group
    and event (G, E), by offer class (C,); column or entry 0 of events and offers is 'none'."""

    weekday: np.ndarray
    event: np.ndarray
    offer: np.ndarray

    @staticmethod
    def nothing(groups: int, events: int, offers: int) -> FactorSums:
        """No history."""
        return FactorSums(np.zeros((2, groups, 7)), np.zeros((2, groups, events)), np.zeros((2, offers)))

    def after(self, other: FactorSums, own: float, others: float = 1.0) -> FactorSums:
        """These sums times `own` plus other ones times `others`."""
        parts = ("weekday", "event", "offer")
        return FactorSums(*(own * getattr(self, name) + others * getattr(other, name) for name in parts))


@dataclass(frozen=True)
class Tables:
    """Multipliers by group and weekday (G, 7) and by group and event (G, E), 1 for no event; and of each offer class (C,) the
    units seen, measured against days without one, and the units expected without it."""

    weekday: np.ndarray
    event: np.ndarray
    offer_seen: np.ndarray
    offer_base: np.ndarray


@dataclass(frozen=True)
class DemandState:
    """All that a date hands to the next: series (5, n), skus (3, k) (rows in `_kernels`), sums of the factors, class
    dispersion (classes,), the learned constants (drift of levels, drift of ratios, gain of the growth), the
    inflation of the variance ahead, and the yearly profile (classes, 53)."""

    series: np.ndarray
    skus: np.ndarray
    sums: FactorSums
    class_dispersion: np.ndarray
    drifts: tuple[float, float, float]
    inflation: float
    season: np.ndarray


@dataclass(frozen=True)
class Keys:
    """Which series is what, in the order of SKUs: ptr (k + 1,) first series of each SKU; group, location (n,); class of each
    SKU (k,); class of each group (G,); weekday and event codes come with the days."""

    ptr: np.ndarray
    sku: np.ndarray
    location: np.ndarray
    group: np.ndarray
    sku_class: np.ndarray
    group_class: np.ndarray


def weekdays(dates: np.ndarray) -> np.ndarray:
    """Monday = 0 of datetime64[D] dates."""
    return ((dates.astype("datetime64[D]").astype(np.int64) + 3) % 7).astype(np.int64)


def keys_of(panel: DemandPanel) -> Keys:
    """Keys of a panel whose series are in the order of SKU codes; groups are pairs of item and location class."""
    n_sku = len(panel.like_sku)
    span = int(panel.location_class.max(initial=0)) + 1
    names, group = np.unique(panel.item_class * span + panel.location_class, return_inverse=True)
    ptr = np.searchsorted(panel.sku, np.arange(n_sku + 1))
    sku_class = np.zeros(n_sku, np.int64)
    sku_class[panel.sku] = panel.item_class
    return Keys(ptr, panel.sku, panel.location, group.reshape(-1).astype(np.uint32), sku_class, names // span)


def tables_of(sums: FactorSums, group_class: np.ndarray, settings: ChampionSettings) -> Tables:
    """Multipliers from the sums; each level of the hierarchy is the prior of the next."""
    classes = int(group_class.max(initial=0)) + 1
    seen, base = sums.weekday
    total = _ratio(seen.sum(axis=0), base.sum(axis=0), 1.0, settings.weekday_weight)
    by_class = _ratio(
        _by_class(seen, group_class, classes), _by_class(base, group_class, classes), total, settings.weekday_weight
    )
    weekday = _ratio(seen, base, by_class[group_class], settings.weekday_weight)
    # Mean 1 over the weekdays that there are: a retailer by the week has one.
    there = base.sum(axis=0) > 0
    weekday /= (weekday[:, there] if there.any() else weekday).mean(axis=1, keepdims=True)
    event = _excess(sums.event, group_class, classes, settings)
    offer_seen, offer_base = sums.offer
    plain = _ratio(offer_seen[0], offer_base[0], 1.0, settings.offer_weight)
    limit = settings.factor_limit
    return Tables(weekday, np.clip(event, 1 / limit, limit), offer_seen / plain, offer_base)


def offer_multipliers(
    tables: Tables, offer_class: np.ndarray, planned: np.ndarray, settings: ChampionSettings
) -> np.ndarray:
    """Uplift of each offer (o,): what its class has shown, with the plan's expectation (nan = none, then 1) as the prior."""
    prior = np.where(np.isnan(planned), 1.0, planned)
    uplift = _ratio(tables.offer_seen[offer_class], tables.offer_base[offer_class], prior, settings.offer_weight)
    return np.where(offer_class > 0, np.clip(uplift, 1 / settings.factor_limit, settings.factor_limit), 1.0)


def _ratio(seen, base, prior, weight):
    return (seen + weight * prior) / (np.maximum(base, 0.0) + weight)


def _by_class(values: np.ndarray, group_class: np.ndarray, classes: int) -> np.ndarray:
    out = np.zeros((classes, *values.shape[1:]))
    np.add.at(out, group_class, values)
    return out


def _excess(sums: np.ndarray, group_class: np.ndarray, classes: int, settings: ChampionSettings) -> np.ndarray:
    """Event multipliers against the days without any event."""
    weight, (seen, base) = settings.event_weight, sums
    plain = _ratio(seen[:, 0].sum(), base[:, 0].sum(), 1.0, weight)
    overall = _ratio(seen.sum(axis=0), base.sum(axis=0), plain, weight)
    by_class = _ratio(_by_class(seen, group_class, classes), _by_class(base, group_class, classes), overall, weight)
    out = _ratio(seen, base, by_class[group_class], weight) / plain
    out[:, 0] = 1.0
    return out


@dataclass(frozen=True)
class Days:
    """Days to take in, as the kernel wants them: units and exposure (t, n) float32 (negative exposure = lower bound), offer
    (t, n) uint16 into offer_class and planned (o,), first_day (n,); weekday, week of the year and
    event (t,)."""

    units: np.ndarray
    exposure: np.ndarray
    offer: np.ndarray
    offer_class: np.ndarray
    planned: np.ndarray
    first_day: np.ndarray
    weekday: np.ndarray
    week: np.ndarray
    event: np.ndarray


def offers_of(promotion: np.ndarray, planned: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct offers: index like `promotion`, uint16, and class and planned uplift of each (o,); entry 0 is no offer."""
    index = np.zeros(promotion.shape, np.uint16)
    at = np.nonzero(promotion)
    if not len(at[0]):
        return index, np.zeros(1, np.int64), np.full(1, np.nan)
    plan = np.nan_to_num(np.round(np.asarray(planned[at], np.float64), 4), nan=-1.0)
    found, inverse = np.unique(np.column_stack([promotion[at].astype(np.float64), plan]), axis=0, return_inverse=True)
    index[at] = inverse.reshape(-1) + 1
    uplift = np.where(found[:, 1] < 0, np.nan, found[:, 1])
    return index, np.concatenate([[0], found[:, 0].astype(np.int64)]), np.concatenate([[np.nan], uplift])


def days_of(panel: DemandPanel) -> Days:
    """The days of a panel."""
    exposure = np.ascontiguousarray(np.where(panel.is_bound, -1.0, panel.exposure).T, np.float32)
    offer, offer_class, planned = offers_of(panel.promotion.T, panel.planned_uplift.T)
    units = np.ascontiguousarray(panel.units.T, np.float32)
    first = np.asarray(panel.first_day, np.int32)
    days = weekdays(panel.dates), week_of_year(panel.dates), panel.event.astype(np.int64)
    return Days(units, exposure, offer, offer_class, planned, first, *days)


def advance_state(
    state: DemandState, keys: Keys, days: Days, settings: ChampionSettings, *, learns: bool = True,
    score_from: int | None = None, threads: int = 2,
) -> tuple[DemandState, np.ndarray]:  # fmt: skip
    """The state after the days, and the score (3,) of the days from `score_from` on (see `_kernels.advance`).

    One day or a whole history: the same step. Without `learns` the factors stay as they are. The result does not depend on
    `threads`.
    """
    tables = tables_of(state.sums, keys.group_class, settings)
    uplift = offer_multipliers(tables, days.offer_class, days.planned, settings)
    by_day = day_factors(state, keys, tables, days.weekday, days.week, days.event).T
    series, skus, t = state.series.copy(), state.skus.copy(), len(days.weekday)
    cfg = np.array([
        *state.drifts, settings.growth_damping, settings.clip, settings.dispersion_forget, settings.dispersion_weight,
        settings.max_dispersion, settings.borrowed_var, settings.ratio_var,
    ])  # fmt: skip
    weight = (1.0 - settings.factor_forget) ** np.arange(t - 1, -1, -1.0) if learns else np.zeros(t)
    found = (days.units, days.exposure, days.offer, days.first_day, keys.group, days.weekday, days.event)
    rest = (state.class_dispersion[keys.sku_class], series, skus, cfg, weight)
    shapes = (tables.weekday.shape, tables.event.shape, uplift.shape)
    start = t if score_from is None else score_from
    new, score = _advance(
        keys.ptr,
        found,
        (np.ascontiguousarray(by_day, np.float32), uplift.astype(np.float32)),
        rest,
        shapes,
        start,
        threads,
    )
    after = replace(state, series=series, skus=skus)
    if learns:
        found = _factor_sums(new, (tables.weekday, tables.event, uplift), days.offer_class, state.sums.offer.shape[1])
        after = replace(after, sums=state.sums.after(found, (1.0 - settings.factor_forget) ** t))
        after = replace(after, class_dispersion=class_dispersion(after, keys, settings))
    return after, score


def _factor_sums(new: list[np.ndarray], factors: tuple, offer_class: np.ndarray, classes: int) -> FactorSums:
    """The kernel's sums, by weekday, event and offer, as sums of the factors."""
    weekday, event, offer = new
    # Entry 0: days without an event, without an offer.
    every = weekday.sum(axis=2)
    event[:, :, 0] = every - event.sum(axis=2)
    offer[:, 0] = every.sum(axis=1) - offer.sum(axis=1)
    # What the levels expect without a factor is what they expected divided by it.
    for sums, factor in zip(new, factors, strict=True):
        sums[1] /= factor
    return FactorSums(weekday, event, np.array([np.bincount(offer_class, values, classes) for values in offer]))


def day_factors(state: DemandState, keys: Keys, tables: Tables, weekday, week, event) -> np.ndarray:
    """Multiplier (G, t) of each group on days of the given weekdays, weeks of the year and events (t,)."""
    return tables.weekday[:, weekday] * tables.event[:, event] * state.season[keys.group_class][:, week]


_SPLITS = 8


def _advance(ptr, days, factors, rest, shapes, score_from: int, threads: int):
    """Run the kernel over fixed splits of the SKUs; returns the sums and the score, added in the order of the splits."""
    from concurrent.futures import ThreadPoolExecutor

    from allocation_assets.demand._kernels import advance

    bounds = np.linspace(0, len(ptr) - 1, _SPLITS + 1).astype(np.int64)

    def part(lo: int, hi: int):
        sums, score = tuple(np.zeros((2, *shape)) for shape in shapes), np.zeros(3)
        advance(lo, hi, ptr, days, factors, *rest, sums, score_from, score)
        return sums, score

    with ThreadPoolExecutor(threads) as pool:
        parts = list(pool.map(part, bounds[:-1], bounds[1:]))
    return [sum(sums[i] for sums, _ in parts) for i in range(3)], sum(score for _, score in parts)


def class_dispersion(state: DemandState, keys: Keys, settings: ChampionSettings) -> np.ndarray:
    """Variance-to-mean of a day by item class (classes,), shrunk to all, and that to the default."""
    from allocation_assets.demand._kernels import SPREAD, SPREAD_WEIGHT

    of = keys.sku_class[keys.sku]
    classes = len(state.class_dispersion)
    spread = np.bincount(of, state.series[SPREAD], classes)
    weight = np.bincount(of, state.series[SPREAD_WEIGHT], classes)
    prior = settings.dispersion_weight
    overall = (spread.sum() + prior * (settings.default_dispersion - 1.0)) / (weight.sum() + prior)
    return np.clip(1.0 + (spread + prior * overall) / (weight + prior), 1.0, settings.max_dispersion)


def series_dispersion(state: DemandState, keys: Keys, settings: ChampionSettings) -> np.ndarray:
    """Variance-to-mean of a day by series (n,), as the filter shrinks it."""
    from allocation_assets.demand._kernels import SPREAD, SPREAD_WEIGHT

    spread, weight = state.series[SPREAD].astype(np.float64), state.series[SPREAD_WEIGHT].astype(np.float64)
    prior, skus = settings.dispersion_weight, state.skus.shape[1]
    excess = state.class_dispersion[keys.sku_class] - 1.0
    by_sku = (np.bincount(keys.sku, spread, skus) + prior * excess) / (np.bincount(keys.sku, weight, skus) + prior)
    by_sku = np.clip(by_sku, 0.0, settings.max_dispersion - 1.0)
    return np.clip(1.0 + (spread + prior * by_sku[keys.sku]) / (weight + prior), 1.0, settings.max_dispersion)


def take_late(
    state: DemandState, keys: Keys, series: np.ndarray, units: np.ndarray, age: np.ndarray, settings: ChampionSettings
) -> DemandState:
    """The state with units (m,) that sold `age` (m,) periods ago and were not known then.

    To first order: the step that the units would have made in the filter, times what the days since have left of it.
    """
    from allocation_assets.demand._kernels import LEVEL, RATIO, RATIO_VAR

    mean = (state.skus[LEVEL, keys.sku] * state.series[RATIO])[series]
    spread = state.series[RATIO_VAR, series].astype(np.float64)
    width = spread * mean + series_dispersion(state, keys, settings)[series]
    step = units * spread / width * (1.0 - spread * mean / width) ** age
    moved = np.bincount(series, step, len(keys.sku))
    values = state.series.copy()
    values[RATIO] *= np.maximum(1.0 + moved, 0.05).astype(np.float32)
    return replace(state, series=values)


def borrow_levels(
    skus: np.ndarray, known: np.ndarray, like_sku: np.ndarray, neighbours: np.ndarray, sku_class: np.ndarray,
    settings: ChampionSettings,
) -> np.ndarray:  # fmt: skip
    """SKU states (3, k) with those that are not `known` at the level of their like SKU, else at the mean of their neighbours,
    of their class, of all; their variance is wide, so that their own sell-through soon counts for more."""
    from allocation_assets.demand._kernels import LEVEL, LEVEL_VAR

    out, weight = skus.copy(), known.astype(np.float64)
    overall = float(np.sum(skus[LEVEL] * weight)) / max(float(weight.sum()), 1.0)
    level = np.full(skus.shape[1], overall)
    for group in (sku_class, neighbours):
        size = int(group.max(initial=-1)) + 1
        members = np.bincount(group, weight, size)
        mean = np.bincount(group, weight * skus[LEVEL], size) / np.maximum(members, 1.0)
        level = np.where(members[group] > 0, mean[group], level)
    like = (like_sku >= 0) & known[np.maximum(like_sku, 0)]
    level = np.where(like, skus[LEVEL, np.maximum(like_sku, 0)], level)
    out[:, ~known] = 0.0
    out[LEVEL, ~known], out[LEVEL_VAR, ~known] = level[~known], settings.borrowed_var
    return out


def location_factors(
    state: DemandState, keys: Keys, rows: np.ndarray, locations: int, settings: ChampionSettings
) -> np.ndarray:
    """Demand of each location (l,) relative to the levels of what it sells, over the series in `rows`; 1 where it is new."""
    from allocation_assets.demand._kernels import LEVEL, RATIO

    level = state.skus[LEVEL, keys.sku[rows]]
    sells = np.bincount(keys.location[rows], level * state.series[RATIO, rows], locations)
    usual = np.bincount(keys.location[rows], level, locations)
    # One unit a day of weight at factor 1 keeps a location with hardly any series at the average.
    limit = settings.factor_limit
    return np.clip((sells + 1.0) / (usual + 1.0), 1.0 / limit, limit)
