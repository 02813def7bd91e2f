"""Order proposals: one interface for every policy, chosen per pair by its code (see `problem.POLICIES`).

*Quantity.* The position is lifted from below its trigger to its target, rounded up to whole order multiples and to the least
size of a line; then cut, to whole multiples again, to what contract, space and shelf life leave; a line cut below its least
size is none. Every limit is on the position after the order, so running again after ordering orders nothing.
*Economic levels* where policy fixes none: S by basis (`safety_stock`); (s, S) by Zheng and Federgruen (1991, Operations
Research 39(4)) on the discrete cost of a cycle; r of (R, nQ) exactly for its Q, and Q itself by Federgruen and Zheng (1992,
Operations Research 40(4)) where neither policy nor the order multiple says it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np

from allocation_assets.replenishment.problem import ReplenishmentPlan, ReplenishmentProblem


def propose(problem: ReplenishmentProblem, *, threads: int = 2) -> ReplenishmentPlan:
    """Orders of all pairs. Deterministic; the result does not depend on `threads`."""
    raise NotImplementedError
