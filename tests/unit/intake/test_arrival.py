"""The arrival gate: what the run's date must have brought (semantics 8 and 12)."""

from datetime import timedelta

import pytest

from data_quality.intake import FeedStatus, arrival_status
from tests.support.landing import folder, manifest_entry, pos, write_bytes, write_csv, write_manifest
from tests.unit.intake.world import CONTRACTS, DAY, World


def _status(world: World, expected=("pos",), **options) -> FeedStatus:
    states = arrival_status(CONTRACTS, world.landing, world.lake, DAY, expected, **options)
    assert [s.feed for s in states] == list(CONTRACTS)
    assert all(s.status == "ok" and s.detail == "" for s in states if s.feed not in ("pos", "returns"))
    return next(s for s in states if s.feed == "pos")


def test_missing_feed_names_feed_date_and_folder(world):
    """landing.md: one clear message that names feed, date and folder."""
    write_bytes(world.landing, "pos", DAY, b"x", "late.csv.tmp")
    state = _status(world)
    assert state.status == "missing"
    assert (
        all(part in state.detail for part in ("pos", str(DAY), str(folder(world.landing, "pos", DAY))))
        and "\n" not in state.detail
    )


def test_what_policy_expects(world):
    """semantics 8: every_date | period_end | never."""
    assert _status(world, {"pos": "never"}).status == "ok"
    assert _status(world, {"pos": "period_end"}).status == "missing"
    assert _status(world, {"pos": "every_date", "returns": "never"}).status == "missing"
    assert _status(world, []).status == "ok"


def test_header_only_is_an_answer(world):
    """semantics 8: no rows means that nothing happened."""
    write_csv(world.landing, "pos", DAY, [], header=["transaction_id"])
    world.take()
    assert _status(world).status == "ok"


@pytest.mark.parametrize(("data", "status"), [(b"", "zero_bytes"), (b"a\xff", "unreadable"), (b"\n", "unreadable")])
def test_a_file_that_cannot_be_read_fails_until_it_is_replaced(world, data, status):
    """landing.md: zero bytes or unreadable fails the gate of an expected feed, good files beside it or not."""
    write_csv(world.landing, "pos", DAY, [pos(1)], "good.csv")
    write_bytes(world.landing, "pos", DAY, data, "bad.csv")
    world.take()
    state = _status(world)
    assert state.status == status and "bad.csv" in state.detail
    assert _status(world, []).status == "ok"
    write_csv(world.landing, "pos", DAY, [pos(2)], "bad.csv")
    world.take()
    state = _status(world)
    assert (state.status, state.rows, state.quarantined) == ("ok", 2, 0)


def test_a_feed_refused_whole_by_its_manifest_is_unreadable(world):
    path = write_csv(world.landing, "pos", DAY, [pos(1)])
    write_manifest(world.landing, "pos", DAY, [manifest_entry(path, 7)])
    world.take()
    assert _status(world).status == "unreadable"
    write_manifest(world.landing, "pos", DAY, [manifest_entry(path, 1)])
    world.take()
    assert _status(world).status == "ok"


@pytest.mark.parametrize(
    ("bad", "good", "status"),
    [(21, 398, "quarantine_rate"), (21, 399, "ok"), (20, 0, "ok"), (21, 0, "quarantine_rate")],
)
def test_quarantined_share(world, bad, good, status):
    """semantics 12: more than 5 % and more than 20 rows; 21 of 420 is 5 % exactly. Holds for feeds not expected, too."""
    rows = [pos(n, units=0 if n < bad else 1) for n in range(bad + good)]
    write_csv(world.landing, "pos", DAY, rows, "a.csv")
    world.take()
    state = _status(world, [])
    assert (state.status, state.rows, state.quarantined) == (status, bad + good, bad)
    assert _status(world, [], max_quarantine_rate=1.0).status == "ok"


def test_replaced_and_other_dates_files_do_not_count(world):
    """The share is of the files that stand in the folder; a resolved row counts no longer."""
    write_csv(world.landing, "pos", DAY - timedelta(days=1), [pos(n, units=0) for n in range(50)])
    write_csv(world.landing, "pos", DAY, [pos(100 + n, units=0) for n in range(50)])
    world.take()
    assert _status(world).status == "quarantine_rate"
    write_csv(world.landing, "pos", DAY, [pos(100 + n, sku_id="C") for n in range(50)])
    world.take()
    assert (_status(world).status, _status(world).quarantined) == ("quarantine_rate", 50)
    world.masters(skus=("A", "C"))
    world.take()
    state = _status(world)
    assert (state.status, state.rows, state.quarantined) == ("ok", 50, 0)
