"""Decision kernels of the allocation system, one package per domain.

Belongs here: pure functions over arrays (demand, segmentation, allocation, …) and, in each domain's ``assets.py``,
the thin Dagster wiring around them. Does not belong here: files, clocks, global state or Dagster in any kernel.
Importing this package compiles nothing and imports neither numba nor scipy.
"""

from __future__ import annotations


def warm_up() -> None:
    """Compile every numba kernel once, with the array types of real runs, so that the first run does not wait for it.

    The compiled code is kept in numba's file cache; installation calls this once.
    """
    from allocation_assets.allocation.warm import warm_up as warm_up_allocation
    from allocation_assets.demand.distribution import demand_quantiles
    from allocation_assets.demand.forecaster import warm_up as warm_up_demand
    from allocation_assets.reconciliation._attribution import warm_up as warm_up_attribution
    from allocation_assets.replenishment.policies import warm_up as warm_up_replenishment

    warm_up_attribution()
    warm_up_demand()
    demand_quantiles([1.0], [2.0], [1.0])
    warm_up_allocation()
    warm_up_replenishment()
