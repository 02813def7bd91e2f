"""Whether a date's feeds came as policy expects: the arrival gate (semantics 8 and 12)."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

import duckdb

from data_quality.feeds import FeedContract
from data_quality.intake.accounting import AccountingRow, TouchedFiles, known_files
from data_quality.intake.fingerprint import ZERO_BYTES
from data_quality.intake.landing import folder_of, list_folder
from data_quality.intake.model import Arrival, FeedStatus
from data_quality.intake.sql import connect

MAX_QUARANTINE_RATE = 0.05
MAX_QUARANTINE_ROWS = 20
NEVER = "never"


def arrival_status(
    contracts: Mapping[str, FeedContract],
    landing: Path,
    lake: Path,
    day: date,
    expected: Mapping[str, str] | Collection[str],
    *,
    max_quarantine_rate: float = MAX_QUARANTINE_RATE,
    max_quarantine_rows: int = MAX_QUARANTINE_ROWS,
) -> list[FeedStatus]:
    """State of every feed on one date, after its take-in, in the order of `contracts`.

    Args:
        contracts: feeds to judge.
        landing: the landing zone.
        lake: the lake that the date was taken into.
        day: business date being run.
        expected: feeds that must have come, or feed -> `every_date | period_end | never` (runs by the week
            are on period ends, so both of the first two mean expected).
        max_quarantine_rate: largest share of quarantined rows that may be published, in [0, 1]. It is
            passed only by more than `max_quarantine_rows` rows, and counts the files that stand in the
            folder: a file that was replaced no longer counts.
        max_quarantine_rows: see there.
    """
    required = _required(expected)
    limits = (max_quarantine_rate, max_quarantine_rows)
    connection = connect("256MB", 1)
    try:
        return [_feed_status(connection, feed, landing, lake, day, feed in required, limits) for feed in contracts]
    finally:
        connection.close()


def _feed_status(
    connection: duckdb.DuckDBPyConnection,
    feed: str,
    landing: Path,
    lake: Path,
    day: date,
    is_required: bool,
    limits: tuple[float, int],
) -> FeedStatus:
    folder = folder_of(landing, feed, day)
    arrivals = list_folder(day, folder)[0]
    records = known_files(connection, lake, feed, posted_from=day) if arrivals else []
    standing = _standing_records(arrivals, [r for r in records if r.business_date == day], TouchedFiles(lake, feed))
    status, detail = _judge(arrivals, standing, is_required, limits)
    rows, quarantined = _totals(standing)
    return FeedStatus(feed, day, folder, status, detail and f"{feed} on {day}: {detail} ({folder})", rows, quarantined)


def _required(expected: Mapping[str, str] | Collection[str]) -> set[str]:
    if isinstance(expected, Mapping):
        return {feed for feed, when in expected.items() if when != NEVER}
    return set(expected)


def _standing_records(
    arrivals: list[Arrival], records: list[AccountingRow], touched: TouchedFiles
) -> dict[str, AccountingRow]:
    """The newest record of each file as it stands in the folder, by file name; replaced bytes have none."""
    by_state = {(r.landing_name, r.size_bytes, r.mtime_ns): r for r in records}
    by_bytes = {(r.landing_name, r.sha256): r for r in records}
    found = {}
    for arrival in arrivals:
        record = by_state.get((arrival.name, arrival.size_bytes, arrival.mtime_ns))
        record = record or by_bytes.get((arrival.name, touched.sha256(arrival) or ""))
        if record is not None:
            found[arrival.name] = record
    return found


def _totals(standing: Mapping[str, AccountingRow]) -> tuple[int, int]:
    return sum(r.rows_landed for r in standing.values()), sum(r.rows_quarantined for r in standing.values())


def _judge(
    arrivals: list[Arrival], standing: Mapping[str, AccountingRow], is_required: bool, limit: tuple[float, int]
) -> tuple[str, str]:
    """(status, what is wrong and what to do); the text is empty when ok."""
    if is_required and not arrivals:
        return "missing", "no file landed; deliver the feed (a header alone says that nothing happened) and run again"
    if is_required:
        for arrival in arrivals:
            problem = _problem(arrival, standing.get(arrival.name))
            if problem is not None:
                return problem
        refused = [name for name, record in standing.items() if record.is_refused]
        if refused and len(refused) == len(arrivals):
            return "unreadable", f"every file is refused by its manifest ({refused[0]}); deliver it again and run again"
    rows, quarantined = _totals(standing)
    max_rate, max_rows = limit
    if quarantined > max_rows and quarantined > max_rate * rows:
        share = f"{quarantined} of {rows} rows are quarantined, more than {max_rate:.1%}"
        return "quarantine_rate", f"{share}; see `allocator quarantine --feed`, correct the feed and run again"
    return "ok", ""


def _problem(arrival: Arrival, record: AccountingRow | None) -> tuple[str, str] | None:
    if arrival.size_bytes == 0:
        return ZERO_BYTES, f"{arrival.name} has zero bytes; deliver it again and run again"
    if record is not None and not record.is_readable:
        return "unreadable", f"{arrival.name} is {record.problem}; deliver it again and run again"
    return None
