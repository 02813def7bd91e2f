"""Compiled moves of the record filter: errors on a grid, what a day's facts make of them.

A record's error is e = true stock - book, in units. A pair's distribution holds a probability for EMPTY (true stock 0,
whatever the book says) and for errors at fixed multiples of the pair's step: fine near 0, coarse far out, so that a
case too few and a pallet too few both have a place. An error between two points is split between them, which keeps the
mean. Everything here is deterministic, holds no state and releases the GIL. No file outside this one is called from
compiled code: numba's cache does not see changes across files.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

MULTIPLES = np.array(
    [-192, -96, -48, -36, -24, -18, -12, -9, -6, -4, -3, -2, -1, 0, 1, 2, 3, 4, 6, 9, 12, 18, 24, 36, 48], np.int64
)
EMPTY = len(MULTIPLES)
STATES = EMPTY + 1
ZERO = int(np.flatnonzero(MULTIPLES == 0)[0])

#: Index of the highest point at or below each whole multiple, from the lowest point up.
_BELOW = (np.searchsorted(MULTIPLES, np.arange(MULTIPLES[0], MULTIPLES[-1] + 1), side="right") - 1).astype(np.int64)
_LONGEST_WALK = 400


@njit(cache=True, nogil=True)
def _add(mass, units, step, weight):
    """Add `weight` at an error of `units`; the ends of the grid take what lies beyond them."""
    at = units / step
    if at <= MULTIPLES[0]:
        mass[0] += weight
    elif at >= MULTIPLES[EMPTY - 1]:
        mass[EMPTY - 1] += weight
    else:
        point = _BELOW[math.floor(at) - MULTIPLES[0]]
        share = (at - MULTIPLES[point]) / (MULTIPLES[point + 1] - MULTIPLES[point])
        mass[point] += weight * (1.0 - share)
        mass[point + 1] += weight * share


@njit(cache=True, nogil=True)
def _settle(mass, book, step):
    """A stock of nothing, or less, is EMPTY: book + error <= 0."""
    for k in range(EMPTY):
        if mass[k] > 0.0 and book + MULTIPLES[k] * step <= 0:
            mass[EMPTY] += mass[k]
            mass[k] = 0.0


@njit(cache=True, nogil=True)
def _shift(mass, out, units, step):
    """The book moved by -`units` and the shelf did not: every error grows by `units`; EMPTY stays empty."""
    if units == 0:
        return
    out[:] = 0.0
    for k in range(EMPTY):
        if mass[k] > 0.0:
            _add(out, MULTIPLES[k] * step + units, step, mass[k])
    out[EMPTY] += mass[EMPTY]
    mass[:] = out


@njit(cache=True, nogil=True)
def _receive(mass, out, opening, arrived, received, step, pack, rate, factors, sizes):
    """Goods arrive: EMPTY gets a stock; with probability `rate` a receipt line is booked wrong.

    sizes: rows (share, units, cases, whole receipt) of the errors, losses negative; a loss is weighed by factors[0], a
    gain by factors[1].
    """
    if arrived <= 0:
        return
    weight = mass[EMPTY]
    mass[EMPTY] = 0.0
    _add(mass, -opening, step, weight)
    if received <= 0 or rate <= 0.0:
        return
    out[:] = 0.0
    for k in range(EMPTY):
        if mass[k] == 0.0:
            continue
        error, kept = MULTIPLES[k] * step, 1.0
        for i in range(sizes.shape[0]):
            units = sizes[i, 1] + sizes[i, 2] * pack + sizes[i, 3] * received
            share = min(rate * sizes[i, 0] * (factors[0] if units < 0 else factors[1]), 0.2)
            units = max(units, -received)
            kept -= share
            _add(out, error + units, step, mass[k] * share)
        out[k] += mass[k] * kept
    mass[:] = out


@njit(cache=True, nogil=True)
def _lose(mass, out, book, step, pack, loss_rate, gain_rate, sizes):
    """Unrecorded losses and gains of a day; a loss never takes more than is there.

    sizes: rows (share, units, cases) of the losses; the rest of the shares takes all there is. A gain is one unit.
    """
    out[:] = 0.0
    out[EMPTY] = mass[EMPTY] * (1.0 - gain_rate)
    _add(out, 1.0 - book, step, mass[EMPTY] * gain_rate)
    for k in range(EMPTY):
        if mass[k] == 0.0:
            continue
        error = MULTIPLES[k] * step
        stock, rest = book + error, 1.0
        for i in range(sizes.shape[0]):
            units = sizes[i, 1] + sizes[i, 2] * pack
            rest -= sizes[i, 0]
            if units >= stock:
                out[EMPTY] += mass[k] * loss_rate * sizes[i, 0]
            else:
                _add(out, error - units, step, mass[k] * loss_rate * sizes[i, 0])
        out[EMPTY] += mass[k] * loss_rate * rest
        _add(out, error + 1.0, step, mass[k] * gain_rate)
        out[k] += mass[k] * (1.0 - loss_rate - gain_rate)
    mass[:] = out


@njit(cache=True, nogil=True)
def _sales_odds(sales, mean, dispersion, run_expected, shape):
    """Return (P(D = sales), P(D >= sales), expected units that the day adds to a run without sales).

    Demand is negative binomial with a rate that is itself uncertain (gamma of `shape`). A run without sales speaks of
    the rate too, so one more zero after `run_expected` units of run has probability ((k + L) / (k + L + l)) ** k.
    """
    if mean <= 0.0:
        return 1.0, 1.0, 0.0
    x = dispersion - 1.0
    exposure = mean * (math.log1p(x) / x if x > 1e-9 else 1.0)
    if sales == 0:
        return ((shape + run_expected) / (shape + run_expected + exposure)) ** shape, 1.0, exposure
    if sales > _LONGEST_WALK or mean > _LONGEST_WALK:
        return 1.0, 1.0, exposure
    d = dispersion + mean / shape
    p = math.exp(-mean * math.log1p(d - 1.0) / (d - 1.0))
    below = 0.0
    for u in range(sales):
        below += p
        p *= (mean / d + (1.0 - 1.0 / d) * u) / (u + 1)
    equal = max(p, 1e-9)
    return equal, max(1.0 - below, equal), exposure


@njit(cache=True, nogil=True)
def _see_sales(mass, book, sales, moved, step, equal, at_least, slip):
    """Weigh every stock by what was sold and moved out of it; `slip` is the chance of facts that cannot be."""
    for k in range(STATES):
        if mass[k] == 0.0:
            continue
        stock = 0 if k == EMPTY else book + MULTIPLES[k] * step
        free = stock - moved
        if free > sales:
            mass[k] *= equal
        elif free == sales or (k != EMPTY and free + step > sales):
            mass[k] *= at_least
        else:
            mass[k] *= slip


@njit(cache=True, nogil=True)
def _see_shelf(mass, book, sales, step, share_out, reliability):
    """Weigh by what the shelf was seen to be: `share_out` of the day empty (NaN = nobody looked).

    Empty all day without a sale speaks for no stock, never empty for stock; a part of the day for neither, because it
    does not say which part.
    """
    if math.isnan(share_out) or (share_out > 0.0 and (share_out < 1.0 or sales > 0)):
        return
    seen = share_out > 0.0
    for k in range(STATES):
        is_empty = k == EMPTY or book + MULTIPLES[k] * step <= 0
        mass[k] *= reliability if is_empty == seen else 1.0 - reliability


@njit(cache=True, nogil=True)
def _count(mass, out, counted, variance, step, hit):
    """A count says what is there, up to a small error of the counter."""
    total = mass.sum()
    for k in range(STATES):
        out[k] = mass[k] / total * (1.0 - hit) * 0.5
    for offset in (-1, 1):
        if counted + offset > 0:
            _add(out, variance + offset, step, (1.0 - hit) * 0.25)
        else:
            out[EMPTY] += (1.0 - hit) * 0.25
    if counted == 0:
        out[EMPTY] += hit
    else:
        _add(out, variance, step, hit)
    mass[:] = out


@njit(cache=True, nogil=True)
def _normalise(mass):
    total = mass.sum()
    if total > 0.0:
        mass /= total
    else:
        mass[:] = 0.0
        mass[ZERO] = 1.0


@njit(cache=True, nogil=True)
def _level(mean, run, j, half_life):
    """Demand a day: as forecast, or within a run without sales the level from before it, slowly forgotten."""
    if run[j, 1] == 0.0:
        return mean
    return max(mean, run[j, 2] * 0.5 ** (run[j, 1] / half_life))


@njit(cache=True, nogil=True)
def _count_run(run, j, sales, could_sell, mean, exposure):
    """Begin, lengthen or end the run without sales."""
    if sales > 0:
        run[j, 0], run[j, 1], run[j, 2] = 0.0, 0.0, mean
    elif could_sell:
        if run[j, 1] == 0.0:
            run[j, 2] = mean
        run[j, 0] += exposure
        run[j, 1] += 1.0


@njit(cache=True, nogil=True)
def _is_wrong(error, pack):
    return error > pack or error < -pack


@njit(cache=True, nogil=True)
def _wrong(mass, book, step, pack):
    """Chance that nothing is there although the book says so, or that the error is more than a case."""
    total = mass[EMPTY] if book > 0 or book < -pack else 0.0
    for k in range(EMPTY):
        if _is_wrong(MULTIPLES[k] * step, pack):
            total += mass[k]
    return min(total, 1.0)


@njit(cache=True, nogil=True)
def _lost(mass, book, step, pack):
    """The part of `_wrong` that is less than the book says."""
    total = mass[EMPTY] if book > 0 else 0.0
    for k in range(ZERO):
        if _is_wrong(MULTIPLES[k] * step, pack):
            total += mass[k]
    return total


@njit(cache=True, nogil=True)
def update_pairs(lo, hi, mass, book, run, facts, odds, rates, losses, receipt_errors, settings, found):
    """One day for the pairs lo <= j < hi, in place.

    mass (n, STATES) float32. book (n,) closing book of the day before. run (n, 3): expected units and days of the
    current run without sales, demand level before it. facts (n, 10) int64: opening, closing, sales, received,
    returned, moved out, corrected, counted (-1), variance, case pack. odds (n, 3): daily mean, dispersion, share of
    the day out of stock (NaN); rates (n, 4): open (1/0), hazard factors of losses and gains, steps.
    settings: shape, half-life, slip, shelf reliability, count hit, loss base, loss per unit, gain per unit, receipt rate.
    found (n, 3) out: chance of a loss and of a gain of more than a case, and of a wrong record, just before a count.
    """
    now, out = np.empty(STATES), np.empty(STATES)
    for j in range(lo, hi):
        opening, closing, sales, received = facts[j, 0], facts[j, 1], facts[j, 2], facts[j, 3]
        arrived, moved, corrected = received + facts[j, 4], facts[j, 5], facts[j, 6]
        counted, pack, step = facts[j, 7], facts[j, 9], int(rates[j, 3])
        is_open = rates[j, 0] > 0.0
        now[:] = mass[j]
        _shift(now, out, book[j] - opening, step)
        _receive(now, out, opening, arrived, received, step, pack, settings[8], rates[j, 1:3], receipt_errors)
        stocked = opening + arrived
        level = _level(odds[j, 0], run, j, settings[1])
        equal, at_least, exposure = _sales_odds(sales, level, odds[j, 1], run[j, 0], settings[0])
        if not is_open:
            equal, at_least = 1.0, 1.0
        _see_sales(now, stocked, sales, moved, step, equal, at_least, settings[2])
        _count_run(run, j, sales, is_open and stocked > 0, odds[j, 0], exposure)
        before = closing - corrected
        _see_shelf(now, before, sales, step, odds[j, 2], settings[3])
        _normalise(now)
        _settle(now, before, step)
        loss = min((settings[5] + settings[6] * level) * rates[j, 1], 0.25)
        gain = min(settings[7] * (level + sales) * 0.5 * rates[j, 2], 0.25)
        _lose(now, out, before, step, pack, loss, gain, losses)
        _settle(now, before, step)
        if counted >= 0:
            found[j, 2] = _wrong(now, before, step, pack)
            found[j, 0] = _lost(now, before, step, pack)
            found[j, 1] = max(found[j, 2] - found[j, 0], 0.0)
            _count(now, out, counted, facts[j, 8], step, settings[4])
            run[j, 0], run[j, 1] = 0.0, 0.0
        _shift(now, out, -corrected, step)
        _settle(now, closing, step)
        _normalise(now)
        mass[j] = now
        book[j] = closing


@njit(cache=True, nogil=True)
def chances(lo, hi, mass, book, step, pack, out):
    """Fill out[j] with the filter's own chance that the record is wrong, for the pairs lo <= j < hi."""
    for j in range(lo, hi):
        out[j] = _wrong(mass[j], book[j], step[j], pack[j])


@njit(cache=True, nogil=True)
def summarise(lo, hi, mass, book, step, pack, wrong_scale, right_scale, out):
    """Fill out[j] = chance empty, chance hidden, mean stock, median stock, units missing, units too many.

    Masses of wrong and of right states are scaled first (what experience says of the filter's chances). Missing and too
    many count errors of more than a case where the shelf is not empty.
    """
    for j in range(lo, hi):
        empty_scale = wrong_scale[j] if book[j] > 0 or book[j] < -pack[j] else right_scale[j]
        below = mass[j, EMPTY] * empty_scale
        hidden, mean, missing, excess = 0.0, 0.0, 0.0, 0.0
        median = 0 if below >= 0.5 else -1
        for k in range(EMPTY):
            error = MULTIPLES[k] * step[j]
            is_wrong = _is_wrong(error, pack[j])
            p = mass[j, k] * (wrong_scale[j] if is_wrong else right_scale[j])
            stock = max(book[j] + error, 0)
            mean += p * stock
            below += p
            if median < 0 and below >= 0.499999:
                median = stock
            if is_wrong:
                missing += p * max(-error, 0)
                excess += p * max(error, 0)
                hidden += p if error > 0 else 0.0
        if book[j] < -pack[j]:
            hidden += mass[j, EMPTY] * empty_scale
            excess += mass[j, EMPTY] * empty_scale * -book[j]
        out[j, 0] = min(mass[j, EMPTY] * empty_scale, 1.0) if book[j] > 0 else 0.0
        out[j, 1], out[j, 2], out[j, 3] = min(hidden, 1.0), mean, max(median, 0)
        out[j, 4], out[j, 5] = missing, excess
