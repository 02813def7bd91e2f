"""The written landing zone against the landing contract."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from collections import Counter
from datetime import date
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from demo_contract import CONTRACT, GRAIN, SQL_TYPES

from allocation_assets.demo_world import (
    DEMO_BAD_ROWS,
    DEMO_RUN_DATES,
    DemoLandingError,
    World,
    build_world,
    write_landing,
)

DAILY = ("pos", "returns", "receipts", "cycle_counts", "adjustments", "shipments", "orders", "stock_outs")


def tree(root: Path) -> dict[str, str]:
    return {str(p.relative_to(root)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(root.rglob("*")) if p.is_file()}


def header(path: Path) -> list[str]:
    if path.suffix == ".parquet":
        return pq.read_schema(path).names
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return next(lines).strip().split(",")


def test_every_file_has_exactly_the_contract_columns(landing):
    seen = Counter()
    for path in landing.glob("*/*/*.*"):
        if path.name != "_manifest.json":
            assert header(path) == CONTRACT[path.parts[-3]].split()[::2], path
            seen[path.parts[-3]] += 1
    assert set(seen) == set(CONTRACT)


@pytest.mark.parametrize("feed", CONTRACT)
def test_every_good_value_has_its_type_and_is_there_when_required(db, feed):
    names, kinds = CONTRACT[feed].split()[::2], CONTRACT[feed].split()[1::2]
    bad = {row.feed: sum(other.feed == row.feed for other in DEMO_BAD_ROWS) for row in DEMO_BAD_ROWS}
    for name, kind in zip(names, kinds, strict=True):
        lost = db.execute(f'SELECT count(*) FROM all_{feed} WHERE "{name}" IS NOT NULL AND '
                          f'TRY_CAST("{name}" AS {SQL_TYPES[kind.strip("!")]}) IS NULL').fetchone()[0]
        assert lost <= (1 if (feed, name) == ("receipts", "units") else 0), name
        if kind.endswith("!"):
            assert db.execute(f'SELECT count(*) FROM {feed} WHERE "{name}" IS NULL').fetchone()[0] == 0, name
    total, good = (db.execute(f"SELECT count(*) FROM {t}").fetchone()[0] for t in (f"all_{feed}", feed))
    assert total - good == bad.get(feed, 0)


@pytest.mark.parametrize("feed", CONTRACT)
def test_keys_are_unique(db, feed):
    """Semantics 10: across dates for transaction feeds; within a date for orders, stock_outs and master feeds."""
    assert db.execute(f"SELECT count(*) FROM (SELECT 1 FROM {feed} GROUP BY {GRAIN[feed]} "
                      "HAVING count(*) > 1)").fetchone()[0] == 0


@pytest.mark.parametrize(("feed", "column", "allowed"), [
    ("pos", "channel", "store,ecom"), ("returns", "disposition", "restock,damaged,vendor,liquidate,destroy"),
    ("receipts", "source_type", "purchase,transfer"), ("cycle_counts", "count_type", "cycle,zero_check"),
    ("adjustments", "reason_code", "shrink,damage,found,correction,disposal"),
    ("orders", "status", "open,allocated,shipped,cancelled"), ("locations", "location_type", "dc,store,ecom"),
    ("items", "lifecycle", "new,core,exit"), ("items", "ownership", "owned,consignment"),
    ("purchase_orders", "status", "open,closed"), ("promotions", "kind", "promo"),
    ("assortment", "status", "active,launch,blocked"), ("lanes", "order_multiple", "case"),
])
def test_enums_use_all_and_only_these_values(db, feed, column, allowed):
    assert {v for (v,) in db.execute(f"SELECT DISTINCT {column} FROM {feed}").fetchall()} == set(allowed.split(","))


def test_references_hold(db):
    for feed, column in [("pos", "location_id"), ("receipts", "location_id"), ("shipments", "to_location_id"),
                         ("cycle_counts", "location_id"), ("inventory_snapshot", "location_id")]:
        assert db.execute(f"SELECT count(*) FROM {feed} WHERE sku_id NOT IN (SELECT sku_id FROM items) "
                          f"OR {column} NOT IN (SELECT location_id FROM locations)").fetchone()[0] == 0
    assert db.execute("SELECT count(*) FROM pos p WHERE promo_id IS NOT NULL AND NOT EXISTS (SELECT 1 FROM promotions m "
                      "WHERE m.promo_id = p.promo_id AND m.sku_id = p.sku_id AND m.business_date <= p.business_date AND "
                      "p.business_date BETWEEN m.start_date AND m.end_date)").fetchone()[0] == 0
    assert db.execute("SELECT count(*) FROM returns r LEFT JOIN pos p ON p.transaction_id = r.original_transaction_id "
                      "AND p.sku_id = r.sku_id AND p.business_date < r.business_date "
                      "WHERE r.original_transaction_id IS NOT NULL AND p.sku_id IS NULL").fetchone()[0] == 0


def test_timestamps_lie_on_their_date(db):
    """Semantics 1: the folder's date rules."""
    for feed, column in [("pos", "sold_at"), ("returns", "returned_at"), ("receipts", "received_at"),
                         ("cycle_counts", "counted_at"), ("adjustments", "adjusted_at"), ("shipments", "shipped_at"),
                         ("inventory_snapshot", "as_of")]:
        assert db.execute(f"SELECT count(*) FROM {feed} WHERE {column}::DATE <> business_date").fetchone()[0] == 0


def test_all_dates_land_and_a_sunday_says_that_nothing_was_received(landing):
    """Semantics 8: a header without rows means that nothing happened."""
    for feed in DAILY:
        assert len(list((landing / feed).glob("business_date=*"))) == 90
    assert (landing / "receipts/business_date=2024-06-23/receipts.csv").read_text().count("\n") == 1
    assert (date(2024, 6, 23), date(2024, 6, 24), date(2024, 6, 25)) == DEMO_RUN_DATES
    for feed in ("items", "locations", "lanes", "assortment"):
        assert [p.name for p in sorted((landing / feed).iterdir())] == [
            f"business_date={d}" for d in ("2024-03-28", "2024-05-01", "2024-06-01")]


def test_manifests_hold_control_totals_and_provenance(landing):
    """Semantics 27: provenance per feed stands in the manifest."""
    for path in landing.glob("*/*/_manifest.json"):
        body = json.loads(path.read_text())
        assert body["provenance"] == ("derived" if path.parts[-3] in ("pos", "stock_outs") else "simulated")
        assert {f["name"] for f in body["files"]} == {p.name for p in path.parent.iterdir()} - {"_manifest.json"}
        for file in body["files"]:
            content = (path.parent / file["name"]).read_bytes()
            assert hashlib.sha256(content).hexdigest() == file["sha256"]
            if file["name"].endswith(".parquet"):
                assert pq.read_metadata(path.parent / file["name"]).num_rows == file["rows"]
            else:
                text = gzip.decompress(content) if file["name"].endswith(".gz") else content
                assert text.count(b"\n") - 1 == file["rows"]


def test_it_is_small(report, landing):
    assert report.bytes_total == sum(p.stat().st_size for p in landing.rglob("*") if p.is_file())
    assert report.bytes_total < 20_000_000


def test_bad_rows_are_few_and_only_on_run_dates(db):
    """Semantics 12: far below the share at which publishing is refused."""
    for (feed, on), count in Counter((row.feed, row.business_date) for row in DEMO_BAD_ROWS).items():
        assert date.fromisoformat(on) in DEMO_RUN_DATES
        rows = db.execute(f"SELECT count(*) FROM all_{feed} WHERE business_date = ?", [on]).fetchone()[0]
        assert count / rows < 0.03
    assert db.execute("SELECT count(*) FROM all_pos WHERE sku_id = 'P9999'").fetchone()[0] == 1
    assert db.execute("SELECT count(*) FROM all_receipts WHERE units = 'twelve'").fetchone()[0] == 1


def test_two_builds_write_the_same_bytes(landing, tmp_path):
    write_landing(tmp_path / "again", world=build_world())
    assert tree(tmp_path / "again") == tree(landing)


def test_another_seed_writes_other_bytes(world: World):
    other = build_world(7)
    assert (other.truth.closing != world.truth.closing).any()
    assert (other.source.units == world.source.units).all()


def test_a_killed_write_is_resumed_and_a_second_one_changes_nothing(world, landing, tmp_path):
    copy = tmp_path / "landing"
    shutil.copytree(landing, copy)
    for feed in ("pos", "items"):
        shutil.rmtree(copy / feed)
    shutil.rmtree(copy / "receipts/business_date=2024-06-25")
    (copy / ".staging-demo").mkdir()
    (copy / ".staging-demo/half.csv").write_text("half a li")
    report = write_landing(copy, world=world)
    assert report.folders_written == 90 + 3 + 1
    assert tree(copy) == tree(landing)
    (copy / "pos/business_date=2024-06-24/late.csv").write_text("someone else's file\n")
    again = write_landing(copy, world=world)
    assert (again.folders_written, again.folders_kept) == (0, report.folders_written + report.folders_kept)


def test_foreign_files_in_the_way_are_refused(world, tmp_path):
    folder = tmp_path / "pos/business_date=2024-03-28"
    folder.mkdir(parents=True)
    (folder / "pos_stores.parquet").write_bytes(b"other")
    with pytest.raises(DemoLandingError, match=r"pos.business_date=2024-03-28: holds other files .* empty home"):
        write_landing(tmp_path, world=world)
    assert (folder / "pos_stores.parquet").read_bytes() == b"other"


def test_history_can_be_written_first(world, tmp_path):
    write_landing(tmp_path, world=world, through=date(2024, 3, 30))
    assert sorted(p.name for p in (tmp_path / "pos").iterdir()) == [
        f"business_date=2024-03-{d}" for d in (28, 29, 30)]
