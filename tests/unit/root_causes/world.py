"""The relations of the root causes as tables; rows are dicts over a plain position, days count from the first of the window."""

from __future__ import annotations

from datetime import date, timedelta

import duckdb

from allocation_assets.root_causes.find import RELATIONS, CauseSettings, find_causes

DAY = date(2026, 3, 10)
SETTINGS = CauseSettings(window_days=10, overstock_days=10, phantom_probability=0.5)
#: The window is 1 to 10 March: `day(7)` is the 7th.
PAIR = {"location_id": "S1", "sku_id": "A"}
LANE = {"from_location_id": "DC1", "to_location_id": "S1", "sku_id": "A"}


def day(number: int) -> date:
    """A date of March."""
    return date(2026, 3, 1) + timedelta(days=number - 1)


class Facts:
    """Tables of every relation; `causes()` are the shares by (location, cause), `rows()` the published rows."""

    def __init__(self) -> None:
        self.connection = duckdb.connect()
        for name, columns in RELATIONS.items():
            self.connection.execute(f"CREATE TABLE {name} ({columns})")
        self.add("items", sku_id="A", unit_cost=2, unit_price=5)

    def add(self, table: str, **row) -> None:
        columns, places = ", ".join(row), ", ".join("?" * len(row))
        self.connection.execute(f"INSERT INTO {table} ({columns}) VALUES ({places})", list(row.values()))

    def position(self, number: int, status: str, available: int = 0, *, location: str = "S1", lost: float = 0, **row) -> None:
        """A position of a date and what was lost there, at a margin of 3."""
        plain = {"ownership": "owned", "is_active": True, "location_type": "store", "daily_mean": 4.0, "unit_cost": 2}
        self.add(
            "positions", business_date=day(number), location_id=location, sku_id="A", stock_status=status, available=available,
            **(plain | row),
        )  # fmt: skip
        if lost:
            self.add("losses", business_date=day(number), location_id=location, sku_id="A", lost_units=lost, lost_margin=3 * lost)

    def out_since(self, number: int, lost: float = 4, location: str = "S1") -> None:
        """Healthy up to a day, out of stock from it on, `lost` units a day."""
        for n in range(1, 11):
            if n < number:
                self.position(n, "healthy", 9, location=location)
                self.demand(n, 4, location=location)
            else:
                self.position(n, "stockout", lost=lost, location=location)

    def demand(self, number: int, units: int, *, location: str = "S1", **row) -> None:
        self.add("demand", business_date=day(number), location_id=location, sku_id="A",
                 **({"sales_units": units, "demand_units": units, "hours_out": 0, "is_censored": False} | row))  # fmt: skip

    def plan(self, number: int, shorted: int, why: str, *, location: str = "S1", need: int = 20, **row) -> None:
        """A plan of a date, that arrives two days later."""
        plain = {"need_units": need, "allocated_units": need - shorted, "shorted_units": shorted, "forced_units": 0,
                 "binding_constraint": why, "arrival": day(number + 2)}  # fmt: skip
        self.add("plans", business_date=day(number), **(LANE | {"to_location_id": location} | plain | row))

    def shipment(self, shipment: str, **row) -> None:
        plain = {"business_date": day(10), "line_no": 1, "units_damaged": 0, "in_transit_units": 0, "short_units": 0}
        self.add("deliveries", shipment_id=shipment, **(LANE | plain | row))

    def order(self, po: str, **row) -> None:
        plain = {"business_date": day(9), "location_id": "DC1", "sku_id": "A", "is_cancelled": False, "units_received": 0}
        self.add("orders", po_id=po, **(plain | row))

    def rows(self) -> list[dict]:
        return find_causes(self.connection, DAY, SETTINGS).to_pylist()

    def causes(self) -> dict[tuple[str, str], float]:
        return {(row["location_id"], row["cause"]): float(row["share"]) for row in self.rows()}

    def evidence(self) -> dict[str, tuple]:
        return {row["cause"]: (row["evidence_dataset"], row["evidence_key"]) for row in self.rows()}
