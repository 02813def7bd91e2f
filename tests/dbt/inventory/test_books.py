"""The book as a whole: against an independent one, against a rebuild, and its accounting identities."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from tests.dbt.inventory import oracle
from tests.dbt.inventory.building import Built, Query

KEY = "source_feed, source_key, movement_type, bucket, location_id, sku_id, business_date, unit_cost"


@contextmanager
def attached(built: Built, *names: str) -> Iterator[duckdb.DuckDBPyConnection]:
    """Some of the warehouses under their names; tables only, views name the catalogue they were made in."""
    with duckdb.connect() as connection:
        for name in names:
            connection.execute(f"attach '{built.warehouse(name)}' as {name} (read_only)")
        yield connection


def test_positions_equal_an_independent_book(built: Built, opened: Query):
    """semantics 4, 13, 14, 16, 18: random movements, a quarter of them late, counted fact by fact in Python."""
    rows = opened("select business_date, location_id, sku_id, on_hand, damaged, in_transit from inventory_positions")
    held = {(d, location, sku): stock for d, location, sku, *stock in rows}
    lost = dict(opened("select business_date, sum(sum(units)) over (order by business_date) from stock_ledger "
                       "where bucket = 'lost' and starts_with(sku_id, 'R') and sku_id <> 'RES' group by business_date"))  # fmt: skip
    expected = oracle.books(built.opened)
    assert len(expected) == 13
    for date, stock in expected.items():
        for location, sku in oracle.PAIRS:
            buckets = [stock.get((location, sku, b), 0) for b in ("on_hand", "damaged", "in_transit")]
            assert held.get((date, location, sku), [0, 0, 0]) == buckets, (date, location, sku)
        if date in lost:
            assert lost[date] == sum(units for (_, _, bucket), units in stock.items() if bucket == "lost")


def test_any_order_of_arrival_gives_the_same_books(built: Built):
    """semantics 4, 5, 18: the same facts and judgements in other runs: the same positions, records and ledger sums."""
    with attached(built, "opened", "otherwise") as connection:
        records = "business_date, location_id, sku_id, opening, adjustments, closing_book, counted_units, variance, posted_by"
        stock = "business_date, location_id, sku_id, on_hand, damaged, in_transit"
        sums = f"select {KEY}, sum(units) as net_units from {{}}.stock_ledger group by all having net_units <> 0"
        for sql in (
            sums,
            f"select {records} from {{}}.reconciliations",
            f"select {stock} from {{}}.inventory_positions",
        ):
            for left, right in (("opened", "otherwise"), ("otherwise", "opened")):
                assert connection.execute(f"{sql.format(left)} except {sql.format(right)}").fetchall() == [], (sql, left)


def test_the_random_counts_take_every_way(built: Built):
    """Posted by class, posted because approved, held, and named by an adjustment while held: else the oracle proves little."""
    with duckdb.connect(str(built.warehouse("rebuilt")), read_only=True) as connection:
        ways = connection.execute(
            "select count(*) filter (is_auto), count(*) filter (is_posting and not is_auto), count(*) filter (not is_posting), "
            "count(*) filter (abc = 'A' and is_posting), count(*) filter (abc = 'B' and is_posting) "
            "from int_count_corrections where sku_id in ('R1', 'R2', 'R3')"
        ).fetchone()
        named = connection.execute(
            "select count(*) filter (units <> 0), count(*) filter (units = 0) from int_count_books "
            "where kind = 'adjustment' and sku_id in ('R1', 'R2', 'R3')"
        ).fetchone()
    assert min(*ways, *named) >= 2, (ways, named)


def test_daily_runs_equal_one_rebuild(built: Built):
    """semantics 4: six runs with late facts end where one run over all of it ends, but for the trail of reversals."""
    with attached(built, "opened", "rebuilt") as connection:
        for table in (
            "inventory_positions",
            "reconciliations",
            "int_demand_daily",
            "int_open_orders",
            "int_allocation_pairs",
        ):
            assert connection.execute(f"select count(*) from opened.{table}").fetchone()[0] > 0
            for left, right in (("opened", "rebuilt"), ("rebuilt", "opened")):
                extra = connection.execute(
                    f"select * from {left}.{table} except select * from {right}.{table}"
                ).fetchall()
                assert extra == [], (table, left)
        net = f"select {KEY}, sum(units) as net_units from {{}}.stock_ledger group by all having net_units <> 0"
        for left, right in (("opened", "rebuilt"), ("rebuilt", "opened")):
            assert connection.execute(f"{net.format(left)} except {net.format(right)}").fetchall() == []
        assert connection.execute("select count(*) from opened.stock_ledger where is_reversal").fetchone()[0] > 0
        assert connection.execute("select count(*) from rebuilt.stock_ledger where is_reversal").fetchone()[0] == 0


def test_step_that_runs_twice_changes_nothing(built: Built):
    """A killed run repeats its step: not one movement more, and the same positions."""
    with attached(built, "opened", "repeated") as connection:
        for table in (
            "stock_ledger",
            "inventory_positions",
            "reconciliations",
            "int_demand_daily",
            "int_transfer_events",
        ):
            counts = connection.execute(
                f"select (select count(*) from opened.{table}), (select count(*) from repeated.{table}), "
                f"(select count(*) from (select * from opened.{table} except select * from repeated.{table}))"
            ).fetchone()
            assert counts[0] == counts[1] and counts[2] == 0, table


def test_ledger_is_append_only(opened: Query):
    """Every id once; a reversal mirrors one earlier movement of the same key, at its cost."""
    assert opened("select count(*) - count(distinct movement_id) from stock_ledger") == [(0,)]
    unmatched = opened(
        "select count(*) from stock_ledger as r left join stock_ledger as m on r.reverses_movement_id = m.movement_id "
        "where r.is_reversal and (m.units is distinct from -r.units or m.business_date <> r.business_date "
        "or m.unit_cost is distinct from r.unit_cost or m.posted_on > r.posted_on)"
    )
    assert unmatched == [(0,)]


def test_late_facts_post_on_their_own_date(opened: Query):
    """semantics 4: business_date is the fact's, posted_on the run's that took it in."""
    rows = opened(
        "select day(business_date), day(posted_on), units from stock_ledger where sku_id = 'COUNT' and movement_type = 'sale' order by posted_on, units"
    )
    assert rows == [(3, 4, -3), (3, 4, -2), (3, 4, -1), (3, 6, -1)]


def test_ledger_identity_and_unbroken_chain(opened: Query, unopened: Query):
    """Published invariant 1, at every pair and date."""
    for query in (opened, unopened):
        assert query(
            "select * from reconciliations where opening + receipts + returns_restocked + transfers_in + adjustments "
            "- sales - transfers_out <> closing_book"
        ) == []  # fmt: skip
        assert query(
            "with chain as (select *, lag(closing_book, 1, 0) over "
            "(partition by location_id, sku_id order by business_date) as closed from reconciliations) "
            "select * from chain where opening <> closed"
        ) == []  # fmt: skip


def test_every_unit_of_a_position_traces_to_the_ledger(opened: Query):
    """Positions = the ledger summed up to the date, bucket by bucket."""
    assert opened(
        "select p.business_date, p.location_id, p.sku_id from inventory_positions as p left join stock_ledger as l "
        "on p.location_id = l.location_id and p.sku_id = l.sku_id and l.business_date <= p.business_date "
        "group by p.business_date, p.location_id, p.sku_id, p.on_hand, p.damaged, p.in_transit, p.in_transit_firm "
        "having coalesce(sum(l.units) filter (l.bucket = 'on_hand'), 0) <> p.on_hand "
        "or coalesce(sum(l.units) filter (l.bucket = 'damaged'), 0) <> p.damaged "
        "or coalesce(sum(l.units) filter (l.bucket = 'in_transit'), 0) <> p.in_transit - p.in_transit_firm"
    ) == []  # fmt: skip


def test_transfers_balance_over_the_network(opened: Query, unopened: Query):
    """semantics 16: out = in + transit + loss, on every date and item."""
    for query in (opened, unopened):
        assert query(
            "select business_date, sku_id from stock_ledger where movement_type in "
            "('transfer_out', 'transfer_in', 'transfer_in_damaged', 'transit_loss') group by all having sum(units) <> 0"
        ) == []  # fmt: skip


def test_only_what_is_new_is_applied(opened: Query, built: Built):
    """The last model of the step says which loads the warehouse holds."""
    newest = max(int(f.name.split("=")[1]) for f in (built.root / "lake" / "loads").glob("*/*/load=*"))
    assert opened("select through_load, day(state_to) from applied_loads") == [(newest, 14)]
