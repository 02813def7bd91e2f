"""First demand estimate: daily mean and dispersion per SKU x location from a bounded window with censored days.

Method (all steps elementwise or grouped sums; nothing reads single days except the sparse censored ones):

1. *Observation.* Uncensored days count in full. A censored day whose hours on the shelf are known counts as
   `units` sold over `exposure` of a day. A censored day known only to have sold out says D >= units; a zero on an
   empty shelf says nothing and never enters the mean.
2. *Dispersion* (variance-to-mean of a day, >= 1): per pair SS / ((n - 1) mean) over uncensored and sold-out days (the
   latter by E[D | D >= units] and E[D^2 | D >= units], step 5), shrunk to the SKU and the SKU to all SKUs. Weight = its information (n - 1) mean / (1 + 2 mean) (inverse variance of the ratio
   for Poisson counts); the prior weighs `dispersion_weight`.
3. *Prior mean* of a pair = SKU rate x location factor: SKU rate with half a unit at the overall rate as prior, factor
   = units / units expected from the SKU rates, within [1 / factor_limit, factor_limit].
4. *Credibility* (Buehlmann; Gamma-Poisson posterior widened by the dispersion): mean = (units + k prior) /
   (days + k), k = alpha d / prior pseudo-days, alpha = 1 / squared CV of true means around the prior, by moments,
   within alpha_limits.
5. *EM* for lower bounds: a sold-out day counts as E[D | D >= units] at the present mean (closed forms in
   `distribution`), steps 2-4 repeat until no mean moves by more than `tolerance`. Prior and dispersion are recomputed
   in the first `outer_rounds` only, and no mean rises above `uplift_limit` times the larger of the pair's and the prior's
   sales rate: an always sold-out pair stays finite.

Known drawbacks: no weekday, season, promotion or trend; days with known hours enter the mean, not the dispersion,
and busy days sell out sooner and so weigh less (mean biased low where most days are partly out);
where most days are sold out, mean and dispersion are told apart only weakly and both stay low; the prior contains the
pair itself.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from allocation_assets.demand.distribution import moments_given_at_least

METHODS = (
    "shrunk_mean",  # own uncensored days, shrunk to SKU x location
    "exposure_weighted",  # some days counted by their hours on the shelf
    "censored_em",  # some days known only as sold out
    "sku_location_prior",  # no usable day of its own
    "global_prior",  # no usable day of the SKU anywhere
    "no_history",  # no usable day of anything: mean 0
)


@dataclass(frozen=True)
class DemandHistory:
    """Window aggregates per pair (n) and its sparse censored days (c, any order).

    `sum_units` and `sum_units_sq` are over *uncensored* days only; `days_observed` counts all eligible days of the
    window, censored ones included. `sku` and `location` are integer codes from 0. `censored_exposure` in [0, 1] is
    the share of the day with stock; where `censored_exposure_known` is false the day is known only as sold out.
    """

    sku: np.ndarray
    location: np.ndarray
    days_observed: np.ndarray
    sum_units: np.ndarray
    sum_units_sq: np.ndarray
    censored_pair: np.ndarray = field(default_factory=lambda: np.empty(0, np.int64))
    censored_units: np.ndarray = field(default_factory=lambda: np.empty(0, np.float64))
    censored_exposure: np.ndarray = field(default_factory=lambda: np.empty(0, np.float64))
    censored_exposure_known: np.ndarray = field(default_factory=lambda: np.empty(0, np.bool_))


@dataclass(frozen=True)
class DemandSettings:
    """Constants of the estimate; the module docstring says where each acts."""

    dispersion_weight: float = 20.0
    max_dispersion: float = 50.0
    default_dispersion: float = 1.5
    factor_limit: float = 10.0
    alpha_limits: tuple[float, float] = (0.5, 50.0)
    max_daily_mean: float = 1e6
    uplift_limit: float = 5.0
    tolerance: float = 1e-3
    outer_rounds: int = 12
    max_rounds: int = 40


@dataclass(frozen=True)
class DemandEstimate:
    """Arrays (n): units per day, variance-to-mean (>= 1), index into METHODS, equivalent full days, censored days."""

    daily_mean: np.ndarray
    dispersion: np.ndarray
    method: np.ndarray
    observed_days: np.ndarray
    censored_days: np.ndarray

    def method_names(self) -> np.ndarray:
        """Method of each pair as a string."""
        return np.array(METHODS, dtype=object)[self.method]


@dataclass(frozen=True)
class _Observed:
    """Units and days counted as they are, and the sold-out days that are lower bounds (pair, units)."""

    units: np.ndarray
    days: np.ndarray
    bound_pair: np.ndarray
    bound_units: np.ndarray
    has_exposure: np.ndarray
    censored: np.ndarray


def estimate_demand(history: DemandHistory, settings: DemandSettings | None = None) -> DemandEstimate:
    """Estimate mean and dispersion of daily demand per pair; see the module docstring for the method.

    Raises ValueError where arrays disagree in length, a censored day names no pair, or a figure is negative or not
    finite. Every output is finite; the method says which fallback was used.
    """
    settings = settings or DemandSettings()
    _validate(history)
    observed = _observe(history)
    mean, dispersion = _fit(history, observed, settings)
    bounds = np.bincount(observed.bound_pair, minlength=mean.size)
    days = observed.days + bounds
    return DemandEstimate(mean, dispersion, _methods(history, observed, bounds, days), days, observed.censored)


def _validate(history: DemandHistory) -> None:
    n = len(history.sku)
    for name in ("location", "days_observed", "sum_units", "sum_units_sq"):
        if len(getattr(history, name)) != n:
            raise ValueError(f"demand history: {name} has {len(getattr(history, name))} rows, sku has {n}")
    c = len(history.censored_pair)
    for name in ("censored_units", "censored_exposure", "censored_exposure_known"):
        if len(getattr(history, name)) != c:
            raise ValueError(f"demand history: {name} has {len(getattr(history, name))} rows, censored_pair has {c}")
    if c and (np.min(history.censored_pair) < 0 or np.max(history.censored_pair) >= n):
        raise ValueError("demand history: censored_pair points outside the pairs; index them from 0")
    for name in ("days_observed", "sum_units", "sum_units_sq", "censored_units", "censored_exposure"):
        values = np.asarray(getattr(history, name), np.float64)
        if not np.isfinite(values).all() or (values < 0).any():
            raise ValueError(f"demand history: {name} must be finite and >= 0")


def _observe(history: DemandHistory) -> _Observed:
    n = len(history.sku)
    pair = np.asarray(history.censored_pair, np.int64)
    sold = np.asarray(history.censored_units, np.float64)
    exposure = np.minimum(np.asarray(history.censored_exposure, np.float64), 1.0)
    known = np.asarray(history.censored_exposure_known, np.bool_)
    timed = known & (exposure > 0)
    # Units sold on a day recorded as out all day contradict the hours: only the lower bound is believed.
    bound = ~timed & (sold > 0)
    censored = np.bincount(pair, minlength=n)
    full_days = np.maximum(np.asarray(history.days_observed, np.float64) - censored, 0.0)
    units = np.asarray(history.sum_units, np.float64) + np.bincount(pair[timed], sold[timed], n)
    days = full_days + np.bincount(pair[timed], exposure[timed], n)
    has_exposure = np.bincount(pair[timed], minlength=n) > 0
    return _Observed(units, days, pair[bound], sold[bound], has_exposure, censored)


def _dispersion(sku, n_days, total, squares, settings: DemandSettings) -> np.ndarray:
    mean = total / np.maximum(n_days, 1.0)
    spread = np.maximum(squares - total * mean, 0.0)
    freedom = np.maximum(n_days - 1.0, 0.0)
    own = spread / np.maximum(freedom * mean, 1e-12)
    weight = np.where(mean > 0, freedom * mean / (1.0 + 2.0 * mean), 0.0)
    own = np.minimum(np.where(weight > 0, own, 0.0), settings.max_dispersion)
    prior_weight = settings.dispersion_weight
    overall = (np.sum(weight * own) + prior_weight * settings.default_dispersion) / (np.sum(weight) + prior_weight)
    by_sku = (np.bincount(sku, weight * own) + prior_weight * overall) / (np.bincount(sku, weight) + prior_weight)
    pooled = (weight * own + prior_weight * by_sku[sku]) / (weight + prior_weight)
    return np.clip(pooled, 1.0, settings.max_dispersion)


def _prior(sku, location, units, days, settings: DemandSettings) -> np.ndarray:
    """Prior daily mean per pair: SKU rate x location factor."""
    all_days = float(np.sum(days))
    overall = float(np.sum(units)) / all_days if all_days > 0 else 0.0
    if overall <= 0:
        return np.zeros(len(sku))
    sku_rate = (np.bincount(sku, units) + 0.5) / (np.bincount(sku, days) + 0.5 / overall)
    expected = np.bincount(location, sku_rate[sku] * days)
    # One expected unit of weight at factor 1 keeps a location with hardly any history at the average.
    factor = (np.bincount(location, units) + 1.0) / (expected + 1.0)
    factor = np.clip(factor, 1.0 / settings.factor_limit, settings.factor_limit)
    return sku_rate[sku] * factor[location]


def _pseudo_days(prior, dispersion, units, days, settings: DemandSettings) -> np.ndarray:
    """Credibility constant k per pair, in days: within-variance over between-variance of the mean."""
    expected = prior * days
    between = float(np.sum((units - expected) ** 2 - dispersion * expected))
    scale = float(np.sum(expected**2))
    low, high = settings.alpha_limits
    alpha = min(max(scale / between, low), high) if between > 0 and scale > 0 else high
    return alpha * dispersion / np.maximum(prior, 1e-9)


def _fit(history: DemandHistory, observed: _Observed, settings: DemandSettings) -> tuple[np.ndarray, np.ndarray]:
    """EM over the sold-out days: (daily mean, dispersion) per pair."""
    sku, location = np.asarray(history.sku, np.int64), np.asarray(history.location, np.int64)
    n = sku.size
    if n == 0:
        return np.zeros(0), np.zeros(0)
    pair, sold = observed.bound_pair, observed.bound_units
    bounds = np.bincount(pair, minlength=n)
    plain = np.asarray(history.sum_units, np.float64), np.asarray(history.sum_units_sq, np.float64)
    full_days = np.maximum(np.asarray(history.days_observed, np.float64) - observed.censored, 0.0)
    days = observed.days + bounds
    imputed, squares = sold, sold**2
    cap = settings.max_daily_mean
    mean = np.zeros(n)
    for round_ in range(settings.max_rounds):
        extra = np.bincount(pair, imputed, n)
        units = observed.units + extra
        if round_ < settings.outer_rounds:
            squared = plain[1] + np.bincount(pair, squares, n)
            # The first round sees uncensored days alone: a bound taken as a day would look like low variance.
            seen = (full_days + bounds, plain[0] + extra, squared) if round_ else (full_days, *plain)
            dispersion = _dispersion(sku, *seen, settings)
            prior = _prior(sku, location, units, days, settings)
            pseudo = _pseudo_days(prior, dispersion, units, days, settings)
        if round_ == 0:
            cap = np.minimum(cap, settings.uplift_limit * np.maximum(units / np.maximum(days, 1.0), prior))
        updated = np.minimum((units + pseudo * prior) / (days + pseudo), cap)
        moved = np.abs(updated - mean) > settings.tolerance * np.maximum(updated, 1e-6)
        mean = updated
        if pair.size == 0 or (round_ >= settings.outer_rounds and not moved[pair].any()):
            break
        again = round_ + 1 < settings.outer_rounds
        imputed, second = moments_given_at_least(sold, mean[pair], dispersion[pair], second=again)
        squares = second if again else squares
    return mean, dispersion


def _methods(history: DemandHistory, observed: _Observed, bounds: np.ndarray, days: np.ndarray) -> np.ndarray:
    sku_days = np.bincount(np.asarray(history.sku, np.int64), days) if days.size else np.zeros(0)
    method = np.zeros(days.size, np.int8)
    method[observed.has_exposure] = METHODS.index("exposure_weighted")
    method[bounds > 0] = METHODS.index("censored_em")
    method[days <= 0] = METHODS.index("sku_location_prior")
    method[sku_days[np.asarray(history.sku, np.int64)] <= 0] = METHODS.index("global_prior")
    if float(np.sum(days)) <= 0:
        method[:] = METHODS.index("no_history")
    return method
