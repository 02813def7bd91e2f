"""A Power BI project (.pbip) over the published Parquet: the semantic model as TMDL, and the files around it.

Numbers of DECIMAL columns with more than 4 decimals become double: Power BI's own decimal holds 4, and rounding row by row
would move a sum by more than a cent. Ids are uuid5 of what they name, so that the same inputs give the same bytes.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Collection, Mapping
from typing import Any

from allocation_assets.bi.powerbi_report import report_files
from allocation_assets.bi.semantics import DATE, Column, Filter, Metric, Semantics, Table, names_in, render

PROJECT = "Allocation"
CALENDAR = "Calendar"
#: Dataset with a file for every date, history included: the calendar spans it.
CALENDAR_DATASET = "kpi_daily"
SCHEMAS = "https://developer.microsoft.com/json-schemas/fabric"
FORMATS = {"units": "#,0", "count": "#,0", "money": "#,0.00", "share": "0.0%", "gap": "0.0000%", "rate": "#,0.00"}
_NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "open-retail-allocator/bi")
_PLAIN = re.compile(r"\w+")
#: Column of the calendar: its M expression of `d`, TMDL type, M type.
_CALENDAR_COLUMNS = {
    "Year": ("Date.Year(d)", "int64", "Int64.Type"),
    "Quarter": ('Text.From(Date.Year(d)) & " Q" & Text.From(Date.QuarterOfYear(d))', "string", "type text"),
    "Month": ('Date.ToText(d, [Format = "yyyy-MM"])', "string", "type text"),
    "Week starting": ("Date.StartOfWeek(d, Day.Monday)", "dateTime", "type date"),
    "Day of week": ("Date.DayOfWeek(d, Day.Monday) + 1", "int64", "Int64.Type"),
}
_PUBLISHED_ROWS = """\
(dataset as text, newest as nullable number) as table =>
let
    Files = Table.SelectRows(Folder.Files(PublishedFolder & "\\" & dataset), each [Name] = "data.parquet"),
    Sorted = Table.Sort(Files, {{"Folder Path", Order.Descending}}),
    Kept = if newest = null then Sorted else Table.FirstN(Sorted, newest),
    Rows = Table.Combine(List.Transform(Kept[Content], each Parquet.Document(_)))
in
    Rows"""


def project_files(semantics: Semantics, folder: str, windowed: Collection[str], window_days: int) -> dict[str, str]:
    """Text by path of the whole project.

    folder: where `published/` is, the default of the parameter PublishedFolder. windowed: datasets of which only the newest
    `window_days` dates are read, as in the published database.
    """
    model = f"{PROJECT}.SemanticModel"
    tables = {f"{model}/definition/tables/{t.label}.tmdl": _table(t, semantics, windowed) for t in semantics.tables}
    return {
        f"{PROJECT}.pbip": _json(
            {
                "$schema": f"{SCHEMAS}/pbip/pbipProperties/1.0.0/schema.json",
                "version": "1.0",
                "artifacts": [{"report": {"path": f"{PROJECT}.Report"}}],
                "settings": {"enableAutoRecovery": True},
            }
        ),
        f"{model}/.platform": _platform("SemanticModel"),
        f"{model}/definition.pbism": _json(
            {"$schema": f"{SCHEMAS}/item/semanticModel/definitionProperties/1.0.0/schema.json", "version": "4.2", "settings": {}}
        ),
        f"{model}/definition/database.tmdl": "database\n\tcompatibilityLevel: 1601\n",
        f"{model}/definition/model.tmdl": _model(semantics),
        f"{model}/definition/expressions.tmdl": _expressions(folder, window_days),
        f"{model}/definition/relationships.tmdl": _relationships(semantics),
        f"{model}/definition/tables/{CALENDAR}.tmdl": _calendar(),
        **tables,
        f"{PROJECT}.Report/.platform": _platform("Report"),
        **{f"{PROJECT}.Report/{path}": _json(content) for path, content in report_files(semantics, PROJECT).items()},
    }


def tag(*names: str) -> str:
    """The id of what the names name, the same on every day and machine."""
    return str(uuid.uuid5(_NAMESPACE, "/".join(names)))


def tmdl_name(name: str) -> str:
    """A name as TMDL writes it: in quotes unless it is a plain word."""
    return name if _PLAIN.fullmatch(name) else "'" + name.replace("'", "''") + "'"


def column_name(column: Column) -> str:
    """What a reader sees: the label, but the bare name of a column that measures alone read."""
    return column.name if column.kind == "input" else column.label


def tmdl_type(type_: str) -> tuple[str, str]:
    """TMDL and M type of a published type."""
    decimal = re.fullmatch(r"DECIMAL\(\d+,(\d+)\)", type_)
    if decimal:
        return ("decimal", "Currency.Type") if int(decimal[1]) <= 4 else ("double", "type number")
    known = {
        "BIGINT": ("int64", "Int64.Type"),
        "INTEGER": ("int64", "Int64.Type"),
        "DOUBLE": ("double", "type number"),
        "BOOLEAN": ("boolean", "type logical"),
        "DATE": ("dateTime", "type date"),
        "TIMESTAMP": ("dateTime", "type datetime"),
        "VARCHAR": ("string", "type text"),
    }
    if type_ not in known:
        raise ValueError(f"Power BI has no column for the published type {type_}")
    return known[type_]


def dax(metric: Metric, semantics: Semantics) -> str:
    """The metric as a DAX expression."""
    if metric.kind == "ratio":
        numerator, denominator = (_dax_name(semantics.metrics[part].label) for part in metric.parts)
        return f"DIVIDE({numerator}, {denominator})"
    if metric.kind == "derived":
        return render(metric.expr, lambda name: _dax_name(semantics.metrics[name].label))
    table = next(table for table in semantics.tables if table.name == metric.table)
    names = {column.name: f"{_dax_table(table.label)}{_dax_name(column_name(column))}" for column in table.columns}
    aggregate = _aggregate(metric, table, names)
    filters = [_dax_filter(metric.where, names)] if metric.where else []
    if not metric.is_newest:
        return f"CALCULATE({aggregate}, {filters[0]})" if filters else aggregate
    # Dates in view come from the calendar; a class that is gone on the newest date must be blank, not an older figure.
    dates = f"CALCULATE(MAX({names[DATE]}), REMOVEFILTERS({_dax_table(table.label)}), VALUES({CALENDAR}[Date]))"
    kept = ", ".join([aggregate, f"KEEPFILTERS({names[DATE]} = newest)", *filters])
    return f"VAR newest = {dates} RETURN CALCULATE({kept})"


def _aggregate(metric: Metric, table: Table, names: Mapping[str, str]) -> str:
    if metric.agg == "count":
        return f"COUNTA({names[metric.expr]})"
    function = metric.agg.upper()
    if [metric.expr] == names_in(metric.expr):
        return f"{function}({names[metric.expr]})"
    return f"{function}X({_dax_table(table.label)}, {render(metric.expr, names.__getitem__)})"


def _dax_filter(where: Filter, names: Mapping[str, str]) -> str:
    value = str(where.value).upper() + "()" if isinstance(where.value, bool) else '"' + where.value.replace('"', '""') + '"'
    return f"KEEPFILTERS({names[where.column]} {where.operator} {value})"


def _dax_table(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def _dax_name(name: str) -> str:
    return "[" + name.replace("]", "]]") + "]"


def _m_text(text: str) -> str:
    return '"' + text.replace('"', '""').replace("\n", " ") + '"'


def _json(content: Mapping[str, Any]) -> str:
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _platform(kind: str) -> str:
    return _json(
        {
            "$schema": f"{SCHEMAS}/gitIntegration/platformProperties/2.0.0/schema.json",
            "metadata": {"type": kind, "displayName": PROJECT},
            "config": {"version": "2.0", "logicalId": tag(kind)},
        }
    )


def _model(semantics: Semantics) -> str:
    names = [CALENDAR, *(table.label for table in semantics.tables)]
    return (
        "model Model\n\tculture: en-US\n\tdefaultPowerBIDataSourceVersion: powerBI_V3\n\tdiscourageImplicitMeasures\n"
        "\tsourceQueryCulture: en-US\n\tdataAccessOptions\n\t\tlegacyRedirects\n\t\treturnErrorValuesAsNull\n\n"
        "annotation __PBI_TimeIntelligenceEnabled = 0\n\n" + "".join(f"ref table {tmdl_name(name)}\n" for name in names)
    )


def _expressions(folder: str, window_days: int) -> str:
    text = _m_text(folder)
    body = "\n".join(f"\t\t{line}" for line in _PUBLISHED_ROWS.splitlines())
    return (
        "/// Folder `published` of the deployment's home, as this computer sees it.\n"
        f'expression PublishedFolder = {text} meta [IsParameterQuery=true, Type="Text", IsParameterQueryRequired=true]\n'
        f"\tlineageTag: {tag('expression', 'PublishedFolder')}\n\n\tannotation PBI_ResultType = Text\n\n"
        "/// Newest dates to read of what has a row for each SKU and location, and of periods to date.\n"
        f'expression DetailDates = {window_days} meta [IsParameterQuery=true, Type="Number", IsParameterQueryRequired=true]\n'
        f"\tlineageTag: {tag('expression', 'DetailDates')}\n\n\tannotation PBI_ResultType = Number\n\n"
        "/// Rows of a published dataset: all of its dates, or the newest.\n"
        f"expression PublishedRows =\n{body}\n"
        f"\tlineageTag: {tag('expression', 'PublishedRows')}\n\n\tannotation PBI_ResultType = Function\n"
    )


def _relationships(semantics: Semantics) -> str:
    labels = {table.name: table for table in semantics.tables}
    found = []
    for table in semantics.tables:
        columns = {column.name: column_name(column) for column in table.columns}
        if table.is_fact:
            found.append((table.label, columns[DATE], CALENDAR, "Date"))
        for column, target in table.links.items():
            key = next(c for c in labels[target].columns if c.name == labels[target].newest_by)
            found.append((table.label, columns[column], labels[target].label, column_name(key)))
    return "\n".join(
        f"relationship {tag('relationship', *ends)}\n"
        f"\tfromColumn: {tmdl_name(ends[0])}.{tmdl_name(ends[1])}\n\ttoColumn: {tmdl_name(ends[2])}.{tmdl_name(ends[3])}\n"
        for ends in found
    )


def _table(table: Table, semantics: Semantics, windowed: Collection[str]) -> str:
    parts = [f"/// {table.description}\ntable {tmdl_name(table.label)}\n\tlineageTag: {tag('table', table.name)}\n"]
    for metric in table.metrics:
        parts.append(
            f"\t/// {metric.description}\n\tmeasure {tmdl_name(metric.label)} = {dax(metric, semantics)}\n"
            f"\t\tformatString: {FORMATS[metric.format]}\n\t\tlineageTag: {tag('measure', metric.name)}\n"
        )
    parts += [_column(table, column) for column in table.columns]
    source = "\n".join(f"\t\t\t\t{line}" for line in _m_query(table, windowed).splitlines())
    parts.append(f"\tpartition {tmdl_name(table.label)} = m\n\t\tmode: import\n\t\tsource =\n{source}\n")
    parts.append("\tannotation PBI_ResultType = Table\n")
    return "\n".join(parts)


def _column(table: Table, column: Column) -> str:
    kind, m_type = tmdl_type(column.type)
    is_hidden = column.kind == "input" or column.name in table.links or column.name == DATE
    lines = [f"/// {column.description}"] if column.description else []
    lines += [f"column {tmdl_name(column_name(column))}", f"\tdataType: {kind}"]
    lines += ["\tisHidden"] if is_hidden else []
    lines += ["\tformatString: yyyy-mm-dd"] if m_type == "type date" else []
    lines += [f"\tlineageTag: {tag('column', table.name, column.name)}", "\tsummarizeBy: none"]
    lines += [f"\tsourceColumn: {column.name}"]
    lines += ["", "\tannotation UnderlyingDateTimeDataType = Date"] if m_type == "type date" else []
    return "\n".join(f"\t{line}" if line else line for line in lines) + "\n"


def _m_query(table: Table, windowed: Collection[str]) -> str:
    """Power Query of the table's rows; what is filtered is filtered file by file, only its columns are kept."""
    newest = "DetailDates" if table.is_recent or table.dataset in windowed else "null"
    steps = [("Published", f"PublishedRows({_m_text(table.dataset)}, {newest})")]
    if table.rows:
        wanted = [f"[{name}] {operator} {_m_text(value)}" for name, operator, value in table.conditions]
        steps.append(("Wanted", f"Table.SelectRows({steps[-1][0]}, each {' and '.join(wanted)})"))
    if not table.is_fact:
        # Without the buffer Table.Distinct may look at the rows in another order.
        newest = f'Table.Buffer(Table.Sort({steps[-1][0]}, {{{{"{DATE}", Order.Descending}}}}))'
        steps.append(("Newest", f"Table.Distinct({newest}, {{{_m_text(table.newest_by)}}})"))
    names = ", ".join(_m_text(column.name) for column in table.columns)
    steps.append(("Columns", f"Table.SelectColumns({steps[-1][0]}, {{{names}}}, MissingField.UseNull)"))
    types = ", ".join(f"{{{_m_text(column.name)}, {tmdl_type(column.type)[1]}}}" for column in table.columns)
    steps.append(("Typed", f'Table.TransformColumnTypes(Columns, {{{types}}}, "en-US")'))
    body = ",\n".join(f"    {name} = {expression}" for name, expression in steps)
    return f"let\n{body}\nin\n    Typed"


def _calendar() -> str:
    adds = [f'Table.AddColumn({{}}, "{name}", each let d = [Date] in {m}, {m_type})' for name, (m, _, m_type) in _CALENDAR_COLUMNS.items()]
    chain = "Dates"
    for add in adds:
        chain = add.replace("{}", chain, 1)
    query = f"""\
let
    Folders = Table.SelectRows(Folder.Contents(PublishedFolder & "\\{CALENDAR_DATASET}"), each Text.StartsWith([Name], "{DATE}=")),
    Published = List.Transform(Folders[Name], each Date.FromText(Text.AfterDelimiter(_, "="), [Format = "yyyy-MM-dd", Culture = "en-US"])),
    First = Date.StartOfYear(List.Min(Published)),
    Last = Date.EndOfYear(List.Max(Published)),
    Days = List.Dates(First, Duration.Days(Last - First) + 1, #duration(1, 0, 0, 0)),
    Dates = Table.FromColumns({{Days}}, type table [Date = date]),
    Calendar = {chain}
in
    Calendar"""
    columns = [("Date", "dateTime", True), *((name, kind, False) for name, (_, kind, _) in _CALENDAR_COLUMNS.items())]
    parts = [f"/// A day each, whole years.\ntable {CALENDAR}\n\tdataCategory: Time\n\tlineageTag: {tag('table', CALENDAR)}\n"]
    for name, kind, is_key in columns:
        text = f"\tcolumn {tmdl_name(name)}\n\t\tdataType: {kind}\n" + ("\t\tisKey\n" if is_key else "")
        text += "\t\tformatString: yyyy-mm-dd\n" if kind == "dateTime" else ""
        text += f"\t\tlineageTag: {tag('column', CALENDAR, name)}\n\t\tsummarizeBy: none\n\t\tsourceColumn: {name}\n"
        parts.append(text + ("\n\t\tannotation UnderlyingDateTimeDataType = Date\n" if kind == "dateTime" else ""))
    source = "\n".join(f"\t\t\t\t{line}" for line in query.splitlines())
    parts.append(f"\tpartition {CALENDAR} = m\n\t\tmode: import\n\t\tsource =\n{source}\n")
    return "\n".join([*parts, "\tannotation PBI_ResultType = Table\n"])
