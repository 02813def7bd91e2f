"""A Tableau extract (.hyper) with a table for each table of the semantic layer, and a data source (.tds) for each fact.

Rows go from DuckDB to Parquet to Hyper, both engines' own copies, so that memory does not grow with the rows. Money is
NUMERIC(18,6) in the extract: the widest that every Tableau since 2020 opens.
"""

from __future__ import annotations

import tempfile
import xml.etree.ElementTree as ET
from pathlib import Path

import duckdb

from allocation_assets.bi.rows import quoted, rows_sql
from allocation_assets.bi.semantics import DATE, Column, Filter, Metric, Semantics, Table, render

EXTRACT = "allocation.hyper"
SCHEMA = "Extract"
#: A measure of the newest date also comes as this: for views with one mark a day, where the newest alone would be empty.
BY_DAY = " by day"
_CONNECTION = "hyper.allocation"
_FORMATS = {"units": "n#,##0", "count": "n#,##0", "money": "n#,##0.00", "share": "p0.0%", "gap": "p0.0000%", "rate": "n#,##0.00"}
_TYPES = {
    "BIGINT": "integer", "INTEGER": "integer", "DOUBLE": "real", "BOOLEAN": "boolean", "DATE": "date", "TIMESTAMP": "datetime",
    "VARCHAR": "string",
}  # fmt: skip


def write_extract(semantics: Semantics, database: Path, out: Path, window_days: int, threads: int = 2) -> None:
    """Write the rows of every table of the published `database` to the Hyper file `out`; of a table that is recent
    the newest `window_days`.

    Raises:
        ModuleNotFoundError: tableauhyperapi is not installed.
        duckdb.ConversionException: an amount does not fit NUMERIC(18,6).
    """
    from tableauhyperapi import Connection, CreateMode, HyperProcess, SchemaName, TableName, Telemetry
    from tableauhyperapi import escape_string_literal as text

    telemetry = Telemetry.DO_NOT_SEND_USAGE_DATA_TO_TABLEAU
    with (
        tempfile.TemporaryDirectory(dir=out.parent) as scratch,
        duckdb.connect(str(database), read_only=True, config={"threads": threads, "memory_limit": "2GB"}) as published,
        HyperProcess(telemetry, parameters={"log_config": ""}) as hyper,
        Connection(hyper.endpoint, out, CreateMode.CREATE_AND_REPLACE) as extract,
    ):
        extract.catalog.create_schema(SchemaName(SCHEMA))
        file = Path(scratch) / "rows.parquet"
        for table in semantics.tables:
            days = window_days if table.is_recent else None
            published.sql(rows_sql(table, quoted(table.dataset), _casts(table), newest_days=days)).write_parquet(str(file))
            copied = f"SELECT * FROM external({text(str(file))}, FORMAT => 'parquet')"
            extract.execute_command(f"CREATE TABLE {TableName(SCHEMA, table.name)} AS ({copied})")


def _casts(table: Table) -> dict[str, str]:
    return {c.name: "DECIMAL(18,6)" for c in table.columns if c.type.startswith("DECIMAL") and c.type != "DECIMAL(18,6)"}


def source_files(semantics: Semantics) -> dict[str, str]:
    """Text of a .tds by file name, one for each fact, its dimension tables joined."""
    return {f"{table.label}.tds": _source(table, semantics) for table in semantics.tables if table.is_fact}


def formula(metric: Metric, semantics: Semantics, by_day: bool = False) -> str:
    """The metric as a Tableau calculation. by_day: for views with a mark a day, without the pick of the newest date."""
    metrics = semantics.metrics

    def part(name: str) -> str:
        is_twin = by_day and semantics.depends_on_newest(metrics[name])
        return f"[{_escaped(metrics[name].label + (BY_DAY if is_twin else ''))}]"

    if metric.kind == "ratio":
        numerator, denominator = (part(name) for name in metric.parts)
        return f"{numerator} / IIF({denominator} = 0, NULL, {denominator})"
    if metric.kind == "derived":
        return render(metric.expr, part)
    conditions = [_condition(metric.where)] if metric.where else []
    if metric.is_newest and not by_day:
        conditions.append(f"[{DATE}] = {{FIXED : MAX([{DATE}])}}")
    rows = render(metric.expr, lambda name: f"[{_escaped(name)}]")
    kept = f"IF {' AND '.join(conditions)} THEN {rows} END" if conditions else rows
    return f"{metric.agg.upper()}({kept})"


def _condition(where: Filter) -> str:
    value = str(where.value).upper() if isinstance(where.value, bool) else "'" + where.value.replace("'", "\\'") + "'"
    return f"[{_escaped(where.column)}] {where.operator} {value}"


def _escaped(name: str) -> str:
    return name.replace("]", "]]")


def _source(table: Table, semantics: Semantics) -> str:
    tables = {t.name: t for t in semantics.tables}
    joined = [(column, tables[target]) for column, target in table.links.items()]
    root = ET.Element("datasource", {"formatted-name": table.name, "inline": "true", "version": "18.1"})
    root.append(_connection(table, joined))
    for column in table.columns:
        root.append(_column(column.name, column, table.label))
    for _, dimension in joined:
        for column in _attributes(dimension):
            root.append(_column(f"{column.name} ({dimension.name})", column, dimension.label))
    for metric in table.metrics:
        root.append(_calculation(metric, semantics, False))
        if semantics.depends_on_newest(metric):
            root.append(_calculation(metric, semantics, True))
    ET.indent(root)
    return "<?xml version='1.0' encoding='utf-8' ?>\n" + ET.tostring(root, encoding="unicode") + "\n"


def _attributes(dimension: Table) -> list[Column]:
    return [column for column in dimension.columns if column.name != dimension.newest_by]


def _connection(table: Table, joined: list[tuple[str, Table]]) -> ET.Element:
    connection = ET.Element("connection", {"class": "federated"})
    named = ET.SubElement(ET.SubElement(connection, "named-connections"), "named-connection", {"caption": EXTRACT, "name": _CONNECTION})
    ET.SubElement(
        named,
        "connection",
        {"authentication": "auth-none", "class": "hyper", "dbname": EXTRACT, "default-settings": "yes", "schema": SCHEMA,
         "sslmode": "", "username": "tableau_internal_user"},
    )  # fmt: skip
    relation = _relation(table)
    for column, dimension in joined:
        join = ET.Element("relation", {"join": "left", "type": "join"})
        equal = ET.SubElement(ET.SubElement(join, "clause", {"type": "join"}), "expression", {"op": "="})
        ET.SubElement(equal, "expression", {"op": f"[{table.name}].[{column}]"})
        ET.SubElement(equal, "expression", {"op": f"[{dimension.name}].[{dimension.newest_by}]"})
        join.extend([relation, _relation(dimension)])
        relation = join
    connection.append(relation)
    places = ET.SubElement(connection, "cols")
    for column in table.columns:
        ET.SubElement(places, "map", {"key": f"[{column.name}]", "value": f"[{table.name}].[{column.name}]"})
    for _, dimension in joined:
        for column in _attributes(dimension):
            key = f"[{column.name} ({dimension.name})]"
            ET.SubElement(places, "map", {"key": key, "value": f"[{dimension.name}].[{column.name}]"})
    return connection


def _relation(table: Table) -> ET.Element:
    place = {"connection": _CONNECTION, "name": table.name, "table": f"[{SCHEMA}].[{table.name}]", "type": "table"}
    return ET.Element("relation", place)


def _column(name: str, column: Column, owner: str) -> ET.Element:
    kind = "real" if column.type.startswith("DECIMAL") else _TYPES[column.type]
    shown = {"caption": f"{column.label} ({owner})" if name != column.name else column.label, "datatype": kind}
    if column.kind == "input":
        element = ET.Element("column", {**shown, "hidden": "true", "name": f"[{name}]", "role": "measure", "type": "quantitative"})
    else:
        type_ = "ordinal" if kind in ("date", "datetime", "integer", "real") else "nominal"
        element = ET.Element("column", {**shown, "name": f"[{name}]", "role": "dimension", "type": type_})
    return _described(element, column.description)


def _calculation(metric: Metric, semantics: Semantics, by_day: bool) -> ET.Element:
    label = metric.label + (BY_DAY if by_day else "")
    attributes = {"caption": label, "datatype": "real", "default-format": _FORMATS[metric.format], "name": f"[{_escaped(label)}]",
                  "role": "measure", "type": "quantitative"}  # fmt: skip
    element = ET.Element("column", attributes)
    ET.SubElement(element, "calculation", {"class": "tableau", "formula": formula(metric, semantics, by_day)})
    note = " Of the newest date in the extract." if semantics.depends_on_newest(metric) else ""
    return _described(element, metric.description + (" For views by day." if by_day else note))


def _described(element: ET.Element, text: str) -> ET.Element:
    if text:
        ET.SubElement(ET.SubElement(ET.SubElement(element, "desc"), "formatted-text"), "run").text = text
    return element
