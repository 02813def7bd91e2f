"""The review workbook: a sheet per topic, each a named table ready for pivots and Power Query. Same picture, same bytes.

Text is written as text whatever it begins with, so that a name like `=1+1` is never a formula; names that a spreadsheet could
take for one carry Excel's own text mark as well, which a later save as CSV keeps.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from allocation_assets.reporting.picture import Picture, Table
from allocation_assets.reporting.words import kind_of, kinds, summary, title

#: What a sheet of Excel holds; a table also needs its heading, and a line that says what was cut.
SHEET_ROWS = 1_048_576
SHEET_TEXT = 32_767
#: Row of a table's heading: above it stand the topic's title and what it shows.
HEAD = 3
FORMATS = {
    "money": "#,##0.00", "number": "#,##0.00", "units": "#,##0", "rate": "0.00%", "gap": "0.0000%", "days": "#,##0.0",
    "date": "yyyy-mm-dd", "text": "@", "flag": "General",
}  # fmt: skip
_RISKY = ("=", "+", "-", "@", "\t", "\r")
_WIDTHS = {"text": 16, "date": 11, "money": 14, "rate": 10}
_LONG_TEXT = {
    "detail",
    "recommended_action",
    "meaning",
    "remedy",
    "competing",
    "finding",
    "warnings",
    "provenance",
    "subject",
    "held_reason",
    "reason",
}
#: Chart of a sheet: kind, column of the categories, columns of the values.
CHARTS = {
    "causes": ("bar", "cause", ("value",)),
    "trend": ("line", "business_date", ("fill_rate", "in_stock_rate", "on_shelf_availability")),
    "regions": ("bar", "region", ("lost_sales_value",)),
    "departments": ("bar", "department", ("lost_sales_value",)),
    "exception_owners": ("bar", "kind", ("value_at_risk",)),
    "shortages": ("bar", "binding_constraint", ("shorted_units",)),
    "supplier_orders": ("bar", "supplier_id", ("order_value",)),
    "open_to_buy": ("bar", "department", ("open_to_buy",)),
}  # fmt: skip
_CHART_ROWS = 40
#: Columns whose size shows as a bar in the cell, and rates that colour from bad to good.
_BARS = {"value_at_risk", "lost_sales_value", "shorted_units", "order_value", "demand_value_a_day"}
_COLOURED = {"in_stock_rate", "fill_rate", "on_shelf_availability", "allocation_fill_rate", "otif_rate", "line_fill_rate", "order_fill_rate"}


def render_workbook(picture: Picture, path: Path, *, sheet_rows: int = SHEET_ROWS) -> None:
    """Write the workbook; a sheet holds at most `sheet_rows` rows, the rows cut off are the last of the topic's order."""
    options = {
        "strings_to_formulas": False,
        "strings_to_numbers": False,
        "strings_to_urls": False,
        "nan_inf_to_errors": False,
    }
    book = xlsxwriter.Workbook(str(path), options)
    # The file's clock is the business date: same inputs, same bytes.
    book.set_properties(
        {
            "title": title(picture.day, picture.is_weekly),
            "created": datetime(picture.day.year, picture.day.month, picture.day.day, tzinfo=UTC),
        }
    )
    styles = _styles(book)
    shown = [table for name, table in picture.tables.items() if name != "actions" or picture.is_weekly]
    readme = book.add_worksheet("README")
    for table in shown:
        _sheet(book, styles, table, sheet_rows)
    _readme(readme, styles, picture, shown, sheet_rows)
    book.close()


def _styles(book: xlsxwriter.Workbook) -> dict[str, Format]:
    styles = {kind: book.add_format({"num_format": number, "valign": "top"}) for kind, number in FORMATS.items()}
    return styles | {
        "marked": book.add_format({"num_format": "@", "valign": "top", "quote_prefix": True}),
        "long": book.add_format({"num_format": "@", "valign": "top", "text_wrap": True}),
        "title": book.add_format({"bold": True, "font_size": 14}),
        "head": book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
        "bad": book.add_format({"font_color": "#A33B00", "bold": True}),
        "good": book.add_format({"font_color": "#00624A"}),
        "soft": book.add_format({"font_color": "#4A5563"}),
    }


def rows_that_fit(table: Table, sheet_rows: int) -> list[tuple]:
    """The first rows of a table, as many as a sheet holds under the heading."""
    return table.rows[: max(sheet_rows - HEAD - 1, 0)]


def cut_note(table: Table, sheet_rows: int) -> str:
    """What is said of a table that was cut, else ''."""
    shown = len(rows_that_fit(table, sheet_rows))
    if shown == table.total:
        return ""
    return f"Cut: the first {shown:,} of {table.total:,} rows in this order; the rest is in the published dataset {table.topic.sources[0]}."


def _sheet(book: xlsxwriter.Workbook, styles: dict[str, Format], table: Table, sheet_rows: int) -> None:
    sheet = book.add_worksheet(table.topic.name)
    rows = rows_that_fit(table, sheet_rows)
    _write_text(sheet, styles, 0, 0, table.topic.title, "title")
    _write_text(sheet, styles, 1, 0, table.topic.about if rows else table.topic.empty, "soft")
    note = cut_note(table, sheet_rows)
    if note:
        _write_text(sheet, styles, 2, 0, note, "bad")
    for i, row in enumerate(rows, HEAD + 1):
        for j, (value, kind) in enumerate(zip(row, kinds(table, row), strict=True)):
            _write(sheet, styles, i, j, value, kind, table.names[j])
    # A table needs one row of data at least: without any it holds an empty one.
    last = HEAD + max(len(rows), 1)
    heads = [{"header": name} for name in table.names]
    sheet.add_table(
        HEAD,
        0,
        last,
        len(table.names) - 1,
        {"name": f"t_{table.topic.name}", "columns": heads, "style": "Table Style Light 9"},
    )
    sheet.freeze_panes(HEAD + 1, 1)
    for j, (name, dtype) in enumerate(zip(table.names, table.types, strict=True)):
        kind = kind_of(name, dtype)
        sheet.set_column(j, j, 48 if name in _LONG_TEXT else max(_WIDTHS.get(kind, 12), min(len(name) + 4, 24)))
    if rows:
        _conditions(sheet, styles, table, last)
        _chart(book, sheet, table, len(rows))


def _write(sheet: Worksheet, styles: dict[str, Format], i: int, j: int, value: Any, kind: str, name: str) -> None:
    if value is None or value != value:
        return
    if kind == "date" and isinstance(value, date):
        sheet.write_datetime(i, j, datetime(value.year, value.month, value.day), styles["date"])
    elif isinstance(value, bool):
        sheet.write_boolean(i, j, value, styles["flag"])
    elif isinstance(value, str):
        _write_text(sheet, styles, i, j, value, "long" if name in _LONG_TEXT else "text")
    else:
        sheet.write_number(i, j, value, styles.get(kind, styles["number"]))


def _write_text(sheet: Worksheet, styles: dict[str, Format], i: int, j: int, text: str, style: str) -> None:
    style = "marked" if text.startswith(_RISKY) else style
    sheet.write_string(i, j, text[:SHEET_TEXT], styles[style])


def _conditions(sheet: Worksheet, styles: dict[str, Format], table: Table, last: int) -> None:
    """Bars for money and units at stake, colours for rates, red for what is serious, late or worse."""
    for j, name in enumerate(table.names):
        span = (HEAD + 1, j, last, j)
        if name in _BARS:
            sheet.conditional_format(*span, {"type": "data_bar", "bar_color": "#F4C09C", "bar_solid": True})
        elif name in _COLOURED:
            sheet.conditional_format(*span, {"type": "2_color_scale", "min_color": "#F4C09C", "max_color": "#FFFFFF"})
        elif name in ("severity", "stock_status"):
            for word in ("critical", "high", "stockout"):
                sheet.conditional_format(
                    *span, {"type": "cell", "criteria": "==", "value": f'"{word}"', "format": styles["bad"]}
                )
        elif name in ("days_overdue", "overdue", "pending_lines"):
            sheet.conditional_format(*span, {"type": "cell", "criteria": ">", "value": 0, "format": styles["bad"]})


def _chart(book: xlsxwriter.Workbook, sheet: Worksheet, table: Table, rows: int) -> None:
    if table.topic.name not in CHARTS:
        return
    kind, category, values = CHARTS[table.topic.name]
    chart = book.add_chart({"type": kind})
    last = HEAD + (rows if kind == "line" else min(rows, _CHART_ROWS))
    at = table.names.index(category)
    for name in values:
        j = table.names.index(name)
        chart.add_series({
            "name": [table.topic.name, HEAD, j], "categories": [table.topic.name, HEAD + 1, at, last, at],
            "values": [table.topic.name, HEAD + 1, j, last, j],
        })  # fmt: skip
    chart.set_title({"name": table.topic.title})
    chart.set_size({"width": 720, "height": 320})
    if kind == "bar":
        chart.set_y_axis({"reverse": True})
        chart.set_legend({"none": True})
    else:
        chart.set_x_axis({"date_axis": True, "num_format": "yyyy-mm-dd"})
    sheet.insert_chart(HEAD + 1, len(table.names) + 1, chart, {"description": table.topic.about})


def _readme(
    sheet: Worksheet, styles: dict[str, Format], picture: Picture, tables: list[Table], sheet_rows: int
) -> None:
    """What this is, the summary, the sheets, and what every column means (dbt docs)."""
    compared = f"Compared with {picture.before}." if picture.before else "Nothing earlier is published."
    lines = [
        title(picture.day, picture.is_weekly), f"At the close of {picture.day}. {compared}", *summary(picture),
        "Each sheet is a named table (t_ and the sheet's name): Insert > PivotTable, or Data > From Table. Every number is a query over published/.",
    ]  # fmt: skip
    for i, text in enumerate(lines):
        _write_text(sheet, styles, i, 0, text, "soft" if i else "title")
    start = len(lines) + 1
    sheets = [
        (t.topic.name, t.topic.title, len(rows_that_fit(t, sheet_rows)), t.topic.about, ", ".join(t.topic.sources), cut_note(t, sheet_rows))
        for t in tables
    ]  # fmt: skip
    after = _listing(sheet, styles, start, "t_sheets", ("sheet", "title", "rows", "about", "datasets", "note"), sheets)
    columns = [(t.topic.name, name, picture.define(t.topic, name)) for t in tables for name in t.names]
    _listing(sheet, styles, after + 1, "t_definitions", ("sheet", "column", "meaning"), columns)
    sheet.set_column(0, 0, 22)
    sheet.set_column(1, 1, 30)
    sheet.set_column(2, 2, 60)
    sheet.set_column(3, 5, 40)


def _listing(
    sheet: Worksheet, styles: dict[str, Format], start: int, name: str, heads: tuple[str, ...], rows: list[tuple]
) -> int:
    """A small named table on the README sheet; returns the row behind it."""
    for i, row in enumerate(rows, start + 1):
        for j, value in enumerate(row):
            _write(sheet, styles, i, j, value, "units" if isinstance(value, int) else "text", heads[j])
    end = start + len(rows)
    sheet.add_table(
        start,
        0,
        end,
        len(heads) - 1,
        {"name": name, "columns": [{"header": head} for head in heads], "style": "Table Style Light 1"},
    )
    return end + 1
