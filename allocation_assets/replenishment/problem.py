"""What replenishment decides on, and what it says: arrays over n pairs (SKU x location that orders).

`inventory_position = on hand + in transit + on order - backorders - reserved`: every policy reads the position alone, so what is
already ordered is never ordered twice.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

#: Policies, by code: position below the trigger is lifted to a target.
POLICIES = (
    "base_stock",  # up to S whenever below it
    "order_up_to",  # (R, S): the same, at review days
    "s_S",  # up to S when at or below s
    "r_nQ",  # the fewest multiples of Q that lift above r, when at or below r
    "min_max",  # up to max when below min
    "weeks_of_cover",  # up to so many weeks of the forecast's mean
)
BASE_STOCK, ORDER_UP_TO, S_S, R_NQ, MIN_MAX, WEEKS_OF_COVER = range(6)

#: What the order-up-to level is computed from where policy does not fix it.
BASES = (
    "alpha",  # probability of no stock-out in a cycle
    "beta",  # share of demand served from stock
    "cost",  # expected lost margin against holding; service_target is not read
    "normal",  # z sigma sqrt(L + R) with z of service_target; lead-time variance is not in it
)
ALPHA, BETA, COST, NORMAL = range(4)

#: What set the quantity: the last rule or limit that changed it.
BINDINGS = (
    "position_covers",  # the position is not below the trigger: nothing is ordered
    "no_demand",  # nothing is expected to sell, and no minimum holds
    "policy",  # the policy's own quantity
    "order_multiple",  # rounded up to whole cases, layers or pallets
    "minimum_order",  # raised to the least size of a line
    "presentation",  # raised to the least stock of the shelf
    "contract_min",  # raised to the contract's minimum
    "contract_max",  # cut to the contract's maximum
    "storage",  # cut to the space
    "shelf_life",  # cut to what sells before it expires
    "held_units",  # cut to the units of a line that waited for approval
)  # fmt: skip
(
    POSITION_COVERS, NO_DEMAND, POLICY, MULTIPLE, MINIMUM_ORDER, PRESENTATION, CONTRACT_MIN, CONTRACT_MAX, STORAGE,
    SHELF_LIFE, HELD_UNITS,
) = range(11)  # fmt: skip

#: No limit of units.
UNLIMITED = -1


@dataclass(frozen=True)
class ReplenishmentProblem:
    """Pairs on one order date; every array is (n,) unless said otherwise. Units are sales units, money in one currency.

    daily_mean, dispersion: mean a day and variance-to-mean (>= 1) of a day's demand. level_variance: relative variance of the
    level that all days share (0 = known): h days of mean M have variance dispersion M + level_variance M^2.
    lead_class: row of lead_table (k, w), P(an order of that lane arrives after 0, 1, ... w - 1 days).
    review_days: days until the next order can be placed (>= 1); its lead time is of the same class.
    on_hand, in_transit, on_order, backorders, reserved: parts of the position. on_order is what `published.md` counts as such
    (semantics 17): all that open orders still owe. case_pack, order_multiple: units, order_multiple a multiple of case_pack.
    min_order: least units of a line. shelf_life_days: days that a unit keeps after arrival, UNLIMITED = for ever.
    storage_capacity, contract_max: the most that the position may be after the order, UNLIMITED = no limit.
    contract_min, presentation: the least; 0 = none. most_units: of the order itself, UNLIMITED = no limit.
    lost_sale_cost: margin of a unit lost; holding_cost: of a unit and day; order_cost: of a line.
    policy, basis: codes; service_target: of alpha, beta, normal, in (0, 1).
    first_parameter, second_parameter: s and S, r and Q, min and max in units; weeks of cover; S; nan = computed.
    """

    daily_mean: np.ndarray
    dispersion: np.ndarray
    level_variance: np.ndarray
    lead_class: np.ndarray
    lead_table: np.ndarray
    review_days: np.ndarray
    on_hand: np.ndarray
    in_transit: np.ndarray
    on_order: np.ndarray
    backorders: np.ndarray
    reserved: np.ndarray
    case_pack: np.ndarray
    order_multiple: np.ndarray
    min_order: np.ndarray
    shelf_life_days: np.ndarray
    storage_capacity: np.ndarray
    contract_min: np.ndarray
    contract_max: np.ndarray
    presentation: np.ndarray
    most_units: np.ndarray
    lost_sale_cost: np.ndarray
    holding_cost: np.ndarray
    order_cost: np.ndarray
    policy: np.ndarray
    basis: np.ndarray
    service_target: np.ndarray
    first_parameter: np.ndarray
    second_parameter: np.ndarray

    @property
    def pairs(self) -> int:
        """Number of pairs n."""
        return len(self.daily_mean)

    @property
    def position(self) -> np.ndarray:
        """Inventory position (n,) in units; negative = owed."""
        return self.on_hand + self.in_transit + self.on_order - self.backorders - self.reserved

    def take(self, rows) -> ReplenishmentProblem:
        """The given pairs (index, mask or slice); the lead-time table stays whole."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return ReplenishmentProblem(**{k: v if k == "lead_table" else v[rows] for k, v in values.items()})


#: Whole units and codes of `ReplenishmentProblem`; the rest is float64.
_WHOLE = {
    "lead_class", "review_days", "on_hand", "in_transit", "on_order", "backorders", "reserved", "case_pack",
    "order_multiple", "min_order", "shelf_life_days", "storage_capacity", "contract_min", "contract_max", "presentation",
    "most_units", "policy", "basis",
}  # fmt: skip
_DEFAULTS = {
    "dispersion": 1.0, "level_variance": 0.0, "lead_class": 0, "review_days": 1, "on_hand": 0, "in_transit": 0,
    "on_order": 0, "backorders": 0, "reserved": 0, "case_pack": 1, "min_order": 0, "shelf_life_days": UNLIMITED,
    "storage_capacity": UNLIMITED, "contract_min": 0, "contract_max": UNLIMITED, "presentation": 0, "most_units": UNLIMITED, "lost_sale_cost": 1.0,
    "holding_cost": 0.001, "order_cost": 0.0, "policy": ORDER_UP_TO, "basis": COST, "service_target": 0.95,
    "first_parameter": np.nan, "second_parameter": np.nan,
}  # fmt: skip


def problem_of(daily_mean, lead_table, **columns) -> ReplenishmentProblem:
    """A checked problem: scalars are spread over the pairs, what is not given takes its neutral default.

    ValueError names the column and the first pair that is out of range.
    """
    unknown = set(columns) - {f.name for f in fields(ReplenishmentProblem)}
    if unknown:
        raise ValueError(f"replenishment: no such column {sorted(unknown)}; see ReplenishmentProblem")
    mean = np.ascontiguousarray(np.atleast_1d(daily_mean), np.float64)
    given = {**_DEFAULTS, "order_multiple": columns.get("case_pack", 1), **columns}
    arrays = {"daily_mean": mean, "lead_table": np.ascontiguousarray(np.atleast_2d(lead_table), np.float64)}
    for name, values in given.items():
        kind = np.int64 if name in _WHOLE else np.float64
        column = np.asarray(values, kind)
        # Writable and contiguous, as the kernels are compiled for; a column that fits is not copied.
        arrays[name] = np.ascontiguousarray(column if column.shape == mean.shape else np.full(mean.shape, column))
    problem = ReplenishmentProblem(**arrays)
    _check(problem)
    return problem


def _check(p: ReplenishmentProblem) -> None:
    table = p.lead_table
    if (table < 0).any() or not np.allclose(table.sum(axis=1), 1.0, atol=1e-9):
        raise ValueError("replenishment: rows of lead_table must be probabilities that sum to 1; see lead_time_table")
    rules = {
        "daily_mean": np.isfinite(p.daily_mean) & (p.daily_mean >= 0),
        "dispersion": np.isfinite(p.dispersion) & (p.dispersion >= 1),
        "level_variance": np.isfinite(p.level_variance) & (p.level_variance >= 0),
        "lead_class": (p.lead_class >= 0) & (p.lead_class < len(table)),
        "review_days": p.review_days >= 1,
        "case_pack": p.case_pack >= 1,
        "order_multiple": (p.order_multiple >= 1) & (p.order_multiple % np.maximum(p.case_pack, 1) == 0),
        "min_order": p.min_order >= 0,
        "lost_sale_cost": np.isfinite(p.lost_sale_cost) & (p.lost_sale_cost >= 0),
        "holding_cost": np.isfinite(p.holding_cost) & (p.holding_cost >= 0),
        "order_cost": np.isfinite(p.order_cost) & (p.order_cost >= 0),
        "policy": (p.policy >= 0) & (p.policy < len(POLICIES)),
        "basis": (p.basis >= 0) & (p.basis < len(BASES)),
        "service_target": (p.service_target > 0) & (p.service_target < 1),
    }
    for name, good in rules.items():
        if not good.all():
            at = int(np.argmin(good))
            raise ValueError(f"replenishment: {name}[{at}] = {getattr(p, name)[at]} is out of range")


@dataclass(frozen=True)
class ReplenishmentPlan:
    """Proposals, (n,) each. Order and expected dates are the caller's (calendar, cut-off).

    reorder_point: highest position at which an order is placed. order_up_to: the level that the policy aims at (r + Q of r_nQ).
    safety_stock: order_up_to less mean demand over lead time and review, rounded, at least 0; s, r and min count in its place. units, cases: the order, whole multiples. lost_sales_avoided: units expected to sell before the next
    order can arrive that would be lost without this one. holding_days: unit-days held more. benefit: money, margin
    saved less holding less order cost. binding: code into BINDINGS.
    """

    inventory_position: np.ndarray
    reorder_point: np.ndarray
    order_up_to: np.ndarray
    safety_stock: np.ndarray
    units: np.ndarray
    cases: np.ndarray
    lost_sales_avoided: np.ndarray
    holding_days: np.ndarray
    benefit: np.ndarray
    binding: np.ndarray
