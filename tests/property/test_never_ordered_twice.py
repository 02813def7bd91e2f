"""What is already ordered is never ordered twice, and no limit is passed: random pairs, every policy."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation_assets.replenishment.policies import propose
from allocation_assets.replenishment.problem import BINDINGS, problem_of
from allocation_assets.replenishment.safety_stock import lead_time_table

PAIRS = 300


def drawn(seed: int):
    rng = np.random.default_rng(seed)
    n = PAIRS

    def some(values, share=0.3, none=-1):
        return np.where(rng.random(n) < share, values, none)

    pack = rng.choice([1, 4, 6, 12], n)
    first = np.where(rng.random(n) < 0.4, rng.integers(0, 20, n).astype(float), np.nan)
    return problem_of(
        rng.gamma(0.6, 2.0, n) * (rng.random(n) < 0.9), lead_time_table([1, 5, 12], [0, 2, 3]),
        dispersion=1 + rng.gamma(1, 1, n), level_variance=rng.choice([0, 0.05], n), lead_class=rng.integers(0, 3, n),
        review_days=rng.choice([1, 3, 7], n), on_hand=rng.integers(-5, 25, n), in_transit=rng.integers(0, 9, n),
        on_order=rng.integers(0, 30, n) * (rng.random(n) < 0.4), backorders=rng.integers(0, 5, n),
        reserved=rng.integers(0, 5, n), case_pack=pack, order_multiple=pack * rng.choice([1, 4], n),
        min_order=rng.choice([0, 0, 10, 40], n), shelf_life_days=some(rng.integers(1, 60, n)),
        storage_capacity=some(rng.integers(5, 60, n)), contract_min=some(rng.integers(1, 20, n), 0.2, 0),
        contract_max=some(rng.integers(20, 60, n), 0.2), presentation=some(rng.integers(1, 9, n), 0.2, 0),
        lost_sale_cost=rng.uniform(0.1, 3, n), holding_cost=rng.uniform(0.001, 0.05, n),
        order_cost=rng.choice([0, 0.5, 3], n), policy=rng.integers(0, 6, n), basis=rng.integers(0, 4, n),
        service_target=rng.uniform(0.5, 0.995, n), first_parameter=first,
        second_parameter=np.where(rng.random(n) < 0.5, first + rng.integers(1, 30, n), np.nan),
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31))
def test_the_same_day_again_orders_nothing(seed):
    problem = drawn(seed)
    plan = propose(problem)
    again = propose(replace(problem, on_order=problem.on_order + plan.units))
    assert (again.units == 0).all()
    shipped = propose(replace(problem, in_transit=problem.in_transit + plan.units))
    assert (shipped.units == 0).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31))
def test_lines_are_whole_and_within_every_limit(seed):
    problem = drawn(seed)
    plan = propose(problem)
    ordered = plan.units > 0
    assert (plan.units >= 0).all() and (plan.units % problem.order_multiple == 0).all()
    assert (plan.cases * problem.case_pack == plan.units).all()
    assert (plan.units[ordered] >= problem.min_order[ordered]).all()
    after = plan.inventory_position + plan.units
    for limit in (problem.storage_capacity, problem.contract_max):
        bound = ordered & (limit >= 0)
        assert (after[bound] <= limit[bound]).all()
    assert (plan.binding < len(BINDINGS)).all()
    assert (plan.inventory_position[ordered] <= plan.reorder_point[ordered]).all()
    assert (plan.lost_sales_avoided <= plan.units + 1e-9).all() and np.isfinite(plan.benefit).all()


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 2**31))
def test_over_many_days_no_more_is_open_than_a_level_and_one_lot(seed):
    """Twelve days of orders, demand and receipts: the position never passes the level by more than rounding can add."""
    rng = np.random.default_rng(seed)
    problem = drawn(seed)
    due = np.zeros((40, PAIRS), np.int64)
    for day in range(12):
        plan = propose(problem)
        after = plan.inventory_position + plan.units
        lot = np.maximum(problem.order_multiple, problem.min_order + problem.order_multiple)
        most = np.maximum(plan.order_up_to + lot, plan.inventory_position)
        assert (after <= most).all()
        assert (propose(replace(problem, on_order=problem.on_order + plan.units)).units == 0).all()
        due[day + rng.integers(1, 15, PAIRS), np.arange(PAIRS)] += plan.units
        sold = np.minimum(rng.poisson(problem.daily_mean), np.maximum(problem.on_hand, 0))
        problem = replace(
            problem,
            on_hand=problem.on_hand - sold + due[day],
            on_order=problem.on_order + plan.units - due[day],
        )


def test_the_result_does_not_depend_on_threads_or_order():
    problem = drawn(3)
    plan, alone = propose(problem, threads=2), propose(problem, threads=1)
    flipped = propose(problem.take(np.arange(PAIRS)[::-1]))
    for name, values in vars(plan).items():
        np.testing.assert_array_equal(values, getattr(alone, name))
        np.testing.assert_array_equal(values, getattr(flipped, name)[::-1])
