"""The page, read back: every number against the published mart, text that stays text, sizes, bytes."""

from __future__ import annotations

import json
import re

import duckdb
import pytest

from allocation_assets.reporting.page import render_page
from allocation_assets.reporting.picture import read_picture
from orchestration.report import column_docs
from tests.support import review_world as world
from tests.support.review_world import CODE, DAY, FORMULA, parse

RUNTIME = "window.vegaEmbed = async () => {};"
#: Topics that show rows of a mart: which, and headings of the page that are its key.
MARTS = {
    "channel_service": ("kpi_periods", {"Channel": "member"}, "dimension = 'channel' AND period = 'day'"),
    "regions": ("kpi_periods", {"Region": "member"}, "dimension = 'region' AND period = 'day'"),
    "locations": ("kpi_daily", {"Location": "location_id"}, "department = '*'"),
    "departments": ("kpi_daily", {"Department": "department"}, "location_id = '*'"),
    "periods": ("kpi_periods", {"Period": "replace(period, '_', ' ')", "Dimension": "dimension", "Member": "member"}, "true"),
    "grid": ("kpi_daily", {"Location": "location_id", "Department": "department"}, "true"),
    "trend": ("kpi_daily", {"Date": "business_date"}, "location_id = '*' AND department = '*'"),
    "exceptions": ("exceptions", {"Kind": "replace(kind, '_', ' ')"}, "status = 'open'"),
    "allocation_performance": ("allocation_performance", {"Channel": "channel", "Department": "department"}, "true"),
    "open_to_buy": ("open_to_buy", {"Department": "department"}, "true"),
    "service_levels": ("service_levels", {"Segment": "segment"}, "true"),
    "explain": ("allocation_needs", {"To": "to_location_id"}, "true"),
}  # fmt: skip
#: Headings whose column has another name.
COLUMNS = {"Value": "objective_value", "Bound": "objective_bound", "Demand a day": "daily_mean"}
NOT_OF_THE_MART = {"Days overdue", "Place"}


@pytest.fixture(scope="module")
def daily(template) -> str:
    """The page of the small world, for tests that only read it."""
    with duckdb.connect(str(template), read_only=True) as opened:
        return page_of(opened)


def page_of(connection, **options) -> str:
    return render_page(read_picture(connection, DAY, definitions=column_docs(), **options), RUNTIME)


def number(text: str) -> float | None:
    """The number that a reader sees, and None for the dash."""
    text = text.replace(",", "")
    return None if text == "–" else float(text[:-1]) / 100 if text.endswith("%") else float(text)


def step(text: str) -> float:
    """Half of the last digit that is written: as far as a number may be from the mart's."""
    digits = len(text.rstrip("%").partition(".")[2]) + 2 * text.endswith("%")
    return 0.5 * 10**-digits + 1e-9


@pytest.mark.parametrize("topic", MARTS)
def test_every_number_of_a_table_is_the_marts(connection, daily, topic):
    dataset, keys, where = MARTS[topic]
    heads, *rows = parse(daily).tables[topic]
    assert rows
    checked = 0
    for row in rows:
        shown = dict(zip(heads, row, strict=True))
        picked = " AND ".join([where, *(f"{column}::VARCHAR = ?" for column in keys.values())])
        day = "" if topic == "trend" else f"business_date = DATE '{DAY}' AND "
        cursor = connection.execute(f"SELECT * FROM {dataset} WHERE {day}{picked}", [shown[head] for head in keys])
        [found] = cursor.fetchall()
        mart = dict(zip((column[0] for column in cursor.description), found, strict=True))
        for head, text in shown.items():
            name = COLUMNS.get(head, head.lower().replace(" ", "_"))
            if head in NOT_OF_THE_MART or not re.fullmatch(r"-?[\d,.]+%?|–", text):
                continue
            assert name in mart, head
            if text == "–":
                assert mart[name] is None
            else:
                assert number(text) == pytest.approx(float(mart[name]), abs=step(text)), (shown, head)
                checked += 1
    assert checked >= len(rows)


def test_the_headline_is_on_the_cards_and_in_the_table(daily):
    page = daily
    assert '<dd data-measure="net_sales">230.00</dd><dd class="change good">+10.00, better</dd>' in page
    assert '<dd data-measure="in_stock_rate">80.00%</dd><dd class="change bad">-10.00 points, worse</dd>' in page
    assert ["Net sales", "230.00", "220.00", "+10.00"] in parse(page).tables["headline"]


def test_sums_on_the_page_are_sums_of_the_mart(daily):
    tables = parse(daily).tables
    [orders] = tables["supplier_orders"][1:]
    assert orders[:3] + orders[3:7] == ["@SUP", "2", "40", "150.15", "14.00", "1", "50.05"]
    [shortage] = tables["shortages"][1:]
    assert shortage[:3] == ["dc supply", "1", "8"]
    assert [row[:6] for row in tables["stock_status"][1:]] == [
        ["store", "store", "healthy", "1", "40", "617.28"], ["store", "store", "stockout", "1", "0", "0.00"],
    ]  # fmt: skip


def test_charts_hold_the_marts_numbers(connection, daily):
    charts = json.loads(parse(daily).blocks["charts"])
    values = {row["business_date"]: row["net_sales"] for row in charts["sales"]["data"]["values"]}
    mart = connection.execute("SELECT business_date::VARCHAR, net_sales::DOUBLE FROM kpi_daily WHERE location_id = '*' AND department = '*'").fetchall()
    assert values == dict(mart)
    assert charts["exceptions"]["data"]["values"] == [{"kind": "negative_stock", "value_at_risk": 99.99}, {"kind": "late_delivery", "value_at_risk": 10}]
    regions = {row["region"]: row["in_stock_rate"] for row in charts["regions"]["data"]["values"]}
    mart = connection.execute(
        f"SELECT member, in_stock_rate FROM kpi_periods WHERE dimension = 'region' AND period = 'day' AND business_date = DATE '{DAY}'"
    ).fetchall()
    assert regions == dict(mart) and len(regions) == 2
    assert all("$schema" not in chart for chart in charts.values())


def test_the_grid_holds_the_marts_numbers_and_nulls_where_nothing_is_active(connection):
    connection.execute("DELETE FROM kpi_daily WHERE location_id = 'S2' AND department = 'Fresh'")
    grid = json.loads(parse(page_of(connection)).blocks["grid"])
    found = {
        (location, department): grid["measures"]["in_stock_rate"][i * len(grid["departments"]) + j]
        for i, location in enumerate(grid["locations"])
        for j, department in enumerate(grid["departments"])
    }
    assert found == {(FORMULA, CODE): 0.8, (FORMULA, "Fresh"): 0.8, ("S2", CODE): 0.8, ("S2", "Fresh"): None}


def test_text_stays_text(connection):
    page = page_of(connection, is_weekly=True)
    found = parse(page)
    assert CODE not in page
    assert [a.get("id") for tag, a in found.tags if tag == "script"] == ["charts", "grid", "runtime", None]
    assert any(CODE in cell for row in found.tables["exceptions"] for cell in row)
    assert not [tag for tag, attributes in found.tags if any(name.startswith("on") for name in attributes)]


def test_nothing_is_asked_of_anybody(daily):
    tags = parse(daily).tags
    assert not [a for tag, a in tags if tag in ("img", "iframe", "object", "embed", "base", "form") or "src" in a]
    assert {a["href"][:1] for _, a in tags if "href" in a} == {"#", "d"}
    [policy] = [a["content"] for tag, a in tags if a.get("http-equiv") == "Content-Security-Policy"]
    assert policy.startswith("default-src 'none';") and "unsafe-eval" not in policy


def test_a_reader_without_eyes_or_mouse_finds_everything(daily):
    found = parse(daily)
    assert ("html", {"lang": "en"}) in found.tags
    ids = {a["id"] for _, a in found.tags if "id" in a}
    assert {a["href"][1:] for _, a in found.tags if a.get("href", "").startswith("#")} <= ids
    assert {"header", "nav", "main", "footer"} <= {tag for tag, _ in found.tags}
    assert all(a["scope"] in ("col", "row") for tag, a in found.tags if tag == "th")
    charts = json.loads(found.blocks["charts"])
    assert {"service", "departments", "exceptions", "shortages", "open_to_buy", "supplier_orders", "stock_status"} <= charts.keys()
    tables = set(found.tables)
    assert {"trend", "departments", "exception_owners", "shortages", "open_to_buy", "supplier_orders", "stock_status", "grid"} <= tables


def contrast(one: str, other: str) -> float:
    """Contrast ratio of two #rrggbb colours by WCAG 2.1 (w3.org/TR/WCAG21/#dfn-contrast-ratio)."""

    def luminance(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        red, green, blue = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_text_stands_out_from_its_ground():
    from allocation_assets.reporting.page_style import CSS

    colours = dict(re.findall(r"--(\w+):(#[0-9a-f]+)", CSS))
    white = colours["paper"] + colours["paper"][1:]
    low = {name: contrast(colours[name], ground) for name in ("ink", "soft", "blue", "bad", "good") for ground in (white, colours["band"])}
    assert min(low.values()) >= 4.5, low


def test_the_weekly_variant_asks_for_decisions(connection):
    assert "Actions to decide" not in page_of(connection)
    heads, *rows = parse(page_of(connection, is_weekly=True)).tables["actions"]
    assert heads[-1] == "Decision, who, by when"
    assert [row[0] for row in rows] == ["exception", "service level", "supplier order", "allocation"]


def test_provenance_stands_on_the_page(daily):
    assert "Data by feed: pos=observed; lanes=simulated." in daily


def test_a_retailer_without_dc_budgets_or_orders_gets_a_page_that_says_so():
    with duckdb.connect() as bare:
        world.empty(bare)
        world.kpi(bare, DAY, "*", "*", net_sales=10)
        page = page_of(bare, is_weekly=True)
    for text in ("No budget has landed", "No supplier order is proposed", "Nothing was allocated on this date", "Nothing waits for a decision", "No exception is open"):
        assert text in page
    assert "is the first date that is published" in page


def test_the_same_picture_gives_the_same_bytes(connection, daily):
    assert page_of(connection) == daily


def test_a_thousand_stores_by_fifty_departments_fit_into_5_mb():
    """Beside the page itself stands the charts' script of 0.9 MB, inlined once (tests/ui_check.py opens the whole)."""
    with duckdb.connect() as chain:
        world.large(chain)
        page = page_of(chain)
        grid = json.loads(parse(page).blocks["grid"])
        assert len(page.encode()) < 4_000_000
        assert len(grid["measures"]["lost_sales_value"]) == 1002 * 52
        at = grid["locations"].index("S0123") * 52 + grid["departments"].index("Department 07")
        [(value,)] = chain.execute("SELECT lost_sales_value FROM kpi_daily WHERE location_id = 'S0123' AND department = 'Department 07'").fetchall()
        assert grid["measures"]["lost_sales_value"][at] == pytest.approx(float(value), abs=0.005)
    assert "30 of 4,002 rows; all are in the workbook." in page
