"""Expectations of `kpi_periods`: each ratio of its own sums, each dimension the whole, each day what kpi_daily says."""

from __future__ import annotations

from data_quality.expectations.spec import WARNING, ExpectationSpec, SpecBuilder

KEY = ("business_date", "period", "dimension", "member")
PERIODS = ("day", "week_to_date", "month_to_date", "year_to_date")
DIMENSIONS = ("location", "channel", "region", "cluster", "department", "class", "segment", "total")
#: Columns that kpi_daily has too, and that add up over the members of a dimension.
ADDITIVE = (
    "sales_units", "net_sales", "gross_margin", "returned_units", "refunds", "lost_sales_units", "lost_sales_value", "active_positions",
    "stockout_positions", "critical_positions", "overstock_positions", "obsolete_positions", "inventory_value", "open_order_units",
    "order_units_due", "order_units_filled", "order_lines_due", "order_lines_filled", "orders_due", "orders_filled",
)  # fmt: skip
RATES = (
    "fill_rate", "unit_fill_rate", "line_fill_rate", "order_fill_rate", "in_stock_rate", "on_shelf_availability", "inventory_record_accuracy",
)  # fmt: skip
COUNTS = ("dates", "sales_units", "returned_units", "lost_sales_units", "stockout_positions", "order_units_filled", "forecast_wape")
#: Ratio -> the sums that it is of: above, and below the line.
SUMS = {
    "return_rate": ("returned_units", "sales_units"),
    "fill_rate": ("sales_units", "(sales_units + lost_sales_units)"),
    "unit_fill_rate": ("order_units_filled", "order_units_due"),
    "line_fill_rate": ("order_lines_filled", "order_lines_due"),
    "order_fill_rate": ("orders_filled", "orders_due"),
    "in_stock_rate": ("(active_positions - stockout_positions)", "active_positions"),
    "on_shelf_availability": ("on_shelf_demand_units", "active_demand_units"),
    "inventory_record_accuracy": ("accurate_records", "counted_records"),
    "forecast_wape": ("forecast_error_units_abs", "scored_units"),
    "forecast_bias": ("forecast_error_units", "scored_units"),
    "net_sales_growth": ("(net_sales - net_sales_last_year)", "net_sales_last_year"),
    "net_sales_to_plan": ("net_sales", "planned_sales_of_month"),
}
#: As far as two divisions of the same sums may be apart.
_ROUNDING = "0.000001"
#: Far below one unit or one cent, and above what DECIMAL(…, 6) parts can lose by rounding.
_TOLERANCE = "0.005"

_RATIO_WRONG = " OR ".join(
    f"({name} IS NULL) <> (coalesce({below}, 0) <= 0) OR abs({name} - {above}::DOUBLE / nullif({below}, 0)) > {_ROUNDING}"
    for name, (above, below) in SUMS.items()
)
_NOT_NESTED = (
    "stockout_positions > active_positions OR accurate_records > counted_records OR on_shelf_demand_units > active_demand_units"
    " OR order_units_filled > order_units_due OR order_lines_filled > order_lines_due OR orders_filled > orders_due"
)
_FROM_WRONG = """period_from IS DISTINCT FROM CASE period WHEN 'day' THEN business_date
    WHEN 'week_to_date' THEN date_trunc('week', business_date)::DATE
    WHEN 'month_to_date' THEN date_trunc('month', business_date)::DATE ELSE date_trunc('year', business_date)::DATE END"""

_RUN_INCOMPLETE = """
SELECT getvariable('run_date') AS business_date FROM {batch}
HAVING count(*) FILTER (business_date = getvariable('run_date') AND dimension = 'total' AND member = '*') <> 4
"""

_DIMENSION_NOT_WHOLE = f"""
WITH parts AS (
    SELECT business_date, period, dimension, {", ".join(f"sum({name}) AS {name}" for name in ADDITIVE)} FROM {{batch}} GROUP BY ALL
)
SELECT p.business_date, p.period, p.dimension FROM parts AS p
LEFT JOIN parts AS t ON t.business_date = p.business_date AND t.period = p.period AND t.dimension = 'total'
WHERE {" OR ".join(f"abs(p.{name} - t.{name}) > {_TOLERANCE} OR t.{name} IS NULL" for name in ADDITIVE)}
"""

_DAY_NOT_DAILY = f"""
SELECT coalesce(p.business_date, k.business_date) AS business_date, 'day' AS period, coalesce(p.dimension, k.dimension) AS dimension,
    coalesce(p.member, k.member) AS member
FROM (SELECT b.* FROM {{batch}} AS b WHERE b.period = 'day' AND b.dimension IN ('location', 'department', 'total')) AS p
FULL JOIN (
    SELECT *, CASE WHEN location_id <> '*' THEN 'location' WHEN department <> '*' THEN 'department' ELSE 'total' END AS dimension,
        CASE WHEN location_id <> '*' THEN location_id ELSE department END AS member
    FROM kpi_daily WHERE location_id = '*' OR department = '*'
) AS k ON k.business_date = p.business_date AND k.dimension = p.dimension AND k.member = p.member
WHERE p.member IS NULL OR k.member IS NULL OR {" OR ".join(f"abs(p.{name} - k.{name}) > {_TOLERANCE}" for name in ADDITIVE)}
"""

_DAY_BEYOND_PERIOD = """
SELECT p.business_date, p.period, p.dimension, p.member
FROM (SELECT b.* FROM {batch} AS b WHERE b.period <> 'day') AS p
LEFT JOIN (SELECT b.* FROM {batch} AS b WHERE b.period = 'day') AS d
    ON d.business_date = p.business_date AND d.dimension = p.dimension AND d.member = p.member
WHERE d.sales_units > p.sales_units OR d.order_lines_due > p.order_lines_due OR d.dates > p.dates
"""


def period_parts(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    """The expectations of `kpi_periods`, as part of `suite`."""
    rows = SpecBuilder(suite, "kpi_periods", KEY)
    return [
        rows.has_rows(),
        rows.unique(*KEY),
        rows.not_null(*KEY, "period_from", *ADDITIVE),
        rows.one_of("period", PERIODS),
        rows.one_of("dimension", DIMENSIONS),
        [rows.between(rate, 0, 1) for rate in RATES],
        rows.between("return_rate", 0, 1, **WARNING),
        [rows.between(count, 0) for count in COUNTS],
        rows.where("period_from_right", _FROM_WRONG, "a period begins on its day, Monday, first of month or first of year"),
        rows.where("ratios_are_of_sums", _RATIO_WRONG, "every ratio is that of the period's own sums, null where there is nothing to divide by"),
        rows.where(
            "margin_right",
            f"abs(gross_margin - (net_sales - refunds - cogs + restocked_cost)) > {_TOLERANCE}",
            "gross margin is net sales less refunds less the cost of what was sold and not restocked",
        ),
        rows.where("counts_are_nested", _NOT_NESTED, "no part is more than its whole"),
        rows.where(
            "plan_is_of_the_month",
            "planned_sales_of_month IS NOT NULL AND (period <> 'month_to_date' OR dimension NOT IN ('department', 'total'))",
            "a plan stands beside the month to date of departments and of the total alone",
        ),
        *_comparisons(rows),
    ]  # fmt: skip


def _comparisons(rows: SpecBuilder) -> list[ExpectationSpec]:
    return [
        rows.rows("run_has_periods", _RUN_INCOMPLETE, "the run's date has its four periods in total", keys=("business_date",)),
        rows.rows("dimensions_are_whole", _DIMENSION_NOT_WHOLE, "the members of every dimension add up to the total", keys=KEY[:3]),
        rows.rows("day_is_kpi_daily", _DAY_NOT_DAILY, "the day by location, by department and in total is the row of kpi_daily"),
        rows.rows("day_within_periods", _DAY_BEYOND_PERIOD, "no day has more than the week, month or year to date that ends on it"),
    ]
