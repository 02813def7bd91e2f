"""Expectations of the decisions: forecasts, classes, allocations, needs and the certificate (semantics 2, 20-23)."""

from __future__ import annotations

from data_quality.expectations.accuracy import accuracy_parts
from data_quality.expectations.corrections import reconciliation_parts
from data_quality.expectations.exceptions import exception_parts
from data_quality.expectations.records import record_parts
from data_quality.expectations.replenishment import replenishment_parts
from data_quality.expectations.root_causes import cause_parts
from data_quality.expectations.spec import WARNING, ExpectationSpec, SpecBuilder, flatten
from data_quality.expectations.supply import supply_parts
from data_quality.invariants import BARRED, BINDING_CONSTRAINTS, GAP_WRONG

SUITE = "decisions"
LANE = ("from_location_id", "to_location_id", "sku_id")


_OVER_AVAILABLE = """
SELECT a.from_location_id, a.sku_id, sum(a.units) AS units, any_value(p.available) AS available
FROM {batch} AS a
LEFT JOIN inventory_positions AS p
    ON p.location_id = a.from_location_id AND p.sku_id = a.sku_id
GROUP BY ALL HAVING sum(a.units) > coalesce(any_value(p.available), 0)
"""

_OVER_HOLD_BACK = """
SELECT a.from_location_id, a.sku_id, sum(a.units) AS units, min(n.supply_units) AS supply_units
FROM {batch} AS a JOIN allocation_needs AS n USING (from_location_id, to_location_id, sku_id)
GROUP BY ALL HAVING sum(a.units) > min(n.supply_units)
"""

_OVER_RECEIVING = """
SELECT a.to_location_id, a.arrival_date, sum(a.units) AS units
FROM {batch} AS a
JOIN (
    SELECT to_location_id, min(receiving_capacity_units) AS capacity_units
    FROM int_allocation_pairs GROUP BY ALL
) AS c USING (to_location_id)
GROUP BY ALL HAVING sum(a.units) > any_value(c.capacity_units)
"""

_OVER_SHELF = """
SELECT a.* FROM {batch} AS a JOIN allocation_needs AS n USING (from_location_id, to_location_id, sku_id)
WHERE a.override_id IS NULL AND n.position_units + a.units > n.shelf_capacity
"""

_ALLOCATED_NOT_LINES = """
SELECT from_location_id, to_location_id, sku_id, n.allocated_units, a.units
FROM {batch} AS n FULL JOIN allocations AS a USING (from_location_id, to_location_id, sku_id)
WHERE coalesce(n.allocated_units, 0) <> coalesce(a.units, 0)
"""

_BROKEN_CASES = """
SELECT a.* FROM {batch} AS a JOIN allocation_needs AS n USING (from_location_id, to_location_id, sku_id)
WHERE a.override_id IS NULL AND n.forced_units = 0 AND a.units <> a.cases * n.case_pack
"""

_OFF_MULTIPLE = """
SELECT a.* FROM {batch} AS a JOIN allocation_needs AS n USING (from_location_id, to_location_id, sku_id)
WHERE n.forced_units = 0 AND (a.units % n.order_units <> 0 OR a.units < n.min_ship_units)
"""

_OVER_POOL = """
SELECT from_location_id, sku_id, pool, sum(allocated_units) AS units, min(pool_cap_units) AS pool_cap_units
FROM {batch} WHERE pool IS NOT NULL GROUP BY ALL HAVING sum(allocated_units) > min(pool_cap_units)
"""

_NOT_FIRM = """
SELECT a.* FROM {batch} AS a
LEFT JOIN int_allocation_pairs AS p USING (from_location_id, to_location_id, sku_id)
WHERE a.is_firm <> (a.ship_date = a.business_date + coalesce(p.release_days, 1)::INTEGER)
"""

DEMAND_CLASSES = ("smooth", "intermittent", "erratic", "lumpy", "none")
_CHANGED_TO_ANOTHER = """
SELECT c.sku_id, c.dimension FROM {batch} AS c LEFT JOIN sku_segments AS s ON s.sku_id = c.sku_id
WHERE c.new_class IS DISTINCT FROM CASE c.dimension
    WHEN 'abc' THEN s.abc WHEN 'xyz' THEN s.xyz WHEN 'velocity' THEN s.velocity WHEN 'lifecycle' THEN s.lifecycle
    WHEN 'demand_class' THEN s.demand_class END
"""

_DISPATCHED = """
SELECT a.from_location_id, a.ship_date, sum(a.units) AS units, count(*) AS lines
FROM {batch} AS a
JOIN (
    SELECT location_id, max(dispatch_capacity_units) AS units, max(dispatch_capacity_lines) AS lines
    FROM int_dc_supply GROUP BY ALL
) AS c ON c.location_id = a.from_location_id
GROUP BY ALL
"""


def decision_specs() -> tuple[ExpectationSpec, ...]:
    """The suite `decisions`."""
    return flatten([
        *_forecasts(), *accuracy_parts(SUITE), *_segments(), *_segment_changes(), *_signals(), *_allocation_rows(),
        *_allocation_supply(), *_allocation_capacities(),
        *_allocation_pairs(), *_needs(), *_need_limits(), *_certificate(), *exception_parts(SUITE), *record_parts(SUITE),
        *reconciliation_parts(SUITE), *supply_parts(SUITE), *replenishment_parts(SUITE), *cause_parts(SUITE),
    ])  # fmt: skip


def _forecasts() -> list[ExpectationSpec | list[ExpectationSpec]]:
    forecasts = SpecBuilder(SUITE, "demand_forecasts", ("location_id", "sku_id"))
    return [
        forecasts.of_run_date(),
        forecasts.unique("business_date", "location_id", "sku_id"),
        forecasts.not_null(
            "business_date", "location_id", "sku_id", "daily_mean", "dispersion", "p50", "p90", "p95", "p99",
            "horizon_days", "next_day_mean", "next_day_dispersion", "base_daily_mean", "method", "observed_days",
            "censored_days",
        ),
        forecasts.where(
            "mean_finite",
            "NOT isfinite(daily_mean) OR NOT isfinite(dispersion) OR daily_mean < 0 OR dispersion < 1"
            " OR NOT isfinite(next_day_mean) OR NOT isfinite(next_day_dispersion) OR NOT isfinite(base_daily_mean)"
            " OR next_day_mean < 0 OR next_day_dispersion < 1 OR base_daily_mean < 0",
            "means are finite and at least 0, variance-to-mean ratios finite and at least 1",
        ),
        forecasts.where(
            "quantiles_monotone",
            "NOT (0 <= p50 AND p50 <= p90 AND p90 <= p95 AND p95 <= p99)",
            "0 <= p50 <= p90 <= p95 <= p99",
        ),
        forecasts.between("horizon_days", 1),
        forecasts.between("observed_days", 0),
        forecasts.between("censored_days", 0),
    ]  # fmt: skip


def _segments() -> list[ExpectationSpec | list[ExpectationSpec]]:
    segments = SpecBuilder(SUITE, "sku_segments", ("sku_id",))
    return [
        segments.of_run_date(),
        segments.unique("business_date", "sku_id"),
        segments.not_null("business_date", "sku_id", "abc"),
        segments.one_of("abc", ["A", "B", "C"]),
        segments.one_of("xyz", ["X", "Y", "Z"]),
        segments.one_of("demand_class", DEMAND_CLASSES),
        segments.one_of("lifecycle", ["new", "core", "exit"]),
        segments.where(
            "service_target_is_rate",
            "service_target IS NULL OR NOT (service_target > 0 AND service_target < 1)",
            "the service target lies between 0 and 1",
        ),
        segments.where(
            "margin_rate_finite", "NOT isfinite(margin_rate) OR margin_rate > 1", "margin rate is finite, at most 1"
        ),
    ]


def _segment_changes() -> list[ExpectationSpec | list[ExpectationSpec]]:
    changes = SpecBuilder(SUITE, "sku_segment_changes", ("sku_id", "dimension"))
    return [
        changes.of_run_date(),
        changes.unique("business_date", "sku_id", "dimension"),
        changes.one_of("dimension", ["abc", "xyz", "demand_class", "velocity", "lifecycle"]),
        changes.where(
            "says_why",
            "reason IS NULL OR old_class IS NOT DISTINCT FROM new_class",
            "a change names two classes and its reason",
        ),
        changes.rows("leads_to_the_segment", _CHANGED_TO_ANOTHER, "the new class is the one that the SKU has"),
    ]


def _signals() -> list[ExpectationSpec | list[ExpectationSpec]]:
    signals = SpecBuilder(SUITE, "demand_signals", ("location_id", "sku_id", "signal"))
    return [
        signals.of_run_date(),
        signals.unique("business_date", "location_id", "sku_id", "signal"),
        signals.one_of("signal", ["tracking", "bias", "outlier", "break", "stop"]),
        signals.one_of("direction", ["up", "down"]),
        signals.between("value_at_risk", 0),
        signals.where("detail_given", "detail IS NULL OR observed_on > business_date", "says what was seen, and when"),
        signals.where(
            "past_its_threshold",
            "NOT coalesce(CASE WHEN signal IN ('outlier', 'stop') THEN value <= threshold ELSE abs(value) >= threshold END, false)",
            "a chance is at most its threshold, any other figure at least",
        ),
    ]


def _allocation_rows() -> list[ExpectationSpec | list[ExpectationSpec]]:
    lines = SpecBuilder(SUITE, "allocations", LANE)
    return [
        lines.unique("business_date", *LANE),
        lines.unique("allocation_id", name="allocation_id_unique"),
        lines.not_null(
            "business_date", "allocation_id", *LANE, "is_firm", "units", "cases", "ship_date", "arrival_date",
            "priority_rank", "marginal_value", "opportunity_cost", "binding_constraint", "approval_status",
            "scenario_id",
        ),
        lines.between("units", 1),
        lines.one_of("binding_constraint", BINDING_CONSTRAINTS),
        lines.one_of("approval_status", ["auto", "pending", "approved"]),
        lines.of_run_date(),
        lines.where("moves", "from_location_id = to_location_id", "no line ships a location to itself"),
        lines.rows(
            "firm_ships_next_day",
            _NOT_FIRM,
            "a line is firm exactly where it ships on D + 1 (semantics 20), or D + 2 where the lane's cut-off is over",
        ),
        lines.where(
            "dates_in_order",
            "ship_date <= business_date OR arrival_date < ship_date",
            "lines ship after D and arrive no earlier than they ship (semantics 2)",
        ),
        lines.where(
            "uplift_finite",
            "expected_units_sold_uplift IS NOT NULL AND NOT isfinite(expected_units_sold_uplift)",
            "the expected uplift is a finite number",
        ),
        lines.rows(
            "whole_cases",
            _BROKEN_CASES,
            "units are whole case packs unless an override says otherwise",
        ),
        lines.rows(
            "whole_multiples",
            _OFF_MULTIPLE,
            "units are whole cases, layers or pallets as the lane asks, and at least its least shipment, unless forced",
        ),
    ]  # fmt: skip


def _allocation_supply() -> list[ExpectationSpec]:
    lines = SpecBuilder(SUITE, "allocations", ("from_location_id", "sku_id"))
    return [
        lines.rows(
            "within_available",
            _OVER_AVAILABLE,
            "no location gives more of a SKU than it has available",
        ),
        lines.rows(
            "within_hold_back",
            _OVER_HOLD_BACK,
            "no location gives more of a SKU than its available stock less hold-backs",
        ),
    ]


def _allocation_capacities() -> list[ExpectationSpec]:
    lines = SpecBuilder(SUITE, "allocations", ("from_location_id", "ship_date"))
    return [
        lines.rows(
            "within_receiving_capacity",
            _OVER_RECEIVING,
            "no location receives more on a date than its receiving capacity",
            keys=("to_location_id", "arrival_date"),
        ),
        lines.rows(
            "within_dispatch_units",
            f"{_DISPATCHED} HAVING sum(a.units) > any_value(c.units)",
            "no DC dispatches more units on a date than its capacity",
        ),
        lines.rows(
            "within_dispatch_lines",
            f"{_DISPATCHED} HAVING count(*) > any_value(c.lines)",
            "no DC dispatches more lines on a date than its capacity",
        ),
        lines.rows(
            "within_shelf_capacity",
            _OVER_SHELF,
            "what a pair has and gets fits its shelf, unless an override says otherwise",
            keys=LANE,
        ),
    ]


def _allocation_pairs() -> list[ExpectationSpec]:
    lines = SpecBuilder(SUITE, "allocations", LANE)
    pairs = "{batch} AS a JOIN int_allocation_pairs AS p USING (from_location_id, to_location_id, sku_id)"
    return [
        lines.rows(
            "pair_known",
            """
            SELECT a.* FROM {batch} AS a
            ANTI JOIN int_allocation_pairs AS p USING (from_location_id, to_location_id, sku_id)
            """,
            "every line is for a pair that could be allocated",
        ),
        lines.rows(
            "pair_not_blocked",
            f"SELECT a.* FROM {pairs} WHERE p.is_blocked",
            "no blocked, closed or excluded pair receives a unit",
        ),
        lines.rows(
            "within_override_maximum",
            f"SELECT a.* FROM {pairs} WHERE a.units > p.max_units",
            "no line exceeds the maximum of an override in force (semantics 21)",
        ),
        lines.rows(
            "ships_on_ship_day",
            f"SELECT a.* FROM {pairs} WHERE substr(p.ship_days, isodow(a.ship_date), 1) = '-'",
            "lines ship on days on which the lane ships (semantics 2)",
        ),
        lines.rows(
            "arrives_on_receiving_day",
            f"SELECT a.* FROM {pairs} WHERE substr(p.receiving_days, isodow(a.arrival_date), 1) = '-'",
            "lines arrive on days on which the location receives (semantics 2)",
        ),
    ]


def _needs() -> list[ExpectationSpec | list[ExpectationSpec]]:
    needs = SpecBuilder(SUITE, "allocation_needs", LANE)
    return [
        needs.of_run_date(),
        needs.unique("business_date", *LANE),
        needs.not_null(
            "business_date", *LANE, "need_units", "allocated_units", "shorted_units", "supply_units", "case_pack",
            "objective_value", "objective_bound", "binding_constraint",
        ),
        needs.one_of("binding_constraint", BINDING_CONSTRAINTS),
        needs.between("need_units", 0),
        needs.between("allocated_units", 0),
        needs.between("case_pack", 1),
        needs.where(
            "shortage_right",
            "shorted_units <> greatest(0, need_units - allocated_units)",
            "shorted = max(0, need - allocated)",
        ),
        needs.rows(
            "allocated_is_lines",
            _ALLOCATED_NOT_LINES,
            "allocated units are those of the allocation lines",
        ),
        needs.where(
            "blocked_gets_nothing",
            f"binding_constraint IN {BARRED} AND allocated_units > 0",
            "a pair that cannot be shipped to gets nothing",
        ),
        needs.where(
            "shortage_explained",
            "shorted_units > 0 AND binding_constraint = 'need_met'",
            "a shortage is never explained by a need that was met",
            **WARNING,
        ),
    ]  # fmt: skip


def _need_limits() -> list[ExpectationSpec]:
    needs = SpecBuilder(SUITE, "allocation_needs", LANE)
    return [
        needs.rows(
            "within_pool",
            _OVER_POOL,
            "the pairs of a quota, or outside of promotions that keep units, get no more than that admits",
            keys=("from_location_id", "sku_id", "pool"),
        ),
        needs.where(
            "unmet_minimum_explained",
            "forced_units > allocated_units AND least_change IS NULL",
            "a forced minimum that is not met says what would meet it",
        ),
        needs.where(
            "prices_not_negative",
            "kept_value_per_unit < 0 OR supply_price < 0 OR pool_price < 0 OR receiving_price < 0 OR dispatch_price < 0"
            " OR line_price < 0 OR line_cost < 0",
            "prices and costs are at least 0",
        ),
    ]


def _certificate() -> list[ExpectationSpec | list[ExpectationSpec]]:
    certificate = SpecBuilder(SUITE, "allocation_certificate", ("from_location_id",))
    parts = """
        SELECT c.* FROM {batch} AS c
        CROSS JOIN (
            SELECT coalesce(sum(objective_value), 0) AS objective_value,
                coalesce(sum(objective_bound), 0) AS objective_bound,
                0.000001 * (count(*) + 1) AS rounding
            FROM allocation_needs
        ) AS n
        WHERE c.from_location_id = '*'
        """
    return [
        certificate.of_run_date(),
        certificate.unique("business_date", "from_location_id"),
        certificate.not_null("business_date", "from_location_id", "objective_value", "objective_bound"),
        certificate.rows(
            "run_certified",
            """
            SELECT '*' AS from_location_id, count(*) AS certificates FROM {batch}
            WHERE from_location_id = '*' HAVING count(*) <> 1
            """,
            "the run has one certificate, the row *",
        ),
        certificate.where("value_within_bound", "objective_value > objective_bound", "value is at most its bound"),
        certificate.where("gap_right", GAP_WRONG, "gap = 1 - value / bound, null where the bound is 0 (semantics 22)"),
        certificate.rows(
            "value_is_sum_of_parts",
            f"{parts} AND abs(c.objective_value - n.objective_value) > n.rounding",
            "the certified value is the sum of the pairs' values",
        ),
        certificate.rows(
            "bound_covers_parts",
            f"{parts} AND c.objective_bound < n.objective_bound - n.rounding",
            "the certified bound is at least the sum of the pairs' bounds (unused capacity rent stays in *)",
        ),
    ]
