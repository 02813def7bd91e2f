"""Expectations of the measures: KPIs by day and period, allocation performance, row accounting, quarantine, reconciliations."""

from __future__ import annotations

from data_quality.expectations.periods import period_parts
from data_quality.expectations.reconciliations import reconciliation_specs
from data_quality.expectations.spec import WARNING, ExpectationSpec, SpecBuilder, flatten
from data_quality.invariants import GAP_WRONG, ROWS_NOT_CONSERVED

SUITE = "marts"
REASONS = (
    "unparseable", "missing_required", "bad_type", "out_of_range", "bad_enum", "unknown_sku", "unknown_location",
    "not_merchandise", "future_dated", "too_late", "conflicting_duplicate", "manifest_mismatch",
)  # fmt: skip
#: Measures whose total is the sum of its parts (the rest are ratios).
KPI_ADDITIVE = (
    "sales_units", "net_sales", "returned_units", "refunds", "inventory_value", "stockout_positions",
    "overstock_positions", "lost_sales_units", "lost_sales_value", "open_variances", "corrections", "covered_positions",
    "order_units_due", "order_units_filled", "order_lines_due", "order_lines_filled", "orders_due", "orders_filled",
)  # fmt: skip
KPI_RATES = (
    "fill_rate", "on_shelf_availability", "in_stock_rate", "inventory_record_accuracy",
    "inventory_record_accuracy_window", "ira_exact", "ira_units", "count_coverage_rate",
    "unit_fill_rate", "line_fill_rate", "order_fill_rate",
)  # fmt: skip
#: Rate, what was served, what fell due.
ORDER_FILL = (
    ("unit_fill_rate", "order_units_filled", "order_units_due"),
    ("line_fill_rate", "order_lines_filled", "order_lines_due"),
    ("order_fill_rate", "orders_filled", "orders_due"),
)
KPI_KEY = ("business_date", "location_id", "department")
PERFORMANCE_KEY = ("business_date", "channel", "department")
PERFORMANCE_ADDITIVE = ("requested_units", "allocated_units", "shorted_units")
#: Far below one unit or one cent, and above what DECIMAL(…, 6) parts can lose by rounding.
TOLERANCE = "0.005"

_ORDER_FILL_WRONG = " OR ".join(
    f"{filled} NOT BETWEEN 0 AND {due} OR ({rate} IS NULL) <> ({due} = 0) OR abs({rate} - {filled}::DOUBLE / nullif({due}, 0)) > 0.000001"
    for rate, filled, due in ORDER_FILL
)

_RUN_WITHOUT_TOTAL = """
SELECT getvariable('run_date') AS business_date FROM {batch}
HAVING count(*) FILTER (
    business_date = getvariable('run_date') AND location_id = '*' AND department = '*') <> 1
"""

_SALES_NOT_FACTS = """
SELECT k.business_date, k.sales_units, d.sales_units AS fact_units
FROM (SELECT b.* FROM {batch} AS b WHERE b.location_id = '*' AND b.department = '*') AS k
LEFT JOIN (
    SELECT business_date, sum(sales_units) AS sales_units, sum(net_sales) AS net_sales
    FROM int_demand_daily GROUP BY ALL
) AS d USING (business_date)
WHERE k.sales_units <> coalesce(d.sales_units, 0)
    OR abs(k.net_sales - coalesce(d.net_sales, 0)) > 0.005
"""

_UNITS_NOT_DECISIONS = """
SELECT k.* FROM (SELECT b.* FROM {batch} AS b WHERE b.channel = '*' AND b.department = '*') AS k
CROSS JOIN (
    SELECT coalesce(sum(need_units), 0) AS need_units, coalesce(sum(allocated_units), 0) AS allocated_units
    FROM allocation_needs
) AS n
WHERE k.requested_units <> n.need_units OR k.allocated_units <> n.allocated_units
"""

_CERTIFICATE_NOT_CARRIED = """
SELECT c.business_date FROM allocation_certificate AS c
LEFT JOIN (SELECT b.* FROM {batch} AS b WHERE b.channel = '*' AND b.department = '*') AS k
    USING (business_date)
WHERE c.from_location_id = '*' AND (k.objective_value IS DISTINCT FROM c.objective_value
    OR k.objective_bound IS DISTINCT FROM c.objective_bound)
"""

_ROWS_NOT_ACCOUNTED = """
SELECT feed, business_date, file, q.open_rows, a.rows_quarantined
FROM (
    SELECT feed, business_date, file, count(*) AS open_rows
    FROM (SELECT b.* FROM {batch} AS b WHERE b.resolved_on IS NULL) AS o GROUP BY ALL
) AS q
FULL JOIN (SELECT feed, business_date, file, sum(rows_quarantined) AS rows_quarantined
    FROM feed_accounting GROUP BY ALL) AS a USING (feed, business_date, file)
WHERE coalesce(q.open_rows, 0) <> coalesce(a.rows_quarantined, 0)
"""


def mart_specs() -> tuple[ExpectationSpec, ...]:
    """The suite `marts`."""
    kpi = [*_kpi(), *_kpi_comparisons(), *period_parts(SUITE)]
    plan = [*_performance(), *_performance_totals()]
    return flatten([*kpi, *plan, *_accounting(), *_quarantine(), *reconciliation_specs()])


def _total_is_sum(first: str, second: str, measures: tuple[str, ...]) -> str:
    """Rows with `*` in a dimension whose measures differ from the sum over that dimension's values."""
    sums = ", ".join(f"sum(b.{measure}) AS {measure}" for measure in measures)
    wrong = " OR ".join(
        f"abs(coalesce(t.{measure}, 0) - coalesce(s.{measure}, 0)) > {TOLERANCE}" for measure in measures
    )
    return f"""
        WITH leaves AS (SELECT b.* FROM {{batch}} AS b WHERE b.{first} <> '*' AND b.{second} <> '*'),
        sums AS (
            SELECT business_date, coalesce({first}, '*') AS {first}, coalesce({second}, '*') AS {second}, {sums}
            FROM leaves AS b
            GROUP BY GROUPING SETS ((business_date), (business_date, {first}), (business_date, {second}))
        )
        SELECT t.business_date, t.{first}, t.{second}
        FROM (SELECT b.* FROM {{batch}} AS b WHERE b.{first} = '*' OR b.{second} = '*') AS t
        LEFT JOIN sums AS s ON s.business_date = t.business_date AND s.{first} = t.{first} AND s.{second} = t.{second}
        WHERE {wrong}
        """


def _kpi() -> list[ExpectationSpec | list[ExpectationSpec]]:
    kpi = SpecBuilder(SUITE, "kpi_daily", KPI_KEY)
    return [
        kpi.has_rows(),
        kpi.unique(*KPI_KEY),
        kpi.not_null(*KPI_KEY, "sales_units", "net_sales"),
        [kpi.between(rate, 0, 1) for rate in KPI_RATES],
        kpi.between("sell_through", 0, 1, **WARNING),
        kpi.between("return_rate", 0, 1, **WARNING),
        kpi.between("sales_units", 0),
        kpi.between("returned_units", 0),
        kpi.between("stockout_positions", 0),
        kpi.between("lost_sales_units", 0),
        kpi.between("shrink_value", 0),
        kpi.between("open_variances", 0),
        kpi.between("open_variance_value", 0),
        kpi.between("days_to_correct", 0),
        kpi.between("record_error_units", 0),
        kpi.where(
            "netting_only_hides",
            "ira_value_net < ira_value - 0.000001 OR ira_exact > inventory_record_accuracy",
            "record accuracy: netted is at least absolute, exact at most within tolerance",
        ),
        kpi.where(
            "order_fill_right",
            _ORDER_FILL_WRONG,
            "fill of order units, lines and orders is what was served of what fell due, null where nothing did",
        ),
    ]


def _kpi_comparisons() -> list[ExpectationSpec]:
    kpi = SpecBuilder(SUITE, "kpi_daily", KPI_KEY)
    return [
        kpi.rows(
            "totals_are_sums",
            _total_is_sum("location_id", "department", KPI_ADDITIVE),
            "additive totals (*) are the sum of their parts (semantics 24)",
        ),
        kpi.rows(
            "run_has_total",
            _RUN_WITHOUT_TOTAL,
            "the run's date has its one total row",
            keys=("business_date",),
        ),
        kpi.rows(
            "sales_are_facts",
            _SALES_NOT_FACTS,
            "units and net sales of the total are those of the demand facts",
            keys=("business_date",),
        ),
    ]


def _performance() -> list[ExpectationSpec | list[ExpectationSpec]]:
    key = PERFORMANCE_KEY
    performance = SpecBuilder(SUITE, "allocation_performance", key)
    return [
        performance.has_rows(),
        performance.unique(*key),
        performance.not_null(
            *key, "requested_units", "allocated_units", "shorted_units", "objective_value", "objective_bound"
        ),
        performance.between("requested_units", 0),
        performance.between("backlog_units", 0),
        performance.where("value_within_bound", "objective_value > objective_bound", "value is at most its bound"),
        performance.where("gap_right", GAP_WRONG, "gap = 1 - value / bound, null where the bound is 0 (semantics 22)"),
        performance.where(
            "fill_rate_right",
            "CASE WHEN requested_units = 0 THEN allocation_fill_rate IS NOT NULL "
            "ELSE abs(allocation_fill_rate - allocated_units / requested_units) > 0.000001 "
            "OR allocation_fill_rate IS NULL END",
            "allocation fill rate = allocated / requested, null where nothing was requested (semantics 24)",
        ),
    ]


def _performance_totals() -> list[ExpectationSpec]:
    performance = SpecBuilder(SUITE, "allocation_performance", PERFORMANCE_KEY)
    return [
        performance.rows(
            "totals_are_sums",
            _total_is_sum("channel", "department", (*PERFORMANCE_ADDITIVE, "objective_value")),
            "additive totals (*) are the sum of their parts",
        ),
        performance.rows(
            "units_are_decisions",
            _UNITS_NOT_DECISIONS,
            "requested and allocated units of the total are those of the decisions",
        ),
        performance.rows(
            "certificate_carried",
            _CERTIFICATE_NOT_CARRIED,
            "the total row is the run's certificate (semantics 22)",
            keys=("business_date",),
        ),
    ]


def _accounting() -> list[ExpectationSpec | list[ExpectationSpec]]:
    key = ("feed", "business_date", "file")
    accounting = SpecBuilder(SUITE, "feed_accounting", key)
    return [
        accounting.unique(*key),
        accounting.not_null(*key, "rows_landed", "rows_loaded", "rows_duplicate", "rows_quarantined"),
        accounting.where(
            "rows_conserved",
            ROWS_NOT_CONSERVED,
            "landed = loaded + duplicate + quarantined for every feed, date and file",
        ),
        accounting.where(
            "counts_not_negative",
            "least(rows_landed, rows_loaded, rows_duplicate, rows_quarantined, rows_late) < 0",
            "no count of rows is negative",
        ),
    ]


def _quarantine() -> list[ExpectationSpec | list[ExpectationSpec]]:
    key = ("feed", "business_date", "file", "line")
    quarantine = SpecBuilder(SUITE, "quarantine", key)
    return [
        quarantine.unique(*key),
        quarantine.not_null("feed", "business_date", "file", "reasons", "first_seen"),
        quarantine.where("has_reason", "len(reasons) = 0", "every quarantined row says why"),
        quarantine.where(
            "reasons_known",
            f"NOT list_has_all([{', '.join(repr(reason) for reason in REASONS)}], reasons)",
            "the reasons are those of the landing contract",
        ),
        quarantine.where(
            "resolved_after_seen", "resolved_on < first_seen", "no row is resolved before it was seen", **WARNING
        ),
        quarantine.rows(
            "rows_accounted",
            _ROWS_NOT_ACCOUNTED,
            "open quarantined rows are as many as the accounting says, for every file",
            keys=("feed", "business_date", "file"),
        ),
    ]
