"""Files as a whole: delivered twice, changed, vouched for by a manifest, copied with another time."""

import os
from datetime import timedelta

import pytest

from tests.support.landing import csv_bytes, folder, manifest_entry, pos, write_bytes, write_csv, write_manifest
from tests.unit.intake.world import DAY, World

NEXT = DAY + timedelta(days=1)


def _sha8(path) -> str:
    return manifest_entry(path, 0)["sha256"][:8]


def test_the_same_bytes_under_another_name_count_once(world):
    """semantics 9: once under the same feed and business_date; under another date the row keys decide."""
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, units=0)], "a.csv")
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, units=0)], "b.csv")
    world.take()
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, units=0)], "c.csv")
    write_csv(world.landing, "pos", NEXT, [pos(1), pos(2, units=0)], "a.csv")
    world.take(day=NEXT)
    assert world.figures() == {
        (str(DAY), "a.csv"): (2, 1, 0, 1, 0),
        (str(DAY), "b.csv"): (2, 0, 2, 0, 0),
        (str(DAY), "c.csv"): (2, 0, 2, 0, 0),
        (str(NEXT), "a.csv"): (2, 0, 1, 1, 0),
    }


def test_a_known_name_with_changed_bytes_is_a_new_file(world):
    """semantics 9: recorded as name@<8 of sha256>; rows already there are duplicates."""
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, units=0)])
    world.take()
    path = write_csv(world.landing, "pos", DAY, [pos(1), pos(2), pos(3)])
    report = world.take()
    assert (report.rows_landed, report.rows_loaded, report.rows_duplicate) == (3, 2, 1)
    assert world.figures() == {
        (str(DAY), "data.csv"): (2, 1, 0, 1, 0),
        (str(DAY), f"data.csv@{_sha8(path)}"): (3, 2, 1, 0, 0),
    }
    assert world.take().load is None


def test_going_back_to_known_bytes_is_nothing_new(world):
    write_csv(world.landing, "pos", DAY, [pos(1)])
    world.take()
    write_csv(world.landing, "pos", DAY, [pos(2)])
    world.take()
    write_csv(world.landing, "pos", DAY, [pos(1)])
    assert world.take().load is None


def test_known_files_are_not_hashed_again(world, monkeypatch):
    """A copied home (other times, same bytes) is hashed once, and nothing is posted for it."""
    path = write_csv(world.landing, "pos", DAY, [pos(1)])
    world.take()
    hashed = []
    from data_quality.intake import plan

    original = plan.sha256_of
    monkeypatch.setattr(plan, "sha256_of", lambda p: hashed.append(p.name) or original(p))
    assert (world.take().load, hashed) == (None, [])
    os.utime(path, ns=(1, 1))
    assert (world.take().load, hashed) == (None, ["data.csv"])
    assert (world.take().load, hashed) == (None, ["data.csv"])


def test_a_matching_manifest_lets_the_file_in_and_gives_provenance(world):
    """landing.md: control totals; semantics 27: provenance."""
    path = write_csv(world.landing, "pos", DAY, [pos(1), pos(2)])
    write_manifest(world.landing, "pos", DAY, [manifest_entry(path, 2)], provenance="simulated")
    report = world.take()
    assert (report.rows_loaded, report.problems) == (2, [])
    assert world.rows("accounting", "problem, provenance") == [(None, "simulated")]


@pytest.mark.parametrize("change", [{"rows": 3}, {"sha256": "0" * 64}, {"rows": 1, "sha256": "0" * 64}])
def test_a_file_that_does_not_match_its_manifest_is_refused_whole(world, change):
    """landing.md: each row is quarantined as manifest_mismatch, with its other faults; other files load."""
    path = write_csv(world.landing, "pos", DAY, [pos(1), pos(2, units=0)], "a.csv")
    good = write_csv(world.landing, "pos", DAY, [pos(3)], "b.csv")
    write_manifest(world.landing, "pos", DAY, [{**manifest_entry(path, 2), **change}, manifest_entry(good, 1)])
    report = world.take()
    assert world.reasons() == [(2, ["manifest_mismatch"]), (3, ["manifest_mismatch", "out_of_range"])]
    assert world.figures() == {(str(DAY), "a.csv"): (2, 0, 0, 2, 0), (str(DAY), "b.csv"): (1, 1, 0, 0, 0)}
    assert len(report.problems) == 1 and report.problems[0].startswith(f"{DAY} a.csv: ")
    assert world.rows("accounting", "problem")[0][0].startswith("manifest_mismatch: ")


def test_refused_rows_do_not_stand_against_a_good_delivery(world):
    path = write_csv(world.landing, "pos", DAY, [pos(1)])
    write_manifest(world.landing, "pos", DAY, [manifest_entry(path, 2)])
    world.take()
    path = write_csv(world.landing, "pos", DAY, [pos(1), pos(2)])
    write_manifest(world.landing, "pos", DAY, [manifest_entry(path, 2)])
    report = world.take()
    assert (report.rows_loaded, report.rows_duplicate, report.rows_quarantined) == (2, 0, 0)


def test_a_refused_file_is_taken_up_when_its_manifest_is_corrected(world):
    """The first record goes back to nothing, its rows count as resolved, the file is recorded anew."""
    path = write_csv(world.landing, "pos", DAY, [pos(1), pos(2, units=0)])
    write_manifest(world.landing, "pos", DAY, [manifest_entry(path, 9)])
    world.take()
    assert world.take().load is None
    write_manifest(world.landing, "pos", DAY, [manifest_entry(path, 2)])
    report = world.take(day=NEXT)
    assert (report.rows_landed, report.rows_loaded, report.rows_quarantined) == (0, 1, -1)
    again = f"data.csv@{_sha8(path)}"
    assert world.figures() == {(str(DAY), "data.csv"): (0, 0, 0, 0, 0), (str(DAY), again): (2, 1, 0, 1, 0)}
    assert world.rows("resolved", "source_file, source_line") == [("data.csv", 2), ("data.csv", 3)]
    assert world.rows("quarantine", "source_file, reasons")[2:] == [(again, ["out_of_range"])]
    assert world.take(day=NEXT).load is None


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("{", "is not valid JSON"),
        ('{"files": {"data.csv": 1}}', "does not list files"),
        ('{"files": [{"rows": 1}]}', "does not list files"),
        ('{"files": [{"name": "data.csv", "rows": "1"}]}', "does not list files"),
        ("[]", "does not list files"),
        ("\udcff", "is not UTF-8"),
    ],
)
def test_a_malformed_manifest_refuses_the_folder_and_is_named(world, text, part):
    write_csv(world.landing, "pos", DAY, [pos(1)])
    write_bytes(world.landing, "pos", DAY, text.encode(errors="surrogateescape"), "_manifest.json")
    report = world.take()
    assert world.reasons() == [(2, ["manifest_mismatch"])]
    assert report.problems[0].startswith(f"{DAY}: _manifest.json {part}")


def test_absent_unlisted_and_odd_entries_are_named(world):
    path = write_csv(world.landing, "pos", DAY, [pos(1)])
    entries = [{"name": "gone.csv", "rows": 1, "sha256": "0"}]
    write_manifest(world.landing, "pos", DAY, entries, provenance="guessed")
    report = world.take()
    assert report.rows_loaded == 1
    assert report.problems == [
        f"{DAY} gone.csv: listed in _manifest.json, absent",
        f"{DAY} {path.name}: not listed in _manifest.json",
        f"{DAY}: provenance 'guessed' in _manifest.json is none of observed, derived, simulated, not used",
    ]


def test_a_year_of_files_in_one_pass(world: World):
    """History is taken in by one run, in one load; nothing of it is late."""
    days = [DAY - timedelta(days=n) for n in range(365)]
    for n, day in enumerate(days):
        rows = [pos(f"{n}-{k}", sku_id="AZ"[k == 3]) for k in range(5)]
        (folder(world.landing, "pos", day) / "x.csv").write_bytes(csv_bytes(rows))
    report = world.take()
    assert (report.rows_landed, report.rows_loaded, report.rows_quarantined, report.rows_late) == (1825, 1460, 365, 0)
    assert (report.dates, report.load) == (sorted(days), 3)
