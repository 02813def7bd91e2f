"""Placement over trees by brute force, pooled demand by simulation, budgets by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from allocation_assets.replenishment.budget import hold_over_budget
from allocation_assets.replenishment.guaranteed_service import Tree, place, pooled_sd
from allocation_assets.replenishment.pooled import Pooled, echelon_position, pool_tree


def tree_of(arcs, processing, holding, sd, max_service, inbound=None):
    m = len(processing)
    return Tree(
        arcs, np.array(processing), np.array(holding, float), np.array(sd, float), np.full(m, 1.645), np.array(max_service),
        np.zeros(m, int) if inbound is None else np.array(inbound),
    )  # fmt: skip


def brute_force(tree):
    """Every combination of service times; inbound is the longest that suppliers quote."""
    longest, best = int(tree.processing.sum() + tree.inbound.max()), np.inf
    for service in itertools.product(range(longest + 1), repeat=len(tree.processing)):
        inbound = [max([int(tree.inbound[k]), *(service[s] for s, c in tree.arcs if c == k)]) for k in range(len(service))]
        net = np.array(inbound) + tree.processing - np.array(service)
        promised = all(s <= m for s, m in zip(service, tree.max_service, strict=True) if m >= 0)
        if promised and (net >= 0).all():
            best = min(best, float((tree.holding * tree.z * tree.demand_sd * np.sqrt(net)).sum()))
    return best


@pytest.mark.parametrize(
    "tree",
    [
        tree_of([], [4], [1], [3], [0]),  # a store that its supplier serves
        tree_of([(0, 1)], [3, 2], [1, 1.5], [3, 3], [-1, 0], [1, 0]),  # one DC, one store
        tree_of([(0, 1), (0, 2)], [3, 1, 2], [1, 2, 1.2], [5, 3, 4], [-1, 0, 1]),  # one DC, two stores
        tree_of([(0, 2), (1, 2), (2, 3)], [2, 1, 1, 1], [0.2, 0.3, 1, 1.1], [3, 3, 3, 3], [-1, -1, -1, 0]),
        tree_of([(0, 1), (1, 2), (1, 3)], [2, 1, 1, 1], [0.4, 1, 1.5, 3], [5, 5, 3, 4], [-1, -1, 0, 0], [1, 0, 0, 0]),
    ],
)
def test_placement_is_optimal(tree):
    found = place(tree)
    assert found.cost == pytest.approx(brute_force(tree), abs=1e-9)
    assert (tree.holding * found.safety_stock).sum() == pytest.approx(found.cost)
    assert (found.net_lead_time >= 0).all()
    for supplier, customer in tree.arcs:
        assert found.inbound[customer] >= found.service[supplier]


def test_what_is_no_tree_is_refused():
    with pytest.raises(ValueError, match="spanning tree"):
        place(tree_of([(0, 1)], [1, 1, 1], [1, 1, 1], [1, 1, 1], [-1, 0, 0]))
    with pytest.raises(ValueError, match="spanning tree"):
        place(tree_of([(0, 1), (1, 2), (0, 2)], [1, 1, 1], [1, 1, 1], [1, 1, 1], [-1, 0, 0]))


def test_pooled_deviation():
    np.testing.assert_allclose(pooled_sd([(0, 1), (0, 2)], np.array([0.0, 3.0, 4.0])), [5.0, 3.0, 4.0])
    np.testing.assert_allclose(pooled_sd([(0, 1), (0, 2)], np.array([0.0, 3.0, 4.0]), 1.0), [7.0, 3.0, 4.0])


def test_a_dc_sees_the_sum_of_its_stores():
    own = Pooled(np.array([0.0, 2.0, 3.0, 0.5]), np.array([1.0, 1.5, 2.0, 1.0]), np.array([0.0, 0.04, 0.09, 0.0]))
    parent, pack = np.array([-1, 0, 0, 0]), np.ones(4, int)
    found = pool_tree(own, parent, pack, np.full(4, 7.0), level_correlation=0.0)
    assert found.daily_mean[0] == 5.5 and found.dispersion[0] == pytest.approx((3 + 6 + 0.5) / 5.5)
    assert found.level_variance[0] == pytest.approx((4 * 0.04 + 9 * 0.09) / 5.5**2)
    together = pool_tree(own, parent, pack, np.full(4, 7.0), level_correlation=1.0)
    assert together.level_variance[0] == pytest.approx(((2 * 0.2 + 3 * 0.3) / 5.5) ** 2)
    # What sells in stores only reaches the top through a region in between.
    deep = pool_tree(own, np.array([-1, 0, 1, 1]), pack, np.full(4, 7.0))
    np.testing.assert_allclose(deep.daily_mean, [5.5, 5.5, 3.0, 0.5])
    with pytest.raises(ValueError, match="loop"):
        pool_tree(own, np.array([1, 0, 0, 0]), pack, np.full(4, 7.0))


@pytest.mark.parametrize(("mean", "pack"), [(2.0, 6), (0.05, 12)])
def test_orders_in_cases_vary_more_than_demand(mean, pack):
    """Simulated: 40 stores that order whole cases; variance of the DC's orders over 7 days."""
    rng = np.random.default_rng(7)
    demand = rng.poisson(mean, (40, 70_000))
    opened = rng.integers(0, pack, 40)
    cases = (opened[:, None] + demand.cumsum(axis=1)) // pack
    orders = pack * np.diff(cases[:, ::7], axis=1).sum(axis=0)
    own = Pooled(np.array([0.0] + [mean] * 40), np.ones(41), np.zeros(41))
    found = pool_tree(own, np.array([-1] + [0] * 40), np.array([1] + [pack] * 40), np.full(41, 7.0))
    over = found.daily_mean[0] * 7
    assert orders.mean() == pytest.approx(over, rel=0.02)
    assert orders.var() == pytest.approx(over * found.dispersion[0], rel=0.12)


def test_echelon_positions_add_what_lies_below():
    np.testing.assert_array_equal(echelon_position(np.array([10, 4, 3, 2]), np.array([-1, 0, 1, 1])), [19, 9, 3, 2])


def test_budget_holds_what_brings_least_and_cuts_nothing():
    value = np.array([500, 400, 300, 0, 100, 50])
    benefit = np.array([50.0, 80.0, 45.0, 1.0, 30.0, 9.0])
    held, overrun, left = hold_over_budget(value, benefit, np.array([0, 0, 0, 0, 1, 1]), np.array([800, -10]))
    assert held.tolist() == [True, False, False, False, True, True]
    assert overrun.tolist() == [400, 0, 0, 0, 100, 50] and left.tolist() == [100, -10]
