"""Hand-made inputs of the measures: what the inventory step would have built, small and without its SQL.

`facts(seed)` draws six dates of two stores and a DC; `write` puts them into a warehouse and a lake, under the names and
types that the marts read. The expected measures are worked out from the same facts in `brute_force`, row by row.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from tests.support.lake import Lake

Row = dict[str, Any]
Facts = dict[str, list[Row]]

DATES = [date(2026, 3, 2) + timedelta(days=i) for i in (0, 1, 2, 4, 5, 6)]  # nothing landed on the 5th
FIRST_RUN = DATES[1]  # the first date is history
LOCATIONS = {"S1": ("store", "store"), "S2": ("store", None), "DC": ("dc", None)}
#: Region and cluster by location, class by item; what is not there is 'unassigned'. Planned sales of the month by department.
PLACES = {"S1": ("north", "city"), "S2": ("south", None), "DC": ("north", None)}
CLASSES = {"P1": "jams", "P2": "teas", "P3": None}
PLANS = {"A": 1000, "B": 500}
#: Planned receipts, by department: B plans none.
PLANNED_RECEIPTS = {"A": 600, "B": None}
ITEMS = {"P1": ("A", "owned", 2, 5), "P2": ("A", "vmi", 3, 9), "P3": ("B", "owned", 10, 25)}

COLUMNS = {
    "inventory_positions": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, department VARCHAR, ownership VARCHAR, "
    "is_active BOOLEAN, stock_status VARCHAR, on_hand BIGINT, available BIGINT, unit_cost DECIMAL(18,6), inventory_value DECIMAL(18,4), "
    "daily_mean DOUBLE",
    "int_demand_daily": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, sales_units BIGINT, net_sales DECIMAL(18,6), "
    "demand_units BIGINT, returned_units BIGINT, refunds DECIMAL(18,6), hours_out DECIMAL(18,6), hours_open DECIMAL(18,6), exposure DOUBLE, "
    "is_censored BOOLEAN, open_order_units BIGINT",
    "reconciliations": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, opening BIGINT, receipts BIGINT, "
    "transfers_in BIGINT, sales BIGINT, counted_units BIGINT, variance BIGINT, posted_by VARCHAR, is_accurate BOOLEAN",
    "stock_ledger": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, movement_type VARCHAR, bucket VARCHAR, units BIGINT, "
    "source_key VARCHAR, posted_on DATE, is_reversal BOOLEAN",
    "int_business_dates": "business_date DATE, previous_date DATE",
    "int_items_in_force": "business_date DATE, sku_id VARCHAR, department VARCHAR, class VARCHAR, ownership VARCHAR, unit_cost DECIMAL(18,6), "
    "unit_price DECIMAL(18,6)",
    "int_locations_in_force": "business_date DATE, location_id VARCHAR, location_type VARCHAR, channel VARCHAR, region VARCHAR, cluster VARCHAR, "
    "order_location_id VARCHAR",
    "int_master_in_force": "feed VARCHAR, business_date DATE, partition_date DATE",
    "stg_budgets": "business_date DATE, department VARCHAR, month DATE, planned_sales DECIMAL(18,6), planned_markdowns DECIMAL(18,6), "
    "planned_receipts DECIMAL(18,6), planned_eom_inventory DECIMAL(18,6)",
    "stg_pos": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, units BIGINT, net_amount DECIMAL(18,6), unit_list_price DECIMAL(18,6), posted_on DATE",
    "int_purchase_receipts": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, po_id VARCHAR, units BIGINT",
    "int_owned_elsewhere": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, ownership VARCHAR",
    "stg_orders": "business_date DATE, order_id VARCHAR, line_no BIGINT, sku_id VARCHAR, ship_from_location_id VARCHAR, units BIGINT, status VARCHAR, "
    "promised_date DATE, posted_on DATE",
    "stg_returns": "business_date DATE, location_id VARCHAR, sku_id VARCHAR, units BIGINT, disposition VARCHAR, posted_on DATE",
    "stg_cycle_counts": "business_date DATE, count_id VARCHAR, location_id VARCHAR, sku_id VARCHAR, posted_on DATE",
    "stg_adjustments": "business_date DATE, count_id VARCHAR, location_id VARCHAR, sku_id VARCHAR, posted_on DATE",
}
#: What the runs of each date decided, by lake dataset.
DECIDED = ("demand_forecasts", "record_beliefs", "adjustments_proposed")


def facts(seed: int) -> Facts:
    """Six dates of every input, drawn from `seed`; the last date of each kind is as likely to be odd as the first."""
    rng = random.Random(seed)
    drawn: Facts = {name: [] for name in (*COLUMNS, *DECIDED)}
    for before, day in zip([None, *DATES], DATES, strict=False):
        drawn["int_business_dates"].append({"business_date": day, "previous_date": before})
        drawn["int_master_in_force"].append({"feed": "budgets", "business_date": day, "partition_date": DATES[0]})
        for sku, (department, ownership, cost, price) in ITEMS.items():
            drawn["int_items_in_force"].append(
                {"business_date": day, "sku_id": sku, "department": department, "class": CLASSES[sku], "ownership": ownership, "unit_cost": cost,
                 "unit_price": price}
            )  # fmt: skip
        for location, (kind, channel) in LOCATIONS.items():
            drawn["int_locations_in_force"].append(
                {"business_date": day, "location_id": location, "location_type": kind, "channel": channel,
                 "region": PLACES[location][0], "cluster": PLACES[location][1], "order_location_id": "DC"}
            )  # fmt: skip
            for sku in ITEMS:
                _pair(rng, drawn, {"business_date": day, "location_id": location, "sku_id": sku})
    for number in range(80):
        _order(random.Random(f"{seed} {number}"), drawn, f"O{number}")
    _money(random.Random(f"{seed} money"), drawn)
    drawn["stg_budgets"] = [
        {"business_date": DATES[0], "department": department, "month": month, "planned_sales": planned * share,
         "planned_markdowns": planned / 10 * share, "planned_receipts": PLANNED_RECEIPTS[department], "planned_eom_inventory": planned * 2 * share}
        for department, planned in PLANS.items() for month, share in ((date(2026, 3, 1), 1), (date(2026, 4, 1), 7))
    ]  # fmt: skip
    return drawn


def _pair(rng: random.Random, drawn: Facts, key: Row) -> None:
    day, sells = key["business_date"], key["location_id"] != "DC"
    department, ownership, cost, _ = ITEMS[key["sku_id"]]
    available = rng.choice([0, 0, 3, 8, 40])
    active = sells and rng.random() < 0.9
    # S2 has no books on the first two dates: its facts are demand only.
    has_books = key["location_id"] != "S2" or day >= DATES[2]
    if has_books:
        status = "stockout" if active and available == 0 else rng.choice(["healthy", "critical", "overstock", "obsolete"])
        drawn["inventory_positions"].append(
            {**key, "department": department, "ownership": ownership, "is_active": active, "stock_status": status,
             "on_hand": available + 1, "available": available, "unit_cost": cost, "inventory_value": available * cost if ownership == "owned" else 0,
             # A DC faces the demand of the stores that it supplies.
             "daily_mean": rng.choice([0, 0.5, 2.25]) if sells else 3.5}
        )  # fmt: skip
        counted = rng.choice([None, None, 0, 5])
        variance = None if counted is None else rng.choice([0, -2, 3])
        drawn["reconciliations"].append(
            {**key, "opening": rng.randrange(30), "receipts": rng.choice([0, 6]), "transfers_in": rng.choice([0, 4]),
             "sales": rng.randrange(4) if sells else 0, "counted_units": counted, "variance": variance,
             "posted_by": rng.choice([None, "count_correction"]), "is_accurate": None if counted is None else variance == 0}
        )  # fmt: skip
        if key["location_id"] == "S2" and day == DATES[2]:
            drawn["stock_ledger"].append({**key, "movement_type": "opening", "bucket": "on_hand", "units": 20})
        drawn["stock_ledger"].append({**key, "movement_type": "sale", "bucket": "on_hand", "units": -1})
        _record(rng, drawn, key, counted)
    if sells and rng.random() < 0.8:
        sold, hours_out = rng.randrange(6), rng.choice([None, None, 3, 12])
        drawn["int_demand_daily"].append(
            {**key, "sales_units": sold, "net_sales": sold * 6, "demand_units": sold - rng.choice([0, 0, 1, 9]), "returned_units": rng.choice([0, 2]), "refunds": rng.choice([0, 7]),
             "hours_out": hours_out, "hours_open": 12 if hours_out else None, "exposure": 1 - (hours_out or 0) / 12,
             "is_censored": bool(hours_out) or available == 0, "open_order_units": rng.choice([0, 1])}
        )  # fmt: skip
        drawn["stg_returns"].append({**key, "units": 1, "disposition": rng.choice(["restock", "damaged"]), "posted_on": day})
    if sells and day != DATES[3]:  # no forecast was made on the fourth date
        drawn["demand_forecasts"].append({**key, "next_day_mean": rng.choice([0.5, 1.5, 4.0])})


def _money(rng: random.Random, drawn: Facts) -> None:
    """The sale lines behind the sales, with and without a list price, and what suppliers brought."""
    for row in drawn["int_demand_daily"]:
        for _ in range(row["sales_units"]):
            key = {name: row[name] for name in ("business_date", "location_id", "sku_id")}
            drawn["stg_pos"].append({**key, "units": 1, "net_amount": 6, "unit_list_price": rng.choice([None, 4, 6, 8.5]), "posted_on": row["business_date"]})
    for row in drawn["inventory_positions"]:
        for number in range(rng.choice([0, 0, 1, 2])):
            key = {name: row[name] for name in ("business_date", "location_id", "sku_id")}
            drawn["int_purchase_receipts"].append({**key, "po_id": f"O{number}", "units": rng.randint(1, 9)})


def _order(rng: random.Random, drawn: Facts, order_id: str) -> None:
    """One order of one to three lines; a line may come later, change its promise, units and place, be cancelled, or be sent again."""
    start = rng.randrange(len(DATES))
    for line_no in range(1, rng.randint(1, 3) + 1):
        units, place, sku = rng.randint(1, 5), rng.choice(["S1", "S2", None]), rng.choice(list(ITEMS))
        promised = rng.choice([None, *(DATES[start] + timedelta(days=ahead) for ahead in (-1, 0, 1, 2, 3, 3))])
        status = rng.choice(["open", "open", "allocated", "shipped", "cancelled"])
        for day in DATES[start + (line_no > 1 and rng.random() < 0.3):]:
            drawn["stg_orders"].append(
                {"business_date": day, "order_id": order_id, "line_no": line_no, "sku_id": sku, "ship_from_location_id": place, "units": units,
                 "status": status, "promised_date": promised, "posted_on": day}
            )  # fmt: skip
            if rng.random() < 0.5 or status == "cancelled":
                break
            status = rng.choice(["open", "allocated", "shipped", "shipped", "cancelled"]) if status != "shipped" else "shipped"
            units = max(1, units + rng.choice([0, 0, 0, -1, 1]))
            promised = rng.choice([promised, promised, None, day + timedelta(days=9)])
            place = rng.choice([place, place, "S1"])


def _record(rng: random.Random, drawn: Facts, key: Row, counted: int | None) -> None:
    """What becomes of a count, and what the date's run believes and leaves open of the record."""
    day = key["business_date"]
    if counted is not None:
        count_id = f"C{day:%d}"
        drawn["stg_cycle_counts"].append({**key, "count_id": count_id, "posted_on": day})
        corrected_on = rng.choice([None, *(later for later in DATES if later >= day)])
        if corrected_on and rng.random() < 0.5:
            correction = {**key, "movement_type": "count_correction", "bucket": "on_hand", "units": -1,
                          "source_key": f"{count_id}|{key['location_id']}|{key['sku_id']}"}  # fmt: skip
            drawn["stock_ledger"].append({**correction, "posted_on": corrected_on, "is_reversal": False})
            if rng.random() < 0.5:  # a late fact recomputes it at the end
                drawn["stock_ledger"].append({**correction, "posted_on": DATES[-1], "is_reversal": True})
                drawn["stock_ledger"].append({**correction, "posted_on": DATES[-1], "is_reversal": False})
        elif corrected_on:
            drawn["stg_adjustments"].append({**key, "business_date": corrected_on, "count_id": count_id, "posted_on": corrected_on})
    drawn["record_beliefs"].append({**key, "probability_empty": rng.choice([0.1, 0.5, 0.75])})
    for status in rng.choice([[], [], ["pending"], ["approved"], ["pending", "pending"]]):
        value = rng.choice([-12, 7, 30])
        drawn["adjustments_proposed"].append(
            {**key, "kind": rng.choice(["count", "count", "disposition"]), "approval_status": status, "variance_value": value}
        )


def write(drawn: Mapping[str, Iterable[Row]], warehouse: Path, lake: Lake) -> None:
    """Replace the inputs in `warehouse` and the decisions in `lake` by `drawn`."""
    with duckdb.connect(str(warehouse)) as connection:
        for name, columns in COLUMNS.items():
            names = [column.split()[0] for column in columns.split(", ")]
            connection.execute(f"CREATE OR REPLACE TABLE {name} ({columns})")
            rows = [[row.get(column) for column in names] for row in drawn[name]]
            if rows:
                connection.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(names))})", rows)
    for day in DATES:
        for dataset in DECIDED:
            rows = [row for row in drawn[dataset] if row["business_date"] == day]
            if rows:
                lake.decide(dataset, day, rows)
        if day >= FIRST_RUN:
            lake.run(day, {"run_id": str(day)})
