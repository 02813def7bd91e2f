"""Order-up-to levels and what service costs, on the discrete distribution of demand over lead time and review.

*Distribution.* A mixture of negative binomials over the lead time's probabilities (`_kernels`), not one matched distribution: the
match is off by up to a few hundredths of probability where the lead time is the larger part of the spread.
*alpha*: smallest S with P(D_LR <= S) >= target. *beta*: smallest S that newly loses at most (1 - target) of a period's demand,
E(D_LR - S)+ - E(D_L - S)+ (Hadley and Whitin 1963, ch. 5). *normal*: z sigma sqrt(L + R), for those who choose it.
*cost*: the unit S + 1 is worth its place while p P(D_LR > S) > h R P(D_LR <= S), p the margin of a lost sale, h R the holding of a
unit for a review period: the critical ratio p / (p + h R). In a lost-sales system p is charged once a
unit, not once a period as for a backorder, and a unit that is not sold stays: without a lead time the ratio is exact, with one it is
that of the backorder system at the same p. As p / h grows the best order-up-to level is optimal among all lost-sales policies
(within 1.5 % at p / h = 100 in the experiments of Huh, Janakiraman, Muckstadt and Rusmevichientong 2009, Management Science 55(3));
in retail p / h is in the hundreds.
*Orders that overtake each other.* Under an order each review and independent lead times, what is open is not demand over one
lead time: of the order placed k reviews ago P(L > k R) is still open, so the number of open periods has the variance
sum F (1 - F), far below that of the lead time (Robinson, Bradley and Thomas 2001, MSOM 3(3)): `outstanding_table`.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from allocation_assets.replenishment.problem import ReplenishmentProblem

#: Probability that the lead-time table leaves out, and the longest mean it takes, in days.
_BEYOND = 1e-4
_LONGEST = 365
#: Pairs per call of a kernel: threads share the work evenly.
CHUNK = 50_000


def lead_time_table(mean, sd, *, least: int = 0) -> np.ndarray:
    """P(lead time = 0, 1, ... w - 1 whole days) (k, w) of lanes with mean and sd (k,) days, at least ``least``.

    A gamma, each day taking the probability of half a day around it, cut where 1e-4 is left; then tilted so that the mean is
    kept to 1e-9 (the cut and the rounding would move it). Fixed lead times (sd 0) split between the two whole days around
    the mean. ValueError where a mean is below ``least`` or above a year, or a sd negative.
    """
    from scipy import stats

    mean, sd = np.broadcast_arrays(np.atleast_1d(np.asarray(mean, float)), np.atleast_1d(np.asarray(sd, float)))
    if not (((mean >= least) & (mean <= _LONGEST) & (sd >= 0)).all() and np.isfinite(sd).all()):
        raise ValueError(f"lead times: mean must be {least} to {_LONGEST} days and sd at least 0; check the lanes")
    sd = np.where(mean > least, sd, 0.0)
    shape = np.where(sd > 0, (mean / np.where(sd > 0, sd, 1.0)) ** 2, 1.0)
    scale = np.where(sd > 0, sd**2 / np.maximum(mean, 1e-12), 1.0)
    top = np.where(sd > 0, stats.gamma.ppf(1 - _BEYOND, shape, scale=scale), mean + 1)
    days = np.arange(least, min(int(np.ceil(top.max())) + 2, 2 * _LONGEST))
    edges = np.concatenate([[-np.inf], days[1:] - 0.5, [np.inf]])
    found = np.diff(stats.gamma.cdf(edges, shape[:, None], scale=scale[:, None]), axis=1)
    found[days > top[:, None] + 1] = 0.0
    split = np.clip(1.0 - np.abs(days - mean[:, None]), 0.0, 1.0)
    found = np.where((sd > 0)[:, None], found, split)
    found = _tilted(found / found.sum(axis=1, keepdims=True), days, mean)
    return np.concatenate([np.zeros((len(mean), least)), found], axis=1)


def _tilted(p: np.ndarray, days: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Exponential tilting to the wanted mean by Newton's method."""
    theta = np.zeros(len(p))
    for _ in range(40):
        w = p * np.exp(theta[:, None] * (days - mean[:, None]))
        w /= w.sum(axis=1, keepdims=True)
        off = (w * days).sum(axis=1) - mean
        spread = (w * (days - mean[:, None]) ** 2).sum(axis=1) - off**2
        if np.abs(off).max() < 1e-12:
            break
        theta -= np.where(spread > 1e-12, off / np.maximum(spread, 1e-12), 0.0)
    return w


def lead_time_classes(mean, sd, *, least: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """(lead_class (n,), lead_table (k, w)) of pairs with mean and sd (n,) days, to a tenth of a day."""
    both = np.round(np.column_stack([mean, sd]), 1)
    found, inverse = np.unique(both, axis=0, return_inverse=True)
    return inverse.reshape(-1), lead_time_table(found[:, 0], found[:, 1], least=least)


def outstanding_table(lead_table: np.ndarray, review_days: int) -> np.ndarray:
    """Table (k, w') in place of the lead time's where an order goes out every ``review_days`` and orders may overtake.

    P(so many days' demand is open): a sum of independent P(L > i R), i = 0, 1, ..., times R days.
    """
    days = np.arange(lead_table.shape[1])
    out = []
    for row in lead_table:
        count = np.ones(1)
        for at in range(0, lead_table.shape[1], review_days):
            still = float(row[days > at].sum())
            if still > 0.0:
                count = np.convolve(count, [1.0 - still, still])
        spaced = np.zeros((len(count) - 1) * review_days + 1)
        spaced[::review_days] = count
        out.append(spaced)
    width = max(len(row) for row in out)
    return np.array([np.pad(row, (0, width - len(row))) for row in out])


@dataclass(frozen=True)
class ServiceReport:
    """What service costs, (n,) each; money a day.

    level, alpha, beta: order-up-to by the pair's basis, its cycle service and fill rate. recommended_level, _alpha, _beta: the
    same at the cost optimum, margin against holding. point_cost: holding of one more point of fill rate at `level` (inf where
    no unit buys any); point_gain: margin that a point brings. removable: units that the position is above `level`, as far as
    they are on hand and free; removable_value: their holding.
    """

    level: np.ndarray
    alpha: np.ndarray
    beta: np.ndarray
    recommended_level: np.ndarray
    recommended_alpha: np.ndarray
    recommended_beta: np.ndarray
    point_cost: np.ndarray
    point_gain: np.ndarray
    removable: np.ndarray
    removable_value: np.ndarray


def order_up_to(problem: ReplenishmentProblem, *, threads: int = 2) -> np.ndarray:
    """Level S (n,) units by each pair's basis, without any limit."""
    return _described(problem, threads)[0].astype(np.int64)


def service_report(problem: ReplenishmentProblem, *, threads: int = 2) -> ServiceReport:
    """Recommended service, the cost of a point of it, and what can go without losing the target."""
    level, alpha, beta, gain, best, best_alpha, best_beta, _ = _described(problem, threads)
    p = problem
    sold = p.daily_mean * p.review_days
    with np.errstate(divide="ignore", invalid="ignore"):
        point_cost = np.where(gain > 0, 0.01 * sold * p.holding_cost * alpha / gain, np.inf)
    free = np.minimum(p.position - level.astype(np.int64), p.on_hand - p.reserved)
    removable = np.maximum(free, 0)
    return ServiceReport(
        level.astype(np.int64), alpha, beta, best.astype(np.int64), best_alpha, best_beta, point_cost,
        0.01 * p.daily_mean * p.lost_sale_cost, removable, removable * p.holding_cost,
    )  # fmt: skip


def _described(problem: ReplenishmentProblem, threads: int) -> tuple[np.ndarray, ...]:
    from allocation_assets.replenishment._kernels import service_range

    out = tuple(np.empty(problem.pairs) for _ in range(8))
    in_ranges(problem, threads, lambda lo, hi, args, room: service_range(lo, hi, *args, room, out))
    return out


def kernel_arguments(p: ReplenishmentProblem) -> tuple:
    """(demand, lanes, costs, rules) as the compiled walks want them."""
    from scipy import special

    return (
        (p.daily_mean, p.dispersion, p.level_variance),
        (p.lead_class, p.lead_table, p.review_days),
        (p.lost_sale_cost, p.holding_cost, p.order_cost),
        (p.policy, p.basis, p.service_target, special.ndtri(p.service_target), p.first_parameter, p.second_parameter),
    )


def in_ranges(problem: ReplenishmentProblem, threads: int, work) -> None:
    """Call work(lo, hi, kernel arguments, room) over fixed ranges of pairs; ranges share nothing but the arrays."""
    from allocation_assets.replenishment._kernels import room_of

    args = kernel_arguments(problem)

    def part(lo: int) -> None:
        hi = min(lo + CHUNK, problem.pairs)
        work(lo, hi, args, room_of(lo, hi, *args[:2]))

    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(part, range(0, problem.pairs, CHUNK)))
