"""Data classes of one day's allocation: the problem, the settings, the plan and its certificate.

Terms. *Pair* = SKU at a location, served by one DC. *Supply row* = SKU at that DC; a pair belongs to one row, a row
has one case pack. *Worth* of a case = its value plus its presentation bonus: what the plan is ordered by. *Value* =
worth without the bonus: what is quoted (semantics 22).
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np

OPEN, BLOCKED, NO_SHIP_DAY, RECORD_HOLD, RECENTLY_MOVED = 0, 1, 2, 3, 4
MARGINAL_VALUE, PROPORTIONAL, EQUAL_DAYS, TIERS = 0, 1, 2, 3
NO_LIMIT = -1
REASONS = (
    "",  # wants nothing and gets nothing
    "need_met",
    "dc_supply",
    "hold_back",
    "shelf_capacity",
    "receiving_capacity",
    "dispatch_capacity",
    "case_pack",
    "override",
    "policy_max",
    "blocked",
    "no_ship_day",
    "record_hold",
    "recently_moved",
    "min_shipment",
    "line_cost",
    "quota",
    "protected",
    "fair_share",
)


@dataclass(frozen=True)
class AllocationProblem:
    """Arrays of one day's problem; build it with `allocation_problem`, which checks and completes them.

    Pairs (n, any order): `pair_row` index of the supply row; `pair_key` int, unique in a row, breaks ties (lowest
    first); `mean_units`, `dispersion` of demand over the pair's horizon (units; variance-to-mean >= 1);
    `position_units` = on hand + in transit - backlog - reserved; money per unit: `gain_per_unit` (priority weight x
    (margin + cost of a lost sale)), `holding_per_unit` (over the review), `ship_cost_per_unit`;
    `presentation_min_units` and `presentation_value_per_unit` (bonus per unit shipped below it);
    `shelf_capacity_units` (position after delivery, -1 = none); `min_units` (forced, 0 = none), `max_units` (-1 =
    none), `is_max_override` (the maximum is a person's); `block` (0 open, 1 blocked, 2 no ship day, 3 held until
    the location's records are mended, 4 stock moved to or from it days ago);
    `multiple_cases` >= 1 (a line is a whole number of that many cases: layer, pallet); `line_cost` (money once per
    line); `min_ship_units` (a line that no minimum forces has at least that many, in whole multiples; 0 = none);
    `is_last_shipment` (the pair's next shipment is its last before the DC's next inbound);
    `pool` index into the pools, all pairs of which share a row (-1 = none); `tier` (lowest first, rule TIERS) and
    `daily_mean_units` (rule EQUAL_DAYS);
    `receiving_bucket`, `dispatch_bucket` index into the capacities (-1 = none).

    Rows (m): `row_dc` int code; `row_case_pack` >= 1; `row_available_units`, `row_hold_back_units` >= 0: what may be
    shipped is available less hold-back; `row_keep_price`: money that a unit kept at the DC is expected to earn before
    the next inbound (see `keep`), taken off the gain of a unit sold, for what is left unsold saves a later shipment; of the
    last shipment before the inbound every unit pays it; `row_rule`: 0 marginal value, else the fair share
    that policy chose: 1 proportional to need, 2 equal days of supply, 3 tiers, then proportional.

    Pools: `pool_cap_units`: most units that the pairs of a pool get together (quota, or what others' protected
    promotion units leave: `pool_is_protection`).

    Capacities: `receiving_capacity_units` per location and arrival date, `dispatch_capacity_units` and
    `dispatch_capacity_lines` per DC and ship date; -1 = no limit. Net of firm lines decided before.
    """

    pair_row: np.ndarray
    pair_key: np.ndarray
    mean_units: np.ndarray
    dispersion: np.ndarray
    position_units: np.ndarray
    gain_per_unit: np.ndarray
    holding_per_unit: np.ndarray
    ship_cost_per_unit: np.ndarray
    presentation_min_units: np.ndarray
    presentation_value_per_unit: np.ndarray
    shelf_capacity_units: np.ndarray
    min_units: np.ndarray
    max_units: np.ndarray
    is_max_override: np.ndarray
    block: np.ndarray
    multiple_cases: np.ndarray
    line_cost: np.ndarray
    min_ship_units: np.ndarray
    is_last_shipment: np.ndarray
    pool: np.ndarray
    tier: np.ndarray
    daily_mean_units: np.ndarray
    receiving_bucket: np.ndarray
    dispatch_bucket: np.ndarray
    row_dc: np.ndarray
    row_case_pack: np.ndarray
    row_available_units: np.ndarray
    row_hold_back_units: np.ndarray
    row_keep_price: np.ndarray
    row_rule: np.ndarray
    pool_cap_units: np.ndarray
    pool_is_protection: np.ndarray
    receiving_capacity_units: np.ndarray
    dispatch_capacity_units: np.ndarray
    dispatch_capacity_lines: np.ndarray

    @property
    def pair_pack(self) -> np.ndarray:
        """Units of the smallest step of each pair: case pack x multiple."""
        return self.row_case_pack[self.pair_row] * self.multiple_cases

    @property
    def earned_per_unit(self) -> np.ndarray:
        """Money that a unit sold earns beyond what it would have earned at the DC, plus the holding it saves."""
        earned = self.gain_per_unit - np.where(self.is_last_shipment, 0.0, self.row_keep_price[self.pair_row])
        earned += self.holding_per_unit
        return np.maximum(earned, 0.0, out=earned)

    @property
    def cost_per_unit(self) -> np.ndarray:
        """Money that every unit sent costs: holding, shipping, and what it would have earned at the DC where it cannot wait."""
        cost = self.holding_per_unit + self.ship_cost_per_unit
        cost += np.where(self.is_last_shipment, self.row_keep_price[self.pair_row], 0.0)
        return cost

    @property
    def row_supply_units(self) -> np.ndarray:
        """Units a row may ship: available less hold-back, never negative."""
        return np.maximum(self.row_available_units - self.row_hold_back_units, 0)


def pairs_of(problem: AllocationProblem, index) -> AllocationProblem:
    """The pairs at `index` (a slice, a mask or an order); rows, pools and capacities stay as they are."""
    shared = ("row_", "pool_", "receiving_capacity_", "dispatch_capacity_")
    names = [f.name for f in fields(problem) if not f.name.startswith(shared)]
    return replace(problem, **{name: getattr(problem, name)[index] for name in names})


@dataclass(frozen=True)
class StartPrices:
    """Prices to start the search from, in the problem's order of capacities (yesterday's, semantics 6); 0 = none known."""

    receiving: np.ndarray
    dispatch: np.ndarray
    lines: np.ndarray


@dataclass(frozen=True)
class AllocationSettings:
    """Effort and parallelism; the plan does not depend on `threads`.

    `price_rounds` most passes of the price search, `damping` of its steps, `target_gap` at which a small problem needs no
    further plan, `polish_pairs` most pairs with open cases for which a MIP refines the plan (0 = never), `start_prices`.
    From `stream_pairs` pairs on, only cases near their threshold are held at once (see `stream`).
    """

    threads: int = 2
    price_rounds: int = 40
    damping: float = 0.8
    target_gap: float = 1e-5
    polish_pairs: int = 20_000
    start_prices: StartPrices | None = None
    stream_pairs: int = 2_000_000


@dataclass(frozen=True)
class Certificate:
    """Value, proven bound and gap (1 - value / bound, None where the bound is not positive; semantics 22).

    `objective_bound`: no feasible plan with at least this plan's presentation bonus has a higher value.
    `objective_bound_any_presentation`: no feasible plan at all has a higher value. Equal where no bonus is paid.
    """

    objective_value: float
    objective_bound: float
    presentation_bonus: float
    optimality_gap: float | None
    objective_bound_any_presentation: float | None = None


@dataclass(frozen=True)
class AllocationPlan:
    """The decision: arrays over pairs in the problem's order, prices, unused rent and certificates.

    Pairs: `want_cases` (cases of positive worth at zero price without any limit), `need_units` (want, or the forced
    minimum where larger), `cases` (a partial case of an override counts as one), `units`, `forced_cases` (granted to
    minimums before anything else), `objective_value`, `objective_bound` (the pair's slice), `presentation_bonus`,
    `marginal_value` (worth of the last case, 0 without a line), `marginal_presentation` (bonus in it),
    `next_case_value` (worth of one case more, whatever the limits), `opportunity_cost` (per case; see `engine`),
    `next_opportunity_cost` (what one case more would displace), `expected_units_sold_uplift`, `binding` (index into
    REASONS), `priority_rank` (within the supply row from 1; 0 = not served and nothing wanted).

    `is_repaired`: the plan gives the pair another number of cases than its row alone would at the prices (a limit, a rule
    or whole cases moved it), so its marginal figures hold within the gap only.

    Prices: `row_price` per case of the row's pack, `pool_price`, `receiving_price`, `dispatch_price` per unit,
    `line_price` per line. Rent is price x what is left of a limit: `row_rent` (with that of its pools), `receiving_rent`, `dispatch_rent` (units and lines).

    `certificate` is the whole run; `certificate_by_dc` maps a DC code to its own slice (with the rent of its rows and
    dispatch, without that of receiving).
    """

    want_cases: np.ndarray
    need_units: np.ndarray
    cases: np.ndarray
    units: np.ndarray
    forced_cases: np.ndarray
    objective_value: np.ndarray
    objective_bound: np.ndarray
    presentation_bonus: np.ndarray
    marginal_value: np.ndarray
    marginal_presentation: np.ndarray
    next_case_value: np.ndarray
    opportunity_cost: np.ndarray
    next_opportunity_cost: np.ndarray
    expected_units_sold_uplift: np.ndarray
    binding: np.ndarray
    priority_rank: np.ndarray
    is_repaired: np.ndarray
    row_price: np.ndarray
    pool_price: np.ndarray
    row_rent: np.ndarray
    receiving_price: np.ndarray
    receiving_rent: np.ndarray
    dispatch_price: np.ndarray
    line_price: np.ndarray
    dispatch_rent: np.ndarray
    certificate: Certificate
    certificate_by_dc: dict[int, Certificate]

    def binding_names(self) -> np.ndarray:
        """Binding constraint of each pair as a string ('' = wants nothing and gets nothing)."""
        return np.array(REASONS, dtype=object)[self.binding]


def of_bucket(values: np.ndarray, bucket: np.ndarray, none) -> np.ndarray:
    """Value (n,) of each pair's bucket, pool or capacity; `none` for those without one (-1)."""
    return np.append(values, none)[bucket]


_INTEGERS = {
    "pair_row", "pair_key", "position_units", "presentation_min_units", "shelf_capacity_units", "min_units",
    "max_units", "block", "multiple_cases", "min_ship_units", "pool", "tier", "receiving_bucket", "dispatch_bucket",
    "row_dc", "row_case_pack", "row_available_units", "row_hold_back_units", "row_rule", "pool_cap_units", "receiving_capacity_units", "dispatch_capacity_units", "dispatch_capacity_lines",
}  # fmt: skip
_DEFAULTS = {
    "holding_per_unit": 0.0, "ship_cost_per_unit": 0.0, "presentation_min_units": 0,
    "presentation_value_per_unit": 0.0, "shelf_capacity_units": NO_LIMIT, "min_units": 0, "max_units": NO_LIMIT,
    "is_max_override": False, "is_last_shipment": False, "block": OPEN, "multiple_cases": 1, "line_cost": 0.0, "min_ship_units": 0,
    "pool": NO_LIMIT, "tier": 0, "receiving_bucket": NO_LIMIT, "dispatch_bucket": NO_LIMIT,
}  # fmt: skip
_ROW_DEFAULTS = {"row_dc": 0, "row_case_pack": 1, "row_hold_back_units": 0, "row_keep_price": 0.0, "row_rule": 0}
_BOOLEANS = {"is_max_override", "is_last_shipment", "pool_is_protection"}


def allocation_problem(**arrays) -> AllocationProblem:
    """Build and check a problem from keyword arrays named as the fields of `AllocationProblem`.

    Scalars are broadcast; optional fields may be left out: `pair_key` (default: order of the pairs), costs and limits
    (default: none), `row_dc` 0, `row_case_pack` 1, `row_hold_back_units` 0, capacities (none). Raises ValueError with
    one line that says what is wrong.
    """
    n, m = len(arrays["pair_row"]), len(arrays["row_available_units"])
    arrays.setdefault("daily_mean_units", arrays.get("mean_units"))
    arrays.setdefault("pool_is_protection", np.zeros(len(arrays.get("pool_cap_units", ())), bool))
    unknown = set(arrays) - {f.name for f in fields(AllocationProblem)}
    if unknown:
        raise ValueError(f"allocation: unknown arrays {sorted(unknown)}")
    out = {}
    for f in fields(AllocationProblem):
        value = arrays.get(f.name)
        if value is None:
            value = _default(f.name, n)
        dtype = np.bool_ if f.name in _BOOLEANS else np.int64 if f.name in _INTEGERS else np.float64
        value = np.asarray(value)
        if value.ndim == 0:
            value = np.full(m if f.name.startswith("row_") else n, value)
        out[f.name] = np.ascontiguousarray(value, dtype=dtype)
    if not len(out["dispatch_capacity_lines"]):
        out["dispatch_capacity_lines"] = np.full(len(out["dispatch_capacity_units"]), NO_LIMIT, np.int64)
    if not len(out["dispatch_capacity_units"]):
        out["dispatch_capacity_units"] = np.full(len(out["dispatch_capacity_lines"]), NO_LIMIT, np.int64)
    problem = AllocationProblem(**out)
    _validate(problem, n, m)
    return problem


def _default(name: str, n: int):
    if name == "pair_key":
        return np.arange(n)
    if name in _DEFAULTS:
        return _DEFAULTS[name]
    if name in _ROW_DEFAULTS:
        return _ROW_DEFAULTS[name]
    if "capacity" in name or name == "pool_cap_units":
        return np.empty(0, np.int64)
    raise ValueError(f"allocation: array {name} is missing")


def _validate(p: AllocationProblem, n: int, m: int) -> None:
    for f in fields(AllocationProblem):
        value = getattr(p, f.name)
        shared = "_capacity_" in f.name and "shelf" not in f.name
        want = m if f.name.startswith("row_") else None if shared or f.name.startswith("pool_") else n
        if want is not None and value.shape != (want,):
            raise ValueError(f"allocation: {f.name} has shape {value.shape}, expected ({want},)")
        if value.dtype == np.float64 and not np.isfinite(value).all():
            raise ValueError(f"allocation: {f.name} holds values that are not finite")
    if len(p.dispatch_capacity_units) != len(p.dispatch_capacity_lines):
        raise ValueError("allocation: dispatch_capacity_units and dispatch_capacity_lines differ in length")
    _in_range("pair_row", p.pair_row, 0, m)
    _in_range("receiving_bucket", p.receiving_bucket, -1, len(p.receiving_capacity_units))
    _in_range("dispatch_bucket", p.dispatch_bucket, -1, len(p.dispatch_capacity_units))
    _in_range("block", p.block, 0, 5)
    _in_range("row_rule", p.row_rule, 0, 4)
    _in_range("pool", p.pool, -1, len(p.pool_cap_units))
    minimums = {
        "mean_units": 0, "dispersion": 1, "holding_per_unit": 0, "ship_cost_per_unit": 0, "min_units": 0,
        "presentation_value_per_unit": 0, "row_case_pack": 1, "row_hold_back_units": 0,
        "multiple_cases": 1, "line_cost": 0, "min_ship_units": 0, "row_keep_price": 0, "pool_cap_units": 0,
        "receiving_capacity_units": -1, "dispatch_capacity_units": -1, "dispatch_capacity_lines": -1,
    }  # fmt: skip
    for name, least in minimums.items():
        values = getattr(p, name)
        if values.size and values.min() < least:
            raise ValueError(f"allocation: {name} must be >= {least}, lowest is {values.min()}")
    if n and (p.gain_per_unit + p.holding_per_unit).min() < 0:
        raise ValueError("allocation: gain_per_unit + holding_per_unit must be >= 0 (case values would not fall)")


def _in_range(name: str, values: np.ndarray, low: int, high: int) -> None:
    if values.size and (values.min() < low or values.max() >= high):
        raise ValueError(f"allocation: {name} must lie in [{low}, {high}), got {values.min()}..{values.max()}")
