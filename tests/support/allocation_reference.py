"""Reference solutions for the allocation engine: scipy's distributions, plain enumeration and a MIP (HiGHS).

Written against the model in algorithms.md section 1, not against the engine; slow and small on purpose.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
from scipy import optimize, sparse, stats

from allocation_assets.allocation.problem import AllocationProblem, allocation_problem


def tail(mean: float, dispersion: float, unit: int) -> float:
    """P(D > unit), from scipy.stats."""
    if unit < 0:
        return 1.0
    if mean == 0:
        return 0.0
    if dispersion == 1:
        return float(stats.poisson.sf(unit, mean))
    return float(stats.nbinom.sf(unit, mean / (dispersion - 1), 1 / dispersion))


def worth_of(p: AllocationProblem, pair: int, units: int, *, bonus: bool = True) -> float:
    """Value (+ bonus) of shipping `units` to a pair, unit by unit."""
    kept = p.row_keep_price[p.pair_row[pair]]
    waits = 0.0 if p.is_last_shipment[pair] else kept
    gain = max(p.gain_per_unit[pair] - waits + p.holding_per_unit[pair], 0.0)
    cost = p.holding_per_unit[pair] + p.ship_cost_per_unit[pair] + (kept - waits)
    total = -p.line_cost[pair] if units else 0.0
    for unit in range(p.position_units[pair], p.position_units[pair] + units):
        total += gain * tail(p.mean_units[pair], p.dispersion[pair], unit) - cost
        if bonus and unit < p.presentation_min_units[pair]:
            total += p.presentation_value_per_unit[pair]
    return total


def own_limit(p: AllocationProblem, pair: int) -> int:
    """Most whole cases that block, maximum, shelf and the whole supply of the row admit."""
    units = p.row_supply_units[p.pair_row[pair]]
    if p.shelf_capacity_units[pair] >= 0:
        units = min(units, p.shelf_capacity_units[pair] - p.position_units[pair])
    if p.max_units[pair] >= 0:
        units = min(units, p.max_units[pair])
    if p.block[pair]:
        units = 0
    return max(int(units), 0) // pack_of(p, pair)


def pack_of(p: AllocationProblem, pair: int) -> int:
    """Units of the smallest step of a pair."""
    return int(p.row_case_pack[p.pair_row[pair]] * p.multiple_cases[pair])


def is_feasible(p: AllocationProblem, units) -> bool:
    """Every shared limit, pair by pair."""
    for r, supply in enumerate(p.row_supply_units):
        if sum(u for u, row in zip(units, p.pair_row, strict=True) if row == r) > supply:
            return False
    for j, u in enumerate(units):
        if 0 < u < p.min_ship_units[j] and not p.min_units[j]:
            return False
    for b, capacity in enumerate(p.pool_cap_units):
        if capacity < sum(u for u, at in zip(units, p.pool, strict=True) if at == b):
            return False
    for b, capacity in enumerate(p.receiving_capacity_units):
        if 0 <= capacity < sum(u for u, at in zip(units, p.receiving_bucket, strict=True) if at == b):
            return False
    for b in range(len(p.dispatch_capacity_units)):
        shipped = [u for u, at in zip(units, p.dispatch_bucket, strict=True) if at == b]
        if 0 <= p.dispatch_capacity_units[b] < sum(shipped):
            return False
        if 0 <= p.dispatch_capacity_lines[b] < sum(u > 0 for u in shipped):
            return False
    return True


def brute_force(p: AllocationProblem) -> float:
    """Best total worth over every combination of whole cases with minimums met."""
    choices = []
    for pair in range(len(p.pair_row)):
        pack = pack_of(p, pair)
        least = -(-int(p.min_units[pair]) // pack)
        choices.append([k * pack for k in range(least, own_limit(p, pair) + 1)])
    tables = [{u: worth_of(p, pair, u) for u in options} for pair, options in enumerate(choices)]
    best = -np.inf
    for units in product(*choices):
        if is_feasible(p, units):
            best = max(best, sum(table[u] for table, u in zip(tables, units, strict=True)))
    return best


def mip_optimum(p: AllocationProblem) -> float:
    """Optimal total worth by HiGHS."""
    return solve_mip(*mip_model(p))


def solve_mip(cost: np.ndarray, constraints: optimize.LinearConstraint) -> float:
    """Solve a model of `mip_model` to proven optimality.

    HiGHS stops within 1e-6 of the optimum, whatever gap is asked for: in money times 10,000 that is 1e-10.
    """
    result = optimize.milp(
        1e4 * cost,
        constraints=constraints,
        integrality=np.ones(len(cost)),
        bounds=optimize.Bounds(0, 1),
        options={"mip_rel_gap": 0.0},
    )
    assert result.success, result.message
    # HiGHS's own objective is of a solution that is whole only within its tolerance.
    return -float(cost @ np.round(result.x))


def mip_model(p: AllocationProblem) -> tuple[np.ndarray, optimize.LinearConstraint]:
    """(cost, constraints): one binary per case (worths fall, so prefixes need no constraint), one per line."""
    n = len(p.pair_row)
    pack = np.array([pack_of(p, j) for j in range(n)], dtype=int)
    most = [own_limit(p, j) for j in range(n)]
    pair_of = np.repeat(np.arange(n), most)
    unpaid = replace(p, line_cost=np.zeros(n))
    gains = np.array([
        worth_of(unpaid, j, (k + 1) * int(pack[j])) - worth_of(unpaid, j, k * int(pack[j]))
        for j in range(n)
        for k in range(most[j])
    ])  # fmt: skip
    cases = sparse.csr_matrix((np.ones(len(pair_of)), (pair_of, np.arange(len(pair_of)))), shape=(n, len(pair_of)))
    units = sparse.diags_array(pack.astype(float)) @ cases
    none = sparse.csr_matrix((len(p.row_dc), n))

    def groups(of, count):
        inside = np.flatnonzero(of >= 0)
        return sparse.csr_matrix((np.ones(inside.size), (of[inside], inside)), shape=(count, n))

    rows = [(sparse.hstack([groups(p.pair_row, len(p.row_dc)) @ units, none]), p.row_supply_units)]
    limits = (
        (p.pool, p.pool_cap_units),
        (p.receiving_bucket, p.receiving_capacity_units),
        (p.dispatch_bucket, p.dispatch_capacity_units),
    )
    for bucket, capacity in limits:
        group = groups(bucket, len(capacity))
        rows.append((sparse.hstack([group @ units, group * 0]), np.where(capacity < 0, np.inf, capacity)))
    lines = groups(p.dispatch_bucket, len(p.dispatch_capacity_lines))
    capacity = p.dispatch_capacity_lines
    rows.append((sparse.hstack([lines @ units * 0, lines]), np.where(capacity < 0, np.inf, capacity)))
    opened = sparse.csr_matrix((np.ones(len(pair_of)), (np.arange(len(pair_of)), pair_of)), shape=(len(pair_of), n))
    rows.append((sparse.hstack([sparse.identity(len(pair_of)), -opened]), np.zeros(len(pair_of))))
    # A line holds at least its least size.
    rows.append((sparse.hstack([-units, sparse.diags_array(p.min_ship_units.astype(float))]), np.zeros(n)))
    matrix = sparse.vstack([m for m, _ in rows]).tocsr()
    limits = np.concatenate([u for _, u in rows])
    return -np.concatenate([gains, -p.line_cost]), optimize.LinearConstraint(matrix, -np.inf, limits)


def random_problem(
    seed: int, rows: int, places: int, *, capacities: bool = False, bonus: bool = False, limits: bool = False,
    ties: bool = False, minimums: bool = False, pools: bool = False, lines: bool = False, layers: bool = False,
) -> AllocationProblem:  # fmt: skip
    """A small random problem: tight supply, mixed packs, optional capacities, pair limits, ties and minimums."""
    rng = np.random.default_rng(seed)
    n = rows * places
    pack = rng.choice([1, 2, 3, 5], rows)
    mean = np.full(n, 2.0) if ties else rng.gamma(0.7, 3.0, n) * (rng.random(n) > 0.1)
    arrays = {
        "pair_row": np.repeat(np.arange(rows), places),
        "mean_units": mean,
        "dispersion": np.full(n, 1.5) if ties else np.where(rng.random(n) < 0.2, 1.0, 1 + rng.gamma(1.0, 0.7, n)),
        "position_units": np.zeros(n, int) if ties else rng.integers(-2, 4, n),
        "gain_per_unit": 4.0 if ties else np.repeat(rng.uniform(1, 9, rows), places) * rng.uniform(0.7, 1.4, n),
        "holding_per_unit": 0.1,
        "ship_cost_per_unit": 0.2 if ties else rng.uniform(0, 0.6, n),
        "row_case_pack": pack,
        "row_available_units": rng.integers(0, 3 * places, rows),
        "row_hold_back_units": rng.integers(0, 3, rows) * (rng.random(rows) < 0.4),
    }
    if bonus:
        arrays |= {"presentation_min_units": rng.integers(0, 5, n), "presentation_value_per_unit": 1.5}
    if limits:
        arrays |= {
            "shelf_capacity_units": np.where(rng.random(n) < 0.4, rng.integers(0, 9, n), -1),
            "max_units": np.where(rng.random(n) < 0.3, rng.integers(0, 7, n), -1),
            "block": np.where(rng.random(n) < 0.1, rng.integers(1, 3, n), 0),
        }
    if minimums:
        arrays["min_units"] = np.where(rng.random(n) < 0.3, rng.integers(1, 4, n), 0)
    if capacities:
        arrays |= {
            "receiving_bucket": np.tile(np.arange(places), rows),
            "receiving_capacity_units": rng.integers(rows // 2, 3 * rows + 1, places),
            "dispatch_bucket": np.where(rng.random(n) < 0.9, 0, 1),
            "dispatch_capacity_units": [int(rng.integers(n, 2 * n)), -1],
            "dispatch_capacity_lines": [int(rng.integers(n // 3, n)), int(rng.integers(1, 4))],
        }
    if pools:
        row = arrays["pair_row"]
        place = np.tile(np.arange(places), rows)
        arrays["pool"] = np.where(place < 2, 2 * row + place, -1) if places > 2 else np.where(place == 0, row, -1)
        count = 2 * rows if places > 2 else rows
        arrays |= {
            "pool_cap_units": rng.integers(0, 8, count), "pool_is_protection": rng.random(count) < 0.5,
            "row_keep_price": rng.uniform(0, 1.5, rows) * (rng.random(rows) < 0.5),
            "is_last_shipment": rng.random(n) < 0.3,
        }  # fmt: skip
    if lines:
        arrays |= {
            "line_cost": np.where(rng.random(n) < 0.5, rng.uniform(0, 4, n), 0.0),
            "min_ship_units": np.where(rng.random(n) < 0.4, rng.integers(1, 7, n), 0),
        }
    if layers:
        arrays["multiple_cases"] = np.where(rng.random(n) < 0.4, 2, 1)
    return allocation_problem(**arrays)
