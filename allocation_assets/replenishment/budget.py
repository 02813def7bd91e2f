"""Limits that are shared out: which proposals wait for approval, and by how much they overrun. Nothing is cut: a held line keeps its units."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def _fill(order, value, department, left, held, overrun):
    for at in order:
        d = department[at]
        if value[at] > 0 and value[at] > left[d]:
            held[at], overrun[at] = True, value[at] - max(left[d], 0)
        else:
            left[d] -= value[at]


def hold_over_budget(
    value: np.ndarray, benefit: np.ndarray, department: np.ndarray, open_to_buy: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(held (n,) bool, overrun (n,) cents, left (k,) cents) of orders against their department's open-to-buy.

    value (n,), open_to_buy (k,): whole cents, at cost or at retail as the budget is; department (n,) codes into it. As well whole
    units against what locations have left. The lines that bring most benefit per cent go first, ties in the order of the rows; a line that does not fit into what is left
    is held, with what it exceeds it by, and smaller ones may still fit. A negative open-to-buy holds every line.
    """
    value = np.ascontiguousarray(value, np.int64)
    rate = np.where(value > 0, benefit / np.maximum(value, 1), np.inf)
    order = np.argsort(-rate, kind="stable")
    held, overrun = np.zeros(len(value), bool), np.zeros(len(value), np.int64)
    left = np.array(open_to_buy, np.int64)
    _fill(order, value, np.ascontiguousarray(department, np.int64), left, held, overrun)
    return held, overrun, left
