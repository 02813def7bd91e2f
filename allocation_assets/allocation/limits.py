"""The limits of a run's pairs as the engine takes them: multiples, least shipments, rests, pools, capacities. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allocation_assets.allocation.problem import BLOCKED, NO_LIMIT, NO_SHIP_DAY, RECENTLY_MOVED, RECORD_HOLD
from allocation_assets.allocation.trust import RecordTrust
from allocation_assets.policy import Resolution
from allocation_assets.schedule import ScheduledPairs
from allocation_assets.tables import codes, dates, integers, truths

QUOTA = "allocation.quota_share"


def multiple_cases(table: pa.Table, policy: Resolution) -> np.ndarray:
    """Cases (n,) that a line is a whole number of: those of a layer or pallet where the lane's order_multiple says so."""
    multiple = table["order_multiple"].combine_chunks()
    is_layer, is_pallet = (
        pc.equal(multiple, name).fill_null(False).to_numpy(zero_copy_only=False) for name in ("layer", "pallet")
    )
    layer, pallet = policy["allocation.cases_per_layer"], policy["allocation.cases_per_pallet"]
    return np.select([is_layer, is_pallet], [layer, pallet], 1)


def minimum(pairs: ScheduledPairs) -> np.ndarray:
    """Units (n,) that policy or a person forces, the larger of the two; 0 = none."""
    return np.maximum(integers(pairs.table, "min_units"), pairs.policy["allocation.min_units"])


def maximum(pairs: ScheduledPairs) -> np.ndarray:
    """Most units (n,): an override's, else the policy's."""
    override = integers(pairs.table, "max_units", NO_LIMIT)
    return np.where(override >= 0, override, pairs.policy["allocation.max_units"])


def least_shipment(pairs: ScheduledPairs) -> np.ndarray:
    """Least units (n,) of a line that nothing forces: the policy's or the lane's, whichever is more; 0 = none."""
    return np.maximum(integers(pairs.table, "min_order_units"), pairs.policy["allocation.min_ship_units"])


def block(pairs: ScheduledPairs, trust: RecordTrust, run_date: date) -> np.ndarray:
    """Why a pair gets nothing (n,), codes of `problem`: the first of blocked, no ship day, record hold and rest that holds."""
    blocked = truths(pairs.table, "is_blocked") | (pairs.schedule.block == BLOCKED)
    idle = ~pairs.is_review_day | (pairs.schedule.horizon_days <= 0)
    cases = [(blocked, BLOCKED), (idle, NO_SHIP_DAY), (trust.is_held, RECORD_HOLD)]
    cases += [(_rests(pairs, run_date), RECENTLY_MOVED)]
    return np.select([case for case, _ in cases], [code for _, code in cases], pairs.schedule.block)


def _rests(pairs: ScheduledPairs, run_date: date) -> np.ndarray:
    """Stock moved to or from the pair within `allocation.rest_days`, and nobody asks for units all the same."""
    moved = dates(pairs.table, "last_moved_date")
    days = (np.datetime64(run_date, "D") - moved).astype(np.float64)
    days[np.isnat(moved)] = np.inf
    return (days < pairs.policy["allocation.rest_days"]) & (integers(pairs.table, "min_units") == 0)


@dataclass(frozen=True)
class Pools:
    """`pool` (n,) index or -1; `cap_units` and `is_protection` (pools,)."""

    pool: np.ndarray
    cap_units: np.ndarray
    is_protection: np.ndarray


def pools(pairs: ScheduledPairs, pair_row: np.ndarray, supply: np.ndarray, protected: np.ndarray) -> Pools:
    """Quotas, and what promotions' protected units leave to the pairs of no promotion.

    `supply`, `protected` units per row (m,). A quota pool is the pairs of a row for which one rule decides
    `allocation.quota_share`; its cap is floor(share x supply). Where units are protected, all pairs outside the
    promotions share supply less protected units; promotions of one SKU and DC count as one. A pair is in one pool, so
    where a row has both, the caps are set such that both limits hold: of a quota as much as is protected is left to
    its promotion pairs, its other pairs take the rest of it as far as the protection admits (in the order of the
    rules' specificity), and pairs without a quota share what these pools leave.
    """
    share, rule = pairs.policy[QUOTA], pairs.policy.rule_codes[QUOTA].astype(np.int64)
    kept = np.minimum(protected, supply)
    has_quota = ~np.isnan(share)
    is_own = truths(pairs.table, "is_protected") & (kept[pair_row] > 0)
    inside = np.flatnonzero(has_quota | ((kept[pair_row] > 0) & ~is_own))
    kinds = np.where(has_quota, is_own, 2)[inside]
    rules = np.where(has_quota, rule, rule.max(initial=0) + 1)[inside]
    key = (pair_row[inside] * (rule.max(initial=0) + 2) + rules) * 3 + kinds
    _, first, index = np.unique(key, return_index=True, return_inverse=True)
    row, kind, quota = pair_row[inside][first], kinds[first], share[inside][first]
    cap = np.floor(np.nan_to_num(quota) * supply[row] + 1e-9).astype(np.int64)
    caps = _caps(row, kind, cap, rules[first], supply, kept)
    pool = np.full(len(pair_row), NO_LIMIT, np.int64)
    pool[inside] = index
    return Pools(pool, caps, (kind == 2) | ((kind == 0) & (caps < cap)))


def _caps(row, kind, cap, rule, supply, kept) -> np.ndarray:
    """Caps of pools in order of row, rule and kind (0 quota, 1 the same quota's promotion pairs, 2 no quota)."""
    if not len(row):
        return np.zeros(0, np.int64)
    follows = np.append((row[1:] == row[:-1]) & (rule[1:] == rule[:-1]), False)
    wanted = np.where(kind == 0, cap - np.where(follows, np.minimum(kept[row], cap), 0), 0)
    before = np.cumsum(wanted) - wanted
    starts = np.append(True, row[1:] != row[:-1])
    before -= before[np.maximum.accumulate(np.where(starts, np.arange(len(row)), 0))]
    admitted = np.clip(np.minimum(wanted, (supply - kept)[row] - before), 0, None)
    others = np.where((kind == 0) & (kept[row] > 0), admitted, np.where(kind == 0, cap, 0))
    used = np.zeros(len(supply), np.int64)
    np.add.at(used, row, others)
    promotion = cap - np.where(np.roll(follows, 1), np.roll(others, 1), 0)
    return np.select([kind == 0, kind == 1], [others, promotion], np.maximum((supply - kept - used)[row], 0))


def pool_names(pairs: ScheduledPairs, pool: np.ndarray) -> pa.Array:
    """Name (n,) of each pair's pool, unique within a supply row; null where it is in none."""
    rule = pairs.policy.rule_id(QUOTA).dictionary_decode()
    quota = pc.binary_join_element_wise("quota", rule, " ")
    of_promotion = pc.binary_join_element_wise(quota, "for its promotion", " ")
    names = pc.if_else(pa.array(truths(pairs.table, "is_protected")), of_promotion, quota)
    names = pc.if_else(pa.array(np.isnan(pairs.policy[QUOTA])), "outside promotions", names)
    return pc.if_else(pa.array(pool >= 0), names, pa.scalar(None, pa.string()))


@dataclass(frozen=True)
class Buckets:
    """`receiving`, `dispatch` (n,): number of the capacity that a pair uses, in order of first use; and per number its key,
    (location, arrival date) or (DC, ship date); a date is None where nothing ships or arrives."""

    receiving: np.ndarray
    dispatch: np.ndarray
    receiving_keys: list[tuple[str, date | None]]
    dispatch_keys: list[tuple[str, date | None]]


def buckets(pairs: ScheduledPairs) -> Buckets:
    """The shared capacities that the pairs use. The keys are as many as locations and dates, never as pairs."""
    arrival, ship = (pa.chunked_array([pa.array(d)]) for d in (pairs.schedule.arrival_date, pairs.schedule.ship_date))
    ends = ((pairs.table["to_location_id"], arrival), (pairs.table["from_location_id"], ship))
    numbers = [codes(location, day) for location, day in ends]
    firsts = [pa.array(np.unique(number, return_index=True)[1]) for number in numbers]
    keys = [
        list(zip(location.take(first).to_pylist(), day.take(first).to_pylist(), strict=True))
        for first, (location, day) in zip(firsts, ends, strict=True)
    ]
    return Buckets(*numbers, *keys)


def capacities(pairs: ScheduledPairs, rows: dict[str, np.ndarray], booked: pa.Table) -> dict[str, np.ndarray]:
    """Receiving capacity per location and arrival date, dispatch capacity per DC and ship date, net of `booked`.

    `booked`: rows of int_booked_capacity, what earlier decisions and shipments under way use already.
    """
    used = buckets(pairs)
    units, lines = rows["row_dispatch_units"][rows["pair_row"]], rows["row_dispatch_lines"][rows["pair_row"]]
    dock, gate = _booked(booked, "receiving", used.receiving_keys), _booked(booked, "dispatch", used.dispatch_keys)
    receivable = integers(pairs.table, "receiving_capacity_units", NO_LIMIT)
    return {
        "receiving_bucket": used.receiving,
        "dispatch_bucket": used.dispatch,
        "receiving_capacity_units": _left(_per_bucket(used.receiving, receivable), dock[:, 0]),
        "dispatch_capacity_units": _left(_per_bucket(used.dispatch, units), gate[:, 0]),
        "dispatch_capacity_lines": _left(_per_bucket(used.dispatch, lines), gate[:, 1]),
    }


def _per_bucket(bucket: np.ndarray, values: np.ndarray) -> np.ndarray:
    """One value per bucket: its pairs all carry the same, or -1 where a SKU has no stock row; the largest is it."""
    out = np.full(int(bucket.max(initial=NO_LIMIT)) + 1, NO_LIMIT, np.int64)
    np.maximum.at(out, bucket, values)
    return out


def _left(capacity: np.ndarray, booked: np.ndarray) -> np.ndarray:
    return np.where(capacity >= 0, np.maximum(capacity - booked, 0), NO_LIMIT)


def _booked(booked: pa.Table, kind: str, keys: list[tuple[str, date | None]]) -> np.ndarray:
    """Units and lines (buckets, 2) that are booked for each location and date."""
    rows = booked.filter(pc.equal(booked["kind"], kind)).to_pylist()
    known = {(row["location_id"], row["booked_for"]): (row["units"], row["lines"]) for row in rows}
    return np.array([known.get(key, (0, 0)) for key in keys], np.int64).reshape(-1, 2)
