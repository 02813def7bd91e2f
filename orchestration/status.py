"""`allocator status` and `allocator quarantine`: read-only answers from the lake and `published/`."""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

from data_quality.feeds import load_contracts
from data_quality.intake import landed_dates
from orchestration.errors import UsageError
from orchestration.lock import is_held
from orchestration.publishing.current import read_current
from orchestration.settings import Home

_OPEN_ROWS = """
SELECT q.feed, q.business_date, q.source_file AS file, q.source_line AS line, q.reasons, q.detail, q.first_seen, q.raw_text
FROM read_parquet($quarantine, hive_partitioning = false) AS q
ANTI JOIN read_parquet($resolved, hive_partitioning = false) AS r
  ON r.feed = q.feed AND r.business_date = q.business_date
 AND r.source_file = q.source_file AND r.source_line = q.source_line
WHERE $feed IS NULL OR q.feed = $feed
ORDER BY q.feed, q.business_date, q.source_file, q.source_line
"""


def status(home: Home) -> str:
    """Newest date landed, run and published; the last refusal; quarantined rows by feed and reason."""
    landed = landed_dates(home.landing, list(load_contracts()))
    runs = sorted(path.name.split("=")[1] for path in (home.lake / "runs").glob("business_date=*"))
    runs = [day for day in runs if day > "0001-01-01"]
    current = read_current(home.published)
    lines = [
        f"home       {home.root}" + (" (a run holds it now)" if is_held(home) else ""),
        f"landed     {max(landed) if landed else 'nothing yet'}" + (f" ({len(landed)} dates)" if landed else ""),
        f"run        {runs[-1] if runs else 'never'}",
        f"published  {current.business_date} (run {current.run_id[:8]}, {current.published_at})"
        if current
        else "published  never",
    ]
    ahead = sorted(day for day in landed if current and str(day) > current.business_date)
    if ahead:
        lines.append(f"to do      {len(ahead)} landed dates are newer than what is published, next {ahead[0]}")
    if home.refusal_file.exists():
        said = json.loads(home.refusal_file.read_text())
        lines += [f"refused    {said['business_date']}: {line}" for line in said["lines"]]
    return "\n".join(lines + _quarantine_counts(home))


def quarantine(home: Home, feed: str | None, export: str | None) -> str:
    """The rows that are quarantined now (taken up ones left out), 50 on screen or all of them to a CSV file."""
    if feed is not None and feed not in load_contracts():
        raise UsageError(f"feed {feed!r} is not in the contract: one of {', '.join(load_contracts())}")
    if not _has_loads(home):
        return "nothing has been taken in yet: run `allocator run --date D`"
    with duckdb.connect() as connection:
        relation = connection.sql(_OPEN_ROWS, params=_parameters(home, feed))
        total = len(relation)
        if export:
            relation.write_csv(str(Path(export)))
            return f"{total} quarantined rows written to {export}"
        rows = relation.limit(50).fetchall()
    lines = [
        f"{f}/business_date={d}/{file}:{line}  {', '.join(reasons)}  {detail or ''}\n    {raw}"
        for f, d, file, line, reasons, detail, _, raw in rows
    ]
    rest = [f"... and {total - 50} more: --export FILE writes them all"] if total > 50 else []
    return "\n".join([*lines, *rest]) or "no row is quarantined"


def _quarantine_counts(home: Home) -> list[str]:
    if not _has_loads(home):
        return []
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT feed, reason, count(*) FROM (SELECT feed, unnest(reasons) AS reason FROM ({_OPEN_ROWS})) GROUP BY ALL ORDER BY ALL",
            _parameters(home, None),
        ).fetchall()
    return [f"quarantine {feed}: {count} rows {reason}" for feed, reason, count in rows] or ["quarantine empty"]


def _has_loads(home: Home) -> bool:
    return any((home.lake / "loads").glob("*/*/*/quarantine.parquet"))


def _parameters(home: Home, feed: str | None) -> dict[str, str | None]:
    loads = home.lake / "loads" / "*" / "*" / "*"
    return {"quarantine": str(loads / "quarantine.parquet"), "resolved": str(loads / "resolved.parquet"), "feed": feed}
