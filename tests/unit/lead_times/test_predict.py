"""Predictions by hand, and what holds for any of them."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation_assets.lead_times.predict import least_days, predict

#: Delays -1, 0, 1, 3 with 1, 6, 45, 44 of 96: the supplier V1 of docs/methods.md.
V1 = np.zeros((1, 11))
V1[0, [4, 5, 6, 8]] = np.array([1, 6, 45, 44]) / 96


def days_of(promised: int) -> tuple[int, int]:
    found = predict(V1, np.zeros(1), np.zeros(1, np.int64), np.array([promised]), np.array([10]))
    return int(found.p50_days[0]), int(found.p90_days[0])


def test_dates_by_hand():
    """Promised in 2 days: all delays are still possible, half by 1, nine of ten by 3. For today: 1 or more, 45 : 44. For the day
    before: only 3 is left. Five days ago: nothing is left, tomorrow."""
    assert days_of(2) == (3, 5)
    assert days_of(0) == (1, 3)
    assert days_of(-1) == (2, 2)
    assert days_of(-5) == (1, 1)


def test_units_are_what_is_outstanding_less_what_never_comes():
    found = predict(V1, np.array([0.1]), np.zeros(4, np.int64), np.ones(4, np.int64), np.array([10, 4, 5, 0]))
    assert found.units.tolist() == [9, 4, 5, 0]  # 9, 3.6, 4.5, 0 to the nearest unit


def test_an_early_delay_is_cut_off_where_it_has_passed():
    table = np.array([[0.5, 0.25, 0.25]])
    assert least_days(table, np.array([1]), 0.5).tolist() == [1]
    assert least_days(table, np.array([1]), 0.9).tolist() == [2]
    assert least_days(table, np.array([3]), 0.5).tolist() == [3]


@st.composite
def open_lines(draw):
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    k, lanes, lines = draw(st.integers(1, 9)), draw(st.integers(1, 4)), draw(st.integers(0, 30))
    table = rng.dirichlet(np.full(2 * k + 1, draw(st.sampled_from([0.02, 1.0]))), lanes)
    return table, rng.random(lanes), rng.integers(0, lanes, lines), rng.integers(-3 * k, 3 * k, lines), rng.integers(0, 50, lines)


@settings(max_examples=200, deadline=None)
@given(open_lines())
def test_nothing_comes_before_tomorrow_nor_more_than_is_outstanding(lines):
    """And each quantile is the conditional one, counted day by day."""
    table, _, lane, promised, units = lines
    found = predict(*lines)
    assert (found.p50_days >= 1).all() and (found.p90_days >= found.p50_days).all()
    assert (found.units >= 0).all() and (found.units <= units).all() and found.units.sum() <= units.sum()
    k = (table.shape[1] - 1) // 2
    for at, days in enumerate(found.p50_days):
        left = [(promised[at] + d - k, p) for d, p in enumerate(table[lane[at]]) if promised[at] + d - k >= 1]
        mass = sum(p for _, p in left)
        if mass > 1e-9:
            assert sum(p for day, p in left if day <= days) >= 0.5 * mass - 1e-9
            assert sum(p for day, p in left if day < days) <= 0.5 * mass + 1e-9
        else:
            assert days == 1


def test_no_open_line():
    none = np.zeros(0, np.int64)
    assert predict(V1, np.zeros(1), none, none, none).units.tolist() == []
