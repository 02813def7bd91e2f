"""Compiled kernels of the allocation engine (numba; no state, no fast-math, GIL released).

Layout: see `market`. Row r holds the active pairs row_ptr[r]:row_ptr[r + 1]; free case k of pair j is item ptr[j] + k.
`net` is a case's worth less the prices on it; it never rises along a pair (a fee merges the first cases into one jump),
so the best cases of a row are a prefix of each pair. Every kernel writes only rows of its own range: results do not
depend on how ranges are cut. Loads are integers, so their sums do not depend on the order either.
"""

from __future__ import annotations

import numpy as np
from numba import njit

BINS = 256


@njit(cache=True, nogil=True)
def gather_cases(first, counts, source, ptr, out):
    """Copy counts[j] values from source[first[j]] on to out[ptr[j]] on."""
    for j in range(first.shape[0]):
        at = ptr[j]
        for k in range(counts[j]):
            out[at + k] = source[first[j] + k]


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
def _longest_row(row_ptr, ptr, r0, r1):
    """Most cases of one row, at least 1: the size of a kernel's scratch arrays."""
    size = 1
    for r in range(r0, r1):
        size = max(size, ptr[row_ptr[r + 1]] - ptr[row_ptr[r]])
    return size


@njit(cache=True, nogil=True)
def _jump(net, first, last, fee, least):
    """Merge the first cases into one jump of the best average after the fee, at least `least` long (concave envelope)."""
    total, best, length = -fee, -np.inf, 0
    for i in range(first, last):
        total += net[i]
        if i - first + 1 >= least:
            slope = total / (i - first + 1)
            if slope > best:
                best, length = slope, i - first + 1
    for i in range(first, first + length):
        net[i] = best
    if length == 0:
        for i in range(first, last):
            net[i] = -np.inf


@njit(cache=True, nogil=True)
def _row_net(j0, j1, ptr, worth, pack, receiving, dispatch, fee, least, p_receiving, p_dispatch, p_lines, net):
    """Fill net[: cases of the row] with worth less prices; return the number of cases."""
    origin = ptr[j0]
    for j in range(j0, j1):
        rent, line = 0.0, fee[j]
        if receiving[j] >= 0:
            rent += p_receiving[receiving[j]]
        if dispatch[j] >= 0:
            rent += p_dispatch[dispatch[j]]
            if p_lines.shape[0] > 0 and fee[j] >= 0.0:
                line += p_lines[dispatch[j]]
        rent *= pack[j]
        first, last = ptr[j] - origin, ptr[j + 1] - origin
        for i in range(first, last):
            net[i] = worth[origin + i] - rent
        if line > 0.0 or least[j] > 1:
            _jump(net, first, last, max(line, 0.0), least[j])
    return ptr[j1] - origin


@njit(cache=True, nogil=True)
def _plain_row(j0, j1, ptr, net, count, room, buffer, x):
    """The `room` largest positive cases of a row of one pack; ties to the lowest pair. Returns (high, low, optimum).

    `high` = the lowest chosen net where the row is used up (else 0), `low` = the best that waits (not below 0).
    """
    origin, positive, best = ptr[j0], 0, 0.0
    for i in range(count):
        if net[i] > 0.0:
            buffer[positive] = net[i]
            positive += 1
            best = max(best, net[i])
    for j in range(j0, j1):
        x[j] = 0
    if room <= 0:
        return np.inf, best, 0.0
    high, low, floor, ties = 0.0, 0.0, 0.0, 0
    if positive >= room:
        high = _largest(buffer, positive, room)
        above = 0
        for i in range(room):
            above += buffer[i] > high
        for i in range(room, positive):
            low = max(low, buffer[i])
        floor, ties = high, room - above
    total = low * room
    for j in range(j0, j1):
        k, last = ptr[j] - origin, ptr[j + 1] - origin
        while k < last and net[k] > floor:
            total += net[k] - low
            k += 1
        x[j] = k - (ptr[j] - origin)
    if ties > 0:
        total += (high - low) * ties
        for j in range(j0, j1):
            k, last = ptr[j] - origin + x[j], ptr[j + 1] - origin
            while ties > 0 and k < last and net[k] == floor:
                k += 1
                ties -= 1
            x[j] = k - (ptr[j] - origin)
    return high, low, total


@njit(cache=True, nogil=True)
def _mixed_dual(j0, j1, ptr, net, pack, pool, low, room, pool_room, pool_left, pool_price):
    """Settle the pools' prices beyond the row's, and return the row's dual value at them."""
    origin = ptr[j0]
    total = low * room
    for j in range(j0, j1):
        # A pool's price is what its cap costs beyond the price of the row; settled once, at its first pair.
        if pool[j] >= 0 and pool_left[pool[j]] >= 0:
            pool_price[pool[j]] = max(pool_price[pool[j]] - low, 0.0)
            total += pool_price[pool[j]] * pool_room[pool[j]]
            pool_left[pool[j]] = -1
    for j in range(j0, j1):
        price = low + (pool_price[pool[j]] if pool[j] >= 0 else 0.0)
        for i in range(ptr[j] - origin, ptr[j + 1] - origin):
            total += max(net[i] - price * pack[j], 0.0)
    return total


@njit(cache=True, nogil=True)
def _mixed_row(j0, j1, ptr, net, count, pack, pool, room, pool_room, pool_left, pool_price, x):
    """A row with several packs or pools: greedy by net per unit. Returns (high, low, bound), per unit of supply.

    Exact for one pack and pools that lie inside the row (laminar: Federgruen and Groenevelt 1986); else feasible,
    and the returned optimum is the dual value at the prices, an upper bound.
    """
    origin = ptr[j0]
    density, owner = np.empty(count), np.empty(count, np.int64)
    for j in range(j0, j1):
        x[j] = 0
        if pool[j] >= 0:
            pool_left[pool[j]], pool_price[pool[j]] = pool_room[pool[j]], -1.0
        for i in range(ptr[j] - origin, ptr[j + 1] - origin):
            density[i], owner[i] = net[i] / pack[j], j
    order = np.argsort(-density, kind="mergesort")
    left, high, low, is_full = room, 0.0, 0.0, False
    for i in order:
        j = owner[i]
        if density[i] <= 0.0:
            break
        if i - (ptr[j] - origin) != x[j]:
            continue
        if pool[j] >= 0 and pool_left[pool[j]] < pack[j]:
            if pool_price[pool[j]] < 0.0:
                pool_price[pool[j]] = density[i]
            continue
        if left < pack[j]:
            if not is_full:
                low, is_full = density[i], True
            continue
        left -= pack[j]
        if pool[j] >= 0:
            pool_left[pool[j]] -= pack[j]
        x[j] += 1
        if not is_full:
            high = density[i]
    if not is_full and left >= pack[j0:j1].min():
        high = 0.0
    total = _mixed_dual(j0, j1, ptr, net, pack, pool, low, room, pool_room, pool_left, pool_price)
    return (high if room > 0 else np.inf), low, total


@njit(cache=True, nogil=True)
def _count(histogram, bucket, value, low_edge, scale, weight):
    """Add `weight` to the bin of a critical price; prices below the window are not counted."""
    at = (value - low_edge[bucket]) * scale[bucket]
    if at >= 0.0:
        histogram[bucket, int(min(at, BINS - 1.0))] += weight


@njit(cache=True, nogil=True)
def _count_receiving(j0, j1, ptr, pack, receiving, pool, pool_price, x, net, high, low, price, edge, scale, histogram):
    """Critical receiving prices of a row: a chosen case gives way to the best that waits, a waiting one to the last."""
    origin = ptr[j0]
    for j in range(j0, j1):
        b = receiving[j]
        if b < 0 or scale[b] <= 0.0:
            continue
        held = pool_price[pool[j]] if pool[j] >= 0 else 0.0
        per_unit, first, mine = 1.0 / pack[j], ptr[j] - origin, x[j]
        for k in range(ptr[j + 1] - ptr[j]):
            waits = low + held if k < mine else max(high, held)
            _count(histogram, b, price[b] + net[first + k] * per_unit - waits, edge, scale, pack[j])


@njit(cache=True, nogil=True)
def _count_dispatch(j0, j1, ptr, pack, dispatch, pool, pool_price, x, net, high, price, edge, scale, histogram):
    """Critical dispatch prices of a row: all of it pays the same, so the cases inside the supply, down to a net of 0.

    Where supply is left over (high = 0), cases that do not pay at the present price count too: a lower one admits them.
    """
    origin = ptr[j0]
    for j in range(j0, j1):
        b = dispatch[j]
        if b < 0 or scale[b] <= 0.0:
            continue
        held = pool_price[pool[j]] if pool[j] >= 0 else 0.0
        per_unit, first = 1.0 / pack[j], ptr[j] - origin
        for k in range(x[j] if high > 0.0 else ptr[j + 1] - ptr[j]):
            _count(histogram, b, price[b] + net[first + k] * per_unit - held, edge, scale, pack[j])


@njit(cache=True, nogil=True)
def _count_lines(
    j0, j1, ptr, pack, dispatch, pool, pool_price, fee, least, x, net, high, low, price, edge, scale, histogram
):
    """Critical line prices of a row: what each pair's cases net beyond the row's price, before the line's."""
    origin = ptr[j0]
    for j in range(j0, j1):
        b = dispatch[j]
        if b < 0 or scale[b] <= 0.0 or fee[j] < 0.0:
            continue
        # The jump of the envelope has paid the present line price already: it is added back.
        waits = (low if x[j] > 0 else high) + (pool_price[pool[j]] if pool[j] >= 0 else 0.0)
        total = price[b]
        for k in range(ptr[j + 1] - ptr[j]):
            gain = net[ptr[j] - origin + k] - waits * pack[j]
            if gain > 0.0:
                total += gain
            elif k == 0:
                total += gain * least[j]
        _count(histogram, b, total, edge, scale, 1)


@njit(cache=True, nogil=True)
def price_rows(
    row_ptr, ptr, worth, pack, receiving, dispatch, pool, fee, least, is_plain, row_room, pool_room, p_receiving,
    p_dispatch, p_lines, r0, r1, x, high, low, inner, pool_left, pool_price, edge_r, scale_r, count_r, edge_d, scale_d,
    count_d, edge_l, scale_l, count_l,
):  # fmt: skip
    """Solve the rows r0 <= r < r1 exactly at given capacity prices, and count critical prices of capacities.

    Per kind of capacity (receiving, dispatch, lines): lower edge and scale of each one's window, and its histogram;
    a kind whose scale has length 0 is not counted.

    Fills x (free cases per pair), high and low (money per unit of supply: what the row's last chosen and its best
    waiting case net), inner (the row's optimum, or a bound on it) and pool_price (per unit). The critical price of a
    case is the capacity's price at which it drops out, all other prices fixed.
    """
    size = _longest_row(row_ptr, ptr, r0, r1)
    net, buffer = np.empty(size), np.empty(size)
    for r in range(r0, r1):
        j0, j1 = row_ptr[r], row_ptr[r + 1]
        high[r], low[r], inner[r] = 0.0, 0.0, 0.0
        if j0 == j1:
            continue
        count = _row_net(j0, j1, ptr, worth, pack, receiving, dispatch, fee, least, p_receiving, p_dispatch, p_lines, net)
        if is_plain[r]:
            top, rest, inner[r] = _plain_row(j0, j1, ptr, net, count, row_room[r] // pack[j0], buffer, x)
            high[r], low[r] = top / pack[j0], rest / pack[j0]
        else:
            high[r], low[r], inner[r] = _mixed_row(
                j0, j1, ptr, net, count, pack, pool, row_room[r], pool_room, pool_left, pool_price, x
            )
        if scale_r.shape[0] > 0:
            _count_receiving(
                j0, j1, ptr, pack, receiving, pool, pool_price, x, net, high[r], low[r], p_receiving, edge_r, scale_r,
                count_r,
            )  # fmt: skip
        if scale_d.shape[0] > 0:
            _count_dispatch(
                j0, j1, ptr, pack, dispatch, pool, pool_price, x, net, high[r], p_dispatch, edge_d, scale_d, count_d
            )
        if scale_l.shape[0] > 0:
            _count_lines(
                j0, j1, ptr, pack, dispatch, pool, pool_price, fee, least, x, net, high[r], low[r], p_lines, edge_l,
                scale_l, count_l,
            )  # fmt: skip


@njit(cache=True, nogil=True)
def near_threshold(
    row_ptr, ptr, worth, pack, receiving, dispatch, pool, fee, least, p_receiving, p_dispatch, p_lines, low, pool_price,
    band, r0, r1, taken, out_pair, out_case, out_score,
):  # fmt: skip
    """Split the cases of the rows r0 <= r < r1 by their net beyond every price, per unit ("score").

    Cases above `band` are taken (counted per pair), those within -band..band are listed with their scores; returns how
    many were listed.
    """
    size = _longest_row(row_ptr, ptr, r0, r1)
    net = np.empty(size)
    found = 0
    for r in range(r0, r1):
        j0, j1 = row_ptr[r], row_ptr[r + 1]
        if j0 == j1:
            continue
        _row_net(j0, j1, ptr, worth, pack, receiving, dispatch, fee, least, p_receiving, p_dispatch, p_lines, net)
        origin = ptr[j0]
        for j in range(j0, j1):
            price = low[r] + (pool_price[pool[j]] if pool[j] >= 0 else 0.0)
            taken[j] = 0
            for k in range(ptr[j + 1] - ptr[j]):
                score = net[ptr[j] - origin + k] / pack[j] - price
                if score > band:
                    taken[j] = k + 1
                elif score < -band:
                    break
                else:
                    out_pair[found], out_case[found], out_score[found] = j, k, score
                    found += 1
    return found


@njit(cache=True, nogil=True)
def _next_of(j, x, pack, jump, fee):
    """Return (cases, units, whether a line opens) of what pair j would be handed next."""
    number = jump[j] if x[j] == 0 else 1
    return number, number * pack[j], x[j] == 0 and fee[j] >= 0.0


@njit(cache=True, nogil=True)
def _fits(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left):
    """Whether `need` units (and a line, if it `opens`) fit every limit of row r, pool c, dock b and gate d (-1 = none)."""
    if row_left[r] < need or (c >= 0 and pool_left[c] < need) or (b >= 0 and receiving_left[b] < need):
        return False
    return d < 0 or (dispatch_left[d] >= need and not (opens and lines_left[d] < 1))


@njit(cache=True, nogil=True)
def _book(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left):
    """Take `need` units (and a line, if it `opens`) off every limit, in place."""
    row_left[r] -= need
    if c >= 0:
        pool_left[c] -= need
    if b >= 0:
        receiving_left[b] -= need
    if d >= 0:
        dispatch_left[d] -= need
        lines_left[d] -= opens


@njit(cache=True, nogil=True)
def jump_cases(ptr, worth, fee, least, out):
    """Cases that a pair's first delivery is handed out with at least: its least size, or where its fee is covered."""
    for j in range(out.shape[0]):
        out[j] = least[j]
        total = -fee[j]
        for k in range(ptr[j + 1] - ptr[j]):
            total += worth[ptr[j] + k]
            if k + 1 >= least[j] and (total > 0.0 or fee[j] <= 0.0):
                out[j] = k + 1
                break
            if k + 1 == ptr[j + 1] - ptr[j]:
                out[j] = k + 2  # never covered: no line


@njit(cache=True, nogil=True)
def hand_out(
    pairs, cases, row, pack, receiving, dispatch, pool, fee, jump, counts, x, row_left, pool_left, receiving_left,
    dispatch_left, lines_left,
):  # fmt: skip
    """Hand out cases in the given order where every limit allows it; x and what is left are updated in place.

    The first cases of a pair go out together where its line has a least size or a cost (`jump`). A pair whose minimum
    was forced (fee < 0) has its line already.
    """
    for i in range(pairs.shape[0]):
        j = pairs[i]
        if x[j] > cases[i] or x[j] >= counts[j]:
            continue
        if x[j] != cases[i] and not (x[j] == 0 and cases[i] < jump[j]):
            continue
        number, need, opens = _next_of(j, x, pack, jump, fee)
        if x[j] + number > counts[j]:
            continue
        at = (row[j], pool[j], receiving[j], dispatch[j])
        if _fits(need, opens, *at, row_left, pool_left, receiving_left, dispatch_left, lines_left):
            _book(need, opens, *at, row_left, pool_left, receiving_left, dispatch_left, lines_left)
            x[j] += number


@njit(cache=True, nogil=True)
def still_fitting(
    ptr, worth, row, pack, receiving, dispatch, pool, fee, jump, x, row_left, pool_left, receiving_left, dispatch_left,
    lines_left, out,
):  # fmt: skip
    """Mark the pairs whose next case (or first delivery) pays and fits every limit; return how many."""
    found = 0
    for j in range(x.shape[0]):
        out[j] = False
        number, need, opens = _next_of(j, x, pack, jump, fee)
        if x[j] + number > ptr[j + 1] - ptr[j] or worth[ptr[j] + x[j]] <= 0.0:
            continue
        at = (row[j], pool[j], receiving[j], dispatch[j])
        out[j] = _fits(need, opens, *at, row_left, pool_left, receiving_left, dispatch_left, lines_left)
        found += out[j]
    return found


@njit(cache=True, nogil=True)
def worth_of_plan(ptr, worth, fee, x, out):
    """Worth of the free cases of each pair less the cost of its line."""
    for j in range(x.shape[0]):
        total = 0.0
        for i in range(ptr[j], ptr[j] + x[j]):
            total += worth[i]
        out[j] = total - (max(fee[j], 0.0) if x[j] > 0 else 0.0)


@njit(cache=True, nogil=True)
def serve_forced(
    order, pair, case, size, row, pool, receiving, dispatch, row_left, pool_left, receiving_left, dispatch_left,
    lines_left, granted, units,
):  # fmt: skip
    """Grant forced cases in the given order, each only where every limit allows it; arrays are updated in place."""
    for i in order:
        j, need = pair[i], size[i]
        at, opens = (row[j], pool[j], receiving[j], dispatch[j]), granted[j] == 0
        if granted[j] != case[i]:
            continue
        if _fits(need, opens, *at, row_left, pool_left, receiving_left, dispatch_left, lines_left):
            _book(need, opens, *at, row_left, pool_left, receiving_left, dispatch_left, lines_left)
            granted[j] += 1
            units[j] += need


@njit(cache=True, nogil=True)
def falling_scores(item_ptr, worth, size, first, count, scores):
    """Worth per unit of the first count[j] cases of each pair, made non-increasing against rounding."""
    for j in range(count.shape[0]):
        ceiling = np.inf
        for k in range(count[j]):
            ceiling = min(ceiling, worth[item_ptr[j] + k] / size[first[j] + k])
            scores[first[j] + k] = ceiling


@njit(cache=True, nogil=True)
def regrets(item_ptr, worth, base, lim, x, least, fee, case_price, line_price, out):
    """Best profit of each pair at the prices less the profit of what it gets: its share of the gap, >= 0.

    Differences within the rounding of the sums count as none, so that an exact plan shows a gap of exactly 0.
    """
    for j in range(x.shape[0]):
        charge = line_price[j] + fee[j] if base[j] == 0 else 0.0
        total, best, mine, size = 0.0, 0.0, 0.0, 0.0
        for k in range(base[j], max(lim[j], x[j])):
            total += worth[item_ptr[j] + k] - case_price[j]
            size += abs(worth[item_ptr[j] + k]) + case_price[j]
            if k < lim[j] and (base[j] > 0 or k + 1 >= least[j]):
                best = max(best, total - charge)
            if k == x[j] - 1:
                mine = total - charge
        out[j] = best - mine if best - mine > 1e-13 * size else 0.0


@njit(cache=True, nogil=True)
def opportunity(row_ptr, item_ptr, worth, base, lim, x, row_left, pack, rent, pool, pool_left, leaving, entering):
    """What a case is worth elsewhere in its row at the capacity prices, as seen by each pair (money per case).

    leaving[j] = best net of the next cases of the row's other pairs (0 where none wants one or its pool is full), what
    a freed case earns; entering[j] = 0 while a case is left over, else the lowest net of the other pairs' last free
    cases, else the best that waits (nothing can be displaced): what one case more displaces. `rent` (money per unit) is
    what the capacities charge each pair; it is taken off others' worth and added to the pair's own cost.
    """
    for r in range(row_ptr.shape[0] - 1):
        best, second, best_at = 0.0, 0.0, -1
        lowest, runner, lowest_at = np.inf, np.inf, -1
        for j in range(row_ptr[r], row_ptr[r + 1]):
            if x[j] < lim[j] and (pool[j] < 0 or pool_left[pool[j]] >= pack[j]):
                waits = worth[item_ptr[j] + x[j]] / pack[j] - rent[j]
                if waits > best:
                    best, second, best_at = waits, best, j
                elif waits > second:
                    second = waits
            if x[j] > base[j]:
                last = worth[item_ptr[j] + x[j] - 1] / pack[j] - rent[j]
                if last < lowest:
                    lowest, runner, lowest_at = last, lowest, j
                elif last < runner:
                    runner = last
        for j in range(row_ptr[r], row_ptr[r + 1]):
            gives_way = runner if j == lowest_at else lowest
            leaving[j] = ((second if j == best_at else best) + rent[j]) * pack[j]
            if row_left[r] >= pack[j]:
                entering[j] = rent[j] * pack[j]
            else:
                entering[j] = ((max(gives_way, 0.0) if gives_way < np.inf else best) + rent[j]) * pack[j]


@njit(cache=True, nogil=True)
def ranks(row_ptr, first_worth, forced, served, rank):
    """Rank of each pair in its row: forced ones first, then by worth of the first case, ties to the lowest pair."""
    for r in range(row_ptr.shape[0] - 1):
        j0, j1 = row_ptr[r], row_ptr[r + 1]
        keys = np.empty(j1 - j0, np.float64)
        group = np.empty(j1 - j0, np.int64)
        for j in range(j0, j1):
            group[j - j0] = 0 if not served[j] else 2 if forced[j] > 0 else 1
            keys[j - j0] = -first_worth[j] if served[j] else 0.0
        order = np.argsort(keys, kind="mergesort")
        place = 1
        for wanted in (2, 1):
            for i in order:
                if group[i] == wanted:
                    rank[j0 + i] = place
                    place += 1


@njit(cache=True, nogil=True)
def _largest_remainder(pairs, count, want, pack, room, share):
    """Set share[i] (cases) for pairs[:count] in proportion to what they want; return the units handed out.

    Whole cases first, what is left goes by the largest remainder, ties to the lowest pair.
    """
    total, given = 0, 0
    for i in range(count):
        total += want[pairs[i]] * pack[pairs[i]]
    rest = np.empty(count)
    for i in range(count):
        j = pairs[i]
        exact = want[j] * min(room / total, 1.0) if total > 0 else 0.0
        share[j] = min(int(exact + 1e-9), want[j])
        rest[i] = exact - share[j]
        given += share[j] * pack[j]
    for i in np.argsort(-rest, kind="mergesort"):
        j = pairs[i]
        if share[j] < want[j] and given + pack[j] <= room:
            share[j] += 1
            given += pack[j]
    return given


@njit(cache=True, nogil=True)
def _level_days(pairs, count, want, pack, position, daily, room, share):
    """Hand out cases one by one to the pair with the fewest days of supply, up to its want (a heap by days)."""
    days, wanting, size = np.empty(count), np.empty(count, np.int64), 0
    for i in range(count):
        j = pairs[i]
        share[j] = 0
        if want[j] > 0:
            days[size], wanting[size] = position[j] / max(daily[j], 1e-9), j
            size += 1
    # Sorted, it is a heap already.
    order = np.argsort(days[:size], kind="mergesort")
    key, owner = days[:size][order], wanting[:size][order]
    while size > 0:
        j = owner[0]
        served = room >= pack[j]
        if served:
            share[j] += 1
            room -= pack[j]
        if not served or share[j] >= want[j]:
            size -= 1
            key[0], owner[0] = key[size], owner[size]
        else:
            key[0] = (position[j] + share[j] * pack[j]) / max(daily[j], 1e-9)
        at = 0
        while True:
            child = 2 * at + 1
            if child >= size:
                break
            if child + 1 < size and (key[child + 1], owner[child + 1]) < (key[child], owner[child]):
                child += 1
            if (key[at], owner[at]) <= (key[child], owner[child]):
                break
            key[at], key[child] = key[child], key[at]
            owner[at], owner[child] = owner[child], owner[at]
            at = child


@njit(cache=True, nogil=True)
def share_rows(
    rows, row_ptr, rule, supply, pack, forced, cap, position, daily, tier, lim, equal_days, tiers
):
    """Lower lim (cases) of the given rows to what their rule of fair share grants; forced cases come off the top."""
    for r in rows:
        j0, j1 = row_ptr[r], row_ptr[r + 1]
        room = supply[r]
        want, share = np.zeros(j1, np.int64), np.zeros(j1, np.int64)
        pairs = np.arange(j0, j1)
        for j in range(j0, j1):
            room -= forced[j] * pack[j]
            want[j] = max(min(lim[j], cap[j]) - forced[j], 0)
        room = max(room, 0)
        if rule[r] == equal_days:
            stock = np.zeros(j1)
            for j in range(j0, j1):
                stock[j] = position[j] + forced[j] * pack[j]
            _level_days(pairs, j1 - j0, want, pack, stock, daily, room, share)
        elif rule[r] == tiers:
            order = np.argsort(tier[j0:j1], kind="mergesort") + j0
            at = 0
            while at < j1 - j0:
                end = at
                while end < j1 - j0 and tier[order[end]] == tier[order[at]]:
                    end += 1
                room -= _largest_remainder(order[at:end], end - at, want, pack, room, share)
                at = end
        else:
            _largest_remainder(pairs, j1 - j0, want, pack, room, share)
        for j in range(j0, j1):
            lim[j] = min(lim[j], forced[j] + share[j])


@njit(cache=True, nogil=True)
def take_loads(
    x, pack, row, pool, receiving, dispatch, fee, row_left, pool_left, receiving_left, dispatch_left, lines_left
):
    """Take the units and lines of a plan off every limit, in place, whether they fit or not."""
    for j in range(x.shape[0]):
        if x[j] > 0:
            at = (row[j], pool[j], receiving[j], dispatch[j])
            _book(
                x[j] * pack[j], fee[j] >= 0.0, *at, row_left, pool_left, receiving_left, dispatch_left, lines_left
            )


@njit(cache=True, nogil=True)
def split_rows(
    row_ptr, ptr, worth, pack, receiving, dispatch, fee, least, is_plain, p_receiving, p_dispatch, low, band, x, sure,
    upto,
):  # fmt: skip
    """Mark, per pair, the cases that clear every price by more than `band` (first `sure`) and those beyond reach.

    Cases sure <= k < upto are open. A band below 0 settles everything as in `x`. Rows with several packs or pools, or with
    lines that cost or have a least size, stay open as a whole: there, a case's rank depends on more than its own net.
    """
    for r in range(row_ptr.shape[0] - 1):
        is_simple = is_plain[r]
        for j in range(row_ptr[r], row_ptr[r + 1]):
            is_simple = is_simple and fee[j] <= 0.0 and least[j] <= 1
        for j in range(row_ptr[r], row_ptr[r + 1]):
            count = ptr[j + 1] - ptr[j]
            sure[j], upto[j] = 0, count
            if not is_simple:
                continue
            if band < 0.0:
                sure[j], upto[j] = x[j], x[j]
                continue
            rent = 0.0
            if receiving[j] >= 0:
                rent += p_receiving[receiving[j]]
            if dispatch[j] >= 0:
                rent += p_dispatch[dispatch[j]]
            floor = (low[r] + rent - band) * pack[j]
            ceiling = (low[r] + rent + band) * pack[j]
            k = 0
            while k < count and worth[ptr[j] + k] > ceiling:
                k += 1
            sure[j] = k
            while k < count and worth[ptr[j] + k] >= floor and worth[ptr[j] + k] > 0.0:
                k += 1
            upto[j] = k


@njit(cache=True, nogil=True)
def complete_rows(
    row_ptr, ptr, worth, pack, receiving, dispatch, pool, fee, jump, x, row_left, pool_left, receiving_left,
    dispatch_left, lines_left,
):  # fmt: skip
    """Add, row by row and by worth, every case that still fits every limit and pays; x and limits in place."""
    for r in range(row_ptr.shape[0] - 1):
        while row_left[r] > 0:
            best, chosen = 0.0, -1
            for j in range(row_ptr[r], row_ptr[r + 1]):
                number, need, opens = _next_of(j, x, pack, jump, fee)
                if x[j] + number > ptr[j + 1] - ptr[j] or worth[ptr[j] + x[j]] <= best * pack[j]:
                    continue
                at = (r, pool[j], receiving[j], dispatch[j])
                if _fits(need, opens, *at, row_left, pool_left, receiving_left, dispatch_left, lines_left):
                    best, chosen = worth[ptr[j] + x[j]] / pack[j], j
            if chosen < 0:
                break
            number, need, opens = _next_of(chosen, x, pack, jump, fee)
            at = (r, pool[chosen], receiving[chosen], dispatch[chosen])
            _book(need, opens, *at, row_left, pool_left, receiving_left, dispatch_left, lines_left)
            x[chosen] += number


@njit(cache=True, nogil=True)
def merge_sorted(sure_pair, sure, open_pair, open_cases, own_cases, pair, cases, repaired):
    """Merge two sorted lists of pairs, adding the cases of those in both; return how many pairs came out."""
    a, b, n = 0, 0, 0
    while a < sure_pair.shape[0] or b < open_pair.shape[0]:
        take_open = a == sure_pair.shape[0] or (b < open_pair.shape[0] and open_pair[b] <= sure_pair[a])
        pair[n] = open_pair[b] if take_open else sure_pair[a]
        cases[n], repaired[n] = 0, False
        if take_open:
            cases[n], repaired[n] = open_cases[b], open_cases[b] != own_cases[b]
            b += 1
        if a < sure_pair.shape[0] and sure_pair[a] == pair[n]:
            cases[n] += sure[a]
            a += 1
        n += 1
    return n
