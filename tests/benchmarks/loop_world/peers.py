"""The peers: base stock with a fair share, min-max, most urgent first, pro-rata cuts. Each has one parameter to tune."""

from __future__ import annotations

import numpy as np
from numba import njit

from allocation_assets.negbin import demand_arrays, quantiles
from tests.benchmarks.loop_world.simulate import View


def base_stock_cases(view: View, fractile: float, round_up: float = 1.0) -> np.ndarray:
    """Cases (n) that lift the position to the fractile of demand over lead time and review; `round_up` is added before
    the floor: 1 rounds up, 0.8 leaves a fifth of a case unmet (0.5, the nearest, would never serve slow movers of large packs).
    """
    ships = np.flatnonzero(view.wait == 0)
    target = np.zeros((len(ships), 1), np.int64)
    mean, spread = demand_arrays((view.mean * view.horizon)[ships], view.level_spread[ships])
    quantiles(mean, spread, np.array([fractile]), target)
    pack = view.world.pack[view.world.sku[ships]]
    cases = np.zeros(len(view.mean), np.int64)
    cases[ships] = np.maximum(np.floor((target[:, 0] - view.position[ships]) / pack + round_up - 1e-9), 0).astype(
        np.int64
    )
    return cases


@njit(cache=True)
def _largest_remainder(wanted, supply, order_key, out):
    """Share `supply` cases over `wanted` cases in proportion; what is left goes to the largest remainders."""
    total = 0
    for j in range(wanted.shape[0]):
        total += wanted[j]
    if total <= supply:
        out[:] = wanted
        return
    rest = np.zeros(wanted.shape[0])
    given = 0
    for j in range(wanted.shape[0]):
        share = wanted[j] * supply / total
        out[j] = int(share)
        rest[j] = share - out[j] + 1e-9 * order_key[j]
        given += out[j]
    for j in np.argsort(-rest)[: supply - given]:
        out[j] += 1


@njit(cache=True)
def share_proportional(cases, row_ptr, pack, dc, key):
    """Cases per pair: each row's supply in proportion to what is asked for."""
    out = np.zeros_like(cases)
    for i in range(row_ptr.shape[0] - 1):
        a, b = row_ptr[i], row_ptr[i + 1]
        _largest_remainder(cases[a:b], dc[i] // pack[i], key[a:b], out[a:b])
    return out


@njit(cache=True)
def most_urgent(cases, sku, store, pack, position, mean, dc, dispatch, receiving):
    """Case by case to the pair with the least days of cover, as long as every limit admits it (-1 = none)."""
    total = cases.sum()
    pair, cover = np.empty(total, np.int64), np.empty(total)
    at = 0
    for j in range(cases.shape[0]):
        for k in range(cases[j]):
            pair[at], cover[at] = j, (position[j] + k * pack[sku[j]]) / mean[j]
            at += 1
    out = np.zeros_like(cases)
    dc, receiving = dc.copy(), receiving.copy()
    for i in np.argsort(cover, kind="mergesort"):
        j = pair[i]
        units, s = pack[sku[j]], store[j]
        if dc[sku[j]] < units or (receiving[s] >= 0 and receiving[s] < units) or (dispatch >= 0 and dispatch < units):
            continue
        out[j] += 1
        dc[sku[j]] -= units
        if receiving[s] >= 0:
            receiving[s] -= units
        if dispatch >= 0:
            dispatch -= units
    return out


@njit(cache=True)
def first_come(cases, order, sku, store, pack, dc, dispatch, receiving):
    """Each pair gets all it asks for that is left, in the given order."""
    out = np.zeros_like(cases)
    dc, receiving = dc.copy(), receiving.copy()
    for j in order:
        units, s = pack[sku[j]], store[j]
        most = min(cases[j], dc[sku[j]] // units)
        if receiving[s] >= 0:
            most = min(most, receiving[s] // units)
        if dispatch >= 0:
            most = min(most, dispatch // units)
        out[j] = most
        dc[sku[j]] -= most * units
        if receiving[s] >= 0:
            receiving[s] -= most * units
        if dispatch >= 0:
            dispatch -= most * units
    return out


def _cut(units: np.ndarray, pack: np.ndarray, group: np.ndarray, caps: np.ndarray, key: np.ndarray) -> np.ndarray:
    """Whole cases (as units) cut in proportion where a group exceeds its cap; what is left goes to large remainders."""
    load = np.bincount(group, units, len(caps))
    factor = np.minimum(np.where(load > 0, caps / np.maximum(load, 1), 1.0), 1.0)
    exact = units / pack * factor[group]
    cases = np.floor(exact + 1e-9)
    room = caps - np.bincount(group, cases * pack, len(caps))
    rest = exact - cases
    cut = np.flatnonzero(rest > 1e-9)
    order = cut[np.argsort(-rest[cut] - 1e-9 * key[cut], kind="stable")]
    cases = cases.astype(np.int64)
    _fill(cases, order, pack, group, room)
    return cases * pack


@njit(cache=True)
def _fill(cases, order, pack, group, room):
    for j in order:
        if room[group[j]] >= pack[j]:
            cases[j] += 1
            room[group[j]] -= pack[j]


class BaseStock:
    """Order up to a fractile; short rows are shared `proportional` or by equal `cover`; capacities cut `urgent` or `pro_rata`."""

    def __init__(self, fractile: float, share: str, cut: str = "urgent", round_up: float = 1.0):
        self.fractile, self.share, self.cut, self.round_up = fractile, share, cut, round_up

    def __call__(self, view: View) -> np.ndarray:
        w = view.world
        cases, pack = base_stock_cases(view, self.fractile, self.round_up), w.pack[w.sku]
        row_ptr = np.searchsorted(w.sku, np.arange(len(w.pack) + 1))
        key = np.random.default_rng(view.day).random(len(cases))
        no_cap, none = np.full(len(w.lead), -1, np.int64), -1
        capped = w.dispatch_cap >= 0
        if self.share == "proportional":
            cases = share_proportional(cases, row_ptr, w.pack, view.dc, key)
        elif not (capped and self.cut == "urgent"):
            cases = most_urgent(cases, w.sku, w.store, w.pack, view.position, view.mean, view.dc, none, no_cap)
        if not capped:
            return cases * pack
        if self.cut == "urgent":
            cases = most_urgent(
                cases, w.sku, w.store, w.pack, view.position, view.mean, view.dc, w.dispatch_cap, w.receiving_cap
            )
            return cases * pack
        units = _cut(cases * pack, pack, w.store, w.receiving_cap.astype(float), key)
        return _cut(units, pack, np.zeros(len(pack), np.int64), np.array([float(w.dispatch_cap)]), key)


class MinMax:
    """(s, S), first come first served (stores in a new order each day): s = `cover` x demand over lead time and review."""

    def __init__(self, cover: float, review_weeks: float = 1.0):
        self.cover, self.more = cover, review_weeks

    def __call__(self, view: View) -> np.ndarray:
        w = view.world
        pack = w.pack[w.sku]
        least = self.cover * view.mean * view.horizon
        most = least + self.more * 7 * view.mean
        asks = (view.wait == 0) & (view.position <= least)
        cases = np.where(asks, np.maximum(np.ceil((most - view.position) / pack - 1e-9), 0), 0).astype(np.int64)
        order = np.argsort(np.random.default_rng(view.day).permutation(len(w.lead))[w.store], kind="stable")
        return first_come(cases, order, w.sku, w.store, w.pack, view.dc, w.dispatch_cap, w.receiving_cap) * pack
