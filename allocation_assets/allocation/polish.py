"""Core MIP: refines the plan of a small problem by choosing the cases near their threshold exactly.

Cases far above the threshold are taken, cases far below are left; the few hundred between are the integer variables of
a MIP over what the limits leave (core concept of knapsack solvers, Balas and Zemel 1980; algorithms.md section 3.1).
HiGHS solves it within a limit on nodes, not on time, so that the same problem gives the same plan.
"""

from __future__ import annotations

import numpy as np

from allocation_assets.allocation.prepare import UNLIMITED
from allocation_assets.allocation.prices import Prices, Relaxed
from allocation_assets.allocation.problem import AllocationSettings
from allocation_assets.allocation.repair import Repair

# Cases of the core, and branch-and-bound nodes: what a tenth of a second or so solves.
_CORE_CASES = 700
_NODES = 400
_GAP = 2e-5


def polish(repair: Repair, prices: Prices, relaxed: Relaxed, settings: AllocationSettings) -> None:
    """Try to better the repair's best plan; does nothing where the gap is small already."""
    gap = relaxed.bound - repair.best_worth
    if gap <= settings.target_gap * abs(relaxed.bound) or not repair.market.cases:
        return
    scores = repair.split(prices, relaxed, np.inf)[3]
    band = np.sort(np.abs(scores))[min(_CORE_CASES, len(scores)) - 1]
    x, pairs, cases, _ = repair.split(prices, relaxed, float(band))
    left = repair.left_after(x)
    if not left.is_kept():
        return
    number = _solve_core(repair, x, left, pairs, cases)
    if number is None:
        return
    x += number
    left = repair.left_after(x)
    if not left.is_kept():
        return
    repair.complete(x, left)
    repair.keep(x)


def _solve_core(repair: Repair, x, left, pairs, cases) -> np.ndarray | None:
    """Cases per pair on top of x that the MIP chooses; None where it found nothing."""
    from scipy import optimize, sparse

    m = repair.market
    count, total = len(pairs), len(m.pair)
    core, owner = np.unique(pairs, return_inverse=True)
    opens = (x[core] == 0) & (m.fee[core] >= 0)
    lines = np.where(m.dispatch[core] >= 0, left.lines[m.dispatch[core]], UNLIMITED) if len(left.lines) else UNLIMITED
    needs_line = opens & ((m.fee[core] > 0) | (m.least[core] > 1) | (lines < UNLIMITED // 2))
    line_of = np.cumsum(needs_line) - 1
    gain = np.concatenate([m.worth[m.ptr[pairs] + cases], -np.maximum(m.fee[core][needs_line], 0.0)])
    rows, room, least = [], [], []

    def limit(group, amount, capacity, columns) -> None:
        used = group >= 0
        groups, index = np.unique(group[used], return_inverse=True)
        rows.append(sparse.csr_matrix((amount[used].astype(float), (index, columns[used])), (len(groups), len(gain))))
        room.append(np.minimum(capacity[groups], 2**50).astype(float))
        least.append(np.full(len(groups), -np.inf))

    every = np.arange(count)
    size = m.pack[pairs].astype(np.int64)
    limit(repair.row[pairs], size, left.row, every)
    for bucket, capacity in ((m.pool, left.pool), (m.receiving, left.receiving), (m.dispatch, left.dispatch)):
        if len(capacity):
            limit(bucket[pairs], size, capacity, every)
    lined = core[needs_line]
    columns = count + np.arange(len(lined))
    if len(left.lines):
        limit(m.dispatch[lined], np.ones(len(lined), np.int64), left.lines, columns)
    if len(lined):
        each = needs_line[owner]
        used = sparse.csr_matrix((np.ones(each.sum()), (line_of[owner][each], every[each])), (len(lined), len(gain)))
        number = np.bincount(line_of[owner][each], minlength=len(lined)).astype(float)
        here = sparse.csr_matrix((np.ones(len(lined)), (np.arange(len(lined)), columns)), (len(lined), len(gain)))
        rows += [used - here.multiply(number[:, None]), here.multiply(m.least[lined][:, None].astype(float)) - used]
        room += [np.zeros(len(lined)), np.zeros(len(lined))]
        least += [np.full(len(lined), -np.inf)] * 2
    limits = optimize.LinearConstraint(sparse.vstack(rows), np.concatenate(least), np.concatenate(room))
    options = {"node_limit": _NODES, "mip_rel_gap": _GAP}
    found = optimize.milp(-gain, integrality=np.ones(len(gain)), bounds=optimize.Bounds(0, 1), constraints=limits, options=options)
    if found.x is None:
        return None
    return np.bincount(pairs, weights=np.round(found.x[:count]), minlength=total).astype(np.int32)
