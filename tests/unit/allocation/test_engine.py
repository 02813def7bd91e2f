"""The engine against enumeration, HiGHS and hand-made cases."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.feasibility import violations
from allocation_assets.allocation.problem import AllocationSettings, allocation_problem
from allocation_assets.allocation.scorer import score
from tests.support.allocation_reference import (
    brute_force,
    is_feasible,
    mip_optimum,
    random_problem,
    tail,
    worth_of,
)

ROOT = Path(__file__).parents[3]
ONE_THREAD = AllocationSettings(threads=1)


def total_worth(p, units) -> float:
    return sum(worth_of(p, j, int(u)) for j, u in enumerate(units))


def small(**changes):
    """Two stores on one row: means 3 and 1, Poisson, gain 10, cost 1, five units, case of one."""
    arrays = {
        "pair_row": [0, 0], "mean_units": [3.0, 1.0], "dispersion": 1.0, "position_units": 0, "gain_per_unit": 10.0,
        "ship_cost_per_unit": 1.0, "row_available_units": [3],
    }  # fmt: skip
    return allocation_problem(**(arrays | changes))


@pytest.mark.parametrize("seed", range(120))
def test_supply_only_equals_enumeration(seed):
    """Every combination of cases tried: the greedy plan is the optimum, with bonus, limits, minimums and ties."""
    kinds = {"bonus": seed % 2 == 0, "limits": seed % 3 == 0, "ties": seed % 5 == 0}
    p = random_problem(seed, 1 + seed % 2, 3, **kinds)
    p = replace(p, row_available_units=np.minimum(p.row_available_units, 7))
    result = plan(p, ONE_THREAD)
    assert violations(p, result) == []
    assert is_feasible(p, result.units)
    assert total_worth(p, result.units) == pytest.approx(brute_force(p), abs=1e-9)
    assert result.certificate.objective_bound == result.certificate.objective_value


@pytest.mark.parametrize("seed", range(40))
def test_minimums_equal_enumeration_where_they_fit(seed):
    p = random_problem(1000 + seed, 1, 3, minimums=True)
    p = replace(p, row_available_units=np.array([12]), row_hold_back_units=np.array([0]))
    least = -(-p.min_units // p.row_case_pack[p.pair_row]) * p.row_case_pack[p.pair_row]
    if least.sum() > 12:
        p = replace(p, min_units=p.min_units * 0)
        least = p.min_units
    result = plan(p, ONE_THREAD)
    assert (result.units >= least).all()
    assert total_worth(p, result.units) == pytest.approx(brute_force(p), abs=1e-9)


@pytest.mark.parametrize("seed", range(100))
def test_supply_only_equals_highs(seed):
    p = random_problem(2000 + seed, 4, 6, bonus=seed % 2 == 0, limits=seed % 3 == 0, ties=seed % 7 == 0)
    result = plan(p, ONE_THREAD)
    got = result.certificate.objective_value + result.certificate.presentation_bonus
    assert got == pytest.approx(mip_optimum(p), abs=1e-8, rel=1e-8)


@pytest.mark.parametrize("seed", range(60))
def test_capacity_bound_is_never_below_the_optimum(seed):
    """The plan keeps every capacity, and its bound holds for the MIP's optimum too."""
    p = random_problem(3000 + seed, 6, 5, capacities=True, bonus=seed % 3 == 0, limits=seed % 4 == 0)
    result = plan(p, ONE_THREAD)
    optimum = mip_optimum(p)
    bonus = result.certificate.presentation_bonus
    assert violations(p, result) == []
    assert is_feasible(p, result.units)
    assert result.certificate.objective_value + bonus <= optimum + 1e-8
    assert result.certificate.objective_bound + bonus >= optimum - 1e-8
    without = replace(p, presentation_value_per_unit=p.presentation_value_per_unit * 0)
    assert result.certificate.objective_bound_any_presentation >= mip_optimum(without) - 1e-8


def test_loose_capacity_gives_the_exact_plan():
    p = random_problem(5, 6, 5, capacities=True)
    loose = replace(
        p,
        receiving_capacity_units=np.full(5, 10_000),
        dispatch_capacity_units=np.array([-1, -1]),
        dispatch_capacity_lines=np.array([1000, 1000]),
    )
    result = plan(loose, ONE_THREAD)
    assert result.certificate.optimality_gap == 0.0
    assert result.certificate.objective_value == pytest.approx(mip_optimum(loose), abs=1e-8)


@pytest.mark.parametrize("seed", range(40))
def test_value_slices_and_rent_add_up(seed):
    """Semantics 22: slices plus unused rent are the certificate; value <= bound pair by pair."""
    p = random_problem(4000 + seed, 6, 5, capacities=seed % 2 == 0, bonus=seed % 3 == 0, minimums=seed % 4 == 0)
    result = plan(p, ONE_THREAD)
    rent = result.row_rent.sum() + result.receiving_rent.sum() + result.dispatch_rent.sum()
    assert (result.objective_bound >= result.objective_value).all()
    assert (result.row_rent >= 0).all() and (result.receiving_rent >= 0).all() and (result.dispatch_rent >= 0).all()
    assert result.objective_bound.sum() + rent == pytest.approx(result.certificate.objective_bound, abs=1e-9)
    assert result.objective_value.sum() == pytest.approx(result.certificate.objective_value, abs=1e-9)
    by_hand = [worth_of(p, j, int(u), bonus=False) for j, u in enumerate(result.units)]
    np.testing.assert_allclose(result.objective_value, by_hand, atol=1e-9)
    in_total = sum(c.objective_value for c in result.certificate_by_dc.values())
    assert in_total == pytest.approx(result.certificate.objective_value, abs=1e-9)


@pytest.mark.parametrize("seed", range(60))
def test_scorer_recomputes_value_and_bound(seed):
    p = random_problem(
        6000 + seed, 8, 6, capacities=seed % 2 == 0, bonus=seed % 3 == 0, minimums=seed % 4 == 0, limits=seed % 5 == 0
    )
    result = plan(p, ONE_THREAD)
    own = score(p, result)
    assert own.objective_value == pytest.approx(result.certificate.objective_value, abs=1e-8)
    assert own.presentation_bonus == pytest.approx(result.certificate.presentation_bonus, abs=1e-8)
    assert own.objective_bound <= result.certificate.objective_bound + 1e-8
    assert own.objective_bound >= own.objective_value - 1e-8
    if not len(p.receiving_capacity_units):
        assert own.objective_bound == pytest.approx(result.certificate.objective_bound, abs=1e-8)
    np.testing.assert_allclose(own.value_by_pair, result.objective_value, atol=1e-8)
    np.testing.assert_allclose(own.uplift_by_pair, result.expected_units_sold_uplift, atol=1e-8)


@pytest.mark.parametrize("seed", range(60))
def test_forcing_one_case_moves_the_objective_by_the_prices(seed):
    """Semantics 23, supply only: one case less costs marginal - opportunity, one more gains next - its cost."""
    p = random_problem(7000 + seed, 2, 4, bonus=seed % 2 == 0, ties=seed % 5 == 0)
    result = plan(p, ONE_THREAD)
    base = total_worth(p, result.units)
    pack = p.row_case_pack[p.pair_row]
    for j in range(len(pack)):
        if result.cases[j]:
            most = np.full(len(pack), -1)
            most[j] = result.units[j] - pack[j]
            moved = total_worth(p, plan(replace(p, max_units=most), ONE_THREAD).units) - base
            assert moved == pytest.approx(result.opportunity_cost[j] - result.marginal_value[j], abs=1e-9)
        least = np.zeros(len(pack), int)
        least[j] = result.units[j] + pack[j]
        forced = plan(replace(p, min_units=least), ONE_THREAD)
        if least[j] <= p.row_supply_units[p.pair_row[j]] and (result.next_case_value[j] or result.cases[j]):
            moved = total_worth(p, forced.units) - base
            assert moved == pytest.approx(result.next_case_value[j] - result.next_opportunity_cost[j], abs=1e-9)


@pytest.mark.parametrize("capacities", [False, True])
def test_order_of_pairs_and_threads_do_not_matter(capacities):
    p = random_problem(11, 30, 12, capacities=capacities, bonus=True, minimums=True)
    mixed = np.random.default_rng(0).permutation(len(p.pair_row))
    pair_fields = [f.name for f in fields(p) if getattr(p, f.name).shape == p.pair_row.shape]
    shuffled = replace(p, **{name: getattr(p, name)[mixed] for name in pair_fields})
    first, second = plan(p, ONE_THREAD), plan(shuffled, AllocationSettings(threads=3))
    for f in fields(first):
        value = getattr(first, f.name)
        if isinstance(value, np.ndarray):
            other = getattr(second, f.name)
            np.testing.assert_array_equal(value[mixed] if value.shape == p.pair_row.shape else value, other)
    assert first.certificate == second.certificate


def test_many_rows_over_several_threads_give_the_same_plan():
    p = random_problem(12, 2500, 10, limits=True)
    first, second = plan(p, ONE_THREAD), plan(p, AllocationSettings(threads=4))
    np.testing.assert_array_equal(first.units, second.units)
    assert first.certificate == second.certificate


def test_ties_go_to_the_lowest_key():
    p = small(mean_units=[2.0, 2.0], pair_key=[9, 4], row_available_units=[3])
    assert plan(p).units.tolist() == [1, 2]
    assert plan(p).priority_rank.tolist() == [2, 1]


def test_case_values_by_hand():
    """Poisson mean 1, gain 10, cost 1: unit values 10 P(D > u) - 1; the pair wants u = 0, 1 (P(D > 2) = 0.080)."""
    p = small(mean_units=[1.0, 0.0], row_available_units=[9])
    result = plan(p)
    p0 = np.exp(-1.0)
    values = [10 * (1 - p0) - 1, 10 * (1 - 2 * p0) - 1, 10 * (1 - 2.5 * p0) - 1]
    assert result.units.tolist() == [2, 0]
    assert result.objective_value[0] == pytest.approx(values[0] + values[1])
    assert result.marginal_value[0] == pytest.approx(values[1])
    assert result.next_case_value[0] == pytest.approx(values[2])
    assert result.expected_units_sold_uplift[0] == pytest.approx(2 - 3 * p0)
    assert result.binding_names().tolist() == ["need_met", ""]
    assert result.opportunity_cost.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("changes", "units", "reasons"),
    [
        ({"row_available_units": [0]}, [0, 0], ["dc_supply", "dc_supply"]),
        ({"row_available_units": [3], "row_case_pack": [4]}, [0, 0], ["case_pack", "case_pack"]),
        ({"row_available_units": [9], "row_hold_back_units": [8]}, [1, 0], ["hold_back", "hold_back"]),
        ({"row_available_units": [99], "shelf_capacity_units": [2, -1]}, [2, 2], ["shelf_capacity", "need_met"]),
        ({"row_available_units": [99], "shelf_capacity_units": [0, -1]}, [0, 2], ["shelf_capacity", "need_met"]),
        ({"row_available_units": [99], "max_units": [1, -1]}, [1, 2], ["policy_max", "need_met"]),
        (
            {"row_available_units": [99], "max_units": [0, -1], "is_max_override": [True, False]},
            [0, 2],
            ["override", "need_met"],
        ),
        ({"row_available_units": [99], "block": [1, 2]}, [0, 0], ["blocked", "no_ship_day"]),
        ({"row_available_units": [99], "block": [3, 1]}, [0, 0], ["record_hold", "blocked"]),
        (
            {"row_available_units": [99], "receiving_bucket": [0, 1], "receiving_capacity_units": [2, 9]},
            [2, 2],
            ["receiving_capacity", "need_met"],
        ),
        (
            {"row_available_units": [99], "dispatch_bucket": 0, "dispatch_capacity_units": [0]},
            [0, 0],
            ["dispatch_capacity", "dispatch_capacity"],
        ),
        (
            {"row_available_units": [99], "dispatch_bucket": 0, "dispatch_capacity_lines": [1]},
            [5, 0],
            ["need_met", "dispatch_capacity"],
        ),
        ({"row_available_units": [99], "min_units": [0, 4]}, [5, 4], ["need_met", "override"]),
    ],
)
def test_reasons(changes, units, reasons):
    """Poisson means 3 and 1 at gain 10, cost 1 want five and two units (last ones worth 0.85 and 1.64)."""
    result = plan(small(**changes))
    assert result.units.tolist() == units
    assert result.binding_names().tolist() == reasons


def test_a_case_that_does_not_pay_is_named_case_pack():
    """Mean 1: the first unit earns 5.3, a case of twelve loses: 10 x 1.0 - 12."""
    result = plan(small(mean_units=[1.0, 1.0], row_case_pack=[12], row_available_units=[99]))
    assert result.units.tolist() == [0, 0]
    assert result.want_cases.tolist() == [0, 0]
    assert result.binding_names().tolist() == ["case_pack", "case_pack"]


def test_odd_override_is_shipped_as_set():
    """Semantics 21: `set` 5 with a case pack of 4 gives five units in two (one broken) cases."""
    changes = {"min_units": [0, 5], "max_units": [-1, 5], "is_max_override": [False, True]}
    result = plan(small(row_case_pack=[4], row_available_units=[20], **changes))
    assert result.units[1] == 5 and result.cases[1] == 2
    assert result.binding_names()[1] == "override"
    assert violations(small(row_case_pack=[4], row_available_units=[20], **changes), result) == []


@pytest.mark.parametrize(("supply", "units"), [(3, 0), (4, 4), (5, 5)])
def test_override_beyond_supply_stays_within_it(supply, units):
    changes = {"min_units": [0, 5], "max_units": [0, 5], "is_max_override": [False, True]}
    result = plan(small(row_case_pack=[4], row_available_units=[supply], **changes))
    assert result.units[1] == units


def test_set_zero_and_locked_plan():
    """`set` 0 bars the plan of the day; min = max freezes it."""
    changes = {"min_units": [0, 2], "max_units": [0, 2], "is_max_override": [True, True]}
    result = plan(small(row_available_units=[99], **changes))
    assert result.units.tolist() == [0, 2]


def test_forced_minimum_is_served_before_better_cases():
    """The weaker store's minimum of two comes first, though all of its cases are worth less."""
    p = small(mean_units=[5.0, 0.2], min_units=[0, 2], row_available_units=[3])
    assert plan(p).units.tolist() == [1, 2]


def test_minimums_beyond_supply_are_served_by_value():
    p = small(mean_units=[5.0, 0.2], min_units=[2, 2], row_available_units=[3])
    result = plan(p)
    assert result.units.tolist() == [2, 1]
    assert result.binding_names().tolist() == ["dc_supply", "dc_supply"]


def test_backlog_sells_for_certain():
    """Position -2 with no further demand: two units are worth gain - cost each, the third nothing."""
    p = small(mean_units=[0.0, 0.0], position_units=[-2, 0], row_available_units=[9])
    result = plan(p)
    assert result.units.tolist() == [2, 0]
    assert result.objective_value[0] == pytest.approx(18.0)
    assert result.expected_units_sold_uplift[0] == pytest.approx(2.0)


def test_presentation_bonus_orders_but_is_reported_apart():
    """Semantics 22: the bonus fills the empty shelf of a slow store, and stays out of value and gap."""
    changes = {"presentation_min_units": [0, 3], "presentation_value_per_unit": 100.0}
    p = small(mean_units=[3.0, 0.1], row_available_units=[3], **changes)
    result = plan(p)
    assert result.units.tolist() == [0, 3]
    assert result.presentation_bonus.tolist() == [0.0, 300.0]
    value = sum(10 * tail(0.1, 1.0, u) - 1 for u in range(3))
    assert result.certificate.objective_value == pytest.approx(value)
    assert result.certificate.objective_bound == pytest.approx(value)
    best = sum(10 * tail(3.0, 1.0, u) - 1 for u in range(3))
    assert result.certificate.objective_bound_any_presentation == pytest.approx(best)


def test_nothing_to_do_has_no_gap():
    """Semantics 22: the gap is null when the bound is 0."""
    result = plan(small(mean_units=[0.0, 0.0]))
    assert result.certificate.objective_bound == 0.0 and result.certificate.optimality_gap is None
    assert result.binding_names().tolist() == ["", ""]


def test_empty_problem():
    result = plan(allocation_problem(pair_row=[], mean_units=[], dispersion=[], position_units=[], gain_per_unit=[],
                                     row_available_units=[4]))  # fmt: skip
    assert result.units.size == 0 and result.certificate.optimality_gap is None


def test_price_of_a_row_that_one_pair_empties():
    """Poisson mean 3, two units of supply: a third would sell with P(D > 2); with none, the first is what waits."""
    alone = {"mean_units": [3.0, 0.0]}
    assert plan(small(row_available_units=[2], **alone)).row_price[0] == pytest.approx(10 * tail(3.0, 1.0, 2) - 1)
    nothing = plan(small(row_available_units=[0], **alone))
    assert nothing.opportunity_cost[0] == pytest.approx(10 * tail(3.0, 1.0, 0) - 1) == nothing.next_case_value[0]


def test_warm_up_compiles_every_kernel_once():
    """In a fresh process; afterwards no plan meets a new array type."""
    code = (
        "from allocation_assets import negbin, warm_up; warm_up()\n"
        "from allocation_assets.allocation import _kernels\n"
        "from allocation_assets.allocation.engine import plan\n"
        "from tests.support.allocation_reference import random_problem\n"
        "found = {n: f for m in (negbin, _kernels) for n, f in vars(m).items() if hasattr(f, 'signatures')}\n"
        "before = {n: len(f.signatures) for n, f in found.items()}\n"
        "for seed in range(4): plan(random_problem(seed, 5, 5, capacities=seed % 2 == 0, minimums=True, limits=True))\n"
        "assert before == {n: len(f.signatures) for n, f in found.items()}, 'a plan compiled something'\n"
        "called = {n for n, count in before.items() if count} | {n for n in before if n.startswith('_')}\n"
        "assert called == set(found), set(found) - called\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})


def test_importing_the_kernels_is_cheap():
    code = (
        "import sys, allocation_assets.allocation.engine, allocation_assets.demand.forecaster\n"
        "import allocation_assets.allocation.scorer, allocation_assets.segmentation.classify\n"
        "assert not {'numba', 'scipy', 'dagster', 'highspy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT, env=os.environ | {"PYTHONPATH": str(ROOT)})


def test_huge_demand_is_handled():
    """A mean of a hundred thousand units against 5,000: everything goes to the better price, without stalling."""
    p = small(mean_units=[1e5, 1e5], dispersion=20.0, gain_per_unit=[10.0, 11.0], row_available_units=[5000],
              row_case_pack=[10])  # fmt: skip
    assert plan(p).units.tolist() == [0, 5000]


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"dispersion": 0.5}, "dispersion"),
        ({"mean_units": [np.nan, 1.0]}, "mean_units"),
        ({"pair_row": [0, 1]}, "pair_row"),
        ({"row_case_pack": [0]}, "row_case_pack"),
        ({"gain_per_unit": -1.0}, "gain_per_unit"),
        ({"pair_key": [3, 3]}, "pair_key"),
        ({"receiving_bucket": [0, 0]}, "receiving_bucket"),
        ({"colour": 1}, "colour"),
        ({"min_units": [1]}, "min_units"),
    ],
)
def test_bad_input_says_what_is_wrong(changes, text):
    with pytest.raises(ValueError, match=text):
        plan(small(**changes))


def test_feasibility_sees_each_broken_limit():
    p = small(row_available_units=[2], shelf_capacity_units=[1, -1], max_units=[-1, 1], block=[0, 1],
              receiving_bucket=[0, 0], receiving_capacity_units=[2], dispatch_bucket=0, dispatch_capacity_units=[2],
              dispatch_capacity_lines=[1], row_case_pack=[2])  # fmt: skip
    broken = replace(plan(p), units=np.array([3, 4]), cases=np.array([1, 2]))
    text = " ".join(violations(p, broken))
    for word in ("whole cases", "cover", "blocked", "maximum", "shelf", "supply", "receiving", "units exc", "lines"):
        assert word in text
