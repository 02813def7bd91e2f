"""LookML over the published tables: a view for each table of the semantic layer, an explore for each fact.

Looker has no DuckDB dialect: it needs the tables in a warehouse, or behind a Postgres wire (docs/bi.md). The SQL here is plain
enough for Postgres, BigQuery and Snowflake.
"""

from __future__ import annotations

import json
from typing import Any

import lkml

from allocation_assets.bi.rows import rows_sql
from allocation_assets.bi.semantics import DATE, Column, Metric, Semantics, Table, render
from data_quality.intake.sql import literal

CONNECTION = "allocator"
_FORMATS = {"units": "#,##0", "count": "#,##0", "money": "#,##0.00", "share": "0.0%", "gap": "0.0000%", "rate": "#,##0.00"}


def project_files(semantics: Semantics) -> dict[str, str]:
    """Text by path of the LookML project."""
    views = {f"views/{table.name}.view.lkml": lkml.dump({"views": [_view(table, semantics)]}) + "\n" for table in semantics.tables}
    constants = [{"name": "SCHEMA", "value": "public", "export": "override_optional"}]
    explores = [_explore(table, semantics) for table in semantics.tables if table.is_fact]
    model = {"connection": CONNECTION, "label": "Allocation", "includes": ["/views/*.view.lkml"], "explores": explores}
    return {
        "manifest.lkml": lkml.dump({"project_name": "allocation", "constants": constants}) + "\n",
        "allocation.model.lkml": lkml.dump(model) + "\n",
        **views,
    }


def _text(text: str) -> str:
    """Text inside the quotes of LookML, which knows no escape of Liquid's braces: there are none in our words."""
    return json.dumps(" ".join(text.split()), ensure_ascii=False)[1:-1]


def _relation(table: Table) -> str:
    return f"@{{SCHEMA}}.{table.dataset}"


def _view(table: Table, semantics: Semantics) -> dict[str, Any]:
    is_whole = table.is_fact and not table.rows
    place = {"sql_table_name": _relation(table)} if is_whole else {"derived_table": {"sql": rows_sql(table, _relation(table), name_as=str)}}
    dates = [_dates(column) for column in table.columns if column.type == "DATE"]
    return {
        "name": table.name,
        "label": _text(table.label),
        **place,
        "dimensions": [_dimension(column, table) for column in table.columns if column.type != "DATE"],
        **({"dimension_groups": dates} if dates else {}),
        **({"measures": [_measure(metric, table, semantics) for metric in table.metrics]} if table.metrics else {}),
    }


def _dimension(column: Column, table: Table) -> dict[str, Any]:
    kind = {"VARCHAR": "string", "BOOLEAN": "yesno"}.get(column.type, "number")
    is_key = not table.is_fact and column.name == table.newest_by
    return {
        # A measure may bear a column's name, so the column that only measures read gets another.
        "name": f"{column.name}_of_row" if column.kind == "input" else column.name,
        **({"primary_key": "yes"} if is_key else {}),
        **({"hidden": "yes"} if column.kind == "input" else {}),
        "type": kind,
        "label": _text(column.label),
        **({"description": _text(column.description)} if column.description else {}),
        "sql": f"${{TABLE}}.{column.name}",
    }


def _dates(column: Column) -> dict[str, Any]:
    return {
        "name": column.name,
        "type": "time",
        "timeframes": ["raw", "date", "week", "month", "quarter", "year"],
        "convert_tz": "no",
        "datatype": "date",
        "label": _text(column.label.removesuffix(" date")),
        **({"description": _text(column.description)} if column.description else {}),
        "sql": f"${{TABLE}}.{column.name}",
    }


def _measure(metric: Metric, table: Table, semantics: Semantics) -> dict[str, Any]:
    return {
        "name": metric.name,
        "type": "number",
        "label": _text(metric.label),
        **({"description": _text(metric.description)} if metric.description else {}),
        "value_format": _FORMATS[metric.format],
        "sql": measure_sql(metric, table, semantics),
    }


def measure_sql(metric: Metric, table: Table, semantics: Semantics) -> str:
    """The metric as the SQL of a LookML measure of type number.

    Of the newest date: where the day itself is in the query each row is its own day's; else the newest day that the filters
    on the date let through counts.
    """
    if metric.kind == "ratio":
        numerator, denominator = (f"${{{part}}}" for part in metric.parts)
        return f"1.0 * {numerator} / NULLIF({denominator}, 0)"
    if metric.kind == "derived":
        return render(metric.expr, lambda name: f"${{{name}}}")
    rows = render(metric.expr, lambda name: f"${{TABLE}}.{name}")
    conditions = []
    if metric.where:
        value = str(metric.where.value).upper() if isinstance(metric.where.value, bool) else literal(metric.where.value)
        conditions.append(f"${{TABLE}}.{metric.where.column} {metric.where.operator} {value}")
    every = _aggregate(metric.agg, rows, conditions)
    if not metric.is_newest:
        return every
    picked = f"{{% condition {table.name}.{DATE}_date %}} {DATE} {{% endcondition %}}"
    newest = f"${{TABLE}}.{DATE} = (SELECT MAX({DATE}) FROM {_relation(table)} WHERE {picked})"
    return f"{{% if {table.name}.{DATE}_date._is_selected %}} {every} {{% else %}} {_aggregate(metric.agg, rows, [*conditions, newest])} {{% endif %}}"


def _aggregate(agg: str, rows: str, conditions: list[str]) -> str:
    kept = f"CASE WHEN {' AND '.join(conditions)} THEN {rows} END" if conditions else rows
    return f"{agg.upper()}({kept})"


def _explore(table: Table, semantics: Semantics) -> dict[str, Any]:
    keys = {t.name: t.newest_by for t in semantics.tables}
    joins = [
        {
            "name": target,
            "type": "left_outer",
            "relationship": "many_to_one",
            "sql_on": f"${{{table.name}.{column}}} = ${{{target}.{keys[target]}}}",
        }
        for column, target in table.links.items()
    ]
    return {
        "name": table.name,
        "label": _text(table.label),
        "description": _text(table.description),
        **({"joins": joins} if joins else {}),
    }
