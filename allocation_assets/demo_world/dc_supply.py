"""Transfers out of the distribution centre, purchases into it, and its true and book stock.

Transfers follow from the deliveries of ``store_supply``. Purchases are planned backwards from them in whole cases, one
delivery per supplier every 2 to 4 dates; a quarter of the SKUs is kept scarce towards the end, so that the last
allocations have something to decide.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from allocation_assets.demo_world.network import CADENCE, SUPPLIERS, Network
from allocation_assets.demo_world.store_supply import (
    LATE_RATE,
    OVER_RATE,
    SHORT_RATE,
    SUNDAY,
    StoreFlows,
    count_schedule,
)

MORNING, LATE, EVENING = 1, 2, 3
PURCHASE_LATE_RATE = 0.11
SHORT_LINE_RATE, DAMAGED_LINE_RATE = 0.05, 0.03
BACKORDER_DAYS = 5  # a short line kept open by the supplier is past due for so long, then closed
SCARCE_FROM = 12  # dates before the end from which deliveries of scarce SKUs no longer rebuild the cover
DC_LOSS_RATE, DC_MISCOUNT_RATE, DC_OPENING_WRONG = 0.025, 0.03, 0.6


@dataclass(frozen=True)
class Transfers:
    """One row per line of a shipment, (n,), sorted by shipment: shipped as recorded, left and received as true.

    ``received`` = good + damaged as booked at arrival; ``shipped`` - ``received`` is short (> 0) or over (< 0).
    """

    ship_day: np.ndarray
    expected_day: np.ndarray
    arrival_day: np.ndarray
    pair: np.ndarray
    kind: np.ndarray
    shipped: np.ndarray
    left: np.ndarray
    received: np.ndarray
    damaged: np.ndarray


@dataclass(frozen=True)
class Purchases:
    """One row per PO line, (n,), sorted by PO; ``po`` numbers the deliveries. Received = good + damaged."""

    po: np.ndarray
    supplier: np.ndarray
    order_day: np.ndarray
    expected_day: np.ndarray
    arrival_day: np.ndarray
    sku: np.ndarray
    ordered: np.ndarray
    confirmed: np.ndarray
    received: np.ndarray
    damaged: np.ndarray
    is_backordered: np.ndarray


@dataclass
class DcFlows:
    """Movements at the DC per date and SKU, (N, K) units; names as in ``StoreFlows``.

    ``shipped`` is what left; ``shipped_book`` the shipments recorded, plus what receivers got beyond them (semantics 16).
    """

    delivered: np.ndarray
    damaged: np.ndarray
    miscount: np.ndarray
    shipped: np.ndarray
    shipped_book: np.ndarray
    lost: np.ndarray
    lost_recorded: np.ndarray
    corrected: np.ndarray
    count_kind: np.ndarray
    counted: np.ndarray
    count_book: np.ndarray
    count_true: np.ndarray
    true_close: np.ndarray
    book_close: np.ndarray

    @classmethod
    def zeros(cls, shape: tuple[int, int]) -> DcFlows:
        """No movement yet."""
        return cls(*(np.zeros(shape, np.int64) for _ in fields(cls)))


def previous_ship_day(day: np.ndarray, weekday: np.ndarray) -> np.ndarray:
    """The last date before ``day`` that is not a Sunday."""
    return day - 1 - (weekday[day - 1] == SUNDAY)


def next_receiving_day(day: np.ndarray, weekday_of_first: int) -> np.ndarray:
    """The first date after ``day`` that is not a Sunday; may lie beyond the calendar."""
    return day + 1 + ((day + 1 + weekday_of_first) % 7 == SUNDAY)


def build_transfers(net: Network, flows: StoreFlows, rng: np.random.Generator) -> Transfers:
    """Shipments that bring the deliveries: lead one date, a few a day late, a few lines a case short or over."""
    day, pair = np.nonzero(flows.delivered)
    evening_day, evening_pair = np.nonzero(flows.evening)
    kind = np.concatenate([np.full(len(day), MORNING), np.full(len(evening_day), EVENING)])
    received = np.concatenate([flows.delivered[day, pair], flows.evening[evening_day, evening_pair]])
    damaged = np.concatenate([flows.damaged[day, pair], np.zeros(len(evening_day), np.int64)])
    day, pair = np.concatenate([day, evening_day]), np.concatenate([pair, evening_pair])
    count, case = len(day), net.case_pack[net.pair_sku[pair]]
    ship = previous_ship_day(day, net.weekday)
    is_late = (kind == MORNING) & (day > 5) & (rng.random(count) < LATE_RATE)
    ship = np.where(is_late, previous_ship_day(np.maximum(ship, 2), net.weekday), ship)
    kind = np.where(is_late, LATE, kind)
    is_short = rng.random(count) < SHORT_RATE
    is_over = ~is_short & (received > case) & (kind != EVENING) & (rng.random(count) < OVER_RATE)
    stayed = rng.random(count) < 0.5  # half of the missing cases never left, the others are lost on the way
    order = np.lexsort((pair, kind, net.pair_location[pair], ship))
    columns = {
        "ship_day": ship,
        "expected_day": next_receiving_day(ship, int(net.weekday[0])),
        "arrival_day": day,
        "pair": pair,
        "kind": kind,
        "shipped": received + case * (is_short.astype(int) - is_over),
        "left": received + case * (is_short & ~stayed),
        "received": received,
        "damaged": damaged,
    }
    return Transfers(**{name: values[order] for name, values in columns.items()})


def delivery_calendar(net: Network, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Supplier deliveries (n,): order, expected and arrival dates; 11 % arrive a date (or a Sunday) later."""
    supplier, expected = [], []
    for s in range(SUPPLIERS):
        day = 1 + int(rng.integers(0, 3))
        while day < len(net.weekday):
            day += int(net.weekday[day] == SUNDAY)
            if day < len(net.weekday):
                supplier.append(s)
                expected.append(day)
            day += int(rng.choice(CADENCE))
    supplier, expected = np.array(supplier), np.array(expected)
    late = next_receiving_day(expected, int(net.weekday[0]))
    gap = np.where(np.append(supplier[1:] == supplier[:-1], False), np.append(expected[1:], 0), 10_000)
    can_be_late = np.flatnonzero(late < gap)
    is_late = np.zeros(len(expected), bool)
    is_late[rng.choice(can_be_late, round(PURCHASE_LATE_RATE * len(expected)), replace=False)] = True
    lead = 2 + rng.integers(0, 2, SUPPLIERS)
    return {
        "supplier": supplier,
        "order": expected - lead[supplier],
        "expected": expected,
        "arrival": np.where(is_late, late, expected),
    }


class DcSimulation:
    """Purchases and stock of the DC over the N dates, all K SKUs at once."""

    def __init__(self, net: Network, transfers: Transfers, rng: np.random.Generator) -> None:
        """Draws losses and errors; what leaves is known from ``transfers``."""
        self.net, self.rng = net, rng
        shape = (len(net.weekday), len(net.sku_ids))
        self.flows = DcFlows.zeros(shape)
        sku = net.pair_sku[transfers.pair]
        self.over = np.zeros(shape, np.int64)
        np.add.at(self.over, (transfers.arrival_day, sku), np.maximum(0, transfers.received - transfers.shipped))
        np.add.at(self.flows.shipped, (transfers.ship_day, sku), transfers.left)
        np.add.at(self.flows.shipped_book, (transfers.ship_day, sku), transfers.shipped)
        self.flows.shipped_book += self.over
        self.flows.lost[:] = np.where(rng.random(shape) < DC_LOSS_RATE, rng.integers(1, 5, shape), 0)
        self.flows.lost[0] = 0
        self.flows.lost_recorded[:] = np.where(rng.random(shape) < 0.3, self.flows.lost, 0)
        self.miscount = np.where(rng.random(shape) < DC_MISCOUNT_RATE, rng.choice([-2, -1, 1], shape), 0)
        self.count_error = np.where(rng.random(shape) < 0.04, rng.choice([-2, -1, 1, 2], shape), 0)
        self.is_due = count_schedule(net.abc, net.weekday, rng, 2)
        outflow = self.flows.shipped + self.flows.lost
        self.mean = outflow[2 : net.days].mean(axis=0)
        tail = np.tile(np.rint(self.mean).astype(np.int64), (8, 1))
        tail[:, net.is_scarce] = 0
        # What leaves beyond the last simulated arrival is unknown: the mean stands in for it.
        outflow[net.days :] = np.where(net.is_scarce, 0, np.rint(self.mean).astype(np.int64))
        outflow[0] = 0
        self.cumulative = np.concatenate(
            [np.zeros((1, shape[1]), np.int64), np.cumsum(np.concatenate([outflow, tail]), axis=0)]
        )

    def run(self) -> tuple[DcFlows, Purchases]:
        """Simulate; the books open at the close of date 0."""
        calendar = delivery_calendar(self.net, self.rng)
        flows, lines = self.flows, []
        first = np.array([calendar["arrival"][calendar["supplier"] == s].min() for s in range(SUPPLIERS)])
        opening = self._leaves(1, first[self.net.supplier]) + self._target(0)
        flows.true_close[0] = -(-opening // self.net.case_pack) * self.net.case_pack
        error = np.where(self.rng.random(len(opening)) < DC_OPENING_WRONG, self.rng.integers(-2, 6, len(opening)), 0)
        flows.book_close[0] = np.maximum(0, flows.true_close[0] + error)
        for t in range(1, len(self.net.weekday)):
            for delivery in np.flatnonzero(calendar["arrival"] == t):
                lines.append(self._receive(t, delivery, calendar))
            self._count(t)
            self._close(t)
        return flows, self._purchases(lines, calendar)

    def _leaves(self, start: int, end: np.ndarray) -> np.ndarray:
        """Units leaving the DC on dates [start, end), (K,)."""
        return self.cumulative[end, np.arange(len(end))] - self.cumulative[start]

    def _target(self, t: int) -> np.ndarray:
        """Cover to be left when the next delivery comes; scarce SKUs are only scarce towards the end."""
        days = np.where(self.net.is_scarce & (t < self.net.days - SCARCE_FROM), 1.5, self.net.dc_cover_days)
        return np.rint(days * self.mean).astype(np.int64)

    def _receive(self, t: int, delivery: int, calendar: dict[str, np.ndarray]) -> tuple[np.ndarray, ...]:
        """Plan and take in one delivery: (delivery, sku, received, damaged) of its lines."""
        supplier = calendar["supplier"][delivery]
        sku = np.flatnonzero(self.net.supplier == supplier)
        later = calendar["arrival"][(calendar["supplier"] == supplier) & (calendar["arrival"] > t)]
        until = np.full(len(self.net.supplier), later.min() if len(later) else len(self.net.weekday) + 3)
        case = self.net.case_pack[sku]
        damaged = np.where(self.rng.random(len(sku)) < DAMAGED_LINE_RATE, self.rng.integers(1, 5, len(sku)), 0)
        miscount = self.miscount[t, sku]
        need = (self._leaves(t, until) + self._target(t) - self.flows.true_close[t - 1])[sku] + damaged - miscount
        units = np.maximum(0, -(-need // case)) * case
        damaged = np.where(units > 0, np.minimum(damaged, units - 1), 0)
        self.flows.delivered[t, sku] = units
        self.flows.damaged[t, sku] = damaged
        self.flows.miscount[t, sku] = np.where(units > 0, miscount, 0)
        bought = units > 0
        return np.full(bought.sum(), delivery), sku[bought], units[bought], damaged[bought]

    def _count(self, t: int) -> None:
        """Counts at 06:00, before deliveries and picks; what stores got unrecorded at 05:00 is in the book by then."""
        flows, at = self.flows, np.flatnonzero(self.is_due[t])
        flows.count_kind[t, at] = 1
        flows.count_true[t, at] = flows.true_close[t - 1, at]
        flows.counted[t, at] = np.maximum(0, flows.true_close[t - 1, at] + self.count_error[t, at])
        flows.count_book[t, at] = flows.book_close[t - 1, at] - self.over[t, at]
        flows.corrected[t, at] = flows.counted[t, at] - flows.count_book[t, at]

    def _close(self, t: int) -> None:
        f = self.flows
        good = f.delivered[t] - f.damaged[t]
        f.true_close[t] = f.true_close[t - 1] + good + f.miscount[t] - f.shipped[t] - f.lost[t]
        f.book_close[t] = f.book_close[t - 1] + good - f.shipped_book[t] - f.lost_recorded[t] + f.corrected[t]

    def _purchases(self, lines: list[tuple[np.ndarray, ...]], calendar: dict[str, np.ndarray]) -> Purchases:
        """PO lines behind the deliveries: what was ordered is what came, plus what suppliers left out."""
        delivery, sku, received, damaged = (np.concatenate(column) for column in zip(*lines, strict=True))
        order = np.lexsort((sku, delivery))
        delivery, sku, received, damaged = delivery[order], sku[order], received[order], damaged[order]
        rng, count = self.rng, len(delivery)
        is_end = self.net.is_scarce[sku] & (calendar["expected"][delivery] >= self.net.days - SCARCE_FROM)
        is_short = rng.random(count) < np.where(is_end, 0.35, SHORT_LINE_RATE)
        short = np.where(is_short, self.net.case_pack[sku] * rng.integers(1, 4, count), 0)
        return Purchases(
            po=delivery,
            supplier=calendar["supplier"][delivery],
            order_day=calendar["order"][delivery],
            expected_day=calendar["expected"][delivery],
            arrival_day=calendar["arrival"][delivery],
            sku=sku,
            ordered=received + short,
            confirmed=np.where(is_short & (rng.random(count) < 0.4), received, -1),
            received=received,
            damaged=damaged,
            is_backordered=is_short & (rng.random(count) < 0.4),
        )
