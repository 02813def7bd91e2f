"""Figures of every lane from what it delivered: discrete distributions of delay and lead time, rates, drift. Pure.

Distributions are of lines: what the next line will see. The evidence are orders: the lines of one come on the same truck,
so that an order is one observation, weighted by its lines (Buehlmann and Straub). What is overdue and open counts as
arriving the day after the run date, the least that it can be late by now.

Every distribution and rate of a lane is drawn towards its sender and its class of lanes (`credibility`), and the class
towards what is stated (nothing late, as long as stated, nothing short) by `prior_orders` imagined orders.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erf

import numpy as np

from allocation_assets.lead_times.credibility import Experience, Hierarchy, fit

#: Dates are whole days, which alone gives a variance of 1/12 (Sheppard); rates believed equal differ by that much.
LEAST_DAYS_WITHIN, LEAST_RATE_WITHIN = 1.0 / 12.0, 1e-6
BASES = ("lane_history", "sender_history", "class_history", "stated", "policy_default")
NO_DRIFT, OF_DELAY, OF_LEAD_TIME, OF_STATED = range(4)
DRIFTS = ("none", "delay", "lead_time", "stated_lead_time")


@dataclass(frozen=True)
class LaneSettings:
    """Policy `lead_times.*`: days each way that the tables hold, imagined orders, and what counts as drift."""

    max_delay_days: int
    prior_orders: float
    drift_days: float
    drift_deviations: float
    drift_orders: int


@dataclass(frozen=True)
class Lanes:
    """L lanes: sender and class codes (L,), stated lead time in days (L,), whether a lane states it (else policy) and its
    stated standard deviation (NaN = none)."""

    sender: np.ndarray
    lane_class: np.ndarray
    stated_days: np.ndarray
    is_stated: np.ndarray
    stated_sd: np.ndarray


@dataclass(frozen=True)
class Deliveries:
    """Groups of lines (n,) of one order that came alike: lane and order codes, lines, `delay` and `lead` in days (NaN = never
    came, or the order's date is not known), units due, received, short of due and damaged, days by which the order may be
    older, and whether they came lately."""

    lane: np.ndarray
    order: np.ndarray
    lines: np.ndarray
    delay: np.ndarray
    lead: np.ndarray
    due: np.ndarray
    received: np.ndarray
    short: np.ndarray
    damaged: np.ndarray
    gap: np.ndarray
    is_recent: np.ndarray


@dataclass(frozen=True)
class Drift:
    """What each lane drifted of (`DRIFTS` code), by how many days (+ = slower) and how many standard errors; (L,)."""

    of: np.ndarray
    days: np.ndarray
    deviations: np.ndarray


@dataclass(frozen=True)
class LaneFigures:
    """Shrunk figures of L lanes. `delay` (L, 2 K + 1): P(delay = i - K days); `lead` (L, M): P(lead time = i days).

    `orders` counts those with a known delay, `lead_orders` those with a known lead time; `factor` is the lane's own weight
    in its delay; `basis` is a code of BASES; `order_gap_days` is NaN where no order's date is known.
    """

    orders: np.ndarray
    lead_orders: np.ndarray
    basis: np.ndarray
    factor: np.ndarray
    delay: np.ndarray
    lead: np.ndarray
    short_rate: np.ndarray
    damaged_rate: np.ndarray
    order_gap_days: np.ndarray
    drift: Drift


@dataclass(frozen=True)
class _Orders:
    """Orders (O,): lane, lines, mean days of the lines, and whether any came lately."""

    lane: np.ndarray
    lines: np.ndarray
    mean: np.ndarray
    is_recent: np.ndarray


@dataclass(frozen=True)
class _Measured:
    """Days of one kind (clipped to +-K): the lanes' own tables (L, 2 K + 1), what `credibility` needs of them, the orders."""

    table: np.ndarray
    experience: dict[str, np.ndarray]
    orders: _Orders


def lane_figures(lanes: Lanes, seen: Deliveries, settings: LaneSettings) -> LaneFigures:
    """Figures of every lane, from its own deliveries as far as they can be believed."""
    k = settings.max_delay_days
    stated = np.ceil(lanes.stated_days).astype(np.int64)
    late = _measure(lanes, seen, seen.delay, k)
    excess = _measure(lanes, seen, seen.lead - stated[seen.lane], k)
    at_zero = np.zeros(2 * k + 1)
    at_zero[k] = 1.0
    delay, factor, within_delay = _shrunk_tables(lanes, late, at_zero, settings)
    longer, _, within_lead = _shrunk_tables(lanes, excess, at_zero, settings)
    orders, lead_orders = late.experience["observations"], excess.experience["observations"]
    spread = np.where(_basis(lanes, lead_orders) >= BASES.index("stated"), np.nan_to_num(lanes.stated_sd), 0.0)
    longer = np.where(spread[:, None] > 0, rounded_normal(spread, k), longer)
    gap = _lane_mean(seen.lane, np.where(np.isnan(seen.lead), np.nan, seen.gap), len(lanes.sender))
    return LaneFigures(
        orders=orders,
        lead_orders=lead_orders,
        basis=_basis(lanes, orders),
        factor=factor,
        delay=delay,
        lead=lead_table(longer, stated, k),
        short_rate=_shrunk_rate(lanes, seen, seen.short, seen.due, settings),
        damaged_rate=_shrunk_rate(lanes, seen, seen.damaged, seen.received, settings),
        order_gap_days=gap,
        drift=_drift(lanes, late, excess, within_delay, within_lead, gap, settings),
    )


def moments(table: np.ndarray, first: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance (L,) of tables (L, D) of P(days = first + i)."""
    days = first + np.arange(table.shape[1])
    mean = table @ days
    return mean, np.maximum(table @ days.astype(float) ** 2 - mean**2, 0.0)


def quantile(table: np.ndarray, first: int, level: float) -> np.ndarray:
    """Smallest days (L,) int64 at which the table's sum reaches `level`."""
    return first + (np.cumsum(table, axis=1) < level - 1e-12).sum(axis=1)


def rounded_normal(deviation: np.ndarray, k: int) -> np.ndarray:
    """P(days = i - K) (L, 2 K + 1) of a normal around 0, rounded to whole days, tails on the last ones; deviation 0 counts as tiny."""
    edges = (np.arange(2 * k) - k + 0.5) / (np.maximum(deviation, 1e-9)[:, None] * np.sqrt(2.0))
    below = 0.5 * (1.0 + np.vectorize(erf, otypes=[float])(edges))
    return np.diff(below, axis=1, prepend=0.0, append=1.0)


def lead_table(excess: np.ndarray, stated: np.ndarray, k: int) -> np.ndarray:
    """P(lead time = i days) (L, max stated + K + 1) from tables of days beyond the stated ones; less than 0 counts as 0."""
    lanes, width = excess.shape
    table = np.zeros((lanes, stated.max(initial=0) + k + 1))
    days = np.maximum(stated[:, None] + np.arange(width) - k, 0)
    np.add.at(table, (np.arange(lanes)[:, None], days), excess)
    return table


def _measure(lanes: Lanes, seen: Deliveries, days: np.ndarray, k: int) -> _Measured:
    count, known = len(lanes.sender), ~np.isnan(days)
    orders = int(seen.order.max(initial=-1)) + 1
    order, lane, lines = seen.order[known], seen.lane[known], seen.lines[known].astype(float)
    clipped = np.clip(days[known], -k, k).astype(np.int64)
    table = np.bincount(lane * (2 * k + 1) + clipped + k, lines, count * (2 * k + 1)).reshape(count, 2 * k + 1)
    used, first = np.unique(order, return_index=True)
    of_order = _Orders(
        lane=lane[first], lines=np.bincount(order, lines, orders)[used], is_recent=np.bincount(order, seen.is_recent[known], orders)[used] > 0,
        mean=np.bincount(order, lines * clipped, orders)[used] / np.bincount(order, lines, orders)[used],
    )  # fmt: skip
    weight, mean, squares, number = _spread(of_order.lane, of_order.lines, of_order.mean, count)
    experience = {"weight": weight, "mean": mean, "squares": squares, "observations": number}
    return _Measured(table / np.where(weight > 0, weight, 1.0)[:, None], experience, of_order)


def _spread(
    lane: np.ndarray, weight: np.ndarray, value: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Of weighted values by lane: total weight, mean, sum of w (x - mean)^2 and number; (L,) each."""
    total = np.bincount(lane, weight, count)
    mean = np.bincount(lane, weight * value, count) / np.where(total > 0, total, 1.0)
    return total, mean, np.bincount(lane, weight * (value - mean[lane]) ** 2, count), np.bincount(lane, minlength=count)


def _classes(lanes: Lanes) -> list[np.ndarray]:
    return [np.flatnonzero(lanes.lane_class == each) for each in np.unique(lanes.lane_class)]


def _fit_class(lanes: Lanes, at: np.ndarray, experience: dict[str, np.ndarray], least: float) -> Hierarchy:
    senders, sender = np.unique(lanes.sender[at], return_inverse=True)
    return fit(Experience(**{name: values[at] for name, values in experience.items()}, sender=sender, senders=len(senders)), least)


def _shrunk_tables(
    lanes: Lanes, measured: _Measured, prior: np.ndarray, settings: LaneSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Shrunk tables (L, D), the lanes' own weight in them and the variance within lanes of their class, (L,) each."""
    table, factor, within = (np.zeros_like(measured.table), *(np.zeros(len(lanes.sender)) for _ in range(2)))
    for at in _classes(lanes):
        hierarchy = _fit_class(lanes, at, measured.experience, LEAST_DAYS_WITHIN)
        share = _prior_share(measured.experience["observations"][at].sum(), settings)
        table[at] = hierarchy.blend(measured.table[at], prior, share)
        factor[at], within[at] = hierarchy.lane_factor, hierarchy.within
    return table, factor, within


def _prior_share(orders: float, settings: LaneSettings) -> float:
    return settings.prior_orders / (orders + settings.prior_orders) if orders else 1.0


def _shrunk_rate(lanes: Lanes, seen: Deliveries, part: np.ndarray, whole: np.ndarray, settings: LaneSettings) -> np.ndarray:
    """Rate (L,) in [0, 1]: each order's part of its whole is an observation, weighted by its whole."""
    count, orders = len(lanes.sender), int(seen.order.max(initial=-1)) + 1
    parts, wholes = np.bincount(seen.order, part, orders), np.bincount(seen.order, whole, orders)
    used = np.flatnonzero(wholes > 0)
    lane_of = np.zeros(orders, np.int64)
    lane_of[seen.order] = seen.lane
    rate = np.clip(parts[used] / wholes[used], 0.0, 1.0)
    weight, mean, squares, number = _spread(lane_of[used], wholes[used], rate, count)
    experience = {"weight": weight, "mean": mean, "squares": squares, "observations": number}
    shrunk = np.zeros(count)
    for at in _classes(lanes):
        hierarchy = _fit_class(lanes, at, experience, LEAST_RATE_WITHIN)
        share = _prior_share(number[at].sum(), settings)
        shrunk[at] = hierarchy.blend(mean[at][:, None], np.zeros(1), share)[:, 0]
    return np.clip(shrunk, 0.0, 1.0)


def _basis(lanes: Lanes, orders: np.ndarray) -> np.ndarray:
    """Where a lane's figures come from, a code of BASES: its own deliveries, its sender's, its class's, what is stated, policy."""
    of_sender = np.bincount(lanes.sender, orders)[lanes.sender]
    of_class = np.bincount(lanes.lane_class, orders)[lanes.lane_class]
    return np.select([orders > 0, of_sender > 0, of_class > 0, lanes.is_stated], [0, 1, 2, 3], 4)


def _lane_mean(lane: np.ndarray, values: np.ndarray, count: int) -> np.ndarray:
    """Mean (L,) of the values that are known, NaN where none is."""
    known = ~np.isnan(values)
    number = np.bincount(lane[known], minlength=count)
    return np.where(number > 0, np.bincount(lane[known], values[known], count) / np.maximum(number, 1), np.nan)


def _drift(
    lanes: Lanes, late: _Measured, excess: _Measured, within_delay: np.ndarray, within_lead: np.ndarray,
    gap: np.ndarray, settings: LaneSettings,
) -> Drift:  # fmt: skip
    """Of the tests below that find drift, the one with most standard errors; nothing where none does."""
    found = [
        (OF_DELAY, *_moved(late, within_delay, settings)),
        (OF_LEAD_TIME, *_moved(excess, within_lead, settings)),
        (OF_STATED, *_off_stated(lanes, excess, within_lead, gap, settings)),
    ]
    count = len(lanes.sender)
    of, days, deviations = np.zeros(count, np.int64), np.zeros(count), np.zeros(count)
    for code, shift, z in found:
        is_drift = (np.abs(shift) >= settings.drift_days) & (np.abs(z) >= settings.drift_deviations) & (np.abs(z) > np.abs(deviations))
        of, days, deviations = np.where(is_drift, code, of), np.where(is_drift, shift, days), np.where(is_drift, z, deviations)
    return Drift(of, days, deviations)


def _moved(measured: _Measured, within: np.ndarray, settings: LaneSettings) -> tuple[np.ndarray, np.ndarray]:
    """Days (L,) by which the recent orders of a lane differ from its earlier ones, and the two-sample z of it.

    The variance is that of the earlier ones. 0 where either part has fewer than `drift_orders` orders.
    """
    (w_new, mean_new, _, n_new), (w_old, mean_old, squares, n_old) = (
        _part(measured.orders, len(within), is_recent) for is_recent in (True, False)
    )
    variance = _variance(squares, n_old, within, settings)
    error = np.sqrt(variance / np.maximum(w_new, 1.0) + variance / np.maximum(w_old, 1.0))
    is_enough = (n_new >= settings.drift_orders) & (n_old >= settings.drift_orders)
    shift = np.where(is_enough, mean_new - mean_old, 0.0)
    return shift, shift / error


def _part(orders: _Orders, count: int, is_recent: bool) -> tuple[np.ndarray, ...]:
    at = orders.is_recent == is_recent
    return _spread(orders.lane[at], orders.lines[at], orders.mean[at], count)


def _variance(squares: np.ndarray, number: np.ndarray, within: np.ndarray, settings: LaneSettings) -> np.ndarray:
    """Variance (L,) of an order of one line: the lane's own, drawn towards that of its class by `prior_orders`."""
    return (squares + settings.prior_orders * within) / (np.maximum(number - 1, 0) + settings.prior_orders)


def _off_stated(
    lanes: Lanes, excess: _Measured, within: np.ndarray, gap: np.ndarray, settings: LaneSettings
) -> tuple[np.ndarray, np.ndarray]:
    """Days (L,) by which the lane takes longer than it states, and the z of it; 0 without a statement or with few orders.

    An order may be older than the first picture that names it, so a lane is quicker than stated only as far as it would be
    with its orders placed right after the picture before.
    """
    weight, mean, squares, number = (excess.experience[name] for name in ("weight", "mean", "squares", "observations"))
    sure = np.where(mean < 0, np.minimum(mean + np.nan_to_num(gap), 0.0), mean)
    shift = np.where(lanes.is_stated & (number >= settings.drift_orders), sure, 0.0)
    return shift, shift / np.sqrt(_variance(squares, number, within, settings) / np.maximum(weight, 1.0))
