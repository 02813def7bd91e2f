"""The records of a run: which there are, what the dates since the last beliefs say of them, and their new beliefs.

Reads the warehouse (facts only where something happened) and the carry of the date before; a first run looks back over
`records.window_days`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allocation_assets.records.carry import BELIEFS, read_learned, read_state
from allocation_assets.records.filter import (
    Beliefs,
    Facts,
    FilterSettings,
    Learned,
    RecordState,
    new_state,
    update_beliefs,
)
from allocation_assets.tables import dates, floats, integers

_UNIVERSE = """
CREATE OR REPLACE TEMP TABLE universe AS
SELECT row_number() OVER (ORDER BY p.sku_id, p.location_id) - 1 AS pair, p.sku_id, p.location_id,
       p.on_hand, p.first_seen, p.first_seen IS NOT DISTINCT FROM d.opened_on AS is_opening_record,
       coalesce(f.next_day_mean, 0) AS daily_mean, coalesce(f.next_day_dispersion, 1) AS dispersion,
       i.style_id, i.department, i.class, i.subclass, i.brand, i.supplier_id, i.lifecycle, i.season, s.abc AS segment,
       i.unit_cost, i.unit_price, i.case_pack,
       l.location_type, l.cluster, l.region, l.channel, l.tier
FROM inventory_positions AS p
JOIN int_business_dates AS d ON d.business_date = p.business_date
LEFT JOIN read_parquet($forecasts, hive_partitioning = false) AS f ON f.location_id = p.location_id AND f.sku_id = p.sku_id
LEFT JOIN read_parquet($segments, hive_partitioning = false) AS s ON s.sku_id = p.sku_id
LEFT JOIN int_items AS i ON i.sku_id = p.sku_id
LEFT JOIN int_locations_in_force AS l ON l.location_id = p.location_id AND l.business_date = p.business_date
WHERE p.business_date = $day AND NOT p.is_unopened
"""
_NET = """
SELECT u.pair, sum(e.net_units)::BIGINT AS net_units FROM int_record_evidence AS e JOIN universe AS u USING (location_id, sku_id)
WHERE e.business_date >= $first AND e.business_date <= $day GROUP BY u.pair ORDER BY u.pair
"""
_FACTS = """
SELECT u.pair, e.* EXCLUDE (business_date, location_id, sku_id) FROM int_record_evidence AS e JOIN universe AS u USING (location_id, sku_id)
WHERE e.business_date = $day ORDER BY u.pair
"""
_CARRIED = """
SELECT u.pair, c.file_row_number AS carried FROM universe AS u
JOIN read_parquet($carry, file_row_number = true, hive_partitioning = false) AS c USING (location_id, sku_id) ORDER BY u.pair
"""
_DATES = """
SELECT business_date FROM int_business_dates WHERE business_date > $after AND business_date <= $day AND is_book_open ORDER BY 1
"""
#: A book is not older than this in the errors that it is presumed to have gathered.
_OLDEST_AGE_DAYS = 365


@dataclass(frozen=True)
class Universe:
    """The opened records at the close of the run's date (n, by SKU and location) and their locations' names (m)."""

    table: pa.Table
    location: np.ndarray
    locations: list[str]

    @property
    def size(self) -> int:
        """Number of records."""
        return self.table.num_rows


@dataclass(frozen=True)
class Formed:
    """What a run makes of its records: the beliefs, the state to carry, and what counts have taught."""

    universe: Universe
    beliefs: Beliefs
    state: RecordState
    learned: Learned


def read_universe(connection: duckdb.DuckDBPyConnection, day: date, forecasts: Path, segments: Path) -> Universe:
    """The records of a date with what policy and demand need of them."""
    connection.execute(_UNIVERSE, {"day": day, "forecasts": str(forecasts), "segments": str(segments)})
    table = connection.execute("SELECT * FROM universe ORDER BY pair").to_arrow_table()
    names = sorted(table["location_id"].unique().to_pylist())
    location = pc.index_in(table["location_id"], value_set=pa.array(names, pa.string()))
    return Universe(table, location.to_numpy(zero_copy_only=False).astype(np.int64), names)


@dataclass(frozen=True)
class Carried:
    """The hand-over of the landed date before: its date and the folder of its files (allocation_assets/records/carry.py)."""

    date: date
    folder: Path


def form_beliefs(
    connection: duckdb.DuckDBPyConnection,
    universe: Universe,
    day: date,
    carried: Carried | None,
    settings: FilterSettings,
    window_days: int,
) -> Formed:
    """Take in the day's facts on top of what was carried; without a hand-over (cold start) those of the window."""
    if carried is not None:
        replay = _Replay(connection, universe, settings, [day], day)
        taught = read_learned(carried.folder, universe.locations)
        state, learned, beliefs = replay.run(replay.carried_state(carried.folder / BELIEFS), taught, carried.date)
        return Formed(universe, beliefs, state, learned)
    days = _dates(connection, day, window_days) or [day]
    replay = _Replay(connection, universe, settings, days, day)
    nothing = Learned.nothing(len(universe.locations))
    state, learned, beliefs = replay.run(replay.first_state(days[0]), nothing, None)
    return Formed(universe, beliefs, state, learned)


class _Replay:
    """Feeds the filter date by date: facts that happened, on top of the book each record had."""

    def __init__(self, connection, universe: Universe, settings: FilterSettings, days: list[date], day: date) -> None:
        self.connection, self.universe, self.settings, self.days, self.day = connection, universe, settings, days, day
        table = universe.table
        self.mean, self.dispersion = floats(table, "daily_mean"), floats(table, "dispersion", 1.0)
        self.pack = np.maximum(integers(table, "case_pack", 1), 1)
        self.first_seen = dates(table, "first_seen")
        self.opening = self._opening_book()

    def _opening_book(self) -> np.ndarray:
        book = integers(self.universe.table, "on_hand")
        net = self.connection.execute(_NET, {"first": self.days[0], "day": self.day}).to_arrow_table()
        np.subtract.at(book, integers(net, "pair"), integers(net, "net_units"))
        return book

    def first_state(self, first: date, rows=slice(None)) -> RecordState:
        """Records (all, or `rows`) without beliefs: errors of the time since they were first seen, and of a book that was taken over."""
        seen = np.where(np.isnat(self.first_seen), np.datetime64(first), self.first_seen)
        age = np.maximum((np.datetime64(first) - seen).astype(np.int64), 0)
        taken_over = self.universe.table["is_opening_record"].to_numpy(zero_copy_only=False).astype(bool)
        age = np.minimum(age + np.where(taken_over, self.settings.opening_age_days, 0), _OLDEST_AGE_DAYS)
        return new_state(self.opening[rows], self.mean[rows], self.pack[rows], self.settings, age_days=age[rows])

    def carried_state(self, carry: Path) -> RecordState:
        """The state of the date before; records that are new since begin their own."""
        known = self.connection.execute(_CARRIED, {"carry": str(carry)}).to_arrow_table()
        pair, row = integers(known, "pair"), integers(known, "carried")
        new = np.setdiff1d(np.arange(self.universe.size), pair)
        held, begun = read_state(carry, row), self.first_state(self.day, new)
        back = np.argsort(np.concatenate([pair, new]))
        return RecordState(*(np.concatenate([vars(held)[name], values])[back] for name, values in vars(begun).items()))

    def run(self, state: RecordState, learned: Learned, before: date | None) -> tuple[RecordState, Learned, Beliefs]:
        """Update date by date; what a date's counts teach holds from the next one on."""
        book = self.opening
        for day in self.days:
            facts, closing = self._facts(day, book)
            elapsed = 1 if before is None else (day - before).days
            age = np.where(np.isnat(self.first_seen), elapsed, (np.datetime64(day) - self.first_seen).astype(np.int64))
            state, learned, beliefs = update_beliefs(
                state, facts, learned, self.settings, days=np.clip(age, 0, elapsed), threads=2
            )
            book, before = closing, day
        return state, learned, beliefs

    def _facts(self, day: date, book: np.ndarray) -> tuple[Facts, np.ndarray]:
        rows = self.connection.execute(_FACTS, {"day": day}).to_arrow_table()
        pair, n = integers(rows, "pair"), self.universe.size

        def dense(name: str, empty: int = 0) -> np.ndarray:
            values = np.full(n, empty, np.int64)
            values[pair] = integers(rows, name, empty)
            return values

        share = np.full(n, np.nan)
        share[pair] = floats(rows, "share_out", np.nan)
        sales, location = dense("sales_units"), self.universe.location
        # A location that sold nothing at all was closed, whatever its calendar says: no evidence about its records.
        trading = np.bincount(location, sales, len(self.universe.locations)) > 0
        closing = book + dense("net_units")
        return Facts(
            location, book, closing, sales, dense("received_units"), dense("returned_units"), dense("moved_units"),
            dense("corrected_units"), dense("counted_units", -1), dense("count_variance"), share, trading[location],
            self.mean, self.dispersion, self.pack,
        ), closing  # fmt: skip


def _dates(connection: duckdb.DuckDBPyConnection, day: date, window_days: int) -> list[date]:
    after = np.datetime64(day) - np.timedelta64(window_days, "D")
    return [row[0] for row in connection.execute(_DATES, {"after": after.item(), "day": day}).fetchall()]
