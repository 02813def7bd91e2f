"""Quantities by hand: triggers, packs, least lines, limits; the benefit against a simulated shelf."""

from __future__ import annotations

import numpy as np
import pytest

from allocation_assets.replenishment.policies import propose
from allocation_assets.replenishment.problem import (
    BINDINGS,
    MIN_MAX,
    ORDER_UP_TO,
    R_NQ,
    S_S,
    WEEKS_OF_COVER,
    problem_of,
)

#: Two days, fixed.
LEAD = [[0.0, 0.0, 1.0]]


def one(**columns):
    found = propose(problem_of([columns.pop("daily_mean", 2.0)], LEAD, **{k: [v] for k, v in columns.items()}))
    return int(found.units[0]), BINDINGS[found.binding[0]]


@pytest.mark.parametrize(
    ("policy", "first", "second", "position", "want"),
    [
        (S_S, 5, 12, 5, 7), (S_S, 5, 12, 6, 0), (S_S, 5, 12, -3, 15),
        (MIN_MAX, 5, 12, 5, 0), (MIN_MAX, 5, 12, 4, 8),
        (R_NQ, 5, 4, 5, 4), (R_NQ, 5, 4, 1, 8), (R_NQ, 5, 4, 2, 4), (R_NQ, 5, 4, 6, 0),
        (WEEKS_OF_COVER, 1.5, np.nan, 3, 18), (ORDER_UP_TO, np.nan, 9, 3, 6),
    ],
)  # fmt: skip
def test_fixed_parameters(policy, first, second, position, want):
    assert one(policy=policy, first_parameter=first, second_parameter=second, on_hand=position)[0] == want


def test_the_position_counts_every_part():
    columns = {"policy": S_S, "first_parameter": 10, "second_parameter": 20}
    assert one(on_hand=3, in_transit=4, on_order=5, backorders=2, reserved=1, **columns)[0] == 11
    assert one(on_hand=3, in_transit=4, on_order=7, backorders=2, reserved=1, **columns)[0] == 0


UP_TO_20 = {"policy": ORDER_UP_TO, "second_parameter": 20.0}


@pytest.mark.parametrize(
    ("columns", "want"),
    [
        ({"on_hand": 20}, (0, "position_covers")),
        ({"on_hand": 9}, (11, "policy")),
        ({"on_hand": 9, "case_pack": 6, "order_multiple": 6}, (12, "order_multiple")),
        ({"on_hand": 9, "case_pack": 6, "order_multiple": 24}, (24, "order_multiple")),
        ({"on_hand": 9, "case_pack": 6, "order_multiple": 6, "min_order": 20}, (24, "minimum_order")),
        ({"on_hand": 9, "case_pack": 6, "order_multiple": 6, "storage_capacity": 20}, (6, "storage")),
        ({"on_hand": 9, "case_pack": 6, "order_multiple": 6, "min_order": 12, "storage_capacity": 20}, (0, "storage")),
        ({"on_hand": 9, "contract_max": 15}, (6, "contract_max")),
        ({"on_hand": 21, "contract_min": 30, "contract_max": 40}, (9, "contract_min")),
        ({"on_hand": 21, "presentation": 30}, (9, "presentation")),
        ({"on_hand": 4, "shelf_life_days": 3}, (6, "shelf_life")),  # 2 a day over 2 + 3 days
        ({"on_hand": 0, "second_parameter": np.nan, "daily_mean": 0.0}, (0, "no_demand")),
    ],
)
def test_what_sets_the_quantity(columns, want):
    assert one(**{**UP_TO_20, **columns}) == want


def test_safety_stock_is_what_the_level_holds_above_the_mean():
    found = propose(problem_of([2.0, 2.0], LEAD, **{k: v for k, v in UP_TO_20.items()}, on_hand=[0, 0]))
    np.testing.assert_array_equal(found.safety_stock, 20 - 2 * 3)
    found = propose(problem_of([2.0], LEAD, policy=S_S, first_parameter=9.0, second_parameter=30.0))
    assert found.safety_stock[0] == 9 - 6


def test_bad_columns_are_named():
    with pytest.raises(ValueError, match=r"review_days\[1\] = 0"):
        problem_of([1.0, 1.0], LEAD, review_days=[1, 0])
    with pytest.raises(ValueError, match="order_multiple"):
        problem_of([1.0], LEAD, case_pack=6, order_multiple=8)
    with pytest.raises(ValueError, match="no such column"):
        problem_of([1.0], LEAD, lead_days=3)
    with pytest.raises(ValueError, match="lead_table"):
        problem_of([1.0], [[0.5, 0.4]])


@pytest.mark.parametrize(("position", "units"), [(0, 6), (5, 6), (12, 4), (20, 5)])
def test_expected_benefit_against_a_simulated_shelf(position, units):
    """Poisson 2 a day, lead 2 days, review 3 days: what sells in the 3 days with the order less without it."""
    rng = np.random.default_rng(6)
    n = 400_000
    left = np.maximum(position - rng.poisson(4.0, n), 0)
    demand = rng.poisson(6.0, n)
    sold = (np.minimum(left + units, demand) - np.minimum(left, demand)).mean()
    found = propose(
        problem_of(
            [2.0], LEAD, review_days=3, policy=ORDER_UP_TO, second_parameter=float(position + units), on_hand=position,
            lost_sale_cost=0.5, holding_cost=0.01, order_cost=0.2,
        )
    )  # fmt: skip
    assert found.units[0] == units
    assert found.lost_sales_avoided[0] == pytest.approx(sold, abs=0.02)
    # A unit that sells lies for half of the review period on average, one that does not for all of it.
    assert found.holding_days[0] == pytest.approx(3 * units - 1.5 * sold, abs=0.05)
    worth = 0.5 * found.lost_sales_avoided[0] - 0.01 * found.holding_days[0] - 0.2
    assert found.benefit[0] == pytest.approx(worth)


def test_units_beyond_the_target_lie_until_demand_reaches_them():
    few = propose(problem_of([0.1], LEAD, policy=ORDER_UP_TO, second_parameter=2.0))
    many = propose(problem_of([0.1], LEAD, policy=ORDER_UP_TO, second_parameter=2.0, case_pack=12))
    assert (few.units[0], many.units[0]) == (2, 12)
    # Units 3 to 12 wait 10, 20, ... 100 days more than a review of one day.
    assert many.holding_days[0] - few.holding_days[0] == pytest.approx(550 + 10, abs=1.0)
    assert many.benefit[0] < few.benefit[0]
