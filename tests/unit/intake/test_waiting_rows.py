"""Rows whose SKU or location the masters do not carry yet (semantics 11)."""

from datetime import date, timedelta

from tests.support.landing import item, pos, write_csv
from tests.unit.intake.world import DAY, World

NEXT = DAY + timedelta(days=1)
THIRD = DAY + timedelta(days=2)


def _new_item(world: World, day: date, *skus: str) -> None:
    write_csv(world.landing, "items", day, [item(sku) for sku in skus], f"{'-'.join(skus)}.csv")
    world.take("items", day)


def test_unknown_sku_that_arrives_a_day_later(world):
    """semantics 11: taken up on its own business_date by the first run whose masters carry the id."""
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, sku_id="C"), pos(3, sku_id="D", units=0)])
    first = world.take()
    assert (first.rows_loaded, first.rows_quarantined) == (1, 2)
    assert world.take(day=NEXT).load is None
    _new_item(world, NEXT, "C", "D")
    second = world.take(day=NEXT)
    assert (second.rows_landed, second.rows_loaded, second.rows_quarantined, second.rows_late) == (0, 1, -1, 1)
    assert second.dates == [DAY]
    assert world.rows("raw", "transaction_id, business_date, source_file, source_line, posted_on")[1:] == [
        ("T2", DAY, "data.csv", 3, NEXT)
    ]
    assert world.rows("resolved", "feed, business_date, source_file, source_line, resolved_on") == [
        ("pos", DAY, "data.csv", 3, NEXT)
    ]
    # The row of D has zero units besides: it stays.
    assert world.figures() == {(str(DAY), "data.csv"): (3, 2, 0, 1, 1)}
    assert world.take(day=THIRD).load is None


def test_both_ids_must_be_known(world):
    write_csv(world.landing, "pos", DAY, [pos(1, sku_id="C", location_id="S9")])
    world.take()
    _new_item(world, NEXT, "C")
    assert world.take(day=NEXT).load is None
    write_csv(world.landing, "locations", NEXT, [{"location_id": "S9", "location_type": "store"}])
    world.take("locations", NEXT)
    assert world.take(day=NEXT).rows_loaded == 1


def test_a_row_delivered_again_while_it_waits_is_a_duplicate(world):
    """landing.md: same key, same content counts once, also while the row waits; another content waits beside it."""
    write_csv(world.landing, "pos", DAY, [pos(1, sku_id="C"), pos(1, sku_id="C")])
    first = world.take()
    assert (first.rows_duplicate, first.rows_quarantined) == (1, 1)
    write_csv(world.landing, "pos", DAY, [pos(1, sku_id="C"), pos(1, sku_id="C", units=9)], "again.csv")
    second = world.take()
    assert (second.rows_duplicate, second.rows_quarantined) == (1, 1)
    _new_item(world, NEXT, "C")
    third = world.take(day=NEXT)
    assert (third.rows_loaded, third.rows_quarantined) == (1, -1)
    assert world.rows("raw", "units, source_file") == [(1, "data.csv")]
    assert world.figures()[str(DAY), "again.csv"] == (2, 0, 1, 1, 0)


def test_a_waiting_row_stands_before_new_rows_but_not_before_loaded_ones(world):
    """The first delivered stands, in the order loaded, waiting, new."""
    write_csv(world.landing, "pos", DAY, [pos(1, sku_id="C"), pos(2, sku_id="C"), pos(3, sku_id="C")])
    world.take()
    # T1 was corrected to a known SKU and loads; T2 comes again only when C is known.
    write_csv(world.landing, "pos", DAY, [pos(1)], "corrected.csv")
    assert world.take().rows_loaded == 1
    _new_item(world, NEXT, "C")
    write_csv(world.landing, "pos", NEXT, [pos(2, sku_id="B"), pos(3, sku_id="C")])
    report = world.take(day=NEXT)
    assert world.rows("raw", "transaction_id, sku_id, source_file, posted_on") == [
        ("T1", "A", "corrected.csv", DAY),
        ("T2", "C", "data.csv", NEXT),
        ("T3", "C", "data.csv", NEXT),
    ]
    assert (report.rows_loaded, report.rows_duplicate, report.rows_quarantined) == (2, 1, -1)
    assert report.reasons == {"conflicting_duplicate": 1}
    # T1 of SKU C conflicts with what was loaded: it stays in quarantine.
    assert world.figures()[str(DAY), "data.csv"] == (3, 2, 0, 1, 2)


def test_rows_without_any_master_wait_for_it(bare):
    """Nothing is lost when the masters come last."""
    write_csv(bare.landing, "pos", DAY, [pos(1), pos(2)])
    assert bare.take().reasons == {"unknown_location": 2, "unknown_sku": 2}
    bare.masters()
    report = bare.take()
    assert (report.rows_loaded, report.rows_quarantined, report.rows_late) == (2, -2, 0)


def test_waiting_rows_are_not_too_late_when_taken_up(world):
    """They were delivered in time; only the master was late."""
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, sku_id="C")])
    world.take()
    later = DAY + timedelta(days=90)
    _new_item(world, later, "C")
    assert world.take(day=later).rows_loaded == 1
