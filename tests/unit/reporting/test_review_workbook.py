"""The workbook, read back by openpyxl: every number against the published mart, text that stays text, limits, bytes."""

from __future__ import annotations

import zipfile
from datetime import datetime

import duckdb
import openpyxl
import pytest

from allocation_assets.reporting.picture import read_picture
from allocation_assets.reporting.workbook import HEAD, render_workbook
from orchestration.report import column_docs
from tests.support import review_world as world
from tests.support.review_world import CODE, DAY, FORMULA

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # openpyxl does not read data bars
#: Sheets that show rows of a mart, and the key by which a row is found there.
MARTS = {
    "trend": ("kpi_daily", ("business_date",), "location_id = '*' AND department = '*'"),
    "channel_service": ("(SELECT * RENAME (member AS channel) FROM kpi_periods)", ("channel",), "dimension = 'channel' AND period = 'day'"),
    "regions": ("(SELECT * RENAME (member AS region) FROM kpi_periods)", ("region",), "dimension = 'region' AND period = 'day'"),
    "locations": ("kpi_daily", ("location_id",), "department = '*'"),
    "departments": ("kpi_daily", ("department",), "location_id = '*'"),
    "periods": ("kpi_periods", ("period", "dimension", "member"), "period <> 'day'"),
    "period_cells": ("(SELECT * RENAME (member AS location_id) FROM kpi_periods)", ("period", "location_id", "department"), "dimension = 'location_department'"),
    "grid": ("kpi_daily", ("location_id", "department"), "true"),
    "critical_stock": ("inventory_positions", ("location_id", "sku_id"), "true"),
    "exceptions": ("exceptions", ("exception_id",), "true"),
    "allocation_performance": ("allocation_performance", ("channel", "department"), "true"),
    "open_to_buy": ("open_to_buy", ("department", "month"), "true"),
    "order_lines": ("replenishment_orders", ("location_id", "sku_id"), "true"),
    "allocations": ("allocations", ("to_location_id", "sku_id"), "true"),
    "service_levels": ("service_levels", ("segment",), "true"),
    "explain": ("allocation_needs", ("to_location_id", "sku_id"), "true"),
    "run": ("run_summary", ("policy_hash",), "true"),
}  # fmt: skip


@pytest.fixture(scope="module")
def daily(template, tmp_path_factory):
    """The workbook of the small world, for tests that only read it."""
    with duckdb.connect(str(template), read_only=True) as opened:
        return book_of(opened, tmp_path_factory.mktemp("book"))


def book_of(connection, tmp_path, sheet_rows=None, **options):
    path = tmp_path / "review.xlsx"
    limits = {"sheet_rows": sheet_rows} if sheet_rows else {}
    render_workbook(read_picture(connection, DAY, definitions=column_docs(), **options), path, **limits)
    return openpyxl.load_workbook(path)


def rows_of(sheet) -> list[dict]:
    """Rows of a sheet's named table, by its headings."""
    [table] = sheet.tables.values()
    heads, *rows = [[cell.value for cell in row] for row in sheet[table.ref]]
    return [dict(zip(heads, row, strict=True)) for row in rows]


@pytest.mark.parametrize("name", MARTS)
def test_every_number_of_a_sheet_is_the_marts(connection, daily, name):
    dataset, keys, where = MARTS[name]
    rows = rows_of(daily[name])
    assert rows
    for row in rows:
        values = [row[key].date() if isinstance(row[key], datetime) else row[key] for key in keys]
        day = "" if name == "trend" else f"business_date = DATE '{DAY}' AND "
        cursor = connection.execute(f"SELECT * FROM {dataset} WHERE {day}{' AND '.join([where, *(f'{key} = ?' for key in keys)])}", values)
        [found] = cursor.fetchall()
        mart = dict(zip((column[0] for column in cursor.description), found, strict=True))
        shared = row.keys() & mart.keys() - {"warnings"}
        assert len(shared) > len(keys)
        for column in shared:
            value = row[column].date() if isinstance(row[column], datetime) else row[column]
            wanted = mart[column]
            if wanted is None or isinstance(wanted, str):
                assert value == wanted, column
            else:
                assert value == pytest.approx(float(wanted)) if isinstance(value, float | int) else value == wanted, column


def test_sums_and_headline(daily):
    book = daily
    headline = {row["measure"]: row for row in rows_of(book["headline"])}
    assert (headline["net_sales"]["value"], headline["net_sales"]["before_value"], headline["net_sales"]["change"]) == (230, 220, 10)
    [orders] = rows_of(book["supplier_orders"])
    assert (orders["units"], orders["order_value"], orders["pending_value"]) == (40, pytest.approx(150.15), pytest.approx(50.05))
    assert book["headline"].cell(HEAD + 6, 2).number_format == "0.00%"  # fill_rate, the fifth measure
    assert book["headline"].cell(HEAD + 2, 2).number_format == "#,##0.00"


def test_text_stays_text(daily):
    book = daily
    [cell] = [c for row in book["locations"].iter_rows() for c in row if c.value == FORMULA]
    assert (cell.data_type, cell.quotePrefix) == ("s", True)
    texts = {c.value for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "s"}
    assert {FORMULA, "-A", "@A", "@SUP", "+look"} <= texts
    assert not [c.coordinate for sheet in book for row in sheet.iter_rows() for c in row if c.data_type == "f"]


def test_sheets_are_named_tables_under_frozen_headings(daily):
    book = daily
    for sheet in book.worksheets[1:]:
        assert list(sheet.tables) == [f"t_{sheet.title}"]
        assert sheet.freeze_panes == f"B{HEAD + 2}"
    assert {sheet.title for sheet in book if sheet._charts} >= {"trend", "regions", "departments", "exception_owners", "shortages", "supplier_orders", "open_to_buy"}
    assert book["exceptions"].conditional_formatting
    dates = book["exceptions"]["I5"]
    assert (dates.value, dates.number_format) == (datetime(2026, 3, 8), "yyyy-mm-dd")


def test_the_readme_defines_every_column_with_the_words_of_the_dbt_docs(daily):
    book = daily
    readme = book["README"]
    heads, *rows = [[cell.value for cell in row] for row in readme[readme.tables["t_definitions"].ref]]
    meanings = {(sheet, column): meaning for sheet, column, meaning in rows}
    assert heads == ["sheet", "column", "meaning"]
    assert meanings["exceptions", "owner_role"] == column_docs()["exceptions", "owner_role"]
    wanted = {(sheet.title, cell.value) for sheet in book.worksheets[1:] for cell in sheet[HEAD + 1] if cell.value}
    assert meanings.keys() == wanted and all(meanings.values())


def test_a_sheet_that_is_full_says_what_was_cut(connection, tmp_path):
    """Six rows of a sheet hold title, text, note, heading and two rows: of 14 dates the first two, of exceptions both."""
    book = book_of(connection, tmp_path, sheet_rows=6)
    assert len(rows_of(book["trend"])) == 2
    assert book["trend"]["A3"].value.startswith("Cut: the first 2 of 14 rows in this order; the rest is in the published dataset kpi_daily")
    assert len(rows_of(book["exceptions"])) == 2
    assert book["exceptions"]["A3"].value is None
    assert max(sheet.max_row for sheet in book.worksheets[1:]) <= 6


def test_rows_that_were_not_read_are_counted_in_the_note(connection, tmp_path):
    book = book_of(connection, tmp_path, most_rows=1)
    assert book["exceptions"]["A3"].value.startswith("Cut: the first 1 of 2 rows")
    assert rows_of(book["exceptions"])[0]["exception_id"] == "e0"  # the most value at risk


def test_empty_topics_say_why(tmp_path):
    with duckdb.connect() as bare:
        world.empty(bare)
        world.kpi(bare, DAY, "*", "*", net_sales=10)
        book = book_of(bare, tmp_path, is_weekly=True)
    assert book["open_to_buy"]["A2"].value.startswith("No budget has landed")
    assert book["actions"]["A2"].value == "Nothing waits for a decision."


def test_actions_are_a_sheet_of_the_weekly_variant(connection, tmp_path):
    assert "actions" not in book_of(connection, tmp_path).sheetnames
    assert [row["about"] for row in rows_of(book_of(connection, tmp_path, is_weekly=True)["actions"])] == [
        "exception", "service level", "supplier order", "allocation",
    ]  # fmt: skip


def test_the_same_picture_gives_the_same_bytes(connection, tmp_path):
    """No clock: the file's dates are the business date's, its members' those of the format's first year."""
    picture = read_picture(connection, DAY)
    for name in ("a", "b"):
        render_workbook(picture, tmp_path / name)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    with zipfile.ZipFile(tmp_path / "a") as archive:
        assert {info.date_time[0] for info in archive.infolist()} == {1980}
        core = archive.read("docProps/core.xml").decode()
    assert core.count("2026-03-10T00:00:00Z") == 2


def test_a_text_longer_than_a_cell_is_cut_to_what_fits(connection, tmp_path):
    connection.execute("UPDATE exceptions SET detail = repeat('x', 40000)")
    assert len(rows_of(book_of(connection, tmp_path)["exceptions"])[0]["detail"]) == 32767


def test_code_in_a_name_is_text(daily):
    assert CODE in {row["department"] for row in rows_of(daily["departments"])}
