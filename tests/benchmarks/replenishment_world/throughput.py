"""How many proposals a second, in how much memory: shards of pairs come and go, as the daily run streams them."""

from __future__ import annotations

import json
import subprocess
import sys
import time

import numpy as np

from allocation_assets.replenishment.policies import propose
from allocation_assets.replenishment.problem import POLICIES, ReplenishmentProblem, problem_of
from allocation_assets.replenishment.safety_stock import lead_time_table
from tests.benchmarks.figures import peak_gib

SHARD = 500_000


def in_own_process(pairs: int, threads: int, mix: str) -> dict:
    """Figures of one size, measured in a process of its own."""
    command = [sys.executable, "-m", "tests.benchmarks.replenishment_world.throughput", str(pairs), str(threads), mix]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return json.loads(done.stdout.splitlines()[-1])


def shard_of(number: int, size: int, mix: str) -> ReplenishmentProblem:
    """Pairs of a chain: half sell less than one unit a day; cases, lanes and review days vary. `mix`: one policy, or `all`."""
    rng = np.random.default_rng(number)
    table = lead_time_table(np.linspace(2, 10, 9), np.linspace(0.8, 3, 9), least=1)
    pack = rng.choice([1, 4, 6, 12], size)
    policy = rng.integers(0, len(POLICIES), size) if mix == "all" else np.full(size, POLICIES.index(mix))
    return problem_of(
        rng.gamma(0.6, 2.5, size), table, dispersion=1.0 + rng.gamma(2.0, 0.4, size), level_variance=0.03,
        lead_class=rng.integers(0, len(table), size), review_days=rng.choice([1, 1, 3, 7], size),
        on_hand=rng.poisson(6, size), on_order=rng.poisson(3, size) * pack, case_pack=pack, order_multiple=pack,
        lost_sale_cost=rng.uniform(0.5, 8, size), holding_cost=rng.uniform(0.001, 0.02, size),
        order_cost=np.full(size, 0.2), policy=policy,
    )  # fmt: skip


def measure(pairs: int, threads: int, mix: str) -> dict:
    """Wall and CPU seconds of the proposals, making the shards apart; orders and units as a check of the work."""
    propose(shard_of(0, 1000, mix), threads=threads)
    wall = cpu = 0.0
    orders = units = 0
    for number in range(0, pairs, SHARD):
        shard = shard_of(number, min(SHARD, pairs - number), mix)
        at, used = time.perf_counter(), time.process_time()
        plan = propose(shard, threads=threads)
        wall, cpu = wall + time.perf_counter() - at, cpu + time.process_time() - used
        orders, units = orders + int((plan.units > 0).sum()), units + int(plan.units.sum())
    return {
        "pairs": pairs, "threads": threads, "mix": mix, "seconds": wall, "cpu_seconds": cpu, "pairs_per_second": pairs / wall,
        "seconds_per_million": wall / pairs * 1e6, "peak_mb": 1024 * peak_gib(), "orders": orders, "units": units,
    }  # fmt: skip


if __name__ == "__main__":
    print(json.dumps(measure(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])))
