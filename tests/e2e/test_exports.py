"""The BI files of a run of the pipeline: every number in them is the mart's, by query; nothing names what is not published."""

from __future__ import annotations

import re
import shutil

import dagster as dg
import duckdb
import pytest

from orchestration.publishing.datasets import BY_NAME
from tests.support import tiny_world as world
from tests.support.bi_figures import (
    CELLS,
    QUERIES,
    labels_of,
    opened_extract,
    same,
    wrong_in_looker,
    wrong_in_power_bi,
    wrong_in_tableau,
)
from tests.support.bi_readers import Context, Looker, PowerBi
from tests.support.home import allocator, parquet_hashes, published

D8, D9 = world.DATES[7:9]
_CELLS_OF_TOTAL = "(SELECT count(*) FROM kpi_daily AS c WHERE c.business_date = k.business_date AND c.location_id <> '*' AND c.department <> '*')"
#: What no tiny world has, put into both forms of what is published: budgets, suppliers, a backtest, overstock, a gap.
RICHER = {
    "inventory_positions": """UPDATE inventory_positions SET on_order = 7, damaged = length(location_id),
        stock_status = CASE sku_id WHEN 'A' THEN 'overstock' WHEN 'B' THEN 'obsolete' ELSE stock_status END""",
    "open_to_buy": """INSERT INTO open_to_buy SELECT DISTINCT business_date, 'D', DATE '2024-03-01' + day(business_date)::INTEGER, 1000.25, 50, 400,
        NULL::DECIMAL(18,6), 300, true, 120.5, 80.75, 949 FROM allocations""",
    "vendor_scorecards": """INSERT INTO vendor_scorecards BY NAME SELECT DISTINCT business_date, supplier_id, otif AS otif_rate, otif / 2 AS on_time_rate,
        ordered AS ordered_units, short AS short_units, short * 2.5 AS short_value
        FROM allocations, (VALUES ('V1', 0.75, 40, 3), ('V2', 0.5, 20, 5), ('*', 0.1, 60, 8)) AS v(supplier_id, otif, ordered, short)""",
    "forecast_accuracy": """INSERT INTO forecast_accuracy BY NAME SELECT DISTINCT business_date, 'sku' AS level, '*' AS segment, method, wape, wape - 0.5 AS bias
        FROM allocations, (VALUES ('champion', 0.31), ('ses', 0.42)) AS m(method, wape)""",
    "kpi_daily": f"""UPDATE kpi_daily AS k SET open_variances = n, overstock_positions = n, critical_positions = 2 * n, obsolete_positions = 3 * n,
        counted_records = 4 * n, accurate_records = 3 * n, exact_records = n, inventory_record_accuracy = 0.75, ira_exact = 0.25, order_units_due = 20 * n,
        order_units_filled = 17 * n, order_lines_due = 8 * n, order_lines_filled = 5 * n, orders_due = 4 * n, orders_filled = n, unit_fill_rate = 0.85,
        line_fill_rate = 0.625, order_fill_rate = 0.25
        FROM (SELECT business_date, location_id, department,
            CASE WHEN location_id = '*' AND department = '*' THEN {_CELLS_OF_TOTAL} ELSE 1 END AS n FROM kpi_daily AS k) AS counted
        WHERE (counted.business_date, counted.location_id, counted.department) = (k.business_date, k.location_id, k.department)""",
    "kpi_periods": """UPDATE kpi_periods SET order_lines_due = 8 * sales_units, order_lines_filled = 5 * sales_units, returned_units = sales_units,
        line_fill_rate = CASE WHEN sales_units > 0 THEN 0.625 END, return_rate = CASE WHEN sales_units > 0 THEN 1 END, markdowns = 1.25 * sales_units,
        sales_units_last_year = 3 * sales_units, lost_sales_units_last_year = lost_sales_units, net_sales_last_year = 2 * net_sales,
        gross_margin_last_year = 3 * gross_margin, markdowns_last_year = 0.5 * sales_units, returned_units_last_year = sales_units,
        lost_sales_value_last_year = 2 * lost_sales_value + 1, order_lines_due_last_year = 4 * sales_units, order_lines_filled_last_year = sales_units,
        active_positions_last_year = 4 * active_positions, stockout_positions_last_year = active_positions, inventory_value_last_year = 3 * inventory_value,
        planned_sales_of_month = CASE WHEN dimension = 'department' AND period = 'month_to_date' THEN 1000.25 END,
        planned_markdowns_of_month = CASE WHEN dimension = 'department' AND period = 'month_to_date' THEN 200.5 END,
        planned_receipts_of_month = CASE WHEN dimension = 'department' AND period = 'month_to_date' THEN 300 END,
        planned_eom_inventory = CASE WHEN dimension = 'department' AND period = 'month_to_date' THEN 4000 END""",
    "stock_out_causes": """INSERT INTO stock_out_causes SELECT DISTINCT business_date, location, 'SKU', department, cause, kind, 'book', share,
        8, 12, 12 * share, NULL::VARCHAR, NULL::VARCHAR, 0
        FROM allocations, (VALUES ('S1', 'Food', 'supplier_late', 'stock_out', 0.625), ('S1', 'Food', 'unexplained', 'stock_out', 0.375),
            ('S2', 'Toys', 'supplier_late', 'stock_out', 1), ('S3', 'Toys', 'case_pack', 'overstock', 1)) AS v(location, department, cause, kind, share)""",
    "allocation_performance": """UPDATE allocation_performance SET objective_bound = objective_value * 2, optimality_gap = 0.5
        WHERE channel = '*' AND department = '*' AND objective_value > 0""",
}


@pytest.fixture(scope="module")
def rich_home(ninth_day, tmp_path_factory):
    """A home with two dates run, a copy of which the rows of RICHER are put in."""
    home = tmp_path_factory.mktemp("rich") / "home"
    shutil.copytree(ninth_day / "published", home / "published")
    with duckdb.connect(str(home / "published" / "allocator.duckdb")) as connection:
        for dataset, change in RICHER.items():
            connection.execute(change)
            for (day,) in connection.execute(f"SELECT DISTINCT business_date FROM {dataset}").fetchall():
                target = home / "published" / dataset / f"business_date={day}" / "data.parquet"
                connection.sql(f"SELECT * FROM {dataset} WHERE business_date = DATE '{day}'").write_parquet(str(target))
    return home


@pytest.fixture(scope="module")
def exported(rich_home, tmp_path_factory):
    """The three exports of it, by the command."""
    out = tmp_path_factory.mktemp("exported")
    for target in ("powerbi", "tableau", "looker"):
        done = allocator(rich_home, "export", target, "--out", str(out / target))
        assert done.stdout.startswith(f"{target} of {D9} written to {out / target}: open ")
    return out


@pytest.fixture(scope="module")
def looker(exported, rich_home):
    return Looker(exported / "looker", rich_home / "published" / "allocator.duckdb")


@pytest.fixture(scope="module")
def powerbi(exported):
    return PowerBi(exported / "powerbi")


@pytest.fixture(scope="module")
def tableau(exported):
    yield from opened_extract(exported / "tableau")


@pytest.fixture(scope="module")
def labels(looker):
    return labels_of(looker)


def test_the_queries_cover_every_metric(labels):
    assert sorted(QUERIES) == sorted(labels)


def test_every_measure_is_the_marts(powerbi, looker, tableau, labels, rich_home):
    assert list(wrong_in_power_bi(rich_home, powerbi, labels, [D8, D9])) == []
    assert list(wrong_in_looker(rich_home, looker, labels, [D8, D9])) == []
    assert list(wrong_in_tableau(rich_home, tableau, labels, [D8, D9])) == []


def test_stock_is_never_added_up_over_dates(powerbi, looker, labels, rich_home):
    """Both dates in view: what is of a moment is of the newer one, what flows is of both."""
    both = (D8, D9)
    [(newest,)] = published(rich_home, QUERIES["on_hand_units"], d=D9)
    flow = sum(published(rich_home, QUERIES["sales_units"], d=day)[0][0] for day in both)
    assert powerbi.value(labels["on_hand_units"][0], Context(both)) == powerbi.value(labels["on_hand_units"][0]) == newest
    assert looker.value("inventory_positions", "on_hand_units", both) == looker.value("inventory_positions", "on_hand_units") == newest
    assert powerbi.value(labels["sales_units"][0], Context(both)) == looker.value("kpi_daily", "sales_units", both) == flow


def test_ratios_hold_at_a_location(powerbi, labels, rich_home):
    for location in world.SELLING:
        [(expected, rate)] = published(
            rich_home,
            "SELECT fill_rate, in_stock_rate FROM kpi_daily WHERE location_id = $l AND department = '*' AND business_date = $d", l=location, d=D9,
        )  # fmt: skip
        context = Context((D9, D9), {"Daily measures": (f"\"Location\" = '{location}'",)})
        assert same(powerbi.value(labels["fill_rate"][0], context), expected)
        assert same(powerbi.value(labels["in_stock_rate"][0], context), rate)


def test_causes_split_by_cause_and_department(powerbi, labels, rich_home):
    """A cause's part of value and of positions; over its causes the parts are the positions and their value."""
    for column, label, values in (("cause", "Cause", ("supplier_late", "unexplained")), ("department", "Department", ("Food", "Toys"))):
        for value in values:
            [(lost, positions)] = published(
                rich_home, f"SELECT sum(value), sum(share) FROM stock_out_causes WHERE kind = 'stock_out' AND {column} = $v AND business_date = $d", v=value, d=D9,
            )  # fmt: skip
            assert lost > 0
            context = Context((D9, D9), {"Causes": (f"\"{label}\" = '{value}'",)})
            assert same(powerbi.value(labels["stock_out_margin_lost"][0], context), lost)
            assert same(powerbi.value(labels["stock_outs_explained"][0], context), positions)


def test_the_extract_holds_the_rows_of_the_mart(tableau, rich_home):
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
        expected = [list(row) for row in published(rich_home, sql)]
        assert sorted(plain, key=repr) == sorted(expected, key=repr) and plain, table


def test_every_column_of_the_files_is_published_with_its_type(powerbi, looker, tableau, rich_home):
    kinds = {"VARCHAR": "string", "BIGINT": "int64", "INTEGER": "int64", "BOOLEAN": "boolean", "DATE": "dateTime", "DOUBLE": "double", "DECIMAL(4,3)": "decimal",
             "DECIMAL(18,4)": "decimal", "DECIMAL(18,6)": "double", "DECIMAL(28,6)": "double"}  # fmt: skip
    types = {
        (table, column): type_
        for table, column, type_ in published(rich_home, "SELECT table_name, column_name, data_type FROM information_schema.columns")
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


def test_an_export_changes_nothing_and_gives_the_same_bytes_again(exported, rich_home, tmp_path):
    """Under another hash seed and into another folder; of the extract the rows are compared above."""
    before = parquet_hashes(rich_home)
    for target in ("powerbi", "looker"):
        allocator(rich_home, "export", target, "--out", str(tmp_path / target))
        files = {path.relative_to(tmp_path): path.read_bytes() for path in (tmp_path / target).rglob("*") if path.is_file()}
        assert files == {path: (exported / path).read_bytes() for path in files} and len(files) > 10
    assert parquet_hashes(rich_home) == before


def test_the_exports_job_writes_them_and_the_daily_job_does_not_wait(rich_home):
    """As from the Dagster UI: no lock, no partition."""
    from orchestration.definitions import build_defs

    defs = build_defs(str(rich_home))
    daily, exports = (defs.resolve_job_def(name).asset_layer.executable_asset_keys for name in ("daily_run", "exports"))
    assert {key.to_user_string() for key in exports} == {"exports/powerbi", "exports/tableau", "exports/looker"}
    assert not exports & daily
    done = defs.resolve_job_def("exports").execute_in_process(asset_selection=[dg.AssetKey(["exports", "looker"])])
    [written] = done.asset_materializations_for_node("exports__looker")
    assert written.metadata["written"].value.startswith(f"looker of {D9} written to {rich_home / 'exports' / 'looker'}: ")
    assert (rich_home / "exports" / "looker" / "manifest.lkml").exists()


def test_excel_is_the_workbook_of_the_review(ninth_day, tmp_path):
    home = tmp_path / "home"
    shutil.copytree(ninth_day / "published", home / "published")
    allocator(home, "export", "excel", "--out", str(tmp_path / "excel"))
    allocator(home, "report", "--date", str(D9))
    book = home / "reports" / f"business_date={D9}" / "review.xlsx"
    assert (tmp_path / "excel" / f"allocation-{D9}.xlsx").read_bytes() == book.read_bytes()
