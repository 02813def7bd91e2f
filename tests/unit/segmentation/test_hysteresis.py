"""Held classes by hand: the band, the days that confirm, and what is handed on."""

from __future__ import annotations

import numpy as np
import pytest

from allocation_assets.segmentation.hysteresis import UNKNOWN, Held, Scale, handed_on, hold


def scale(*measures: float, bands=(0.1, 0.2)) -> Scale:
    """Boundaries 1 and 2, bands 0.1 and 0.2."""
    return Scale(np.array(measures), np.array([1.0, 2.0]), np.array(bands))


def held(*classes: int, days=0) -> Held:
    return Held(np.array(classes, np.int8), np.broadcast_to(np.array(days, np.int32), len(classes)))


def test_without_memory_the_plain_class():
    got = hold(scale(0.99, 1.0, 1.99, 2.0, np.inf, np.nan), Held.nothing(6), 14)
    assert got.classes.tolist() == [0, 1, 1, 2, 2, 0] and got.days.tolist() == [0] * 6


@pytest.mark.parametrize(
    ("old", "measure", "new", "days"),
    [
        (0, 1.09, 0, 1),  # past the boundary, inside the band
        (0, 1.1, 1, 0),  # the band's end is past it
        (0, 2.1, 1, 0),  # surely above 1, not surely above 2
        (0, 2.2, 2, 0),
        (1, 0.95, 1, -1),
        (1, 0.89, 0, 0),
        (2, 1.85, 2, -1),
        (2, 1.79, 1, 0),
        (2, 0.95, 1, 0),
        (2, 0.5, 0, 0),
        (1, 1.5, 1, 0),
    ],
)
def test_the_band(old, measure, new, days):
    got = hold(scale(measure), held(old), 14)
    assert (got.classes.tolist(), got.days.tolist()) == ([new], [days])


def test_three_days_running_confirm():
    """Above, above, back, above x 3: the class changes on the sixth day, and the count begins anew."""
    memory, seen = held(0), []
    for measure in (1.05, 1.05, 0.99, 1.05, 1.05, 1.05, 0.95, 0.95):
        now = hold(scale(measure), memory, 3)
        seen.append((int(now.classes[0]), int(now.days[0])))
        memory = handed_on(memory, now)
    assert seen == [(0, 1), (0, 2), (0, 0), (0, 1), (0, 2), (1, 3), (1, -1), (1, -2)]


def test_a_week_between_two_dates_is_seven_days():
    first = hold(scale(1.05), held(0), 14, elapsed_days=7)
    second = hold(scale(1.05), first, 14, elapsed_days=7)
    third = hold(scale(1.05), second, 14, elapsed_days=7)
    assert [int(x.days[0]) for x in (first, second, third)] == [1, 8, 15]
    assert [int(x.classes[0]) for x in (first, second, third)] == [0, 0, 1]


def test_a_measure_that_says_nothing_keeps_the_class():
    got = hold(scale(np.nan, np.nan), Held(np.array([2, UNKNOWN], np.int8), np.array([-4, 0], np.int32)), 14)
    assert got.classes.tolist() == [2, 0] and got.days.tolist() == [-4, 0]


def test_no_band_and_one_day_are_the_plain_classes():
    measures = np.linspace(0, 3, 61)
    for bands, confirm in (((0.0, 0.0), 14), ((0.1, 0.2), 1)):
        for old in (0, 1, 2):
            got = hold(Scale(measures, np.array([1.0, 2.0]), np.array(bands)), held(*[old] * 61), confirm)
            assert (got.classes == (measures >= 1).astype(int) + (measures >= 2)).all()
