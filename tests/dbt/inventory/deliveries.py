"""Facts that are delivered to a lake run by run, as a retailer would: on their own date, or late."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from tests.support.lake import DbtSession, Lake

Row = dict[str, Any]


def day(number: int) -> date:
    """January `number`, 2026."""
    return date(2026, 1, number)


def at(number: int, time: str | None) -> datetime | None:
    """A moment of January `number`; None stays None."""
    return None if time is None else datetime.fromisoformat(f"2026-01-{number:02d}T{time}")


@dataclass
class Deliveries:
    """Rows by feed with the run that takes them in: the first run on or after their date, unless they come late."""

    runs: Sequence[date]
    rows: list[tuple[date, str, Row]] = field(default_factory=list)
    outcomes: list[tuple[date, Row]] = field(default_factory=list)

    def add(self, feed: str, number: int, row: Row, *, late: date | None = None) -> None:
        """One row of `feed` dated January `number`."""
        taken_in = late or next(r for r in self.runs if r >= day(number))
        self.rows.append((taken_in, feed, {"business_date": day(number), **row}))

    def judge(self, run: int, number: int, location: str, sku: str, count: str, outcome: str = "approved") -> None:
        """What the run of January `run` decides of an approval about a count of January `number`."""
        row = {"about_date": day(number), "location_id": location, "sku_id": sku, "source_id": count}
        self.outcomes.append((day(run), row | {"kind": "count", "outcome": outcome}))

    def take_in(self, lake: Lake, run: date) -> date:
        """Write the loads and the outcome file of one run; returns the oldest date that they touch."""
        feeds: dict[str, list[Row]] = {}
        for taken_in, feed, row in self.rows:
            if taken_in == run:
                feeds.setdefault(feed, []).append(row)
        for feed, rows in feeds.items():
            lake.load(feed, run, rows)
        judged = [row for judged_on, row in self.outcomes if judged_on == run]
        lake.decide("approval_outcomes", run, judged)
        touched = [row["business_date"] for rows in feeds.values() for row in rows]
        return min(touched + [row["about_date"] for row in judged if row["outcome"] == "approved"])


def run_all(deliveries: Deliveries, lake: Lake, dbt: DbtSession, variables: Row) -> None:
    """Take in and build every run in order, as the pipeline would day by day."""
    for run in deliveries.runs:
        touched = deliveries.take_in(lake, run)
        dbt.run("run", "--select", "tag:inventory", "reconciliations", run_date=run, state_from=min(touched, run), variables=variables)
