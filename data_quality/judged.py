"""What each gate judges: its datasets, as views on one DuckDB connection, and their fingerprints for the receipt.

Warehouse tables are attached read-only, lake Parquet is read in place; nothing is copied. Views are named as the
datasets. The dates are DuckDB variables (`run_date`, `first_date`, `last_date`, `previous_date`), which the planner
folds into constants, so only the row groups of the judged dates are read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Literal

import duckdb

from data_quality.expectations import Gate
from data_quality.intake.lake import load_folders
from data_quality.intake.sql import exact_path, literal

Dates = Literal["run", "range", "window", "all"]


@dataclass(frozen=True)
class Source:
    """One view of a gate. `origin` is a warehouse table or a lake decision; `dates` which of its rows are in the view.

    run: business_date = D; range: the judged dates; window: the range and the landed date before it; all: no filter.
    A judged source is what the gate vouches for; the others are read for comparison.
    """

    name: str
    kind: Literal["warehouse", "decisions"]
    origin: str
    dates: Dates
    judged: bool


@dataclass(frozen=True)
class Scope:
    """What a gate looks at: run date D and the judged range [first_date, last_date] of state (D alone by default)."""

    gate: Gate
    warehouse: Path
    lake: Path
    run_date: date
    first_date: date
    last_date: date
    feeds: tuple[str, ...] = ()


@dataclass(frozen=True)
class Fingerprint:
    """Hash of one judged thing: a lake file (sha256 of its bytes) or a table's rows of the judged dates."""

    name: str
    kind: Literal["file", "table"]
    sha256: str


def _judged(kind: Literal["warehouse", "decisions"], dates: Dates, *names: str) -> list[Source]:
    return [Source(name, kind, name, dates, True) for name in names]


def _context(kind: Literal["warehouse", "decisions"], dates: Dates, origin: str, name: str | None = None) -> Source:
    return Source(name or origin, kind, origin, dates, False)


SOURCES: Mapping[Gate, Sequence[Source]] = {
    "feeds": [],
    "positions": [
        *_judged("warehouse", "range", "inventory_positions", "stock_ledger"),
        _context("warehouse", "window", "inventory_positions", "inventory_positions_window"),
        _context("warehouse", "window", "stock_ledger", "stock_ledger_window"),
    ],
    "decisions": [
        # The file of D whole: a row of another date in it is a fault, not something to look past.
        *_judged(
            "decisions", "all",
            "demand_forecasts", "forecast_accuracy", "sku_segments", "sku_segment_changes",
            "allocations", "allocation_needs", "allocation_certificate",
            "approval_outcomes", "variance_causes", "adjustments_proposed", "audit_entries",
            "record_beliefs", "count_list", "location_reliability", "demand_signals", "exceptions",
            "lead_times", "vendor_scorecards", "inbound_predictions", "replenishment_orders", "service_levels", "stock_placement",
            "stock_out_causes",
        ),
        _context("warehouse", "run", "inventory_positions"),
        _context("warehouse", "all", "int_allocation_pairs"),
        _context("warehouse", "all", "int_dc_supply"),
        _context("warehouse", "all", "int_replenishment_pairs"),
        _context("warehouse", "run", "int_on_order"),
        _context("warehouse", "all", "int_variances"),
    ],
    "marts": [
        *_judged("warehouse", "range", "kpi_daily", "kpi_periods", "feed_accounting", "quarantine", "reconciliations"),
        *_judged("warehouse", "run", "allocation_performance"),
        _context("warehouse", "range", "int_demand_daily"),
        _context("warehouse", "range", "inventory_positions"),
        _context("warehouse", "window", "inventory_positions", "inventory_positions_window"),
        _context("warehouse", "window", "reconciliations", "reconciliations_window"),
        _context("decisions", "all", "allocation_needs"),
        _context("decisions", "all", "allocation_certificate"),
    ],
}  # fmt: skip

#: Filters of a view, by `Source.dates`. The ledger's window starts after the date before: its position holds the rest.
_FILTERS: Mapping[Dates, str] = {
    "run": "business_date = getvariable('run_date')",
    "range": "business_date BETWEEN getvariable('first_date') AND getvariable('last_date')",
    "window": "business_date BETWEEN coalesce(getvariable('previous_date'), getvariable('first_date')) "
    "AND getvariable('last_date')",
    "all": "true",
}
_LEDGER_WINDOW = (
    "business_date > coalesce(getvariable('previous_date'), DATE '0001-01-01') "
    "AND business_date <= getvariable('last_date')"
)


def feed_files(lake: Path, feed: str, stem: str, first_date: date = date.min) -> list[Path]:
    """Files `stem`.parquet of the loads of one feed posted on or after `first_date`, in order of load.

    A row is never posted before its business_date, so these hold every row of the judged dates and older loads stay
    closed.
    """
    paths = (folder / f"{stem}.parquet" for folder in load_folders(lake, feed, first_date))
    return [path for path in paths if path.is_file()]


def open_views(connection: Any, scope: Scope) -> frozenset[str]:
    """Create the gate's variables and views on `connection`; returns the judged datasets that can be read.

    Raises duckdb.Error where the warehouse cannot be opened.
    """
    connection.execute("SET VARIABLE run_date = ?::DATE", [scope.run_date])
    connection.execute("SET VARIABLE first_date = ?::DATE", [scope.first_date])
    connection.execute("SET VARIABLE last_date = ?::DATE", [scope.last_date])
    if scope.gate == "feeds":
        return _open_feeds(connection, scope)
    connection.execute(f"ATTACH {literal(scope.warehouse)} AS warehouse (READ_ONLY)")
    tables = {
        name
        for (name,) in connection.execute(
            "SELECT table_name FROM duckdb_tables() WHERE database_name = 'warehouse' AND schema_name = 'main' "
            "UNION SELECT view_name FROM duckdb_views() WHERE database_name = 'warehouse' AND schema_name = 'main'"
        ).fetchall()
    }
    connection.execute("SET VARIABLE previous_date = NULL::DATE")
    if scope.gate in ("positions", "marts") and "inventory_positions" in tables:
        _set_previous_date(connection)
    return frozenset(
        source.name
        for source in SOURCES[scope.gate]
        if _open_source(connection, scope, source, tables) and source.judged
    )


def fingerprints(connection: Any, scope: Scope, datasets: frozenset[str]) -> tuple[Fingerprint, ...]:
    """Hashes of everything the gate vouches for, ordered by name; stable over thread counts and row order.

    datasets: what `open_views` opened; files are hashed as they are, readable or not.
    """
    sources = [source for source in SOURCES[scope.gate] if source.judged]
    paths = [_decision_file(scope, source.origin) for source in sources if source.kind == "decisions"]
    if scope.gate == "feeds":
        paths = [
            path
            for feed in scope.feeds
            for stem in ("raw", "accounting")
            for path in feed_files(scope.lake, feed, stem, scope.first_date)
        ]
    found = [
        Fingerprint(path.relative_to(scope.lake).as_posix(), "file", _file_sha256(path))
        for path in paths
        if path.is_file()
    ]
    found += [
        Fingerprint(source.name, "table", _table_sha256(connection, source.name))
        for source in sources
        if source.kind == "warehouse" and source.name in datasets
    ]
    return tuple(sorted(found, key=lambda each: each.name))


def _open_source(connection: Any, scope: Scope, source: Source, tables: set[str]) -> bool:
    if source.kind == "decisions":
        path = _decision_file(scope, source.origin)
        if not path.is_file():
            return False
        origin = f"read_parquet({literal(exact_path(path))}, hive_partitioning = false)"
    elif source.origin in tables:
        origin = f'warehouse.main."{source.origin}"'
    else:
        return False
    condition = _LEDGER_WINDOW if source.name == "stock_ledger_window" else _FILTERS[source.dates]
    try:
        connection.execute(f'CREATE OR REPLACE VIEW "{source.name}" AS SELECT * FROM {origin} WHERE {condition}')
    except duckdb.Error:
        # A damaged file, or no business_date: its expectations then fail by name, which says more than a traceback.
        return False
    return True


def _set_previous_date(connection: Any) -> None:
    """Find the landed date before the range: looked for close by first, so that a day costs a day."""
    before = (
        "SELECT max(business_date) FROM warehouse.main.inventory_positions "
        "WHERE business_date < getvariable('first_date')"
    )
    close = f"{before} AND business_date >= getvariable('first_date') - 35"
    previous = connection.execute(close).fetchone()[0] or connection.execute(before).fetchone()[0]
    connection.execute("SET VARIABLE previous_date = ?::DATE", [previous])


def _decision_file(scope: Scope, dataset: str) -> Path:
    return scope.lake / "decisions" / dataset / f"business_date={scope.run_date.isoformat()}" / "data.parquet"


def _open_feeds(connection: Any, scope: Scope) -> frozenset[str]:
    """Views of every feed with rows on the judged dates, of the accounting, and of the masters' ids."""
    opened = set()
    for feed in scope.feeds:
        files = feed_files(scope.lake, feed, "raw", scope.first_date)
        if files:
            _parquet_view(connection, feed, files, _FILTERS["range"])
            rows = connection.execute(f'SELECT 1 FROM "{feed}" LIMIT 1').fetchone()
            opened |= {feed} if rows else set()
    opened |= _open_accounting(connection, scope)
    _open_loaded_rows(connection, sorted(opened - {"accounting"}))
    _open_known_ids(connection, scope)
    return frozenset(opened)


def _open_accounting(connection: Any, scope: Scope) -> set[str]:
    """The view `accounting`: a file's figures are the sum of its deltas (rows taken up later move to loaded)."""
    files = [path for feed in scope.feeds for path in feed_files(scope.lake, feed, "accounting", scope.first_date)]
    if not files:
        return set()
    _parquet_view(connection, "accounting_deltas", files, _FILTERS["range"])
    connection.execute("""
        CREATE OR REPLACE VIEW accounting AS
        SELECT feed, business_date, source_file, sha256, sum(rows_landed)::BIGINT AS rows_landed,
            sum(rows_loaded)::BIGINT AS rows_loaded, sum(rows_duplicate)::BIGINT AS rows_duplicate,
            sum(rows_quarantined)::BIGINT AS rows_quarantined, sum(rows_late)::BIGINT AS rows_late
        FROM accounting_deltas GROUP BY ALL
    """)
    return {"accounting"}


def _open_loaded_rows(connection: Any, feeds: Sequence[str]) -> None:
    counts = [
        f"SELECT '{feed}' AS feed, business_date, source_file, count(*) AS rows_present FROM \"{feed}\" GROUP BY ALL"
        for feed in feeds
    ] or ["SELECT '' AS feed, NULL::DATE AS business_date, '' AS source_file, 0 AS rows_present WHERE false"]
    connection.execute(f"CREATE OR REPLACE VIEW loaded_rows AS {' UNION ALL '.join(counts)}")


def _open_known_ids(connection: Any, scope: Scope) -> None:
    """Ids that the masters have carried: each load keeps those that no earlier one did, so the files stay small."""
    for view, feed in (("known_items", "items"), ("known_locations", "locations")):
        files = feed_files(scope.lake, feed, "keys")
        if files:
            _parquet_view(connection, view, files, "true")
        else:
            connection.execute(f"CREATE OR REPLACE VIEW {view} AS SELECT '' AS id WHERE false")


def _parquet_view(connection: Any, name: str, files: Sequence[Path], condition: str) -> None:
    listed = ", ".join(literal(exact_path(path)) for path in files)
    # By name: a contract may gain optional columns between two loads.
    origin = f"read_parquet([{listed}], union_by_name = true, hive_partitioning = false)"
    connection.execute(f'CREATE OR REPLACE VIEW "{name}" AS SELECT * FROM {origin} WHERE {condition}')


def _file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _table_sha256(connection: Any, view: str) -> str:
    """sha256 over the columns, the row count and two order-free combinations of the rows' 64-bit hashes."""
    columns = connection.execute(f'DESCRIBE "{view}"').fetchall()
    rows = connection.execute(
        f'SELECT count(*), coalesce(bit_xor(hash(t)), 0), coalesce(sum(hash(t)), 0) FROM "{view}" AS t'
    ).fetchone()
    described = [[name, kind] for name, kind, *_ in columns]
    return hashlib.sha256(json.dumps([described, [str(value) for value in rows]]).encode()).hexdigest()
