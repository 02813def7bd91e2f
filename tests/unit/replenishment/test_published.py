"""Textbook and published instances, solved by stockpyl (Snyder and Shen 2019) and by us: equal within 1e-6.

stockpyl's (s, S) and (r, Q) use the cost h E(y - D)+ + p E(D - y)+ of backorders; the algorithms take any unimodal cost, so the
same cost is given to both.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from stockpyl.gsm_tree import optimize_committed_service_times, preprocess_tree
from stockpyl.instances import load_instance
from stockpyl.newsvendor import newsvendor_discrete, newsvendor_normal, newsvendor_poisson
from stockpyl.rq import r_q_poisson_exact
from stockpyl.ss import s_s_discrete_exact

from allocation_assets.replenishment._kernels import best_r, best_r_Q, best_s_S
from allocation_assets.replenishment.guaranteed_service import Tree, place
from allocation_assets.replenishment.policies import propose
from allocation_assets.replenishment.problem import BASE_STOCK, COST, NORMAL, S_S, problem_of
from allocation_assets.replenishment.safety_stock import order_up_to

#: A single period: ordered and received before its demand.
AT_ONCE = [[1.0]]


def backorder_cost(pmf: np.ndarray, holding: float, shortage: float, low: int, size: int) -> np.ndarray:
    """h E(y - D)+ + p E(D - y)+ of y = low ... low + size - 1, summed over the pmf."""
    y, d = low + np.arange(size)[:, None], np.arange(len(pmf))[None, :]
    return (pmf * (holding * np.maximum(y - d, 0) + shortage * np.maximum(d - y, 0))).sum(axis=1)


@pytest.mark.parametrize("mean", [0.4, 3.0, 20.0, 120.0])
@pytest.mark.parametrize(("holding", "shortage"), [(1.0, 4.0), (0.18, 0.70), (0.002, 0.4)])
def test_newsvendor_poisson(mean, holding, shortage):
    found = order_up_to(problem_of(mean, AT_ONCE, lost_sale_cost=shortage, holding_cost=holding, basis=COST))
    assert found[0] == newsvendor_poisson(holding, shortage, mean)[0]


@pytest.mark.parametrize(("mean", "dispersion"), [(0.3, 1.4), (5.0, 2.5), (60.0, 6.0)])
@pytest.mark.parametrize(("holding", "shortage"), [(1.0, 4.0), (0.002, 0.4)])
def test_newsvendor_negative_binomial(mean, dispersion, holding, shortage):
    demand = stats.nbinom(mean / (dispersion - 1.0), 1.0 / dispersion)
    pmf = {k: float(demand.pmf(k)) for k in range(int(mean + 60 * dispersion + 12 * np.sqrt(mean * dispersion)))}
    found = order_up_to(problem_of(mean, AT_ONCE, dispersion=dispersion, lost_sale_cost=shortage, holding_cost=holding))
    assert found[0] == newsvendor_discrete(holding, shortage, demand_pmf=pmf)[0]


def test_newsvendor_normal_within_the_rounding_up_to_a_unit():
    """Example 4.3 of the textbook: h 0.18, p 0.70, demand 50 with sd 8; here variance-to-mean 64 / 50."""
    want = newsvendor_normal(0.18, 0.70, 50, 8)[0]
    found = order_up_to(
        problem_of(50.0, AT_ONCE, dispersion=64 / 50, basis=NORMAL, service_target=0.70 / (0.18 + 0.70))
    )
    assert want == pytest.approx(56.60395592743389) and found[0] == np.ceil(want)


@pytest.mark.parametrize(("holding", "shortage", "fixed", "mean"), [(1, 4, 5, 6), (1, 9, 64, 20), (1, 9, 64, 5), (0.5, 8, 0.4, 2)])
def test_s_S_poisson(holding, shortage, fixed, mean):
    pmf = stats.poisson(mean).pmf(np.arange(120))
    cost = backorder_cost(pmf, holding, shortage, -60, 260)
    want = s_s_discrete_exact(holding, shortage, fixed, True, mean)
    np.testing.assert_allclose(best_s_S(cost, -60, pmf, float(fixed)), want, rtol=0, atol=1e-6)


def test_s_S_of_any_discrete_demand():
    pmf = np.array([0.25, 0.05, 0.1, 0.0, 0.3, 0.15, 0.0, 0.05, 0.1])
    # stockpyl reads the probabilities of demands beyond the last one: it gets zeros there.
    want = s_s_discrete_exact(0.7, 5.0, 12.0, False, demand_hi=100, demand_pmf=[*pmf, *np.zeros(92)])
    cost = backorder_cost(pmf, 0.7, 5.0, -40, 120)
    np.testing.assert_allclose(best_s_S(cost, -40, pmf, 12.0), want, rtol=0, atol=1e-6)


@pytest.mark.parametrize(("holding", "shortage", "fixed", "rate", "lead"), [(20, 150, 100, 1.5, 2), (1, 10, 30, 8, 1), (0.1, 3, 2, 0.5, 4)])
def test_r_Q_poisson(holding, shortage, fixed, rate, lead):
    pmf = stats.poisson(rate * lead).pmf(np.arange(120))
    cost = backorder_cost(pmf, holding, shortage, -60, 260)
    want = r_q_poisson_exact(holding, shortage, fixed, rate, lead)
    found = best_r_Q(cost, -60, float(fixed * rate))
    np.testing.assert_allclose(found, want, rtol=0, atol=1e-6)
    r, mean_cost = best_r(cost, -60, found[1])
    assert r == want[0] and mean_cost + fixed * rate / found[1] == pytest.approx(want[2], abs=1e-6)


def test_the_policies_take_these_levels_from_costs():
    """Without a lead time the lost-sales cost of a cycle is that of backorders where y >= 0: the same s and S."""
    costs = {"holding_cost": 1.0, "lost_sale_cost": 4.0, "order_cost": 5.0}
    found = propose(problem_of(np.full(2, 6.0), AT_ONCE, policy=[S_S, BASE_STOCK], **costs))
    want = s_s_discrete_exact(1, 4, 5, True, 6)
    assert (found.reorder_point[0], found.order_up_to[0]) == want[:2]
    assert found.order_up_to[1] == newsvendor_poisson(1, 4, 6)[0]


@pytest.mark.parametrize("name", ["example_6_5", "figure_6_14", "problem_6_7", "problem_6_9"])
def test_guaranteed_service_trees(name):
    tree = preprocess_tree(load_instance(name))
    at = {node.index: k for k, node in enumerate(tree.nodes)}
    none = 10**6
    found = place(
        Tree(
            [(at[n.index], at[c.index]) for n in tree.nodes for c in n.successors()],
            np.array([n.processing_time or 0 for n in tree.nodes]),
            np.array([n.holding_cost for n in tree.nodes]),
            np.array([n.net_demand_standard_deviation for n in tree.nodes]),
            np.array([n.demand_bound_constant for n in tree.nodes]),
            np.array([-1 if n.external_outbound_cst > none else n.external_outbound_cst for n in tree.nodes]),
            np.array([n.external_inbound_cst or 0 for n in tree.nodes]),
        )
    )
    service, cost = optimize_committed_service_times(tree)
    assert found.cost == pytest.approx(cost, abs=1e-6)
    by_hand = sum(
        n.holding_cost * n.demand_bound_constant * n.net_demand_standard_deviation * np.sqrt(found.net_lead_time[at[n.index]])
        for n in tree.nodes
    )
    assert by_hand == pytest.approx(cost, abs=1e-6)
    assert [int(s) for s in found.service] == [service[n.index] for n in tree.nodes]
