"""The streamed solver: the same bytes for any cut into shards, threads and order of pairs; feasible and bounded."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import pytest

from allocation_assets.allocation.engine import describe, plan
from allocation_assets.allocation.feasibility import violations
from allocation_assets.allocation.prepare import prepare
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings
from allocation_assets.allocation.scorer import score
from allocation_assets.allocation.stream import complete_shard, solve_stream
from tests.support.allocation_reference import mip_optimum, random_problem

STREAMED = AllocationSettings(threads=1, stream_pairs=0)


@dataclass(frozen=True)
class Shards:
    """A problem cut into `count` shards of whole rows."""

    problem: AllocationProblem
    count: int

    @property
    def pairs(self) -> int:
        return len(self.problem.pair_row)

    def __len__(self) -> int:
        return self.count

    def load(self, number: int) -> AllocationProblem:
        p = self.problem
        edges = np.linspace(0, len(p.row_dc), self.count + 1).astype(int)
        lo, hi = edges[number], edges[number + 1]
        take = (p.pair_row >= lo) & (p.pair_row < hi)
        cut = {}
        for f in fields(p):
            if f.name.startswith("row_"):
                cut[f.name] = getattr(p, f.name)[lo:hi]
            elif len(getattr(p, f.name)) == len(p.pair_row) and "_capacity_units" not in f.name.replace("shelf_", ""):
                cut[f.name] = getattr(p, f.name)[take]
        cut["pair_row"] = cut["pair_row"] - lo
        if len(p.pool_cap_units):
            own = np.unique(cut["pool"][cut["pool"] >= 0])
            cut["pool"] = np.where(cut["pool"] >= 0, np.searchsorted(own, cut["pool"]), -1)
            cut |= {"pool_cap_units": p.pool_cap_units[own], "pool_is_protection": p.pool_is_protection[own]}
        return replace(p, **cut)


def streamed_units(problem: AllocationProblem, count: int, settings: AllocationSettings) -> tuple[np.ndarray, bytes]:
    """(units per pair, prices as bytes) of the plan made from `count` shards, completed in their order."""
    source = Shards(problem, count)
    solution = solve_stream(source, settings)
    units = []
    for number in range(count):
        inst = prepare(source.load(number), settings)
        complete_shard(inst, solution, number)
        units.append(describe(inst, solution, number).units)
    return np.concatenate(units), solution.prices.receiving.tobytes() + solution.low.tobytes()


def world(seed: int, rows: int = 150, places: int = 25, **how) -> AllocationProblem:
    """A problem with binding capacities that is large enough to leave open and settled cases."""
    how = {"capacities": True, "bonus": True, "limits": True, "minimums": True} | how
    p = random_problem(seed, rows, places, **how)
    load = plan(replace(p, receiving_bucket=p.receiving_bucket * 0 - 1, dispatch_bucket=p.dispatch_bucket * 0 - 1)).units
    share = np.bincount(p.receiving_bucket, load, places) * 0.8
    dispatch = np.bincount(p.dispatch_bucket, load, 2) * 0.9
    return replace(
        p, receiving_capacity_units=share.astype(np.int64), dispatch_capacity_units=dispatch.astype(np.int64),
        dispatch_capacity_lines=np.full(2, -1),
    )  # fmt: skip


@pytest.mark.parametrize("how", [{}, {"pools": True}, {"lines": True, "layers": True}], ids=["plain", "pools", "lines"])
def test_same_bytes_for_any_cut_and_thread_count(how):
    problem = world(3, **how)
    units, prices = streamed_units(problem, 1, STREAMED)
    assert units.sum() > 0
    for count, threads in ((1, 2), (2, 1), (2, 2), (8, 2)):
        other, other_prices = streamed_units(problem, count, replace(STREAMED, threads=threads))
        assert np.array_equal(units, other), (count, threads)
        assert prices == other_prices, (count, threads)


@pytest.mark.parametrize("streamed", [False, True])
def test_same_plan_for_any_order_of_pairs(streamed):
    problem = world(5)
    settings = AllocationSettings(threads=2, stream_pairs=0 if streamed else 10**9)
    straight = plan(problem, settings)
    order = np.random.default_rng(1).permutation(len(problem.pair_row))
    n = len(order)
    names = [f.name for f in fields(problem) if getattr(problem, f.name).shape == (n,) and not f.name.startswith("row_")]
    shuffled = plan(replace(problem, **{name: getattr(problem, name)[order] for name in names}), settings)
    for f in fields(straight):
        value = getattr(straight, f.name)
        if isinstance(value, np.ndarray) and value.shape == (n,):
            assert np.array_equal(value[order], getattr(shuffled, f.name)), f.name
    assert straight.certificate == shuffled.certificate


@pytest.mark.parametrize("seed", range(8))
def test_streamed_plans_are_feasible_and_bounded(seed):
    problem = world(seed, lines=seed % 2 == 0, pools=seed % 3 == 0)
    result, whole = plan(problem, STREAMED), plan(problem, AllocationSettings(threads=1, polish_pairs=0))
    assert violations(problem, result) == []
    own = score(problem, result)
    c = result.certificate
    assert own.objective_value == pytest.approx(c.objective_value, rel=1e-9)
    assert own.objective_bound <= c.objective_bound * (1 + 1e-9)
    best = max(c.objective_value + c.presentation_bonus, 0)
    other = whole.certificate
    assert c.objective_bound + c.presentation_bonus >= other.objective_value + other.presentation_bonus - 1e-6
    assert best >= 0.985 * (other.objective_value + other.presentation_bonus)


@pytest.mark.parametrize("seed", [*range(60), 114, 138, 156, 183, 197])
def test_streamed_bound_is_never_below_the_optimum(seed):
    """The last five: cases that prices of a sample settled broke a limit among themselves in every pass."""
    how = dict.fromkeys(("capacities", "limits", "bonus", "pools"), True)
    problem = random_problem(seed, 4, 4, lines=seed % 2 == 0, **how)
    result = plan(problem, STREAMED)
    assert violations(problem, result) == []
    c, optimum = result.certificate, mip_optimum(problem)
    assert c.objective_value + c.presentation_bonus <= optimum + 1e-8
    assert c.objective_bound + c.presentation_bonus >= optimum - 1e-8


def test_streamed_supply_only_is_the_optimum():
    problem = random_problem(4, 200, 20, bonus=True, limits=True, ties=False)
    result, whole = plan(problem, STREAMED), plan(problem)
    assert np.array_equal(result.units, whole.units)
    assert result.certificate.objective_bound == result.certificate.objective_value
