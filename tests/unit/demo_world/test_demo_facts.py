"""What the landed facts say: real sales, honest supply, books that the facts add up to, truth that conserves units."""

from __future__ import annotations

import numpy as np
import pytest

from allocation_assets.demo_world import World, build_world
from allocation_assets.demo_world.source import DATA_DIR
from allocation_assets.demo_world.store_supply import count_schedule, cover_end

SATURDAY, SUNDAY = 5, 6


def scalar(db, query: str, parameters: list | None = None):
    return db.execute(query, parameters or []).fetchone()[0]


# -- real demand -------------------------------------------------------------------------------------------------

def test_daily_store_units_equal_the_source(db):
    wrong = """
        WITH real AS (SELECT dt::DATE AS business_date, format('S{:04d}', store_id) AS location_id,
                             format('P{:04d}', product_id) AS sku_id, round_even(sale_amount * 10, 0) AS units
                      FROM read_parquet(?)),
             sold AS (SELECT business_date, location_id, sku_id, sum(units) AS units, count(*) AS lines,
                             count(DISTINCT hour(sold_at)) AS hours
                      FROM pos WHERE channel = 'store' GROUP BY ALL)
        SELECT count(*) FILTER (WHERE coalesce(r.units, 0) <> coalesce(s.units, 0) OR lines <> hours), sum(s.units)
        FROM real r FULL JOIN sold s USING (business_date, location_id, sku_id)"""
    assert db.execute(wrong, [str(DATA_DIR / "frn_city15_daily.parquet")]).fetchone() == (0, 681_102)


def test_hourly_units_equal_the_source_where_hours_are_whole(db):
    wrong = """
        WITH real AS (SELECT dt::DATE AS business_date, format('S{:04d}', store_id) AS location_id,
                             format('P{:04d}', product_id) AS sku_id, hour, hourly_sale::DOUBLE * 10 AS units
                      FROM read_parquet(?) WHERE hourly_sale > 0)
        SELECT count(*) FROM real r LEFT JOIN pos p ON p.channel = 'store' AND hour(p.sold_at) = r.hour
           AND (p.business_date, p.location_id, p.sku_id) = (r.business_date, r.location_id, r.sku_id)
        WHERE abs(coalesce(p.units, 0) - r.units)
              > CASE WHEN abs(r.units - round(r.units)) < 0.001 THEN 0.001 ELSE 0.999 END"""
    assert scalar(db, wrong, [str(DATA_DIR / "frn_city15_hourly.parquet")]) == 0


def test_net_amount_is_units_times_price_times_discount(db):
    wrong = """
        WITH paid AS (SELECT dt::DATE AS business_date, format('S{:04d}', store_id) AS location_id,
                             format('P{:04d}', product_id) AS sku_id,
                             CASE WHEN discount = 0 THEN 1 ELSE least(discount, 1) END AS rate FROM read_parquet(?))
        SELECT count(*) FROM pos p JOIN paid d USING (business_date, location_id, sku_id)
        JOIN items i ON i.sku_id = p.sku_id AND i.business_date =
             (SELECT max(business_date) FROM items WHERE business_date <= p.business_date)
        WHERE p.unit_list_price <> i.unit_price OR abs(p.net_amount - p.units * i.unit_price * rate) > 0.0051"""
    assert scalar(db, wrong, [str(DATA_DIR / "frn_city15_daily.parquet")]) == 0


def test_baskets_are_plausible(db):
    mean, most, places = db.execute("SELECT avg(n), max(n), max(places) FROM (SELECT count(*) AS n, count(DISTINCT "
                                    "(location_id, sold_at, business_date)) AS places FROM pos "
                                    "GROUP BY transaction_id)").fetchone()
    assert 1.5 < mean < 4 and most < 60 and places == 1
    assert scalar(db, "SELECT count(*) FROM (SELECT transaction_id FROM pos GROUP BY 1 "
                      "HAVING max(line_no) <> count(*))") == 0


def test_stock_outs_are_the_real_hours_of_the_stores(db):
    wrong = """
        WITH real AS (SELECT dt::DATE AS business_date, format('S{:04d}', store_id) AS location_id,
                             format('P{:04d}', product_id) AS sku_id, stock_hour6_22_cnt AS hours_out
                      FROM read_parquet(?) WHERE stock_hour6_22_cnt > 0)
        SELECT count(*) FROM real r FULL JOIN (FROM stock_outs WHERE location_id <> 'ECOM15') s
             USING (business_date, location_id, sku_id)
        WHERE r.hours_out IS DISTINCT FROM s.hours_out OR s.hours_open <> 16"""
    assert scalar(db, wrong, [str(DATA_DIR / "frn_city15_daily.parquet")]) == 0
    assert scalar(db, "SELECT count(*) FROM stock_outs WHERE hours_out <= 0 OR hours_out > hours_open") == 0


# -- supply ------------------------------------------------------------------------------------------------------

def test_nothing_is_received_or_shipped_on_a_sunday(db):
    for feed in ("receipts", "shipments", "cycle_counts"):
        assert scalar(db, f"SELECT count(*) FROM {feed} WHERE isodow(business_date) = 7") == 0


def test_receipts_and_shipments_are_whole_cases(db):
    assert scalar(db, "SELECT count(*) FROM receipts r JOIN (SELECT DISTINCT sku_id, case_pack FROM items) i USING "
                      "(sku_id) WHERE (r.units + r.units_damaged) % i.case_pack <> 0") == 0
    assert scalar(db, "SELECT count(*) FROM shipments s JOIN (SELECT DISTINCT sku_id, case_pack FROM items) i USING "
                      "(sku_id) WHERE s.units % i.case_pack <> 0 OR s.units < 1") == 0
    damaged = scalar(db, "SELECT avg((units_damaged > 0)::INT) FROM receipts")
    assert 0.005 < damaged < 0.05


def test_about_11_percent_of_deliveries_are_late(db):
    late, deliveries = db.execute("""
        SELECT avg((arrived > expected)::INT), count(*) FROM (
            SELECT r.source_id, min(r.business_date) AS arrived, min(p.expected_date) AS expected
            FROM receipts r JOIN (SELECT DISTINCT po_id, line_no, expected_date FROM purchase_orders) p
              ON p.po_id = r.source_id AND p.line_no = r.source_line_no
            WHERE r.source_type = 'purchase' GROUP BY 1)""").fetchone()
    assert deliveries > 300
    assert 0.08 <= late <= 0.14


def test_suppliers_deliver_every_2_to_4_days(db):
    """Between two deliveries of a supplier lie 2 to 4 dates, a Sunday or a late truck apart."""
    gaps = [g for (g,) in db.execute("""
        SELECT business_date - lag(business_date) OVER (PARTITION BY supplier_id ORDER BY business_date)
        FROM (SELECT DISTINCT supplier_id, business_date FROM receipts WHERE source_type = 'purchase')
        QUALIFY lag(business_date) OVER (PARTITION BY supplier_id ORDER BY business_date) IS NOT NULL""").fetchall()]
    assert min(gaps) >= 1 and max(gaps) <= 6
    assert 2.5 < np.mean(gaps) < 3.7
    assert np.mean([2 <= g <= 4 for g in gaps]) > 0.8


def test_shipments_arrive_one_working_day_later_a_few_late_short_or_over(db):
    """Semantics 16: source_id is the shipment, source_line_no its line."""
    rows, days_late, short, over, alien = db.execute("""
        SELECT count(*), avg((r.business_date > s.expected_date)::INT),
               avg((r.units + r.units_damaged < s.units)::INT), avg((r.units + r.units_damaged > s.units)::INT),
               sum((r.sku_id <> s.sku_id OR r.location_id <> s.to_location_id OR r.from_location_id <> 'DC15'
                    OR r.business_date <= s.business_date)::INT)
        FROM receipts r JOIN shipments s ON s.shipment_id = r.source_id AND s.line_no = r.source_line_no""").fetchone()
    assert rows == scalar(db, "SELECT count(*) FROM receipts WHERE source_type = 'transfer'")
    assert alien == 0
    assert 0.03 < days_late < 0.12 and 0.005 < short < 0.03 and 0.001 < over < 0.02


def test_purchases_are_sometimes_short(db):
    short = scalar(db, "SELECT avg((received_units < ordered_units)::INT) FROM purchase_orders WHERE status = 'closed'")
    assert 0.02 < short < 0.15
    open_late = scalar(db, "SELECT count(*) FROM purchase_orders WHERE status = 'open' AND "
                           "expected_date < business_date")
    assert open_late > 0
    assert scalar(db, "SELECT count(*) FROM purchase_orders WHERE business_date = '2024-06-25' AND status = 'open' "
                      "AND expected_date > '2024-06-25'") > 0


def test_the_last_dates_leave_something_to_decide(world: World):
    """A quarter of the SKUs holds less than a day of the city's demand at the DC, the others a few days."""
    net, truth = world.network, world.truth
    city = np.bincount(net.pair_sku, net.demand[62:90].mean(axis=0), minlength=170)
    for day in (87, 88, 89):
        cover = truth.closing[day, net.pairs:] / city
        assert truth.closing[day, net.pairs:].sum() > 10_000
        assert np.median(cover[~net.is_scarce]) > 2
        assert (cover < 1).sum() >= 15
        assert truth.in_transit[day].sum() > 1_000


# -- books -------------------------------------------------------------------------------------------------------

MOVEMENTS = """
    SELECT business_date, location_id, sku_id, on_hand AS units, damaged FROM inventory_snapshot
    WHERE business_date = '2024-03-28'
    UNION ALL SELECT business_date, location_id, sku_id, -units, 0 FROM pos
    UNION ALL SELECT business_date, location_id, sku_id, CASE WHEN disposition = 'restock' THEN units ELSE 0 END,
                     CASE WHEN disposition = 'restock' THEN 0 ELSE units END FROM returns
    UNION ALL SELECT business_date, location_id, sku_id, units, units_damaged FROM receipts
    UNION ALL SELECT business_date, from_location_id, sku_id, -units, 0 FROM shipments
    UNION ALL SELECT r.business_date, r.from_location_id, r.sku_id, s.units - r.units - r.units_damaged, 0
              FROM receipts r JOIN shipments s ON s.shipment_id = r.source_id AND s.line_no = r.source_line_no
              WHERE r.units + r.units_damaged > s.units
    UNION ALL SELECT business_date, location_id, sku_id, CASE WHEN reason_code = 'disposal' THEN 0 ELSE units END,
                     CASE WHEN reason_code IN ('disposal') THEN units WHEN reason_code = 'damage' THEN -units ELSE 0 END
              FROM adjustments"""


@pytest.fixture(scope="module")
def replay(db, world: World) -> dict[str, np.ndarray]:
    """Books rebuilt from the landed files by semantics 13 to 18, (T, R); facts on the opening date feed demand only."""
    net, truth = world.network, world.truth
    rows = db.execute(f"SELECT date_diff('day', DATE '2024-03-28', business_date), location_id, sku_id, sum(units), "
                      f"sum(damaged) FROM ({MOVEMENTS}) WHERE business_date > '2024-03-28' OR units >= 0 "
                      "GROUP BY ALL").fetchnumpy()
    record = {(str(net.location_ids[loc]), str(net.sku_ids[sku])): i
              for i, (loc, sku) in enumerate(zip(truth.location, truth.sku, strict=True))}
    at = [record[key] for key in zip(rows["location_id"], rows["sku_id"], strict=True)]
    columns = list(rows.values())
    book, damaged = np.zeros_like(truth.book), np.zeros_like(truth.book)
    book[columns[0].astype(int), at] = columns[3]
    damaged[columns[0].astype(int), at] = columns[4]
    return {"book": book.cumsum(axis=0), "damaged": damaged.cumsum(axis=0)}


def test_the_landed_facts_add_up_to_the_books(replay, world: World):
    """Semantics 13, 14 and 16, replayed from the files by SQL, on every date and record."""
    assert (replay["book"] == world.truth.book).all()
    assert (replay["damaged"] == world.truth.damaged).all()
    assert replay["damaged"].min() >= 0


def test_snapshots_show_the_books_but_for_a_few_interface_errors(db, world: World):
    """Semantics 13: the first opens the books, later ones reconcile."""
    net, truth = world.network, world.truth
    names = {(str(net.location_ids[a]), str(net.sku_ids[b])): i
             for i, (a, b) in enumerate(zip(truth.location, truth.sku, strict=True))}
    rows = db.execute("SELECT date_diff('day', DATE '2024-03-28', business_date), location_id, sku_id, on_hand "
                      "FROM inventory_snapshot").fetchall()
    off = [on_hand - truth.book[day, names[loc, sku]] for day, loc, sku, on_hand in rows]
    assert len(rows) == 13 * len(names)
    assert 0 < np.mean(np.array(off) != 0) < 0.01
    assert not any(value for value, row in zip(off, rows, strict=True) if row[0] == 0)


def test_counts_read_the_truth_and_are_posted_as_corrections(db, world: World):
    """Semantics 18: variance = counted - book at counted_at, posted on the date and naming the count."""
    truth = world.truth
    counted = truth.counted >= 0
    assert counted.sum() == scalar(db, "SELECT count(*) FROM cycle_counts")
    error = (truth.counted - np.maximum(0, truth.count_true))[counted]
    assert 0.01 < np.mean(error != 0) < 0.08 and np.abs(error).max() <= 2
    variance = (truth.counted - truth.count_book)[counted]
    assert (variance != 0).sum() == scalar(db, "SELECT count(*) FROM adjustments WHERE reason_code = 'correction'")
    unmatched = scalar(db, """
        SELECT count(*) FROM adjustments a LEFT JOIN cycle_counts c ON c.count_id = a.count_id AND c.sku_id = a.sku_id
             AND c.location_id = a.location_id AND c.business_date = a.business_date
        WHERE a.reason_code = 'correction' AND (c.sku_id IS NULL OR a.adjusted_at <= c.counted_at)""")
    assert unmatched == 0


def test_the_book_at_the_count_follows_from_timestamps_alone(db, world: World):
    """Semantics 18: opening book + facts before counted_at = counted - correction."""
    wrong = f"""
        WITH facts AS (
            SELECT business_date, location_id, sku_id, -units AS units, sold_at AS at FROM pos
            UNION ALL SELECT business_date, location_id, sku_id, units, returned_at FROM returns
                      WHERE disposition = 'restock'
            UNION ALL SELECT business_date, location_id, sku_id, units, received_at FROM receipts
            UNION ALL SELECT business_date, from_location_id, sku_id, -units, shipped_at FROM shipments
            UNION ALL SELECT r.business_date, r.from_location_id, r.sku_id, s.units - r.units - r.units_damaged, NULL
                      FROM receipts r JOIN shipments s ON s.shipment_id = r.source_id AND s.line_no = r.source_line_no
                      WHERE r.units + r.units_damaged > s.units
            UNION ALL SELECT business_date, location_id, sku_id, units, adjusted_at FROM adjustments
                      WHERE reason_code <> 'disposal'),
        before AS (
            SELECT c.location_id, c.sku_id, c.business_date, c.counted_units, coalesce(sum(m.units), 0) AS book
            FROM cycle_counts c LEFT JOIN ({MOVEMENTS}) m ON m.location_id = c.location_id AND m.sku_id = c.sku_id
                 AND m.business_date < c.business_date AND (m.business_date > '2024-03-28' OR m.units >= 0)
            GROUP BY ALL),
        same_day AS (
            SELECT c.location_id, c.sku_id, c.business_date, sum(f.units) AS units FROM cycle_counts c JOIN facts f
              ON (f.location_id, f.sku_id, f.business_date) = (c.location_id, c.sku_id, c.business_date)
             AND (f.at IS NULL OR f.at < c.counted_at) GROUP BY ALL)
        SELECT count(*) FROM before b LEFT JOIN same_day s USING (location_id, sku_id, business_date)
        LEFT JOIN (FROM adjustments WHERE reason_code = 'correction') a USING (location_id, sku_id, business_date)
        WHERE b.counted_units - b.book - coalesce(s.units, 0) <> coalesce(a.units, 0)"""
    assert scalar(db, wrong) == 0


def test_about_60_percent_of_records_are_wrong_before_counting(world: World):
    truth = world.truth
    counted = truth.counted >= 0
    assert 0.5 <= np.mean((truth.count_book != truth.count_true)[counted]) <= 0.7
    assert 0.5 <= np.mean(truth.book[0] != truth.closing[0]) <= 0.7


def test_books_are_rarely_negative(world: World):
    assert 0 < np.mean(world.truth.book < 0) < 0.015


# -- truth -------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module", params=["demo", 7])
def any_world(request, world: World) -> World:
    return world if request.param == "demo" else build_world(request.param)


def test_units_are_conserved_per_record_and_over_the_network(any_world: World):
    net, truth = any_world.network, any_world.truth
    t = truth
    assert (t.opening + t.received + t.restocked - t.sold - t.lost - t.shipped == t.closing)[1:].all()
    assert (t.opening[1:] == t.closing[:-1]).all()
    centre = np.arange(t.closing.shape[1]) >= net.pairs
    # What left the DC arrived (but for cases that held fewer or more, and damage), is on the way, or got lost.
    dates = {str(d): i for i, d in enumerate(any_world.source.dates)}
    receipts = any_world.transactions["receipts"][0][1]
    is_transfer = np.array(receipts.table["source_type"].to_pylist()) == "transfer"
    arrived = (receipts.table["units"].to_numpy() + receipts.table["units_damaged"].to_numpy())[is_transfer]
    arrived_by = np.cumsum(np.bincount(receipts.day[is_transfer], arrived, minlength=len(dates)))
    left_by = np.cumsum(t.shipped[:, centre].sum(axis=1))
    assert (left_by == arrived_by + t.in_transit.sum(axis=1) + np.cumsum(t.lost_in_transit.sum(axis=1))).all()
    assert t.in_transit.min() >= 0 and t.lost_in_transit.min() >= 0


def test_true_stock_covers_the_real_sales(any_world: World):
    truth, net = any_world.truth, any_world.network
    assert truth.closing.min() >= 0
    sold = np.zeros_like(any_world.source.units)
    sold[1:] = any_world.source.units[1:]
    stores = slice(0, net.store_pairs)
    assert (np.abs(truth.sold[:, stores] - sold) <= 1).all()  # one unit under a neighbour's bar code
    by_store = np.stack([(truth.sold[:, stores] - sold)[:, net.pair_location[stores] == s].sum(axis=1)
                         for s in range(17)])
    assert (by_store == 0).all()


def test_true_stock_is_about_zero_at_a_flagged_close(any_world: World):
    """But for Saturdays, whose evening delivery brings Sunday's stock, and the two opening dates."""
    net, source = any_world.network, any_world.source
    flagged = source.is_out_at_close.copy()
    flagged[:2] = False
    flagged[net.weekday[:90] == SATURDAY] = False
    assert flagged.sum() > 20_000
    assert any_world.truth.closing[:, : net.store_pairs][flagged].max() <= 1


def test_orders_end_shipped_or_cancelled_and_reserve_only_booked_stock(db):
    """Semantics 10 and 15: the newest row of a key is in force; allocated is reserved, open is demand."""
    rows = db.execute("SELECT list(status ORDER BY business_date), max(business_date) FROM orders "
                      "GROUP BY order_id, line_no").fetchall()
    paths = {tuple(states) for states, _ in rows}
    assert paths <= {(a, b) for a in ("open", "allocated") for b in ("shipped", "cancelled")} | {("open",),
                                                                                                ("allocated",)}
    assert ("allocated", "cancelled") not in paths
    assert all(str(last) == "2024-06-25" for states, last in rows if len(states) == 1)
    assert scalar(db, "SELECT count(*) FROM orders WHERE business_date = '2024-06-25' AND status = 'open'") > 0


# -- rules by hand -----------------------------------------------------------------------------------------------

def test_cover_ends_at_the_next_flagged_close_and_reaches_over_sunday():
    weekday = np.array([3, 4, 5, 6, 0, 1])  # Thursday to Tuesday
    out = np.zeros((6, 3), bool)
    out[1, 1] = True  # second series closes empty on Friday
    out[2, 2] = True  # third one on Saturday: Sunday comes with the evening delivery
    end = cover_end(out, weekday, np.full((6, 3), 3))
    assert end[0].tolist() == [3, 1, 2]
    assert end[2].tolist() == [4, 4, 2]
    assert end[4].tolist() == [5, 5, 5]


def test_counts_rotate_by_class_and_skip_sundays():
    weekday = (np.arange(98) + 3) % 7
    due = count_schedule(np.array([0, 1, 2]), weekday, np.random.default_rng(1), 2)
    assert not due[weekday == SUNDAY].any()
    for column, period in enumerate((21, 35, 49)):
        dates = np.flatnonzero(due[:, column])
        assert len(dates) in (98 // period, 98 // period + 1, 98 // period - 1)
        assert all(period - 1 <= gap <= period + 1 for gap in np.diff(dates))
