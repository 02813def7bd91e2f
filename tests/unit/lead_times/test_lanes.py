"""Figures of lanes, by hand: the example of docs/methods.md, weights of orders, drift, what is stated."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from allocation_assets.lead_times.lanes import (
    BASES,
    DRIFTS,
    Deliveries,
    Lanes,
    LaneSettings,
    lane_figures,
    lead_table,
    moments,
    quantile,
    rounded_normal,
)  # fmt: skip

NAN = float("nan")
SETTINGS = LaneSettings(max_delay_days=5, prior_orders=4, drift_days=1, drift_deviations=3, drift_orders=5)


def lanes_of(*rows: tuple[int, int, float, bool, float]) -> Lanes:
    """Rows of sender, class, stated days, is stated, stated deviation."""
    sender, lane_class, days, is_stated, sd = (np.array(column) for column in zip(*rows, strict=True))
    return Lanes(sender, lane_class, days.astype(float), is_stated, sd.astype(float))


def deliveries(*rows: dict) -> Deliveries:
    """One group of lines a row; a group is an order of its own, of one line that came as it was due, unless said otherwise."""
    basis = {"lane": 0, "lines": 1, "delay": 0, "lead": NAN, "due": 10, "received": 10, "short": 0, "damaged": 0, "gap": 0, "is_recent": False}
    full = [basis | {"order": number} | row for number, row in enumerate(rows)]
    kinds = {"lane": np.int64, "order": np.int64, "is_recent": bool}
    return Deliveries(**{name: np.array([row[name] for row in full], kinds.get(name, float)) for name in (*basis, "order")})


TWO = lanes_of((0, 1, 3, True, NAN), (1, 1, 3, True, NAN))


def worked() -> Deliveries:
    """V1: delays 1, 1, 3, 3; V2: -1, 0, 0, 1 (test_credibility.py: factors 0.875, class of 8 orders and 4 imagined)."""
    return deliveries(*({"lane": lane, "delay": d} for lane, days in ((0, (1, 1, 3, 3)), (1, (-1, 0, 0, 1))) for d in days))


def test_delays_by_hand():
    """The class has P(-1) = 1/12, P(0) = 1/2, P(1) = 1/4, P(3) = 1/6; V1 is 7/8 of its own and 1/8 of that."""
    found = lane_figures(TWO, worked(), SETTINGS)
    expected = np.zeros(11)
    expected[[4, 5, 6, 8]] = 1 / 96, 1 / 16, 7 / 16 + 1 / 32, 7 / 16 + 1 / 48
    assert found.delay[0] == pytest.approx(expected)
    mean, variance = moments(found.delay, -5)
    assert mean[0] == pytest.approx(11 / 6)
    assert variance[0] == pytest.approx((1 + 45 + 9 * 44) / 96 - (11 / 6) ** 2)
    assert (quantile(found.delay, -5, 0.5)[0], quantile(found.delay, -5, 0.9)[0]) == (1, 3)
    assert found.orders.tolist() == [4, 4] and found.lead_orders.tolist() == [0, 0]
    assert [BASES[code] for code in found.basis] == ["lane_history", "lane_history"]


def test_lines_make_the_distribution_and_orders_the_evidence():
    """Order 0: 3 lines on time and 1 two days late; order 1: one line a day late. Of 5 lines, and 2 orders beside 4 imagined ones."""
    seen = deliveries({"order": 0, "lines": 3, "delay": 0}, {"order": 0, "lines": 1, "delay": 2}, {"order": 1, "delay": 1})
    found = lane_figures(lanes_of((0, 1, 3, True, NAN)), seen, SETTINGS)
    own = np.zeros(11)
    own[[5, 6, 7]] = 3 / 5, 1 / 5, 1 / 5
    assert found.orders.tolist() == [2]
    assert found.delay[0] == pytest.approx(own / 3 + np.eye(11)[5] * 2 / 3)


def test_lines_of_one_order_are_no_more_evidence_than_the_orders_scatter():
    """Orders of 10 lines that scatter as orders of one line do give the same credibility: the lane's weight is 10 times, so is s2."""
    small, large = (lane_figures(TWO, deliveries(*(
        {"lane": lane, "delay": d, "lines": lines} for lane, days in ((0, (1, 1, 3, 3)), (1, (-1, 0, 0, 1))) for d in days
    )), SETTINGS) for lines in (1, 10))  # fmt: skip
    assert large.delay == pytest.approx(small.delay)


def test_days_beyond_the_table_count_as_the_last():
    found = lane_figures(lanes_of((0, 1, 3, True, NAN)), deliveries({"delay": 40}, {"delay": -40}), SETTINGS)
    assert found.delay[0, [0, 10]] == pytest.approx([1 / 6, 1 / 6])


def test_lead_times_stand_on_what_is_stated():
    """Both lanes take 2 days longer than stated, 3 and 10: (12 x 2 + 4 x 0) / 16 = 1.5 days more, for a lane without orders too."""
    lanes = lanes_of((0, 1, 3, True, NAN), (1, 1, 9.5, True, NAN), (2, 1, 4, True, NAN))
    seen = deliveries(*({"lane": lane, "lead": lead} for lane, lead in ((0, 5), (1, 12)) for _ in range(6)))
    found = lane_figures(lanes, seen, SETTINGS)
    assert moments(found.lead, 0)[0] == pytest.approx([4.5, 11.5, 5.5])
    assert found.lead_orders.tolist() == [6, 6, 0]
    assert [BASES[code] for code in found.basis] == ["lane_history", "lane_history", "class_history"]


def test_a_class_without_deliveries_is_as_stated_with_its_deviation():
    lanes = lanes_of((0, 0, 1, False, NAN), (1, 1, 3, True, 1.0))
    found = lane_figures(lanes, deliveries(), SETTINGS)
    normal = NormalDist()
    assert found.lead[0].tolist() == [0, 1, *[0] * (found.lead.shape[1] - 2)]
    assert found.lead[1, 3] == pytest.approx(normal.cdf(0.5) - normal.cdf(-0.5))
    assert found.lead[1].sum() == pytest.approx(1)
    assert [BASES[code] for code in found.basis] == ["policy_default", "stated"]
    assert found.delay[:, 5].tolist() == [1, 1]


def test_rounded_normal_has_its_tails_on_the_last_days():
    table = rounded_normal(np.array([0.0, 2.0]), 3)
    assert table[0].tolist() == [0, 0, 0, 1, 0, 0, 0]
    assert table[1, [0, 6]] == pytest.approx([NormalDist().cdf(-1.25)] * 2)


def test_no_lead_time_is_negative():
    assert lead_table(np.array([[0.25, 0.25, 0.5]]), np.array([0]), 1).tolist() == [[0.5, 0.5]]


def test_rates_by_hand():
    """V1 lacks 8 and 12 of 40 twice, V2 nothing twice: means 0.25 and 0; s2 = (40 x 0.05^2 x 2) / 2 = 0.1, so 1 / P = 0.1 / 80.

    b = sum z (x - 0.125)^2 = 1/32 z, z = b / (b + 1/800): b = 1/32 - 1/800 = 0.03, z = 0.96. The class, 0.125 over 4 orders and 4 imagined
    without a short unit, is 1/16.
    """
    rows = [{"lane": lane, "due": 40, "short": short} for lane, shorts in ((0, (8, 12)), (1, (0, 0))) for short in shorts]
    found = lane_figures(TWO, deliveries(*rows), SETTINGS)
    assert found.short_rate == pytest.approx([0.96 * 0.25 + 0.04 / 16, 0.04 / 16])
    assert found.damaged_rate.tolist() == [0.0, 0.0]


def drifted(old: list[float], new: list[float], name: str = "delay", stated: bool = True, gap: float = 0) -> tuple[str, float, float]:
    rows = [{name: days, "gap": gap, "is_recent": is_new} for part, is_new in ((old, False), (new, True)) for days in part]
    found = lane_figures(lanes_of((0, 1, 3, stated, NAN)), deliveries(*rows), SETTINGS).drift
    return DRIFTS[found.of[0]], float(found.days[0]), float(found.deviations[0])


def test_a_lane_that_became_late_drifts():
    """Before -1 and 1 in turn (8 orders, sum of squares 8), lately 3 and 5 (6, mean 4, 6): pooled s2 = 14 orders around 12/7.

    Mean of all 12/7: sum of squares 8 + 6 + 8 x (12/7)^2 + 6 x (16/7)^2 = 68.857, s2 = 68.857 / 13 = 5.297. An order varies by
    (8 + 4 x 5.297) / (7 + 4) = 2.653; z = 4 / sqrt(2.653 x (1/6 + 1/8)) = 4.547.
    """
    what, days, deviations = drifted([-1, 1] * 4, [3, 5] * 3)
    assert (what, days) == ("delay", 4.0)
    assert deviations == pytest.approx(4.547, abs=5e-4)


@pytest.mark.parametrize(
    ("old", "new"),
    [([0] * 8, [0] * 6), ([0] * 8, [4] * 4), ([0] * 4, [4] * 8), ([0, 1] * 4, [1, 1, 1, 1, 1, 0]), ([-5, 5] * 4, [1, 3] * 3)],
    ids=["same", "few new", "few old", "less than a day", "noisy"],
)
def test_what_is_no_drift(old, new):
    assert drifted(old, new) == ("none", 0.0, 0.0)


def test_a_lane_slower_than_stated_drifts_and_a_quicker_one_only_for_sure():
    """States 3 days, takes 5. Taking 1 day is quicker only if the orders cannot be 2 days older than their first picture."""
    assert drifted([5] * 8, [], "lead")[:2] == ("stated_lead_time", 2.0)
    assert drifted([1] * 8, [], "lead")[:2] == ("stated_lead_time", -2.0)
    assert drifted([1] * 8, [], "lead", gap=2) == ("none", 0.0, 0.0)
    assert drifted([5] * 8, [], "lead", stated=False) == ("none", 0.0, 0.0)
