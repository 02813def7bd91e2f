"""What each kind finds, by hand, from the tables that other parts decide."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from allocation_assets.exceptions.inputs import DECIDED_VIEWS, open_inputs
from allocation_assets.exceptions.kinds import KINDS
from allocation_assets.exceptions.lifecycle import find
from allocation_assets.placeholders import SCHEMAS
from tests.support.lake import Lake

DAY = date(2026, 3, 10)
POLICY = {"exceptions.event_days": 3, "exceptions.phantom_probability": 0.5, "exceptions.min_value": 10,
          "signals.min_value": 50}  # fmt: skip
POSITIONS = "business_date DATE, location_id VARCHAR, sku_id VARCHAR, on_hand BIGINT, unit_cost DECIMAL(18, 6)"
LINES = (
    "business_date DATE, shipment_id VARCHAR, line_no BIGINT, from_location_id VARCHAR, to_location_id VARCHAR, sku_id VARCHAR,"
    " status VARCHAR, expected_date DATE, units_shipped BIGINT, units_damaged BIGINT, in_transit_units BIGINT,"
    " short_units BIGINT, last_received_on DATE, closed_on DATE, unit_cost DECIMAL(18, 6)"
)


DELIVERIES = (
    "business_date DATE, from_id VARCHAR, to_location_id VARCHAR, lane_class VARCHAR, order_id VARCHAR, is_promised BOOLEAN,"
    " ordered_units BIGINT, short_of_ordered_units BIGINT, short_value DECIMAL(18, 6)"
)


ORDERING = (
    "location_id VARCHAR, sku_id VARCHAR, supplier_id VARCHAR, unit_cost DECIMAL(18, 6), on_hand BIGINT, in_transit BIGINT, on_order BIGINT,"
    " backorders BIGINT, reserved BIGINT, contract_kind VARCHAR, contract_min BIGINT, contract_max BIGINT, contract_min_share DOUBLE,"
    " block_reason VARCHAR"
)


class Warehouse:
    """A warehouse and a lake of one date; `found(kind)` are the causes of one kind by key."""

    def __init__(self, root: Path) -> None:
        self.lake = Lake(root / "lake")
        self.connection = duckdb.connect()
        self.connection.execute(f"CREATE TABLE inventory_positions ({POSITIONS})")
        self.connection.execute(f"CREATE TABLE shipment_lines ({LINES})")
        self.connection.execute(f"CREATE TABLE int_deliveries ({DELIVERIES})")
        self.connection.execute(f"CREATE TABLE int_replenishment_pairs ({ORDERING})")

    def insert(self, table: str, **row) -> None:
        columns, places = ", ".join(row), ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(row.values()))

    def position(self, location: str, sku: str, on_hand: int, cost: float | None = 2, day: date = DAY) -> None:
        self.insert(
            "inventory_positions", business_date=day, location_id=location, sku_id=sku, on_hand=on_hand, unit_cost=cost
        )

    def line(self, shipment: str, line_no: int, sku: str, **row) -> None:
        basis = {
            "business_date": DAY,
            "from_location_id": "DC1",
            "to_location_id": "S1",
            "unit_cost": 2,
            "units_shipped": 20,
        }
        self.insert("shipment_lines", **(basis | {"shipment_id": shipment, "line_no": line_no, "sku_id": sku} | row))

    def found(self, kind: str) -> dict[str, dict]:
        files = {name: self.file(name) for name in DECIDED_VIEWS.values()}
        open_inputs(self.connection, files, self.file("exceptions"), DAY, POLICY)
        find(self.connection, KINDS)
        cursor = self.connection.execute("SELECT * EXCLUDE (kind) FROM found WHERE kind = ? ORDER BY cause_key", [kind])
        names = [column[0] for column in cursor.description]
        return {row[0]: dict(zip(names[1:], row[1:], strict=True)) for row in cursor.fetchall()}

    def file(self, dataset: str) -> Path:
        """The dataset's file of the date; one without rows where nothing was decided."""
        path = self.lake.root / "decisions" / dataset / f"business_date={DAY}" / "data.parquet"
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            with duckdb.connect() as connection:
                connection.execute(f"CREATE TABLE t ({SCHEMAS[f'decisions/{dataset}']})")
                connection.execute(f"COPY t TO '{path}'")
        return path


@pytest.fixture
def warehouse(tmp_path) -> Warehouse:
    return Warehouse(tmp_path)


BELIEF = {"location_id": "S1", "book_on_hand": 12, "believed_on_hand": 0, "probability_wrong": 0.9, "probability_empty": 0.75,
          "probability_hidden": 0.1, "zero_sales_days": 9, "days_since_count": 40, "evidence": "zero_sales"}  # fmt: skip


def test_suspected_phantom_stock(warehouse: Warehouse):
    """At risk: probability x book x cost = 0.75 x 12 x 2 = 18. At the limits of policy there is no exception."""
    for sku in ("P1", "limit", "cheap", "unknown"):
        warehouse.position("S1", sku, 12, cost={"cheap": 1, "unknown": None}.get(sku, 2))
    warehouse.lake.decide(
        "record_beliefs", DAY,
        [BELIEF | {"sku_id": "P1"}, BELIEF | {"sku_id": "limit", "probability_empty": 0.5}, BELIEF | {"sku_id": "cheap"},
         BELIEF | {"sku_id": "unknown"}],
    )  # fmt: skip
    assert warehouse.found("suspected_phantom_stock") == {
        "S1|P1": {
            "sku_id": "P1", "location_id": "S1", "value_at_risk": Decimal(18), "evidence": "record_beliefs:S1|P1", "owner_role": None,
            "detail": "Book 12 units, believed 0: nothing there with probability 0.75; strongest evidence zero_sales, 9 days without "
            "a sale, counted 40 days ago.",
        }
    }  # fmt: skip


def test_suspected_hidden_stock(warehouse: Warehouse):
    """At risk: probability x units more than the book, at least one: 0.8 x 8 x 2 = 12.8."""
    hidden = BELIEF | {
        "book_on_hand": 0,
        "believed_on_hand": 8,
        "probability_empty": 0,
        "probability_hidden": 0.8,
        "days_since_count": None,
    }
    warehouse.position("S1", "P1", 0)
    warehouse.lake.decide("record_beliefs", DAY, [hidden | {"sku_id": "P1"}])
    [row] = warehouse.found("suspected_hidden_stock").values()
    assert row["value_at_risk"] == Decimal("12.8")
    assert row["detail"].startswith("Book 0 units, believed 8: more there than the book says with probability 0.80")
    assert row["detail"].endswith("never counted.")


def test_negative_stock_of_the_date_only(warehouse: Warehouse):
    warehouse.position("S1", "P1", -3)
    warehouse.position("S1", "P2", 0)
    warehouse.position("S1", "P3", -3, day=date(2026, 3, 9))
    found = warehouse.found("negative_stock")
    assert {key: float(row["value_at_risk"]) for key, row in found.items()} == {"S1|P1": 6.0}
    assert found["S1|P1"]["detail"] == "The book stands at -3 units: more left than ever came."


def proposal(sku: str, source: str, variance: int, value: float, **row) -> dict:
    return {
        "location_id": "S1", "sku_id": sku, "source_id": source, "row_key": f"2026-03-09|S1|{sku}|{source}", "kind": "count",
        "book_units": 10, "counted_units": 10 + variance, "variance_units": variance, "variance_value": value, "action": "post",
        "approval_status": "pending", "approver_role": "store_manager", "due_on": date(2026, 3, 12),
    } | row  # fmt: skip


def test_variances_of_one_count_are_one_exception(warehouse: Warehouse):
    """C1: -5 and +2 worth 50 and 20 are 70 at risk, never 30. A posted one and a disposition are no count variance."""
    warehouse.lake.decide("adjustments_proposed", DAY, [
        proposal("P1", "C1", 2, 20), proposal("P2", "C1", -5, -50, action="recount"), proposal("P3", "C1", -1, -9, approval_status="auto"),
        proposal("P4", "C2", 3, 5), proposal("P5", "R1", 3, 5, kind="disposition"),
    ])  # fmt: skip
    found = warehouse.found("count_variance")
    assert {key: (row["sku_id"], float(row["value_at_risk"])) for key, row in found.items()} == {
        "S1|C1": (None, 70.0),
        "S1|C2": ("P4", 5.0),
    }
    assert found["S1|C1"]["detail"] == (
        "Count C1 at S1 waits with 2 variances (gains 2, losses 5 units): P2 counted 5, book 10, recount; P1 counted 12, book 10, post."
    )
    assert (
        found["S1|C1"]["evidence"]
        == "adjustments_proposed:2026-03-09|S1|P2|C1; adjustments_proposed:2026-03-09|S1|P1|C1"
    )


def test_overdue_approvals_of_one_role_are_one_exception(warehouse: Warehouse):
    """Due on the date itself is in time."""
    late, in_time = {"due_on": date(2026, 3, 9)}, {"due_on": DAY}
    warehouse.lake.decide("adjustments_proposed", DAY, [
        proposal("P1", "C1", 2, 20, **late), proposal("P2", "R1", -5, -50, kind="disposition", due_on=date(2026, 3, 8)),
        proposal("P3", "C1", 2, 20, **in_time), proposal("P4", "C1", 2, 7, approver_role="finance_director", **late),
        proposal("P5", "C1", 2, 20, approval_status="approved", **late),
    ])  # fmt: skip
    found = warehouse.found("overdue_approval")
    assert {key: (row["owner_role"], float(row["value_at_risk"])) for key, row in found.items()} == {
        "S1|store_manager": ("store_manager", 70.0), "S1|finance_director": ("finance_director", 7.0)
    }  # fmt: skip
    assert found["S1|store_manager"]["detail"] == (
        "2 decisions are past due for store_manager at S1, the oldest since 2026-03-08: disposition R1 of P2 due 2026-03-08; "
        "count C1 of P1 due 2026-03-09."
    )


def test_short_lines_of_one_shipment_are_one_exception(warehouse: Warehouse):
    """The newest picture of a line counts; what closed more than the 3 days of the window ago is past."""
    closed = {"status": "short", "closed_on": DAY}
    warehouse.line("SHP1", 1, "P1", short_units=4, **closed)
    warehouse.line("SHP1", 2, "P2", short_units=6, **(closed | {"status": "lost"}))
    warehouse.line("SHP1", 3, "P3", status="received")
    first, last = date(2026, 3, 8), date(2026, 3, 7)
    warehouse.line("SHP2", 1, "P1", short_units=1, **(closed | {"business_date": first, "closed_on": first}))
    warehouse.line("SHP3", 1, "P1", short_units=1, **(closed | {"business_date": last, "closed_on": last}))
    # Found again: short on the 9th, received late on the 10th.
    warehouse.line(
        "SHP4", 1, "P1", short_units=1, **(closed | {"business_date": date(2026, 3, 9), "closed_on": date(2026, 3, 9)})
    )
    warehouse.line("SHP4", 1, "P1", status="received", short_units=0)
    found = warehouse.found("short_delivery")
    assert {key: (row["sku_id"], row["location_id"], float(row["value_at_risk"])) for key, row in found.items()} == {
        "SHP1|S1": (None, "S1", 20.0), "SHP2|S1": ("P1", "S1", 2.0)
    }  # fmt: skip
    assert (
        found["SHP1|S1"]["detail"]
        == "Shipment SHP1 from DC1 to S1: 10 of 40 units missing on 2 lines: P2 6 of 20; P1 4 of 20."
    )
    assert found["SHP1|S1"]["evidence"] == "shipment_lines:SHP1|2; shipment_lines:SHP1|1"


def test_damaged_lines_of_one_shipment_are_one_exception(warehouse: Warehouse):
    warehouse.line("SHP1", 1, "P1", status="in_transit", units_damaged=3, last_received_on=DAY)
    warehouse.line("SHP2", 1, "P1", status="in_transit", units_damaged=3, last_received_on=date(2026, 3, 7))
    [(key, row)] = warehouse.found("damaged_delivery").items()
    assert (key, float(row["value_at_risk"])) == ("SHP1|S1", 6.0)
    assert row["detail"] == "Shipment SHP1 from DC1 to S1: 3 of 20 units damaged on 1 line: P1 3 of 20."


def test_all_that_is_late_from_one_dc_is_one_exception(warehouse: Warehouse):
    """Two shipments of DC1 to two stores: 5 + 10 + 1 units at 2; what was overdue yesterday and is not today is none."""
    late = {"status": "overdue", "expected_date": date(2026, 3, 8)}
    warehouse.line("SHP1", 1, "P1", in_transit_units=5, **late)
    warehouse.line("SHP1", 2, "P2", in_transit_units=10, **late)
    warehouse.line(
        "SHP2", 1, "P1", in_transit_units=1, to_location_id="S2", status="overdue", expected_date=date(2026, 3, 6)
    )
    warehouse.line("SHP3", 1, "P1", in_transit_units=9, **(late | {"business_date": date(2026, 3, 9)}))
    warehouse.line("SHP4", 1, "P1", in_transit_units=9, status="in_transit", expected_date=DAY)
    [(key, row)] = warehouse.found("late_delivery").items()
    assert (key, row["location_id"], row["sku_id"], float(row["value_at_risk"])) == ("DC1", "DC1", None, 32.0)
    assert row["detail"] == (
        "2 shipments from DC1 to 2 locations overdue by up to 4 days, 16 units: SHP1 to S1 P2 10; SHP1 to S1 P1 5; SHP2 to S2 P1 1."
    )


def awaited(po: str, sku: str, units: int, promised: int, **row) -> dict:
    return {"po_id": po, "location_id": "DC1", "sku_id": sku, "supplier_id": "V1", "promised_date": date(2026, 3, promised),
            "promised_units": units, "predicted_date": date(2026, 3, 12), "is_past_due": promised < 10} | row  # fmt: skip


def test_all_that_is_late_of_one_supplier_is_one_exception(warehouse: Warehouse):
    """V1: 5 + 10 units at 2 = 30, the older one 4 days; promised for the date itself is not past due. P3 has no cost yet."""
    for sku in ("P1", "P2"):
        warehouse.position("DC1", sku, 5)
    warehouse.lake.decide("inbound_predictions", DAY, [
        awaited("O1", "P1", 5, 6), awaited("O2", "P2", 10, 9), awaited("O3", "P1", 9, 10), awaited("O4", "P3", 7, 9, supplier_id="V2"),
    ])  # fmt: skip
    found = warehouse.found("late_delivery")
    assert {key: (row["sku_id"], row["location_id"], row["owner_role"], float(row["value_at_risk"])) for key, row in found.items()} == {
        "supplier|V1": (None, "DC1", "supply_planner", 30.0), "supplier|V2": ("P3", "DC1", "supply_planner", 0.0)
    }  # fmt: skip
    assert found["supplier|V1"]["detail"] == (
        "2 orders of supplier V1 past due by up to 4 days, 15 units: O2 P2 10, expected 2026-03-12; O1 P1 5, expected 2026-03-12."
    )
    assert found["supplier|V1"]["evidence"] == "inbound_predictions:O1|DC1|P1; inbound_predictions:O2|DC1|P2"


def test_all_that_one_supplier_left_out_is_one_exception(warehouse: Warehouse):
    """Within the 3 days of the window; what came in full, from a DC or without an order is no cause."""
    closed = {"business_date": DAY, "from_id": "V1", "to_location_id": "DC1", "lane_class": "supplier", "is_promised": True}
    for order, ordered, short, value, other in (
        ("O1", 20, 4, 8, {}), ("O1", 10, 1, 2, {"business_date": date(2026, 3, 8)}), ("O2", 9, 9, 40, {}), ("O3", 50, 0, 0, {}),
        ("O4", 9, 9, 40, {"business_date": date(2026, 3, 7)}), ("S1", 9, 9, 40, {"lane_class": "dc"}), ("N", 9, 9, 40, {"is_promised": False}),
    ):  # fmt: skip
        row = closed | {"order_id": order, "ordered_units": ordered, "short_of_ordered_units": short, "short_value": value}
        warehouse.insert("int_deliveries", **(row | other))
    [(key, row)] = warehouse.found("short_delivery").items()
    assert (key, row["location_id"], row["owner_role"], float(row["value_at_risk"])) == ("supplier|V1", "DC1", "supply_planner", 50.0)
    assert row["detail"] == "Supplier V1 left out 14 of 39 units ordered on 2 orders that closed short: O2 9 of 9; O1 5 of 30."


def lane(sender: str, to: str, drift: str, days: float, lane_class: str = "supplier") -> dict:
    return {"from_id": sender, "to_location_id": to, "lane_class": lane_class, "drift_of": drift, "drift_days": days,
            "drift_deviations": 4.2 if days > 0 else -4.2, "stated_lead_days": 3.0, "orders": 20, "lead_orders": 18}  # fmt: skip


def test_a_lane_that_drifts_is_an_exception_with_what_is_on_the_way_at_risk(warehouse: Warehouse):
    """V1 waits for 6 units at 2; DC1 has 5 units at 2 under way to S1. A lane without drift is none."""
    warehouse.position("DC1", "P1", 5)
    warehouse.lake.decide("inbound_predictions", DAY, [awaited("O1", "P1", 6, 12)])
    warehouse.line("SHP1", 1, "P1", status="in_transit", in_transit_units=5)
    warehouse.lake.decide("lead_times", DAY, [
        lane("V1", "DC1", "delay", 2.0), lane("V2", "DC1", "stated_lead_time", -1.5), lane("V3", "DC1", "none", 0.0),
        lane("DC1", "S1", "lead_time", 1.0, "dc"),
    ])  # fmt: skip
    found = warehouse.found("lane_drift")
    assert {key: (row["owner_role"], row["location_id"], float(row["value_at_risk"])) for key, row in found.items()} == {
        "V1|DC1": ("supply_planner", "DC1", 12.0), "V2|DC1": ("supply_planner", "DC1", 0.0), "DC1|S1": ("logistics_manager", "S1", 10.0)
    }  # fmt: skip
    assert found["V1|DC1"]["detail"] == (
        "Delay past the promise from V1 to DC1 is 2.0 days longer than before (4.2 standard errors, 20 orders); 6 units are on the way."
    )
    assert found["V2|DC1"]["detail"] == (
        "Lead time from V2 to DC1 is 1.5 days shorter than the stated 3.0 (4.2 standard errors, 18 orders); 0 units are on the way."
    )
    assert found["DC1|S1"]["evidence"] == "lead_times:DC1|S1"


def test_unreliable_location(warehouse: Warehouse):
    path = warehouse.file("location_reliability")
    warehouse.connection.execute(f"CREATE TABLE r AS FROM read_parquet('{path}')")
    rates = {"business_date": DAY, "receipt_lines": 40, "receiving_error_lines": 8, "counted_records": 10, "wrong_records": 5,
             "shrink_units": 30, "shrink_value": 60, "action": "buffer"}  # fmt: skip
    warehouse.insert("r", location_id="S1", is_chronic_receiving=True, is_chronic_shrink=True, **rates)
    warehouse.insert("r", location_id="S2", is_chronic_receiving=False, is_chronic_shrink=False, **rates)
    warehouse.connection.execute(f"COPY r TO '{path}'")
    [(key, row)] = warehouse.found("unreliable_location").items()
    assert (key, row["value_at_risk"]) == ("S1", Decimal(60))
    assert row["detail"] == (
        "Chronic receiving errors and shrink at S1: 8 of 40 receipt lines and 5 of 10 counted records wrong, 30 units lost; "
        "allocation applies buffer."
    )


def signal(location: str, sku: str, name: str, direction: str, value: float, detail: str = "bias -40 %") -> dict:
    return {"location_id": location, "sku_id": sku, "signal": name, "direction": direction, "value_at_risk": value, "detail": detail}


def test_bias_of_one_item_is_one_exception_however_many_locations_have_it(warehouse: Warehouse):
    """P1 up: of S1 the larger of two signals, 40 + 30; P1 down is another cause; P2 at 50 is no more than policy asks for."""
    warehouse.lake.decide("demand_signals", DAY, [
        signal("S1", "P1", "bias", "up", 40), signal("S1", "P1", "tracking", "up", 35, "tracking signal 0.9"),
        signal("S2", "P1", "tracking", "up", 30, "tracking signal 0.8"), signal("S3", "P1", "bias", "down", 60, "bias +90 %"),
        signal("S1", "P2", "bias", "down", 50), signal("S1", "P1", "outlier", "up", 900),
    ])  # fmt: skip
    found = warehouse.found("forecast_bias")
    assert {key: (row["sku_id"], row["location_id"], float(row["value_at_risk"])) for key, row in found.items()} == {
        "P1|up": ("P1", None, 70.0), "P1|down": ("P1", "S3", 60.0)
    }  # fmt: skip
    assert found["P1|up"]["detail"] == (
        "Demand of P1 stays above its forecast at 2 locations: S1 bias -40 %; S2 tracking signal 0.8."
    )
    assert found["P1|up"]["evidence"] == "demand_signals:S1|P1|bias; demand_signals:S2|P1|tracking"
    assert {key: float(row["value_at_risk"]) for key, row in warehouse.found("demand_outlier").items()} == {"P1|up": 900.0}


def test_a_break_and_a_stop(warehouse: Warehouse):
    warehouse.lake.decide("demand_signals", DAY, [
        signal("S1", "P1", "break", "down", 80, "CUSUM 12.0"), signal("*", "P2", "stop", "down", 90, "nothing sold"),
    ])  # fmt: skip
    [(key, row)] = warehouse.found("demand_break").items()
    assert (key, row["location_id"], row["detail"]) == (
        "P1|down", "S1", "The level of P1 has moved below its forecast at 1 location: S1 CUSUM 12.0.")  # fmt: skip
    [(key, row)] = warehouse.found("sudden_stop").items()
    assert (key, row["location_id"], row["detail"]) == ("P2|down", None, "P2 stopped selling: nothing sold.")


def test_kinds_are_declared_once_and_speak_plainly():
    names = [kind.name for kind in KINDS]
    assert len(set(names)) == len(names)
    assert all(kind.recommended_action.endswith(".") and kind.days_until_due >= 1 and kind.owner_role for kind in KINDS)


def need(sku: str, location: str, forced: int, got: int, change: str | None, override: str | None = None) -> dict:
    return {
        "from_location_id": "DC1", "to_location_id": location, "sku_id": sku, "forced_units": forced, "allocated_units": got,
        "least_change": change, "override_id": override, "business_date": DAY,
    }  # fmt: skip


def test_infeasible_minimums_are_one_exception_an_override_or_policy(warehouse: Warehouse):
    """O1 lacks 6 and 2 units at cost 2 = 16; policy's minimum of P2 lacks 3; what was met is no cause."""
    warehouse.position("DC1", "P1", 50)
    warehouse.lake.decide("allocation_needs", DAY, [
        need("P1", "S1", 9, 3, "receiving_capacity +6 units", "O1"), need("P1", "S2", 4, 2, "shelf_capacity +2 units", "O1"),
        need("P1", "S3", 4, 4, None, "O1"), need("P2", "S1", 3, 0, "dc_supply +3 units"),
    ])  # fmt: skip
    found = warehouse.found("infeasible_override")
    assert {key: (row["sku_id"], row["location_id"], float(row["value_at_risk"])) for key, row in found.items()} == {
        "O1|DC1|P1": ("P1", None, 16.0),
        "policy|DC1|P2": ("P2", "S1", 0.0),
    }
    assert found["O1|DC1|P1"]["detail"] == (
        "Override O1 forces 8 units of P1 that limits do not admit, with the least change that would at 2 locations: "
        "S1 3 of 9 (receiving_capacity +6 units); S2 2 of 4 (shelf_capacity +2 units)."
    )
    assert found["O1|DC1|P1"]["evidence"] == "allocation_needs:S1|P1; allocation_needs:S2|P1"


def proposed(sku: str, units: int, value: int, **row) -> dict:
    return {"supplier_id": "V1", "location_id": "DC1", "sku_id": sku, "department": "dry", "units": units, "order_value": value,
            "approval_status": "auto"} | row  # fmt: skip


def test_held_orders_of_a_department_are_one_exception(warehouse: Warehouse):
    held = {"approval_status": "pending", "held_reason": "over by 5.00", "overrun": 5}
    warehouse.lake.decide("replenishment_orders", DAY, [
        proposed("P1", 10, 20, **held), proposed("P2", 4, 12, **held | {"overrun": 7}), proposed("P3", 9, 90),
        proposed("P4", 1, 3, **held | {"department": "fresh"}),
    ])  # fmt: skip
    found = warehouse.found("budget_overrun")
    assert {key: (row["sku_id"], row["location_id"], float(row["value_at_risk"])) for key, row in found.items()} == {
        "dry": (None, "DC1", 32.0), "fresh": ("P4", "DC1", 3.0)
    }  # fmt: skip
    assert found["dry"]["detail"] == "2 orders of dry held, 14 units: DC1 P2 4 (over by 5.00); DC1 P1 10 (over by 5.00)."


def test_orders_held_for_room_at_a_location_are_one_exception(warehouse: Warehouse):
    held = {"approval_status": "pending", "held_reason": "full", "overrun_units": 5}
    warehouse.lake.decide("replenishment_orders", DAY, [
        proposed("P1", 10, 20, **held), proposed("P2", 4, 12, **held | {"overrun_units": 7}), proposed("P3", 9, 90),
        proposed("P4", 1, 3, approval_status="pending", held_reason="over", overrun=5), proposed("P5", 6, 6, **held | {"location_id": "DC2"}),
        proposed("P6", 6, 6, **held | {"approval_status": "rejected"}),
    ])  # fmt: skip
    found = warehouse.found("storage_overrun")
    assert {key: (row["sku_id"], row["location_id"], float(row["value_at_risk"])) for key, row in found.items()} == {
        "DC1": (None, "DC1", 32.0), "DC2": ("P5", "DC2", 6.0)
    }  # fmt: skip
    assert found["DC1"]["detail"] == "2 orders to DC1 held for room, 14 units: P2 4 (full); P1 10 (full)."
    assert list(warehouse.found("budget_overrun")) == ["dry"]


def test_breaches_of_one_suppliers_contracts_are_one_exception(warehouse: Warehouse):
    """After the order P1 stands at 6 of at least 10 (4 at 2 = 8), P2 at 25 of at most 20 (5 at 3 = 15), P3 inside. One of three items
    is there where half must be: 3 + 4 of cost are missing. V2 has no contract."""
    base = dict.fromkeys(("in_transit", "on_order", "backorders", "reserved"), 0) | {"location_id": "DC1", "supplier_id": "V1", "contract_kind": "vmi"}
    for sku, cost, row in (
        ("P1", 2, {"on_hand": 3, "backorders": 1, "contract_min": 10}), ("P2", 3, {"on_hand": 0, "on_order": 25, "contract_max": 20}),
        ("P3", 4, {"on_hand": 0, "in_transit": 12, "contract_min": 10, "contract_max": 20}),
        ("P4", 9, {"on_hand": 0, "contract_kind": None, "contract_min": 5, "supplier_id": "V2"}),
    ):  # fmt: skip
        warehouse.insert("int_replenishment_pairs", **(base | {"sku_id": sku, "unit_cost": cost, "contract_min_share": 0.5} | row))
    warehouse.lake.decide("replenishment_orders", DAY, [proposed("P1", 4, 8)])
    [(key, row)] = warehouse.found("contract_breach").items()
    assert (key, row["location_id"], row["sku_id"], float(row["value_at_risk"])) == ("V1", "DC1", None, 30.0)
    assert row["detail"] == (
        "3 breaches of contract with supplier V1: DC1 P2 at 25, at most 20; DC1 P1 at 6, at least 10; DC1 1 of 3 items in stock, at least 50 %."
    )
