"""Compiled walks of replenishment (numba): demand over a random lead time, economic levels, order quantities.

Demand over h days is negative binomial with mean m h and dispersion d + v m h (v: relative variance of the level that the days
share); over a random lead time it is the mixture of these by the lead time's probabilities. Each component is walked by Panjer's
recurrence from where it carries mass (`allocation_assets.negbin` says how) until it carries none; the mixture is exact to
about 1e-12. Where D_L is demand over the lead time and D_LR over lead time and review, tails are P(D > u).

`demand` = (mean, dispersion, level variance), `lanes` = (class, table, review days), `costs` = (lost sale, holding, order),
`rules` = (policy, basis, target, z, first and second parameter), `stock` = (position, multiple, least line, presentation, contract
minimum, contract maximum, storage, shelf life, most units). Everything is deterministic, holds no state and releases the GIL.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from allocation_assets.replenishment.problem import (
    ALPHA,
    BETA,
    CONTRACT_MAX,
    CONTRACT_MIN,
    COST,
    HELD_UNITS,
    MIN_MAX,
    MINIMUM_ORDER,
    MULTIPLE,
    NO_DEMAND,
    POLICY,
    POSITION_COVERS,
    PRESENTATION,
    R_NQ,
    S_S,
    SHELF_LIFE,
    STORAGE,
    WEEKS_OF_COVER,
)  # fmt: skip

_EPS = 1e-15
#: A unit that sells to nobody is charged a year of holding.
_LONGEST = 365.0
#: 1 / u: the walks multiply instead of dividing.
_INVERSE = 1.0 / np.maximum(np.arange(4096), 1)


@njit(cache=True, nogil=True)
def _start(mu, d):
    """(u, p(u)) of the first unit that carries mass worth counting, as `negbin._support_start`."""
    x = d - 1.0
    decay = math.log1p(x) / x if x > 1e-12 else 1.0
    if mu * decay <= 600.0:
        return 0, math.exp(-mu * decay)
    alpha, beta = mu / d, 1.0 - 1.0 / d
    mode = int(max(0.0, mu - d))
    total, p, low = 1.0, 1.0, mode
    while p > 1e-22 and low > 0:
        p *= low / (alpha + beta * (low - 1))
        low -= 1
        total += p
    p_low = p
    p, u = 1.0, mode
    while p > 1e-22:
        p *= (alpha + beta * u) / (u + 1)
        u += 1
        total += p
    return low, p_low / total


@njit(cache=True, nogil=True)
def room_of(lo, hi, demand, lanes):
    """Units that the longest support of the pairs lo <= j < hi can reach."""
    mean, dispersion, variance = demand
    _, table, review = lanes
    longest = table.shape[1] - 1
    most = 1.0
    for j in range(lo, hi):
        mu = mean[j] * (longest + review[j])
        d = dispersion[j] + variance[j] * mu
        most = max(most, mu + 12.0 * math.sqrt(mu * d) + 60.0 * d)
    return int(most) + 4


@njit(cache=True, nogil=True)
def _tails(out, last, mean, d, v, table, row, review):
    """Fill out[u] = P(D > u) of demand over lead time + review; ``last`` units of it are dirty. Returns their number now."""
    for u in range(last):
        out[u] = 0.0
    end = 1
    for lead in range(table.shape[1]):
        weight, mu = table[row, lead], mean * (lead + review)
        if weight == 0.0:
            continue
        if mu <= 0.0:
            out[0] += weight
            continue
        spread = d + v * mu
        u, p = _start(mu, spread)
        p *= weight
        alpha, beta = mu / spread, 1.0 - 1.0 / spread
        while u < out.shape[0]:
            out[u] += p
            if p < _EPS and u > mu:
                break
            p *= (alpha + beta * u) * (_INVERSE[u + 1] if u < 4095 else 1.0 / (u + 1))
            u += 1
        end = max(end, min(u + 1, out.shape[0]))
    above = 0.0
    for u in range(end - 1, -1, -1):
        here = out[u]
        out[u] = above
        above += here
    return end


@njit(cache=True, nogil=True)
def _at(tail, end, u):
    """P(D > u) at any unit."""
    return 1.0 if u < 0 else tail[u] if u < end else 0.0


@njit(cache=True, nogil=True)
def _level(basis, target, z, mu, sigma, period_mean, lost, hold, both, end, lead, lead_end):
    """Order-up-to level by basis (see `safety_stock`); ``hold`` is of a unit over the review, period_mean its demand."""
    if basis == ALPHA:
        level = 0
        while level < end and both[level] > 1.0 - target:
            level += 1
        return level
    if basis == BETA:
        level, short = end, 0.0
        while level > 0:
            short += both[level - 1] - _at(lead, lead_end, level - 1)
            if short > (1.0 - target) * period_mean:
                break
            level -= 1
        return level
    if basis == COST:
        level = 0
        while level < end and lost * both[level] > hold * (1.0 - both[level]):
            level += 1
        return level
    return max(0, math.ceil(mu + z * sigma - 1e-9))


@njit(cache=True, nogil=True)
def best_s_S(cost, low, pmf, order_cost):
    """(s, S, cost a period) of the best (s, S): order up to S when at or below s. Zheng and Federgruen (1991).

    cost[i]: expected cost of a period whose position after ordering is low + i, unimodal; pmf: demand of a period.
    s >= low and S <= low + len(cost) - 1: give the array room.
    """
    n = cost.shape[0]
    m, total = np.zeros(n + 1), np.zeros(n + 1)
    m[0] = 1.0 / (1.0 - pmf[0])
    for j in range(1, n + 1):
        found = 0.0
        for x in range(1, min(j, pmf.shape[0] - 1) + 1):
            found += pmf[x] * m[j - x]
        m[j] = found * m[0]
        total[j] = total[j - 1] + m[j - 1]
    top = 0
    for i in range(1, n):
        if cost[i] < cost[top]:
            top = i
    s, best_top = top, top
    best = 0.0
    while s > 0:
        s -= 1
        best = _cycle(cost, m, total, s, top, order_cost)
        if best <= cost[s]:
            break
    best_s = s
    top += 1
    while top < n and cost[top] <= best:
        if _cycle(cost, m, total, best_s, top, order_cost) < best:
            best_top = top
            while best_s + 1 < best_top and _cycle(cost, m, total, best_s, best_top, order_cost) <= cost[best_s + 1]:
                best_s += 1
            best = _cycle(cost, m, total, best_s, best_top, order_cost)
        top += 1
    return low + best_s, low + best_top, best


@njit(cache=True, nogil=True)
def _cycle(cost, m, total, s, top, order_cost):
    """Expected cost a period of (s, S): renewal reward between orders."""
    found = order_cost
    for j in range(top - s):
        found += m[j] * cost[top - j]
    return found / total[top - s]


@njit(cache=True, nogil=True)
def best_r(cost, low, quantity):
    """(r, mean cost of the positions r + 1 ... r + Q) of the best r for Q; cost as in `best_s_S`."""
    r, n = 0, cost.shape[0]
    while r + quantity + 1 < n and cost[r + quantity + 1] < cost[r + 1]:
        r += 1
    total = 0.0
    for i in range(r + 1, min(r + quantity + 1, n)):
        total += cost[i]
    return low + r, total / quantity


@njit(cache=True, nogil=True)
def best_r_Q(cost, low, order_cost_rate):
    """(r, Q, cost) of the best (r, Q), whose orders cost ``order_cost_rate`` / Q a period. Federgruen and Zheng (1992)."""
    n, top = cost.shape[0], 0
    for i in range(1, n):
        if cost[i] < cost[top]:
            top = i
    first, last = top, top
    total = order_cost_rate + cost[top]
    while True:
        left = cost[first - 1] if first > 1 else np.inf
        right = cost[last + 1] if last + 1 < n else np.inf
        size = last - first + 1
        if min(left, right) >= total / size:
            return low + first - 1, size, total / size
        if left <= right:
            first -= 1
            total += left
        else:
            last += 1
            total += right


@njit(cache=True, nogil=True)
def _cycle_costs(size, mu, lost, hold, both, end, lead, lead_end):
    """Cost of a review period by position after ordering, -1 ... size - 2: holding at its end and what it newly loses.

    Lost in the period: E(D_LR - y)+ - E(D_L - y)+ (Hadley and Whitin 1963, ch. 5).
    """
    cost = np.empty(size)
    short, before = 0.0, 0.0
    for y in range(max(end, lead_end, size - 2), -2, -1):
        short += _at(both, end, y)
        before += _at(lead, lead_end, y)
        if y <= size - 2:
            cost[y + 1] = hold * (y - mu + short) + lost * (short - before)
    return cost


@njit(cache=True, nogil=True)
def _period_pmf(mu, d):
    """P(D = u) of a period's demand until it carries no mass; mu > 0 and small enough to start at 0."""
    u, p = _start(mu, d)
    out = np.zeros(int(mu + 12.0 * math.sqrt(mu * d) + 60.0 * d) + 2)
    while u < out.shape[0] and (p >= _EPS or u <= mu):
        out[u] = p
        p *= (mu / d + (1.0 - 1.0 / d) * u) / (u + 1)
        u += 1
    return out[:u]


@njit(cache=True, nogil=True)
def _economic(policy, quantity, mu, period_mean, d, v, lost, hold, order, both, end, lead, lead_end):
    """(trigger, target or quantity) of (s, S) and (r, nQ) from costs; quantity 0 = open."""
    span = int(math.sqrt(2.0 * order * period_mean / hold)) if hold > 0.0 else end
    cost = _cycle_costs(end + 2 * span + max(quantity, 1) + 2, mu, lost, hold, both, end, lead, lead_end)
    if policy == S_S:
        s, top, _ = best_s_S(cost, -1, _period_pmf(period_mean, d + v * period_mean), order)
        return s, top
    if quantity > 0:
        return best_r(cost, -1, quantity)[0], quantity
    r, quantity, _ = best_r_Q(cost, -1, order * period_mean)
    return r, quantity


@njit(cache=True, nogil=True)
def _trigger_and_target(j, level, period_mean, mu, demand, costs, rules, multiple, review, both, end, lead, lead_end):
    """(highest position that orders, level to lift to; for (r, nQ) its Q) by the pair's policy."""
    policy, first, second = rules[0][j], rules[4][j], rules[5][j]
    lost, hold, order = costs[0][j], costs[1][j] * review, costs[2][j]
    if policy == WEEKS_OF_COVER and not math.isnan(first):
        target = math.ceil(7.0 * first * demand[0][j] - 1e-9)
        return target - 1, target
    if policy == MIN_MAX:
        least = level if math.isnan(first) else int(first)
        lot = max(period_mean, math.sqrt(2.0 * order * period_mean / hold) if hold > 0.0 else 0.0)
        return least - 1, (least + math.ceil(lot - 1e-9) if math.isnan(second) else max(int(second), least))
    if policy in (S_S, R_NQ):
        quantity = 0
        if policy == R_NQ:
            quantity = int(second) if not math.isnan(second) else multiple if multiple > 1 or order <= 0.0 else 0
        if not math.isnan(first):
            fallback = max(level, int(first) + 1) if policy == S_S else max(quantity, 1)
            return int(first), (int(second) if not math.isnan(second) else fallback)
        if period_mean > 0.0 and (policy == R_NQ or order > 0.0):
            return _economic(
                policy, quantity, mu, period_mean, demand[1][j], demand[2][j], lost, hold, order, both, end, lead, lead_end
            )
        return level - 1, (level if policy == S_S else max(quantity, 1))
    target = level if math.isnan(second) else int(second)
    return target - 1, target


@njit(cache=True, nogil=True)
def _quantity(j, trigger, target, is_lots, stock, shelf_cap):
    """(units, what set them) of the order; ``is_lots``: target is Q of (r, nQ)."""
    position, multiple, least, presentation, low, high, storage, _, most = stock
    at, size = position[j], multiple[j]
    floor = max(presentation[j], low[j])
    if at > trigger and at >= floor:
        return 0, POSITION_COVERS
    want = max(0, target - at)
    if is_lots:
        want = target * ((trigger - at) // target + 1) if at <= trigger else 0
    elif at > trigger:
        want = 0
    reason = POLICY
    if at + want < floor:
        want, reason = floor - at, (PRESENTATION if presentation[j] >= low[j] else CONTRACT_MIN)
    units = -(-want // size) * size
    if units > want and reason == POLICY:
        reason = MULTIPLE
    smallest = -(-least[j] // size) * size
    if 0 < units < smallest:
        units, reason = smallest, MINIMUM_ORDER
    cap, why = shelf_cap, SHELF_LIFE
    if storage[j] >= 0 and (cap < 0 or storage[j] < cap):
        cap, why = storage[j], STORAGE
    if high[j] >= 0 and (cap < 0 or high[j] < cap):
        cap, why = high[j], CONTRACT_MAX
    if cap >= 0 and at + units > cap:
        units, reason = max(0, (cap - at) // size * size), why
    if most[j] >= 0 and units > most[j]:
        units, reason = most[j] // size * size, HELD_UNITS
    if reason in (SHELF_LIFE, STORAGE, CONTRACT_MAX, HELD_UNITS) and units < smallest:
        units = 0
    return units, reason


@njit(cache=True, nogil=True)
def _worth(at, units, target, mean, review, both, end, lead, lead_end, period, period_end):
    """(units that sell in the review period and would be lost, unit-days held more) of an order on top of ``at``.

    Without the order the shelf holds (at - D_L)+ when it would arrive. Unit k of it sells if D_R > (at - D_L)+ + k - 1. The
    terms that need the joint law of D_L and D_R take them as independent; D_LR knows what they share.
    """
    empty = _at(lead, lead_end, at - 1)
    sold, held = 0.0, 0.0
    for k in range(1, units + 1):
        u = at + k - 1
        gone = 0.0
        for x in range(max(at, u - period_end + 1, 0), min(u, lead_end - 1) + 1):
            gone += (_at(lead, lead_end, x - 1) - _at(lead, lead_end, x)) * _at(period, period_end, u - x)
        after, before = _at(both, end, u), _at(lead, lead_end, u)
        sells = after - before - gone + empty * _at(period, period_end, k - 1)
        sells = min(max(sells, 0.0), 1.0)
        sold += sells
        held += review * (1.0 - 0.5 * sells)
        if u >= target:
            held += min((u + 1 - target) / mean if mean > 0.0 else _LONGEST, _LONGEST)
    return sold, held


@njit(cache=True, nogil=True)
def _mean_lead(table, row):
    """Mean lead time of a row of the table, days."""
    days = 0.0
    for x in range(table.shape[1]):
        days += x * table[row, x]
    return days


@njit(cache=True, nogil=True)
def propose_range(lo, hi, demand, lanes, costs, rules, stock, room, out):
    """Fill the plan's arrays ``out`` (reorder point, target, safety, units, avoided, held, binding) of lo <= j < hi."""
    mean, dispersion, variance = demand
    lane, table, review = lanes
    both, lead, period = np.zeros(room), np.zeros(room), np.zeros(room)
    end = lead_end = period_end = 0
    now = np.ones((1, 1))
    for j in range(lo, hi):
        m, d, v, days = mean[j], dispersion[j], variance[j], review[j]
        end = _tails(both, end, m, d, v, table, lane[j], days)
        lead_end = _tails(lead, lead_end, m, d, v, table, lane[j], 0)
        lead_days = _mean_lead(table, lane[j])
        mu, period_mean = m * (lead_days + days), m * days
        sigma = math.sqrt(d * mu)
        level = _level(
            rules[1][j], rules[2][j], rules[3][j], mu, sigma, period_mean, costs[0][j], costs[1][j] * days, both, end,
            lead, lead_end,
        )
        trigger, target = _trigger_and_target(
            j, level, period_mean, mu, demand, costs, rules, stock[1][j], days, both, end, lead, lead_end
        )
        lots, shelf = rules[0][j] == R_NQ, -1
        if stock[7][j] >= 0:
            shelf = int(m * (lead_days + stock[7][j]))
        units, reason = _quantity(j, trigger, target, lots, stock, shelf)
        floor = max(stock[3][j], stock[4][j])
        top = max(trigger + target if lots else target, floor)
        kept = max(trigger + (rules[0][j] == MIN_MAX), floor) if rules[0][j] in (S_S, MIN_MAX, R_NQ) else top
        out[0][j], out[1][j] = max(trigger, floor - 1), top
        out[2][j] = max(0, math.floor(kept - mu + 0.5))
        out[3][j], out[6][j] = units, reason
        if units == 0:
            out[4][j], out[5][j] = 0.0, 0.0
            if m == 0.0 and reason == POSITION_COVERS and floor == 0:
                out[6][j] = NO_DEMAND
            continue
        period_end = _tails(period, period_end, m, d, v, now, 0, days)
        out[4][j], out[5][j] = _worth(
            stock[0][j], units, top, m, days, both, end, lead, lead_end, period, period_end
        )


@njit(cache=True, nogil=True)
def service_range(lo, hi, demand, lanes, costs, rules, room, out):
    """Fill ``out`` of lo <= j < hi: level by basis, alpha, beta and loss that one more unit saves there; the same by cost."""
    mean, dispersion, variance = demand
    lane, table, review = lanes
    both, lead = np.zeros(room), np.zeros(room)
    end = lead_end = 0
    for j in range(lo, hi):
        m, d, v, days = mean[j], dispersion[j], variance[j], review[j]
        end = _tails(both, end, m, d, v, table, lane[j], days)
        lead_end = _tails(lead, lead_end, m, d, v, table, lane[j], 0)
        lead_days = _mean_lead(table, lane[j])
        mu, sold = m * (lead_days + days), m * days
        for k in range(2):
            level = _level(
                rules[1][j] if k == 0 else COST, rules[2][j], rules[3][j], mu, math.sqrt(d * mu), sold, costs[0][j],
                costs[1][j] * days, both, end, lead, lead_end,
            )
            short = 0.0
            for u in range(level, end):
                short += both[u] - _at(lead, lead_end, u)
            out[4 * k][j] = level
            out[4 * k + 1][j] = 1.0 - _at(both, end, level)
            out[4 * k + 2][j] = 1.0 - short / sold if sold > 0.0 else 1.0
            out[4 * k + 3][j] = _at(both, end, level) - _at(lead, lead_end, level)
