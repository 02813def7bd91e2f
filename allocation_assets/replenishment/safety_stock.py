"""Order-up-to levels and what service costs, on the discrete distribution of demand over lead time and review."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.replenishment.problem import ReplenishmentProblem


def lead_time_table(mean, sd, *, least: int = 0, width: int | None = None) -> np.ndarray:
    """P(lead time = 0, 1, ... w - 1 whole days) (k, w) of lanes with mean and sd (k,) days: a gamma at whole days."""


def lead_time_classes(mean, sd) -> tuple[np.ndarray, np.ndarray]:
    """(lead_class (n,), lead_table (k, w)) of pairs with mean and sd (n,) days, to a tenth of a day."""


@dataclass(frozen=True)
class ServiceReport:
    """What service costs, (n,) each: order-up-to and alpha at the cost optimum (`recommended_alpha`), fill rate there
    (`recommended_beta`), money a day of one more point of fill at the present level (`point_cost`), units above what the
    target needs (`removable`) and their holding a day (`removable_value`)."""

    recommended_level: np.ndarray
    recommended_alpha: np.ndarray
    recommended_beta: np.ndarray
    point_cost: np.ndarray
    removable: np.ndarray
    removable_value: np.ndarray


def order_up_to(problem: ReplenishmentProblem, *, threads: int = 2) -> np.ndarray:
    """Level S (n,) by each pair's basis."""


def service_report(problem: ReplenishmentProblem, *, threads: int = 2) -> ServiceReport:
    """Recommended service, the cost of a point of it, and what can go without losing the target."""
