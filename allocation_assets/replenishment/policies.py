"""Order proposals: one interface for every policy, chosen per pair by its code (see `problem.POLICIES`).

*Quantity.* The position is lifted from below its trigger to its target, rounded up to whole order multiples and to the least
size of a line; then cut, to whole multiples again, to what contract, space and shelf life leave; a line cut below its least
size is none. These limits are on the position after the order, so running again after ordering orders nothing; `most_units`, of
an order that waits for approval, is on the order itself.
*Economic levels* where policy fixes none: S by basis (`safety_stock`); (s, S) by Zheng and Federgruen (1991, Operations
Research 39(4)) on the discrete cost of a cycle; r of (r, nQ) exactly for its Q, and Q itself by Federgruen and Zheng (1992,
Operations Research 40(4)) where neither policy nor the order multiple says it; max of min-max is min plus the larger of
a period's demand and the economic order quantity.
*Benefit* of a line: margin of the units that would be lost before the next order can arrive, less the holding of the unit-days
that it adds (beyond the target until demand reaches them), less the line's cost.
"""

from __future__ import annotations

import numpy as np

from allocation_assets.replenishment.problem import (
    ORDER_UP_TO,
    S_S,
    ReplenishmentPlan,
    ReplenishmentProblem,
    problem_of,
)
from allocation_assets.replenishment.safety_stock import in_ranges


def propose(problem: ReplenishmentProblem, *, threads: int = 2) -> ReplenishmentPlan:
    """Orders of all pairs. Deterministic; the result does not depend on `threads`."""
    from allocation_assets.replenishment._kernels import propose_range

    p, n = problem, problem.pairs
    stock = (
        p.position, p.order_multiple, p.min_order, p.presentation, p.contract_min, p.contract_max, p.storage_capacity,
        p.shelf_life_days, p.most_units,
    )  # fmt: skip
    out = (*(np.empty(n, np.int64) for _ in range(4)), np.empty(n), np.empty(n), np.empty(n, np.uint8))
    in_ranges(p, threads, lambda lo, hi, args, room: propose_range(lo, hi, *args, stock, room, out))
    trigger, target, safety, units, avoided, held, binding = out
    benefit = p.lost_sale_cost * avoided - p.holding_cost * held - np.where(units > 0, p.order_cost, 0.0)
    return ReplenishmentPlan(
        stock[0], trigger, target, safety, units, units // p.case_pack, avoided, held, benefit, binding
    )


def warm_up() -> None:
    """Compile the kernels with the array types of real runs."""
    from allocation_assets.replenishment.budget import hold_over_budget
    from allocation_assets.replenishment.safety_stock import service_report

    problem = problem_of(np.ones(2), [[0.0, 1.0]], policy=[ORDER_UP_TO, S_S], order_cost=1.0)
    propose(problem)
    service_report(problem)
    hold_over_budget(np.ones(1), np.ones(1), np.zeros(1, np.int64), np.ones(1))
