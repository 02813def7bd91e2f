"""What published datasets show in the UI, over a small published world and by hand."""

import base64
import re
from datetime import date
from xml.etree import ElementTree

import duckdb
import pytest

from orchestration.previews import PREVIEWS, chart_svg, markdown_table, service_preview
from tests.support import review_world as world

SVG = "{http://www.w3.org/2000/svg}"


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    path = tmp_path_factory.mktemp("published") / "allocator.duckdb"
    world.small_file(path)
    with duckdb.connect(str(path)) as connection:
        connection.execute("CREATE TABLE quarantine (feed VARCHAR, reasons VARCHAR[], resolved_on DATE)")
        connection.execute(
            "INSERT INTO quarantine VALUES ('pos', ['unknown_sku', 'too_late'], NULL), ('pos', ['unknown_sku'], NULL),"
            " ('items', ['unparseable'], $day)",
            {"day": world.DAY},
        )
        yield connection


def test_every_preview_reads_the_published_world(connection):
    for dataset, (name, show) in PREVIEWS.items():
        assert show(connection, world.DAY).strip(), (dataset, name)


def test_what_is_quarantined_now_is_counted_by_reason_without_what_was_taken_up(connection):
    table = PREVIEWS["quarantine"][1](connection, world.DAY)
    assert table.splitlines()[2:] == ["| pos | unknown_sku | 2 |", "| pos | too_late | 1 |"]


def test_the_chart_of_the_service_says_the_figures_of_the_date(connection):
    text = service_preview(connection, world.DAY)
    [(rate, lost)] = connection.execute(
        "SELECT fill_rate, lost_sales_value FROM kpi_daily WHERE business_date = $day AND location_id = '*' AND department = '*'",
        {"day": world.DAY},
    ).fetchall()
    assert f"Fill rate {float(rate):.1%}, lost sales {float(lost):,.2f} on {world.DAY}." in text
    picture = base64.b64decode(re.search(r"data:image/svg\+xml;base64,([^)]+)\)", text)[1])
    assert ElementTree.fromstring(picture).tag == f"{SVG}svg"


def test_the_exceptions_with_most_value_at_risk_come_first(connection):
    lines = PREVIEWS["exceptions"][1](connection, world.DAY).splitlines()
    found = connection.execute(
        "SELECT max(value_at_risk)::DECIMAL(28, 2) FROM exceptions WHERE business_date = $day AND status = 'open'", {"day": world.DAY}
    ).fetchone()[0]
    assert f"| {found} |" in lines[2]


def test_a_chart_by_hand():
    """Plot height 148 px from y = 28 to 176: 100 % stands at 28, 50 % at 102; the largest value is as high as the plot, half of it 74."""
    days = [date(2024, 3, 4), date(2024, 3, 5), date(2024, 3, 6)]
    svg = ElementTree.fromstring(chart_svg(list(zip(days, (1.0, None, 0.5), (10.0, 20.0, None), strict=True))))
    assert [circle.get("cy") for circle in svg.iter(f"{SVG}circle")] == ["28.0", "102.0"]
    bars = [rect.get("height") for rect in svg.iter(f"{SVG}rect") if rect.get("fill-opacity")]
    assert bars == ["74.0", "148.0"]
    texts = [text.text for text in svg.iter(f"{SVG}text")]
    assert {"2024-03-04", "2024-03-06", "20"} <= set(texts)


def test_text_in_a_cell_stays_in_its_cell():
    assert markdown_table(["a", "b"], [("x|y\nz", None)]) == "| a | b |\n| --- | --- |\n| x\\|y z |  |"
    assert markdown_table(["a"], []) == "Nothing on this date."
