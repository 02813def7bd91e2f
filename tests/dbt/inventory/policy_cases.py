"""Counts under policy, worked by hand: one item each, at S1, 20 on hand at the close of January 2.

Class C may post 12 money or 5 % of the book by itself. An item costs 2 up to the 5th and 3 from the 6th. Runs are on the
4th, 5th, 6th, 8th, 11th and 14th.
"""

from __future__ import annotations

from tests.dbt.inventory.deliveries import Deliveries, day
from tests.dbt.inventory.worked import Facts

SKUS = [
    "P_HELD", "P_APPR", "P_REJ", "P_TWO", "P_FLIP", "P_FLOP", "P_NAMED", "P_TAKEN", "P_BOTH", "P_FREE",
    "E_LATE", "E_SHIP", "E_DMG", "E_THEFT", "E_AGAIN", "E_OUT", "E_PICK1", "E_PICK2", "E_NONE",
]  # fmt: skip


def add(deliveries: Deliveries, facts: Facts) -> None:
    """The facts and judgements of every case."""
    for sku in SKUS:
        deliveries.add("inventory_snapshot", 2, {"location_id": "S1", "sku_id": sku, "on_hand": 20})
    for sku in ("E_SHIP", "E_OUT"):
        deliveries.add("inventory_snapshot", 2, {"location_id": "DC1", "sku_id": sku, "on_hand": 40})
    _posting(deliveries, facts)
    _evidence(facts)


def _posting(deliveries: Deliveries, facts: Facts) -> None:
    for sku in ("P_HELD", "P_APPR", "P_REJ", "P_TWO", "P_NAMED", "P_TAKEN", "P_BOTH"):
        facts.count(3, "S1", sku, 10, "12:00", f"{sku}-1")
    facts.sale(3, "S1", "P_APPR", 2, "10:00", late=day(6))
    facts.sale(5, "S1", "P_APPR", 1)
    deliveries.judge(8, 3, "S1", "P_APPR", "P_APPR-1")
    deliveries.judge(8, 3, "S1", "P_REJ", "P_REJ-1", "rejected")
    facts.count(4, "S1", "P_TWO", 19, "12:00", "P_TWO-2")
    facts.count(3, "S1", "P_FLIP", 13, "12:00", "P_FLIP-1")
    facts.sale(3, "S1", "P_FLIP", 1, "09:00", late=day(6))
    facts.count(3, "S1", "P_FLOP", 14, "12:00", "P_FLOP-1")
    facts.returned(3, "S1", "P_FLOP", 1, "restock", late=day(6))
    facts.adjustment(5, "S1", "P_NAMED", -9, "correction", count="P_NAMED-1")
    facts.adjustment(5, "S1", "P_TAKEN", -9, "correction", count="P_TAKEN-1")
    deliveries.judge(8, 3, "S1", "P_TAKEN", "P_TAKEN-1")
    facts.count(3, "S1", "P_BOTH", 21, "13:00", "P_BOTH-2")
    facts.count(6, "S1", "P_FREE", 16, "12:00", "P_FREE-1")
    facts.count(7, "S1", "P_FREE", 11, "12:00", "P_FREE-2")


def _evidence(facts: Facts) -> None:
    facts.count(3, "S1", "E_LATE", 17, "12:00", "E_LATE-1")
    facts.sale(3, "S1", "E_LATE", 2, "11:00", late=day(6))
    facts.sale(3, "S1", "E_LATE", 1, "13:00", late=day(6))
    facts.shipment(3, "E_SHIP", "ES1", 6, 4)
    facts.receipt(4, "S1", "E_SHIP", 2, source="ES1")
    facts.count(5, "S1", "E_SHIP", 25, "12:00", "E_SHIP-1")
    facts.count(5, "S1", "E_DMG", 17, "12:00", "E_DMG-1")
    facts.adjustment(6, "S1", "E_DMG", -2, "damage")
    facts.count(5, "S1", "E_THEFT", 16, "12:00", "E_THEFT-1", reason="suspected theft")
    facts.count(5, "S1", "E_AGAIN", 25, "12:00", "E_AGAIN-1")
    facts.count(6, "S1", "E_AGAIN", 20, "12:00", "E_AGAIN-2")
    facts.count(5, "S1", "E_OUT", 24, "12:00", "E_OUT-1")
    facts.count(6, "DC1", "E_OUT", 36, "12:00", "E_OUT-2")
    facts.count(5, "S1", "E_PICK1", 23, "12:00", "E_PICK1-1")
    facts.count(5, "S1", "E_PICK2", 17, "12:00", "E_PICK2-1")
    facts.count(5, "S1", "E_NONE", 18, "12:00", "E_NONE-1")
