"""Order-up-to levels against exact convolution, Monte Carlo and the definitions of alpha, beta and cost."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from allocation_assets.replenishment.problem import ALPHA, BETA, COST, NORMAL, problem_of
from allocation_assets.replenishment.safety_stock import (
    lead_time_classes,
    lead_time_table,
    order_up_to,
    outstanding_table,
    service_report,
)


def mixture(mean, dispersion, variance, lead, review, size=600):
    """pmf of demand over lead time + review by scipy's negative binomial, weighted by the lead time."""
    out = np.zeros(size)
    for days, weight in enumerate(lead):
        mu = mean * (days + review)
        d = dispersion + variance * mu
        if mu == 0:
            out[0] += weight
        elif d > 1 + 1e-12:
            out += weight * stats.nbinom(mu / (d - 1), 1 / d).pmf(np.arange(size))
        else:
            out += weight * stats.poisson(mu).pmf(np.arange(size))
    return out


CASES = [(0.05, 1.0, 0.0, 1), (0.4, 1.6, 0.0, 1), (3.0, 2.2, 0.05, 7), (12.0, 4.0, 0.02, 1)]


@pytest.mark.parametrize(("mean", "dispersion", "variance", "review"), CASES)
def test_alpha_beta_and_cost_follow_their_definitions(mean, dispersion, variance, review):
    lead = lead_time_table(5.0, 2.0)[0]
    both, before = (mixture(mean, dispersion, variance, lead, r) for r in (review, 0))
    loss = [np.array([(pmf * np.maximum(np.arange(600) - s, 0)).sum() for s in range(400)]) for pmf in (both, before)]
    cdf = both.cumsum()
    common = {"dispersion": dispersion, "level_variance": variance, "review_days": review}
    for target in (0.8, 0.95, 0.99):
        found = order_up_to(problem_of(mean, [lead], basis=ALPHA, service_target=target, **common))
        assert found[0] == np.argmax(cdf >= target)
        fill = 1 - (loss[0] - loss[1]) / (mean * review)
        found = order_up_to(problem_of(mean, [lead], basis=BETA, service_target=target, **common))
        assert found[0] == np.argmax(fill >= target)
    found = order_up_to(problem_of(mean, [lead], basis=COST, lost_sale_cost=0.3, holding_cost=0.001, **common))
    assert found[0] == np.argmax(cdf >= 0.3 / (0.3 + 0.001 * review))
    found = order_up_to(problem_of(mean, [lead], basis=NORMAL, service_target=0.95, **common))
    days = lead @ np.arange(len(lead)) + review
    assert found[0] == np.ceil(mean * days + stats.norm.ppf(0.95) * np.sqrt(mean * dispersion) * np.sqrt(days))


def test_the_level_matches_a_simulated_lead_time_demand():
    """Monte Carlo of the model: a gamma level, negative binomial days given it, whole lead times; 400,000 draws."""
    rng = np.random.default_rng(4)
    lead = lead_time_table(5.0, 2.0)[0]
    n, mean, d, v = 400_000, 2.0, 1.8, 0.1
    days = rng.choice(len(lead), n, p=lead) + 1
    level = rng.gamma(1 / v, v, n)
    demand = rng.negative_binomial(mean * level * days / (d - 1), 1 / d)
    for target in (0.8, 0.9, 0.99):
        found = order_up_to(problem_of(mean, [lead], dispersion=d, level_variance=v, basis=ALPHA, service_target=target))[0]
        # A negative binomial day count over a gamma level is not quite negative binomial: within 0.003 of the target.
        assert (demand < found).mean() < target + 0.003 and (demand <= found).mean() > target - 0.003


def test_a_matched_distribution_would_be_off():
    """Why the mixture: two lead times far apart, where one negative binomial with the same two moments misses the quantile."""
    lead = np.zeros(21)
    lead[[2, 20]] = 0.9, 0.1
    exact = mixture(4.0, 1.0, 0.0, lead, 1)
    found = order_up_to(problem_of(4.0, [lead], basis=ALPHA, service_target=0.95))[0]
    assert found == np.argmax(exact.cumsum() >= 0.95)
    k = np.arange(600)
    mu, var = exact @ k, exact @ k**2 - (exact @ k) ** 2
    matched = stats.nbinom(mu**2 / (var - mu), mu / var).ppf(0.95)
    assert exact.cumsum()[int(matched)] < 0.92


def test_large_means_do_not_underflow():
    found = order_up_to(problem_of([20_000.0], [[0.0, 0.5, 0.5]], dispersion=3.0, basis=ALPHA, service_target=0.99))
    parts = [stats.nbinom(20_000 * h / 2, 1 / 3) for h in (2, 3)]
    assert sum(p.cdf(found[0]) for p in parts) / 2 >= 0.99 > sum(p.cdf(found[0] - 1) for p in parts) / 2


def test_lead_time_tables():
    table = lead_time_table([5.0, 4.5, 0.0, 3.0], [2.0, 0.0, 1.0, 0.7])
    days = np.arange(table.shape[1])
    np.testing.assert_allclose(table.sum(axis=1), 1.0)
    np.testing.assert_allclose(table @ days, [5.0, 4.5, 0.0, 3.0], atol=1e-9)
    assert table[1, 4] == pytest.approx(0.5) and table[2, 0] == pytest.approx(1.0)
    sd = np.sqrt(table @ days**2 - (table @ days) ** 2)
    # Whole days add 1/12 of a day squared.
    assert sd[0] == pytest.approx(np.sqrt(4 + 1 / 12), abs=0.02) and sd[3] == pytest.approx(np.sqrt(0.49 + 1 / 12), abs=0.02)
    at, classes = lead_time_classes(np.array([5.01, 3.0, 4.99]), np.array([2.0, 0.7, 2.01]))
    assert at[0] == at[2] != at[1] and len(classes) == 2
    with pytest.raises(ValueError, match="lead times"):
        lead_time_table(-1.0, 1.0)


def test_orders_that_overtake_each_other_are_fewer_open_days():
    """Simulated: an order each day with independent lead times; how many days' orders are open at a close."""
    rng = np.random.default_rng(5)
    lead = lead_time_table(5.0, 2.0, least=1)[0]
    drawn = rng.choice(len(lead), 200_000, p=lead)
    t = np.arange(len(drawn))
    still = np.zeros(len(drawn) + 64, int)
    np.add.at(still, t, 1)
    np.add.at(still, t + drawn, -1)
    open_days = np.cumsum(still)[100 : len(drawn)]
    found = outstanding_table(lead[None], 1)[0]
    seen = np.bincount(open_days, minlength=len(found))[: len(found)] / len(open_days)
    np.testing.assert_allclose(found, seen, atol=0.005)
    days = np.arange(len(found))
    assert found @ days == pytest.approx(5.0) and found @ days**2 - 25.0 < 1.4
    weekly = outstanding_table(np.array([[0.0, 0.0, 0.0, 1.0]]), 7)
    np.testing.assert_array_equal(weekly.nonzero()[1], [7])


def test_what_a_point_of_service_costs():
    """At the level of 80 %: one more unit, by hand from the exact mixture."""
    lead = [0.0, 0.0, 1.0]
    p = problem_of(
        [2.0], [lead], basis=ALPHA, service_target=0.8, lost_sale_cost=0.4, holding_cost=0.01, on_hand=[30], reserved=[4]
    )
    found = service_report(p)
    both, before = stats.poisson(6.0), stats.poisson(4.0)
    level = int(both.ppf(0.8))
    assert found.level[0] == level and found.alpha[0] == pytest.approx(both.cdf(level))
    gain = both.sf(level) - before.sf(level)
    assert found.point_cost[0] == pytest.approx(0.01 * 2.0 * 0.01 * both.cdf(level) / gain)
    assert found.point_gain[0] == pytest.approx(0.01 * 2.0 * 0.4)
    assert found.recommended_level[0] == both.ppf(0.4 / 0.41)
    assert found.removable[0] == 26 - level and found.removable_value[0] == pytest.approx(0.01 * (26 - level))
    tight = service_report(problem_of([2.0], [lead], on_hand=[3], on_order=[60], basis=ALPHA, service_target=0.8))
    assert tight.removable[0] == 3
