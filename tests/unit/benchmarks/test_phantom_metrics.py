"""Measures of the phantom stock benchmark against figures worked by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.benchmarks.phantom_world.metrics import brier_skill, calibration_error, caught, interval, reliability


def test_precision_recall_and_lift_by_hand():
    wrong = np.zeros(20, bool)
    wrong[[3, 7, 11, 15]] = True  # prevalence 0.2
    order = np.array([3, 0, 7, 1, *[i for i in range(20) if i not in (0, 1, 3, 7)]])
    assert caught(order, wrong, 0.1) == {"precision": 0.5, "recall": 0.25, "lift": 2.5}
    assert caught(order, wrong, 0.2) == {"precision": 0.5, "recall": 0.5, "lift": 2.5}
    assert caught(order, wrong, 1.0) == {"precision": 0.2, "recall": 1.0, "lift": 1.0}


def test_a_list_too_short_is_judged_by_the_counts_it_was_allowed():
    wrong = np.array([True] + [False] * 9)
    assert caught(np.array([0]), wrong, 0.5) == {"precision": 0.2, "recall": 1.0, "lift": 2.0}
    assert math.isnan(caught(np.array([0]), np.zeros(10, bool), 0.5)["lift"])


def test_reliability_and_calibration_error_by_hand():
    probability = np.array([0.05, 0.05, 0.25, 0.25, 0.95, 1.0])
    wrong = np.array([False, False, True, False, True, True])
    table = reliability(probability, wrong)
    assert [row["records"] for row in table] == [2, 2, 2]
    assert [row["from"] for row in table] == [0.0, 0.2, 0.9]
    assert [row["seen"] for row in table] == [0.0, 0.5, 1.0]
    assert [row["said"] for row in table] == pytest.approx([0.05, 0.25, 0.975])
    # (2 x 0.05 + 2 x 0.25 + 2 x 0.025) / 6
    assert calibration_error(table) == pytest.approx(0.65 / 6)


def test_brier_skill_by_hand():
    wrong = np.array([True, False, False, False])
    # Brier (0.04 + 3 x 0.04) / 4 = 0.04 against 0.25 x 0.75 = 0.1875
    assert brier_skill(np.array([0.8, 0.2, 0.2, 0.2]), wrong) == pytest.approx(1 - 0.04 / 0.1875)
    assert brier_skill(np.full(4, 0.25), wrong) == pytest.approx(0.0)
    assert brier_skill(wrong.astype(float), wrong) == 1.0
    assert math.isnan(brier_skill(np.full(3, 0.1), np.zeros(3, bool)))


def test_interval_by_the_table_of_student():
    # n = 4, t(0.975, 3) = 3.182446 (printed tables), s = sqrt(5 / 3), s / sqrt(4) = 0.6454972
    found = interval([1.0, 2.0, 3.0, 4.0])
    assert found["mean"] == 2.5
    assert found["high"] - 2.5 == pytest.approx(3.182446 * 0.6454972, rel=1e-5)
    assert math.isnan(interval([1.0])["low"]) and interval([1.0, math.nan])["mean"] == 1.0
