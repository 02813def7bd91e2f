"""Counts under policy and the facts that explain a variance: what must follow from policy_cases.py, by hand."""

from __future__ import annotations

import duckdb

from tests.dbt.inventory.building import Built, Query
from tests.dbt.inventory.test_worked_cases import moves, on_hand, one

CORRECTIONS = (
    "select day(business_date), units, is_reversal, day(posted_on) from stock_ledger "
    "where sku_id = $sku and movement_type = 'count_correction' order by posted_on, is_reversal desc"
)
RECORD = "variance, posted_by, closing_book"


def test_a_variance_beyond_policy_is_held(opened: Query):
    """semantics 18: -10 is 20 money and beyond 1 unit: nothing posts, and the record says that it is wrong."""
    assert opened(CORRECTIONS, sku="P_HELD") == []
    assert one(opened, f"{RECORD}, is_accurate", "reconciliations", 3, "S1", "P_HELD") == (-10, None, 20, False)
    assert on_hand(opened, "S1", "P_HELD", 3, 14) == [20, 20]


def test_an_approved_count_posts_on_its_date_with_the_facts_that_came_between(opened: Query):
    """A sale of 2 before the count arrives on the 6th: the book was 18. Approved on the 8th, -8 posts on the 3rd; the sale of
    the 5th follows."""
    assert opened(CORRECTIONS, sku="P_APPR") == [(3, -8, False, 8)]
    assert one(opened, RECORD, "reconciliations", 3, "S1", "P_APPR") == (-8, "count_correction", 10)
    assert on_hand(opened, "S1", "P_APPR", 4, 5, 14) == [10, 9, 9]


def test_a_rejected_count_stays_out(opened: Query):
    assert opened(CORRECTIONS, sku="P_REJ") == []
    assert on_hand(opened, "S1", "P_REJ", 14) == [20]


def test_a_count_meets_the_book_that_a_held_one_left(opened: Query):
    """10 is held, 19 is compared with 20 and posts: the first does not make it +9."""
    assert opened(CORRECTIONS, sku="P_TWO") == [(4, -1, False, 4)]
    assert on_hand(opened, "S1", "P_TWO", 3, 4) == [20, 19]


def test_two_counts_of_a_date(opened: Query):
    """10 is held, 21 found an hour later posts +1: of the date the last count stands, and it was put right."""
    assert opened(CORRECTIONS, sku="P_BOTH") == [(3, 1, False, 4)]
    row = one(opened, f"counted_units, {RECORD}", "reconciliations", 3, "S1", "P_BOTH")
    assert row == (21, 1, "count_correction", 21)


def test_a_late_fact_can_let_a_held_count_post(opened: Query):
    """-7 is 14 money; the sale of 1 that came on the 6th makes it -6, 12 money: it posts then, on the count's date."""
    assert opened(CORRECTIONS, sku="P_FLIP") == [(3, -6, False, 6)]
    assert on_hand(opened, "S1", "P_FLIP", 3) == [13]


def test_a_late_fact_can_take_a_posted_count_back(opened: Query):
    """-6 posted on the 4th; a return that came on the 6th makes it -7, which is held: reversed."""
    assert opened(CORRECTIONS, sku="P_FLOP") == [(3, -6, False, 4), (3, 6, True, 6)]
    assert on_hand(opened, "S1", "P_FLOP", 3) == [21]


def test_an_adjustment_that_names_a_held_count_posts(opened: Query):
    """semantics 18: only what names a posted count is matched. When the count is approved on the 8th, it is taken back."""
    assert moves(opened, "P_NAMED") == [(2, "S1", "opening", "on_hand", 20), (5, "S1", "adjustment", "on_hand", -9)]
    assert moves(opened, "P_TAKEN") == [(2, "S1", "opening", "on_hand", 20), (3, "S1", "count_correction", "on_hand", -10)]
    trail = opened(
        "select units, is_reversal, day(posted_on) from stock_ledger "
        "where sku_id = 'P_TAKEN' and movement_type = 'adjustment' order by is_reversal"
    )
    assert trail == [(-9, False, 5), (9, True, 8)]


def test_the_cost_in_force_decides(opened: Query):
    """From the 6th an item costs 3: -4 of 20 is 12 money and posts; -5 of 16 is 15 and is held."""
    assert opened(CORRECTIONS, sku="P_FREE") == [(6, -4, False, 6)]
    assert on_hand(opened, "S1", "P_FREE", 6, 7) == [16, 16]


def test_what_policy_says_of_a_variance(built: Built):
    """The table that the reconciliation reads, in one rebuild: posted on the day of the rebuild."""
    with duckdb.connect(str(built.warehouse("rebuilt")), read_only=True) as connection:
        rows = connection.execute(
            "select count_id, book_units, variance, variance_value, abc, count_tolerance_units, is_within_tolerance, "
            "is_auto, is_posted, posted_by, day(posted_on) from int_variances where count_id in "
            "('P_APPR-1', 'P_HELD-1', 'P_TWO-2', 'P_FREE-1', 'P_FREE-2') order by count_id"
        ).fetchall()
    assert rows == [
        ("P_APPR-1", 18, -8, -16, "C", 0, False, False, True, "count_correction", 14),
        ("P_FREE-1", 20, -4, -12, "C", 1, False, True, True, "count_correction", 14),
        ("P_FREE-2", 16, -5, -15, "C", 0, False, False, False, None, None),
        ("P_HELD-1", 20, -10, -20, "C", 1, False, False, False, None, None),
        ("P_TWO-2", 20, -1, -2, "C", 1, True, True, True, "count_correction", 14),
    ]


def test_evidence_of_every_cause(built: Built):
    """One fact, one row. E_LATE: the sale of 2 before the count took 2 of the 3 that were missing first, the one after it
    nothing. E_SHIP: found 25 of 22, 4 of shipment ES1 are overdue. E_AGAIN: +5 posted on the 5th, -5 on the 6th. E_NONE: no fact."""
    with duckdb.connect(str(built.warehouse("rebuilt")), read_only=True) as connection:
        rows = connection.execute(
            "select count_id, cause, units, evidence_feed, priority, other_location_id, other_sku_id "
            "from int_variance_evidence where starts_with(count_id, 'E_') order by all"
        ).fetchall()
    assert rows == [
        ("E_AGAIN-1", "count_error", 5, "cycle_counts", 3, None, None),
        ("E_AGAIN-2", "count_error", -5, "cycle_counts", 3, None, None),
        ("E_DMG-1", "unrecorded_damage", -2, "adjustments", 3, None, None),
        ("E_LATE-1", "late_pos", -2, "pos", 1, None, None),
        ("E_OUT-1", "unposted_transfer", 4, "cycle_counts", 4, "DC1", None),
        ("E_OUT-2", "unposted_transfer", -4, "cycle_counts", 4, "S1", None),
        ("E_PICK1-1", "mis_pick", 3, "cycle_counts", 5, None, "E_PICK2"),
        ("E_PICK2-1", "mis_pick", -3, "cycle_counts", 5, None, "E_PICK1"),
        ("E_SHIP-1", "missing_receipt", 3, "shipments", 2, "DC1", None),
        ("E_THEFT-1", "shrink", -4, "cycle_counts", 1, None, None),
    ]


def test_a_day_finds_the_evidence_that_a_rebuild_finds(built: Built):
    """The last run rebuilt the 12th to the 14th at least: their counts have the evidence that one rebuild of all dates finds."""
    sql = "select * from int_variance_evidence where business_date > '2026-01-11' order by all"
    found = []
    for name in ("opened", "rebuilt"):
        with duckdb.connect(str(built.warehouse(name)), read_only=True) as connection:
            found.append(connection.execute(sql).fetchall())
    assert found[0] == found[1] and found[0]
