"""A retailer small enough to reason about: 1 DC, 2 stores, 1 e-com location, 4 SKUs, one week and a bit.

Every figure is a formula of date, SKU and location, so that a test can work out by hand what should be published.
Files are plain CSV, one per feed and date, written without any code of the pipeline.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from datetime import date, timedelta
from pathlib import Path

FIRST = date(2024, 3, 4)
DATES = [FIRST + timedelta(days=n) for n in range(10)]
STORES, ECOM, DC = ("S1", "S2"), "WEB", "DC1"
SKUS = ("A", "B", "C", "D")
SELLING = (*STORES, ECOM)

COLUMNS = {
    "items": "sku_id,description,department,unit_cost,unit_price,case_pack,lifecycle,supplier_id",
    "locations": "location_id,location_type,channel,region,supplied_by",
    "lanes": "from_id,to_location_id,lead_time_days,ship_days",
    "inventory_snapshot": "location_id,sku_id,on_hand,damaged,reserved",
    "pos": "transaction_id,line_no,location_id,sku_id,units,net_amount,sold_at,channel",
    "receipts": "receipt_id,line_no,location_id,sku_id,units,units_damaged,source_type,source_id,from_location_id,received_at",
    "purchase_orders": "po_id,line_no,supplier_id,location_id,sku_id,ordered_units,received_units,expected_date,status",
    "returns": "return_id,line_no,location_id,sku_id,units,disposition,refund_amount",
    "cycle_counts": "count_id,line_no,location_id,sku_id,counted_units,counted_at",
    "shipments": "shipment_id,line_no,from_location_id,to_location_id,sku_id,units,shipped_at",
}


def write_feed(
    landing: Path, feed: str, day: date, rows: Iterable[Iterable], name: str = "data.csv", columns: str | None = None
) -> Path:
    """Write one CSV file of a feed and date; rows in the order of `columns`, by default COLUMNS[feed]."""
    folder = landing / feed / f"business_date={day}"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow((columns or COLUMNS[feed]).split(","))
        writer.writerows(rows)
    return path


def units_sold(day: date, location: str, sku: str) -> int:
    """Units sold of a SKU at a location on a day: 0 to 4."""
    number = (day - FIRST).days
    return (number * 3 + SKUS.index(sku) * 2 + SELLING.index(location)) % 5


def items(skus: Iterable[str] = SKUS) -> list[tuple]:
    """The items feed: cost 2, 3, 4, ..., price twice the cost, cases of 2."""
    return [
        (sku, f"SKU {sku}", "dry" if sku in "AB" else "fresh", 2 + n, 4 + 2 * n, 2, "core", "SUP1")
        for n, sku in enumerate(skus)
    ]


def write_day(landing: Path, day: date) -> None:
    """All feeds of one date; the first date also opens the books and brings the masters."""
    if day == FIRST:
        write_feed(landing, "items", day, items())
        write_feed(
            landing,
            "locations",
            day,
            [
                (DC, "dc", "", "north", ""),
                *((s, "store", "store", "north", DC) for s in STORES),
                (ECOM, "ecom", "ecom", "north", DC),
            ],
        )
        write_feed(landing, "lanes", day, [(DC, location, 1, "") for location in SELLING])
        write_feed(
            landing,
            "inventory_snapshot",
            day,
            [*((DC, sku, 60, 0, 0) for sku in SKUS), *((loc, sku, 12, 0, 0) for loc in SELLING for sku in SKUS)],
        )
    sold = [(loc, sku, units_sold(day, loc, sku)) for loc in SELLING for sku in SKUS]
    write_feed(
        landing,
        "pos",
        day,
        [
            (
                f"T{day}-{loc}-{sku}",
                1,
                loc,
                sku,
                units,
                units * (4 + 2 * SKUS.index(sku)),
                f"{day}T12:00:00",
                "ecom" if loc == ECOM else "store",
            )
            for loc, sku, units in sold
            if units
        ],
    )
    moved = [(n, loc, sku) for n, (loc, sku) in enumerate((loc, sku) for loc in SELLING for sku in SKUS[:2])]
    write_feed(
        landing, "shipments", day, [(f"SH{day}", n + 1, DC, loc, sku, 2, f"{day}T08:00:00") for n, loc, sku in moved]
    )
    before = day - timedelta(days=1)
    arrived = moved if before >= FIRST else []
    write_feed(
        landing,
        "receipts",
        day,
        [
            *(
                (f"R{day}", n + 1, loc, sku, 2, 0, "transfer", f"SH{before}", DC, f"{day}T09:00:00")
                for n, loc, sku in arrived
            ),
            *(
                (f"P{day}", n + 1, DC, sku, 6, 0, "purchase", "PO1", "", f"{day}T07:00:00")
                for n, sku in enumerate(SKUS)
            ),
        ],
    )
    write_feed(landing, "returns", day, [(f"RT{day}", 1, "S1", "A", 1, "restock", 4)] if day.day % 2 else [])
    write_feed(landing, "cycle_counts", day, [])


def write_world(landing: Path, days: Iterable[date] = DATES) -> None:
    """All dates of the tiny world."""
    for day in days:
        write_day(landing, day)
