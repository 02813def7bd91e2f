"""What a line's explanation says is what happens: a case forced out or in moves the objective as the prices say."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.problem import REASONS, AllocationPlan, AllocationProblem, AllocationSettings
from tests.support.allocation_reference import random_problem

SETTINGS = AllocationSettings(threads=1)


def total(result: AllocationPlan) -> float:
    return result.certificate.objective_value + result.certificate.presentation_bonus


def gap(result: AllocationPlan) -> float:
    return result.certificate.objective_bound - result.certificate.objective_value


def with_limit(problem: AllocationProblem, name: str, pair: int, units: int, settings=SETTINGS) -> AllocationPlan:
    """The plan once `min_units` or `max_units` of one pair is set."""
    values = getattr(problem, name).copy()
    values[pair] = units
    return plan(replace(problem, **{name: values}), settings)


def lines_of(problem: AllocationProblem, result: AllocationPlan) -> np.ndarray:
    """Pairs with a line of whole, unforced cases."""
    return np.flatnonzero((result.cases > 0) & (result.forced_cases == 0))


@pytest.mark.parametrize("start", range(0, 40, 10))
def test_a_case_forced_out_costs_its_value_less_its_opportunity_cost(start):
    """Supply only: about 800 lines over 40 instances, exact."""
    seen = 0
    for seed in range(start, start + 10):
        problem = random_problem(seed, 8, 10, bonus=True, limits=True, ties=seed % 5 == 0)
        result = plan(problem, SETTINGS)
        for pair in lines_of(problem, result)[:25]:
            pack = problem.pair_pack[pair]
            without = with_limit(problem, "max_units", pair, result.units[pair] - pack)
            moved = total(without) - total(result)
            said = result.opportunity_cost[pair] - result.marginal_value[pair]
            assert moved == pytest.approx(said, rel=1e-6, abs=1e-8), (seed, pair)
            seen += 1
    assert seen > 120


@pytest.mark.parametrize("start", range(0, 40, 20))
def test_a_case_forced_in_gains_its_value_less_what_it_displaces(start):
    for seed in range(start, start + 20):
        problem = random_problem(seed, 6, 8, bonus=True)
        result = plan(problem, SETTINGS)
        short = np.flatnonzero(result.units < result.need_units)
        for pair in short[:8]:
            pack = problem.pair_pack[pair]
            row = problem.pair_row == problem.pair_row[pair]
            others = int(result.units[row].sum() - result.units[pair])
            if problem.row_supply_units[problem.pair_row[pair]] - result.units[row].sum() < pack and others < pack:
                continue  # nothing can be displaced
            forced = with_limit(problem, "min_units", pair, result.units[pair] + pack)
            moved = total(forced) - total(result)
            said = result.next_case_value[pair] - result.next_opportunity_cost[pair]
            assert moved == pytest.approx(said, rel=1e-6, abs=1e-8), (seed, pair)


@pytest.mark.parametrize("seed", range(10))
def test_with_capacities_no_change_beats_what_the_prices_say(seed):
    """A price bounds what any plan can make of a freed case: the objective falls at least as far as said, within the gap."""
    problem = random_problem(seed, 20, 12, capacities=True, bonus=True)
    loads = np.bincount(problem.receiving_bucket, plan(problem, SETTINGS).units, 12)
    problem = replace(problem, receiving_capacity_units=np.maximum((loads * 0.8).astype(np.int64), 1))
    result = plan(problem, SETTINGS)
    lines = lines_of(problem, result)
    for pair in lines[~result.is_repaired[lines]][:20]:
        without = with_limit(problem, "max_units", pair, result.units[pair] - problem.pair_pack[pair])
        said = result.opportunity_cost[pair] - result.marginal_value[pair]
        assert total(without) - total(result) <= said + gap(result) + 1e-6, pair


@pytest.mark.parametrize("seed", range(4))
def test_with_capacities_the_prices_hold_within_the_gap(seed):
    """Where many SKUs share the docks, the loss is what the prices say from both sides (without the core MIP)."""
    problem = random_problem(seed, 150, 20, bonus=True)
    loads = np.bincount(np.arange(3000) % 20, plan(problem, SETTINGS).units, 20)
    problem = replace(
        problem, receiving_bucket=np.arange(3000) % 20, receiving_capacity_units=(loads * 0.8).astype(np.int64),
        dispatch_bucket=np.zeros(3000, np.int64), dispatch_capacity_units=np.array([int(loads.sum() * 0.75)]),
        dispatch_capacity_lines=np.array([-1]),
    )  # fmt: skip
    unpolished = replace(SETTINGS, polish_pairs=0)
    result = plan(problem, unpolished)
    lines = lines_of(problem, result)
    settled = lines[~result.is_repaired[lines]]
    assert len(settled) > 0.7 * len(lines)
    for pair in settled[:: max(len(settled) // 25, 1)]:
        without = with_limit(problem, "max_units", pair, result.units[pair] - problem.pair_pack[pair], unpolished)
        said = result.opportunity_cost[pair] - result.marginal_value[pair]
        assert abs(total(without) - total(result) - said) <= gap(result) + gap(without) + 1e-6, pair


@pytest.mark.parametrize("seed", range(30))
def test_every_unit_and_every_unmet_need_has_its_reason(seed):
    how = dict.fromkeys(("capacities", "limits", "bonus", "pools", "lines", "layers", "minimums"), True)
    problem = random_problem(seed, 8, 10, **how)
    problem = replace(problem, row_rule=np.arange(8) % 4, tier=np.arange(80) % 3)
    result = plan(problem, SETTINGS)
    named = result.binding_names()
    asks = (result.units > 0) | (result.need_units > 0)
    assert set(named[asks].tolist()) <= set(REASONS) - {""}
    assert "other" not in REASONS
    short = result.units < result.need_units
    assert not set(named[short].tolist()) & {"", "need_met"}


def test_a_shared_price_is_what_one_unit_more_is_worth():
    """One case more of a binding dock moves the objective by its price, within the gaps of both plans."""
    problem = random_problem(3, 30, 10, capacities=True)
    free = replace(problem, dispatch_bucket=problem.dispatch_bucket * 0 - 1)
    loads = np.bincount(free.receiving_bucket, plan(free, SETTINGS).units, 10)
    tight = replace(free, receiving_capacity_units=np.maximum(loads * 7 // 10, 1))
    result = plan(tight, SETTINGS)
    dock = int(np.argmax(result.receiving_price))
    assert result.receiving_price[dock] > 0
    more = tight.receiving_capacity_units.copy()
    more[dock] += 10
    moved = total(plan(replace(tight, receiving_capacity_units=more), SETTINGS)) - total(result)
    assert moved <= 10 * result.receiving_price[dock] + gap(result) + 1e-6
    assert moved >= 0
