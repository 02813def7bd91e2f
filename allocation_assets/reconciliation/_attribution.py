"""Compiled attribution of variances to facts (numba; no state, integers only)."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def attribute(variance, units, fact, is_pair, other, mirror, left, room):
    """Units that each row explains, int64 (rows,); rows in order of strength, `left` and `room` are used up in place.

    variance, fact: index of the variance and of the fact of each row; units: the most that the row explains; is_pair:
    the fact is another count, which stands for one variance only; other: index of that count's own variance, -1 where it
    is not among them; mirror: row by which the other explains itself with this one, -1 without. left (variances,):
    units still to explain; room (facts,): units that the fact still has.
    """
    taken = np.zeros(len(units), np.int64)
    is_paired = np.zeros(len(left), np.bool_)
    is_used = np.zeros(len(room), np.bool_)
    for row in range(len(units)):
        v, f, w, m = variance[row], fact[row], other[row], mirror[row]
        take = min(units[row], left[v], room[f])
        if is_pair[row]:
            if is_paired[v] or is_used[f] or (w >= 0 and is_paired[w]):
                continue
            if w >= 0:
                take = min(take, left[w])
        if take <= 0:
            continue
        taken[row] = take
        left[v] -= take
        room[f] -= take
        if is_pair[row]:
            is_paired[v], is_used[f] = True, True
            if w >= 0:
                is_paired[w] = True
            if m >= 0:
                taken[m] = take
                left[w] -= take
                room[fact[m]] -= take
    return taken


def warm_up() -> None:
    """Compile the kernel for the array types of real runs: one variance, one fact."""
    one, none = np.ones(1, np.int64), np.full(1, -1, np.int64)
    attribute(one * 0, one, one * 0, np.zeros(1, np.bool_), none, none, one.copy(), one.copy())
