"""Compiled walk of the demand filter (numba): every SKU by itself, day by day, over flat arrays.

`champion` says what is computed and why; this file only computes it. SKUs are independent given the factor tables, so any
split of them gives the same states; sums per group are kept per split and added in a fixed order by the caller.
Days are rows and series are columns, series of a SKU side by side: loops over series have no branch, so that they compile
to vector instructions (hence `error_model="numpy"` and slices that start at 0). Blocks of SKUs stay in the cache over all
days. No fast-math: each operation rounds as written, on any machine.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

#: Rows of the series state (5, n): ratio to the SKU's level, its relative variance, both sums of the dispersion, and full
#: days seen. Rows of the SKU state (3, k): units a day, its relative variance, growth a day.
RATIO, RATIO_VAR, SPREAD, SPREAD_WEIGHT, SEEN = range(5)
LEVEL, LEVEL_VAR, GROWTH = range(3)
#: Indices of the settings array.
(
    SKU_DRIFT,
    RATIO_DRIFT,
    GROWTH_GAIN,
    GROWTH_DAMPING,
    CLIP,
    FORGET,
    DISPERSION_WEIGHT,
    MAX_DISPERSION,
    MAX_LEVEL_VAR,
    MAX_RATIO_VAR,
) = range(10)


_COMPILE = {"cache": True, "nogil": True, "error_model": "numpy"}
_BLOCK = 4096


@njit(**_COMPILE)
def moments_at_least(units, mean, dispersion):
    """(E[D | D >= units], Var[D | D >= units]) of a negative binomial (Poisson at dispersion 1): what a sold-out day was worth."""
    if units <= 0:
        return mean, mean * dispersion
    if units > 400 or mean > 400:
        deviation = math.sqrt(mean * dispersion)
        z = (units - 0.5 - mean) / deviation
        if z > 6:
            return units + dispersion, dispersion * dispersion
        hazard = math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) / (0.5 * math.erfc(z / math.sqrt(2.0)))
        return max(mean + deviation * hazard, units), deviation * deviation * (1.0 + z * hazard - hazard * hazard)
    x = dispersion - 1.0
    p = math.exp(-mean * (math.log1p(x) / x if x > 1e-9 else 1.0))
    below, first, second = 0.0, 0.0, 0.0
    for u in range(math.ceil(units)):
        below += p
        first += u * p
        second += u * u * p
        p *= (mean / dispersion + (1.0 - 1.0 / dispersion) * u) / (u + 1)
    tail = 1.0 - below
    if tail < 1e-9:
        return units + dispersion, dispersion * dispersion
    first = max((mean - first) / tail, units)
    return first, max((mean * mean + mean * dispersion - second) / tail - first * first, 0.0)


@njit(**_COMPILE)
def _spread_out(values, ptr, lo, hi, out):
    """One value per SKU to all its series."""
    for k in range(lo, hi):
        out[ptr[k] - ptr[lo] : ptr[k + 1] - ptr[lo]] = values[k - lo]


@njit(**_COMPILE)
def _begin_day(lo, hi, ptr, spread, weight, class_disp, skus, cfg, level, excess):
    """Growth of the levels, and each SKU's dispersion above 1 (the prior of its series), for the SKUs lo <= k < hi."""
    prior = cfg[DISPERSION_WEIGHT]
    for k in range(lo, hi):
        own, known = 0.0, 0.0
        for i in range(ptr[k] - ptr[lo], ptr[k + 1] - ptr[lo]):
            own += spread[i]
            known += weight[i]
        found = (own + prior * (class_disp[k] - 1.0)) / (known + prior)
        excess[k - lo] = min(max(found, 0.0), cfg[MAX_DISPERSION] - 1.0)
        skus[LEVEL, k] *= 1.0 + skus[GROWTH, k]
        level[k - lo] = skus[LEVEL, k]


@njit(**_COMPILE)
def _lift(group, factor, offer, uplift, lift):
    """The day's multiplier of each series."""
    for i in range(lift.shape[0]):
        lift[i] = factor[group[i]]
    if uplift.shape[0] > 1:
        for i in range(lift.shape[0]):
            lift[i] *= uplift[offer[i]]


@njit(**_COMPILE)
def _open(exposure, first_day, t, share):
    """Exposure of the day, 0 before a series begins; returns whether any day is known only as sold out."""
    has_bound = False
    for i in range(share.shape[0]):
        share[i] = exposure[i] if first_day[i] <= t else np.float32(0.0)
        has_bound |= share[i] < np.float32(0.0)
    return has_bound


@njit(**_COMPILE)
def _expect(units, share, lift, level, excess, ratio, var, spread, weight, cfg, y, part, d, noise):
    """Expected units `part`, their dispersion `d` and the variance `noise` of what the day may show; 0 where it says nothing."""
    prior, most = np.float32(cfg[DISPERSION_WEIGHT]), np.float32(cfg[MAX_DISPERSION])
    one, zero, least = np.float32(1.0), np.float32(0.0), np.float32(1e-6)
    for i in range(part.shape[0]):
        mean = max(level[i] * ratio[i] * lift[i], least)
        own = one + (spread[i] + prior * excess[i]) / (weight[i] + prior)
        own = min(max(own, one), most)
        expected = mean * share[i]
        noise[i] = expected * (own + expected * var[i])
        part[i] = expected
        d[i] = own
        y[i] = units[i] if share[i] > zero else zero


@njit(**_COMPILE)
def _resolve_bounds(units, share, lift, level, excess, ratio, var, spread, weight, cfg, y, part, d, noise, unseen):
    """Days known only as sold out (share < 0): demand was E[D | D >= units], give or take the variance `unseen`; without a sale
    they say nothing."""
    prior, most = cfg[DISPERSION_WEIGHT], cfg[MAX_DISPERSION]
    for i in range(part.shape[0]):
        if share[i] < 0.0:
            is_seen = units[i] > 0.0
            share[i] = 1.0 if is_seen else 0.0
            mean = max(level[i] * ratio[i] * lift[i], 1e-6)
            own = min(max(1.0 + (spread[i] + prior * excess[i]) / (weight[i] + prior), 1.0), most)
            part[i] = mean if is_seen else 0.0
            d[i] = own
            first, second = moments_at_least(units[i], mean, own)
            y[i] = first if is_seen else 0.0
            unseen[i] = second if is_seen else 0.0
            noise[i] = part[i] * (own + part[i] * var[i])


@njit(**_COMPILE)
def _raise_levels(lo, hi, ptr, y, part, noise, skus, cfg, moved):
    """Kalman step of each SKU's level on the sum over its locations; `moved` is the factor by which it moved."""
    for k in range(lo, hi):
        total, expected, variance = 0.0, 0.0, 0.0
        for i in range(ptr[k] - ptr[lo], ptr[k + 1] - ptr[lo]):
            total += y[i]
            expected += part[i]
            variance += noise[i]
        prior = min(skus[LEVEL_VAR, k] + cfg[SKU_DRIFT], cfg[MAX_LEVEL_VAR])
        gain, surprise = 0.0, 0.0
        if expected > 0.0:
            blur = variance / (expected * expected)
            gain = prior / (prior + blur)
            limit = cfg[CLIP] * math.sqrt(prior + blur)
            surprise = min(max(total / expected - 1.0, -limit), limit)
        moved[k - lo] = max(1.0 + gain * surprise, 0.1)
        skus[LEVEL, k] *= max(1.0 + gain * surprise, 0.1)
        skus[LEVEL_VAR, k] = prior * (1.0 - gain)
        skus[GROWTH, k] = cfg[GROWTH_DAMPING] * skus[GROWTH, k] + cfg[GROWTH_GAIN] * gain * surprise


@njit(**_COMPILE)
def _raise_ratios(y, part, d, share, unseen, moved, ratio, var, spread, weight, seen, cfg):
    """Kalman step of each series against its SKU, and its sums of squared errors, weighted by their information."""
    clip, keep = np.float32(cfg[CLIP]), np.float32(1.0 - cfg[FORGET])
    drift, most_var = np.float32(cfg[RATIO_DRIFT]), np.float32(cfg[MAX_RATIO_VAR])
    one, two, zero = np.float32(1.0), np.float32(2.0), np.float32(0.0)
    for i in range(part.shape[0]):
        is_seen = part[i] > zero
        prior = min(var[i] + drift, most_var)
        now = part[i] * moved[i]
        width = prior * now + d[i]
        most = clip * math.sqrt(now * width)
        error = min(max(y[i] - now, -most), most)
        step = max(one + prior * error / width, np.float32(0.05))
        ratio[i] = ratio[i] * step if is_seen else ratio[i]
        var[i] = prior * d[i] / width if is_seen else prior
        miss = y[i] - part[i]
        square = min(miss * miss + unseen[i], np.float32(36.0) * part[i] * d[i] + np.float32(9.0))
        inverse = one / (one + two * part[i])
        is_told = is_seen and share[i] >= np.float32(0.3)
        spread[i] = keep * spread[i] + (square - part[i]) * inverse if is_told else spread[i]
        weight[i] = keep * weight[i] + part[i] * inverse if is_told else weight[i]
        seen[i] += share[i] if is_seen else zero


@njit(**_COMPILE)
def _score(t, lo, hi, ptr, level, ratio, var, y, part, d, skus, cfg, held, score):
    """Score the day against levels held since the start of its week (every seventh day); see `advance`."""
    for k in range(lo, hi):
        drift = (t % 7) * (cfg[SKU_DRIFT] + cfg[RATIO_DRIFT])
        for i in range(ptr[k] - ptr[lo], ptr[k + 1] - ptr[lo]):
            now = level[i] * ratio[i]
            if t % 7 == 0:
                held[i] = now
            if part[i] > 0.0 and held[i] > 0.0:
                units, expected = max(y[i], 0.0), part[i] * held[i] / now
                score[0] += 2.0 * ((units * math.log(units / expected) if units > 0.0 else 0.0) - (units - expected))
                score[1] += 1.0
                variance = expected * (d[i] + expected * (var[i] + skus[LEVEL_VAR, k] + drift))
                score[2] += min((units - expected) * (units - expected) / variance, 25.0)


@njit(**_COMPILE)
def _add_sums(y, part, group, offer, weekday, event, weight, sums):
    """Add the day's units, seen and expected, to the sums by weekday, event and offer."""
    by_day, by_event, by_offer = sums
    for i in range(part.shape[0]):
        by_day[0, group[i], weekday] += weight * y[i]
        by_day[1, group[i], weekday] += weight * part[i]
        if event > 0:
            by_event[0, group[i], event] += weight * y[i]
            by_event[1, group[i], event] += weight * part[i]
        if offer[i] > 0:
            by_offer[0, offer[i]] += weight * y[i]
            by_offer[1, offer[i]] += weight * part[i]


@njit(**_COMPILE)
def _zeros(n):
    return np.zeros(n, np.float32)


@njit(**_COMPILE)
def _advance_block(lo, hi, ptr, days, factors, class_disp, series, skus, cfg, day_weight, sums, score_from, score):
    """Take in all days for the SKUs of one block."""
    units, exposure, offer, first_day, group, weekday, event = days
    factor, uplift = factors
    a, b = ptr[lo], ptr[hi]
    n = b - a
    level, excess, moved = np.empty(hi - lo), np.empty(hi - lo), np.empty(hi - lo)
    # Each array by itself, also the rows of the state: of parts of one array no compiler can tell that they do not overlap,
    # and the loops would not become vector instructions.
    level_of, excess_of, moved_of = _zeros(n), _zeros(n), _zeros(n)
    y, part, d, noise = _zeros(n), _zeros(n), _zeros(n), _zeros(n)
    lift, held, share, unseen = _zeros(n), _zeros(n), _zeros(n), _zeros(n)
    ratio, var, spread = series[RATIO, a:b].copy(), series[RATIO_VAR, a:b].copy(), series[SPREAD, a:b].copy()
    weight, seen = series[SPREAD_WEIGHT, a:b].copy(), series[SEEN, a:b].copy()
    of, first = group[a:b], first_day[a:b]
    for t in range(units.shape[0]):
        today, promised = units[t, a:b], offer[t, a:b]
        _begin_day(lo, hi, ptr, spread, weight, class_disp, skus, cfg, level, excess)
        _spread_out(level, ptr, lo, hi, level_of)
        _spread_out(excess, ptr, lo, hi, excess_of)
        _lift(of, factor[t], promised, uplift, lift)
        has_bound = _open(exposure[t, a:b], first, t, share)
        _expect(today, share, lift, level_of, excess_of, ratio, var, spread, weight, cfg, y, part, d, noise)
        if has_bound:
            _resolve_bounds(
                today, share, lift, level_of, excess_of, ratio, var, spread, weight, cfg, y, part, d, noise, unseen
            )
        _raise_levels(lo, hi, ptr, y, part, noise, skus, cfg, moved)
        _spread_out(moved, ptr, lo, hi, moved_of)
        if t >= score_from:
            _score(t, lo, hi, ptr, level_of, ratio, var, y, part, d, skus, cfg, held, score)
        if day_weight[t] > 0.0:
            _add_sums(y, part, of, promised, weekday[t], event[t], day_weight[t], sums)
        _raise_ratios(y, part, d, share, unseen, moved_of, ratio, var, spread, weight, seen, cfg)
        if has_bound:
            unseen[:] = 0.0
    series[RATIO, a:b], series[RATIO_VAR, a:b], series[SPREAD, a:b] = ratio, var, spread
    series[SPREAD_WEIGHT, a:b], series[SEEN, a:b] = weight, seen


@njit(**_COMPILE)
def advance(lo, hi, ptr, days, factors, class_disp, series, skus, cfg, day_weight, sums, score_from, score):
    """Take in all days of the panel for the SKUs lo <= k < hi: `series` and `skus` move in place.

    days: units, exposure (negative = lower bound) and offer (t, n), first_day and group (n,), weekday and event (t,); ptr
    (k + 1,); factors: by day and group (t, G), by offer (o,); sums: arrays (2, ...) of units seen and expected by group and
    weekday, group and event, offer, each day by `day_weight` (0 = not wanted); score (3,) of the days from
    `score_from` on, each forecast from the start of its week: Poisson deviance, number of days, squared errors over their variance.
    """
    start = lo
    while start < hi:
        end = start + 1
        while end < hi and ptr[end + 1] - ptr[start] <= _BLOCK:
            end += 1
        _advance_block(
            start, end, ptr, days, factors, class_disp, series, skus, cfg, day_weight, sums, score_from, score
        )
        start = end
