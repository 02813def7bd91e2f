"""The asset's decision on tables by hand: what it reads of them, and that its files are what the schemas say."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from allocation_assets.lead_times.assets import decide
from allocation_assets.placeholders import SCHEMAS
from tests.unit.allocation.pairs_of_a_run import policy_of_rules

DAY = date(2026, 3, 10)
TABLES = {
    "int_deliveries": "business_date DATE, from_id VARCHAR, to_location_id VARCHAR, lane_class VARCHAR, order_id VARCHAR, arrived_on DATE,"
    " promise_delay_days INTEGER, delay_days INTEGER, lead_days INTEGER, order_gap_days INTEGER, is_promised BOOLEAN, lines BIGINT,"
    " on_time_lines BIGINT, in_full_lines BIGINT, otif_lines BIGINT, ordered_units BIGINT, due_units BIGINT, received_units BIGINT,"
    " damaged_units BIGINT, short_of_ordered_units BIGINT, short_of_due_units BIGINT, short_value DECIMAL(18, 6)",
    "int_on_order": "business_date DATE, po_id VARCHAR, supplier_id VARCHAR, location_id VARCHAR, sku_id VARCHAR, expected_date DATE,"
    " units BIGINT, is_past_due BOOLEAN",
    "int_lane_terms": "from_id VARCHAR, to_location_id VARCHAR, lane_class VARCHAR, lead_time_days DECIMAL(18, 6), lead_time_sd_days DECIMAL(18, 6)",
    "shipment_lines": "business_date DATE, shipment_id VARCHAR, from_location_id VARCHAR, to_location_id VARCHAR, expected_date DATE,"
    " in_transit_units BIGINT",
}  # fmt: skip
#: One line of 10 units that came in full on its date.
DELIVERY = {
    "business_date": DAY, "from_id": "V1", "to_location_id": "DC1", "lane_class": "supplier", "arrived_on": DAY, "promise_delay_days": 0,
    "delay_days": 0, "lead_days": 3, "order_gap_days": 0, "is_promised": True, "lines": 1, "on_time_lines": 1, "in_full_lines": 1,
    "otif_lines": 1, "ordered_units": 10, "due_units": 10, "received_units": 10, "damaged_units": 0, "short_of_ordered_units": 0,
    "short_of_due_units": 0, "short_value": 0,
}  # fmt: skip


class Run:
    """A warehouse and a lake; `decided()` writes the files of the date."""

    def __init__(self, root: Path, *rules: str) -> None:
        self.root, self.connection = root, duckdb.connect()
        self.policy = policy_of_rules(root / "policies", *rules)
        for name, columns in TABLES.items():
            self.connection.execute(f"CREATE TABLE {name} ({columns})")

    def insert(self, table: str, **row) -> None:
        columns, places = ", ".join(row), ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(row.values()))

    def delivery(self, order: str, **row) -> None:
        self.insert("int_deliveries", **(DELIVERY | {"order_id": order} | row))

    def awaited(self, po: str, sku: str, expected: date, units: int = 10, supplier: str = "V1") -> None:
        self.insert("int_on_order", business_date=DAY, po_id=po, supplier_id=supplier, location_id="DC1", sku_id=sku, expected_date=expected,
                    units=units, is_past_due=expected < DAY)  # fmt: skip

    def decided(self) -> None:
        decide(SimpleNamespace(policy=self.policy, decision_file=self.file), self.connection, DAY)

    def file(self, dataset: str, day: date = DAY) -> Path:
        return self.root / dataset / f"business_date={day}" / "data.parquet"

    def rows(self, dataset: str, columns: str) -> list[tuple]:
        query = f"SELECT {columns} FROM read_parquet('{self.file(dataset)}', hive_partitioning = false)"
        return self.connection.execute(query).fetchall()


@pytest.fixture
def run(tmp_path) -> Run:
    return Run(tmp_path)


def test_a_scorecard_by_hand(run: Run):
    """V1 in 91 days: 3 lines on time of 4 closed (one of them short by 5 of 10) and 1 past due. V2's line came two days late."""
    run.delivery("O1", lines=2, on_time_lines=2, in_full_lines=1, otif_lines=1, ordered_units=20, received_units=15,
                 damaged_units=3, short_of_ordered_units=5, short_value=10)  # fmt: skip
    run.delivery("O2")
    run.delivery("O3", promise_delay_days=1, on_time_lines=0, otif_lines=0)
    run.delivery("OLD", business_date=DAY - timedelta(days=91), on_time_lines=0, otif_lines=0)
    run.delivery("NONE", is_promised=False, on_time_lines=0, otif_lines=0)
    run.delivery("S1", from_id="DC1", to_location_id="S1", lane_class="dc", on_time_lines=0, otif_lines=0)
    run.delivery("O9", from_id="V2", promise_delay_days=2, on_time_lines=0, otif_lines=0)
    run.awaited("O4", "A", DAY - timedelta(days=1))
    run.awaited("O5", "A", DAY)
    run.decided()
    columns = "supplier_id, orders, lines, overdue_lines, on_time_rate, in_full_rate, otif_rate, short_rate, damaged_rate, mean_delay_days, short_value"
    rows = {row[0]: (*row[1:-1], float(row[-1])) for row in run.rows("vendor_scorecards", columns)}
    assert rows["V1"] == pytest.approx((4, 4, 1, 3 / 5, 3 / 4, 2 / 5, 5 / 40, 3 / 35, 1 / 4, 10.0))
    assert rows["V2"] == pytest.approx((1, 1, 0, 0, 1, 0, 0, 0, 2, 0.0))
    assert rows["*"] == pytest.approx((5, 5, 1, 3 / 6, 4 / 5, 2 / 6, 5 / 50, 3 / 45, 3 / 5, 10.0))


def test_what_is_overdue_counts_as_late_by_now(run: Run):
    """4 orders on time; one promised for yesterday and one for today are open: at least 2 and 1 days late. Prior of 4 orders."""
    for number in range(4):
        run.delivery(f"O{number}")
    run.awaited("P1", "A", DAY - timedelta(days=1))
    run.awaited("P2", "A", DAY)
    run.awaited("P3", "A", DAY + timedelta(days=3))
    run.decided()
    [(orders, late, p90)] = run.rows("lead_times", "orders, late_share, delay_p90_days")
    assert (orders, p90) == (6, 1)
    assert late == pytest.approx(2 / 10)


def test_shipments_under_way_past_their_date_count_too(run: Run):
    run.insert("shipment_lines", business_date=DAY, shipment_id="S1", from_location_id="DC1", to_location_id="S1",
               expected_date=DAY - timedelta(days=2), in_transit_units=4)  # fmt: skip
    run.insert("shipment_lines", business_date=DAY, shipment_id="S2", from_location_id="DC1", to_location_id="S1",
               expected_date=DAY, in_transit_units=0)  # fmt: skip
    run.decided()
    [row] = run.rows("lead_times", "lane_class, orders, round(delay_mean_days * 5, 6), basis, stated_lead_days")
    assert row == ("dc", 1, 3.0, "lane_history", 1.0)


def test_open_orders_are_predicted_on_their_lane(run: Run):
    """V1 is 2 days late in 8 of 8 orders (4 imagined ones in time): half of what is promised for the 15th comes by the 17th; of
    80 due units 8 never came, 2/3 of a tenth is believed: 30 x (1 - 0.0667) = 28. V9 is not known, but its class is: the class
    has V1 alone, 2/3 of whose weight is at 2 days."""
    for number in range(8):
        run.delivery(f"O{number}", delay_days=2, short_of_due_units=1)
    run.awaited("P1", "A", date(2026, 3, 15), 30)
    run.awaited("P2", "A", date(2026, 3, 15), 30, "V9")
    run.awaited("P3", "A", date(2026, 3, 1), 30)
    run.decided()
    columns = "po_id, predicted_date, predicted_date_p90, predicted_units, is_past_due, basis"
    assert run.rows("inbound_predictions", columns) == [
        ("P1", date(2026, 3, 17), date(2026, 3, 17), 28, False, "lane_history"),
        ("P2", date(2026, 3, 17), date(2026, 3, 17), 28, False, "class_history"),
        ("P3", date(2026, 3, 11), date(2026, 3, 11), 28, True, "lane_history"),
    ]


def test_without_orders_what_is_stated_and_the_cadence_are_known(run: Run):
    """Receipts on the 1st, 5th and 9th that no order named: every 4 days. S9's lead time is policy's, by a rule of its own."""
    for number in (1, 5, 9):
        day = date(2026, 3, number)
        run.delivery("R", business_date=day, arrived_on=day, is_promised=False, delay_days=None, lead_days=None)
    run.insert("int_lane_terms", from_id="V1", to_location_id="DC1", lane_class="supplier", lead_time_days=4, lead_time_sd_days=1)
    run.insert("int_lane_terms", from_id="DC1", to_location_id="S1", lane_class="dc", lead_time_days=2)
    run.delivery("S", from_id="DC2", to_location_id="S9", lane_class="dc", is_promised=False, arrived_on=None, delay_days=None, lead_days=None)
    run.policy = policy_of_rules(run.root / "policies", "{id: far, match: {location: S9}, set: {lanes.default_lead_time_days: 3}}")
    run.decided()
    columns = "from_id, basis, stated_lead_days, orders, arrivals, mean_gap_days, last_arrived_on, lead_p50_days, lead_p90_days"
    assert run.rows("lead_times", columns) == [
        ("DC1", "stated", 2.0, 0, 0, None, None, 2, 2),
        ("DC2", "policy_default", 3.0, 0, 0, None, None, 3, 3),
        ("V1", "stated", 4.0, 0, 3, 4.0, date(2026, 3, 9), 4, 5),
    ]
    assert run.rows("inbound_predictions", "po_id") == run.rows("vendor_scorecards", "supplier_id") == []


@pytest.mark.parametrize("is_empty", [True, False])
def test_the_files_have_the_columns_of_the_schemas(run: Run, is_empty):
    if not is_empty:
        run.delivery("O1")
        run.awaited("P1", "A", DAY)
    run.decided()
    for dataset in ("lead_times", "vendor_scorecards", "inbound_predictions"):
        run.connection.execute(f"CREATE OR REPLACE TABLE declared ({SCHEMAS[f'decisions/{dataset}']})")
        declared = [row[:2] for row in run.connection.execute("DESCRIBE declared").fetchall()]
        written = [row[:2] for row in run.connection.execute(f"DESCRIBE FROM read_parquet('{run.file(dataset)}', hive_partitioning = false)").fetchall()]
        assert written == declared, dataset
        assert bool(run.rows(dataset, "1")) != is_empty


def test_run_again_it_writes_the_same_bytes(run: Run):
    for number in range(20):
        run.delivery(f"O{number}", delay_days=number % 4, lines=1 + number % 3, lead_days=number % 5)
    run.awaited("P1", "A", DAY)
    run.decided()
    before = [run.file(name).read_bytes() for name in ("lead_times", "vendor_scorecards", "inbound_predictions")]
    run.decided()
    assert before == [run.file(name).read_bytes() for name in ("lead_times", "vendor_scorecards", "inbound_predictions")]
