"""Shipping calendar: dates by hand. 2026-11-23 is a Monday."""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pytest

from allocation_assets.allocation.calendar import (
    EVERY_DAY,
    arrival_of,
    day_mask,
    day_masks,
    is_review_day,
    next_day,
    shipping_schedule,
)

MONDAY = date(2026, 11, 23)


def day(text: str) -> np.datetime64:
    return np.datetime64(f"2026-{text}", "D")


def one(ship="MTWTFSS", lead=1.0, receive="MTWTFSS", **kwargs):
    return shipping_schedule(MONDAY, [day_mask(ship)], [lead], [day_mask(receive)], **kwargs)


def test_masks():
    """Semantics 2: seven characters, Monday first, '-' = no, null = every day."""
    assert day_mask("M-W----") == 0b101
    assert day_mask(["MON", "wednesday"]) == 0b101
    assert day_mask(None) == day_mask(float("nan")) == EVERY_DAY
    assert day_masks(["M------", None, "------S", "M------"]).tolist() == [1, 127, 64, 1]
    for wrong in ("MTWTF", ["MONTAG-X", "XYZ"]):
        with pytest.raises(ValueError, match="calendar"):
            day_mask(wrong)


def test_next_day_equals_a_walk_over_the_calendar():
    for mask in range(128):
        for start in range(7):
            first = MONDAY + timedelta(days=start)
            walk = [first + timedelta(days=w) for w in range(7) if mask >> (first + timedelta(days=w)).weekday() & 1]
            got = next_day(np.datetime64(first), mask)
            assert (np.isnat(got) and not walk) or got == np.datetime64(walk[0])


def test_daily_lane():
    """Ships Tuesday, arrives Wednesday; the next one arrives Thursday: three days to cover."""
    s = one()
    assert (s.ship_date[0], s.arrival_date[0], s.next_arrival_date[0]) == (day("11-24"), day("11-25"), day("11-26"))
    assert s.horizon_days[0] == 3 and s.is_firm[0] and s.block[0] == 0


def test_a_lane_whose_cut_off_is_over_ships_a_day_later_and_its_line_is_firm():
    """The run of Tuesday is too late for Wednesday: what is decided on Monday for Wednesday stands."""
    late = one(release_days=np.array([2]))
    assert (late.ship_date[0], late.arrival_date[0], late.next_arrival_date[0]) == (day("11-25"), day("11-26"), day("11-27"))
    assert late.is_firm[0] and late.horizon_days[0] == 4
    weekly = one(ship="---T---", release_days=2)
    assert weekly.ship_date[0] == day("11-26") and not weekly.is_firm[0]
    assert one(ship="-T-----", release_days=2).ship_date[0] == day("12-01"), "tomorrow is over"
    opens = one(release_days=2, open_date=[np.datetime64("2026-12-01")])
    assert opens.arrival_date[0] == day("12-01") and not opens.is_firm[0]


def test_weekly_lane_is_a_preview():
    """Thursdays only, two and a half days: arrives Sunday, moved to Monday; the next a week later."""
    s = one(ship="---T---", lead=2.5, receive="MTWTF--")
    assert (s.ship_date[0], s.arrival_date[0], s.next_arrival_date[0]) == (day("11-26"), day("11-30"), day("12-07"))
    assert s.horizon_days[0] == 14 and not s.is_firm[0]


def test_shipments_that_meet_at_one_receiving_day_count_once():
    """Ships daily, received on Fridays: the arrival after this one is the Friday after."""
    s = one(receive="----F--")
    assert (s.arrival_date[0], s.next_arrival_date[0]) == (day("11-27"), day("12-04"))
    assert s.horizon_days[0] == 11


def test_following_shipment_waits_for_the_review():
    """Review on Mondays: the next decision is on 30 November, so the following one ships on 1 December."""
    s = one(review_mask=day_mask(["MON"]))
    assert s.next_arrival_date[0] == day("12-02") and s.horizon_days[0] == 9


def test_no_ship_day_and_no_receiving_day():
    assert one(ship="-------").block[0] == 2 and one(ship="-------").horizon_days[0] == 0
    assert one(receive="-------").block[0] == 1


def test_nothing_arrives_on_or_after_closing():
    """Semantics 19: closing on the arrival date bars it; one day later the cover ends on the last day."""
    assert one(close_date=day("11-25")).block[0] == 1
    open_ = one(close_date=day("11-26"))
    assert open_.block[0] == 0 and open_.horizon_days[0] == 2


def test_nothing_arrives_before_opening():
    """Semantics 19: a store that opens on 7 December is shipped to arrive that day, and covers two days."""
    s = one(open_date=day("12-07"))
    assert (s.ship_date[0], s.arrival_date[0]) == (day("12-06"), day("12-07"))
    assert s.horizon_days[0] == 2 and not s.is_firm[0]


def test_many_lanes_and_missing_dates():
    s = shipping_schedule(
        MONDAY, [127, 127], [0.0, 1.0], [127, 127], open_date=[np.datetime64("NaT"), day("11-01")],
        close_date=[day("11-24"), np.datetime64("NaT")],
    )  # fmt: skip
    assert s.block.tolist() == [1, 0]
    with pytest.raises(ValueError, match="lead_days"):
        shipping_schedule(MONDAY, [127], [-1.0], [127])


def test_arrival_and_review_day():
    assert arrival_of([day("11-27")], [1.2], [day_mask("MTWTF--")])[0] == day("11-30")
    assert is_review_day(MONDAY, ["MON", "THU"]) and not is_review_day(MONDAY, "-T-----")
    assert is_review_day(MONDAY, None)
