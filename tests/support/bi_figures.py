"""Every metric of the semantic layer as somebody would ask the mart for it, and what the BI files give against it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tableauhyperapi import Connection, HyperProcess, Telemetry

from tests.support.bi_readers import Context, Looker, PowerBi, Tableau
from tests.support.home import published

CELLS = "location_id <> '*' AND department <> '*'"
#: Columns of kpi_daily that are metrics too: the published '*' row says what they must be.
KPI_COLUMNS = (
    "sales_units", "net_sales", "gross_margin", "returned_units", "refunds", "lost_sales_units", "lost_sales_value", "counted_records",
    "accurate_records", "exact_records", "active_positions", "stockout_positions", "critical_positions", "overstock_positions",
    "obsolete_positions", "covered_positions", "available_units", "inventory_value", "open_variances", "fill_rate", "return_rate",
    "in_stock_rate", "inventory_record_accuracy", "ira_exact", "count_coverage_rate", "days_of_supply", "order_units_due", "order_units_filled",
    "order_lines_due", "order_lines_filled", "orders_due", "orders_filled", "unit_fill_rate", "line_fill_rate", "order_fill_rate",
)  # fmt: skip
NETWORK = (
    "on_shelf_availability", "sell_through", "inventory_turns", "gmroi", "shrink_rate", "forecast_wape", "forecast_bias",
    "record_error_units",
)  # fmt: skip
#: Measures of a period to date, over the columns of kpi_periods; ratios, with what they are of.
PERIOD_SUMS = {
    **{name: name for name in ("sales_units", "net_sales", "gross_margin", "markdowns", "returned_units", "lost_sales_value", "order_lines_due", "order_lines_filled")},
    "demand_units": "sales_units + lost_sales_units", "active_days": "active_positions", "in_stock_days": "active_positions - stockout_positions",
}  # fmt: skip
PERIOD_RATES = {
    "fill_rate": ("sales_units", "sales_units{0} + lost_sales_units{0}"), "return_rate": ("returned_units", "sales_units{0}"),
    "line_fill_rate": ("order_lines_filled", "order_lines_due{0}"), "in_stock_rate": ("active_positions{0} - stockout_positions", "active_positions{0}"),
}  # fmt: skip
PLANNED = {
    "net_sales_to_plan": ("net_sales", "planned_sales_of_month"), "markdowns_to_plan": ("markdowns", "planned_markdowns_of_month"),
    "receipts_to_plan": ("receipts_retail", "planned_receipts_of_month"), "inventory_to_plan": ("inventory_retail", "planned_eom_inventory"),
}  # fmt: skip


def _of_periods(what: str, dimension: str, period: str) -> str:
    return f"SELECT {what} FROM kpi_periods WHERE business_date = $d AND dimension = '{dimension}' AND period = '{period}'"


def _last_year(expression: str) -> str:
    return " ".join(word if word in "+-" else f"{word}_last_year" for word in expression.split())


def _period_queries() -> Iterator[tuple[str, str]]:
    """This year's sums and rates from the row of the total, which no export holds; last year's from the rows that are there this year."""
    cells = "location_department"
    for word in ("week", "month", "year"):
        period = f"{word}_to_date"
        for name, expression in PERIOD_SUMS.items():
            yield f"{word}_{name}", _of_periods(expression, "total", period)
            yield f"{word}_{name}_last_year", _of_periods(f"sum({_last_year(expression)})", cells, period)
        for name, (above, below) in PERIOD_RATES.items():
            yield f"{word}_{name}", _of_periods(name, "total", period)
            top, bottom = f"{above}_last_year".format("_last_year"), below.format("_last_year")
            yield f"{word}_{name}_last_year", _of_periods(f"sum({top})::DOUBLE / nullif(sum({bottom}), 0)::DOUBLE", cells, period)
        over = "sum(net_sales)::DOUBLE / nullif(sum(net_sales_last_year), 0)::DOUBLE"
        yield f"{word}_net_sales_to_last_year", _of_periods(over, cells, period)
        for split in ("class", "segment"):
            for name in ("net_sales", "gross_margin", "lost_sales_value"):
                yield f"{split}_{word}_{name}", _of_periods(name, "total", period)
                yield f"{split}_{word}_{name}_last_year", _of_periods(f"sum({name}_last_year)", split, period)
    yield "inventory_value_last_year", _of_periods("sum(inventory_value_last_year)", cells, "day")
    for name, (actual, plan) in PLANNED.items():
        yield plan, _of_periods(f"sum({plan})", "department", "month_to_date")
        yield f"plan_{actual.removesuffix('_retail')}", _of_periods(actual, "total", "month_to_date")
        yield name, _of_periods(f"sum({actual})::DOUBLE / nullif(sum({plan}), 0)::DOUBLE", "department", "month_to_date")


#: Every other metric, as somebody would ask the mart for it on one date.
QUERIES = {
    "demand_units": f"SELECT sum(sales_units) + sum(lost_sales_units) FROM kpi_daily WHERE {CELLS} AND business_date = $d",
    "in_stock_positions": f"SELECT sum(active_positions) - sum(stockout_positions) FROM kpi_daily WHERE {CELLS} AND business_date = $d",
    "daily_demand_units": f"SELECT sum(daily_demand_units) FROM kpi_daily WHERE {CELLS} AND business_date = $d",
    "selling_demand_units": "SELECT daily_demand_units FROM kpi_daily WHERE location_id = '*' AND department = '*' AND business_date = $d",
    "on_hand_units": "SELECT sum(on_hand) FROM inventory_positions WHERE business_date = $d",
    "available_position_units": "SELECT sum(available) FROM inventory_positions WHERE business_date = $d",
    "in_transit_units": "SELECT sum(in_transit) FROM inventory_positions WHERE business_date = $d",
    "on_order_units": "SELECT sum(on_order) FROM inventory_positions WHERE business_date = $d",
    "damaged_units": "SELECT sum(damaged) FROM inventory_positions WHERE business_date = $d",
    "position_value": "SELECT sum(inventory_value) FROM inventory_positions WHERE business_date = $d",
    "position_count": "SELECT count(*) FROM inventory_positions WHERE business_date = $d",
    "stockout_count": "SELECT count(*) FROM inventory_positions WHERE business_date = $d AND stock_status = 'stockout'",
    "overstock_value": "SELECT sum(inventory_value) FROM inventory_positions WHERE business_date = $d AND stock_status = 'overstock'",
    "obsolete_value": "SELECT sum(inventory_value) FROM inventory_positions WHERE business_date = $d AND stock_status = 'obsolete'",
    "moved_units": "SELECT sum(units) FROM stock_ledger WHERE business_date = $d",
    "moved_value": "SELECT sum(movement_value) FROM stock_ledger WHERE business_date = $d",
    "movement_count": "SELECT count(*) FROM stock_ledger WHERE business_date = $d",
    "moved_on_hand_units": "SELECT sum(units) FROM stock_ledger WHERE business_date = $d AND bucket = 'on_hand'",
    "planned_units": "SELECT sum(units) FROM allocations WHERE business_date = $d",
    "line_units": "SELECT sum(units) FROM allocations WHERE business_date = $d",
    "line_cases": "SELECT sum(cases) FROM allocations WHERE business_date = $d",
    "firm_units": "SELECT sum(units) FROM allocations WHERE business_date = $d AND is_firm",
    "firm_cases": "SELECT sum(cases) FROM allocations WHERE business_date = $d AND is_firm",
    "need_units": "SELECT sum(need_units) FROM allocation_needs WHERE business_date = $d",
    "given_units": "SELECT sum(allocated_units) FROM allocation_needs WHERE business_date = $d",
    "unmet_units": "SELECT sum(shorted_units) FROM allocation_needs WHERE business_date = $d",
    **{
        name: f"SELECT {name} FROM allocation_performance WHERE business_date = $d AND channel = '*' AND department = '*'"
        for name in (
            "requested_units", "allocated_units", "shorted_units", "backlog_units", "objective_value", "objective_bound",
            "allocation_fill_rate", "optimality_gap",
        )
    },
    "value_share_of_bound": "SELECT 1 - optimality_gap FROM allocation_performance WHERE business_date = $d AND channel = '*' AND department = '*'",
    "exception_count": "SELECT count(*) FROM exceptions WHERE business_date = $d",
    "value_listed": "SELECT sum(value_at_risk) FROM exceptions WHERE business_date = $d",
    "open_exceptions": "SELECT count(*) FROM exceptions WHERE business_date = $d AND status = 'open'",
    "value_at_risk": "SELECT sum(value_at_risk) FROM exceptions WHERE business_date = $d AND status = 'open'",
    "stock_out_margin_lost": "SELECT sum(value) FROM stock_out_causes WHERE business_date = $d AND kind = 'stock_out'",
    "stock_out_units_lost": "SELECT sum(position_units * share) FROM stock_out_causes WHERE business_date = $d AND kind = 'stock_out'",
    "stock_outs_explained": "SELECT count(DISTINCT (location_id, sku_id))::DOUBLE FROM stock_out_causes WHERE business_date = $d AND kind = 'stock_out'",
    "overstock_cost_tied_up": "SELECT sum(value) FROM stock_out_causes WHERE business_date = $d AND kind = 'overstock'",
    "overstocks_explained": "SELECT count(DISTINCT (location_id, sku_id))::DOUBLE FROM stock_out_causes WHERE business_date = $d AND kind = 'overstock'",
    "order_units": "SELECT sum(units) FROM replenishment_orders WHERE business_date = $d",
    "order_value": "SELECT sum(order_value) FROM replenishment_orders WHERE business_date = $d",
    "order_benefit": "SELECT sum(expected_benefit) FROM replenishment_orders WHERE business_date = $d",
    "planned_sales": "SELECT sum(planned_sales) FROM open_to_buy WHERE business_date = $d",
    "budget_on_order": "SELECT sum(on_order) FROM open_to_buy WHERE business_date = $d",
    "budget_received": "SELECT sum(received_to_date) FROM open_to_buy WHERE business_date = $d",
    "open_to_buy": "SELECT sum(open_to_buy) FROM open_to_buy WHERE business_date = $d",
    "vendor_ordered_units": "SELECT sum(ordered_units) FROM vendor_scorecards WHERE business_date = $d AND supplier_id <> '*'",
    "vendor_short_units": "SELECT sum(short_units) FROM vendor_scorecards WHERE business_date = $d AND supplier_id <> '*'",
    "vendor_short_value": "SELECT sum(short_value) FROM vendor_scorecards WHERE business_date = $d AND supplier_id <> '*'",
    "vendor_short_rate": "SELECT sum(short_units) / nullif(sum(ordered_units), 0) FROM vendor_scorecards WHERE business_date = $d AND supplier_id <> '*'",
    "lowest_otif_rate": "SELECT min(otif_rate) FROM vendor_scorecards WHERE business_date = $d AND supplier_id <> '*'",
    "lowest_on_time_rate": "SELECT min(on_time_rate) FROM vendor_scorecards WHERE business_date = $d AND supplier_id <> '*'",
    "highest_wape": "SELECT max(wape) FROM forecast_accuracy WHERE business_date = $d",
    "highest_bias": "SELECT max(bias) FROM forecast_accuracy WHERE business_date = $d",
    **{name: f"SELECT {name} FROM kpi_daily WHERE location_id = '*' AND department = '*' AND business_date = $d" for name in KPI_COLUMNS},
    **{
        f"network_{name}": f"SELECT {name} FROM kpi_daily WHERE location_id = '*' AND department = '*' AND business_date = $d"
        for name in NETWORK
    },
    **dict(_period_queries()),
}  # fmt: skip


def same(value: Any, expected: Any) -> bool:
    """Units exact, money to the cent (the mart rounds each total by itself), ratios to the last bits; nothing may be blank or 0."""
    if value is None or expected is None:
        return (value or 0) == (expected or 0) == 0
    if isinstance(expected, int):
        return value == expected
    if isinstance(expected, Decimal):
        return abs(float(value) - float(expected)) < 0.005
    return float(value) == pytest.approx(float(expected), rel=1e-12, abs=1e-12)


def wrong_in_power_bi(home: Path, powerbi: PowerBi, labels: dict[str, tuple[str, str]], days: list[date]) -> Iterator[tuple]:
    """What the project's DAX gives on a day and the mart does not."""
    for name, day, expected in _expected(home, days):
        value = powerbi.value(labels[name][0], Context((day, day)))
        if not same(value, expected):
            yield name, day, value, expected


def wrong_in_looker(home: Path, looker: Looker, labels: dict[str, tuple[str, str]], days: list[date]) -> Iterator[tuple]:
    """What LookML gives on a day, filtered or by day, and the mart does not."""
    for name, day, expected in _expected(home, days):
        for by_day in (False, True):
            value = looker.value(labels[name][1], name, (day, day), by_day)
            if not same(value, expected):
                yield name, day, by_day, value, expected


def wrong_in_tableau(home: Path, tableau: Tableau, labels: dict[str, tuple[str, str]], days: list[date]) -> Iterator[tuple]:
    """What the calculations give on a day, or of the newest day, and the mart does not."""
    for name, day, expected in _expected(home, days):
        label, source = labels[name]
        has_twin = f"{label} by day" in tableau.calculations(source)
        value = tableau.value(source, f"{label} by day" if has_twin else label, day)
        if not same(value, expected):
            yield name, day, value, expected
        if has_twin and day == max(days) and not same(tableau.value(source, label), expected):
            yield name, "newest", tableau.value(source, label), expected


def _expected(home: Path, days: list[date]) -> Iterator[tuple[str, date, Any]]:
    for name, sql in QUERIES.items():
        for day in days:
            [(expected,)] = published(home, sql, d=day)
            yield name, day, expected


def labels_of(looker: Looker) -> dict[str, tuple[str, str]]:
    """Label and view by metric."""
    return {m["name"]: (m["label"], view) for view, v in looker.views.items() for m in v.get("measures", [])}


def opened_extract(folder: Path) -> Iterator[Tableau]:
    """The folder's extract in a Hyper of its own, as long as the caller looks at it."""
    with (
        HyperProcess(Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU, parameters={"log_config": ""}) as hyper,
        Connection(hyper.endpoint, folder / "allocation.hyper") as connection,
    ):
        yield Tableau(folder, connection)
