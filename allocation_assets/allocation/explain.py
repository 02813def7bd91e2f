"""Why each pair gets what it gets: the exact constraint that stops its next case."""

from __future__ import annotations

import numpy as np

from allocation_assets.allocation.market import Limits
from allocation_assets.allocation.prepare import Instance
from allocation_assets.allocation.problem import (
    BLOCKED,
    NO_SHIP_DAY,
    OPEN,
    REASONS,
    RECENTLY_MOVED,
    RECORD_HOLD,
    of_bucket,
)


def binding_reasons(inst: Instance, x, shared, left: Limits, need_units, net_need_units) -> np.ndarray:
    """Index into REASONS per pair, '' where a pair wants nothing and gets nothing.

    A pair that has all it wants is `need_met` (`override` where a minimum gave it more). Otherwise the first that
    holds of: blocked, no ship day and the like; its own maximum or shelf, whichever is smaller; a line that does not pay
    its cost or its least size; stock kept at the DC because it earns more later (`hold_back`: the need beyond
    `net_need_units`); the rule of fair share (`shared` = most cases under it); the pool (quota, or units protected for a promotion); the supply of its row
    (`hold_back` where the held stock would have given one case more); receiving; dispatch. `case_pack` stands for a
    pair without a case where units would have fitted but no whole case does: one unit pays and a case does not, or
    the row's supply, the shelf or the maximum is smaller than one case.
    """
    p, pack = inst.problem, inst.pack
    supply, row_left = p.row_supply_units[p.pair_row], left.row[p.pair_row]
    held = np.minimum(p.row_hold_back_units, np.maximum(p.row_available_units, 0))[p.pair_row]
    none = x == 0
    step = np.where(x == inst.partial_at, inst.partial_units, pack)
    needs = np.where(none & (inst.forced == 0), np.maximum(inst.least, 1) * pack, step)
    got = _units(inst, x)
    rules = [
        ((got >= need_units) & none & inst.first_unit & (p.block == OPEN), "case_pack"),
        (got >= need_units, ""),  # without a line; with one it is replaced below
        *_own_limits(inst, x, none),
        (none & (inst.no_line == 1), "line_cost"),
        (none & (inst.no_line == 2), "min_shipment"),
        ((got >= net_need_units) & (row_left >= step), "hold_back"),
        ((x >= shared) | (none & (shared < inst.least)), "fair_share"),
        *_pool_limits(inst, left, step),
        ((row_left < step) & (row_left + held >= np.maximum(needs, pack)), "hold_back"),
        ((row_left < pack) & none & (supply > 0) & (supply < pack), "case_pack"),
        (row_left < step, "dc_supply"),
        *_capacities(inst, left, needs, step, none),
    ]
    reason = np.select([rule for rule, _ in rules], [REASONS.index(name) for _, name in rules], -1)
    more_than_wanted = got > np.maximum(inst.want * pack, np.where(inst.forced > 0, 0, inst.least * pack))
    met = np.where(more_than_wanted, REASONS.index("override"), REASONS.index("need_met"))
    reason = np.where((got >= need_units) & ~none, met, reason)
    if (reason < 0).any():
        j = int(np.flatnonzero(reason < 0)[0])
        raise AssertionError(f"allocation: pair {int(inst.order[j])} is refused a case that fits every limit")
    return reason.astype(np.int8)


def _own_limits(inst: Instance, x: np.ndarray, none: np.ndarray) -> list[tuple[np.ndarray, str]]:
    """Rules of the pair's own limits: block, then shelf or maximum, whichever is smaller."""
    p = inst.problem
    room = np.where(p.shelf_capacity_units >= 0, np.maximum(p.shelf_capacity_units - p.position_units, 0), -1)
    at_cap = x >= np.maximum(inst.cap_cases, inst.forced)
    shelf_binds = (room >= 0) & ((p.max_units < 0) | (room < p.max_units))
    return [
        (p.block == BLOCKED, "blocked"),
        (p.block == NO_SHIP_DAY, "no_ship_day"),
        (p.block == RECORD_HOLD, "record_hold"),
        (p.block == RECENTLY_MOVED, "recently_moved"),
        (at_cap & shelf_binds & none & (room > 0), "case_pack"),
        (at_cap & shelf_binds, "shelf_capacity"),
        (at_cap & none & (p.max_units > 0) & ~p.is_max_override, "case_pack"),
        (at_cap & p.is_max_override, "override"),
        (at_cap, "policy_max"),
    ]


def _pool_limits(inst: Instance, left: Limits, step) -> list[tuple[np.ndarray, str]]:
    """Rules of the pair's pool."""
    p = inst.problem
    pool = _left(left.pool, p.pool)
    guards = of_bucket(p.pool_is_protection, p.pool, False)
    return [((pool < step) & guards, "protected"), (pool < step, "quota")]


def _capacities(inst: Instance, left: Limits, needs, step, none) -> list[tuple[np.ndarray, str]]:
    """Rules of receiving and dispatch; last, what fits one case but not the least size of a line."""
    p = inst.problem
    receiving, dispatch = _left(left.receiving, p.receiving_bucket), _left(left.dispatch, p.dispatch_bucket)
    lines, supply, pool = _left(left.lines, p.dispatch_bucket), left.row[p.pair_row], _left(left.pool, p.pool)
    smallest = np.minimum(np.minimum(supply, pool), np.minimum(receiving, dispatch))
    return [
        (receiving < step, "receiving_capacity"),
        ((dispatch < step) | (none & (lines < 1)), "dispatch_capacity"),
        (none & (inst.least > 1) & (smallest < needs), "min_shipment"),
        (none & (inst.problem.line_cost > 0), "line_cost"),
    ]


def _units(inst: Instance, x: np.ndarray) -> np.ndarray:
    """Units of the first x cases (the odd last case of an override counts its own units)."""
    return np.where((x > inst.partial_at) & (inst.partial_at >= 0), inst.forced_units, x * inst.pack)


def _left(left: np.ndarray, bucket: np.ndarray) -> np.ndarray:
    return of_bucket(left, bucket, np.iinfo(np.int64).max)
