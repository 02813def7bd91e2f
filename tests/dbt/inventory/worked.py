"""The hand-worked deployments: every item is one case, so that cases do not touch each other.

`opened` has a first snapshot on January 2, posts counts itself and has a shipments feed. `unopened` has neither snapshot
nor shipments, and adjustments from January 5 on. Every date of either lands.
"""

from __future__ import annotations

from tests.dbt.inventory.deliveries import Deliveries, Row, at, day
from tests.support.lake import Lake

OPENED_RUNS = [day(n) for n in (4, 5, 6, 8, 11, 14)]
OPENED_VARIABLES: Row = {
    "reconciliation_count_posting": "pipeline",
    "reconciliation_tolerance_b": 0.2,
    "reconciliation_auto_post_value_a": 4,
    "reconciliation_auto_post_value_b": 8,
    "reconciliation_auto_post_value_c": 12,
}
UNOPENED_RUNS = [day(n) for n in (3, 11)]
LOCATIONS: list[Row] = [
    {"location_id": "DC1", "location_type": "dc"},
    {"location_id": "S1", "location_type": "store", "channel": "store"},
    {"location_id": "S2", "location_type": "store", "channel": "store", "close_date": "2026-01-06"},
]


class Facts:
    """Short forms of the rows that move stock; keys are numbered."""

    def __init__(self, deliveries: Deliveries) -> None:
        self._to, self._number = deliveries, 0

    def _key(self) -> str:
        self._number += 1
        return f"K{self._number:04d}"

    def sale(self, n, location, sku, units, time=None, **late):
        row = {"transaction_id": self._key(), "line_no": 1, "location_id": location, "sku_id": sku, "units": units}
        self._to.add("pos", n, row | {"net_amount": 5 * units, "sold_at": at(n, time)}, **late)

    def returned(self, n, location, sku, units, disposition, time=None, **late):
        row = {"return_id": self._key(), "line_no": 1, "location_id": location, "sku_id": sku, "units": units}
        self._to.add("returns", n, row | {"disposition": disposition, "returned_at": at(n, time)}, **late)

    def receipt(
        self, n, location, sku, units, damaged=None, source=None, kind="transfer", time=None, line=None, **late
    ):
        row = {"receipt_id": self._key(), "line_no": 1, "location_id": location, "sku_id": sku, "units": units}
        row |= {"units_damaged": damaged, "source_type": kind, "source_id": source, "source_line_no": line}
        self._to.add("receipts", n, row | {"received_at": at(n, time)}, **late)

    def shipment(self, n, sku, shipment, units, expected, line=1, to="S1", time=None, **late):
        row = {"shipment_id": shipment, "line_no": line, "from_location_id": "DC1", "to_location_id": to, "sku_id": sku}
        self._to.add(
            "shipments", n, row | {"units": units, "expected_date": day(expected), "shipped_at": at(n, time)}, **late
        )

    def adjustment(self, n, location, sku, units, reason, time=None, count=None, **late):
        row = {"adjustment_id": self._key(), "location_id": location, "sku_id": sku, "units": units}
        self._to.add(
            "adjustments", n, row | {"reason_code": reason, "count_id": count, "adjusted_at": at(n, time)}, **late
        )

    def count(self, n, location, sku, units, time, document=None, line=1, reason=None, **late):
        row = {"count_id": document or self._key(), "line_no": line, "location_id": location, "sku_id": sku}
        self._to.add("cycle_counts", n, row | {"counted_units": units, "counted_at": at(n, time), "reason_code": reason}, **late)


def _land_every_date(deliveries: Deliveries, facts: Facts) -> None:
    for n in range(1, deliveries.runs[-1].day + 1):
        facts.sale(n, "S1", "DAILY", 1)


def _masters(deliveries: Deliveries, skus: list[str]) -> None:
    for cost, n in ((2, 1), (3, 6)):
        for sku in skus:
            row = {"sku_id": sku, "department": "D", "supplier_id": "SUP", "unit_cost": cost, "unit_price": 5}
            row["style_id"] = "STYLE" if sku.startswith("E_PICK") else None
            deliveries.add("items", n, row)
    for row in LOCATIONS:
        deliveries.add("locations", 1, row)


def _opened_stock(deliveries: Deliveries) -> None:
    at_store = {"OPEN": 10, "ZERO": 0, "COUNT": 10, "TWO": 10, "ECHO": 10, "DMG": 10, "DMGUP": 10, "RES": 10, "VMI": 10}
    at_dc = ["XFER", "IMPL", "EXC", "ADV", "LINE", "FIFO", "PRE", "FIRM"]
    for sku, units in at_store.items():
        row = {"location_id": "S1", "sku_id": sku, "on_hand": units}
        row |= {"damaged": 2 if sku == "OPEN" else None, "reserved": 4 if sku == "RES" else None}
        deliveries.add("inventory_snapshot", 2, row)
    for sku in at_dc:
        deliveries.add("inventory_snapshot", 2, {"location_id": "DC1", "sku_id": sku, "on_hand": 20})
    deliveries.add("inventory_snapshot", 2, {"location_id": "S2", "sku_id": "CLOSE", "on_hand": 5})
    deliveries.add("inventory_snapshot", 8, {"location_id": "S1", "sku_id": "OPEN", "on_hand": 7})


def _opened_transfers(facts: Facts) -> None:
    facts.shipment(3, "XFER", "SH1", 10, 4)
    facts.receipt(4, "S1", "XFER", 6, damaged=1, source="SH1")
    facts.receipt(12, "S1", "XFER", 2, source="SH1")
    facts.receipt(3, "S1", "IMPL", 5, source="NOPE")
    facts.shipment(3, "EXC", "SH2", 5, 4)
    facts.receipt(4, "S1", "EXC", 8, source="SH2")
    facts.receipt(4, "S1", "ADV", 5, source="SH3")
    facts.shipment(5, "ADV", "SH3", 5, 6)
    for sku, shipment in (("LINE", "SH4"), ("FIFO", "SH5")):
        facts.shipment(3, sku, shipment, 6, 4, line=1)
        facts.shipment(3, sku, shipment, 4, 4, line=2)
    facts.receipt(4, "S1", "LINE", 7, source="SH4", line=1)
    facts.receipt(4, "S1", "LINE", 2, source="SH4", line=2)
    facts.receipt(4, "S1", "FIFO", 7, source="SH5")
    facts.shipment(1, "PRE", "SH6", 5, 3)
    facts.receipt(4, "S1", "PRE", 5, source="SH6")
    facts.shipment(6, "FIRM", "SH7", 4, 7)


def _opened_counts(facts: Facts) -> None:
    facts.sale(3, "S1", "COUNT", 2)
    facts.sale(3, "S1", "COUNT", 3, "09:00")
    facts.sale(3, "S1", "COUNT", 1, "11:00", late=day(6))
    facts.count(3, "S1", "COUNT", 4, "12:00")
    facts.sale(3, "S1", "COUNT", 1, "15:00")
    facts.count(3, "S1", "TWO", 3, "10:00", "TWO")
    facts.count(3, "S1", "TWO", 4, "10:05", "TWO", line=2)
    facts.count(3, "S1", "ECHO", 8, "10:00", "ECHO")
    facts.adjustment(4, "S1", "ECHO", -2, "correction", count="ECHO")
    facts.adjustment(4, "S1", "ECHO", -1, "shrink")


def _opened_damage(facts: Facts) -> None:
    facts.adjustment(3, "S1", "DMG", -4, "damage")
    facts.adjustment(3, "S1", "DMG", -1, "damage", late=day(6))
    facts.adjustment(4, "S1", "DMG", -6, "disposal")
    facts.returned(5, "S1", "DMG", 2, "vendor", "10:00")
    facts.adjustment(5, "S1", "DMG", -1, "disposal", "11:00")
    facts.adjustment(3, "S1", "DMGUP", 3, "damage")
    facts.returned(3, "S1", "DMGUP", 1, "restock")


def _opened_orders(deliveries: Deliveries) -> None:
    order = {
        "line_no": 1,
        "sku_id": "RES",
        "channel": "store",
        "ordered_at": at(5, "08:00"),
        "ship_from_location_id": "S1",
    }
    for n, key, units, status in (
        (5, "O1", 3, "allocated"),
        (6, "O1", 3, "shipped"),
        (5, "O2", 2, "open"),
        (8, "O2", 2, "cancelled"),
    ):
        deliveries.add("orders", n, order | {"order_id": key, "units": units, "status": status})
    purchase = {
        "po_id": "PO1",
        "line_no": 1,
        "location_id": "DC1",
        "sku_id": "PO",
        "ordered_units": 10,
        "status": "open",
    }
    deliveries.add(
        "purchase_orders", 2, purchase | {"confirmed_units": 8, "received_units": 1, "expected_date": day(3)}
    )
    deliveries.add("purchase_orders", 6, purchase | {"po_id": "PO2", "sku_id": "OTHER", "expected_date": day(9)})


def opened(extra: list[str]) -> tuple[Deliveries, Facts]:
    """The deployment with a snapshot; `extra` are more items for its master."""
    deliveries = Deliveries(OPENED_RUNS)
    facts = Facts(deliveries)
    skus = [
        "DAILY",
        "OPEN",
        "ZERO",
        "ABSENT",
        "COUNT",
        "TWO",
        "ECHO",
        "DMG",
        "DMGUP",
        "RES",
        "VMI",
        "XFER",
        "IMPL",
        "EXC",
        "ADV",
        "LINE",
        "FIFO",
        "PRE",
        "FIRM",
        "PO",
        "CLOSE",
    ]
    _masters(deliveries, skus + extra)
    _land_every_date(deliveries, facts)
    _opened_stock(deliveries)
    _opened_transfers(facts)
    _opened_counts(facts)
    _opened_damage(facts)
    _opened_orders(deliveries)
    for n, units in ((1, 3), (2, 1), (3, 4)):
        facts.sale(n, "S1", "OPEN", units)
    facts.sale(3, "S1", "ABSENT", 2)
    facts.receipt(4, "DC1", "PO", 3, damaged=1, source="PO1", kind="purchase")
    facts.sale(7, "S2", "CLOSE", 1)
    contract = {"supplier_id": "SUP", "sku_id": "VMI", "location_id": "*", "kind": "vmi", "start_date": day(5)}
    deliveries.add("vendor_contracts", 1, contract)
    return deliveries, facts


def opened_decisions(lake: Lake, segments: dict[int, dict[str, str]]) -> None:
    """A firm line of six units decided on January 5, of which four ship; classes of the random items."""
    for n, classes in segments.items():
        lake.decide("sku_segments", day(n), [{"sku_id": sku, "abc": abc} for sku, abc in classes.items()])
    line = {"from_location_id": "DC1", "to_location_id": "S1", "sku_id": "FIRM", "units": 6, "decided_on": day(5)}
    lake.carry(day(5), [line | {"ship_date": day(6), "arrival_date": day(7)}])


def unopened() -> Deliveries:
    """The deployment without a snapshot and without shipments."""
    deliveries = Deliveries(UNOPENED_RUNS)
    facts = Facts(deliveries)
    _masters(deliveries, ["DAILY", "FIRST", "NONE", "EDGE", "F"])
    _land_every_date(deliveries, facts)
    facts.count(1, "DC1", "F", 20, "08:00")
    facts.sale(1, "S1", "FIRST", 2)
    facts.count(2, "S1", "FIRST", 7, "08:00")
    facts.count(2, "S1", "NONE", 0, "08:00")
    facts.count(3, "S1", "FIRST", 6, "08:00")
    facts.count(4, "S1", "EDGE", 10, "08:00")
    facts.count(5, "S1", "EDGE", 9, "08:00")
    facts.adjustment(5, "S1", "FIRST", 2, "found")
    facts.count(6, "S1", "FIRST", 5, "08:00", "C6")
    facts.adjustment(6, "S1", "FIRST", -3, "correction", "09:00", count="C6")
    facts.receipt(5, "S1", "F", 4)
    return deliveries


def unopened_decisions(lake: Lake) -> None:
    """A firm line of six units decided on January 3: shipped on the 4th, of which four arrive."""
    line = {"from_location_id": "DC1", "to_location_id": "S1", "sku_id": "F", "units": 6, "decided_on": day(3)}
    for n in range(3, 11):
        lake.carry(day(n), [line | {"ship_date": day(4), "arrival_date": day(4)}])
