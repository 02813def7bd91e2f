"""Classes do not flap, whatever the measures do; and they move when they must."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from allocation_assets.segmentation.hysteresis import Held, Scale, handed_on, hold

BOUNDARIES, BANDS = np.array([1.0, 4.0]), np.array([0.2, 0.5])
CONFIRM = 5


def walk(measures: np.ndarray, memory: Held) -> list[Held]:
    """Held classes date by date of the measures (t, n)."""
    path = []
    for row in measures:
        now = hold(Scale(row, BOUNDARIES, BANDS), memory, CONFIRM)
        path.append(now)
        memory = handed_on(memory, now)
    return path


inside = st.floats(-0.999, 0.999)


@given(st.integers(0, 1), st.lists(inside, min_size=1, max_size=60), st.integers(0, 1))
def test_jitter_inside_the_band_never_changes_the_class(boundary, jitter, side):
    """It may stay on one side of the boundary for fewer days than confirm, as often as it likes."""
    values = BOUNDARIES[boundary] + np.array(jitter) * BANDS[boundary]
    home = np.where(side == 0, BOUNDARIES[boundary] - 0.1 * BANDS[boundary], BOUNDARIES[boundary])
    values[CONFIRM - 1 :: CONFIRM] = home
    start = boundary + side
    path = walk(values[:, None], Held(np.array([start], np.int8), np.zeros(1, np.int32)))
    assert {int(held.classes[0]) for held in path} == {start}


@given(st.lists(st.floats(0, 10), min_size=1, max_size=40), st.integers(0, 2))
def test_beyond_the_band_it_changes_at_once_and_never_skips_what_is_plain(values, start):
    path = walk(np.array(values)[:, None], Held(np.array([start], np.int8), np.zeros(1, np.int32)))
    for value, held in zip(values, path, strict=True):
        got = int(held.classes[0])
        assert got >= sum(value >= BOUNDARIES + BANDS) and got <= sum(value >= BOUNDARIES - BANDS)


@given(st.lists(st.floats(0, 10), min_size=CONFIRM, max_size=40))
def test_as_long_past_the_boundary_as_policy_asks_is_past_it(values):
    """After CONFIRM dates on which the plain class was the same, the held class is that one."""
    plain = [int(sum(value >= BOUNDARIES)) for value in values]
    path = walk(np.array(values)[:, None], Held.nothing(1))
    for at in range(CONFIRM - 1, len(values)):
        if len(set(plain[at - CONFIRM + 1 : at + 1])) == 1:
            assert int(path[at].classes[0]) == plain[at]


@given(st.lists(st.one_of(st.floats(0, 10), st.just(float("inf"))), min_size=1, max_size=30), st.integers(0, 29))
def test_each_sku_is_held_by_its_own_measures(values, other):
    """A neighbour changes nothing: the kernel is elementwise."""
    alone = walk(np.array(values)[:, None], Held.nothing(1))
    pair = np.column_stack([values, np.roll(values, other)])
    beside = walk(pair, Held.nothing(2))
    assert [int(h.classes[0]) for h in alone] == [int(h.classes[0]) for h in beside]
