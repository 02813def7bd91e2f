"""One fact, one row: duplicates, conflicts, and how far a key reaches."""

from datetime import timedelta
from itertools import pairwise

from data_quality.intake import IntakeOptions
from tests.support.landing import item, pos, write_csv, write_parquet
from tests.unit.intake.world import DAY, World


def _days(n: int):
    return DAY + timedelta(days=n)


def _order(status: str, **changes):
    row = {
        "order_id": "O1",
        "line_no": 1,
        "sku_id": "A",
        "units": 1,
        "channel": "ecom",
        "ordered_at": "2024-03-04T10:00:00Z",
    }
    return {**row, "status": status, **changes}


def test_same_key_same_content_counts_once_across_files_and_formats(world):
    """landing.md: duplicates. Content is the typed contract columns: spelling and unknown columns do not matter."""
    write_csv(world.landing, "pos", DAY, [pos(1), pos(1), pos(2)], "a.csv")
    write_csv(world.landing, "pos", DAY, [pos(2, net_amount="4"), pos(3, note="n", sold_at="")], "b.csv")
    write_parquet(world.landing, "pos", DAY, [pos(3, net_amount=4.0)], "c.parquet")
    report = world.take()
    assert (report.rows_landed, report.rows_loaded, report.rows_duplicate) == (6, 3, 3)
    assert world.figures() == {
        (str(DAY), "a.csv"): (3, 2, 1, 0, 0),
        (str(DAY), "b.csv"): (2, 1, 1, 0, 0),
        (str(DAY), "c.parquet"): (1, 0, 1, 0, 0),
    }


def test_same_key_other_content_the_first_delivered_stands(world):
    """landing.md: conflicting_duplicate. Order within a take-in: date, file name, line."""
    write_csv(world.landing, "pos", DAY, [pos(1, units=2)], "b.csv")
    write_csv(world.landing, "pos", DAY, [pos(1, units=1), pos(1, units=3), pos(1, units=1)], "a.csv")
    world.take()
    assert world.rows("raw", "units, source_file, source_line") == [(1, "a.csv", 2)]
    assert world.rows("quarantine", "source_file, source_line, reasons") == [
        ("a.csv", 3, ["conflicting_duplicate"]),
        ("b.csv", 2, ["conflicting_duplicate"]),
    ]
    assert world.figures()[str(DAY), "a.csv"] == (3, 1, 1, 1, 0)


def test_loaded_rows_stand_against_later_deliveries(world):
    """What was loaded stands even against a row of an earlier date or file name."""
    write_csv(world.landing, "pos", _days(1), [pos(1), pos(2)], "z.csv")
    world.take(day=_days(1))
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, units=5), pos(3)], "a.csv")
    report = world.take(day=_days(1))
    assert (report.rows_loaded, report.rows_duplicate, report.rows_quarantined, report.rows_late) == (1, 1, 1, 1)
    assert world.reasons() == [(3, ["conflicting_duplicate"])]


def test_a_row_with_another_fault_does_not_stand(world):
    """A quarantined row was not delivered as a fact: the corrected row loads."""
    write_csv(world.landing, "pos", DAY, [pos(1, units=-1), pos(1)])
    world.take()
    assert (world.rows("raw", "source_line"), world.reasons()) == ([(3,)], [(2, ["out_of_range"])])


def _epochs(world: World, days: list[int], in_one_run: bool) -> list[int]:
    """Days (from DAY) whose row of the same key is loaded; rows of one day differ from those of all others."""
    for before, day in pairwise([-1, *days]):
        write_csv(world.landing, "pos", _days(day), [pos(1, units=day + 1)])
        if not in_one_run and before != day:
            world.take(day=_days(day))
    if in_one_run:
        world.take(day=_days(days[-1]))
    return [(row[0] - DAY).days for row in world.rows("raw", "business_date")]


def test_a_key_reaches_late_days_from_the_row_that_stands(tmp_path):
    """semantics 10: unique within feeds.late_days; farther away it is another fact. Bulk and daily loads agree.

    By hand, reach 35: 0 stands; 30 and 35 are within it; 40 is 40 from 0, so stands; 75 is 35 from 40; 76 stands.
    """
    from tests.unit.intake.world import new_world

    for in_one_run in (True, False):
        world = new_world(tmp_path / str(in_one_run))
        world.masters()
        assert _epochs(world, [0, 30, 35, 40, 75, 76], in_one_run) == [0, 40, 76]


def test_late_days_is_policy(world):
    world.options = IntakeOptions(late_days=5, threads=1)
    assert _epochs(world, [0, 5, 6], in_one_run=True) == [0, 6]


def test_a_late_row_meets_a_loaded_row_of_a_later_date(world):
    """The reach of a key goes both ways."""
    write_csv(world.landing, "pos", _days(10), [pos(1)])
    world.take(day=_days(40))
    write_csv(world.landing, "pos", _days(9), [pos(1), pos(2)])
    assert world.take(day=_days(40)).rows_duplicate == 1


def test_date_scoped_feeds_take_every_date_and_conflict_only_within_one(world):
    """semantics 10: of orders, overrides and approvals the newest date's row is in force, so each date's row loads."""
    write_csv(world.landing, "orders", DAY, [_order("open"), _order("allocated")])
    write_csv(world.landing, "orders", _days(1), [_order("shipped")])
    write_csv(world.landing, "orders", _days(2), [_order("shipped")])
    world.take("orders", _days(2))
    expected = [("open", DAY), ("shipped", _days(1)), ("shipped", _days(2))]
    assert world.rows("raw", "status, business_date", "orders") == expected
    assert world.reasons("orders") == [(3, ["conflicting_duplicate"])]
    write_csv(world.landing, "orders", _days(1), [_order("cancelled"), _order("shipped")], "late.csv")
    report = world.take("orders", _days(2))
    assert (report.rows_duplicate, report.reasons) == (1, {"conflicting_duplicate": 1})


def test_master_rows_repeat_every_date(world):
    """Masters hold a full picture as of each date; the key is unique within the date."""
    for n in (1, 2):
        write_csv(world.landing, "items", _days(n), [item("A"), item("B", unit_cost=n), item("A")])
    report = world.take("items", _days(2))
    assert (report.rows_loaded, report.rows_duplicate, report.rows_quarantined) == (4, 2, 0)
    snapshot = [{"location_id": "S1", "sku_id": "A", "on_hand": 5}]
    for n in (1, 2):
        write_csv(world.landing, "inventory_snapshot", _days(n), snapshot)
    assert world.take("inventory_snapshot", _days(2)).rows_loaded == 2
