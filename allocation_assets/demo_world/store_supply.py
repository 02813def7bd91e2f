"""Deliveries, losses and book errors at the stores and the e-com location, day by day.

Deliveries are fitted backwards: the real sales are given, so a delivery arrives, in whole cases, when the true stock
would not cover them, and lasts to the next closing hour that the data flag as out of stock. What a flagged close leaves
over is waste. The true stock and the book are carried apart (B = what the landed facts add up to, semantics 13-18).

Order of a day: found 03:30, disposal 03:40, zero check 04:00, delivery 05:00, e-com count 06:00, sales and returns,
store counts at a full hour, then waste and losses after 22:00; on Saturdays a second delivery at 21:30 for Sunday.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from allocation_assets.demo_world.network import Network

FIRST_DELIVERY = 2  # books open at the close of date 0; the first trucks leave on date 1
SATURDAY, SUNDAY = 5, 6
NO_COUNT, CYCLE, ZERO_CHECK = 0, 1, 2
COUNT_PERIOD_DAYS = (21, 35, 49)  # A, B, C
ECOM_COUNT_HOUR, ZERO_CHECK_HOUR = 6, 4
OPENING_WRONG = 0.60
LOSS_RATE, LOSS_FOUND_AT_ONCE, MISCOUNT_RATE, SWAP_RATE = 0.024, 0.25, 0.017, 0.006
WASTE_RECORDED, WASTE_TOLERANCE, FOUND_RATE, COUNT_ERROR_RATE = 0.95, 1, 0.6, 0.04
DAMAGE_RATE, SHORT_RATE, OVER_RATE, LATE_RATE = 0.015, 0.015, 0.006, 0.08
ECOM_BLOCK_RATE, LATE_ORDER_RATE, CANCEL_RATE = 0.05, 0.08, 0.2


@dataclass
class StoreFlows:
    """Movements per date and pair, (N, P) units; recorded and true parts side by side.

    ``delivered`` arrives in the morning and ``evening`` on Saturday night (good + damaged, whole cases), ``damaged`` of
    the morning's, ``miscount`` = true good - recorded good. ``swapped`` = true - recorded sales (a neighbouring SKU was
    scanned). ``lost`` and ``wasted`` are true, ``*_recorded`` the part in the books. ``found`` and ``corrected`` move
    the book alone. ``counted`` and ``count_book`` (the book at that moment) hold where ``count_kind`` is set.
    """

    delivered: np.ndarray
    evening: np.ndarray
    damaged: np.ndarray
    miscount: np.ndarray
    sold: np.ndarray
    unmet: np.ndarray
    swapped: np.ndarray
    restocked: np.ndarray
    lost: np.ndarray
    lost_recorded: np.ndarray
    wasted: np.ndarray
    waste_recorded: np.ndarray
    found: np.ndarray
    corrected: np.ndarray
    count_kind: np.ndarray
    counted: np.ndarray
    count_book: np.ndarray
    count_true: np.ndarray
    true_close: np.ndarray
    book_close: np.ndarray

    @classmethod
    def zeros(cls, shape: tuple[int, int]) -> StoreFlows:
        """No movement yet."""
        return cls(*(np.zeros(shape, np.int64) for _ in fields(cls)))


@dataclass(frozen=True)
class Draws:
    """Everything random of the pairs, drawn before the first day: (N, P) arrays unless said otherwise."""

    is_out_at_close: np.ndarray
    is_blocked: np.ndarray
    cover_end: np.ndarray
    damaged: np.ndarray
    miscount: np.ndarray
    loss: np.ndarray
    is_loss_recorded: np.ndarray
    is_waste_recorded: np.ndarray
    keep: np.ndarray
    is_found: np.ndarray
    is_cancelled: np.ndarray
    count_kind: np.ndarray
    count_hour: np.ndarray
    count_error: np.ndarray
    opening_error: np.ndarray


def cover_end(is_out_at_close: np.ndarray, weekday: np.ndarray, cadence: np.ndarray) -> np.ndarray:
    """Last date (N, P) that a delivery on each date covers: the cadence, cut at the next flagged close.

    A cover that ends on a Saturday goes on over Sunday, which has no deliveries, unless that Saturday closes empty:
    then the evening delivery brings Sunday's stock.
    """
    days = len(weekday)
    next_out = np.empty(is_out_at_close.shape, np.int64)
    upcoming = np.full(is_out_at_close.shape[1], days)
    for t in range(days - 1, -1, -1):
        upcoming = np.where(is_out_at_close[t], t, upcoming)
        next_out[t] = upcoming
    end = np.minimum(np.minimum(np.arange(days)[:, None] + cadence - 1, next_out), days - 1)
    is_open_saturday = (weekday[end] == SATURDAY) & ~np.take_along_axis(is_out_at_close, end, axis=0)
    return np.minimum(end + is_open_saturday, days - 1)


def count_schedule(abc: np.ndarray, weekday: np.ndarray, rng: np.random.Generator, first: int) -> np.ndarray:
    """Rotating ABC cycle counts, (N, len(abc)) bool: every 21/35/49 dates from a random start, Sundays on Mondays."""
    days, period = len(weekday), np.array(COUNT_PERIOD_DAYS)[abc]
    phase = rng.integers(0, 10_000, len(abc)) % period
    due = (np.arange(days)[:, None] % period == phase) & (np.arange(days)[:, None] >= first)
    on_sunday = due & (weekday == SUNDAY)[:, None]
    due[1:] |= on_sunday[:-1]
    return due & (weekday != SUNDAY)[:, None]


def _blocked_ecom(net: Network, rng: np.random.Generator) -> np.ndarray:
    """E-com days (N, P) on which no delivery comes: weekdays, never two in a row, so that backorders clear."""
    blocked = rng.random(net.demand.shape) < ECOM_BLOCK_RATE
    blocked[:, : net.store_pairs] = False
    blocked[: FIRST_DELIVERY + 1] = False
    blocked[net.weekday >= SATURDAY] = False
    blocked[1:] &= ~blocked[:-1]
    return blocked


def draw(net: Network, is_out_at_close: np.ndarray, rng: np.random.Generator) -> Draws:
    """Draw all events of the pairs; ``is_out_at_close`` (T, stores) holds the real flags."""
    shape, stores = net.demand.shape, net.store_pairs
    out = np.zeros(shape, bool)
    out[: net.days, :stores] = is_out_at_close
    blocked = _blocked_ecom(net, rng)
    out[:-1] |= blocked[1:]  # nothing is bought ahead for a day on which the e-com location will run dry
    cadence = rng.choice(3, shape, p=[0.3, 0.4, 0.3]) + 1
    abc = net.abc[net.pair_sku]
    kind = np.where(count_schedule(abc, net.weekday, rng, FIRST_DELIVERY), CYCLE, NO_COUNT)
    checks = (rng.random(shape) < 0.006) & (kind == NO_COUNT) & (net.weekday != SUNDAY)[:, None]
    checks[1:] &= out[:-1]
    checks[: FIRST_DELIVERY + 1], checks[:, stores:] = False, False
    kind[checks] = ZERO_CHECK
    hour = np.where(kind == ZERO_CHECK, ZERO_CHECK_HOUR, rng.integers(9, 21, shape))
    hour[:, stores:] = ECOM_COUNT_HOUR

    def signed(rate: float, weights: list[float]) -> np.ndarray:
        size = rng.choice([-2, -1, 1], shape, p=weights)
        return np.where(rng.random(shape) < rate, size, 0)

    return Draws(
        is_out_at_close=out,
        is_blocked=blocked,
        cover_end=cover_end(out, net.weekday, cadence),
        damaged=np.where(rng.random(shape) < DAMAGE_RATE, rng.integers(1, 3, shape), 0),
        miscount=signed(MISCOUNT_RATE, [0.25, 0.5, 0.25]),
        loss=np.where(rng.random(shape) < LOSS_RATE, rng.integers(1, 4, shape), 0),
        is_loss_recorded=rng.random(shape) < LOSS_FOUND_AT_ONCE,
        is_waste_recorded=rng.random(shape) < WASTE_RECORDED,
        keep=rng.integers(0, WASTE_TOLERANCE + 1, shape),
        is_found=rng.random(shape) < FOUND_RATE,
        is_cancelled=rng.random(shape) < CANCEL_RATE,
        count_kind=kind,
        count_hour=hour,
        count_error=signed(COUNT_ERROR_RATE, [0.1, 0.45, 0.45]),
        opening_error=np.where(rng.random(shape[1]) < OPENING_WRONG, rng.choice([-1, 1, 1, 2, 3, 4], shape[1]), 0),
    )


def _whole_cases(units: np.ndarray, case_pack: np.ndarray) -> np.ndarray:
    return np.maximum(0, -(-units // case_pack)) * case_pack


class StoreSimulation:
    """One pass over the dates; every step works on all P pairs at once."""

    def __init__(
        self,
        net: Network,
        draws: Draws,
        hourly_units: np.ndarray,
        returns: dict[str, np.ndarray],
        rng: np.random.Generator,
    ) -> None:
        """``hourly_units`` (T, stores, 24) are real; ``returns`` holds restocked units and their hour, (N, P)."""
        self.net, self.draws, self.hourly, self.returns, self.rng = net, draws, hourly_units, returns, rng
        self.case = net.case_pack[net.pair_sku]
        self.flows = StoreFlows.zeros(net.demand.shape)
        self.cumulative = np.concatenate([np.zeros((1, net.pairs), np.int64), np.cumsum(net.demand, axis=0)])
        self.backlog = np.zeros(net.pairs, np.int64)

    def run(self) -> StoreFlows:
        """Simulate all N dates; ``true_close`` and ``book_close`` of date 0 open the books."""
        flows, net = self.flows, self.net
        cover = np.where(self.draws.is_out_at_close[1], 1, 2)
        need = self.cumulative[1 + cover, np.arange(net.pairs)] - self.cumulative[1]
        flows.true_close[0] = _whole_cases(need, self.case)
        flows.book_close[0] = np.maximum(0, flows.true_close[0] + self.draws.opening_error)
        for t in range(1, len(net.weekday)):
            self._found(t)
            self._morning_delivery(t)
            self._trade(t)
            self._count(t)
            self._swap(t)
            self._lose(t)
            self._evening_delivery(t)
            self._close(t)
        return flows

    def _found(self, t: int) -> None:
        """A negative book is looked into the next morning and set to what is there (reason ``found``)."""
        book, true = self.flows.book_close[t - 1], self.flows.true_close[t - 1]
        self.flows.found[t] = np.where((book < 0) & self.draws.is_found[t], np.maximum(0, true) - book, 0)

    def _sunday_demand(self, t: int) -> np.ndarray | int:
        """What Saturday's stock must leave for Sunday, where no evening delivery follows."""
        if self.net.weekday[t] != SATURDAY or t + 1 >= len(self.net.weekday):
            return 0
        return np.where(self.draws.is_out_at_close[t], 0, self.net.demand[t + 1])

    def _morning_delivery(self, t: int) -> None:
        if t < FIRST_DELIVERY or self.net.weekday[t] == SUNDAY:
            return
        flows, draws, pairs = self.flows, self.draws, np.arange(self.net.pairs)
        stock = flows.true_close[t - 1]
        is_due = (stock < self.net.demand[t] + self.backlog + self._sunday_demand(t)) & ~draws.is_blocked[t]
        cover = self.cumulative[draws.cover_end[t] + 1, pairs] - self.cumulative[t] + self.backlog
        need = np.where(is_due, np.maximum(1, cover - stock + draws.damaged[t] - draws.miscount[t]), 0)
        units = _whole_cases(need, self.case)
        flows.delivered[t] = units
        flows.damaged[t] = np.where(units > 0, np.minimum(draws.damaged[t], units - 1), 0)
        flows.miscount[t] = np.where(units > 0, draws.miscount[t], 0)

    def _trade(self, t: int) -> None:
        """Sales: the real ones at stores; e-com sells what it has, the rest is backordered for one date."""
        flows = self.flows
        demand = self.net.demand[t] + self.backlog
        stock = flows.true_close[t - 1] + flows.delivered[t] - flows.damaged[t] + flows.miscount[t]
        ecom = np.arange(self.net.pairs) >= self.net.store_pairs
        flows.sold[t] = np.where(ecom, np.minimum(demand, np.maximum(0, stock)), demand)
        flows.unmet[t] = demand - flows.sold[t]
        self.backlog = np.where(self.draws.is_cancelled[t], 0, flows.unmet[t])
        flows.restocked[t] = self.returns["units"][t]

    def _count(self, t: int) -> None:
        """Read the true stock with a small error; the variance to the book at that hour is posted at once."""
        flows, draws = self.flows, self.draws
        at = np.flatnonzero(draws.count_kind[t])
        hour, is_check = draws.count_hour[t, at], draws.count_kind[t, at] == ZERO_CHECK
        stores = at < self.net.store_pairs
        before = np.zeros(len(at), np.int64)
        if t < self.net.days:
            hours = self.hourly[t, at[stores]]
            before[stores] = (hours * (np.arange(24) < hour[stores, None])).sum(axis=1)
        back = np.where(self.returns["hour"][t, at] < hour, flows.restocked[t, at], 0)
        good = np.where(is_check, 0, flows.delivered[t, at] - flows.damaged[t, at])
        moved = good - before + back
        true = flows.true_close[t - 1, at] + moved + np.where(is_check, 0, flows.miscount[t, at])
        is_possible = true >= 0  # night sales before the delivery can exceed the stock: nobody counts then
        at, true, moved = at[is_possible], true[is_possible], moved[is_possible]
        flows.count_kind[t, at] = draws.count_kind[t, at]
        flows.count_true[t, at] = true
        flows.counted[t, at] = np.maximum(0, true + draws.count_error[t, at])
        flows.count_book[t, at] = flows.book_close[t - 1, at] + flows.found[t, at] + moved
        flows.corrected[t, at] = flows.counted[t, at] - flows.count_book[t, at]

    def _stock_tonight(self, t: int) -> np.ndarray:
        f = self.flows
        return (
            f.true_close[t - 1]
            + f.delivered[t]
            - f.damaged[t]
            + f.miscount[t]
            + f.restocked[t]
            - f.sold[t]
            - f.swapped[t]
            - f.lost[t]
            - f.wasted[t]
        )

    def _swap(self, t: int) -> None:
        """A unit leaves under a neighbour's bar code: true sales of one SKU up, of the other down, same store."""
        count = self.rng.poisson(SWAP_RATE * self.net.store_pairs)
        taken = self.rng.choice(self.net.store_pairs, count, replace=False)
        scanned = taken + 1
        keep = np.isin(scanned, taken, invert=True) & (scanned < self.net.store_pairs)
        taken, scanned = taken[keep], scanned[keep]
        spare = self._stock_tonight(t) - self._sunday_demand(t)
        is_ok = (
            (self.net.pair_location[taken] == self.net.pair_location[scanned])
            & (spare[taken] > 0)
            & (self.flows.sold[t, scanned] > 0)
        )
        self.flows.swapped[t, taken[is_ok]] = 1
        self.flows.swapped[t, scanned[is_ok]] = -1

    def _lose(self, t: int) -> None:
        """Shrink and damage nobody wrote down, then the waste of a flagged close."""
        flows, draws = self.flows, self.draws
        spare = np.maximum(0, self._stock_tonight(t) - self._sunday_demand(t))
        flows.lost[t] = np.minimum(draws.loss[t], spare)
        flows.lost_recorded[t] = np.where(draws.is_loss_recorded[t], flows.lost[t], 0)
        stock = self._stock_tonight(t)
        is_wasted = draws.is_out_at_close[t] & (stock > WASTE_TOLERANCE)
        is_wasted[self.net.store_pairs :] = False
        flows.wasted[t] = np.where(is_wasted & (t >= FIRST_DELIVERY), stock - draws.keep[t], 0)
        flows.waste_recorded[t] = np.where(draws.is_waste_recorded[t], flows.wasted[t], 0)

    def _evening_delivery(self, t: int) -> None:
        if t < FIRST_DELIVERY or self.net.weekday[t] != SATURDAY or t + 1 >= len(self.net.weekday):
            return
        need = np.where(self.draws.is_out_at_close[t], self.net.demand[t + 1] - self._stock_tonight(t), 0)
        self.flows.evening[t] = _whole_cases(need, self.case)

    def _close(self, t: int) -> None:
        f = self.flows
        f.true_close[t] = self._stock_tonight(t) + f.evening[t]
        f.book_close[t] = (
            f.book_close[t - 1]
            + f.found[t]
            + f.delivered[t]
            - f.damaged[t]
            + f.evening[t]
            - f.sold[t]
            + f.restocked[t]
            + f.corrected[t]
            - f.lost_recorded[t]
            - f.waste_recorded[t]
        )
