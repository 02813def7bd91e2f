"""Random orders to suppliers, shipments and receipts, and what became of them: plain Python, line by line, no SQL."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import date, timedelta

from tests.dbt.inventory.deliveries import Deliveries, Row, day

RUNS = [day(n) for n in (6, 10, 15, 20)]
LAST, SKUS, CLOSE_DAYS = 20, ("A", "B", "C"), 7
COST = {"A": 2, "B": 3, "C": 5}
SUPPLIERS = ("V1", "V2")


def draw(seed: int) -> Deliveries:
    """Orders named by pictures on some dates, receipts around their promise, shipments; a fifth of the facts comes late."""
    rng = random.Random(seed)
    world = Deliveries(RUNS)
    for sku in SKUS:
        world.add("items", 1, {"sku_id": sku, "supplier_id": "V9", "unit_cost": COST[sku], "unit_price": 9, "department": "d"})
    for location in ("DC1", "DC2", "S1"):
        kind = "store" if location == "S1" else "dc"
        world.add("locations", 1, {"location_id": location, "location_type": kind, "supplied_by": "DC1" if kind == "store" else None})
    world.add("inventory_snapshot", 1, {"location_id": "DC1", "sku_id": "A", "on_hand": 5})
    for n in range(1, LAST + 1):
        world.add("pos", n, {"transaction_id": f"T{n}", "line_no": 1, "location_id": "S1", "sku_id": "A", "units": 1, "net_amount": 9})
    _orders(rng, world)
    _shipments(rng, world)
    return world


def _late(rng: random.Random, n: int) -> dict:
    later = [run for run in RUNS if run >= day(n)][1:]
    return {"late": rng.choice(later)} if later and rng.random() < 0.2 else {}


def _receipt(world: Deliveries, rng: random.Random, key: str, n: int, row: Row, units: int) -> None:
    damaged = rng.choice((0, 0, 0, 1)) if units > 1 else 0
    row = row | {"receipt_id": key, "line_no": 1, "units": units - damaged, "units_damaged": damaged or None}
    world.add("receipts", n, row, **_late(rng, n))


def _orders(rng: random.Random, world: Deliveries) -> None:
    pictures, receipts = sorted(rng.sample(range(1, LAST + 1), 9)), 0
    lines: list[dict] = []
    for number in range(24):
        placed = rng.randint(-2, LAST - 3)
        for line_no, sku in enumerate(rng.choices(SKUS, k=rng.randint(1, 3)), start=1):
            units, promised = rng.randint(2, 12), placed + rng.randint(1, 5)
            line = {"po_id": f"P{number}", "line_no": line_no, "supplier_id": SUPPLIERS[number % 2], "location_id": rng.choice(("DC1", "DC2")),
                    "sku_id": sku, "ordered_units": units, "confirmed_units": rng.choice((None, None, units - 1))}  # fmt: skip
            fate = {"placed": placed, "gone": promised + rng.randint(0, 9), "ends": rng.choice(("closed", "absent", "cancelled")),
                    "promised": promised, "moved": promised + rng.choice((0, 0, 2)), "row": line}  # fmt: skip
            lines.append(fate)
            for _ in range(rng.choice((0, 1, 1, 2))):
                receipts += 1
                n = max(1, promised + rng.randint(-2, 5))
                if n <= LAST:
                    source = {"source_type": "purchase", "source_id": line["po_id"], "sku_id": sku, "location_id": line["location_id"],
                              "supplier_id": line["supplier_id"]}  # fmt: skip
                    _receipt(world, rng, f"R{receipts}", n, source, rng.choice((units, max(1, units - 1), units // 2 + 1)))
    for n in (2, 9, 15):  # receipts that no order names; one takes the item's supplier
        source = {"source_type": "purchase", "source_id": None, "sku_id": "A", "location_id": "DC1", "supplier_id": None if n == 2 else "V1"}
        _receipt(world, rng, f"N{n}", n, source, 4)
    for n in pictures:
        late = _late(rng, n)
        for fate in lines:
            ended = n >= fate["gone"]
            if fate["placed"] <= n and not (ended and (fate["ends"] == "absent" or n >= fate["gone"] + 4)):
                expected = fate["moved"] if n > fate["placed"] + 2 else fate["promised"]
                status = fate["ends"] if ended else "open"
                row = fate["row"] | {"expected_date": date(2026, 1, 1) + timedelta(days=expected - 1), "status": status}
                world.add("purchase_orders", n, row | {"received_units": rng.choice((None, None, 1))}, **late)


def _shipments(rng: random.Random, world: Deliveries) -> None:
    for number in range(14):
        n, sku, units = rng.randint(1, LAST - 2), rng.choice(SKUS), rng.randint(2, 8)
        sent = {"shipment_id": f"S{number}", "line_no": 1, "from_location_id": "DC1", "to_location_id": "S1", "sku_id": sku, "units": units}
        world.add("shipments", n, sent | {"expected_date": day(min(n + 1, LAST))}, **_late(rng, n))
        for part in range(rng.choice((0, 1, 1, 2))):
            arrives = n + rng.randint(0, 11)
            if arrives <= LAST:
                source = {"source_type": "transfer", "source_id": f"S{number}", "source_line_no": 1, "sku_id": sku, "location_id": "S1"}
                _receipt(world, rng, f"T{number}-{part}", arrives, source, rng.choice((units, units - 1)))


def deliveries(world: Deliveries) -> Counter:
    """Every line that closed or was received without an order, as (date, from, to, order, arrival, delays, lead, gap, figures)."""
    return Counter([*_purchased(world), *_unordered(world), *_transferred(world)])


def _rows(world: Deliveries, feed: str) -> list[Row]:
    return [row for _, name, row in world.rows if name == feed]


def _units(row: Row) -> int:
    return row["units"] + (row["units_damaged"] or 0)


def _days(later: date | None, earlier: date | None) -> int | None:
    return None if later is None or earlier is None else (later - earlier).days


def _line(closed, source, to, order, sku, promised, expected, ordered_on, gap, ordered, due, received, damaged, arrived) -> tuple:
    on_time = arrived is not None and promised is not None and arrived <= promised
    short = max(ordered - received, 0)
    return (closed, source, to, order, arrived, _days(arrived, promised), _days(arrived, expected), _days(arrived, ordered_on), gap,
            on_time, received >= ordered, on_time and received >= ordered, ordered, due, received, damaged, short,
            max(due - received, 0), short * COST[sku])  # fmt: skip


def _pictures(world: Deliveries) -> dict[date, dict[tuple, list[Row]]]:
    pictures: dict[date, dict[tuple, list[Row]]] = {}
    for row in _rows(world, "purchase_orders"):
        lines = pictures.setdefault(row["business_date"], {})
        lines.setdefault((row["po_id"], row["location_id"], row["sku_id"]), []).append(row)
    return dict(sorted(pictures.items()))


def _received(world: Deliveries) -> dict[tuple, dict[date, list[Row]]]:
    received: dict[tuple, dict[date, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in _rows(world, "receipts"):
        if row["source_type"] == "purchase":
            received[row["source_id"], row["location_id"], row["sku_id"]][row["business_date"]].append(row)
    return received


def _purchased(world: Deliveries):
    """Each line walked through the dates until it closes for the first time."""
    pictures, received = _pictures(world), _received(world)
    dates = list(pictures)
    for key in {key for lines in pictures.values() for key in lines}:
        got, damaged, arrived, pictured = 0, 0, None, 0
        first = promised = expected = gap = None
        ordered = due = 0
        is_open = is_cancelled = False
        for number in range(1, LAST + 1):
            today, happened = day(number), False
            for row in received[key].get(today, []):
                got, damaged, arrived, happened = got + _units(row), damaged + (row["units_damaged"] or 0), today, True
            if today in pictures and key in pictures[today]:
                rows, happened = pictures[today][key], True
                live = [row for row in rows if row["status"] != "cancelled"]
                if first is None:
                    before = [d for d in dates if d < today]
                    first, gap = today, (today - before[-1]).days - 1 if before else None
                    promised = min(row["expected_date"] for row in rows)
                expected, supplier = min(row["expected_date"] for row in rows), min(row["supplier_id"] for row in rows)
                ordered = sum(row["ordered_units"] for row in live)
                due = sum(row["ordered_units"] if row["confirmed_units"] is None else row["confirmed_units"] for row in live)
                pictured = max(pictured, sum(row["received_units"] or 0 for row in rows))
                is_open, is_cancelled = any(row["status"] == "open" for row in rows), not live
            elif today in pictures and is_open:
                is_open, happened = False, True
            if first is None or not happened or (is_open and max(got, pictured) < due):
                continue
            if not is_cancelled:
                known = first if gap is not None and arrived is not None and first <= arrived else None
                yield _line(today, supplier, key[1], key[0], key[2], promised, expected, known, gap, ordered, due, max(got, pictured), damaged, arrived)
            break


def _unordered(world: Deliveries):
    pictures = _pictures(world)
    for (po, location, sku), by_date in _received(world).items():
        for today, rows in by_date.items():
            if po is None or not any((po, location, sku) in lines for d, lines in pictures.items() if d <= today):
                units, damaged = sum(map(_units, rows)), sum(row["units_damaged"] or 0 for row in rows)
                supplier = min(row["supplier_id"] or "V9" for row in rows)
                yield _line(today, supplier, location, po, sku, None, None, None, None, units, units, units, damaged, today)


def _transferred(world: Deliveries):
    """A shipment line closes when all of it came, or `CLOSE_DAYS` after it was expected."""
    for sent in _rows(world, "shipments"):
        got = damaged = 0
        arrived = None
        for number in range(1, LAST + 1):
            today = day(number)
            for row in _rows(world, "receipts"):
                if row["source_id"] == sent["shipment_id"] and row["business_date"] == today:
                    got, damaged, arrived = got + _units(row), damaged + (row["units_damaged"] or 0), today
            due = max(sent["expected_date"] + timedelta(days=CLOSE_DAYS), sent["business_date"])
            if today >= sent["business_date"] and (got >= sent["units"] or today >= due):
                yield _line(today, "DC1", "S1", sent["shipment_id"], sent["sku_id"], sent["expected_date"], sent["expected_date"],
                            sent["business_date"], 0, sent["units"], sent["units"], got, damaged, arrived)  # fmt: skip
                break
