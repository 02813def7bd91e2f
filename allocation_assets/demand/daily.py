"""A run's demand: the state of its series from what the date before handed over, or from history on a cold start.

Reads the warehouse through `history` and the files of `carry`; what is computed is in `champion` and `cold_start`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from allocation_assets.demand import carry, history
from allocation_assets.demand.champion import (
    ChampionSettings,
    Days,
    DemandState,
    Keys,
    advance_state,
    borrow_levels,
    location_factors,
    take_late,
)
from allocation_assets.demand.cold_start import learn, replay
from allocation_assets.demand.season import WEEKS, WeeklySums, season_index, week_number
from allocation_assets.policy.events import event_codes
from allocation_assets.tables import dates as date_column

#: Series of a history that are read and walked at once; about 1 GB at 182 dates.
SHARD_SERIES = 250_000


@dataclass(frozen=True)
class Calendar:
    """What the dates of a run mean: events by name, whether a landed date is a week, days that history reaches back."""

    events: Sequence[str]
    is_weekly: bool
    history_days: int
    season_weeks: int
    relearn_days: int

    @property
    def period_days(self) -> int:
        """Days that one landed date of demand covers."""
        return 7 if self.is_weekly else 1

    def event_names(self) -> list[str]:
        """Names of the events, in order; code k + 1 is the k-th."""
        return event_codes(np.empty(0, "datetime64[D]"), self.events)[1]

    def event_of(self, dates: np.ndarray, names: Sequence[str]) -> np.ndarray:
        """Event codes of dates (t,) by the given names, 0 = none."""
        codes, own = event_codes(dates, self.events)
        to = np.array([0, *(names.index(name) + 1 for name in own)], np.int64)
        return to[codes]


@dataclass(frozen=True)
class RunDemand:
    """The series of a run (table, n rows), their codes and names, promotions, the state at its close, and the date whose run
    learned from history (its own on a cold start)."""

    table: pa.Table
    codes: history.SeriesCodes
    keys: Keys
    names: carry.Names
    promotions: history.Promotions
    state: DemandState
    weeks: WeeklySums
    learned_on: date


def settings_of(policy: Mapping[str, Any]) -> ChampionSettings:
    """The champion's constants from the deployment's policy."""
    return ChampionSettings(
        dispersion_weight=policy["demand.dispersion_weight"],
        max_dispersion=policy["demand.max_dispersion"],
        default_dispersion=policy["demand.default_dispersion"],
        factor_limit=policy["demand.factor_limit"],
        learn_series=policy["demand.learn_series"],
    )


def calendar_of(policy: Mapping[str, Any]) -> Calendar:
    """The calendar of the deployment's policy."""
    return Calendar(
        policy["calendar.events"], policy["calendar.period"] == "week", policy["demand.history_days"],
        policy["demand.season_weeks"], policy["demand.relearn_days"],
    )  # fmt: skip


def form_demand(
    connection: duckdb.DuckDBPyConnection, day: date, carried: Path | None, carried_on: date | None,
    calendar: Calendar, horizon_days: int, settings: ChampionSettings,
) -> RunDemand:  # fmt: skip
    """The state of demand at the close of `day`.

    carried: folder of the files that the landed date `carried_on` handed over; None = cold start from history. So it is after
    `calendar.relearn_days`, too: constants that were learned once need not hold for ever.
    """
    learned_on = carry.learned_on(carried) if carried else day
    if (day - learned_on).days >= calendar.relearn_days:
        carried, carried_on, learned_on = None, None, day
    table = history.read_series(connection, day)
    codes = history.series_codes(table)
    first = (carried_on or day - timedelta(days=calendar.history_days)) + timedelta(days=1)
    promotions = history.read_promotions(connection, first, day + timedelta(days=horizon_days))
    known = carry.known_names(carried) if carried else ([], [])
    names = carry.Names(
        codes.sku_names, codes.class_names, codes.group_names,
        sorted({*known[0], *calendar.event_names()}), sorted({*known[1], *promotions.offer.tolist()}),
    )  # fmt: skip
    walk = _Walk(connection, table, codes, promotions, names, calendar, settings)
    dates = history.landed_dates(connection, first, day)
    state, weeks = walk.onward(carried, carried_on, dates) if carried else walk.from_history(dates)
    return RunDemand(table, codes, walk.keys, names, promotions, state, weeks, learned_on)


class _Walk:
    """Takes dates in: one by one on top of a carried state, or a history shard by shard."""

    def __init__(self, connection, table: pa.Table, codes, promotions, names, calendar: Calendar, settings) -> None:
        self.connection, self.codes, self.promotions, self.names = connection, codes, promotions, names
        self.calendar, self.settings = calendar, settings
        self.first_seen = date_column(table, "first_seen")
        self.keys = self._keys(np.arange(table.num_rows))[0]

    def _keys(self, rows: np.ndarray) -> tuple[Keys, np.ndarray]:
        """Keys of whole SKUs' series (ascending), SKUs numbered anew, and the like SKU of each."""
        codes = self.codes
        skus, sku = np.unique(codes.sku[rows], return_inverse=True)
        at = np.full(len(codes.sku_class) + 1, -1, np.int64)
        at[skus] = np.arange(len(skus))
        ptr = np.searchsorted(sku, np.arange(len(skus) + 1))
        keys = Keys(ptr, sku, codes.location[rows], codes.group[rows], codes.sku_class[skus], codes.group_class)
        return keys, at[codes.like_sku[skus]]

    def _days(self, dates: np.ndarray, rows: np.ndarray) -> Days:
        events = self.calendar.event_of(dates, self.names.event)
        return history.read_days(
            self.connection, self.first_seen, dates, rows, self.calendar.is_weekly, events, self.promotions, self.names.offer
        )  # fmt: skip

    def onward(self, folder: Path, before: date, dates: np.ndarray) -> tuple[DemandState, WeeklySums]:
        """The state of the date `before` after the dates and late facts; series and SKUs that are new begin at their priors."""
        weeks = carry.read_weeks(folder, self.names, self.calendar.season_weeks)
        state = replace(self._carried(folder), season=season_index(weeks))
        late = history.read_late(self.connection, before)
        state = take_late(state, self.keys, *late, self.settings)
        every = np.arange(len(self.codes.sku))
        for day in dates:
            days = self._days(np.array([day]), every)
            closed = history.closed_series(self.connection, day.item())
            days.exposure[0, closed[days.units[0, closed] <= 0]] = 0.0
            state, _ = advance_state(state, self.keys, days, self.settings)
            weeks = self._with_day(weeks, day, days)
        return state, weeks

    def _with_day(self, weeks: WeeklySums, day: np.datetime64, days: Days) -> WeeklySums:
        """The weekly sums with one more date."""
        counted = (days.exposure[0] != 0) & (days.first_day <= 0)
        of, classes = self.codes.sku_class[self.codes.sku], len(self.codes.class_names)
        units = np.bincount(of, np.where(counted, days.units[0], 0.0), classes)
        series = np.bincount(of, counted, classes)
        week = week_number(np.array([day]))
        return weeks.plus(week, np.maximum(units, 0.0)[:, None], series[:, None], self.calendar.season_weeks)

    def _carried(self, folder: Path) -> DemandState:
        s = self.settings
        row, at = history.read_carried(self.connection, folder)
        series = np.zeros((5, len(self.codes.sku)), np.float32)
        series[:, row] = carry.read_series(folder, at)
        skus = carry.read_skus(folder, self.names.sku)
        sums, dispersion, drifts, inflation = carry.read_model(folder, self.names, s.default_dispersion)
        known = ~np.isnan(skus[0])
        skus[:, ~known] = 0.0
        skus = borrow_levels(skus, known, self.codes.like_sku, self.codes.neighbours, self.codes.sku_class, s)
        new = np.setdiff1d(np.arange(series.shape[1]), row)
        state = DemandState(series, skus, sums, dispersion, drifts, inflation, np.ones((len(dispersion), WEEKS)))
        series[0, new] = location_factors(state, self.keys, row, self.codes.locations, s)[self.keys.location[new]]
        series[1, new] = s.ratio_var
        return state

    def from_history(self, dates: np.ndarray) -> tuple[DemandState, WeeklySums]:
        """Cold start: factors and constants from a sample of SKUs, then every SKU's walk through its history."""
        s, codes = self.settings, self.codes
        back = dates[-1] - np.timedelta64(7 * self.calendar.season_weeks, "D")
        every = history.landed_dates(self.connection, back.item(), dates[-1].item())
        weeks = history.read_weeks(self.connection, codes, self.first_seen, every, self.calendar.season_weeks)
        sample = history.sample_series(self.connection, s.learn_series)
        keys, like = self._keys(sample)
        sizes = (codes.locations, len(self.names.event) + 1, len(self.names.offer) + 1)
        learned = learn(keys, self._days(dates, sample), like, sizes, season_index(weeks), s)
        series, skus = np.zeros((5, len(codes.sku)), np.float32), np.zeros((3, len(codes.sku_class)))
        for lo, hi in self._shards():
            rows = np.arange(self.keys.ptr[lo], self.keys.ptr[hi])
            keys, like = self._keys(rows)
            part = replay(keys, self._days(dates, rows), like, learned, s)
            series[:, rows], skus[:, lo:hi] = part.series, part.skus
        seen = np.bincount(codes.sku, series[4], skus.shape[1]) > 0
        skus = borrow_levels(skus, seen, codes.like_sku, codes.neighbours, codes.sku_class, s)
        taught = learned.sums, learned.class_dispersion, learned.drifts, learned.inflation, learned.season
        return DemandState(series, skus, *taught), weeks

    def _shards(self) -> list[tuple[int, int]]:
        """Ranges of SKUs of at most SHARD_SERIES series each (or one SKU)."""
        ptr, cuts = self.keys.ptr, [0]
        while cuts[-1] < len(ptr) - 1:
            end = int(np.searchsorted(ptr, ptr[cuts[-1]] + SHARD_SERIES, side="right")) - 1
            cuts.append(min(max(end, cuts[-1] + 1), len(ptr) - 1))
        return list(pairwise(cuts))


def save(folder: Path, demand: RunDemand) -> None:
    """Write what the date hands over."""
    table = demand.table
    carry.write_state(folder, table["sku_id"], table["location_id"], demand.state, demand.weeks, demand.names, demand.learned_on)
