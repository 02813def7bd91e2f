"""2,000 random small instances against HiGHS's MIP and plain enumeration: optimal where theory says so, bounded always."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.feasibility import violations
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings
from allocation_assets.allocation.scorer import score
from tests.support.allocation_reference import brute_force, is_feasible, mip_optimum, random_problem

SETTINGS = AllocationSettings(threads=1)
#: Name: (instances, what makes them, whether the plan must be the optimum).
FAMILIES = {
    "supply": (400, {"bonus": True, "limits": True}, True),
    "ties": (200, {"ties": True, "limits": True}, True),
    "pools": (400, {"pools": True, "limits": True, "bonus": True}, True),
    "capacities": (400, {"capacities": True, "limits": True, "bonus": True}, False),
    "lines": (250, {"lines": True, "limits": True, "capacities": True}, False),
    "layers": (150, {"layers": True, "limits": True, "pools": True}, False),
    "everything": (200, dict.fromkeys(("capacities", "limits", "bonus", "pools", "lines", "layers"), True), False),
}
_CHUNK = 50
CASES = [(name, start) for name, (count, _, _) in FAMILIES.items() for start in range(0, count, _CHUNK)]


def total(problem: AllocationProblem, settings: AllocationSettings = SETTINGS):
    """(plan, worth with bonus, bound with bonus)."""
    result = plan(problem, settings)
    c = result.certificate
    return result, c.objective_value + c.presentation_bonus, c.objective_bound + c.presentation_bonus


@pytest.mark.parametrize(("name", "start"), CASES)
def test_value_feasibility_and_bound(name, start):
    _, how, is_exact = FAMILIES[name]
    for seed in range(start, start + _CHUNK):
        rng = np.random.default_rng([seed, 7])
        problem = random_problem(seed, int(rng.integers(1, 6)), int(rng.integers(1, 7)), **how)
        result, worth, bound = total(problem)
        assert is_feasible(problem, result.units), seed
        assert violations(problem, result) == [], seed
        optimum = mip_optimum(problem)
        assert worth <= optimum + 1e-8, seed
        assert bound >= optimum - 1e-8, seed
        if is_exact:
            assert worth == pytest.approx(optimum, abs=1e-8), seed
            assert result.certificate.objective_bound == result.certificate.objective_value, seed
        else:
            # The core MIP holds all cases of instances as small as these (its own gap is 2e-5).
            assert worth >= optimum * (1 - 1e-4) - 1e-8, seed
        own = score(problem, result)
        assert own.objective_value == pytest.approx(result.certificate.objective_value, abs=1e-8), seed
        assert own.objective_bound + own.presentation_bonus >= optimum - 1e-8, seed
        assert own.objective_bound <= result.certificate.objective_bound + 1e-8, seed


@pytest.mark.parametrize("seed", range(40))
def test_enumeration_agrees_with_the_mip(seed):
    """The reference checks itself: two ways to the optimum under every limit."""
    how = dict.fromkeys(("capacities", "limits", "bonus", "pools", "lines", "layers"), True)
    problem = random_problem(seed, 2, 2, **how)
    problem = replace(problem, row_available_units=np.minimum(problem.row_available_units, 9))
    assert brute_force(problem) == pytest.approx(mip_optimum(problem), abs=1e-9)


def test_nothing_to_decide():
    problem = random_problem(1, 3, 4, limits=True)
    nobody = replace(problem, row_available_units=problem.row_available_units * 0)
    assert total(nobody)[1:] == (0.0, 0.0)
    assert plan(nobody).certificate.optimality_gap is None
    big_case = replace(problem, row_case_pack=problem.row_available_units + 1)
    assert plan(big_case).units.sum() == 0
