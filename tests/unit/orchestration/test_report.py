"""`allocator report`: which files it writes where, of which dates, and that an old date is read from its Parquet files."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from orchestration import cli, report
from orchestration.published_date import open_date
from orchestration.publishing.current import Current, write_current
from orchestration.publishing.datasets import BY_NAME
from orchestration.settings import Home
from tests.support import review_world as world
from tests.support.review_world import DAY


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home whose published database holds the small world; the charts' script is a stand-in."""
    home = Home(tmp_path / "home")
    home.published.mkdir(parents=True)
    world.small_file(home.published / "allocator.duckdb")
    publish(home, database_from=str(DAY))
    monkeypatch.setattr(report, "chart_runtime", lambda: "window.vegaEmbed = async () => {};")
    return home


def publish(home: Home, database_from: str) -> None:
    facts = dict(run_id="r", published_at="t", code_version="c", input_hash="i", policy_hash="p", through_load=1, stage_seconds={}, provenance={})
    write_current(home.published, Current(business_date=str(DAY), run_dates=[str(DAY)], database_from=database_from, **facts))


def files(home: Home) -> dict[str, bytes]:
    folder = home.root / "reports" / f"business_date={DAY}"
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_page_and_workbook_stand_beside_published_and_are_named(home, capsys):
    before = sorted(home.published.rglob("*"))
    assert cli.main(["report", "--date", str(DAY), "--home", str(home.root)]) == 0
    assert capsys.readouterr().out.split() == [str(home.root / "reports" / f"business_date={DAY}" / name) for name in ("review.html", "review.xlsx")]
    assert cli.main(["report", "--date", str(DAY), "--weekly", "--home", str(home.root)]) == 0
    assert files(home).keys() == {"review.html", "review.xlsx", "weekly_review.html", "weekly_review.xlsx"}
    assert sorted(home.published.rglob("*")) == before


def test_the_same_release_gives_the_same_files(home):
    report.write_report(home, DAY)
    first = files(home)
    report.write_report(home, DAY)
    assert files(home) == first


def test_a_date_that_was_not_decided_exits_3_with_one_line(home, capsys):
    assert cli.main(["report", "--date", "2026-03-09", "--home", str(home.root)]) == 3
    assert capsys.readouterr().err == (
        "allocator: 2026-03-09 is not a published run (decided dates: 2026-03-10): run `allocator run --date 2026-03-09` first\n"
    )
    assert not (home.root / "reports").exists()


def test_a_date_older_than_the_database_is_read_from_its_files(home):
    """SKU x location tables move from the database to Parquet, as when the date has left the window; the page stays the same."""
    report.write_report(home, DAY)
    first = files(home)
    database = home.published / "allocator.duckdb"
    with duckdb.connect(str(database)) as connection:
        for (name,) in connection.execute("SELECT table_name FROM information_schema.tables").fetchall():
            if BY_NAME[name].windowed:
                target = home.published / name / f"business_date={DAY}" / "data.parquet"
                target.parent.mkdir(parents=True)
                connection.execute(f"COPY {name} TO '{target}'")
                connection.execute(f"DELETE FROM {name}")
    publish(home, database_from=str(date(2026, 4, 1)))
    report.write_report(home, DAY)
    assert files(home) == first


def test_a_path_with_a_quote_is_a_path(tmp_path):
    published = tmp_path / "o'brien" / "published"
    home = Home(published.parent)
    published.mkdir(parents=True)
    world.small_file(published / "allocator.duckdb")
    publish(home, database_from=str(date(2026, 4, 1)))
    with open_date(published, DAY) as connection:
        assert connection.execute("SELECT count(*) FROM exceptions").fetchall() == [(3,)]


def test_column_docs_are_those_of_the_published_models():
    docs = report.column_docs()
    assert docs["kpi_daily", "business_date"] == "Date that the measures describe (its close)."
    assert docs["allocation_needs", "shorted_units"] == "Units wanted and not given."
    assert not {dataset for dataset, _ in docs} - BY_NAME.keys()


def test_the_charts_script_is_made_once(tmp_path, monkeypatch):
    import vl_convert

    calls = []
    monkeypatch.setattr(vl_convert, "javascript_bundle", lambda: calls.append(1) or "script")
    assert [report.chart_runtime(tmp_path / "kept") for _ in range(2)] == ["script", "script"]
    assert calls == [1]
    assert len(list((tmp_path / "kept").iterdir())) == 1
