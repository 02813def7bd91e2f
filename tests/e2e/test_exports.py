"""The BI files of a run of the pipeline: every number in them is the mart's, by query; nothing names what is not published."""

from __future__ import annotations

import json
import re
from decimal import Decimal

import duckdb
import pytest
from tableauhyperapi import Connection, HyperProcess, Telemetry

from orchestration.publishing.datasets import BY_NAME
from tests.support import tiny_world as world
from tests.support.bi_readers import Context, Looker, PowerBi, Tableau
from tests.support.home import allocator, parquet_hashes, published

D8, D9 = world.DATES[7:9]
CELLS = "location_id <> '*' AND department <> '*'"
#: Ratios of kpi_daily that are also metrics: the published '*' row says what they must be.
KPI_COLUMNS = (
    "sales_units", "net_sales", "gross_margin", "returned_units", "refunds", "lost_sales_units", "lost_sales_value", "counted_records",
    "accurate_records", "exact_records", "active_positions", "stockout_positions", "critical_positions", "overstock_positions",
    "obsolete_positions", "covered_positions", "available_units", "inventory_value", "open_variances", "fill_rate", "return_rate",
    "in_stock_rate", "inventory_record_accuracy", "ira_exact", "count_coverage_rate", "days_of_supply",
)  # fmt: skip
NETWORK = (
    "on_shelf_availability", "sell_through", "inventory_turns", "gmroi", "shrink_rate", "forecast_wape", "forecast_bias",
    "record_error_units",
)  # fmt: skip
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
}  # fmt: skip


@pytest.fixture(scope="module")
def exported(ninth_day, tmp_path_factory):
    """The three exports of a home with two dates run, by the command."""
    out = tmp_path_factory.mktemp("exported")
    for target in ("powerbi", "tableau", "looker"):
        done = allocator(ninth_day, "export", target, "--out", str(out / target))
        assert done.stdout.startswith(f"{target} of {D9} written to {out / target}: open ")
    return out


@pytest.fixture(scope="module")
def looker(exported, ninth_day):
    return Looker(exported / "looker", ninth_day / "published" / "allocator.duckdb")


@pytest.fixture(scope="module")
def powerbi(exported):
    return PowerBi(exported / "powerbi")


@pytest.fixture(scope="module")
def tableau(exported):
    with (
        HyperProcess(Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU, parameters={"log_config": ""}) as hyper,
        Connection(hyper.endpoint, exported / "tableau" / "allocation.hyper") as connection,
    ):
        yield Tableau(exported / "tableau", connection)


@pytest.fixture(scope="module")
def labels(looker):
    """Label and view by metric."""
    return {m["name"]: (m["label"], view) for view, v in looker.views.items() for m in v.get("measures", [])}


def _same(value, expected):
    """Exact for units and money; ratios of doubles to the last bits. A count of nothing may be blank or 0."""
    if value is None or expected is None:
        return (value or 0) == (expected or 0) == 0
    if isinstance(value, (int, Decimal)) and isinstance(expected, (int, Decimal)):
        return value == expected
    return float(value) == pytest.approx(float(expected), rel=1e-12, abs=1e-12)


def test_the_queries_cover_every_metric(labels):
    assert sorted(QUERIES) == sorted(labels)


def test_every_measure_of_power_bi_is_the_marts(powerbi, labels, ninth_day):
    days = {"all": None, "first": (D8, D8), "last": (D9, D9)}
    wrong = []
    for name, sql in QUERIES.items():
        for day in (D8, D9):
            [(expected,)] = published(ninth_day, sql, d=day)
            value = powerbi.value(labels[name][0], Context((day, day)))
            wrong += [] if _same(value, expected) else [(name, day, value, expected)]
    assert wrong == [], days


def test_every_measure_of_looker_is_the_marts(looker, labels, ninth_day):
    wrong = []
    for name, sql in QUERIES.items():
        for day in (D8, D9):
            [(expected,)] = published(ninth_day, sql, d=day)
            for by_day in (False, True):
                value = looker.value(labels[name][1], name, (day, day), by_day)
                wrong += [] if _same(value, expected) else [(name, day, by_day, value, expected)]
    assert wrong == []


def test_every_measure_of_tableau_is_the_marts(tableau, labels, ninth_day):
    wrong = []
    for name, sql in QUERIES.items():
        label, view = labels[name]
        by_day = f"{label} by day"
        for day in (D8, D9):
            [(expected,)] = published(ninth_day, sql, d=day)
            value = tableau.value(view, by_day if by_day in tableau.calculations(view) else label, day)
            wrong += [] if _same(value, expected) else [(name, day, value, expected)]
        if by_day in tableau.calculations(view):
            [(expected,)] = published(ninth_day, sql, d=D9)
            wrong += [] if _same(tableau.value(view, label), expected) else [(name, "newest")]
    assert wrong == []


def test_stock_is_never_added_up_over_dates(powerbi, looker, labels, ninth_day):
    """Both dates in view: what is of a moment is of the newer one, what flows is of both."""
    both = (D8, D9)
    [(newest,)] = published(ninth_day, QUERIES["on_hand_units"], d=D9)
    flow = sum(published(ninth_day, QUERIES["sales_units"], d=day)[0][0] for day in both)
    assert powerbi.value(labels["on_hand_units"][0], Context(both)) == powerbi.value(labels["on_hand_units"][0]) == newest
    assert looker.value("inventory_positions", "on_hand_units", both) == looker.value("inventory_positions", "on_hand_units") == newest
    assert powerbi.value(labels["sales_units"][0], Context(both)) == looker.value("kpi_daily", "sales_units", both) == flow


def test_ratios_hold_at_a_location(powerbi, labels, ninth_day):
    for location in world.SELLING:
        [(expected, rate)] = published(
            ninth_day,
            "SELECT fill_rate, in_stock_rate FROM kpi_daily WHERE location_id = $l AND department = '*' AND business_date = $d", l=location, d=D9,
        )  # fmt: skip
        context = Context((D9, D9), {"Daily measures": (f"\"Location\" = '{location}'",)})
        assert _same(powerbi.value(labels["fill_rate"][0], context), expected)
        assert _same(powerbi.value(labels["in_stock_rate"][0], context), rate)


def test_the_extract_holds_the_rows_of_the_mart(tableau, ninth_day):
    """Every row and value of three kinds of table: whole, without totals, and the newest of a key."""
    wanted = {
        "exceptions": "SELECT exception_id, kind, value_at_risk, due_on FROM exceptions ORDER BY ALL",
        "kpi_daily": f"SELECT location_id, department, sales_units, net_sales::DECIMAL(18,6) FROM kpi_daily WHERE {CELLS} ORDER BY ALL",
        "items": "SELECT sku_id, abc, velocity FROM sku_segments WHERE business_date = (SELECT max(business_date) FROM sku_segments) ORDER BY ALL",
    }
    columns = {"exceptions": "exception_id, kind, value_at_risk, due_on", "kpi_daily": "location_id, department, sales_units, net_sales", "items": "sku_id, abc, velocity"}
    for table, sql in wanted.items():
        rows = tableau.connection.execute_list_query(f'SELECT {columns[table]} FROM "Extract"."{table}"')
        plain = [[cell.to_date() if hasattr(cell, "to_date") else cell for cell in row] for row in rows]
        expected = [list(row) for row in published(ninth_day, sql)]
        assert sorted(plain, key=repr) == sorted(expected, key=repr) and plain, table


def test_every_column_of_the_files_is_published_with_its_type(powerbi, looker, tableau, ninth_day):
    kinds = {"VARCHAR": "string", "BIGINT": "int64", "INTEGER": "int64", "BOOLEAN": "boolean", "DATE": "dateTime", "DOUBLE": "double",
             "DECIMAL(18,4)": "decimal", "DECIMAL(18,6)": "double", "DECIMAL(28,6)": "double"}  # fmt: skip
    types = {
        (table, column): type_
        for table, column, type_ in published(ninth_day, "SELECT table_name, column_name, data_type FROM information_schema.columns")
    }
    datasets = {}
    for label, columns in powerbi.tables.items():
        if label != "Calendar":
            datasets[label] = re.search(r'PublishedRows\("(\w+)"', powerbi.queries[label])[1]
            for column in columns.values():
                assert column["dataType"] == kinds[types[datasets[label], column["sourceColumn"]]], (label, column)
    assert set(datasets.values()) <= set(BY_NAME)
    for view, content in looker.views.items():
        described = looker.connection.execute(f"DESCRIBE SELECT * FROM {looker.source(view)} AS t").fetchall()
        names = {row[0] for row in described}
        for part in [*content["dimensions"], *content.get("dimension_groups", []), *content.get("measures", [])]:
            assert set(re.findall(r"\$\{TABLE\}\.(\w+)", part["sql"])) <= names, (view, part["name"])
    for source in tableau.sources:
        for table, column in tableau.columns(source):
            tableau.connection.execute_scalar_query(f'SELECT count("{column}") FROM "Extract"."{table}"')


def test_exports_change_nothing_that_is_published(exported, ninth_day):
    before = parquet_hashes(ninth_day)
    allocator(ninth_day, "export", "looker", "--out", str(exported / "looker"))
    assert parquet_hashes(ninth_day) == before
    assert json.loads((ninth_day / "published" / "CURRENT.json").read_text())["business_date"] == str(D9)


def test_the_published_database_is_read_while_somebody_else_reads_it(exported, ninth_day):
    with duckdb.connect(str(ninth_day / "published" / "allocator.duckdb"), read_only=True):
        allocator(ninth_day, "export", "powerbi", "--out", str(exported / "powerbi"))
