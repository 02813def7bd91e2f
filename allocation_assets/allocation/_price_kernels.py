"""Compiled pricing of supply rows (numba; no state, no fast-math, GIL released). Layout: see `market`.

Row r holds the active pairs row_ptr[r]:row_ptr[r + 1]; free case k of pair j is item ptr[j] + k. `net` is a case's worth
less the prices on it; it never rises along a pair (a fee merges the first cases into one jump), so the best cases of a
row are a prefix of each pair. Every kernel writes only rows of its own range: results do not depend on how ranges are
cut. Loads are integers, so their sums do not depend on the order either.

Most rows are flat: one pack, one gate, no pools and no lines to pay. Their cases are walked as one array, without a
branch per case; all others go pair by pair.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Bins of a histogram of critical prices; its column 0 takes what lies below the window.
BINS = 256


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


@njit(inline="always")
def _cut(net, count, room, top, bottom, buffer):
    """Return (high, low): the room-th largest positive net (0 if there are fewer) and the best that waits (not below 0).

    Both are looked for between `bottom` and `top` first, where they are expected. Without room: (inf, the best).
    """
    if room <= 0:
        best = 0.0
        for i in range(count):
            best = max(best, net[i])
        return np.inf, best
    above, inside = 0, 0
    for i in range(count):
        value = net[i]
        buffer[inside] = value
        above += value > top
        inside += (value <= top) & (value > bottom)
    if above >= room or (above + inside <= room and bottom > 0.0):
        above, inside = 0, 0
        for i in range(count):
            buffer[inside] = net[i]
            inside += net[i] > 0.0
    high, low = 0.0, 0.0
    if above + inside >= room:
        high = _largest(buffer, inside, room - above)
        for i in range(room - above, inside):
            low = max(low, buffer[i])
    return high, low


@njit(inline="always")
def _optimum(net, count, room, low):
    """Worth of the row's best cases: what they net beyond `low`, and `low` for every case of its supply."""
    total = 0.0
    for i in range(count):
        total += max(net[i] - low, 0.0)
    return total + low * max(room, 0)


@njit(inline="always")
def _choose(j0, j1, ptr, net, count, room, high, x):
    """Set x to the cases that net more than `high`, and as many that net just that as there is room for, lowest pairs first."""
    origin, ties = ptr[j0], 0
    if 0.0 < high < np.inf:
        ties = room
        for i in range(count):
            ties -= net[i] > high
    for j in range(j0, j1):
        first, last = ptr[j] - origin, ptr[j + 1] - origin
        k = first
        while k < last and net[k] > high:
            k += 1
        while ties > 0 and k < last and net[k] == high:
            k += 1
            ties -= 1
        x[j] = k - first


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


@njit(inline="always")
def _column(at):
    """Column of a histogram for a critical price `at` bins above the lower edge of its window."""
    return int(max(min(at + 1.0, BINS + 0.0), 0.0))


@njit(inline="always")
def _count(histogram, bucket, value, low_edge, scale, weight):
    """Add `weight` to the bin of a critical price; prices below the window go to column 0."""
    histogram[bucket, _column((value - low_edge[bucket]) * scale[bucket])] += weight


@njit(inline="always")
def _count_flat_receiving(first, count, dock, pack, net, high, low, price, edge, scale, histogram, buffer):
    """Critical receiving prices of a flat row, see `_count_receiving`; docks without a limit are counted in vain."""
    per_unit, chosen_from, step = 1.0 / pack, high * pack, low - high
    for i in range(count):
        b = dock[first + i]
        waits = high + (net[i] >= chosen_from) * step
        at = (price[b] + net[i] * per_unit - waits - edge[b]) * scale[b]
        buffer[i] = max(min(at + 1.0, BINS + 0.0), 0.0)
    for i in range(count):
        histogram[dock[first + i], np.uint64(buffer[i])] += pack


@njit(inline="always")
def _count_flat_dispatch(b, count, room, pack, net, high, price, edge, scale, histogram):
    """Critical dispatch prices of a flat row, see `_count_dispatch`; `high` is money per case here."""
    per_unit, shift, width = 1.0 / pack, price[b] - edge[b], scale[b]
    ties = room
    for i in range(count):
        is_in = high == 0.0 or net[i] > high
        ties -= is_in
        histogram[b, _column((shift + net[i] * per_unit) * width)] += is_in * pack
    if high > 0.0:
        histogram[b, _column((shift + high * per_unit) * width)] += ties * pack


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
def flat_rows(row_ptr, dispatch, fee, least, is_plain, lines, unlimited, out):
    """Mark the rows that are flat: plain, one gate, no pair with a fee or a least size, and no limit on its lines."""
    for r in range(row_ptr.shape[0] - 1):
        out[r] = is_plain[r]
        for j in range(row_ptr[r], row_ptr[r + 1]):
            gate = dispatch[j]
            pays = fee[j] > 0.0 or (fee[j] == 0.0 and gate >= 0 and lines.shape[0] > 0 and lines[gate] < unlimited)
            if pays or least[j] > 1 or gate != dispatch[row_ptr[r]]:
                out[r] = False
                break


@njit(inline="always")
def _flat_row(
    first, count, pack, room, gate, worth, dock, p_receiving, p_dispatch, guess, reach, edge_r, scale_r, count_r, edge_d,
    scale_d, count_d, net, buffer,
):  # fmt: skip
    """Fill net and count critical prices of a flat row; returns (its last chosen, its best waiting case, its optimum).

    `guess` (money per unit) is where the best waiting case was, looked for within `reach` of it first.
    """
    passage = p_dispatch[gate] if gate >= 0 else 0.0
    for i in range(count):
        net[i] = worth[first + i] - (p_receiving[dock[first + i]] + passage) * pack
    last, waits = _cut(net, count, room, (guess + reach) * pack, max((guess - reach) * pack, 0.0), buffer)
    if scale_r.shape[0] > 0 and room > 0:
        _count_flat_receiving(
            first, count, dock, pack, net, last / pack, waits / pack, p_receiving, edge_r, scale_r, count_r, buffer
        )
    if scale_d.shape[0] > 0 and room > 0 and gate >= 0:
        _count_flat_dispatch(gate, count, room, pack, net, last, p_dispatch, edge_d, scale_d, count_d)
    return last, waits, _optimum(net, count, room, waits)


@njit(cache=True, nogil=True)
def _paired_row(
    j0, j1, ptr, worth, pack, receiving, dispatch, pool, fee, least, is_plain, supply, pool_room, p_receiving, p_dispatch,
    p_lines, x, pool_left, pool_price, edge_r, scale_r, count_r, edge_d, scale_d, count_d, edge_l, scale_l, count_l, net,
    buffer,
):  # fmt: skip
    """Fill net, x and counts of a row that is not flat; returns (high, low, its optimum or a bound on it)."""
    _row_net(j0, j1, ptr, worth, pack, receiving, dispatch, fee, least, p_receiving, p_dispatch, p_lines, net)
    count = ptr[j1] - ptr[j0]
    if is_plain:
        room = supply // pack[j0]
        last, waits = _cut(net, count, room, np.inf, 0.0, buffer)
        _choose(j0, j1, ptr, net, count, room, last, x)
        high, low, inner = last / pack[j0], waits / pack[j0], _optimum(net, count, room, waits)
    else:
        high, low, inner = _mixed_row(j0, j1, ptr, net, count, pack, pool, supply, pool_room, pool_left, pool_price, x)
    if scale_r.shape[0] > 0:
        _count_receiving(
            j0, j1, ptr, pack, receiving, pool, pool_price, x, net, high, low, p_receiving, edge_r, scale_r, count_r
        )
    if scale_d.shape[0] > 0:
        _count_dispatch(j0, j1, ptr, pack, dispatch, pool, pool_price, x, net, high, p_dispatch, edge_d, scale_d, count_d)
    if scale_l.shape[0] > 0:
        _count_lines(
            j0, j1, ptr, pack, dispatch, pool, pool_price, fee, least, x, net, high, low, p_lines, edge_l, scale_l, count_l
        )
    return high, low, inner


@njit(cache=True, nogil=True)
def price_rows(
    row_ptr, ptr, worth, pack, receiving, dispatch, pool, fee, least, is_plain, is_flat, dock, row_room, pool_room,
    p_receiving, p_dispatch, p_lines, guess, reach, chooses, r0, r1, x, high, low, inner, pool_left, pool_price, edge_r,
    scale_r, count_r, edge_d, scale_d, count_d, edge_l, scale_l, count_l,
):  # fmt: skip
    """Solve the rows r0 <= r < r1 exactly at given capacity prices, and count critical prices of capacities.

    `dock` per case and `p_receiving` have one entry more than there are docks: the last is for cases without one, at a
    price of 0; so have the arrays of the receiving windows. `guess` (money per unit per row): where `low` was in an earlier
    pass; it is looked for within `reach` of it first. Per kind of capacity (receiving, dispatch, lines): lower edge and
    scale of each one's window, and its histogram; a kind whose scale has length 0 is not counted.

    Fills x (free cases per pair; of flat rows only where it `chooses`), high and low (money per unit of supply: what the
    row's last chosen and its best waiting case net), inner (the row's optimum, or a bound on it) and pool_price (per
    unit). The critical price of a case is the capacity's price at which it drops out, all other prices fixed.
    """
    size = _longest_row(row_ptr, ptr, r0, r1)
    net, buffer = np.empty(size), np.empty(size)
    for r in range(r0, r1):
        j0, j1 = row_ptr[r], row_ptr[r + 1]
        high[r], low[r], inner[r] = 0.0, 0.0, 0.0
        if j0 == j1:
            continue
        if not is_flat[r]:
            high[r], low[r], inner[r] = _paired_row(
                j0, j1, ptr, worth, pack, receiving, dispatch, pool, fee, least, is_plain[r], row_room[r], pool_room,
                p_receiving, p_dispatch, p_lines, x, pool_left, pool_price, edge_r, scale_r, count_r, edge_d, scale_d,
                count_d, edge_l, scale_l, count_l, net, buffer,
            )  # fmt: skip
            continue
        units, count, room = pack[j0], ptr[j1] - ptr[j0], row_room[r] // pack[j0]
        last, waits, inner[r] = _flat_row(
            ptr[j0], count, units, room, dispatch[j0], worth, dock, p_receiving, p_dispatch, guess[r], reach, edge_r,
            scale_r, count_r, edge_d, scale_d, count_d, net, buffer,
        )  # fmt: skip
        high[r], low[r] = last / units, waits / units
        if chooses:
            _choose(j0, j1, ptr, net, count, room, last, x)


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
