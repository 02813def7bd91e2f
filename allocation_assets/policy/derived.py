"""Defaults that follow from other facts: named functions, so that a default is documented and tested like any formula.

Pair defaults are functions of item columns (float64 arrays, money per unit; NaN where the column is null) and give one
value per row. Deployment defaults are functions of the other deployment values.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Share of its cost that a unit on hand costs a year, and the days of that year (landing.md, Policy files).
HOLDING_RATE_PER_YEAR = 0.25
DAYS_PER_YEAR = 365


def unit_margin(unit_price: np.ndarray, unit_cost: np.ndarray) -> np.ndarray:
    """Money per unit that a sale earns: unit_price - unit_cost (landing.md, costs.lost_sale_per_unit). Not floored."""
    return unit_price - unit_cost


def holding_cost_per_day(unit_cost: np.ndarray) -> np.ndarray:
    """Money per unit per day: unit_cost * 0.25 / 365 (landing.md, costs.holding_per_unit_day)."""
    return unit_cost * HOLDING_RATE_PER_YEAR / DAYS_PER_YEAR


def expected_by_calendar(deployment: Mapping[str, Any]) -> str:
    """When a minimum feed is expected: period_end by the week, else every_date (semantics 8)."""
    return "period_end" if deployment["calendar.period"] == "week" else "every_date"


@dataclass(frozen=True)
class PairDefault:
    """`function` of the item columns named in `columns`; `formula` is what the reference shows."""

    formula: str
    columns: tuple[str, ...]
    function: Callable[..., np.ndarray]


@dataclass(frozen=True)
class DeploymentDefault:
    """`function` of the deployment values that need no derivation; `formula` is what the reference shows."""

    formula: str
    function: Callable[[Mapping[str, Any]], Any]


PAIR_DEFAULTS: dict[str, PairDefault] = {
    "unit_margin": PairDefault("unit_price - unit_cost", ("unit_price", "unit_cost"), unit_margin),
    "holding_cost_per_day": PairDefault("unit_cost * 0.25 / 365", ("unit_cost",), holding_cost_per_day),
}
DEPLOYMENT_DEFAULTS: dict[str, DeploymentDefault] = {
    "expected_by_calendar": DeploymentDefault(
        "every_date, or period_end where calendar.period is week", expected_by_calendar
    ),
}
