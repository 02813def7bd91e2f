"""Compiled selection kernels of the allocation engine (numba; no state, no fast-math, GIL released).

Layout. Pairs are sorted by (row, key); row r holds pairs row_ptr[r]:row_ptr[r + 1]. Case k (from 0) of pair j is item
item_ptr[j] + k; cases base[j] <= k < lim[j] are free to choose, cases below base[j] are granted already. `net` is an
item's worth less the capacity prices on it. Net never rises with k, so the best n cases of a row are a prefix of each
pair. Every kernel writes only the rows or pairs of its own range: results do not depend on how ranges are cut.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _partition(values, lo, hi):
    """Hoare partition in falling order around the median of three; return the split point."""
    a, b, c = values[lo], values[(lo + hi) // 2], values[hi]
    pivot = max(min(a, b), min(max(a, b), c))
    i, j = lo - 1, hi + 1
    while True:
        i += 1
        while values[i] > pivot:
            i += 1
        j -= 1
        while values[j] < pivot:
            j -= 1
        if i >= j:
            return j
        values[i], values[j] = values[j], values[i]


@njit(cache=True, nogil=True)
def _largest(values, count, k):
    """Return the k-th largest (k >= 1) of values[:count]; afterwards values[k:count] holds nothing larger."""
    lo, hi = 0, count - 1
    while lo < hi:
        split = _partition(values, lo, hi)
        if k - 1 <= split:
            hi = split
        else:
            lo = split + 1
    return values[k - 1]


@njit(cache=True, nogil=True)
def net_of_prices(item_ptr, worth, base, lim, unit_price, line_price, pair_pack, lo, hi, net):
    """Fill net = worth - pack x unit price; a line price merges the first cases into one jump (concave envelope)."""
    for j in range(lo, hi):
        first = item_ptr[j] + base[j]
        last = item_ptr[j] + lim[j]
        rent = pair_pack[j] * unit_price[j]
        for i in range(first, last):
            net[i] = worth[i] - rent
        if line_price[j] <= 0.0 or base[j] > 0 or last <= first:
            continue
        total, best, length = -line_price[j], -np.inf, 0
        for i in range(first, last):
            total += net[i]
            slope = total / (i - first + 1)
            if slope > best:
                best, length = slope, i - first + 1
        for i in range(first, first + length):
            net[i] = best


@njit(cache=True, nogil=True)
def _take_row(item_ptr, net, base, lim, j0, j1, floor, ties, x):
    """Set x: all free cases with net > floor, then `ties` cases equal to it, lowest pair first."""
    for j in range(j0, j1):
        k = base[j]
        while k < lim[j] and net[item_ptr[j] + k] > floor:
            k += 1
        x[j] = k
    for j in range(j0, j1):
        while ties > 0 and x[j] < lim[j] and net[item_ptr[j] + x[j]] == floor:
            x[j] += 1
            ties -= 1


@njit(cache=True, nogil=True)
def select_rows(row_ptr, item_ptr, net, base, lim, free_cases, r0, r1, x, high, low, inner):
    """Best cases of each row at given net worth, exact: the K = free_cases[r] largest positive ones.

    Ties go to the lowest pair. Fills x (cases per pair), and per row: `high` = K-th largest net (-inf when fewer,
    +inf when K = 0), `low` = (K+1)-th largest, not below 0 (the supply price per case), `inner` = the row's optimum.
    """
    size = 0
    for r in range(r0, r1):
        count = 0
        for j in range(row_ptr[r], row_ptr[r + 1]):
            count += lim[j] - base[j]
        size = max(size, count)
    buffer = np.empty(max(size, 1), np.float64)
    for r in range(r0, r1):
        j0, j1 = row_ptr[r], row_ptr[r + 1]
        count, best, room = 0, 0.0, free_cases[r]
        for j in range(j0, j1):
            for i in range(item_ptr[j] + base[j], item_ptr[j] + lim[j]):
                buffer[count] = net[i]
                best = max(best, net[i])
                count += 1
        high[r], low[r], floor, ties = -np.inf, 0.0, 0.0, 0
        if room <= 0:
            high[r], low[r], floor = np.inf, best, np.inf
        elif count > room:
            high[r] = _largest(buffer, count, room)
            above = 0
            for i in range(room):
                above += buffer[i] > high[r]
            for i in range(room, count):
                low[r] = max(low[r], buffer[i])
            if high[r] > 0.0:
                floor, ties = high[r], room - above
        _take_row(item_ptr, net, base, lim, j0, j1, floor, ties, x)
        total = low[r] * room if room > 0 else 0.0
        for j in range(j0, j1):
            for i in range(item_ptr[j] + base[j], item_ptr[j] + lim[j]):
                if room > 0 and net[i] > low[r]:
                    total += net[i] - low[r]
        inner[r] = total


@njit(cache=True, nogil=True)
def greedy(
    order, item_pair, item_ptr, size, lim, x, units, pair_row, row_left, recv, recv_left, disp, disp_left, lines_left
):
    """Hand out cases in the given order where every limit allows it; limits and x are updated in place."""
    for i in order:
        j = item_pair[i]
        if x[j] != i - item_ptr[j] or x[j] >= lim[j]:
            continue
        need = size[i]
        if row_left[pair_row[j]] < need:
            continue
        if recv[j] >= 0 and recv_left[recv[j]] < need:
            continue
        if disp[j] >= 0 and (disp_left[disp[j]] < need or (x[j] == 0 and lines_left[disp[j]] < 1)):
            continue
        row_left[pair_row[j]] -= need
        if recv[j] >= 0:
            recv_left[recv[j]] -= need
        if disp[j] >= 0:
            disp_left[disp[j]] -= need
            if x[j] == 0:
                lines_left[disp[j]] -= 1
        x[j] += 1
        units[j] += need


@njit(cache=True, nogil=True)
def falling_scores(item_ptr, worth, size, count, scores):
    """Worth per unit of the first count[j] cases of each pair, made non-increasing against rounding."""
    for j in range(count.shape[0]):
        ceiling = np.inf
        for i in range(item_ptr[j], item_ptr[j] + count[j]):
            ceiling = min(ceiling, worth[i] / size[i])
            scores[i] = ceiling


@njit(cache=True, nogil=True)
def bucket_prices(kind, ptr, pairs, item_ptr, net, base, lim, x, pair_row, pair_pack, high, low, price, capacity, out):
    """Price of each bucket at which its own load just fits, all else fixed (`kind`: 0 receiving, 1 dispatch units).

    Critical price of a case = the bucket price at which it drops out. Receiving: a selected case gives way to the next
    unselected one of its row (`low`), an unselected one must beat the row's threshold (`high`). Dispatch: the whole
    row pays the same price, so only the cases inside the supply count, down to a net of 0.
    """
    for b in range(ptr.shape[0] - 1):
        out[b] = price[b]
        if capacity[b] < 0:
            continue
        count = 0
        for q in range(ptr[b], ptr[b + 1]):
            count += lim[pairs[q]] - base[pairs[q]]
        critical, weight = np.empty(count, np.float64), np.empty(count, np.int64)
        count = 0
        for q in range(ptr[b], ptr[b + 1]):
            j = pairs[q]
            r = pair_row[j]
            for k in range(base[j], lim[j]):
                value = net[item_ptr[j] + k]
                if kind == 0:
                    value -= low[r] if k < x[j] else max(high[r], 0.0)
                elif value < high[r]:
                    continue
                value = price[b] + value / pair_pack[j]
                if value > 0.0:
                    critical[count], weight[count] = value, pair_pack[j]
                    count += 1
        out[b] = _fitting_price(critical[:count], weight[:count], capacity[b])


@njit(cache=True, nogil=True)
def _fitting_price(critical, weight, capacity):
    """Smallest price >= 0 at which the weights of larger critical values fit the capacity."""
    if weight.sum() <= capacity:
        return 0.0
    order = np.argsort(-critical)
    load = 0
    for i in order:
        load += weight[i]
        if load > capacity:
            return critical[i]
    return 0.0


@njit(cache=True, nogil=True)
def line_prices(ptr, pairs, item_ptr, worth, base, lim, x, pair_row, pair_pack, unit_price, high, low, capacity, out):
    """Price per line of each bucket at which its lines just fit: pairs ranked by their profit before the line price."""
    for b in range(ptr.shape[0] - 1):
        out[b] = 0.0
        if capacity[b] < 0:
            continue
        profit = np.empty(ptr[b + 1] - ptr[b], np.float64)
        count = 0
        for q in range(ptr[b], ptr[b + 1]):
            j = pairs[q]
            if base[j] > 0:
                continue
            rent = pair_pack[j] * unit_price[j] + (low[pair_row[j]] if x[j] > 0 else max(high[pair_row[j]], 0.0))
            total = 0.0
            for i in range(item_ptr[j], item_ptr[j] + lim[j]):
                if worth[i] > rent:
                    total += worth[i] - rent
            if total > 0.0:
                profit[count] = total
                count += 1
        if count > capacity[b]:
            out[b] = _largest(profit, count, capacity[b] + 1)


@njit(cache=True, nogil=True)
def regrets(item_ptr, worth, base, lim, x, case_price, line_price, out):
    """Best profit of each pair at the prices less the profit of what it gets: its share of the gap, >= 0."""
    for j in range(x.shape[0]):
        fee = line_price[j] if base[j] == 0 else 0.0
        total, best, mine = 0.0, 0.0, 0.0
        for k in range(base[j], max(lim[j], x[j])):
            total += worth[item_ptr[j] + k] - case_price[j]
            if k < lim[j]:
                best = max(best, total - fee)
            if k == x[j] - 1:
                mine = total - fee
        out[j] = max(best - mine, 0.0)


@njit(cache=True, nogil=True)
def exact_opportunity(row_ptr, item_ptr, worth, base, lim, x, row_left, pack, leaving, entering):
    """Supply-only prices per pair: what a freed case earns elsewhere, what one case more displaces elsewhere.

    leaving[j] = best worth among the next cases of the row's other pairs (0 where none wants one).
    entering[j] = 0 while a case is left over, else the lowest last free case of the other pairs, else the best worth
    that waits in the row (nothing can be displaced).
    """
    for r in range(row_ptr.shape[0] - 1):
        best, second, best_at = 0.0, 0.0, -1
        lowest, runner, lowest_at = np.inf, np.inf, -1
        for j in range(row_ptr[r], row_ptr[r + 1]):
            if x[j] < lim[j]:
                waits = worth[item_ptr[j] + x[j]]
                if waits > best:
                    best, second, best_at = waits, best, j
                elif waits > second:
                    second = waits
            if x[j] > base[j]:
                last = worth[item_ptr[j] + x[j] - 1]
                if last < lowest:
                    lowest, runner, lowest_at = last, lowest, j
                elif last < runner:
                    runner = last
        for j in range(row_ptr[r], row_ptr[r + 1]):
            leaving[j] = second if j == best_at else best
            gives_way = runner if j == lowest_at else lowest
            if row_left[r] >= pack[r]:
                entering[j] = 0.0
            else:
                entering[j] = gives_way if gives_way < np.inf else best


@njit(cache=True, nogil=True)
def ranks(row_ptr, item_ptr, worth, forced, served, rank):
    """Rank of each pair in its row: forced ones first, then by worth of the first case, ties to the lowest pair."""
    for r in range(row_ptr.shape[0] - 1):
        j0, j1 = row_ptr[r], row_ptr[r + 1]
        keys = np.empty(j1 - j0, np.float64)
        group = np.empty(j1 - j0, np.int64)
        for j in range(j0, j1):
            group[j - j0] = 0 if not served[j] else 2 if forced[j] > 0 else 1
            keys[j - j0] = -worth[item_ptr[j]] if served[j] else 0.0
        order = np.argsort(keys, kind="mergesort")
        place = 1
        for wanted in (2, 1):
            for i in order:
                if group[i] == wanted:
                    rank[j0 + i] = place
                    place += 1


@njit(cache=True, nogil=True)
def sum_items(item_ptr, item, x, out):
    """Sum of the first x[j] items of each pair."""
    for j in range(x.shape[0]):
        total = 0.0
        for i in range(item_ptr[j], item_ptr[j] + x[j]):
            total += item[i]
        out[j] = total
