"""Forced minimums that could not be met, and the least change of one limit that would have met each. Pure; no files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from allocation_assets.allocation.market import Limits
from allocation_assets.allocation.prepare import UNLIMITED
from allocation_assets.allocation.problem import (
    BLOCKED,
    NO_SHIP_DAY,
    OPEN,
    RECENTLY_MOVED,
    RECORD_HOLD,
    AllocationPlan,
    AllocationProblem,
    of_bucket,
)
from allocation_assets.schedule import ScheduledPairs
from allocation_assets.tables import integers

#: What to change per binding limit; `{units}` are more (or, held back and protected, fewer) units of it.
CHANGES = {
    "dc_supply": "dc_supply +{units} units",
    "case_pack": "dc_supply +{units} units",
    "hold_back": "hold_back -{units} units",
    "quota": "quota +{units} units",
    "protected": "protected -{units} units",
    "receiving_capacity": "receiving_capacity +{units} units",
    "dispatch_capacity": "dispatch_capacity +{units} units",
    "dispatch_lines": "dispatch_capacity +1 line",
    "shelf_capacity": "shelf_capacity +{units} units",
    "policy_max": "policy_max +{units} units",
    "override": "override maximum +{units} units",
    "fair_share": "fair_share +{units} units",
    "blocked": "lift the block, closure or exclusion",
    "record_hold": "mend the location's stock records",
    "recently_moved": "wait until the rest is over",
}
_BLOCKS = {BLOCKED: "blocked", RECORD_HOLD: "record_hold", RECENTLY_MOVED: "recently_moved"}


@dataclass(frozen=True)
class ForcedMinimums:
    """Per pair (n,): `asked_units` of a forced minimum, `is_unmet`, `binding` (the plan's, corrected where a pair's own
    limit is smaller than what is asked), `least_change` in words (None where met)."""

    asked_units: np.ndarray
    is_unmet: np.ndarray
    binding: np.ndarray
    least_change: pa.Array


def forced_minimums(
    pairs: ScheduledPairs, problem: AllocationProblem, plan: AllocationPlan, after_forced: Limits | None = None
) -> ForcedMinimums:
    """What became of the minimums that people and policy force.

    `after_forced`: what the run's minimums leave of receiving and dispatch, where `problem` is one shard of it. A day without shipping leaves a minimum open and does not break it; nor does a block break one of policy alone.
    Each change is the least for its pair alone: other forced minimums keep what they got, chosen cases give way.
    """
    by_person = integers(pairs.table, "min_units") > 0
    asked = np.where((problem.block == OPEN) | (by_person & (problem.block != NO_SHIP_DAY)), problem.min_units, 0)
    unmet = asked > plan.units
    binding = plan.binding_names().astype(object)
    at = np.flatnonzero(unmet)
    target = _target_units(problem, asked)
    own = _own_limit(problem, asked)
    binding[at] = np.where(own[at] != "", own[at], binding[at])
    texts = np.full(len(asked), None, object)
    granted = np.minimum(plan.units, np.where(asked > 0, target, 0))
    left = _left_by_name(problem, granted, after_forced)
    missing = _missing(problem, plan, target, asked, binding, left)
    for name in set(binding[at].tolist()):
        where = at[binding[at] == name]
        change = CHANGES.get(name, name + " +{units} units")
        texts[where] = [change.format(units=int(units)) for units in missing[where]]
    lines = at[(binding[at] == "dispatch_capacity") & (plan.units[at] == 0) & (left["dispatch_lines"][at] < 1)]
    texts[lines] = CHANGES["dispatch_lines"]
    return ForcedMinimums(asked, unmet, binding, pa.array(texts, pa.string()))


def _own_cap(p: AllocationProblem) -> tuple[np.ndarray, np.ndarray]:
    """Units that the shelf still takes, and the maximum; the largest integer where there is none."""
    most = np.iinfo(np.int64).max
    room = np.where(p.shelf_capacity_units >= 0, np.maximum(p.shelf_capacity_units - p.position_units, 0), most)
    return room, np.where(p.max_units >= 0, p.max_units, most)


def _target_units(p: AllocationProblem, asked: np.ndarray) -> np.ndarray:
    """Units that meet the minimum: whole multiples where the pair's own limits admit them, else exactly what is asked."""
    whole = -(-asked // p.pair_pack) * p.pair_pack
    return np.where(whole <= np.minimum(*_own_cap(p)), whole, asked)


def _own_limit(p: AllocationProblem, asked: np.ndarray) -> np.ndarray:
    """Name of the pair's own limit (n,) that is smaller than what is asked; '' = none."""
    room, most = _own_cap(p)
    maximum = np.where(p.is_max_override, "override", "policy_max").astype(object)
    cases = [(p.block == code, name) for code, name in _BLOCKS.items()]
    cases += [((room < asked) & (room <= most), "shelf_capacity"), (most < asked, maximum)]
    return np.select([case for case, _ in cases], [np.asarray(name, object) for _, name in cases], "").astype(object)


def _left_by_name(p: AllocationProblem, granted: np.ndarray, after: Limits | None) -> dict[str, np.ndarray]:
    """What minimums leave (n,) of each pair's shared limits, by the reason that names the limit."""
    pool, supply = _left(p.pool, granted, p.pool_cap_units), _left(p.pair_row, granted, p.row_supply_units)
    shared = {
        "receiving_capacity": (p.receiving_bucket, granted, p.receiving_capacity_units, "receiving"),
        "dispatch_capacity": (p.dispatch_bucket, granted, p.dispatch_capacity_units, "dispatch"),
        "dispatch_lines": (p.dispatch_bucket, granted > 0, p.dispatch_capacity_lines, "lines"),
    }
    left = {
        name: _left(bucket, amount, capacity) if after is None else of_bucket(getattr(after, field), bucket, 0)
        for name, (bucket, amount, capacity, field) in shared.items()
    }
    return left | {"quota": pool, "protected": pool, "dc_supply": supply, "case_pack": supply, "hold_back": supply}


def _missing(p: AllocationProblem, plan: AllocationPlan, target, asked, binding, left) -> np.ndarray:
    """Units (n,) by which the binding limit falls short of the pair's minimum, at least 1."""
    room, most = _own_cap(p)
    missing = np.maximum(target - plan.units, 0)
    for name, amount in left.items():
        missing = np.where(binding == name, missing - np.maximum(amount, 0), missing)
    own = np.where(binding == "shelf_capacity", asked - room, asked - most)
    missing = np.where(np.isin(binding, ["shelf_capacity", "policy_max", "override"]), own, missing)
    return np.maximum(missing, 1)


def _left(bucket: np.ndarray, granted: np.ndarray, capacity: np.ndarray) -> np.ndarray:
    """What a shared limit leaves (n,) beyond what is granted to minimums; endless where there is none."""
    used = np.zeros(len(capacity) + 1, np.int64)
    np.add.at(used, bucket, granted.astype(np.int64))
    left = np.append(np.where(capacity >= 0, capacity, UNLIMITED), UNLIMITED) - used
    return left[bucket]
