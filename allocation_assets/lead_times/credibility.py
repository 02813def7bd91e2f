"""Empirical Bayes for means in a hierarchy: lane -> sender -> class (hierarchical credibility, Jewell 1975).

A lane's own mean x_l over a weight of w_l varies around its sender's by a + s2 / w_l, a sender's around the class by
b + 1 / P, with P = sum over its lanes of 1 / (a + s2 / w_l). The best linear estimate of a lane is

    z_l x_l + (1 - z_l) (z_s x_s + (1 - z_s) m),   z_l = a / (a + s2 / w_l),   z_s = b / (b + 1 / P),

x_s the mean of the sender's lanes weighted by 1 / (a + s2 / w_l), m that of the senders weighted by 1 / (b + 1 / P). Written
in precisions, the usual z-weighted form stays finite where lanes do not differ (a = 0: what is known of a sender is pooled).

Variances: s2 within lanes is the pooled one; a and b are the iterative estimators of Dannenburg, Kaas and Goovaerts
(1996), started from those of Buehlmann and Gisler (2005). Formulas as in the vignette `credibility` of the R package actuar
(Dutang, Goulet and Pigeon), whose example on Hachemeister's data is a test.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

_STEPS, _TOLERANCE = 500, 1e-10


@dataclass(frozen=True)
class Experience:
    """What L lanes of one class showed: `weight` and `mean` (L,), `squares` (L,) = sum of w (x - mean)^2 over the
    `observations` (L,) of the lane; `sender` (L,) codes from 0. A lane that showed nothing has weight 0."""

    weight: np.ndarray
    mean: np.ndarray
    squares: np.ndarray
    observations: np.ndarray
    sender: np.ndarray
    senders: int


@dataclass(frozen=True)
class Hierarchy:
    """Credibility of L lanes and S senders. `lane_share` (L,) are weights of a sender's lanes in its mean, `sender_share`
    (S,) those of the senders in the class (sums of 1, or 0 where nothing is known)."""

    lane_factor: np.ndarray
    lane_share: np.ndarray
    sender_factor: np.ndarray
    sender_share: np.ndarray
    sender: np.ndarray
    within: float
    between_lanes: float
    between_senders: float

    def blend(self, values: np.ndarray, prior: np.ndarray, prior_share: float) -> np.ndarray:
        """`values` (L, D) of the lanes' own experience, drawn towards sender and class: (L, D).

        Applied to a table of probabilities it gives the mixture whose mean is the credibility estimate of the mean. The
        class itself is drawn towards `prior` (D,) by `prior_share` in [0, 1].
        """
        of_sender = np.zeros((len(self.sender_factor), values.shape[1]))
        np.add.at(of_sender, self.sender, self.lane_share[:, None] * values)
        of_class = (1 - prior_share) * (self.sender_share @ of_sender) + prior_share * prior
        of_sender = self.sender_factor[:, None] * of_sender + (1 - self.sender_factor[:, None]) * of_class
        own = self.lane_factor[:, None]
        return own * values + (1 - own) * of_sender[self.sender]


def fit(seen: Experience, least_within: float) -> Hierarchy:
    """Estimate the variances and credibilities of one class of lanes; `least_within` > 0 is the least s2 believed."""
    known = seen.weight > 0
    weight, mean, sender = seen.weight[known], seen.mean[known], seen.sender[known]
    freedom = np.maximum(seen.observations[known] - 1, 0).sum()
    within = max(float(seen.squares[known].sum() / freedom) if freedom else 0.0, least_within)
    between = _between_lanes(weight, mean, sender, seen.senders, within)
    precision = weight / (between * weight + within)
    total, average = _averages(precision, mean, sender, seen.senders)
    is_known = total > 0
    between_senders = _between(1.0 / total[is_known], average[is_known])
    variance = np.full(seen.senders, np.inf)
    variance[is_known] = between_senders + 1.0 / total[is_known]
    share = 1.0 / variance
    lanes = [np.zeros(len(known)) for _ in range(2)]
    lanes[0][known] = between * precision
    lanes[1][known] = precision / total[sender]
    return Hierarchy(
        lane_factor=lanes[0], lane_share=lanes[1], sender_factor=between_senders * share,
        sender_share=share / max(share.sum(), np.finfo(float).tiny), sender=seen.sender, within=within,
        between_lanes=between, between_senders=between_senders,
    )  # fmt: skip


def _averages(precision: np.ndarray, mean: np.ndarray, sender: np.ndarray, senders: int) -> tuple[np.ndarray, np.ndarray]:
    """Precision and precision-weighted mean (S,) of each sender's lanes; 0 where it has none."""
    total = np.bincount(sender, precision, senders)
    average = np.bincount(sender, precision * mean, senders) / np.where(total > 0, total, 1.0)
    return total, average


def _between_lanes(weight: np.ndarray, mean: np.ndarray, sender: np.ndarray, senders: int, within: float) -> float:
    """a: variance between the lanes of a sender; 0 where no sender has two lanes, or they do not differ."""
    lanes = np.bincount(sender, minlength=senders)
    freedom = np.maximum(lanes - 1, 0).sum()
    if not freedom:
        return 0.0
    total, average = _averages(weight, mean, sender, senders)
    spread = np.bincount(sender, weight * (mean - average[sender]) ** 2, senders) - np.maximum(lanes - 1, 0) * within
    scale = total - np.bincount(sender, weight**2, senders) / np.where(total > 0, total, 1.0)
    several = lanes > 1
    start = np.maximum(spread[several] / scale[several], 0.0).mean()

    def step(a: float) -> float:
        precision = weight / (a * weight + within)
        around = _averages(precision, mean, sender, senders)[1][sender]
        return float((a * precision * (mean - around) ** 2).sum() / freedom)

    return _fixed_point(step, float(start))


def _between(error: np.ndarray, mean: np.ndarray) -> float:
    """b: variance between senders whose means carry the error variances `error`; 0 where there is only one."""
    if len(mean) < 2:
        return 0.0
    weight = 1.0 / error
    around = weight @ mean / weight.sum()
    spread = weight @ (mean - around) ** 2 - (len(mean) - 1)
    start = max(float(spread / (weight.sum() - (weight**2).sum() / weight.sum())), 0.0)

    def step(b: float) -> float:
        share = 1.0 / (b + error)
        around = share @ mean / share.sum()
        return float((b * share * (mean - around) ** 2).sum() / (len(mean) - 1))

    return _fixed_point(step, start)


def _fixed_point(step: Callable[[float], float], value: float) -> float:
    for _ in range(_STEPS):
        if value == 0.0:
            break
        after = step(value)
        is_done = abs(after - value) <= _TOLERANCE * value
        value = after
        if is_done:
            break
    return value
