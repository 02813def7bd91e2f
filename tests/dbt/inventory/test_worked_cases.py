"""Cases worked by hand, one item each (see worked.py): what the ledger, positions and reconciliations must say."""

from __future__ import annotations

from decimal import Decimal

from tests.dbt.inventory.building import Query
from tests.dbt.inventory.deliveries import day


def stock(query: Query, location: str, sku: str, number: int) -> tuple | None:
    """(on_hand, damaged, in_transit) of a pair at the close of January `number`; None without a row."""
    rows = query(
        "select on_hand, damaged, in_transit from inventory_positions "
        "where business_date = $day and location_id = $location and sku_id = $sku",
        day=day(number),
        location=location,
        sku=sku,
    )
    return rows[0] if rows else None


def on_hand(query: Query, location: str, sku: str, *numbers: int) -> list[int]:
    return [stock(query, location, sku, n)[0] for n in numbers]


def one(query: Query, columns: str, table: str, number: int, location: str, sku: str) -> tuple:
    sql = f"select {columns} from {table} where business_date = $day and location_id = $location and sku_id = $sku"
    (row,) = query(sql, day=day(number), location=location, sku=sku)
    return row


def moves(query: Query, sku: str) -> list[tuple]:
    """Live movements of an item that are still there after reversals, in order."""
    return query(
        "select day(business_date), location_id, movement_type, bucket, sum(units)::int from stock_ledger "
        "where sku_id = $sku group by all having sum(units) <> 0 order by all",
        sku=sku,
    )


def test_books_open_with_the_close_of_the_first_snapshot(opened: Query):
    """semantics 13: 10 on hand and 2 damaged at the close of the 2nd; the sales up to then feed demand only."""
    assert stock(opened, "S1", "OPEN", 1) is None
    assert stock(opened, "S1", "OPEN", 2) == (10, 2, 0)
    assert stock(opened, "S1", "OPEN", 3) == (6, 2, 0)
    assert stock(opened, "S1", "ZERO", 2) == (0, 0, 0)
    flows = "opening, adjustments, sales, closing_book"
    assert one(opened, flows, "reconciliations", 2, "S1", "OPEN") == (0, 10, 0, 10)
    assert one(opened, flows, "reconciliations", 3, "S1", "OPEN") == (10, 0, 4, 6)
    sold = opened(
        "select day(business_date), sales_units from int_demand_daily where sku_id = 'OPEN' and sales_units > 0 order by 1"
    )
    assert sold == [(1, 3), (2, 1), (3, 4)]


def test_absent_from_the_first_snapshot_opens_at_nothing(opened: Query):
    """semantics 13: absent = 0, and a book may be negative (14)."""
    assert one(opened, "on_hand, available, is_unopened", "inventory_positions", 3, "S1", "ABSENT") == (-2, 0, False)


def test_later_snapshots_reconcile_and_change_nothing(opened: Query):
    """semantics 13: the snapshot of the 8th says 7, the book stays at 6."""
    assert one(opened, "system_on_hand, closing_book, variance", "reconciliations", 8, "S1", "OPEN") == (7, 6, None)


def test_count_meets_the_book_at_its_moment(opened: Query):
    """semantics 18: 10 - 2 undated - 3 at 9:00 = 5 at noon, counted 4: -1. Then a sale at 11:00 arrives late: the book was
    4, the correction is reversed, and the sale at 15:00 leaves 3 as before."""
    assert on_hand(opened, "S1", "COUNT", 3, 6, 14) == [3, 3, 3]
    corrections = opened(
        "select units, is_reversal, day(posted_on) from stock_ledger "
        "where sku_id = 'COUNT' and movement_type = 'count_correction' order by is_reversal"
    )
    assert corrections == [(-1, False, 4), (1, True, 6)]
    assert one(opened, "counted_units, variance, posted_by, is_accurate", "reconciliations", 3, "S1", "COUNT") == (
        4,
        0,
        None,
        True,
    )


def test_lines_of_one_count_document_add_up(opened: Query):
    """3 on one shelf and 4 on another against a book of 10."""
    assert one(opened, "counted_units, variance, posted_by", "reconciliations", 3, "S1", "TWO") == (
        7,
        -3,
        "count_correction",
    )
    assert on_hand(opened, "S1", "TWO", 3) == [7]


def test_adjustment_that_echoes_a_posted_count_moves_nothing(opened: Query):
    """semantics 18, pipeline posting: the count took 2; its adjustment is matched, the other one (-1) posts."""
    assert moves(opened, "ECHO") == [
        (2, "S1", "opening", "on_hand", 10),
        (3, "S1", "count_correction", "on_hand", -2),
        (4, "S1", "adjustment", "on_hand", -1),
    ]


def test_damaged_is_a_bucket_of_its_own(opened: Query):
    """semantics 14: 4 + 1 (late) damaged; a disposal of 6 takes those 5 and 1 on hand; a vendor return adds 2, a disposal takes
    1."""
    assert stock(opened, "S1", "DMG", 3) == (5, 5, 0)
    assert stock(opened, "S1", "DMG", 4) == (4, 0, 0)
    assert stock(opened, "S1", "DMG", 5) == (4, 1, 0)
    disposed = [m for m in moves(opened, "DMG") if m[2] == "disposal"]
    assert disposed == [
        (4, "S1", "disposal", "damaged", -5),
        (4, "S1", "disposal", "on_hand", -1),
        (5, "S1", "disposal", "damaged", -1),
    ]


def test_damage_taken_back_cannot_empty_the_bucket_below_nothing(opened: Query):
    """+3 with reason damage and nothing damaged: on hand rises, the bucket stays; a restock returns to on hand."""
    assert stock(opened, "S1", "DMGUP", 3) == (14, 0, 0)
    assert one(opened, "returns_restocked, adjustments", "reconciliations", 3, "S1", "DMGUP") == (1, 3)


def test_transfer_is_in_transit_until_received_and_then_lost(opened: Query):
    """semantics 16: 10 sent, 6 + 1 damaged received; 3 missing 7 days past the 4th are lost on the 11th; 2 turn up on the
    12th, so 1 stays lost."""
    assert on_hand(opened, "DC1", "XFER", 2, 3) == [20, 10]
    assert [stock(opened, "S1", "XFER", n) for n in (3, 4, 10, 11, 12)] == [
        (0, 0, 10), (6, 1, 3), (6, 1, 3), (6, 1, 0), (8, 1, 0),
    ]  # fmt: skip
    lost = [m for m in moves(opened, "XFER") if m[2] == "transit_loss"]
    assert lost == [
        (11, "S1", "transit_loss", "in_transit", -3), (11, "TRANSIT", "transit_loss", "lost", 3),
        (12, "S1", "transit_loss", "in_transit", 2), (12, "TRANSIT", "transit_loss", "lost", -2),
    ]  # fmt: skip


def test_receipt_without_a_shipment_left_the_supplying_dc(opened: Query):
    """semantics 16: 5 received of a shipment nobody recorded; of another, 3 more than were sent."""
    assert on_hand(opened, "DC1", "IMPL", 3) == [15]
    assert stock(opened, "S1", "IMPL", 3) == (5, 0, 0)
    assert on_hand(opened, "DC1", "EXC", 3, 4) == [15, 12]
    assert stock(opened, "S1", "EXC", 4) == (8, 0, 0)


def test_shipment_recorded_after_its_receipt_leaves_once(opened: Query):
    """semantics 16: received on the 4th, recorded as sent on the 5th: the DC gives 5, not 10."""
    assert on_hand(opened, "DC1", "ADV", 3, 4, 5, 14) == [20, 15, 15, 15]
    assert stock(opened, "S1", "ADV", 14) == (5, 0, 0)


def test_receipts_match_the_line_they_name(opened: Query):
    """semantics 16: lines of 6 and 4; 7 on line 1 are one too many, 2 on line 2 leave two open, lost on the 11th. Without a
    line number the same 7 leave 3 open."""
    assert on_hand(opened, "DC1", "LINE", 3, 4) == [10, 9]
    assert stock(opened, "S1", "LINE", 4) == (9, 0, 2)
    assert stock(opened, "S1", "LINE", 11) == (9, 0, 0)
    assert on_hand(opened, "DC1", "FIFO", 4) == [10]
    assert stock(opened, "S1", "FIFO", 4) == (7, 0, 3)


def test_books_open_with_what_was_in_transit(opened: Query):
    """semantics 13 and 16: sent before the books opened, received after: the DC's snapshot had let it go already."""
    assert on_hand(opened, "DC1", "PRE", 2, 4) == [20, 20]
    assert stock(opened, "S1", "PRE", 2) == (0, 0, 5)
    assert stock(opened, "S1", "PRE", 4) == (5, 0, 0)


def test_on_order_is_what_the_supplier_still_owes(opened: Query):
    """semantics 17: 8 confirmed - 1 received; 3 good and 1 damaged arrive after the picture; absent from the next = closed."""
    assert one(opened, "on_order, on_order_past_due", "inventory_positions", 4, "DC1", "PO") == (3, 3)
    assert one(opened, "on_order, on_order_past_due", "inventory_positions", 6, "DC1", "PO") == (0, 0)
    assert one(opened, "on_hand, damaged", "inventory_positions", 4, "DC1", "PO") == (3, 1)


def test_reserved_comes_from_orders_once_they_land(opened: Query):
    """semantics 10 and 15: the snapshot's 4 until orders land on the 5th, then 3 allocated, none once shipped."""
    rows = [one(opened, "reserved, available", "inventory_positions", n, "S1", "RES") for n in (4, 5, 6)]
    assert rows == [(4, 6), (3, 7), (0, 10)]
    backlog = opened(
        "select day(business_date), open_order_units from int_demand_daily where sku_id = 'RES' order by 1"
    )
    assert backlog == [(5, 2), (6, 2), (7, 2)]


def test_contract_beats_the_item_on_ownership(opened: Query):
    """semantics 19: owned until the contract of the 5th, then the vendor's and no value of ours."""
    columns = "ownership, inventory_value"
    assert one(opened, columns, "inventory_positions", 4, "S1", "VMI") == ("owned", Decimal("20.0000"))
    assert one(opened, columns, "inventory_positions", 5, "S1", "VMI") == ("vmi", Decimal("0.0000"))


def test_value_uses_the_cost_in_force(opened: Query):
    """semantics 19: cost 2 until the master of the 6th says 3."""
    rows = [one(opened, "unit_cost, inventory_value", "inventory_positions", n, "S1", "OPEN") for n in (5, 6)]
    assert rows == [(Decimal(2), Decimal(12)), (Decimal(3), Decimal(18))]


def test_closed_location_keeps_its_stock_and_flags_its_facts(opened: Query):
    """semantics 19: closed from the 6th: in positions, not active; a sale on the 7th loads and is flagged."""
    rows = [one(opened, "on_hand, is_active, is_open", "inventory_positions", n, "S2", "CLOSE") for n in (5, 6, 7)]
    assert rows == [(5, True, True), (5, False, False), (4, False, False)]
    flags = opened("select day(business_date), is_outside_opening from stock_ledger where sku_id = 'CLOSE' order by 1")
    assert flags == [(2, False), (7, True)]


def test_firm_line_binds_what_has_not_shipped(opened: Query):
    """semantics 15 and 20: of 6 decided on the 5th, 4 ship on the 6th: 2 are held that day and lapse with it."""
    rows = [one(opened, "on_hand, committed, available", "inventory_positions", n, "DC1", "FIRM") for n in (5, 6, 7)]
    assert rows == [(20, 0, 20), (16, 2, 14), (16, 0, 16)]


def test_first_count_opens_the_book_without_snapshots(unopened: Query):
    """semantics 13: sales only until the count of the 2nd finds 7; a count of nothing opens a book at nothing."""
    columns = "on_hand, is_unopened"
    assert one(unopened, columns, "inventory_positions", 1, "S1", "FIRST") == (-2, True)
    assert one(unopened, columns, "inventory_positions", 2, "S1", "FIRST") == (7, False)
    assert one(unopened, columns, "inventory_positions", 2, "S1", "NONE") == (0, False)
    row = one(unopened, "adjustments, counted_units, variance, posted_by", "reconciliations", 2, "S1", "FIRST")
    assert row == (9, 7, None, "opening")


def test_counts_post_until_adjustments_land(unopened: Query):
    """semantics 18: -1 posts on the 3rd; adjustments land on the 5th (+2); from
    that date on counts are theirs to post: -1 of the 5th stays open, -3 of the 6th is in."""
    assert on_hand(unopened, "S1", "FIRST", 3, 5, 6) == [6, 8, 5]
    columns = "variance, posted_by, adjustments"
    assert one(unopened, columns, "reconciliations", 3, "S1", "FIRST") == (-1, "count_correction", -1)
    assert one(unopened, columns, "reconciliations", 6, "S1", "FIRST") == (-3, "adjustment", -3)
    assert one(unopened, columns, "reconciliations", 5, "S1", "EDGE") == (-1, None, 0)


def test_firm_line_counts_as_shipped_without_a_shipments_feed(unopened: Query):
    """semantics 20: 6 on the way from the 4th, 4 received on the 5th, the rest until 7 days past the arrival on the 4th."""
    dc = [one(unopened, "on_hand, committed, available", "inventory_positions", n, "DC1", "F") for n in (4, 5, 10, 11)]
    assert dc == [(20, 6, 14), (16, 2, 14), (16, 2, 14), (16, 0, 16)]
    assert [stock(unopened, "S1", "F", n)[2] for n in (5, 10, 11)] == [2, 2, 0]
