"""Checks a plan against every limit of the problem, with code of its own (invariant 2 of the published contract)."""

from __future__ import annotations

import numpy as np

from allocation_assets.allocation.problem import AllocationPlan, AllocationProblem


def violations(problem: AllocationProblem, plan: AllocationPlan) -> list[str]:
    """One line per kind of broken limit: what, how many, and the first place; an empty list = feasible."""
    p, units = problem, plan.units
    found: list[str] = []

    def report(broken, text: str) -> None:
        where = np.flatnonzero(broken)
        if where.size:
            found.append(f"{text}: {where.size} broken, first at index {where[0]}")

    pack = p.row_case_pack[p.pair_row] * p.multiple_cases
    asked = np.where(p.max_units >= 0, np.minimum(p.min_units, p.max_units), p.min_units)
    report(units < 0, "pair receives negative units")
    report((units % pack != 0) & (units != asked), "units are not whole cases and not an override")
    report(plan.cases != -(-units // pack), "cases do not cover the units")
    short = (units > 0) & (asked == 0) & (units < p.min_ship_units)
    report(short, "line is smaller than the least shipment")
    report((p.block != 0) & (units > 0), "blocked pair receives units")
    report((p.max_units >= 0) & (units > p.max_units), "maximum units of a pair exceeded")
    full = (p.shelf_capacity_units >= 0) & (units > 0) & (p.position_units + units > p.shelf_capacity_units)
    report(full, "shelf capacity exceeded")
    report(_load(p.pair_row, units, len(p.row_dc)) > p.row_supply_units, "supply of a row exceeded")
    report(_load(p.pool, units, len(p.pool_cap_units)) > p.pool_cap_units, "pool exceeded")
    for name, (load, capacity) in shared_loads(p, plan).items():
        report((capacity >= 0) & (load > capacity), f"{name} exceeded")
    return found


def shared_loads(p: AllocationProblem, plan: AllocationPlan) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """(load, capacity) per bucket of each kind of capacity that SKUs share; a capacity of -1 is no limit."""
    uses = {
        "receiving_capacity_units": (p.receiving_bucket, plan.units, p.receiving_capacity_units),
        "dispatch_capacity_units": (p.dispatch_bucket, plan.units, p.dispatch_capacity_units),
        "dispatch_capacity_lines": (p.dispatch_bucket, plan.units > 0, p.dispatch_capacity_lines),
    }
    return {name: (_load(bucket, amount, len(capacity)), capacity) for name, (bucket, amount, capacity) in uses.items()}


def _load(bucket: np.ndarray, amount: np.ndarray, count: int) -> np.ndarray:
    out = np.zeros(count, np.int64)
    np.add.at(out, bucket[bucket >= 0], amount[bucket >= 0].astype(np.int64))
    return out
