"""The chain, day by day: deliveries, demand, counts, the plan of the DC, the order to the supplier.

A plan of day t leaves on t + 1 and is on the shelf on t + 2; an order of day t arrives after SUPPLIER_DAYS. The planner sees books, not
shelves, and a forecast that is right but for what a fault adds. Random numbers are drawn once: worlds differ by their faults alone.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np

from tests.benchmarks.root_cause_world.faults import Fault, level

SUPPLIER_DAYS = 5
REACH = 3


@dataclass(frozen=True)
class Nature:
    """What no fault changes: mean (stores, skus), quantiles (days, stores, skus) of the demand, cost and price (skus,)."""

    mean: np.ndarray
    chance: np.ndarray
    cost: np.ndarray
    price: np.ndarray


def draw_nature(rng: np.random.Generator, stores: int, skus: int, days: int) -> Nature:
    """Means of 1 to 12 units a day, margins of 2 to 10."""
    size = rng.lognormal(0, 0.5, (stores, 1)) * rng.lognormal(0, 0.6, (1, skus))
    cost = np.round(rng.uniform(2, 10, skus), 2)
    return Nature(np.clip(3.5 * size, 1, 12), rng.random((days, stores, skus)), cost, np.round(cost + rng.uniform(2, 10, skus), 2))


@dataclass
class Record:
    """What happened. By day, each (days, stores, skus): demand, sales, book (close), shelf_lost; plan figures; and logs of tuples."""

    shape: tuple[int, int, int]
    arrays: dict[str, np.ndarray] = field(default_factory=dict)
    logs: dict[str, list[tuple]] = field(default_factory=lambda: defaultdict(list))

    def array(self, name: str, dtype: type = np.int64) -> np.ndarray:
        """The array of that name, made on first use."""
        if name not in self.arrays:
            self.arrays[name] = np.zeros(self.shape, dtype)
        return self.arrays[name]


@dataclass
class _State:
    shelf: np.ndarray
    book: np.ndarray
    transit: np.ndarray
    dc: np.ndarray
    ordered: np.ndarray
    trucks: dict = field(default_factory=lambda: defaultdict(list))
    inbound: dict = field(default_factory=lambda: defaultdict(list))


def _poisson(chance: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Poisson quantiles by walking the distribution up."""
    units, mass = np.zeros(chance.shape, np.int64), np.exp(-mean)
    below = mass.copy()
    for _ in range(200):
        more = chance > below
        if not more.any():
            break
        units += more
        mass = mass * mean / np.maximum(units, 1)
        below = np.where(more, below + mass, below)
        mass = np.where(more, mass, np.exp(-mean))
    return units


def demand_of(nature: Nature, faults: list[Fault]) -> np.ndarray:
    """Demand (days, stores, skus); a forecast miss multiplies the mean by up to 3.5, which no forecast knows."""
    days = len(nature.chance)
    surge = np.stack([1 + 2.5 * level(faults, "forecast_miss", t, nature.mean.shape) for t in range(days)])
    return _poisson(nature.chance, nature.mean * surge)


def run(nature: Nature, faults: list[Fault]) -> Record:
    """The world with these faults."""
    days, shape = len(nature.chance), nature.mean.shape
    demand, record = demand_of(nature, faults), Record(nature.chance.shape)
    target = np.ceil(nature.mean * REACH + 1.6 * np.sqrt(nature.mean * REACH)).astype(np.int64)
    dc_mean = nature.mean.sum(axis=0)
    dc_target = np.ceil(dc_mean * (SUPPLIER_DAYS + 3) + 2 * np.sqrt(dc_mean * (SUPPLIER_DAYS + 3))).astype(np.int64)
    state = _State(target.copy(), target.copy(), np.zeros(shape, np.int64), (dc_mean * 4).astype(np.int64), np.zeros(shape[1], np.int64))
    for t in range(days):
        at = {kind: level(faults, kind, t, shape) for kind in ("store_execution", "receiving_capacity", "dispatch_capacity",
              "policy_maximum", "override", "missed_cutoff", "delivery_late", "delivery_short")}  # fmt: skip
        _receive(state, record, t)
        _sell(state, record, t, demand[t], at["store_execution"] > 0)
        _steal_and_count(state, record, t, faults)
        _plan(state, record, t, target, nature.mean, at)
        _order(state, record, t, dc_target, faults)
    return record


def _receive(state: _State, record: Record, t: int) -> None:
    for po, sku, units, came in state.inbound.pop(t, []):
        state.dc[sku] += came
        state.ordered[sku] -= units
        record.logs["po_arrivals"].append((po, t, came))
    for truck, sent, came in state.trucks.pop(t, []):
        state.shelf += came
        state.book += came
        state.transit -= sent
        record.logs["arrivals"].append((truck, t, came))


def _sell(state: _State, record: Record, t: int, demand: np.ndarray, is_hidden: np.ndarray) -> None:
    sales = np.where(is_hidden, 0, np.minimum(demand, state.shelf))
    there = np.where(is_hidden, 0, state.shelf)
    # Of a day, the last part of the demand went unserved: so long was the shelf empty, demand or not where nothing was there.
    record.array("exposure", float)[t] = np.where(there <= 0, 0.0, np.minimum(1.0, there / np.maximum(demand, 1)))
    record.array("demand")[t], record.array("sales")[t] = demand, sales
    state.shelf -= sales
    state.book -= sales


def _steal_and_count(state: _State, record: Record, t: int, faults: list[Fault]) -> None:
    """Phantom stock: on its first day the shelf loses most of what it has; on its last a count sets the book right."""
    for fault in faults:
        if fault.kind == "phantom_stock" and t == fault.first:
            state.shelf -= np.where(fault.pairs, np.ceil(state.shelf * (0.7 + 0.3 * fault.strength)).astype(np.int64), 0)
        if fault.kind == "phantom_stock" and t == fault.last:
            gone = np.where(fault.pairs, state.book - state.shelf, 0)
            record.array("corrected")[t] -= gone
            state.book -= gone
    record.array("book")[t] = state.book


def _share_out(units: np.ndarray, limit: np.ndarray | float, axis: int | None, position: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Units where their sum along `axis` (None = all) is beyond the limit: the lowest cover is filled first, to equal days of cover."""
    total, limit = units.sum(axis=axis, keepdims=True), np.asarray(limit, float)
    if (total <= limit).all():
        return units
    low, high = np.zeros_like(total, float), np.full_like(total, 60.0, float)
    for _ in range(24):
        days = (low + high) / 2
        filled = np.clip(np.floor(days * mean - position), 0, units).sum(axis=axis, keepdims=True)
        low, high = np.where(filled <= limit, days, low), np.where(filled <= limit, high, days)
    return np.where(total <= limit, units, np.clip(np.floor(low * mean - position), 0, units)).astype(np.int64)


def _plan(state: _State, record: Record, t: int, target: np.ndarray, mean: np.ndarray, at: dict[str, np.ndarray]) -> None:
    """What the DC sends tomorrow. Each limit in turn; the last that cut a pair is the one that binds it."""
    want = np.maximum(target - state.book - state.transit, 0)
    position, narrow = state.book + state.transit, at["receiving_capacity"].max(axis=1, keepdims=True)
    slow = at["dispatch_capacity"].max()
    sent, binding = want.copy(), np.full(want.shape, "need_met", dtype=object)
    limits = (
        ("policy_max", lambda x: np.where(at["policy_maximum"] > 0, np.minimum(x, np.floor(mean * 0.6 * (1 - at["policy_maximum"]))), x)),
        ("override", lambda x: np.where(at["override"] > 0, np.minimum(x, np.floor(mean * 0.6 * (1 - at["override"]))), x)),
        ("dc_supply", lambda x: _share_out(x, state.dc[None, :], 0, position, mean)),
        ("receiving_capacity", lambda x: _share_out(x, np.where(
            narrow > 0, mean.sum(axis=1, keepdims=True) * 0.7 * (1 - narrow), np.inf), 1, position, mean)),
        ("dispatch_capacity", lambda x: _share_out(
            x, mean.sum() * 0.9 * (1 - 0.6 * slow) if slow > 0 else np.inf, None, position, mean)),
    )  # fmt: skip
    for reason, cut in limits:
        fewer = cut(sent).astype(np.int64)
        binding[fewer < sent] = reason
        sent = fewer
    record.array("need")[t], record.array("planned")[t], record.array("binding", object)[t] = want, sent, binding
    state.dc -= sent.sum(axis=0)
    state.transit += sent
    _dispatch(state, record, t, sent, at)


def _dispatch(state: _State, record: Record, t: int, sent: np.ndarray, at: dict[str, np.ndarray]) -> None:
    """Trucks by store: they leave tomorrow and are there the day after, but for what goes wrong."""
    for store in np.flatnonzero(sent.sum(axis=1)):
        load = np.zeros_like(sent)
        load[store] = sent[store]
        leaves = t + 1 + (int(np.ceil(3 * at["missed_cutoff"][store].max())))
        due = leaves + 1
        comes = due + int(np.ceil(4 * at["delivery_late"][store].max()))
        came = np.floor(load * (1 - at["delivery_short"][store].max())).astype(np.int64)
        truck = len(record.logs["trucks"])
        record.logs["trucks"].append((truck, t, int(store), leaves, due, load[store].copy()))
        state.trucks[comes].append((truck, load, came))


def _order(state: _State, record: Record, t: int, target: np.ndarray, faults: list[Fault]) -> None:
    """Orders to the supplier: up to the target over what is there and on order; a fault may hold the order back."""
    shape = record.shape[1:]
    held = level(faults, "no_dc_supply", t, shape).max(axis=0) > 0
    late = np.ceil(8 * level(faults, "supplier_late", t, shape).max(axis=0)).astype(int)
    short = level(faults, "supplier_short", t, shape).max(axis=0)
    units = np.where(held, 0, np.maximum(target - state.dc - state.ordered, 0))
    for sku in np.flatnonzero(units):
        po = len(record.logs["orders"])
        came = int(np.floor(units[sku] * (1 - short[sku])))
        record.logs["orders"].append((po, t, int(sku), int(units[sku])))
        state.inbound[t + SUPPLIER_DAYS + late[sku]].append((po, int(sku), int(units[sku]), came))
    state.ordered += units
