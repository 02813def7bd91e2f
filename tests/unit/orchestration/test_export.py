"""`allocator export`: what it refuses, in one line and with the right exit code, and that it replaces only what it wrote."""

from __future__ import annotations

import sys

import duckdb
import pytest

from allocation_assets.bi.semantics import DATE, Column, Metric, Semantics, Table
from orchestration import cli, export
from orchestration.publishing.current import Current, write_current
from orchestration.settings import code_version


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A home that published one row of one dataset; the semantic layer is that dataset and one measure."""
    root = tmp_path / "home"
    (root / "published").mkdir(parents=True)
    with duckdb.connect(str(root / "published" / "allocator.duckdb")) as connection:
        connection.execute("CREATE TABLE lines AS SELECT DATE '2024-03-01' AS business_date, 12::BIGINT AS units, 1e13::DECIMAL(28,6) AS amount")
    write_current(
        root / "published",
        Current(
            business_date="2024-03-01", run_id="r", published_at="t", code_version=code_version(), input_hash="i", policy_hash="p",
            through_load=1, run_dates=["2024-03-01"], stage_seconds={}, provenance={},
        ),
    )  # fmt: skip
    monkeypatch.setattr(export, "load_semantics", lambda home: _semantics("units", "BIGINT"))
    monkeypatch.setenv("ALLOCATOR_HOME", str(root))
    return root


def _semantics(column, type_):
    day, number = Column(DATE, "DATE", "Business date", "", "dimension"), Column(column, type_, column, "", "input")
    total = Metric("total", "Total", "All.", "units", "lines", "simple", "sum", column)
    return Semantics((Table("lines", "Daily lines", "Lines.", "lines", {}, None, (day, number), (total,), {}),))


def _run(capsys, *arguments):
    code = cli.main(["export", *map(str, arguments)])
    captured = capsys.readouterr()
    return code, captured.out, captured.err.strip().splitlines()


def test_looker_goes_to_the_home_and_replaces_its_own(capsys, home):
    for _ in range(2):
        code, out, _ = _run(capsys, "looker")
        folder = home / "exports" / "looker"
        assert (code, out) == (0, f"looker of 2024-03-01 written to {folder}: open {folder / 'manifest.lkml'}\n")
        assert sorted(path.name for path in folder.iterdir()) == [".allocator-export", "allocation.model.lkml", "manifest.lkml", "views"]
        assert [path.name for path in folder.parent.iterdir()] == ["looker"]
        assert [path.name for path in (folder / "views").iterdir()] == ["lines.view.lkml"]
        (folder / "views" / "stale.view.lkml").touch()


def test_a_folder_with_something_else_is_left_alone(capsys, home, tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("mine")
    for out in (tmp_path / "thesis", tmp_path / "thesis" / "chapter.txt"):
        code, _, lines = _run(capsys, "looker", "--out", out)
        assert (code, lines) == (2, [f"allocator: {out} holds something that no export wrote: give --out another folder, or an empty one"])
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "mine"


def test_nothing_published_exits_2(capsys, home):
    (home / "published" / "CURRENT.json").unlink()
    code, _, lines = _run(capsys, "powerbi")
    assert (code, lines) == (2, [f"allocator: nothing is published in {home / 'published'}: run `allocator run --date D` first"])


def test_an_unknown_tool_exits_2(capsys, home):
    code, _, lines = _run(capsys, "lotus123")
    assert code == 2 and len(lines) == 1 and "powerbi" in lines[0]


def test_tableau_without_its_library_says_how_to_install_it(capsys, home, monkeypatch):
    monkeypatch.setitem(sys.modules, "tableauhyperapi", None)
    code, _, lines = _run(capsys, "tableau")
    assert (code, lines) == (2, [
        "allocator: tableauhyperapi is not installed, and Tableau's extract needs it: pip install 'open-retail-allocator[tableau]'"
    ])  # fmt: skip
    assert list((home / "exports").iterdir()) == []


def test_an_amount_that_no_extract_holds_exits_3(capsys, home, monkeypatch):
    monkeypatch.setattr(export, "load_semantics", lambda home: _semantics("amount", "DECIMAL(28,6)"))
    code, _, lines = _run(capsys, "tableau")
    assert code == 3 and len(lines) == 1 and lines[0].startswith("allocator: an amount is too large for a Tableau extract: ")


def test_a_release_of_an_older_version_exits_3(capsys, home, monkeypatch):
    monkeypatch.undo()
    code, _, lines = _run(capsys, "looker", "--home", home)
    assert code == 3 and len(lines) == 1
    assert "is not published; an older version published" in lines[0]


def test_every_target_is_offered(home):
    assert tuple(export.TARGETS) == cli.EXPORT_TARGETS
