"""Benchmark of the allocation engine: speed, certificate, and value against HiGHS and a proportional fair share.

    python -m tests.benchmarks.allocation [--scale quick|full] [--seed 1] [--threads 2]

Prints a table and, as the last line, the same as JSON. Compiling is not timed. The HiGHS instances are small because
HiGHS needs minutes beyond; the fair share is the usual vectorised pandas rule: every pair gets the same share of what
it wants, rounded down to cases.
"""

from __future__ import annotations

import argparse
import json
import resource
import time
from dataclasses import replace

import numpy as np
import pandas as pd

from allocation_assets import warm_up
from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.feasibility import violations
from allocation_assets.allocation.problem import (
    AllocationPlan,
    AllocationProblem,
    AllocationSettings,
    allocation_problem,
)
from allocation_assets.allocation.scorer import score
from tests.support.allocation_reference import mip_model, random_problem, solve_mip

SIZES = {
    "quick": {"supply": [(1_000, 100), (5_000, 200)], "capacity": [(100, 100), (500, 200), (2_000, 200)], "mips": 10},
    "full": {
        "supply": [(5_000, 200), (20_000, 250), (50_000, 200)],
        "capacity": [(100, 100), (500, 200), (5_000, 200), (8_000, 500)],
        "mips": 40,
    },
}


def day(skus: int, stores: int, seed: int, *, capacities: bool) -> AllocationProblem:
    """One day of `skus` x `stores`: slow movers, mixed packs, supply 35-105 % of the want, some presentation minimums.

    With capacities, six stores in ten receive at most 60-110 % of what they would take and the DC ships at most 90 %.
    """
    rng = np.random.default_rng(seed)
    n = skus * stores
    days = rng.integers(3, 9, n)
    arrays = {
        "pair_row": np.repeat(np.arange(skus), stores),
        "mean_units": rng.lognormal(np.log(0.25), 1.0, n) * days,
        "dispersion": 1 + rng.gamma(1.0, 0.6, n),
        "gain_per_unit": np.repeat(rng.lognormal(1.5, 0.6, skus), stores) * rng.uniform(0.8, 1.3, n),
        "holding_per_unit": 0.02,
        "ship_cost_per_unit": 0.05,
        "presentation_min_units": np.where(rng.random(n) < 0.3, rng.integers(1, 3, n), 0),
        "presentation_value_per_unit": 0.2,
        "row_case_pack": rng.choice([1, 2, 3, 4, 6, 12], skus),
    }
    arrays["position_units"] = rng.poisson(0.9 * arrays["mean_units"])
    free = allocation_problem(**arrays, row_available_units=np.zeros(skus, int))
    want = plan(free).need_units
    total = np.bincount(free.pair_row, want, skus)
    supply = (total * rng.uniform(0.35, 1.05, skus)).astype(int)
    problem = replace(free, row_available_units=supply)
    if not capacities:
        return problem
    store = np.tile(np.arange(stores), skus)
    load = plan(problem).units
    taken = np.bincount(store, load, stores)
    limit = np.where(rng.random(stores) < 0.6, taken * rng.uniform(0.6, 1.1, stores), -1).astype(np.int64)
    return allocation_problem(
        **arrays, row_available_units=supply, receiving_bucket=store, receiving_capacity_units=limit,
        dispatch_bucket=0, dispatch_capacity_units=[int(0.9 * load.sum())],
    )  # fmt: skip


def fair_share(problem: AllocationProblem, want_units: np.ndarray) -> np.ndarray:
    """Units per pair: supply x want / total want of the row, at most the want, rounded down to whole cases."""
    frame = pd.DataFrame({"row": problem.pair_row, "want": want_units})
    total = frame.groupby("row")["want"].transform("sum")
    share = np.minimum(problem.row_supply_units[problem.pair_row] / np.maximum(total, 1), 1.0)
    pack = problem.row_case_pack[problem.pair_row]
    return (np.floor(frame["want"] * share / pack + 1e-9) * pack).to_numpy().astype(np.int64)


def timed(problem: AllocationProblem, settings: AllocationSettings) -> tuple[AllocationPlan, float]:
    """Plan and wall seconds; the better of two runs below a million pairs."""
    seconds = []
    for _ in range(1 if len(problem.pair_row) > 10**6 else 2):
        start = time.perf_counter()
        result = plan(problem, settings)
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)


def measure(name: str, problem: AllocationProblem, settings: AllocationSettings) -> dict:
    """One row of the table: speed and certificate, checked by the independent scorer and feasibility check."""
    result, seconds = timed(problem, settings)
    certificate, own = result.certificate, score(problem, result)
    if violations(problem, result) or abs(own.objective_value / certificate.objective_value - 1) > 1e-9:
        raise SystemExit(f"{name}: plan is infeasible or the scorer disagrees")
    if not own.objective_value <= own.objective_bound * (1 + 1e-12) <= certificate.objective_bound * (1 + 1e-9):
        raise SystemExit(f"{name}: the bound does not hold")
    return {
        "case": name, "pairs": len(problem.pair_row), "seconds": round(seconds, 3),
        "pairs_per_second": round(len(problem.pair_row) / seconds), "value": round(certificate.objective_value, 2),
        "gap": certificate.optimality_gap, "certificate_percent": round(100 * (1 - certificate.optimality_gap), 5),
    }  # fmt: skip


def against_fair_share(problem: AllocationProblem, settings: AllocationSettings) -> dict:
    """Value of the proportional rule in percent of the optimum, and both times."""
    result, seconds = timed(problem, settings)
    want = result.need_units
    start = time.perf_counter()
    units = fair_share(problem, want)
    rule_seconds = time.perf_counter() - start
    ruled = score(problem, replace(result, units=units))
    best = result.certificate.objective_value + result.certificate.presentation_bonus
    return {
        "case": "fair share (pandas), % of optimum", "pairs": len(units), "seconds": round(rule_seconds, 3),
        "engine_seconds": round(seconds, 3),
        "percent_of_optimum": round(100 * (ruled.objective_value + ruled.presentation_bonus) / best, 2),
    }  # fmt: skip


def against_highs(count: int, seed: int, settings: AllocationSettings, *, capacities: bool) -> dict:
    """Worst difference to the MIP optimum over random small instances, and both total times."""
    worst, below, ours, theirs = 0.0, 0.0, 0.0, 0.0
    for i in range(count):
        problem = random_problem(seed * 1000 + i, 15, 12, capacities=capacities, bonus=True, limits=True)
        result, seconds = timed(problem, settings)
        model = mip_model(problem)  # built by plain Python loops: not HiGHS's time
        start = time.perf_counter()
        optimum = solve_mip(*model)
        theirs += time.perf_counter() - start
        ours += seconds
        worth = result.certificate.objective_value + result.certificate.presentation_bonus
        bound = result.certificate.objective_bound + result.certificate.presentation_bonus
        worst, below = max(worst, 1 - worth / optimum), max(below, optimum - bound)
    return {
        "case": f"HiGHS MIP, {'capacities' if capacities else 'supply only'}", "pairs": 180, "instances": count,
        "seconds": round(ours, 3), "highs_seconds": round(theirs, 3), "worst_loss": max(worst, 0.0),
        "bound_below_optimum": max(below, 0.0),
    }  # fmt: skip


def main() -> None:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=sorted(SIZES), default="quick")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    args = parser.parse_args()
    warm_up()
    settings, sizes = AllocationSettings(threads=args.threads), SIZES[args.scale]
    rows = []
    for skus, stores in sizes["supply"]:
        rows.append(measure("supply only", day(skus, stores, args.seed, capacities=False), settings))
    for skus, stores in sizes["capacity"]:
        rows.append(measure("capacities", day(skus, stores, args.seed, capacities=True), settings))
    rows.append(against_fair_share(day(*sizes["supply"][0], args.seed, capacities=False), settings))
    for capacities in (False, True):
        rows.append(against_highs(sizes["mips"], args.seed, settings, capacities=capacities))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    for row in rows:
        print("  ".join(f"{key}={value}" for key, value in row.items()))
    report = {"benchmark": "allocation", "scale": args.scale, "seed": args.seed, "threads": args.threads}
    print(json.dumps(report | {"peak_gib": round(peak, 2), "rows": rows}))


if __name__ == "__main__":
    main()
