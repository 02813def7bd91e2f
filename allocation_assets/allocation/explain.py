"""Why each pair gets what it gets: the exact constraint that stops its next case."""

from __future__ import annotations

import numpy as np

from allocation_assets.allocation.prepare import Instance
from allocation_assets.allocation.prices import Limits
from allocation_assets.allocation.problem import BLOCKED, NO_SHIP_DAY, OPEN, REASONS, RECORD_HOLD


def binding_reasons(inst: Instance, x: np.ndarray, left: Limits, need_units: np.ndarray) -> np.ndarray:
    """Index into REASONS per pair, '' where a pair wants nothing and gets nothing.

    A pair that has all it wants is `need_met` (`override` where a minimum gave it more). Otherwise the first that
    holds of: blocked or no ship day; its own maximum or shelf, whichever is smaller; the supply of its row
    (`hold_back` where the held stock would have given one case more); receiving; dispatch. `case_pack` stands for a
    pair without a case where units would have fitted but no whole case does: one unit pays and a case does not, or
    the row's supply, the shelf or the maximum is smaller than one case.
    """
    p, pack = inst.problem, inst.pack
    supply = p.row_supply_units[p.pair_row]
    row_left = left.row[p.pair_row]
    held = np.minimum(p.row_hold_back_units, np.maximum(p.row_available_units, 0))[p.pair_row]
    none = x == 0
    whole = row_left < pack
    receiving = _left(left.receiving, p.receiving_bucket)
    dispatch, lines = _left(left.dispatch, p.dispatch_bucket), _left(left.lines, p.dispatch_bucket)
    next_units = np.where(x == inst.partial_at, inst.partial_units, pack)
    got = _units(inst, x)
    rules = [
        ((got >= need_units) & none & inst.first_unit & (p.block == OPEN), "case_pack"),
        (got >= need_units, ""),  # without a line; with one it is replaced below
        *_own_limits(inst, x, none),
        (whole & (row_left + held >= pack), "hold_back"),
        (whole & none & (supply > 0) & (supply < pack), "case_pack"),
        (row_left < next_units, "dc_supply"),
        (receiving < next_units, "receiving_capacity"),
        ((dispatch < next_units) | (none & (lines < 1)), "dispatch_capacity"),
    ]
    reason = np.select([rule for rule, _ in rules], [REASONS.index(name) for _, name in rules], -1)
    more_than_wanted = got > inst.want * pack
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
        (at_cap & shelf_binds & none & (room > 0), "case_pack"),
        (at_cap & shelf_binds, "shelf_capacity"),
        (at_cap & none & (p.max_units > 0) & ~p.is_max_override, "case_pack"),
        (at_cap & p.is_max_override, "override"),
        (at_cap, "policy_max"),
    ]


def _units(inst: Instance, x: np.ndarray) -> np.ndarray:
    """Units of the first x cases (the odd last case of an override counts its own units)."""
    return np.where((x > inst.partial_at) & (inst.partial_at >= 0), inst.forced_units, x * inst.pack)


def _left(left: np.ndarray, bucket: np.ndarray) -> np.ndarray:
    return np.append(left, np.iinfo(np.int64).max)[bucket]
