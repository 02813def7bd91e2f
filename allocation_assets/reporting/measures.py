"""The headline measures: how each is called, formatted and judged. Their formulas live in the dbt models."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Measure:
    """One headline measure, a column of `kpi_daily` or `allocation_performance`.

    kind: how it is written (see words.write). good: +1 when more is better, -1 when less is, 0 when neither.
    is_flow: adds up over dates, so that the weekly variant sums it over its seven days; else it is the date's own.
    moves_at: a change from here on is worth a sentence: a share of the value before, for rates points of the rate.
    """

    name: str
    label: str
    kind: str
    good: int
    is_flow: bool = False
    moves_at: float = 0.02


KPI = (
    Measure("net_sales", "Net sales", "money", 1, True),
    Measure("gross_margin", "Gross margin", "money", 1, True),
    Measure("sales_units", "Units sold", "units", 0, True),
    Measure("lost_sales_value", "Lost sales, estimated", "money", -1, True),
    Measure("fill_rate", "Fill rate of demand", "rate", 1, moves_at=0.005),
    Measure("in_stock_rate", "In-stock rate", "rate", 1, moves_at=0.005),
    Measure("on_shelf_availability", "On-shelf availability", "rate", 1, moves_at=0.005),
    Measure("line_fill_rate", "Order lines in full and in time", "rate", 1, moves_at=0.01),
    Measure("order_fill_rate", "Orders complete and in time", "rate", 1, moves_at=0.01),
    Measure("stockout_positions", "Positions out of stock", "units", -1),
    Measure("critical_positions", "Critical positions", "units", -1),
    Measure("overstock_positions", "Overstocked positions", "units", -1),
    Measure("inventory_value", "Stock at cost", "money", 0),
    Measure("days_of_supply", "Days of supply", "days", 0, moves_at=0.05),
    Measure("inventory_record_accuracy_window", "Record accuracy", "rate", 1, moves_at=0.005),
    Measure("shrink_rate", "Shrink", "rate", -1, moves_at=0.005),
    Measure("forecast_wape", "Forecast error (WAPE)", "rate", -1, moves_at=0.02),
    Measure("forecast_bias", "Forecast bias", "rate", 0, moves_at=0.02),
)
PLAN = (
    Measure("requested_units", "Units needed", "units", 0),
    Measure("allocated_units", "Units allocated", "units", 0),
    Measure("shorted_units", "Units of need unmet", "units", -1),
    Measure("allocation_fill_rate", "Allocated of needed", "rate", 1, moves_at=0.01),
    Measure("backlog_units", "Units of open orders", "units", -1),
    Measure("objective_value", "Value of the plan", "money", 0),
    Measure("objective_bound", "Bound on any plan's value", "money", 0),
    Measure("optimality_gap", "Optimality gap", "gap", -1, moves_at=0.0005),
)
MEASURES = {measure.name: measure for measure in (*KPI, *PLAN)}

#: Measures whose change adds up over departments and over locations: what explains a headline.
ADDITIVE = (
    "net_sales",
    "gross_margin",
    "sales_units",
    "lost_sales_value",
    "stockout_positions",
    "overstock_positions",
    "inventory_value",
)

#: A rate is explained by the count or the money behind it.
EXPLAINED_BY = {
    "in_stock_rate": "stockout_positions",
    "on_shelf_availability": "stockout_positions",
    "fill_rate": "lost_sales_value",
}


def headline_query() -> str:
    """One row per measure: at the date (of the period for flows), at the date before, and the change."""
    kpi = _two_points("kpi_daily", "location_id = '*' AND department = '*'", KPI)
    plan = _two_points("allocation_performance", "channel = '*' AND department = '*'", PLAN)
    return f"""
    WITH {_unpivoted("kpi", kpi, KPI)}, {_unpivoted("plan", plan, PLAN)}
    SELECT measure, value, before_value, value - before_value AS change FROM (SELECT * FROM kpi UNION ALL SELECT * FROM plan)
    ORDER BY list_position([{", ".join(f"'{name}'" for name in MEASURES)}], measure)
    """


def movers_query() -> str:
    """What each additive measure changed by, per department and per location, the largest changes first."""
    names = ", ".join(ADDITIVE)
    sums = ", ".join(f"{_difference(MEASURES[name])} AS {name}" for name in ADDITIVE)
    return f"""
    WITH changes AS (
        SELECT CASE WHEN location_id = '*' THEN 'department' ELSE 'location' END AS dimension,
            CASE WHEN location_id = '*' THEN department ELSE location_id END AS member, {sums}
        FROM kpi_daily WHERE (location_id = '*') <> (department = '*') AND getvariable('before') IS NOT NULL
        GROUP BY ALL
    ), long AS (UNPIVOT changes ON {names} INTO NAME measure VALUE change)
    SELECT measure, dimension, member, change,
        row_number() OVER (PARTITION BY measure, dimension ORDER BY abs(change) DESC, member) AS place
    FROM long WHERE change <> 0
    QUALIFY place <= 10
    ORDER BY list_position([{", ".join(f"'{name}'" for name in ADDITIVE)}], measure), dimension, place
    """


def _difference(measure: Measure) -> str:
    """What a measure changed by; null where there is nothing whole to compare with. A member that is new counts from 0."""
    now, then = (f"coalesce(sum({measure.name}) FILTER ({_span(measure, point)}), 0)" for point in ("day", "before"))
    compared = "before_flows" if measure.is_flow else "before"
    return f"CASE WHEN getvariable('{compared}') IS NOT NULL THEN ({now} - {then})::DOUBLE END"


def _two_points(relation: str, where: str, measures: tuple[Measure, ...]) -> str:
    columns = []
    for point, prefix in (("day", "value"), ("before", "before")):
        columns += [f"(sum({m.name}) FILTER ({_span(m, point)}))::DOUBLE AS {prefix}_{m.name}" for m in measures]
    return f"SELECT {', '.join(columns)} FROM {relation} WHERE {where}"


def _span(measure: Measure, point: str) -> str:
    """The dates that count: the period that ends there for a flow, the date alone for a state or a rate."""
    if measure.is_flow:
        end = f"getvariable('{point}_flows')::DATE"
        return f"business_date > {end} - getvariable('period_days')::INTEGER AND business_date <= {end}"
    return f"business_date = getvariable('{point}')::DATE"


def _unpivoted(name: str, query: str, measures: tuple[Measure, ...]) -> str:
    rows = ", ".join(f"('{m.name}', value_{m.name}, before_{m.name})" for m in measures)
    pairs = f"SELECT unnest([{rows}]) AS triple FROM ({query})"
    return f"{name} AS (SELECT triple[1] AS measure, triple[2] AS value, triple[3] AS before_value FROM ({pairs}))"
