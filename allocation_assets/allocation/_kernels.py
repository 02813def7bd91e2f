"""Compiled kernels that hand out, settle and explain cases (numba; no state, no fast-math, GIL released).

Layout: see `market`; pricing is in `_price_kernels`. The small helpers are inlined before compiling: a call per pair
costs more than what they do.
"""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def gather_cases(first, counts, source, ptr, out):
    """Copy counts[j] values from source[first[j]] on to out[ptr[j]] on."""
    for j in range(first.shape[0]):
        at = ptr[j]
        for k in range(counts[j]):
            out[at + k] = source[first[j] + k]


@njit(cache=True, nogil=True)
def pack_pairs(
    pair_row, base, lim, item_ptr, pair_pack, dock, gate, pair_pool, line_cost, line_least, row_ptr, ptr, first, pair,
    pack, receiving, dispatch, pool, fee, least, is_plain,
):  # fmt: skip
    """Fill a market (see there) with the pairs that have a free case, base < lim; `first` is the item of their first one."""
    at = 0
    for j in range(pair_row.shape[0]):
        if lim[j] <= base[j]:
            continue
        row = pair_row[j]
        row_ptr[row + 1] += 1
        pair[at], pack[at], receiving[at], dispatch[at], pool[at] = j, pair_pack[j], dock[j], gate[j], pair_pool[j]
        fee[at] = line_cost[j] if base[j] == 0 else -1.0
        least[at] = line_least[j] if base[j] == 0 else 1
        first[at] = item_ptr[j] + base[j]
        ptr[at + 1] = ptr[at] + lim[j] - base[j]
        other_pack = row_ptr[row + 1] > 1 and pack[at] != pack[at - 1]
        if other_pack or pair_pool[j] >= 0:
            is_plain[row] = False
        at += 1
    for row in range(row_ptr.shape[0] - 1):
        row_ptr[row + 1] += row_ptr[row]


@njit(inline="always")
def _next_of(j, x, pack, jump, fee):
    """Return (cases, units, whether a line opens) of what pair j would be handed next."""
    number = jump[j] if x[j] == 0 else 1
    return number, number * pack[j], x[j] == 0 and fee[j] >= 0.0


@njit(inline="always")
def _fits(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left):
    """Whether `need` units (and a line, if it `opens`) fit every limit of row r, pool c, dock b and gate d (-1 = none)."""
    if row_left[r] < need or (c >= 0 and pool_left[c] < need) or (b >= 0 and receiving_left[b] < need):
        return False
    return d < 0 or (dispatch_left[d] >= need and not (opens and lines_left[d] < 1))


@njit(inline="always")
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
        r, c, b, d = row[j], pool[j], receiving[j], dispatch[j]
        if _fits(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left):
            _book(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left)
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
        r, c, b, d = row[j], pool[j], receiving[j], dispatch[j]
        out[j] = _fits(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left)
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
        r, c, b, d, opens = row[j], pool[j], receiving[j], dispatch[j], granted[j] == 0
        if granted[j] != case[i]:
            continue
        if _fits(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left):
            _book(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left)
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
            r, c, b, d = row[j], pool[j], receiving[j], dispatch[j]
            _book(
                x[j] * pack[j], fee[j] >= 0.0, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left
            )


@njit(cache=True, nogil=True)
def settle_rows(
    row_ptr, ptr, worth, pack, receiving, dispatch, pool, fee, least, is_plain, p_receiving, p_dispatch, low, band, x,
    row_left, pool_left, receiving_left, dispatch_left, lines_left, sure, upto,
):  # fmt: skip
    """Settle, per pair, the cases that clear every price by more than `band` (first `sure`) and those beyond reach.

    Cases sure <= k < upto are open; settled ones are taken off every limit, in place. A band below 0 settles everything
    as in `x`. Rows with several packs or pools, or with lines that cost or have a least size, stay open as a whole: there,
    a case's rank depends on more than its own net. Returns (worth of what was settled, pairs with settled cases, pairs
    with open ones, open cases).
    """
    total, settled, still_open, cases = 0.0, 0, 0, 0
    for r in range(row_ptr.shape[0] - 1):
        is_simple = is_plain[r]
        for j in range(row_ptr[r], row_ptr[r + 1]):
            is_simple = is_simple and fee[j] <= 0.0 and least[j] <= 1
        for j in range(row_ptr[r], row_ptr[r + 1]):
            first, last = ptr[j], ptr[j + 1]
            if not is_simple:
                sure[j], upto[j] = 0, last - first
                still_open += last > first
                cases += last - first
                continue
            c, b, d = pool[j], receiving[j], dispatch[j]
            taken = x[j]
            sure[j], upto[j] = taken, taken
            if band >= 0.0:
                price = low[r] + (p_receiving[b] if b >= 0 else 0.0) + (p_dispatch[d] if d >= 0 else 0.0)
                floor, ceiling, taken, near = (price - band) * pack[j], (price + band) * pack[j], 0, 0
                for i in range(first, last):
                    taken += worth[i] > ceiling
                    near += (worth[i] >= floor) & (worth[i] > 0.0)
                sure[j], upto[j] = taken, max(taken, near)
            still_open += upto[j] > taken
            cases += upto[j] - taken
            if taken > 0:
                settled += 1
                for i in range(first, first + taken):
                    total += worth[i]
                need, opens = taken * pack[j], fee[j] >= 0.0
                _book(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left)
    return total, settled, still_open, cases


@njit(cache=True, nogil=True)
def split_settled(
    row_ptr, ptr, worth, pair, pack, receiving, dispatch, pool, fee, least, sure, upto, sure_pair, sure_cases, new_row_ptr,
    new_ptr, new_worth, new_pair, new_pack, new_receiving, new_dispatch, new_pool, new_fee, new_least,
):  # fmt: skip
    """Write the settled cases to (sure_pair, sure_cases) and the open ones as a market of their own."""
    done, at, item = 0, 0, 0
    new_row_ptr[0] = new_ptr[0] = 0
    for r in range(row_ptr.shape[0] - 1):
        for j in range(row_ptr[r], row_ptr[r + 1]):
            if sure[j] > 0:
                sure_pair[done], sure_cases[done] = pair[j], sure[j]
                done += 1
            if upto[j] > sure[j]:
                new_pair[at], new_pack[at], new_receiving[at], new_dispatch[at] = pair[j], pack[j], receiving[j], dispatch[j]
                new_pool[at], new_least[at], new_fee[at] = pool[j], least[j], -1.0 if sure[j] > 0 else fee[j]
                for i in range(ptr[j] + sure[j], ptr[j] + upto[j]):
                    new_worth[item] = worth[i]
                    item += 1
                at += 1
                new_ptr[at] = item
        new_row_ptr[r + 1] = at


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
                c, b, d = pool[j], receiving[j], dispatch[j]
                if _fits(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left):
                    best, chosen = worth[ptr[j] + x[j]] / pack[j], j
            if chosen < 0:
                break
            number, need, opens = _next_of(chosen, x, pack, jump, fee)
            c, b, d = pool[chosen], receiving[chosen], dispatch[chosen]
            _book(need, opens, r, c, b, d, row_left, pool_left, receiving_left, dispatch_left, lines_left)
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
