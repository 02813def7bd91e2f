"""Expectations of `kpi_periods`: each ratio of its own sums, each dimension the whole, each day what kpi_daily says."""

from __future__ import annotations

from data_quality.expectations.spec import WARNING, ExpectationSpec, SpecBuilder

KEY = ("business_date", "period", "dimension", "member", "department")
PERIODS = ("day", "week_to_date", "month_to_date", "year_to_date")
#: Places that are crossed with the department.
CROSSED = ("location", "channel", "region", "cluster")
DIMENSIONS = (*CROSSED, "department", "class", "segment", "total", *(f"{place}_department" for place in CROSSED))
#: Columns that kpi_daily has too, and that add up over the members of a dimension.
ADDITIVE = (
    "sales_units", "net_sales", "gross_margin", "returned_units", "refunds", "lost_sales_units", "lost_sales_value", "active_positions",
    "stockout_positions", "critical_positions", "overstock_positions", "obsolete_positions", "inventory_value", "open_order_units",
    "order_units_due", "order_units_filled", "order_lines_due", "order_lines_filled", "orders_due", "orders_filled",
)  # fmt: skip
#: Columns of the periods alone that add up too.
PERIOD_ADDITIVE = ("markdowns", "receipts_retail", "inventory_retail", "inventory_value_days")
SUMMED = ADDITIVE + PERIOD_ADDITIVE
#: Flows of which last year's figure is known or unknown together.
LAST_YEAR = (
    "sales_units", "net_sales", "gross_margin", "cogs", "markdowns", "receipts_retail", "returned_units", "refunds", "restocked_cost", "lost_sales_units",
    "lost_sales_value", "active_positions", "stockout_positions", "order_units_due", "order_units_filled", "order_lines_due", "order_lines_filled",
    "orders_due", "orders_filled", "inventory_value_days",
)  # fmt: skip
PLANS = ("planned_sales_of_month", "planned_markdowns_of_month", "planned_receipts_of_month", "planned_eom_inventory")
RATES = (
    "fill_rate", "unit_fill_rate", "line_fill_rate", "order_fill_rate", "in_stock_rate", "on_shelf_availability", "inventory_record_accuracy",
)  # fmt: skip
COUNTS = (
    "dates", "sales_units", "returned_units", "lost_sales_units", "stockout_positions", "order_units_filled", "forecast_wape", "markdowns",
    "receipts_retail", "sales_units_last_year", "lost_sales_units_last_year", "markdowns_last_year",
)  # fmt: skip
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
    "markdowns_to_plan": ("markdowns", "planned_markdowns_of_month"),
    "receipts_to_plan": ("receipts_retail", "planned_receipts_of_month"),
    "inventory_to_plan": ("inventory_retail", "planned_eom_inventory"),
}
#: As far as two divisions of the same sums may be apart.
_ROUNDING = "0.000001"
#: Far below one unit or one cent, and above what DECIMAL(…, 6) parts can lose by rounding.
_TOLERANCE = "0.005"

_RATIO_WRONG = " OR ".join(
    f"({name} IS NULL) <> (coalesce({below}, 0) <= 0) OR abs({name} - {above}::DOUBLE / nullif({below}, 0)) > {_ROUNDING}"
    for name, (above, below) in SUMS.items()
)
#: Part and whole of counts of this year and of last.
_NESTED = {
    "stockout_positions": "active_positions", "order_units_filled": "order_units_due", "order_lines_filled": "order_lines_due",
    "orders_filled": "orders_due",
}  # fmt: skip
_NOT_NESTED = " OR ".join(
    ["accurate_records > counted_records", "on_shelf_demand_units > active_demand_units", "stock_dates > dates"]
    + [f"{part}{year} > {whole}{year}" for part, whole in _NESTED.items() for year in ("", "_last_year")]
)
_FROM_WRONG = """period_from IS DISTINCT FROM CASE period WHEN 'day' THEN business_date
    WHEN 'week_to_date' THEN date_trunc('week', business_date)::DATE
    WHEN 'month_to_date' THEN date_trunc('month', business_date)::DATE ELSE date_trunc('year', business_date)::DATE END"""

_RUN_INCOMPLETE = """
SELECT getvariable('run_date') AS business_date FROM {batch}
HAVING count(*) FILTER (business_date = getvariable('run_date') AND dimension = 'total' AND member = '*') <> 4
"""

_SUMS = ", ".join(f"sum({name}) AS {name}" for name in SUMMED)
_APART = " OR ".join(f"abs(p.{name} - t.{name}) > {_TOLERANCE}" for name in SUMMED)

_DIMENSION_NOT_WHOLE = f"""
WITH parts AS (SELECT business_date, period, dimension, {_SUMS} FROM {{batch}} GROUP BY ALL)
SELECT p.business_date, p.period, p.dimension FROM parts AS p
LEFT JOIN parts AS t ON t.business_date = p.business_date AND t.period = p.period AND t.dimension = 'total'
WHERE t.dimension IS NULL OR {_APART}
"""

#: The parts of a crossing by place and by department, against the rows of the place and of the department.
_CROSSING_NOT_WHOLE = f"""
WITH own AS (SELECT * FROM {{batch}}),
parts AS (
    SELECT business_date, period, dimension, replace(dimension, '_department', '') AS whole, member, {_SUMS} FROM own WHERE department <> '*' GROUP BY ALL
    UNION ALL
    SELECT business_date, period, dimension, 'department' AS whole, department AS member, {_SUMS} FROM own WHERE department <> '*' GROUP BY ALL
),
wholes AS (
    SELECT o.*, c.place || '_department' AS crossing FROM own AS o
    INNER JOIN (SELECT unnest([{", ".join(f"'{place}'" for place in CROSSED)}]) AS place) AS c ON o.dimension IN (c.place, 'department')
)
SELECT coalesce(p.business_date, t.business_date) AS business_date, coalesce(p.period, t.period) AS period,
    coalesce(p.dimension, t.crossing) AS dimension, coalesce(p.member, t.member) AS member
FROM parts AS p
FULL JOIN wholes AS t ON t.business_date = p.business_date AND t.period = p.period AND t.crossing = p.dimension
    AND t.dimension = p.whole AND t.member = p.member
WHERE p.member IS NULL OR t.member IS NULL OR {_APART}
"""

_DAY_NOT_DAILY = f"""
SELECT coalesce(p.business_date, k.business_date) AS business_date, 'day' AS period, coalesce(p.dimension, k.dimension) AS dimension,
    coalesce(p.member, k.member) AS member, coalesce(p.department, k.part) AS department
FROM (
    SELECT b.* FROM {{batch}} AS b WHERE b.period = 'day' AND b.dimension IN ('location', 'department', 'total', 'location_department')
) AS p
FULL JOIN (
    SELECT *, CASE WHEN location_id = '*' AND department = '*' THEN 'total' WHEN location_id = '*' THEN 'department'
            WHEN department = '*' THEN 'location' ELSE 'location_department' END AS dimension,
        CASE WHEN location_id <> '*' THEN location_id ELSE department END AS member,
        CASE WHEN location_id <> '*' THEN department ELSE '*' END AS part
    FROM kpi_daily
) AS k ON k.business_date = p.business_date AND k.dimension = p.dimension AND k.member = p.member AND k.part = p.department
WHERE p.member IS NULL OR k.member IS NULL OR {" OR ".join(f"abs(p.{name} - k.{name}) > {_TOLERANCE}" for name in ADDITIVE)}
"""

_DAY_BEYOND_PERIOD = """
SELECT p.business_date, p.period, p.dimension, p.member, p.department
FROM (SELECT b.* FROM {batch} AS b WHERE b.period <> 'day') AS p
LEFT JOIN (SELECT b.* FROM {batch} AS b WHERE b.period = 'day') AS d
    ON d.business_date = p.business_date AND d.dimension = p.dimension AND d.member = p.member AND d.department = p.department
WHERE d.sales_units > p.sales_units OR d.order_lines_due > p.order_lines_due OR d.dates > p.dates OR d.markdowns > p.markdowns
    OR d.sales_units_last_year > p.sales_units_last_year
"""


def period_parts(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    """The expectations of `kpi_periods`, as part of `suite`."""
    rows = SpecBuilder(suite, "kpi_periods", KEY)
    return [
        rows.has_rows(),
        rows.unique(*KEY),
        rows.not_null(*KEY, "period_from", *SUMMED),
        rows.one_of("period", PERIODS),
        rows.one_of("dimension", DIMENSIONS),
        [rows.between(rate, 0, 1) for rate in RATES],
        rows.between("return_rate", 0, 1, **WARNING),
        [rows.between(count, 0) for count in COUNTS],
        rows.where("period_from_right", _FROM_WRONG, "a period begins on its day, Monday, first of month or first of year"),
        rows.where("ratios_are_of_sums", _RATIO_WRONG, "every ratio is that of the period's own sums, null where there is nothing to divide by"),
        *_figures(rows),
        *_comparisons(rows),
    ]  # fmt: skip


def _figures(rows: SpecBuilder) -> list[ExpectationSpec]:
    margin = "gross_margin{0} - (net_sales{0} - refunds{0} - cogs{0} + restocked_cost{0})"
    half_known = " OR ".join(f"({name}_last_year IS NULL) <> (sales_units_last_year IS NULL)" for name in LAST_YEAR)
    mean = "inventory_value_days / nullif(stock_dates, 0)"
    misplaced = "(period <> 'month_to_date' OR dimension NOT IN ('department', 'total'))"
    return [
        rows.where(
            "margin_right",
            " OR ".join(f"abs({margin.format(year)}) > {_TOLERANCE}" for year in ("", "_last_year")),
            "gross margin is net sales less refunds less the cost of what was sold and not restocked, this year and last",
        ),
        rows.where(
            "mean_stock_right",
            f"(mean_inventory_value IS NULL) <> (stock_dates = 0) OR abs(mean_inventory_value - {mean}) > {_TOLERANCE}",
            "mean stock is the daily closing stock added up over the dates with positions",
        ),
        rows.where("last_year_is_whole", half_known, "all of last year's flows are known, or none is"),
        rows.where("counts_are_nested", _NOT_NESTED, "no part is more than its whole"),
        rows.where(
            "department_of_crossings",
            "(department = '*') = ends_with(dimension, '_department')",
            "a place crossed with the department names the department, every other row '*'",
        ),
        rows.where(
            "plan_is_of_the_month",
            f"({' OR '.join(f'{plan} IS NOT NULL' for plan in PLANS)}) AND {misplaced}",
            "a plan stands beside the month to date of departments and of the total alone",
        ),
    ]


def _comparisons(rows: SpecBuilder) -> list[ExpectationSpec]:
    return [
        rows.rows("run_has_periods", _RUN_INCOMPLETE, "the run's date has its four periods in total", keys=("business_date",)),
        rows.rows("dimensions_are_whole", _DIMENSION_NOT_WHOLE, "the members of every dimension add up to the total", keys=KEY[:3]),
        rows.rows("crossings_are_whole", _CROSSING_NOT_WHOLE, "places by department add up to the places and to the departments", keys=KEY[:4]),
        rows.rows("day_is_kpi_daily", _DAY_NOT_DAILY, "the day by location, by department, by both and in total is the row of kpi_daily"),
        rows.rows("day_within_periods", _DAY_BEYOND_PERIOD, "no day has more than the week, month or year to date that ends on it"),
    ]
