"""Fair-share rules that policy may choose instead of marginal value: how many cases each pair may get at most.

A rule looks at the supply of its row alone; capacities may take cases away afterwards, by value. What the rule costs
shows in the gap, because the bound is that of the free optimum.

* proportional: each pair's need times what there is over all needs, whole cases by largest remainder (Hamilton).
* equal_days: cases go one by one to the pair with the fewest days of supply after its next case.
* tiers: tier after tier, proportional within the tier that cannot be served in full.
"""

from __future__ import annotations

import numpy as np

from allocation_assets.allocation.prepare import UNLIMITED, Instance
from allocation_assets.allocation.problem import EQUAL_DAYS, MARGINAL_VALUE, TIERS


def share_limits(inst: Instance) -> np.ndarray:
    """Most cases per pair (n,), forced ones included; `inst.lim` itself where no row has a rule."""
    rule = inst.problem.row_rule
    if not (rule != MARGINAL_VALUE).any():
        return inst.lim
    from allocation_assets.allocation._kernels import share_rows

    lim = inst.lim.copy()
    p = inst.problem
    rows = np.flatnonzero(rule != MARGINAL_VALUE)
    share_rows(
        rows, inst.row_ptr, rule, p.row_supply_units, inst.pack, inst.forced, inst.cap_cases, p.position_units,
        p.daily_mean_units, p.tier, lim, EQUAL_DAYS, TIERS,
    )  # fmt: skip
    return lim


def shared_limits(inst: Instance, base: np.ndarray) -> np.ndarray:
    """Most cases per pair under the rule of its row, never fewer than the granted `base`; no limit without a rule."""
    lim = share_limits(inst)
    if lim is inst.lim:
        return np.full(len(base), UNLIMITED)
    return np.where(inst.problem.row_rule[inst.problem.pair_row] > 0, np.maximum(lim, base), UNLIMITED)
