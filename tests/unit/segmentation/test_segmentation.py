"""ABC, XYZ, velocity, margin rate and targets by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allocation_assets.segmentation.classify import SegmentInput, SegmentPolicy, segment_skus


def data(margin, **changes) -> SegmentInput:
    n = len(margin)
    arrays = {
        "key": np.arange(n), "gross_margin": margin, "net_sales": np.full(n, 100.0), "weeks": np.full(n, 4),
        "weekly_sum": np.full(n, 40.0), "weekly_sum_sq": np.full(n, 400.0), "units": np.full(n, 40.0), "periods": np.full(n, 28.0),
        "sold_periods": np.full(n, 28.0), "size_spread": np.zeros(n), "size_freedom": np.full(n, 27.0),
        "is_strategic": np.zeros(n, bool),
    }  # fmt: skip
    return SegmentInput(**(arrays | changes))


def test_abc_shares():
    """Shares 50, 30, 15, 5: cumulated before 0, 50, 80, 95. A share of exactly 80 % closes A, 95 % closes B."""
    assert segment_skus(data([50.0, 30.0, 15.0, 5.0])).abc.tolist() == ["A", "A", "B", "C"]
    assert segment_skus(data([5.0, 15.0, 50.0, 30.0])).abc.tolist() == ["C", "B", "A", "A"]


def test_abc_the_sku_that_crosses_the_line_is_in_the_better_class():
    assert segment_skus(data([79.0, 15.0, 6.0])).abc.tolist() == ["A", "A", "B"]
    assert segment_skus(data([1000.0, 1.0])).abc.tolist() == ["A", "C"]


def test_abc_ties_by_key():
    """Five equal SKUs: 80 % stand before the last one, which is the one with the highest key."""
    same = data([20.0] * 5, key=np.array([7, 3, 9, 1, 5]))
    assert segment_skus(same).abc.tolist() == ["A", "A", "B", "A", "A"]


def test_abc_without_margin():
    assert segment_skus(data([0.0, -5.0])).abc.tolist() == ["C", "C"]
    assert segment_skus(data([10.0, -90.0])).abc.tolist() == ["A", "C"]
    assert segment_skus(data([])).abc.tolist() == []


def test_abc_does_not_drift_over_many_equal_cents():
    """A thousand SKUs of 0.1: exactly 800 A, 150 B, 50 C."""
    names, counts = np.unique(segment_skus(data(np.full(1000, 0.1))).abc, return_counts=True)
    assert dict(zip(names.tolist(), counts.tolist(), strict=True)) == {"A": 800, "B": 150, "C": 50}


@pytest.mark.parametrize(
    ("weeks", "expected"),
    [
        ([10, 10, 10, 10], "X"),
        ([4, 16, 10, 10], "X"),
        ([0, 20, 10, 10], "Y"),
        ([0, 0, 0, 40], "Z"),
        ([0, 0, 0, 0], "Z"),
    ],
)
def test_xyz(weeks, expected):
    """CV with the sample standard deviation: 0, 0.49, 0.82, 2, undefined."""
    moments = {"weekly_sum": [float(sum(weeks))], "weekly_sum_sq": [float(sum(w * w for w in weeks))]}
    assert segment_skus(data([1.0], **moments)).xyz.tolist() == [expected]


def test_one_week_says_nothing_about_variability():
    assert segment_skus(data([1.0], weeks=[1], weekly_sum=[9.0], weekly_sum_sq=[81.0])).xyz.tolist() == ["Z"]


def test_velocity_margin_and_target():
    """Ten, one, a quarter and no unit per week; targets by class from policy."""
    got = segment_skus(
        data([50.0, 30.0, 15.0, 5.0], weekly_sum=[40.0, 4.0, 1.0, 0.0], net_sales=[100.0, 60.0, 0.0, 10.0]),
        SegmentPolicy(service_target_a=0.99, service_target_b=0.9, service_target_c=0.8),
    )
    assert got.velocity.tolist() == ["fast", "medium", "slow", "none"]
    assert got.margin_rate[:2].tolist() == [0.5, 0.5] and np.isnan(got.margin_rate[2])
    assert got.service_target.tolist() == [0.99, 0.99, 0.9, 0.8]


def test_bad_input_says_what_is_wrong():
    with pytest.raises(ValueError, match="gross_margin"):
        segment_skus(data([np.nan]))
    with pytest.raises(ValueError, match="key repeats"):
        segment_skus(data([1.0, 2.0], key=np.array([1, 1])))


@pytest.mark.parametrize(("by", "expected"), [("margin", "ABC"), ("sales", "CAB"), ("units", "CCA")])
def test_abc_by_what_policy_chooses(by, expected):
    """One figure at a time is worth ranking by: margin 90/5/5, sales 5/80/15, units 1/1/98."""
    ranked = data([90.0, 5.0, 5.0], net_sales=[5.0, 80.0, 15.0], units=[1.0, 1.0, 98.0])
    assert "".join(segment_skus(ranked, SegmentPolicy(abc_by=by)).abc) == expected


@pytest.mark.parametrize(
    ("periods", "sold", "spread", "freedom", "expected"),
    [
        (40, 31, 4.8, 10, "smooth"),
        (132, 100, 4.8, 10, "intermittent"),
        (40, 31, 4.9, 10, "erratic"),
        (132, 100, 4.9, 10, "lumpy"),
        (40, 1, 0, 0, "intermittent"),
        (40, 0, 0, 0, "none"),
    ],
)
def test_demand_class(periods, sold, spread, freedom, expected):
    """Intervals 40/31 = 1.29 and 1.32, squared variations 0.48 and 0.49; one sale has no variation to speak of."""
    moments = {"periods": [periods], "sold_periods": [sold], "size_spread": [spread], "size_freedom": [freedom]}
    assert segment_skus(data([1.0], **moments)).demand_class.tolist() == [expected]


def test_a_strategic_sku_is_served_at_least_as_well_as_policy_asks():
    got = segment_skus(data([50.0, 30.0, 15.0, 5.0], is_strategic=[True, False, True, True]),
                       SegmentPolicy(service_target_a=0.995, service_target_c=0.5, service_target_strategic=0.97))  # fmt: skip
    assert got.service_target.tolist() == [0.995, 0.995, 0.97, 0.97]
