"""A load is there whole or not at all, and the same files give the same bytes."""

import hashlib
import os
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from data_quality.feeds import load_contracts
from data_quality.intake import IntakeError, IntakeOptions, ensure_placeholders, landed_dates, take_in
from data_quality.intake import accounting as accounting_module
from data_quality.intake import reading as reading_module
from tests.support.landing import pos, write_bytes, write_csv
from tests.unit.intake.world import DAY, World, new_world


class Killed(BaseException):
    """Stands for the process dying."""


def _loads(world: World) -> list[str]:
    return sorted(p.name for p in (world.lake / "loads" / "pos").glob("posted_on=2*/*"))


def test_killed_before_the_rename_nothing_is_loaded_and_a_rerun_gives_the_same(world, tmp_path, monkeypatch):
    """architecture.md: staged, renamed once. What the killed run left behind is removed."""
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, sku_id="Z"), pos(3, units=0)])
    staging = world.lake / ".staging" / "pos"

    def die(source, target):
        (staging.parent / "kept").mkdir()
        os.replace(staging, staging.parent / "kept" / "pos")
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr("data_quality.intake.lake.os.rename", die)
        with pytest.raises(Killed):
            world.take()
    os.replace(staging.parent / "kept" / "pos", staging)
    assert sorted(p.name for p in (staging / "load").iterdir()) == [
        "accounting.parquet",
        "held.parquet",
        "quarantine.parquet",
        "raw.parquet",
    ]
    assert _loads(world) == []
    report = world.take()
    assert (report.load, report.rows_landed, _loads(world)) == (3, 3, ["load=000003"])
    assert not staging.exists()


def test_broken_identity_commits_nothing(world, monkeypatch):
    """landing.md: rows landed = loaded + duplicate + quarantined, or nothing is loaded."""
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2)])
    monkeypatch.setattr("data_quality.intake.take._rows_per_file", lambda job: {1: 3})
    with pytest.raises(IntakeError, match="3 rows landed, 2 accounted for"):
        world.take()
    assert _loads(world) == [] and accounting_module.landing_name("a.csv@0123abcd@2") == "a.csv"


def test_a_file_that_changes_while_it_is_read_stops_the_take_in(world, monkeypatch):
    path = write_csv(world.landing, "pos", DAY, [pos(1)])
    original = reading_module._land_csv

    def rewrite(*arguments):
        original(*arguments)
        path.write_bytes(path.read_bytes() * 2)

    monkeypatch.setattr(reading_module, "_land_csv", rewrite)
    with pytest.raises(IntakeError, match="changed while being read"):
        world.take()
    monkeypatch.setattr(reading_module, "_land_csv", lambda *a: path.unlink())
    with pytest.raises(IntakeError, match="vanished while being read"):
        world.take()
    assert _loads(world) == []


def test_an_engine_fault_is_not_blamed_on_the_file(world, monkeypatch):
    write_csv(world.landing, "pos", DAY, [pos(1)])

    def fail(*arguments):
        raise duckdb.OutOfMemoryException("no memory")

    monkeypatch.setattr(reading_module, "_land_csv", fail)
    with pytest.raises(IntakeError, match="free memory or disk"):
        world.take()


def test_loads_count_up_over_all_feeds_and_only_where_there_is_something(world):
    write_csv(world.landing, "pos", DAY, [pos(1)])
    assert [world.take("returns").load, world.take().load, world.take().load] == [None, 3, None]
    write_csv(world.landing, "returns", DAY, [], header=["return_id"])
    report = world.take("returns")
    assert (report.load, report.dates, report.rows_landed) == (4, [DAY], 0)
    assert sorted(p.name for p in (world.lake / "loads/returns/posted_on=2024-03-04/load=000004").iterdir()) == [
        "accounting.parquet"
    ]


def test_a_load_cannot_be_overwritten(world, monkeypatch):
    write_csv(world.landing, "pos", DAY, [pos(1)])
    world.take()
    write_csv(world.landing, "pos", DAY, [pos(2)], "b.csv")
    monkeypatch.setattr("data_quality.intake.take.next_load", lambda lake: 3)
    with pytest.raises(IntakeError, match="exists already"):
        world.take()


def _hashes(lake: Path) -> dict[str, str]:
    files = sorted(p for p in (lake / "loads").rglob("*.parquet") if "0001-01-01" not in str(p))
    return {str(p.relative_to(lake)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def test_same_files_same_bytes_at_any_thread_count_and_batch_size(tmp_path):
    """semantics 5: every file of a load is byte-stable."""
    hashes = []
    for threads, batch_bytes in ((1, 10**9), (2, 10**9), (2, 1)):
        world = new_world(tmp_path / f"{threads}-{batch_bytes}")
        world.options = IntakeOptions(threads=threads, batch_bytes=batch_bytes)
        world.masters()
        for k in range(3):
            rows = [
                pos(n % 3000 + 2000 * k, units=n % 7, sku_id="ABZ"[n % 3], customer_id='q"' if n % 5 else None)
                for n in range(4000)
            ]
            path = write_csv(world.landing, "pos", DAY, rows, f"{k}.csv")
            os.utime(path, ns=(1, 1))
        for path in world.landing.rglob("*.csv"):
            os.utime(path, ns=(1, 1))
        world.take()
        found = _hashes(world.lake)
        hashes.append({name: digest for name, digest in found.items() if "/pos/" in name})
    assert len(hashes[0]) == 4
    assert hashes[0] == hashes[1] == hashes[2]


def test_placeholders_have_every_column_and_follow_the_contract(bare):
    """SPEC: zero-row files of every feed, so that globs never fail."""
    contracts = load_contracts()
    for feed, contract in contracts.items():
        for stem in ("raw", "held"):
            pattern = str(bare.lake / "loads" / feed / "*" / "*" / f"{stem}.parquet")
            with duckdb.connect() as connection:
                found = connection.execute("SELECT * FROM read_parquet($p, hive_partitioning = false)", {"p": pattern})
                names = [column[0] for column in found.description]
                assert names == [*contract.column_names, "business_date", "source_file", "source_line"]
                assert found.fetchall() == []
    for stem in ("quarantine", "resolved", "accounting"):
        assert bare.rows(stem) == []
    marker = bare.lake / "loads/pos/posted_on=0001-01-01/load=000000/.schema"
    marker.write_text("another contract")
    ensure_placeholders(bare.lake, contracts)
    assert "transaction_id" in marker.read_text()


def test_relative_paths_and_default_options(world, monkeypatch):
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, units=0)])
    monkeypatch.chdir(world.landing.parent)
    report = take_in(world.contract("pos"), landing=Path("landing"), lake=world.lake, run_date=DAY)
    assert (report.rows_loaded, report.rows_quarantined) == (1, 1)


def test_landed_dates(world):
    """semantics 3: dates with at least one data file."""
    write_csv(world.landing, "pos", "2024-03-05", [pos(1)])
    write_bytes(world.landing, "pos", "2024-03-06", b"", "x.csv.tmp")
    write_bytes(world.landing, "pos", "2024-03-07", b"{}", "_manifest.json")
    write_bytes(world.landing, "pos", "never", b"", "x.csv")
    write_bytes(world.landing, "stray", DAY + timedelta(days=9), b"", "x.csv")
    assert landed_dates(world.landing, ["pos"]) == {date(2024, 3, 5)}
    assert landed_dates(world.landing, load_contracts()) == {DAY, date(2024, 3, 5)}
    assert landed_dates(world.landing / "none", ["pos"]) == set()
