"""Closed-loop benchmark of the allocation engine: what its plans earn day by day, beside tuned peers.

    python -m tests.benchmarks.closed_loop [--scale quick|full] [--seeds N] [--first-seed S] [--only SCENARIO] [--processes P]
        [--into FILE]

Worlds: a generated chain (`loop_world/chain.py`) under scarce supply, with binding capacities and under ample supply; the
demand of the FreshRetailNet slice with simulated supply ("replay", `loop_world/replay.py`), scarce and ample. A seed draws
demand and supply before any policy acts, so all policies meet the same days; each learns the same forecast from its own
censored sales. Peers take the parameter that earns most on these very seeds (base stock: fractile / part of a case that
rounds up; min-max: cover / weeks from s to S); ours has one fixed setting. Profit is in % of the margin of perfect sales, gains in points of it
(ours less the peer) with the 95 % t interval over seeds and the seeds won. "At equal stock" interpolates a peer's profit
over its grid at our store stock. Scarce supply (and capacities in `full`) runs again with every policy's forecast x 0.8 and
x 1.2, peers tuned anew (in `full` over six fractiles from .80 to .999). Seeds from 100 on are test seeds; the engine was developed on 1 to 4.

`quick` shows that it runs (a small chain, 3 seeds); figures to quote are those of `full`, hours of work: with `--into FILE` each
group of runs is kept in FILE as it ends, and what FILE holds of the same size and seeds is not run again. The last line is
one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from tests.benchmarks.loop_world.report import summary, table
from tests.benchmarks.loop_world.scenarios import SCENARIOS, SIZES, Runs, Size, Task, run

FIRST_TEST_SEED = 100


def tasks_of(size: Size, first_seed: int, only: str | None) -> list[list[Task]]:
    """The tasks by scenario and forecast scale, a seed each."""
    seeds = range(first_seed, first_seed + size.seeds)
    groups = [(name, 1.0) for name in SCENARIOS] + [(name, scale) for name in size.biased for scale in (0.8, 1.2)]
    return [[Task(name, seed, scale, size) for seed in seeds] for name, scale in groups if only in (None, name)]


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="closed-loop benchmark of the allocation engine")
    parser.add_argument("--scale", choices=sorted(SIZES), default="quick")
    parser.add_argument("--seeds", type=int, help="number of seeds (default: 3 quick, 20 full)")
    parser.add_argument("--first-seed", type=int, default=FIRST_TEST_SEED)
    parser.add_argument("--only", choices=list(SCENARIOS))
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--into", type=Path)
    args = parser.parse_args(arguments)
    if args.seeds is not None and args.seeds < 2:
        parser.error("--seeds: an interval needs at least 2")
    size = SIZES[args.scale] if args.seeds is None else replace(SIZES[args.scale], seeds=args.seeds)
    figures = {"scale": args.scale, "first_seed": args.first_seed, "size": asdict(size), "results": []}
    figures["results"] = results = _kept(args.into, figures)
    known = {(each["scenario"], each["forecast_scale"]) for each in results}
    groups = [
        group
        for group in tasks_of(size, args.first_seed, args.only)
        if (group[0].scenario, group[0].forecast_scale) not in known
    ]
    started = time.perf_counter()
    with ProcessPoolExecutor(args.processes) as pool:
        waiting = [[pool.submit(run, task) for task in group] for group in groups]
        for group in waiting:
            runs: list[Runs] = [future.result() for future in group]
            results.append(summary(runs))
            print(table(results[-1]), "\n", flush=True)
            _keep(args.into, figures)
    seconds = time.perf_counter() - started
    print(f"{args.scale}: {size.seeds} seeds from {args.first_seed} on, {seconds:.0f} s on {args.processes} processes")
    print(json.dumps(figures))


def _kept(file: Path | None, figures: dict[str, Any]) -> list[dict[str, Any]]:
    """Groups that `file` holds of a run of this very size and these seeds."""
    if file is None or not file.exists():
        return []
    held = json.loads(file.read_text())
    # Through JSON, where a tuple is a list.
    asked = json.loads(json.dumps(figures))
    return held["results"] if all(held.get(name) == asked[name] for name in asked if name != "results") else []


def _keep(file: Path | None, figures: dict[str, Any]) -> None:
    if file is not None:
        partial = file.with_suffix(".tmp")
        partial.write_text(json.dumps(figures) + "\n")
        os.replace(partial, file)


if __name__ == "__main__":
    main()
