"""Benchmark of the allocation engine: certificate and speed beside solvers, value beside rules of thumb, throughput.

    python -m tests.benchmarks.allocation [--scale quick|full] [--seed 1] [--threads 2] [--only SECTION]

Sections: solvers (HiGHS LP and MIP, GLOP, PDLP at 1e-4, CP-SAT on the same instances, each in its own process), lines
(minimum shipments and line capacity), rules (supply only, share of the optimum), throughput (streamed, each size in its
own process), parquet (read, sort, solve, write). Compiling and building models is not timed. Prints tables and, as the
last line, all figures as JSON. Value, bound and gap are gains over shipping nothing (semantics 22).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from dataclasses import replace

from allocation_assets import warm_up
from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.feasibility import violations
from allocation_assets.allocation.prepare import prepare
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings
from allocation_assets.allocation.scorer import score
from allocation_assets.allocation.solve import Solution, part_of, solve
from allocation_assets.allocation.stream import OneShard, solve_stream
from tests.benchmarks.allocation_world import rules, solvers, throughput
from tests.benchmarks.allocation_world.days import day

# SKUs x stores: (seeds, solvers with their limits in seconds).
SIZES = {
    "quick": {
        (20, 80): (3, {"highs_mip": 20, "highs_lp": 20, "glop": 20, "pdlp": 20, "cp_sat": 5}),
        (100, 80): (1, {"glop": 20, "pdlp": 20}),
        (400, 200): (1, {}),
    },
    "full": {
        (20, 80): (20, {"highs_mip": 120, "highs_lp": 20, "glop": 20, "pdlp": 20, "cp_sat": 20}),
        (100, 80): (3, {"highs_mip": 180, "highs_lp": 60, "glop": 60, "pdlp": 60, "cp_sat": 60}),
        (160, 100): (1, {"highs_mip": 300, "highs_lp": 60, "glop": 60, "pdlp": 60, "cp_sat": 60}),
        (400, 200): (1, {"highs_mip": 120, "highs_lp": 200, "glop": 200, "pdlp": 120, "cp_sat": 60}),
        (1_000, 400): (1, {"pdlp": 200}),
        (2_000, 800): (1, {"pdlp": 300}),
    },
}
LINES = {"quick": (200, 100), "full": (1_500, 200)}
RULES = {"quick": (1_000, 200), "full": (5_000, 200)}
STREAMS = {"quick": [10**6], "full": [10**6, 10**7, 5 * 10**7]}
PARQUET = {"quick": 10**6, "full": 10**7}


def timed(problem: AllocationProblem, settings: AllocationSettings) -> tuple[Solution, float]:
    """Solution and median wall seconds of three runs, from arrays to cases per pair."""
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        if len(problem.pair_row) < settings.stream_pairs:
            solution = solve([part_of(prepare(problem, settings, keep_all=False))], settings)
        else:
            solution = solve_stream(OneShard(problem), settings)
        seconds.append(time.perf_counter() - start)
    return solution, statistics.median(seconds)


def checked(problem: AllocationProblem, settings: AllocationSettings) -> dict:
    """Value, bound and certificate of the plan, after the independent checks."""
    result = plan(problem, settings)
    certificate, own = result.certificate, score(problem, result)
    broken = violations(problem, result)
    if broken or abs(own.objective_value / certificate.objective_value - 1) > 1e-9:
        raise SystemExit(f"plan is infeasible or the scorer disagrees: {broken}")
    if not own.objective_value <= own.objective_bound <= certificate.objective_bound * (1 + 1e-9):
        raise SystemExit("the bound does not hold")
    bonus = certificate.presentation_bonus
    return {
        "value": certificate.objective_value, "bound": certificate.objective_bound, "bonus": bonus,
        "certified_percent": 100 * certificate.objective_value / certificate.objective_bound,
    }  # fmt: skip


def against_solvers(sizes: dict, seed: int, threads: int) -> list[dict]:
    """One row per size and seed: ours polished and unpolished, and every solver on the same model."""
    rows = []
    for (skus, stores), (seeds, peers) in sizes.items():
        for number in range(seeds):
            problem = day(skus, stores, seed + number)
            fast, polished = AllocationSettings(threads=threads, polish_pairs=0), AllocationSettings(threads=threads)
            _, seconds = timed(problem, fast)
            _, with_polish = timed(problem, polished) if skus * stores <= 20_000 else (None, seconds)
            row = {"pairs": skus * stores, "seed": seed + number, "seconds": seconds, "polished_seconds": with_polish}
            row |= checked(problem, polished)
            row["unpolished_percent"] = checked(problem, fast)["certified_percent"]
            model = solvers.case_model(problem)
            row["columns"] = len(model.gain)
            row["solvers"] = {name: _beside(solvers.solve(model, name, limit), row) for name, limit in peers.items()}
            rows.append(row)
            print(_line(row))
    return rows


def _beside(found: dict, row: dict) -> dict:
    """A solver's figures with its time over ours (unpolished) and the distance of our value and bound to its own."""
    ours, bound = row["value"] + row["bonus"], row["bound"] + row["bonus"]
    found["times_our_seconds"] = found["seconds"] / row["seconds"] if found["seconds"] else None
    if found["objective"]:
        found["our_value_percent"] = 100 * ours / found["objective"]
        found["our_bound_over_it"] = bound / found["objective"] - 1
    return found


def _line(row: dict) -> str:
    text = f"{row['pairs']:>9,} pairs  {row['seconds']:8.4f} s  certified {row['certified_percent']:.4f} %"
    for name, found in row["solvers"].items():
        slower, value = found["times_our_seconds"] or 0, found.get("our_value_percent", float("nan"))
        text += f"\n{name:>20} {found['status'][:28]:28} {slower:9.1f} x our time, our value {value:.4f} % of it"
        if found.get("our_bound_over_it") is not None:
            text += f", our bound {found['our_bound_over_it']:+.2e}"
    return text


def with_lines(size: tuple[int, int], seed: int, threads: int) -> list[dict]:
    """Minimum shipments on three SKUs in ten and 80 % of the lines."""
    problem = day(*size, seed, lines=True)
    settings = AllocationSettings(threads=threads)
    _, seconds = timed(problem, settings)
    return [{"pairs": len(problem.pair_row), "seconds": seconds} | checked(problem, settings)]


def against_rules(size: tuple[int, int], seed: int) -> list[dict]:
    """Value of the rules of thumb and ours on a supply-only day, one thread."""
    problem = day(*size, seed, capacities=False)
    settings = replace(AllocationSettings(threads=1), stream_pairs=10**9)
    _, seconds = timed(problem, settings)
    result = plan(problem, settings)
    c = result.certificate
    ours = {"rule": "marginal value (engine)", "seconds": seconds, "percent_of_optimum": 100.0 * c.objective_value / c.objective_bound}
    inst = prepare(problem, settings, keep_all=False)
    return [ours, *rules.compare(problem, inst.want * inst.pack, c.objective_value + c.presentation_bonus)]


def streams(sizes: list[int], seed: int, threads: int) -> list[dict]:
    """Throughput per size, supply only and coupled, each in its own process."""
    return [
        throughput.in_own_process(pairs, threads, seed, capacities=capacities)
        for pairs in sizes
        for capacities in (False, True)
    ]


def main() -> None:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=sorted(SIZES), default="quick")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--only", choices=["solvers", "lines", "rules", "throughput", "parquet"])
    args = parser.parse_args()
    warm_up()
    sections = {
        "solvers": lambda: against_solvers(SIZES[args.scale], args.seed, args.threads),
        "lines": lambda: with_lines(LINES[args.scale], args.seed, args.threads),
        "rules": lambda: against_rules(RULES[args.scale], args.seed),
        "throughput": lambda: streams(STREAMS[args.scale], args.seed, args.threads),
        "parquet": lambda: [throughput.parquet_to_parquet(PARQUET[args.scale], args.threads, args.seed)],
    }
    report = {"benchmark": "allocation", "scale": args.scale, "seed": args.seed, "threads": args.threads}
    for name, section in sections.items():
        if args.only in (None, name):
            report[name] = section()
            if name != "solvers":
                for row in report[name]:
                    print("  ".join(f"{key}={value}" for key, value in row.items()))
    print(json.dumps(report))


if __name__ == "__main__":
    main()
