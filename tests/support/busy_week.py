"""Three dates of the tiny world on which people and suppliers are not perfect: counts, approvals, budgets, what comes late.

The tiny retailer's books are right; its counts are not. It sends no adjustments, so the pipeline posts counts itself: on
`D0` S2 counts A (cost 2) one too low, and the DC, which got 6 of D (cost 5) that morning, counts 6 too few. The supplier `LATE`
is always two days late and one unit short. Department dry has no money left for the month, so that the DC's order of B is
held; those of C and D land as open orders on `D1`. So does a sale of three C at S2 that happened on `LATE_FOR`, and one of a SKU
that its master names on `D2`.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from pathlib import Path

from tests.support.home import allocator, parquet_hashes, published
from tests.support.tiny_world import DATES, DC, SKUS, items, units_sold, write_feed, write_world

LATE_FOR, D0, D1, D2 = DATES[4:8]
LATE = "LATE"
ORDERED = """SELECT sku_id, units, expected_date FROM replenishment_orders
    WHERE business_date = $d AND supplier_id = 'SUP1' ORDER BY sku_id"""
#: Of the release of `D0` alone, beside the home: hashes of its files, and stock of C at S2.
FIRST_RELEASE = "first_release.json"
POLICY = """version: 1
rules:
  - id: small-limits
    set:
      reconciliation.auto_post_value_a: 3
      reconciliation.auto_post_value_b: 3
      reconciliation.auto_post_value_c: 3
      reconciliation.recount_value: 1000
      reconciliation.four_eyes_value: 20
      reconciliation.approval_limits: ["store_manager:10", "inventory_controller:100", "finance_director:*"]
      disposition.auto_value: 1
"""
FIELDS = {
    "cycle_counts": "count_id,line_no,location_id,sku_id,counted_units,counted_at,counter_id",
    "approvals": "approval_id,dataset,row_key,decision,decided_by,role,decided_at",
    "budgets": "department,month,planned_sales,planned_eom_inventory,planned_receipts",
}


def make_busy_week(home: Path) -> None:
    """Land the world and run `D0`; then `D1` and `D2` with what people decided in between."""
    (home / "policies").mkdir(parents=True)
    (home / "policies" / "limits.yaml").write_text(POLICY)
    landing = home / "landing"
    write_world(landing, DATES[:8])
    write_late_orders(landing)
    counts = [
        ("C1", 1, "S2", "A", book_of_a() - 1, f"{D0}T21:00:00", "ann"),
        ("C2", 1, DC, "D", 60 + 6 * 5 - 6, f"{D0}T21:00:00", "bob"),
    ]
    write_feed(landing, "cycle_counts", D0, counts, columns=FIELDS["cycle_counts"])
    write_feed(landing, "returns", D0, [("RX", 1, "S1", "D", 3, "damaged", 10)])
    write_feed(landing, "budgets", D0, [("dry", D0.replace(day=1), 1, 1, 1)], columns=FIELDS["budgets"])
    allocator(home, "run", "--date", str(D0))
    (home.parent / FIRST_RELEASE).write_text(json.dumps({"hashes": parquet_hashes(home), "c_at_s2": on_hand(home, D0, "S2", "C")}))

    placed = [row for row in published(home, ORDERED, d=D0) if row[0] in "CD"]
    orders = [(f"N{sku}", 1, "SUP1", DC, sku, units, 0, due, "open") for sku, units, due in placed]
    for day in (D1, D2):
        write_feed(landing, "purchase_orders", day, orders, "placed.csv")
    write_feed(landing, "pos", LATE_FOR, [("LATE", 1, "S2", "C", 3, 24, f"{LATE_FOR}T10:00:00", "store")], "late.csv")
    write_feed(landing, "pos", D1, [("NEW", 1, "S1", "E", 1, 12, f"{D1}T10:00:00", "store")], "new_sku.csv")
    write_feed(landing, "items", D2, items((*SKUS, "E")))
    count = proposal_key(home, "C2")
    order = f"{D0}|SUP1|{DC}|B"
    on_counts, on_orders = "adjustments_proposed", "replenishment_orders"
    decided = {
        D1: [
            (on_counts, count, "approve", "bob", "inventory_controller"),
            (on_counts, count, "approve", "sue", "store_manager"),
            (on_counts, count, "approve", "cat", "inventory_controller"),
            (on_orders, order, "approve", "pia", "supply_planner"),
        ],
        D2: [
            (on_counts, count.split("|", 1)[1], "approve", "dan", "finance_director"),
            (on_orders, order, "approve", "pia", "supply_planner"),
            (on_orders, order, "approve", "dan", "finance_director"),
        ],
    }
    for day, decisions in decided.items():
        rows = [(f"OK-{day}-{number}", *each, f"{day}T18:0{number}:00") for number, each in enumerate(decisions)]
        write_feed(landing, "approvals", day, rows, columns=FIELDS["approvals"])
    allocator(home, "run", "--date", str(D1), "--through", str(D2))


def on_hand(home: Path, day: date, location: str, sku: str) -> int:
    """Published stock of a pair."""
    query = "SELECT on_hand FROM inventory_positions WHERE business_date = $day AND location_id = $location AND sku_id = $sku"
    return published(home, query, day=day, location=location, sku=sku)[0][0]


def book_of_a() -> int:
    """A at S2 on the evening of D0, by hand: opened at 12, two units received a day after the first, sales since then."""
    days = DATES[1:6]
    return 12 + 2 * len(days) - sum(units_sold(day, "S2", "A") for day in days)


def proposal_key(home: Path, source: str) -> str:
    """Key of what `D0` proposed for a count."""
    query = "SELECT row_key FROM adjustments_proposed WHERE business_date = $day AND source_id = $source"
    return published(home, query, day=D0, source=source)[0][0]


def write_late_orders(landing: Path) -> None:
    """Order k: 10 of A, placed on date k, promised for the next, 9 come on k + 3, and the picture of k + 4 no longer names it."""
    for today, day in enumerate(DATES[:8]):
        named = [k for k in range(8) if k <= today < k + 4]
        rows = [(f"V{k}", 1, LATE, DC, "A", 10, 9 if k + 3 <= today else 0, DATES[k] + timedelta(days=1), "open") for k in named]
        write_feed(landing, "purchase_orders", day, rows)
        arrived = [("RV", 1, DC, "A", 9, 0, "purchase", f"V{k}", "", f"{day}T07:00:00") for k in range(8) if k + 3 == today]
        write_feed(landing, "receipts", day, [(f"{row[0]}{today}", *row[1:]) for row in arrived], "vendor.csv")
