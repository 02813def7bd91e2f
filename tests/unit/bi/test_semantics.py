"""The semantic layer's declarations: what is read of them, and what is refused in one line."""

from __future__ import annotations

import copy
import json

import pytest

from allocation_assets.bi.rows import rows_sql
from allocation_assets.bi.semantics import Filter, Semantics, names_in, read_semantics, render
from orchestration.dbt_parse import ensure_manifest
from orchestration.publishing.datasets import BY_NAME
from tests.support.lake import _DECISIONS

_TYPES = {"str": "VARCHAR", "int": "BIGINT", "int32": "INTEGER", "num": "DECIMAL(18,6)", "double": "DOUBLE", "date": "DATE", "bool": "BOOLEAN",
          "doubles": "DOUBLE[]", "list": "VARCHAR[]", "ts": "TIMESTAMP"}  # fmt: skip


@pytest.fixture(scope="module")
def manifest():
    return json.loads(ensure_manifest().read_text())


@pytest.fixture(scope="module")
def types(manifest):
    """Types as dbt's contracts and the decisions' schemas give them."""
    marts = {
        node["name"]: {name: column["data_type"].upper().replace(" ", "") for name, column in node["columns"].items()}
        for node in manifest["nodes"].values()
        if node["name"] in BY_NAME and node["resource_type"] == "model"
    }
    pairs = {name: [[*text.split(":"), "str"][:2] for text in columns.split()] for name, columns in _DECISIONS.items()}
    return {**{name: {c: _TYPES[kind] for c, kind in columns} for name, columns in pairs.items()}, **marts}


@pytest.fixture(scope="module")
def semantics(manifest, types) -> Semantics:
    return read_semantics(manifest, types)


def test_every_declaration_names_published_columns_of_a_fitting_type(semantics, manifest):
    """read_semantics refuses the rest, below; here that nothing was left out on the way."""
    assert len(semantics.metrics) == len(manifest["metrics"]) > 80
    assert {table.name for table in semantics.tables} == {model["name"] for model in manifest["semantic_models"].values()}
    assert {table.dataset for table in semantics.tables} <= set(BY_NAME)


def test_a_ratio_a_filter_and_a_semi_additive_measure(semantics):
    metrics = semantics.metrics
    assert metrics["fill_rate"].parts == ("sales_units", "demand_units")
    assert metrics["demand_units"].expr == "sales_units + lost_sales_units"
    assert metrics["open_exceptions"].where == Filter("status", "=", "open")
    assert metrics["firm_units"].where == Filter("is_firm", "=", True)
    assert metrics["on_hand_units"].is_newest and not metrics["sales_units"].is_newest
    assert semantics.depends_on_newest(metrics["days_of_supply"]) and not semantics.depends_on_newest(metrics["fill_rate"])


def test_every_metric_says_what_it_is_and_no_name_stands_for_two_things(semantics):
    labels = [metric.label.lower() for metric in semantics.metrics.values()]
    assert len(set(labels)) == len(labels)
    assert [metric.name for metric in semantics.metrics.values() if not (metric.description and metric.label)] == []
    for table in semantics.tables:
        shown = [(column.name if column.kind == "input" else column.label).lower() for column in table.columns]
        assert len(set(shown)) == len(shown), table.name
        assert set(shown) & {metric.label.lower() for metric in table.metrics} == set(), table.name
        assert all(column.description for column in table.columns), table.name


def _broken(manifest, change):
    changed = copy.deepcopy(manifest)
    change(changed)
    return changed


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda m: _measure(m, "sales_units").update(expr="sold_units"), "semantic model kpi_daily: column sold_units is not published"),
        (lambda m: _measure(m, "sales_units").update(expr="location_type"), "metric sales_units: location_type is no number, so sum makes no sense"),
        (lambda m: _measure(m, "sales_units").update(expr="sales_units / 2"), "metric sales_units: 'sales_units / 2' is not a column"),
        (lambda m: _measure(m, "sales_units").update(agg="median"), "metric sales_units: 'median' is not one of sum, min, max, count"),
        (lambda m: _filtered(m, "{{ Dimension('exception__status') }} LIKE 'o%'"), "metric open_exceptions: filter"),
        (lambda m: m["nodes"]["model.allocator.sem_kpi_daily"]["config"]["meta"].update(dataset="kpis"), "dataset kpis is not published"),
    ],
)  # fmt: skip
def test_a_wrong_declaration_is_refused(manifest, types, change, said):
    with pytest.raises(ValueError, match=r"^[^\n]*$") as refused:
        read_semantics(_broken(manifest, change), types)
    assert said in str(refused.value)


def _measure(manifest, name):
    return next(m for model in manifest["semantic_models"].values() for m in model["measures"] if m["name"] == name)


def _filtered(manifest, template):
    manifest["metrics"]["metric.allocator.open_exceptions"]["filter"]["where_filters"][0]["where_sql_template"] = template


def test_rows_are_those_that_the_declaration_says(semantics):
    """Without totals, totals alone, the newest of a key; a value that was null on an older date is no reason to skip a date."""
    import duckdb

    tables = {table.name: table for table in semantics.tables}
    with duckdb.connect() as connection:
        columns = {column.name: column.type for name in ("kpi_daily", "locations") for column in tables[name].columns}
        connection.execute(f"CREATE TABLE kpi_daily ({', '.join(f'{name} {type_}' for name, type_ in columns.items())})")
        rows = [("S1", "*", "2024-03-01", "old"), ("S1", "*", "2024-03-02", "new"), ("S2", "*", "2024-03-01", "gone"), ("*", "*", "2024-03-02", None), ("S1", "D", "2024-03-02", "x")]
        connection.executemany("INSERT INTO kpi_daily BY NAME SELECT $1 AS location_id, $2 AS department, $3::DATE AS business_date, $4 AS channel", rows)
        newest = connection.execute(f"SELECT location_id, channel FROM ({rows_sql(tables['locations'], 'kpi_daily')}) ORDER BY 1").fetchall()
        cells = connection.execute(f"SELECT location_id, department FROM ({rows_sql(tables['kpi_daily'], 'kpi_daily')})").fetchall()
    assert newest == [("S1", "new"), ("S2", "gone")]
    assert cells == [("S1", "D")]


def test_rows_of_one_value_and_of_the_newest_days(semantics):
    """Places by department alone; of the two newest days where asked."""
    import duckdb

    table = next(table for table in semantics.tables if table.name == "period_cells")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE kpi_periods (dimension VARCHAR, {', '.join(f'{column.name} {column.type}' for column in table.columns)})")
        rows = [("S1", "location_department", 4), ("S2", "location_department", 3), ("S3", "location_department", 2), ("S4", "location", 4), ("north", "region_department", 4)]
        connection.executemany("INSERT INTO kpi_periods BY NAME SELECT $1 AS member, $2 AS dimension, make_date(2024, 3, $3) AS business_date", rows)
        found = {days: connection.execute(f"SELECT member FROM ({rows_sql(table, 'kpi_periods', newest_days=days)}) ORDER BY 1").fetchall() for days in (None, 2)}
    assert table.is_recent and not next(table for table in semantics.tables if table.name == "kpi_daily").is_recent
    assert found == {None: [("S1",), ("S2",), ("S3",)], 2: [("S1",), ("S2",)]}


def test_names_in_an_expression():
    assert names_in("a_1 + 2 * (b - a_1)") == ["a_1", "b"]
    assert render("a - ab", lambda name: f"<{name}>") == "<a> - <ab>"
