"""Shipping calendar of lanes: when a lane ships, when that arrives, and the days it must cover (semantics 2, 19).

A calendar is a seven-character text, Monday first, '-' = no, null = every day (or a list of day names). It is kept as
a bit mask per lane (bit 0 = Monday); dates are numpy datetime64[D]; everything is vectorised over lanes or pairs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

EVERY_DAY = 0b1111111
DAY_NAMES = ("MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN")
NEVER = np.datetime64("NaT", "D")


def day_mask(calendar: str | Iterable[str] | None) -> int:
    """Bit mask of one calendar: seven characters, a list of day names, or None (every day)."""
    if calendar is None or (isinstance(calendar, float) and calendar != calendar):
        return EVERY_DAY
    if isinstance(calendar, str):
        if len(calendar) != 7:
            raise ValueError(f"calendar: {calendar!r} must have seven characters, Monday first, '-' for no")
        return sum(1 << i for i, c in enumerate(calendar) if c != "-")
    names = [str(name).upper()[:3] for name in calendar]
    if not set(names) <= set(DAY_NAMES):
        raise ValueError(f"calendar: {names} must be day names out of {', '.join(DAY_NAMES)}")
    return sum(1 << DAY_NAMES.index(name) for name in set(names))


def day_masks(calendars) -> np.ndarray:
    """Masks (n,) uint8 of many calendars; only the distinct ones are parsed."""
    import pandas as pd

    codes, distinct = pd.factorize(np.asarray(calendars, dtype=object))
    masks = np.array([day_mask(c) for c in distinct] + [EVERY_DAY], dtype=np.uint8)
    return masks[codes]  # code -1 = null = the appended every-day mask


def _wait_table() -> np.ndarray:
    """Days from a weekday to the next day of a mask, 0..6; -1 = never. Shape (128, 7)."""
    table = np.full((128, 7), -1, np.int64)
    for mask in range(1, 128):
        for weekday in range(7):
            table[mask, weekday] = next(w for w in range(7) if mask >> ((weekday + w) % 7) & 1)
    return table


_WAIT = _wait_table()


def next_day(dates, masks) -> np.ndarray:
    """First date on or after each date that its mask allows; NaT where the mask is empty or the date is NaT."""
    dates, masks = np.broadcast_arrays(np.asarray(dates, "datetime64[D]"), np.asarray(masks, np.uint8))
    missing = np.isnat(dates)
    days = np.where(missing, 0, dates.astype(np.int64))
    wait = _WAIT[masks, (days + 3) % 7]  # 1970-01-01 was a Thursday
    return np.where(missing | (wait < 0), NEVER, dates + np.maximum(wait, 0).astype("timedelta64[D]"))


def is_review_day(business_date, calendar: str | Iterable[str] | None) -> bool:
    """Whether new lines are decided on this date."""
    return bool(next_day(business_date, day_mask(calendar)) == np.datetime64(business_date, "D"))


@dataclass(frozen=True)
class Schedule:
    """Arrays (n): dates of the shipment decided on D, arrival of the one after it, days to cover, and status.

    `horizon_days` = days from the later of D and the day before opening to the next possible arrival after this one,
    at most to the last day before closing; 0 where nothing can arrive. `block` has the codes of `problem`: 0 open, 1
    blocked (closed before it could arrive, or never receives), 2 no ship day. `is_firm`: ships on the first date on
    which the lane can ship: D + 1 (semantics 20), D + 2 where its cut-off is over when lines reach the warehouse, for
    the run of D + 1 is too late for that date.
    """

    ship_date: np.ndarray
    arrival_date: np.ndarray
    next_arrival_date: np.ndarray
    horizon_days: np.ndarray
    block: np.ndarray
    is_firm: np.ndarray


def arrival_of(ship, lead_days, receiving) -> np.ndarray:
    """Arrival = ceil(ship + lead time) moved to the next receiving day."""
    lead = np.ceil(np.asarray(lead_days, np.float64)).astype("timedelta64[D]")
    return next_day(np.asarray(ship, "datetime64[D]") + lead, receiving)


def shipping_schedule(
    business_date, ship_masks, lead_days, receiving_masks, open_date=None, close_date=None, review_mask: int = EVERY_DAY,
    release_days=1,
) -> Schedule:
    """Schedule of each pair's next shipment as seen at the close of `business_date` (D).

    The earliest ship date is D + `release_days` (1; 2 where the lane's cut-off is earlier than the release of the
    lines), later where the location opens later (nothing arrives before open_date, nothing
    on or after close_date). The following shipment is the first that a later review day can decide and that arrives
    later than this one. Null dates = none. Raises ValueError for a negative or missing lead time.
    """
    ship_masks, receiving, lead = np.broadcast_arrays(
        np.asarray(ship_masks, np.uint8), np.asarray(receiving_masks, np.uint8), np.asarray(lead_days, np.float64)
    )
    if lead.size and not (np.isfinite(lead).all() and (lead >= 0).all()):
        raise ValueError("calendar: lead_days must be finite and >= 0; fill the default lead time first")
    today = np.datetime64(business_date, "D")
    opens, closes = _dates(open_date, lead.shape), _dates(close_date, lead.shape)
    opening = np.where(np.isnat(opens), today, opens)
    travel = np.ceil(lead).astype("timedelta64[D]")
    release = np.broadcast_to(np.asarray(release_days, "timedelta64[D]"), lead.shape)
    ship = next_day(np.maximum(today + release, opening - travel), ship_masks)
    arrival = arrival_of(ship, lead, receiving)
    decided = next_day(today + 1, review_mask)
    following = _following_arrival(ship, arrival, decided + release, ship_masks, lead, receiving)
    closed = ~np.isnat(closes) & (arrival >= closes)
    block = np.where(np.isnat(ship), 2, np.where(np.isnat(arrival) | closed, 1, 0)).astype(np.int64)
    until = np.where(np.isnat(closes), following, np.minimum(following, closes - 1))
    days = (until - np.maximum(today, opening - 1)).astype(np.int64)
    horizon = np.where((block == 0) & ~np.isnat(following), days, 0)
    return Schedule(ship, arrival, following, horizon, block, (block == 0) & (ship == today + release))


def _following_arrival(ship, arrival, earliest, ship_masks, lead, receiving) -> np.ndarray:
    """Arrival of the first later shipment that arrives after this one."""
    later = next_day(np.maximum(ship + 1, earliest), ship_masks)
    after = arrival_of(later, lead, receiving)
    # Several shipments can meet at one receiving day; a week of later ones always reaches the next.
    for _ in range(7):
        same = after <= arrival
        if not same.any():
            break
        later = np.where(same, next_day(later + 1, ship_masks), later)
        after = np.where(same, arrival_of(later, lead, receiving), after)
    return after


def _dates(values, shape) -> np.ndarray:
    if values is None:
        return np.full(shape, NEVER)
    return np.broadcast_to(np.asarray(values, "datetime64[D]"), shape)
