"""The plan of a run that is read in shards: solved, described and written one shard at a time."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from allocation_assets.allocation.engine import describe
from allocation_assets.allocation.feasibility import shared_loads, violations
from allocation_assets.allocation.frames import certificate_table, plan_table
from allocation_assets.allocation.prepare import prepare
from allocation_assets.allocation.problem import AllocationPlan, AllocationProblem, AllocationSettings
from allocation_assets.allocation.shards import RunShards
from allocation_assets.allocation.stream import complete_shard, solve_stream


class _Loads:
    """What the plan of all shards uses of the run's capacities, counted apart from the solver."""

    def __init__(self) -> None:
        self.load: dict[str, np.ndarray] = {}
        self.capacity: dict[str, np.ndarray] = {}

    def add(self, p: AllocationProblem, plan: AllocationPlan) -> None:
        """Count one shard."""
        for name, (load, capacity) in shared_loads(p, plan).items():
            self.load[name], self.capacity[name] = self.load.get(name, 0) + load, capacity

    def exceeded(self) -> list[str]:
        """One line per kind of capacity that is broken."""
        over = {name: (most >= 0) & (self.load[name] > most) for name, most in self.capacity.items()}
        return [f"{name} exceeded: {int(broken.sum())} broken" for name, broken in over.items() if broken.any()]


def streamed_plan(shards: RunShards, settings: AllocationSettings, folder: Path) -> tuple[ds.Dataset, pa.Table, list[str]]:
    """(rows of the plan table whose pair wants or gets stock, certificate table, broken limits: none unless we erred).

    The rows lie in `folder`, one file a shard, in the order of the pairs. The solver and each shard's tables are held in
    memory one shard at a time.
    """
    solution = solve_stream(shards, settings)
    rent, loads, broken = np.zeros(len(shards.dcs)), _Loads(), []
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(len(shards)):
        problem, view = shards.load(number), shards.view(number)
        inst = prepare(problem, settings)
        complete_shard(inst, solution, number)
        plan = describe(inst, solution, number)
        broken += violations(problem, plan)
        loads.add(problem, plan)
        # Row by row, so that the sum does not depend on the cut.
        np.add.at(rent, problem.row_dc, plan.row_rent)
        table = plan_table(view.pairs, problem, plan, view.forecasts, view.trust, solution.after_forced)
        wanted = pc.or_(pc.greater(table["need_units"], 0), pc.greater(table["units"], 0))
        pq.write_table(table.filter(wanted), folder / f"{number:05}.parquet")
    shared = float(plan.receiving_rent.sum() + plan.dispatch_rent.sum())
    rows = ds.dataset(sorted(str(path) for path in folder.glob("*.parquet")))
    return rows, certificate_table(shards.dcs, rent, shared), broken + loads.exceeded()
