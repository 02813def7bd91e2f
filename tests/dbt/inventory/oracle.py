"""Random legal movements, and an independent book of them: plain Python, one fact at a time, no SQL and no closed forms."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import date, timedelta
from fractions import Fraction

from tests.dbt.inventory.deliveries import Deliveries, Row, day
from tests.dbt.inventory.worked import Facts

SKUS = ["R1", "R2", "R3"]
PAIRS = [(location, sku) for location in ("DC1", "S1", "S2") for sku in SKUS]
OPENED, LAST, CLOSE_DAYS = 2, 14, 7
#: Classes by the day of January that decided them; from the day after they hold, whole, and who is not in them is C.
SEGMENTS = {3: {"R1": "A"}, 8: {"R1": "B", "R2": "A"}}
TOLERANCE = {"A": Fraction(1, 100), "B": Fraction(20, 100), "C": Fraction(5, 100)}
AUTO_POST_VALUE = {"A": 4, "B": 8, "C": 12}
COSTS = ((6, 3), (1, 2))  # from this day, money


def draw(deliveries: Deliveries, facts: Facts, seed: int) -> None:
    """Some facts of every kind on each date; every fourth arrives with a later run; the order of a date's facts is random."""
    rng = random.Random(seed)
    for location, sku in PAIRS:
        row = {"location_id": location, "sku_id": sku, "on_hand": rng.randint(0, 40), "damaged": rng.randint(0, 3)}
        deliveries.add("inventory_snapshot", OPENED, row)
    ticks = iter(rng.sample(range(60 * 60), 2000))
    shipments, counts = 0, defaultdict(list)
    for n in range(1, LAST + 1):
        for sku in SKUS:
            for kind in rng.choices(
                ("sale", "return", "purchase", "ship", "adjust", "damage", "dispose", "count", "count", "named"), k=6
            ):
                second = next(ticks)
                time = f"{rng.randint(8, 19):02d}:{second // 60:02d}:{second % 60:02d}"
                location = (
                    rng.choice(("S1", "S2")) if kind in ("sale", "return") else rng.choice(("DC1", "S1"))
                )
                late = _late(rng, deliveries, n)
                undated = None if rng.random() < 0.3 else time
                if kind == "ship":
                    shipments += 1
                    _ship(rng, facts, n, sku, f"R{shipments}", undated, deliveries, late)
                elif kind == "named" and counts[sku]:
                    place, document = rng.choice(counts[sku])
                    units = rng.choice((-3, -2, 2, 5))
                    facts.adjustment(n, place, sku, units, "correction", undated, count=document, **late)
                elif kind in ("count", "named"):
                    counts[sku].append((rng.choice(("S1", "S2")), f"N{second}"))
                    _count(rng, facts, deliveries, n, sku, *counts[sku][-1], time, late)
                else:
                    _move(rng, facts, kind, n, location, sku, undated, time, late)


def arrive_otherwise(deliveries: Deliveries, seed: int) -> Deliveries:
    """The same facts of the random items, each taken in by any run that may: on its date, or however late; judgements too."""
    rng = random.Random(seed)
    rows = [
        (rng.choice([r for r in deliveries.runs if r >= row["business_date"]]), feed, row)
        if feed in _TIME and row["sku_id"] in SKUS
        else (taken_in, feed, row)
        for taken_in, feed, row in deliveries.rows
    ]
    judged = [
        (rng.choice([r for r in deliveries.runs if r >= row["about_date"]]), row) if row["sku_id"] in SKUS else (run, row)
        for run, row in deliveries.outcomes
    ]
    rng.shuffle(rows)
    return Deliveries(deliveries.runs, rows, judged)


def _late(rng: random.Random, deliveries: Deliveries, n: int) -> dict:
    first = next(r for r in deliveries.runs if r >= day(n))
    later = [r for r in deliveries.runs if r > first]
    return {"late": rng.choice(later)} if later and rng.random() < 0.25 else {}


def _move(rng, facts, kind, n, location, sku, time, exact, late) -> None:
    units = rng.randint(1, 6)
    if kind == "sale":
        facts.sale(n, location, sku, units, time, **late)
    elif kind == "return":
        facts.returned(n, location, sku, units, rng.choice(("restock", "damaged", "destroy")), time, **late)
    elif kind == "purchase":
        facts.receipt(n, location, sku, units * 2, rng.choice((None, 1)), "PO", "purchase", time, **late)
    elif kind == "adjust":
        facts.adjustment(
            n, location, sku, rng.choice((-units, units)), rng.choice(("shrink", "found", "other")), time, **late
        )
    elif kind == "damage":
        facts.adjustment(n, location, sku, rng.choice((-units, -units, 1)), "damage", exact, **late)
    else:
        facts.adjustment(n, location, sku, -units, "disposal", exact, **late)


def _count(rng, facts, deliveries, n, sku, location, document, time, late) -> None:
    """A count, for every third of which an approval is judged by some later run; not every judgement approves."""
    facts.count(n, location, sku, rng.randint(0, 30), time, document, **late)
    taken_in = late.get("late") or next(r for r in deliveries.runs if r >= day(n))
    if rng.random() < 0.35:
        run = rng.choice([r for r in deliveries.runs if r >= taken_in]).day
        outcome = rng.choice(("approved", "approved", "approved", "rejected", "refused_role"))
        deliveries.judge(run, n, location, sku, document, outcome)


def _ship(rng, facts, n, sku, shipment, time, deliveries, late) -> None:
    sent = [rng.randint(2, 9) for _ in range(rng.randint(1, 2))]
    expected, to = min(n + rng.randint(0, 3), LAST), rng.choice(("S1", "S2"))
    for line, units in enumerate(sent, start=1):
        facts.shipment(n, sku, shipment, units, expected, line, to, time, **late)
    for _ in range(rng.randint(0, 2)):
        received = max(1, n - 1 + rng.randint(0, 12))
        if received <= LAST:
            units, damaged = rng.randint(1, 8), rng.choice((None, 1))
            line = rng.choice((None, 1)) if len(sent) > 1 else None
            facts.receipt(received, to, sku, units, damaged, shipment, line=line, **_late(rng, deliveries, received))


class Pool:
    """The lines of one shipment, item and receiver, settled from scratch after every event."""

    def __init__(self) -> None:
        self.sent: list[tuple[int, int]] = []  # line, units
        self.named: list[tuple[int, int]] = []
        self.unnamed: list[int] = []
        self.due = date.min
        self.missing = self.implied = self.lost = 0

    def settle(self) -> int:
        """Match receipts to lines, those that name one first; returns the change of units received beyond them."""
        left: dict[int, int] = defaultdict(int)
        for line, units in self.sent:
            left[line] += units
        implied = 0
        for line, units in self.named:
            matched = min(left[line], units)
            left[line] -= matched
            implied += units - matched
        for units in self.unnamed:
            for line in left:
                matched = min(left[line], units)
                left[line] -= matched
                units -= matched
            implied += units
        change, self.implied, self.missing = implied - self.implied, implied, sum(left.values())
        return change


class Book:
    """Stock by bucket of every pair, kept fact by fact (semantics 13, 14, 16, 18)."""

    def __init__(self, approved: set[tuple[str, str, str]]) -> None:
        self.stock: dict[tuple[str, str, str], int] = defaultdict(int)
        self.pools: dict[tuple[str, str, str], Pool] = defaultdict(Pool)  # shipment, receiver, sku
        self.is_open = False
        self.approved = approved
        self.posted: set[tuple[str, str, str]] = set()  # count, location, sku
        self.held: set[tuple[str, str, str]] = set()

    def move(self, location: str, sku: str, bucket: str, units: int) -> None:
        if self.is_open:
            self.stock[location, sku, bucket] += units

    def send(self, to: str, sku: str, units: int) -> None:
        self.move("DC1", sku, "on_hand", -units)
        self.move(to, sku, "in_transit", units)

    def ship(self, row: Row) -> None:
        to, sku = row["to_location_id"], row["sku_id"]
        pool = self.pools[row["shipment_id"], to, sku]
        pool.sent.append((row["line_no"], row["units"]))
        pool.due = max(pool.due, row["expected_date"] + timedelta(days=CLOSE_DAYS), row["business_date"])
        self.send(to, sku, row["units"] + pool.settle())

    def receive(self, row: Row) -> None:
        to, sku, damaged = row["location_id"], row["sku_id"], row["units_damaged"] or 0
        self.move(to, sku, "on_hand", row["units"])
        self.move(to, sku, "damaged", damaged)
        self.move(to, sku, "in_transit", -row["units"] - damaged)
        pool = self.pools[row["source_id"], to, sku]
        if row["source_line_no"] is None:
            pool.unnamed.append(row["units"] + damaged)
        else:
            pool.named.append((row["source_line_no"], row["units"] + damaged))
        self.send(to, sku, pool.settle())

    def settle_losses(self, today: date) -> None:
        """At the close of a date: what is missing of a shipment past its last due date is lost, and only that."""
        for (_, to, sku), pool in self.pools.items():
            lost = pool.missing if pool.sent and pool.due <= today else 0
            self.move(to, sku, "in_transit", pool.lost - lost)
            self.move("TRANSIT", sku, "lost", lost - pool.lost)
            pool.lost = lost

    def adjust(self, row: Row) -> None:
        location, sku, units = row["location_id"], row["sku_id"], row["units"]
        if (row["count_id"], location, sku) in self.posted:
            return
        held = self.stock[location, sku, "damaged"]
        if row["reason_code"] == "disposal":
            from_damaged = min(held, -units)
            self.move(location, sku, "damaged", -from_damaged)
            self.move(location, sku, "on_hand", units + from_damaged)
            return
        self.move(location, sku, "on_hand", units)
        if row["reason_code"] == "damage":
            self.move(location, sku, "damaged", max(-units, -held))

    def apply(self, feed: str, row: Row) -> None:
        if feed == "pos":
            self.move(row["location_id"], row["sku_id"], "on_hand", -row["units"])
        elif feed == "returns":
            bucket = "on_hand" if row["disposition"] == "restock" else "damaged"
            self.move(row["location_id"], row["sku_id"], bucket, row["units"])
        elif feed == "receipts" and row["source_type"] == "purchase":
            self.move(row["location_id"], row["sku_id"], "on_hand", row["units"])
            self.move(row["location_id"], row["sku_id"], "damaged", row["units_damaged"] or 0)
        elif feed == "receipts":
            self.receive(row)
        elif feed == "shipments":
            self.ship(row)
        elif feed == "adjustments":
            self.adjust(row)
        elif feed == "cycle_counts" and self.is_open:
            self.count(row)

    def count(self, row: Row) -> None:
        """A count sets the book if policy lets its variance post or somebody approved it; else it is held."""
        location, sku, counted = row["location_id"], row["sku_id"], row["counted_units"]
        n, book = row["business_date"].day, self.stock[location, sku, "on_hand"]
        decided = [d for d in SEGMENTS if d < n]
        abc = SEGMENTS[max(decided)].get(sku, "C") if decided else "C"
        cost = next(money for start, money in COSTS if n >= start)
        is_small = abs(counted - book) <= int(TOLERANCE[abc] * abs(book))
        is_cheap = abs(counted - book) * cost <= AUTO_POST_VALUE[abc]
        key = (row["count_id"], location, sku)
        if is_small or is_cheap or key in self.approved:
            self.stock[location, sku, "on_hand"] = counted
            self.posted.add(key)
        else:
            self.held.add(key)


_TIME = {
    "pos": "sold_at", "returns": "returned_at", "receipts": "received_at", "shipments": "shipped_at",
    "adjustments": "adjusted_at", "cycle_counts": "counted_at",
}  # fmt: skip


def books(deliveries: Deliveries) -> dict[date, dict[tuple[str, str, str], int]]:
    """Stock by (location, sku, bucket) at the close of each date from the opening on, over the random items."""
    approved = {
        (row["source_id"], row["location_id"], row["sku_id"])
        for _, row in deliveries.outcomes
        if row["outcome"] == "approved"
    }
    book, closes = Book(approved), {}
    for n in range(1, LAST + 1):
        facts = [(f, r) for _, f, r in deliveries.rows if r["business_date"] == day(n) and r.get("sku_id") in SKUS]
        moves = [(f, r) for f, r in facts if f in _TIME]
        # Undated facts come first, and shipments before receipts among them, as on a dock; what names a count of its own
        # date follows it.
        counted = {r["count_id"]: str(r["counted_at"]) for f, r in moves if f == "cycle_counts"}
        moves.sort(key=lambda fr: (
            max(str(fr[1][_TIME[fr[0]]] or ""), counted.get(fr[1].get("count_id"), "")),
            fr[0] != "shipments", fr[0] == "adjustments",
        ))  # fmt: skip
        for feed, row in moves:
            book.apply(feed, row)
        book.settle_losses(day(n))
        if n == OPENED:
            _open(book, [r for f, r in facts if f == "inventory_snapshot"])
        if book.is_open:
            closes[day(n)] = dict(book.stock)
    return closes


def _open(book: Book, snapshot: list[Row]) -> None:
    book.is_open = True
    for row in snapshot:
        book.move(row["location_id"], row["sku_id"], "on_hand", row["on_hand"])
        book.move(row["location_id"], row["sku_id"], "damaged", row["damaged"])
    for (_, receiver, sku), pool in book.pools.items():
        book.move(receiver, sku, "in_transit", pool.missing - pool.lost)
