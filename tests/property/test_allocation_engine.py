"""Properties of every allocation plan, over problems drawn by hypothesis."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.feasibility import violations
from allocation_assets.allocation.problem import AllocationProblem, AllocationSettings
from allocation_assets.allocation.scorer import score
from tests.support.allocation_reference import random_problem, worth_of

ONE_THREAD = AllocationSettings(threads=1, price_rounds=12)

problems = st.builds(
    random_problem,
    st.integers(0, 10**6),
    st.integers(1, 6),
    st.integers(1, 6),
    capacities=st.booleans(),
    bonus=st.booleans(),
    limits=st.booleans(),
    ties=st.booleans(),
    minimums=st.booleans(),
)


def one_case_more_breaks(p: AllocationProblem, units: np.ndarray, j: int, reason: str) -> bool:
    """Whether the named limit is what refuses pair j its next case, by plain counting."""
    pack = int(p.row_case_pack[p.pair_row[j]])
    row = p.pair_row == p.pair_row[j]
    left = int(p.row_supply_units[p.pair_row[j]] - units[row].sum())
    top, shelf = int(p.max_units[j]), int(p.shelf_capacity_units[j])
    over_max, over_shelf = 0 <= top < units[j] + pack, 0 <= shelf < p.position_units[j] + units[j] + pack
    to, out = p.receiving_bucket[j], p.dispatch_bucket[j]
    same_to, same_out = p.receiving_bucket == to, p.dispatch_bucket == out
    if reason in ("blocked", "no_ship_day", "record_hold"):
        return p.block[j] == {"blocked": 1, "no_ship_day": 2, "record_hold": 3}[reason]
    if reason in ("dc_supply", "hold_back"):
        held = int(p.row_hold_back_units[p.pair_row[j]])
        return left < pack and (left + held >= pack or reason == "dc_supply")
    if reason == "case_pack":
        one_unit = worth_of(p, j, 1) > 0 >= worth_of(p, j, pack)
        return units[j] == 0 and (one_unit or left < pack or over_max or over_shelf)
    if reason == "receiving_capacity":
        return to >= 0 and p.receiving_capacity_units[to] - units[same_to].sum() < pack
    if reason == "dispatch_capacity":
        lines, most = p.dispatch_capacity_lines[out], p.dispatch_capacity_units[out]
        return 0 <= most < units[same_out].sum() + pack or (units[j] == 0 and 0 <= lines <= (units[same_out] > 0).sum())
    return {"shelf_capacity": over_shelf, "policy_max": over_max, "override": over_max}[reason]


@settings(max_examples=400, deadline=None, derandomize=True)
@given(problems)
def test_feasible_bounded_and_conserving(p):
    result = plan(p, ONE_THREAD)
    assert violations(p, result) == []
    assert (result.objective_bound >= result.objective_value).all()
    used = np.zeros(len(p.row_dc), np.int64)
    np.add.at(used, p.pair_row, result.units)
    assert (used <= p.row_supply_units).all()
    own = score(p, result)
    assert abs(own.objective_value - result.certificate.objective_value) < 1e-8
    assert own.objective_value - 1e-8 <= own.objective_bound <= result.certificate.objective_bound + 1e-8
    if not len(p.receiving_capacity_units):
        assert result.certificate.objective_bound == result.certificate.objective_value


@settings(max_examples=400, deadline=None, derandomize=True)
@given(problems)
def test_every_refusal_names_the_limit_that_refuses(p):
    result = plan(p, ONE_THREAD)
    pack = p.row_case_pack[p.pair_row]
    for j, reason in enumerate(result.binding_names()):
        short = result.units[j] < result.need_units[j]
        if short:
            assert reason not in ("", "need_met") and one_case_more_breaks(p, result.units, j, reason), (j, reason)
        elif reason == "case_pack":
            assert one_case_more_breaks(p, result.units, j, reason)
        else:
            more = result.units[j] > result.want_cases[j] * pack[j]
            assert reason == ("override" if more else "need_met" if result.units[j] else "")


@settings(max_examples=150, deadline=None, derandomize=True)
@given(problems, st.integers(0, 10**6))
def test_want_is_the_number_of_cases_that_pay(p, seed):
    j = seed % len(p.pair_row)
    pack = int(p.row_case_pack[p.pair_row[j]])
    want = int(plan(p, ONE_THREAD).want_cases[j])
    worths = [worth_of(p, j, k * pack) for k in range(want + 2)]
    assert all(b > a - 1e-12 for a, b in pairwise(worths[:-1]))
    assert worths[-1] <= worths[-2] + 1e-12


@settings(max_examples=150, deadline=None, derandomize=True)
@given(problems)
def test_more_supply_never_hurts(p):
    """Supply-only problems: the exact optimum cannot fall when a row has more stock."""
    p = replace(p, receiving_bucket=p.receiving_bucket * 0 - 1, dispatch_bucket=p.dispatch_bucket * 0 - 1)
    p = replace(p, min_units=p.min_units * 0)
    first = plan(p, ONE_THREAD).certificate
    more = plan(replace(p, row_available_units=p.row_available_units + 5), ONE_THREAD).certificate
    gain = more.objective_value + more.presentation_bonus - first.objective_value - first.presentation_bonus
    assert gain >= -1e-9
