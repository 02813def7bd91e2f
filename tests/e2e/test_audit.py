"""The audit log over real runs: it grows by published runs alone, and what is changed behind it is found."""

import json
import shutil

import pytest

from tests.support import tiny_world as world
from tests.support.home import allocator, parquet_hashes, published
from tests.support.tampering import alter_database, rewrite

D8, D9 = world.DATES[7:9]
HISTORY = world.DATES[:8]


def _logged(home):
    return published(home, "SELECT * FROM audit_log ORDER BY sequence")


@pytest.fixture
def ninth(ninth_day, tmp_path):
    """A copy of the home with two dates run that a test may change."""
    copy = tmp_path / "ninth"
    shutil.copytree(ninth_day, copy)
    return copy


def test_two_published_dates_verify(tiny_home, ninth_day):
    for home, dates in ((tiny_home, 1), (ninth_day, 2)):
        head = json.loads((home / "published" / "CURRENT.json").read_text())["audit_head"]
        [line] = allocator(home, "audit", "verify").stdout.splitlines()
        assert line.startswith(f"audit log verified: {head['sequence']} entries on {dates} dates")
        assert line.endswith(head["sha256"])
    assert _logged(ninth_day)[: len(_logged(tiny_home))] == _logged(tiny_home)


def test_every_ledger_file_is_sealed_history_included(tiny_home, ninth_day):
    sealed = "SELECT row_key FROM audit_log WHERE action = 'sealed' AND dataset = 'stock_ledger' ORDER BY sequence"
    assert published(tiny_home, sealed) == [(str(day),) for day in HISTORY]
    assert published(ninth_day, sealed) == [(str(day),) for day in (*HISTORY, D9)]


def test_dates_decided_again_change_nothing(ninth):
    """Semantics 5: an older date and the newest, run once more, give the same bytes, and leave the log as it is."""
    before = parquet_hashes(ninth)
    allocator(ninth, "run", "--date", str(D8), "--through", str(D9))
    assert parquet_hashes(ninth) == before
    allocator(ninth, "audit", "verify")


@pytest.mark.parametrize("fix_current", [False, True])
@pytest.mark.parametrize(
    ("dataset", "day", "change"),
    [("audit_log", D8, "'mallory' AS actor"), ("stock_ledger", world.DATES[3], "units + 1 AS units")],
)
def test_one_changed_row_of_a_file_is_named(ninth, dataset, day, change, fix_current):
    name = f"{dataset}/business_date={day}/data.parquet"
    rewrite(ninth / "published", name, change, fix_current=fix_current)
    done = allocator(ninth, "audit", "verify", check=False)
    assert done.returncode == 3
    assert done.stderr.startswith(f"allocator: {name}: sha256 is ")


def test_one_changed_row_of_the_database_is_named(ninth):
    movement = published(ninth, "SELECT movement_id FROM stock_ledger WHERE business_date = $d ORDER BY 1", d=D9)[0][0]
    alter_database(ninth / "published", f"UPDATE stock_ledger SET units = units + 1 WHERE movement_id = '{movement}'")
    done = allocator(ninth, "audit", "verify", check=False)
    assert done.returncode == 3
    assert f"allocator.duckdb: table stock_ledger, {D9}, movement_id {movement}: units is" in done.stderr
