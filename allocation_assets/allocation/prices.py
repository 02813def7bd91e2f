"""Capacity prices: a feasible plan and a proven bound where SKUs compete for receiving and dispatch capacity.

Each capacity gets a price >= 0; at these prices every supply row is solved exactly, and the sum of the rows' optima
plus price x capacity is an upper bound on every feasible plan (Lagrangian relaxation, algorithms.md section 1). Each
round sets the prices of one kind of capacity to where its own load just fits, all else fixed, damped. The plan comes
from a greedy walk in order of price-adjusted worth with hard checks on every limit, so it is feasible by construction.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from allocation_assets.allocation.prepare import UNLIMITED, Instance
from allocation_assets.allocation.problem import AllocationSettings

# Up to this many cases the greedy walk is run at every round's prices; above it, at the best prices only.
_WALK_EVERY_ROUND = 200_000


@dataclass
class Limits:
    """What is left of every shared limit; `greedy` updates the arrays in place."""

    row: np.ndarray
    receiving: np.ndarray
    dispatch: np.ndarray
    lines: np.ndarray

    def copy(self) -> Limits:
        """Return an independent copy."""
        return Limits(self.row.copy(), self.receiving.copy(), self.dispatch.copy(), self.lines.copy())


@dataclass
class Prices:
    """Prices per unit of receiving and dispatch and per line, and per row the supply thresholds of the last round."""

    receiving: np.ndarray
    dispatch: np.ndarray
    lines: np.ndarray
    high: np.ndarray
    low: np.ndarray

    def unit_price(self, inst: Instance) -> np.ndarray:
        """Capacity price per unit shipped to each pair."""
        return _at(self.receiving, inst.problem.receiving_bucket) + _at(self.dispatch, inst.problem.dispatch_bucket)

    def line_price(self, inst: Instance) -> np.ndarray:
        """Price of a line to each pair."""
        return _at(self.lines, inst.problem.dispatch_bucket)


def _at(values: np.ndarray, bucket: np.ndarray) -> np.ndarray:
    return np.append(values, 0.0)[bucket]


def full_limits(inst: Instance) -> Limits:
    """Supply and capacities before any case is handed out; no limit = a very large number."""
    p = inst.problem

    def units(capacity):
        return np.where(capacity < 0, UNLIMITED, capacity)

    return Limits(
        p.row_supply_units.copy(),
        units(p.receiving_capacity_units),
        units(p.dispatch_capacity_units),
        units(p.dispatch_capacity_lines),
    )


def hand_out(inst: Instance, items, ceiling, x, units, limits: Limits) -> None:
    """Greedy walk over `items` (indices of cases, in order) up to `ceiling` cases a pair; updates x, units, limits."""
    from allocation_assets.allocation._kernels import greedy

    p = inst.problem
    greedy(
        items, inst.item_pair, inst.item_ptr, inst.item_units, ceiling, x, units, p.pair_row, limits.row,
        p.receiving_bucket, limits.receiving, p.dispatch_bucket, limits.dispatch, limits.lines,
    )  # fmt: skip


def relax(inst: Instance, worth, base, lim, free_cases, prices: Prices):
    """Solve every row exactly at the prices. Returns (cases per pair, row optima, net worth of items).

    Sets the rows' thresholds in `prices`.
    """
    from allocation_assets.allocation._kernels import net_of_prices, select_rows

    unit_price, line_price = prices.unit_price(inst), prices.line_price(inst)
    net = worth
    if unit_price.any() or line_price.any():
        net = np.empty_like(worth)
        inst.over_pairs(net_of_prices, inst.item_ptr, worth, base, lim, unit_price, line_price, inst.pack, ..., net)
    x, inner = np.empty(len(base), np.int64), np.empty(len(free_cases))
    prices.high, prices.low = np.empty(len(free_cases)), np.empty(len(free_cases))
    inst.over_rows(
        select_rows, inst.row_ptr, inst.item_ptr, net, base, lim, free_cases, ..., x, prices.high, prices.low, inner
    )
    return x, inner, net


def rent_of(prices: Prices, limits: Limits) -> float:
    """Price x limit over all capacities: the constant of the Lagrangian bound."""
    pairs = ((prices.receiving, limits.receiving), (prices.dispatch, limits.dispatch), (prices.lines, limits.lines))
    return float(sum(np.sum(np.where(price > 0, price * left, 0.0)) for price, left in pairs))


def zero_prices(inst: Instance) -> Prices:
    """Prices of zero on every capacity."""
    p = inst.problem
    none = np.zeros(len(p.row_dc))
    return Prices(
        np.zeros(len(p.receiving_capacity_units)), np.zeros(len(p.dispatch_capacity_units)),
        np.zeros(len(p.dispatch_capacity_lines)), none, none,
    )  # fmt: skip


class CapacitySearch:
    """Search for prices and a feasible plan; `base` cases are granted already, `limits` is what is left for the rest."""

    def __init__(self, inst: Instance, base, lim, limits: Limits, settings: AllocationSettings):
        self.inst, self.base, self.lim, self.limits, self.settings = inst, base, lim, limits, settings
        self.free_cases = limits.row // inst.problem.row_case_pack
        self.best_bound, self.best_prices = np.inf, zero_prices(inst)
        self.best_worth, self.best_x = -np.inf, base.copy()
        self.kinds = [kind for kind in ("receiving", "dispatch", "lines") if self._limited(kind)]

    def run(self) -> tuple[np.ndarray, Prices, bool]:
        """Return (cases per pair, prices of the best bound, whether the plan is the optimum at zero prices)."""
        prices = zero_prices(self.inst)
        walk_often = int(np.sum(self.lim - self.base)) <= _WALK_EVERY_ROUND
        stale = 0
        for round_ in range(max(self.settings.price_rounds, 1)):
            x, inner, net = relax(self.inst, self.inst.worth, self.base, self.lim, self.free_cases, prices)
            if round_ == 0 and self._fits(x):
                return x, prices, True
            bound = float(np.sum(inner)) + rent_of(prices, self.limits)
            stale = 0 if bound < self.best_bound * (1 - 1e-6) else stale + 1
            if bound < self.best_bound:
                self.best_bound, self.best_prices = bound, _copy(prices)
            if walk_often:
                self._try_plans(net, prices)
            done = self.best_bound - self.best_worth <= self.settings.target_gap * abs(self.best_bound)
            if done or stale > 4 * len(self.kinds):
                break
            self._move(self.kinds[round_ % len(self.kinds)], prices, x, net)
        if not walk_often:
            net = relax(self.inst, self.inst.worth, self.base, self.lim, self.free_cases, self.best_prices)[2]
            self._try_plans(net, self.best_prices)
        self._try_order(self._plain())
        return self._completed(), self.best_prices, False

    def _plain(self) -> np.ndarray:
        return self.inst.worth[self.free_items] / self.inst.item_units[self.free_items]

    def _completed(self) -> np.ndarray:
        """The best plan, with every case that still fits added: afterwards each refusal has a limit behind it."""
        inst, x = self.inst, self.best_x.copy()
        units, limits = np.zeros(len(x), np.int64), self.left_after(x)
        order = self.free_items[np.argsort(-self._plain(), kind="stable")]
        hand_out(inst, order, self.lim, x, units, limits)
        return x

    def left_after(self, x: np.ndarray) -> Limits:
        """What a plan leaves of every limit."""
        inst, p, limits = self.inst, self.inst.problem, self.limits.copy()
        extra = (x - self.base) * inst.pack
        limits.row -= _load(p.pair_row, extra, len(limits.row))
        limits.receiving -= _load(p.receiving_bucket, extra, len(limits.receiving))
        limits.dispatch -= _load(p.dispatch_bucket, extra, len(limits.dispatch))
        limits.lines -= _load(p.dispatch_bucket, (extra > 0) & (self.base == 0), len(limits.lines))
        return limits

    @cached_property
    def free_items(self) -> np.ndarray:
        """Cases that are free to choose, in pair order."""
        inst = self.inst
        case = np.arange(len(inst.item_pair)) - inst.item_ptr[inst.item_pair]
        return np.flatnonzero((case >= self.base[inst.item_pair]) & (case < self.lim[inst.item_pair]))

    def _limited(self, kind: str) -> bool:
        return bool(np.any(getattr(self.limits, kind) < UNLIMITED // 2))

    def _fits(self, x: np.ndarray) -> bool:
        """Whether the relaxed plan keeps every capacity (it keeps the supply of every row by construction)."""
        left = self.left_after(x)
        return all(np.all(amount >= 0) for amount in (left.receiving, left.dispatch, left.lines))

    def _move(self, kind: str, prices: Prices, x, net) -> None:
        """Move the prices of one kind of capacity towards where its own load fits."""
        from allocation_assets.allocation._kernels import bucket_prices, line_prices

        inst, p = self.inst, self.inst.problem
        left = getattr(self.limits, kind)
        capacity = np.where(left < UNLIMITED // 2, left, -1)
        old = getattr(prices, kind)
        new = np.empty_like(old)
        bucket = p.receiving_bucket if kind == "receiving" else p.dispatch_bucket
        ptr, pairs = _by_bucket(bucket, len(old))
        if kind == "lines":
            line_prices(
                ptr, pairs, inst.item_ptr, inst.worth, self.base, self.lim, x, p.pair_row, inst.pack,
                prices.unit_price(inst), prices.high, prices.low, capacity, new,
            )  # fmt: skip
        else:
            bucket_prices(
                0 if kind == "receiving" else 1, ptr, pairs, inst.item_ptr, net, self.base, self.lim, x, p.pair_row,
                inst.pack, prices.high, prices.low, old, capacity, new,
            )  # fmt: skip
        setattr(prices, kind, old + self.settings.damping * (new - old))

    def _try_plans(self, net, prices: Prices) -> None:
        """Greedy walks at these prices: by adjusted worth throughout, and refilling by plain worth."""
        items, inst = self.free_items, self.inst
        pair = inst.item_pair[items]
        score = (net[items] - prices.low[inst.problem.pair_row[pair]]) / inst.pack[pair]
        self._try_order(score)
        plain = self._plain()
        # Paying cases first, by adjusted worth; what is left over is then filled by plain worth.
        self._try_order(np.where(score > 0, score + plain.max(initial=0.0) + 1.0, plain))

    def _try_order(self, score: np.ndarray) -> None:
        inst = self.inst
        x, units, limits = self.base.copy(), np.zeros(len(self.base), np.int64), self.limits.copy()
        hand_out(inst, self.free_items[np.argsort(-score, kind="stable")], self.lim, x, units, limits)
        case = self.free_items - inst.item_ptr[inst.item_pair[self.free_items]]
        taken = case < x[inst.item_pair[self.free_items]]
        worth = float(np.sum(np.where(taken, inst.worth[self.free_items], 0.0)))
        if worth > self.best_worth:
            self.best_worth, self.best_x = worth, x


def _copy(prices: Prices) -> Prices:
    return Prices(prices.receiving.copy(), prices.dispatch.copy(), prices.lines.copy(), prices.high, prices.low)


def _load(bucket: np.ndarray, amount: np.ndarray, count: int) -> np.ndarray:
    """Integer sums of `amount` per bucket, pairs without a bucket left out."""
    out = np.zeros(count, np.int64)
    inside = bucket >= 0
    np.add.at(out, bucket[inside], amount[inside])
    return out


def _by_bucket(bucket: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Pairs grouped by bucket: (pointers, pair indices), pairs without a bucket left out."""
    order = np.argsort(bucket, kind="stable")
    return np.searchsorted(bucket[order], np.arange(count + 1)), order
