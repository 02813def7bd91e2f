"""How far back approvals of counts reach: an approved correction posts on the count's own date (semantics 18).

Each date's approvals are judged into one outcome file (`decisions/approval_outcomes`). The range of a run must reach back
to the dates of the counts that such a file approves, for every file whose effect readers have not seen: the run date's
own always, so that a re-run rebuilds the same dates, and each that is new or other than the one the published release was
built with (`CURRENT.json`, `outcomes`): its run was killed, refused, or judged again. Where a date was judged again, the
ledger may hold what the first judgement approved; dbt's table `applied_approvals` remembers its dates. All three inputs
stand still from dbt's first step to the publish step, so every step of a run sees the same range.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path

import duckdb

from orchestration.publishing.current import Current, sha256_of
from orchestration.settings import Home

DATASET = "approval_outcomes"


def outcome_hashes(home: Home, state_to: date) -> dict[str, str]:
    """sha256 of each outcome file up to `state_to` (dbt reads none of later dates), by date in ISO form."""
    files = sorted((home.lake / "decisions" / DATASET).glob("business_date=*/data.parquet"))
    days = {path.parent.name.split("=")[1]: path for path in files}
    # The placeholder of date 1 has no rows.
    return {day: sha256_of(path) for day, path in days.items() if date.min < date.fromisoformat(day) <= state_to}


def oldest_approved(home: Home, run_date: date, state_to: date, current: Current | None) -> date | None:
    """Oldest date of a count that was approved, or was before a date was judged again, and that readers may not have seen.

    home: whose lake and warehouse are read; run_date: the run's date; state_to: end of the range; current: what is
    published. Returns None where nothing is to be rebuilt.
    """
    seen = current.outcomes if current else {}
    now = outcome_hashes(home, state_to)
    unseen = {day for day, sha in now.items() if seen.get(day) != sha} | ({str(run_date)} & set(now))
    if not unseen:
        return None
    files = [str(home.lake / "decisions" / DATASET / f"business_date={day}" / "data.parquet") for day in sorted(unseen)]
    with duckdb.connect() as connection:
        approved = connection.execute(
            "SELECT min(about_date) FROM read_parquet($files, hive_partitioning = false) "
            "WHERE kind = 'count' AND outcome = 'approved'",
            {"files": files},
        ).fetchone()[0]
    return min(filter(None, (approved, _oldest_applied(home.database, sorted(unseen)))), default=None)


def _oldest_applied(warehouse: Path, days: list[str]) -> date | None:
    """Oldest date that the ledger has ever rebuilt for the outcome files of `days`."""
    if not warehouse.exists():
        return None
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        known = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = 'applied_approvals'")
        if not known.fetchone()[0]:
            return None
        return connection.execute(
            "SELECT min(about_date) FROM applied_approvals WHERE list_contains($days::DATE[], decided_on)", {"days": days}
        ).fetchone()[0]
