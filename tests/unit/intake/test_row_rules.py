"""What a single row gets: every reason that applies, by name, and no more."""

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest

from data_quality.intake import IntakeOptions
from tests.support.landing import item, pos, write_bytes, write_csv, write_masters
from tests.unit.intake.world import DAY

FUTURE = "2024-03-05T12:00:01Z"  # the folder's date + 36 h is 2024-03-05T12:00:00Z


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"sku_id": ""}, ["missing_required"]),
        ({"units": None}, ["missing_required"]),
        ({"units": "-1"}, ["out_of_range"]),
        ({"units": "0"}, ["out_of_range"]),
        ({"units": "3.7"}, ["bad_type"]),
        ({"units": "1_000"}, ["bad_type"]),
        ({"units": "0x1F"}, ["bad_type"]),
        ({"units": "1e3"}, ["bad_type"]),
        ({"units": "9223372036854775808"}, ["bad_type"]),
        ({"units": "many"}, ["bad_type"]),
        ({"net_amount": "1,50"}, ["bad_type"]),
        ({"net_amount": "nan"}, ["bad_type"]),
        ({"net_amount": "inf"}, ["bad_type"]),
        ({"net_amount": "1e20"}, ["bad_type"]),
        ({"sold_at": "04.03.2024 10:00"}, ["bad_type"]),
        ({"sold_at": "epoch"}, ["bad_type"]),
        ({"sold_at": "2024-02-30T10:00:00"}, ["bad_type"]),
        ({"sold_at": "2024-03-04T25:00:00"}, ["bad_type"]),
        ({"sold_at": FUTURE}, ["future_dated"]),
        ({"channel": "Store"}, ["bad_enum"]),
        ({"sku_id": "Z"}, ["unknown_sku"]),
        ({"location_id": "S9"}, ["unknown_location"]),
        ({"location_id": "S9", "sku_id": "Z"}, ["unknown_location", "unknown_sku"]),
        (
            {"transaction_id": "", "line_no": "x", "units": "0", "channel": "web", "sku_id": "Z", "sold_at": FUTURE},
            ["bad_enum", "bad_type", "future_dated", "missing_required", "out_of_range", "unknown_sku"],
        ),
    ],
)
def test_every_reason_that_applies_is_named(world, changes, reasons):
    """landing.md, "What a bad row gets"; semantics 1 for future_dated."""
    header = [*pos(0), "sold_at", "channel"]
    write_csv(world.landing, "pos", DAY, [pos(1), pos(2, **changes), pos(3)], header=header)
    report = world.take()
    assert world.reasons() == [(3, reasons)]
    assert (report.rows_landed, report.rows_loaded, report.rows_quarantined) == (3, 2, 1)
    assert report.reasons == dict.fromkeys(reasons, 1)


def test_quarantine_keeps_text_place_reasons_and_first_seen(world):
    write_csv(world.landing, "pos", DAY, [pos(1, units=0, net_amount="x", customer_id='a,"b"')])
    world.take(day=DAY + timedelta(days=1))
    text = 'T1,1,S1,A,0,x,"a,""b"""'
    columns = "feed, business_date, source_file, source_line, raw_text, reasons, detail, first_seen, posted_on"
    assert world.rows("quarantine", columns) == [
        (
            "pos",
            DAY,
            "data.csv",
            2,
            text,
            ["bad_type", "out_of_range"],
            "bad_type: net_amount; out_of_range: units",
            DAY + timedelta(days=1),
            DAY + timedelta(days=1),
        )
    ]


def test_a_missing_required_column_fails_every_row(world):
    rows = [{k: v for k, v in pos(n).items() if k != "units"} for n in (1, 2)]
    write_csv(world.landing, "pos", DAY, rows)
    world.take()
    assert world.rows("quarantine", "reasons, detail") == [(["missing_required"], "missing_required: units")] * 2


def test_values_as_written(world):
    """Accepted spellings and what they are stored as: DECIMAL(18,6), naive UTC."""
    rows = [
        pos(1, units="3.0", net_amount="-12.3456789", sold_at="2024-03-04"),
        pos(2, units=" 2 ", net_amount="1.5e2", sold_at="2024-03-04T10:00"),
        pos(3, units="+4", net_amount=".5", sold_at="2024-03-04 10:00:00.250+05:30"),
        pos(4, net_amount="7.", sold_at="2024-03-04T23:30:00-0800"),
        pos(5, net_amount="0", sold_at="2024-03-05T12:00:00Z"),
    ]
    write_csv(world.landing, "pos", DAY, rows)
    world.take()
    assert world.rows("raw", "units, net_amount, sold_at") == [
        (3, Decimal("-12.345679"), datetime(2024, 3, 4)),
        (2, Decimal("150"), datetime(2024, 3, 4, 10)),
        (4, Decimal("0.5"), datetime(2024, 3, 4, 4, 30, 0, 250000)),
        (1, Decimal("7"), datetime(2024, 3, 5, 7, 30)),
        (1, Decimal("0"), datetime(2024, 3, 5, 12)),
    ]


def test_timestamps_without_offset_are_local_time(world):
    """semantics 1: calendar.timezone; an offset wins. Berlin is UTC+1 in winter, +2 in summer."""
    world.options = IntakeOptions(timezone="Europe/Berlin", threads=1)
    summer = date(2024, 7, 1)
    write_csv(
        world.landing, "pos", DAY, [pos(1, sold_at="2024-03-04T10:00:00"), pos(2, sold_at="2024-03-04T10:00:00Z")]
    )
    # 36 h past the local midnight of 1 July is 2 July 12:00 in Berlin.
    rows = [
        pos(3, sold_at="2024-07-02T12:00:00"),
        pos(4, sold_at="2024-07-02T12:00:01"),
        pos(5, sold_at="2024-07-02T10:00:01Z"),
    ]
    write_csv(world.landing, "pos", summer, rows)
    world.take(day=summer)
    assert world.rows("raw", "transaction_id, sold_at") == [
        ("T1", datetime(2024, 3, 4, 9)),
        ("T2", datetime(2024, 3, 4, 10)),
        ("T3", datetime(2024, 7, 2, 10)),
    ]
    assert world.reasons() == [(3, ["future_dated"]), (4, ["future_dated"])]


def test_dates_booleans_and_defaults(bare):
    """landing.md: case_pack defaults to 1. A date may come as a midnight timestamp, as some writers do."""
    rows = [
        item("A", launch_date="2024-01-02", strategic="true", case_pack="6"),
        item("B", launch_date="2024-01-02 00:00:00", strategic="0"),
        item("C", launch_date="2024-01-02T10:00:00"),
        item("D", strategic="maybe"),
        item("E", case_pack="0"),
        item("F", unit_cost="0"),
        item("G", launch_date="20240102"),
    ]
    write_csv(bare.landing, "items", DAY, rows, header=[*item("A"), "launch_date", "strategic", "case_pack"])
    bare.take("items")
    assert bare.rows("raw", "sku_id, launch_date, strategic, case_pack", "items") == [
        ("A", date(2024, 1, 2), True, 6),
        ("B", date(2024, 1, 2), False, 1),
    ]
    bad = [["bad_type"], ["bad_type"], ["out_of_range"], ["out_of_range"], ["bad_type"]]
    assert [reasons for _, reasons in bare.reasons("items")] == bad


def test_signed_and_nonzero_units(world):
    """landing.md: adjustments.units is signed and not zero."""
    base = {"location_id": "S1", "sku_id": "A", "reason_code": "shrink"}
    rows = [{"adjustment_id": f"J{n}", "units": n, **base} for n in (-2, 0, 3)]
    write_csv(world.landing, "adjustments", DAY, rows)
    world.take("adjustments")
    assert world.rows("raw", "units", "adjustments") == [(-2,), (3,)]
    assert world.reasons("adjustments") == [(3, ["out_of_range"])]


def test_folders_after_the_run_are_left_for_their_own_date(world):
    """semantics 1: a folder after D is future; it is taken when its date is run."""
    tomorrow = DAY + timedelta(days=1)
    write_csv(world.landing, "pos", tomorrow, [pos(1)])
    write_bytes(world.landing, "pos", "2024-3-4", b"x")
    report = world.take()
    assert (report.load, report.problems) == (None, ["folder business_date=2024-3-4 carries no ISO date, not read"])
    assert world.take(day=tomorrow).rows_loaded == 1


def test_not_merchandise_by_glob_or_regex(world):
    """semantics 11: bank charges and postage are quarantined under their own name, and do not wait for a master."""
    world.options = IntakeOptions(threads=1, not_merchandise=("POST", "BANK*", "re:[A-Z]-[0-9]+", "A[0-9]"))
    skus = ["POST", "POSTER", "BANK CHARGES", "C-12", "C-x", "A1", "A", "post"]
    write_csv(world.landing, "pos", DAY, [pos(n, sku_id=sku) for n, sku in enumerate(skus)])
    world.take()
    assert dict(zip([s for s in skus if s != "A"], [r for _, r in world.reasons()], strict=True)) == {
        "POST": ["not_merchandise"],
        "POSTER": ["unknown_sku"],
        "BANK CHARGES": ["not_merchandise"],
        "C-12": ["not_merchandise"],
        "C-x": ["unknown_sku"],
        "A1": ["not_merchandise"],
        "post": ["unknown_sku"],
    }
    assert [row[0] for row in world.rows("held", "sku_id")] == ["POSTER", "C-x", "post"]


def test_late_and_too_late(world):
    """semantics 4: late rows load on their own date; past late_days they are too_late; the first load is exempt."""
    last = DAY + timedelta(days=100)
    write_csv(world.landing, "pos", DAY, [pos(1)])
    write_csv(world.landing, "pos", last - timedelta(days=1), [pos(2)])
    first = world.take(day=last)
    assert (first.rows_loaded, first.rows_late, first.rows_quarantined) == (2, 0, 0)
    write_csv(world.landing, "pos", last, [pos(3)])
    write_csv(world.landing, "pos", last - timedelta(days=35), [pos(4)])
    write_csv(world.landing, "pos", last - timedelta(days=36), [pos(5), pos(6, units=0)])
    second = world.take(day=last)
    assert (second.rows_loaded, second.rows_late, second.rows_quarantined) == (2, 1, 2)
    assert [reasons for _, reasons in world.reasons()] == [["too_late"], ["out_of_range", "too_late"]]
    assert world.rows("raw", "transaction_id, business_date, posted_on")[2:] == [
        ("T4", last - timedelta(days=35), last),
        ("T3", last, last),
    ]


def test_ids_once_known_stay_known(bare):
    """Rows are checked against every master row loaded so far, not only the newest picture."""
    bare.masters(skus=("A", "OLD"))
    next_day = DAY + timedelta(days=1)
    write_masters(bare.landing, next_day, ["A", "NEW"])
    bare.take("items", next_day)
    write_csv(bare.landing, "pos", next_day, [pos(1, sku_id="OLD"), pos(2, sku_id="NEW")])
    assert bare.take(day=next_day).rows_loaded == 2
    assert bare.rows("keys", "id, load::INT", "items") == [("A", 2), ("OLD", 2), ("NEW", 3)]
