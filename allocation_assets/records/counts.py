"""Which records to count first: the expected gain of a count, in money. Pure arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.records.filter import NEVER, Beliefs

#: Share of the units missing from a shelf that is not empty yet that end as lost sales: the rest is absorbed by the safety
#: stock of the order cycles until the error is found. A first approximation, stated as such in docs/methods.md.
SHORTFALL_SHARE = 0.25


@dataclass(frozen=True)
class CountSettings:
    """`cost_per_count` money; `list_size` records per location and day; `pause_days` after a count; `gain_days` for which an
    error would stay unnoticed without this count."""

    cost_per_count: float
    list_size: int
    pause_days: int
    gain_days: int


@dataclass(frozen=True)
class CountList:
    """The list (m): `pair` indices best first, `rank` from 1, `location_rank` from 1 within the location, `gain` money."""

    pair: np.ndarray
    rank: np.ndarray
    location_rank: np.ndarray
    gain: np.ndarray


def expected_gain(
    beliefs: Beliefs, daily_mean, unit_margin, holding_per_unit_day, settings: CountSettings
) -> np.ndarray:
    """Money (n,) that a count is expected to gain over `gain_days` (T), before its cost.

    A shelf that is empty while the book says otherwise sells nothing and is not replenished: it loses margin x demand x T.
    Units missing from a shelf that still sells are lost at most once each: margin x SHORTFALL_SHARE x min(missing,
    demand x T). Units too many are stock that is not known to be for sale: holding x T each.
    """
    days = float(settings.gain_days)
    demand = np.asarray(daily_mean, np.float64) * days
    empty = beliefs.probability_empty * demand
    missing = SHORTFALL_SHARE * np.minimum(beliefs.missing_units, demand)
    margin = np.maximum(np.asarray(unit_margin, np.float64), 0.0)
    return margin * (empty + missing) + np.asarray(holding_per_unit_day, np.float64) * days * beliefs.excess_units


def rank_counts(gain, location, days_since_count, settings: CountSettings) -> CountList:
    """The records worth a count, best first; ties by the order of the pairs, which is their key's.

    gain (n,) money; location (n,) int code; days_since_count (n,), -1 = never. At most `list_size` per location; only gains
    above the cost of a count; nothing counted within `pause_days`.
    """
    rested = (days_since_count == NEVER) | (days_since_count >= settings.pause_days)
    # Cents decide, not the last digits of a float: the order is the same on every machine.
    cents = np.rint(np.asarray(gain, np.float64) * 100.0)
    candidates = np.flatnonzero((cents > settings.cost_per_count * 100.0) & rested)
    order = candidates[np.argsort(-cents[candidates], kind="stable")]
    by_location = np.argsort(location[order], kind="stable")
    sorted_location = location[order][by_location]
    starts = np.flatnonzero(np.concatenate([[True], sorted_location[1:] != sorted_location[:-1]])) if len(order) else []
    lengths = np.diff(np.append(starts, len(order))).astype(np.int64)
    location_rank = np.empty(len(order), np.int64)
    location_rank[by_location] = np.arange(len(order)) - np.repeat(np.asarray(starts, np.int64), lengths) + 1
    kept = location_rank <= settings.list_size
    pair = order[kept]
    return CountList(pair, np.arange(1, len(pair) + 1), location_rank[kept], cents[pair] / 100.0)
