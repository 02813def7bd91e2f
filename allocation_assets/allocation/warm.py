"""Compiles every kernel of the engine by planning a tiny problem of each kind."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.keep import Outlook, keep_prices
from allocation_assets.allocation.problem import AllocationSettings, allocation_problem


def warm_up() -> None:
    """Plan four pairs under every kind of limit, so that each kernel meets the array types of real runs."""
    problem = allocation_problem(
        pair_row=[0, 0, 1, 1], mean_units=[2.0, 3.0, 900.0, 1.0], dispersion=[1.0, 2.0, 1.5, 1.5], position_units=0,
        gain_per_unit=2.0, ship_cost_per_unit=0.1, min_units=[0, 1, 0, 0], row_available_units=[5, 4],
        receiving_bucket=[0, 0, 1, 1], receiving_capacity_units=[3, 2], dispatch_bucket=0,
        dispatch_capacity_units=[4], dispatch_capacity_lines=[2],
    )  # fmt: skip
    settings = AllocationSettings(threads=1, price_rounds=6, target_gap=0.0)
    plan(problem, settings)
    plan(replace(problem, receiving_bucket=problem.receiving_bucket * 0 - 1, dispatch_bucket=problem.block - 1))
    fees = replace(problem, line_cost=problem.line_cost + 0.5, min_ship_units=problem.min_ship_units + 2)
    plan(replace(fees, multiple_cases=problem.pair_key % 2 + 1), settings)
    plan(problem, replace(settings, stream_pairs=0))
    for rule in (1, 2, 3):
        plan(replace(problem, row_rule=problem.row_rule + rule), settings)
    one = np.ones(1)
    keep_prices(Outlook(np.array([0, 1]), *[one] * 13), 1)
