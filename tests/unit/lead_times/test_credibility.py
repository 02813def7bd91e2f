"""Hierarchical credibility against the published example of Hachemeister's data, and cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest

from allocation_assets.lead_times.credibility import Experience, fit

# Hachemeister (1975): average claims and numbers of claims of five states over twelve quarters, as in the R package actuar.
RATIOS = np.array([
    [1738, 1642, 1794, 2051, 2079, 2234, 2032, 2035, 2115, 2262, 2267, 2517],
    [1364, 1408, 1597, 1444, 1342, 1675, 1470, 1448, 1464, 1831, 1612, 1471],
    [1759, 1685, 1479, 1763, 1674, 2103, 1502, 1622, 1828, 2155, 2233, 2059],
    [1223, 1146, 1010, 1257, 1426, 1532, 1953, 1123, 1343, 1243, 1762, 1306],
    [1456, 1499, 1609, 1741, 1482, 1572, 1606, 1735, 1607, 1573, 1613, 1690],
], float)  # fmt: skip
WEIGHTS = np.array([
    [7861, 9251, 8706, 8575, 7917, 8263, 9456, 8003, 7365, 7832, 7849, 9077],
    [1622, 1742, 1523, 1515, 1622, 1602, 1964, 1515, 1527, 1748, 1654, 1861],
    [1147, 1357, 1329, 1204, 998, 1077, 1277, 1218, 896, 1003, 1108, 1121],
    [407, 396, 348, 341, 315, 328, 352, 331, 287, 384, 321, 342],
    [2902, 3172, 3046, 3068, 2693, 2910, 3275, 2697, 2663, 3017, 3242, 3425],
], float)  # fmt: skip


def experience(weights: np.ndarray, values: np.ndarray, sender: list[int]) -> Experience:
    """Lanes (rows) of equally many observations."""
    total = weights.sum(axis=1)
    mean = (weights * values).sum(axis=1) / total
    squares = (weights * (values - mean[:, None]) ** 2).sum(axis=1)
    observations = np.full(len(total), weights.shape[1])
    return Experience(total, mean, squares, observations, np.array(sender), max(sender) + 1)


def premiums(seen: Experience, **prior) -> np.ndarray:
    chosen = {"prior": np.zeros(1), "prior_share": 0.0} | prior
    return fit(seen, 1e-9).blend(seen.mean[:, None], **chosen)[:, 0]


def test_the_published_example():
    """actuar, vignette credibility: states 1, 3 | 2, 4, 5 as two cohorts, iterative estimators; figures as printed there."""
    seen = experience(WEIGHTS, RATIOS, [0, 1, 0, 1, 1])
    found = fit(seen, 1e-9)
    assert round(found.within) == 139120026
    assert (round(found.between_lanes), round(found.between_senders)) == (10952, 88981)
    assert found.lane_factor.round(4).tolist() == [0.8874, 0.6103, 0.5195, 0.2463, 0.7398]
    assert found.sender_factor.round(4).tolist() == [0.9196, 0.9284]
    assert premiums(seen).round().tolist() == [2048, 1524, 1875, 1497, 1585]


def worked() -> Experience:
    """Two senders of one lane: delays 1, 1, 3, 3 (mean 2) and -1, 0, 0, 1 (mean 0); s2 = (4 + 2) / 6 = 1."""
    return experience(np.ones((2, 4)), np.array([[1, 1, 3, 3], [-1, 0, 0, 1]], float), [0, 1])


def test_two_senders_by_hand():
    """No sender has two lanes, so a = 0. b = sum z (x - 1)^2 = 2 b / (b + 1/4) gives b = 1.75, z = 1.75 / 2 = 0.875."""
    found = fit(worked(), 1e-9)
    assert (found.within, found.between_lanes) == (1.0, 0.0)
    assert found.between_senders == pytest.approx(1.75)
    assert found.sender_factor == pytest.approx([0.875, 0.875])
    assert premiums(worked()) == pytest.approx([1.875, 0.125])


def test_the_class_is_drawn_to_the_prior():
    """Four imagined orders at 0 beside 8: the class has 2/3 instead of 1; 0.875 x 2 + 0.125 x 2/3 = 11/6."""
    assert premiums(worked(), prior_share=4 / 12) == pytest.approx([11 / 6, 1 / 12])


def test_lanes_that_do_not_differ_are_pooled():
    """Means 2 and 2.2 with s2 / w = 1 each: less apart than chance makes them."""
    values = np.array([[0, 4, 0, 4], [0.2, 4.2, 0.2, 4.2]])
    assert premiums(experience(np.ones((2, 4)), values, [0, 1])) == pytest.approx([2.1, 2.1])


def test_a_lane_without_experience_takes_its_senders_mean_then_the_class_s():
    seen = worked()
    more = Experience(
        np.append(seen.weight, [0, 0]), np.append(seen.mean, [9, 9]), np.append(seen.squares, [0, 0]),
        np.append(seen.observations, [0, 0]), np.array([0, 1, 0, 2]), 3,
    )  # fmt: skip
    assert premiums(more) == pytest.approx([1.875, 0.125, 1.875, 1.0])


def test_nothing_known_is_the_prior():
    nothing = Experience(*(np.zeros(2) for _ in range(4)), np.array([0, 1]), 2)
    assert premiums(nothing, prior=np.array([7.0]), prior_share=1.0).tolist() == [7.0, 7.0]


def test_one_observation_a_lane_gives_no_variance():
    """Then the least variance believed stands in, and nothing divides by zero."""
    one = Experience(np.ones(3), np.array([1.0, 2.0, 6.0]), np.zeros(3), np.ones(3), np.array([0, 0, 1]), 2)
    found = fit(one, 0.1)
    assert found.within == 0.1
    assert np.isfinite(found.blend(one.mean[:, None], np.zeros(1), 0.0)).all()


def test_blending_a_table_keeps_its_mean_and_its_sum():
    """The mean of the blended table is the blend of the means."""
    seen = experience(WEIGHTS, RATIOS, [0, 1, 0, 1, 1])
    table = np.random.default_rng(1).dirichlet(np.ones(7), 5)
    days = np.arange(7)
    found = fit(seen, 1e-9)
    prior = np.eye(7)[2]
    blended = found.blend(table, prior, 0.2)
    assert blended.sum(axis=1) == pytest.approx(np.ones(5))
    assert blended @ days == pytest.approx(found.blend((table @ days)[:, None], np.array([2.0]), 0.2)[:, 0])


def test_shrunk_means_are_nearer_to_the_truth():
    """300 lanes of 60 senders with 2 to 12 orders, true means from the model: nearer than own means, and than one mean for all."""
    rng = np.random.default_rng(8)
    sender = np.repeat(np.arange(60), 5)
    truth = 2 + rng.normal(0, 1, 60)[sender] + rng.normal(0, 0.7, 300)
    number = rng.integers(2, 13, 300)
    orders = [truth[lane] + rng.normal(0, 2, n) for lane, n in enumerate(number)]
    mean = np.array([each.mean() for each in orders])
    squares = np.array([((each - each.mean()) ** 2).sum() for each in orders])
    found = fit(Experience(number.astype(float), mean, squares, number, sender, 60), 1e-9)
    assert found.within == pytest.approx(4, rel=0.15)
    shrunk = found.blend(mean[:, None], np.zeros(1), 0.0)[:, 0]
    error, own, pooled = (np.mean((each - truth) ** 2) for each in (shrunk, mean, np.full(300, mean.mean())))
    assert error < 0.8 * own and error < 0.5 * pooled
