"""The main job as a newcomer runs it: `allocator demo`, resumed, looked at, and every command of the docs."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from allocation_assets.demo_world import DEMO_BAD_ROWS, DEMO_RUN_DATES
from data_quality.invariants import check_invariants, unchecked_invariants
from tests.support.bi_figures import labels_of, opened_extract, wrong_in_looker, wrong_in_power_bi, wrong_in_tableau
from tests.support.bi_readers import Looker, PowerBi
from tests.support.home import allocator, parquet_hashes, published
from tests.support.review_world import parse

ROOT = Path(__file__).resolve().parents[2]
DOCS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory):
    home = tmp_path_factory.mktemp("demo") / "home"
    allocator(home, "demo")
    return home


def test_current_names_the_last_demo_date(demo_home):
    current = json.loads((demo_home / "published" / "CURRENT.json").read_text())
    assert current["business_date"] == str(DEMO_RUN_DATES[-1])
    assert current["run_dates"] == [str(day) for day in DEMO_RUN_DATES]
    assert set(current["provenance"].values()) <= {"observed", "derived", "simulated", "unstated"}


def test_every_invariant_holds_on_every_published_date(demo_home):
    import duckdb

    database = demo_home / "published" / "allocator.duckdb"
    assert check_invariants(database, None) == []
    with duckdb.connect(str(database), read_only=True) as connection:
        assert list(unchecked_invariants(connection)) == []


def test_every_need_and_every_unit_has_its_reason(demo_home):
    rows = published(
        demo_home,
        "SELECT DISTINCT binding_constraint FROM allocation_needs UNION SELECT DISTINCT binding_constraint FROM allocations",
    )
    known = {
        "need_met",
        "dc_supply",
        "shelf_capacity",
        "receiving_capacity",
        "dispatch_capacity",
        "case_pack",
        "blocked",
    }
    assert {name for (name,) in rows} <= known | {"override", "policy_max", "no_ship_day", "hold_back"}


def test_suppliers_of_the_demo_are_late_and_short_and_it_is_said(demo_home):
    """11 % of the deliveries are planned late, 5 % of the lines short (`demo_world/dc_supply.py`); dates are those of the last run."""
    newest = {"day": DEMO_RUN_DATES[-1]}
    [(on_time, in_full, delay)] = published(
        demo_home,
        "SELECT on_time_rate, in_full_rate, mean_delay_days FROM vendor_scorecards WHERE business_date = $day AND supplier_id = '*'",
        **newest,
    )
    assert 0.85 < on_time < 0.95 and 0.9 < in_full < 0.97 and 0.05 < delay < 0.2
    [(lanes, classes, shared)] = published(
        demo_home,
        "SELECT count(*), count(DISTINCT lane_class), count(*) FILTER (late_share BETWEEN 0.02 AND 0.3) FROM lead_times WHERE business_date = $day",
        **newest,
    )
    assert classes == 2 and shared == lanes == 32  # 14 suppliers, 17 stores, e-com
    [(lines, early, more, moved)] = published(
        demo_home,
        "SELECT count(*), count(*) FILTER (predicted_date <= business_date), count(*) FILTER (predicted_units > promised_units),"
        " count(*) FILTER (predicted_date > promised_date) FROM inbound_predictions WHERE business_date = $day",
        **newest,
    )
    assert lines > 100 and (early, more) == (0, 0) and moved > 0
    kinds = published(
        demo_home, "SELECT DISTINCT kind FROM exceptions WHERE cause_key LIKE 'supplier|%' AND business_date = $day", **newest
    )
    assert {kind for (kind,) in kinds} == {"late_delivery", "short_delivery"}


def test_the_bad_rows_of_the_demo_are_accounted_for(demo_home):
    """Every row landed is loaded, known as a duplicate or quarantined; the planted ones are named."""
    assert published(
        demo_home,
        "SELECT count(*) FROM feed_accounting WHERE rows_landed <> rows_loaded + rows_duplicate + rows_quarantined",
    ) == [(0,)]
    quarantined = published(demo_home, "SELECT count(*) FROM quarantine WHERE resolved_on IS NULL")[0][0]
    duplicates = published(demo_home, "SELECT sum(rows_duplicate) FROM feed_accounting")[0][0]
    assert quarantined + duplicates == len(DEMO_BAD_ROWS)


def test_every_run_leaves_a_page_and_a_workbook_of_its_figures(demo_home):
    """The page's cards, grid and exceptions against the published database; the workbook's lines are as many as the mart's rows."""
    import openpyxl

    day = DEMO_RUN_DATES[-1]
    for run_date in DEMO_RUN_DATES:
        folder = demo_home / "reports" / f"business_date={run_date}"
        assert {path.name for path in folder.iterdir()} == {"review.html", "review.xlsx"}
    page = parse((folder / "review.html").read_text())
    [(sales, margin, stock)] = published(
        demo_home,
        "SELECT net_sales, gross_margin, inventory_value FROM kpi_daily WHERE business_date = $day AND location_id = '*' AND department = '*'",
        day=day,
    )
    shown = {row[0]: row[1] for row in page.tables["headline"]}
    assert (shown["Net sales"], shown["Gross margin"], shown["Stock at cost"]) == (f"{sales:,.2f}", f"{margin:,.2f}", f"{stock:,.2f}")
    grid = json.loads(page.blocks["grid"])
    [(stockouts,)] = published(
        demo_home,
        "SELECT sum(stockout_positions) FROM kpi_daily WHERE business_date = $day AND location_id <> '*' AND department <> '*'",
        day=day,
    )
    assert sum(cell or 0 for cell in grid["measures"]["stockout_positions"]) == stockouts
    book = openpyxl.load_workbook(folder / "review.xlsx", read_only=True)
    [(lines, units)] = published(demo_home, "SELECT count(*), sum(units) FROM allocations WHERE business_date = $day", day=day)
    cells = [row for row in book["allocations"].iter_rows(min_row=5, values_only=True) if row[0] is not None]
    assert (len(cells), sum(row[4] for row in cells)) == (lines, units)


def test_the_demo_resumes_and_changes_nothing(demo_home):
    before = parquet_hashes(demo_home)
    done = allocator(demo_home, "demo")
    assert "already published" in done.stdout
    assert parquet_hashes(demo_home) == before


def test_every_command_of_the_docs_runs(demo_home, tmp_path):
    """`make` commands run in .ci/run; the UI and the benchmark have checks of their own."""
    shutil.copytree(demo_home, tmp_path / "home")
    commands = {
        line.split("#")[0].strip()
        for doc in DOCS
        for block in re.findall(r"```sh\n(.*?)```", doc.read_text(), re.S)
        for line in block.splitlines()
        if line.strip()
    }
    assert {"make run", "make test"} < commands
    for command in sorted(commands - {"make run", "make test"}):
        words = shlex.split(command)
        assert words[0] == ".venv/bin/allocator", command
        done = subprocess.run(
            [sys.executable, "-m", "orchestration.cli", *words[1:]], cwd=tmp_path, capture_output=True
        )
        assert done.returncode == 0, (command, done.stderr)


def test_every_number_of_the_bi_files_is_the_marts(demo_home, tmp_path):
    """Real demand, two dates: three tools against the published database (tests/e2e/test_exports.py has the odd cases)."""
    for target in ("powerbi", "tableau", "looker"):
        allocator(demo_home, "export", target, "--out", str(tmp_path / target))
    looker = Looker(tmp_path / "looker", demo_home / "published" / "allocator.duckdb")
    labels, days = labels_of(looker), list(DEMO_RUN_DATES[-2:])
    assert list(wrong_in_looker(demo_home, looker, labels, days)) == []
    assert list(wrong_in_power_bi(demo_home, PowerBi(tmp_path / "powerbi"), labels, days)) == []
    for tableau in opened_extract(tmp_path / "tableau"):
        assert list(wrong_in_tableau(demo_home, tableau, labels, days)) == []


def test_every_path_in_the_docs_exists():
    generated = ("home/", "mine", "published/", "warehouse/", "landing/", "policies/", ".venv/", "lake/")
    missing = []
    for doc in DOCS:
        text = doc.read_text()
        links = [doc.parent / link for link in re.findall(r"\]\(([^)#]+)\)", text) if "://" not in link]
        named = re.findall(r"`([\w.]+(?:/[\w.*-]+)+/?)`", text)
        paths = [ROOT / name for name in named if not name.startswith(generated) and "*" not in name]
        missing += [f"{doc.name}: {path}" for path in [*links, *paths] if not path.exists()]
    assert missing == []
