"""Stage of life of SKUs: what the items master says, else what their dates say."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

NEVER = np.datetime64("NaT", "D")


@dataclass(frozen=True)
class LifecycleInput:
    """Arrays (n), one per SKU; dates are datetime64[D], NaT where unknown.

    given: str or None, the master's word. launched: first selling date. first_seen: first date in any book or sale.
    is_taken_over: first seen when the books or the feeds began, so it is older than that, nobody knows how much.
    last_sold: newest sale. is_past_exit: every assortment row that names it has ended.
    """

    given: np.ndarray
    launched: np.ndarray
    first_seen: np.ndarray
    is_taken_over: np.ndarray
    last_sold: np.ndarray
    is_past_exit: np.ndarray


def lifecycle_of(
    data: LifecycleInput, day: np.datetime64, new_days: int, exit_days: int
) -> tuple[np.ndarray, np.ndarray]:
    """'new' | 'core' | 'exit' (n,) and why (n,): 'given', 'launched', 'past_exit', 'no_sale', or 'sells' for core.

    new: launched, or first seen without having been taken over, less than `new_days` ago (or yet to be launched).
    exit: past its exit date, or known and without a sale for `exit_days`. Else core.
    """
    given = np.asarray(data.given, object)
    is_given = given != None  # noqa: E711  (elementwise)
    unknown = np.where(data.is_taken_over, NEVER, data.first_seen)
    begun = np.where(np.isnat(data.launched), unknown, data.launched)
    is_new = ~np.isnat(begun) & (begun > day - np.timedelta64(new_days, "D"))
    alive = np.where(np.isnat(data.last_sold), data.first_seen, data.last_sold)
    is_silent = ~np.isnat(alive) & (alive <= day - np.timedelta64(exit_days, "D"))
    past_exit = np.asarray(data.is_past_exit, bool)
    cases = [is_given, is_new, past_exit, is_silent]
    stage = np.select(cases, [np.where(is_given, given, ""), "new", "exit", "exit"], "core")
    basis = np.select(cases, ["given", "launched", "past_exit", "no_sale"], "sells")
    return stage.astype(str), basis.astype(str)
