"""The four invariants of what is published (published.md), each one SQL statement over the published database alone.

Nothing here knows the pipeline: the tables are the published datasets, so the same check serves the publish step, a
test and a reader. A part of an invariant whose columns are not published is left out (`Invariant.needs`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

BINDING_CONSTRAINTS = (
    "need_met", "dc_supply", "shelf_capacity", "receiving_capacity", "dispatch_capacity", "case_pack", "override",
    "policy_max", "blocked", "no_ship_day", "record_hold", "hold_back", "recently_moved", "min_shipment", "line_cost",
    "quota", "protected", "fair_share",
)  # fmt: skip
#: Those under which nothing may be shipped at all.
BARRED = "('blocked', 'no_ship_day', 'record_hold', 'recently_moved')"
#: Conditions that hold on an offending row; the gates use the same texts.
LEDGER_IDENTITY_BROKEN = (
    "opening + receipts + returns_restocked + transfers_in + adjustments - sales - transfers_out "
    "IS DISTINCT FROM closing_book"
)
ROWS_NOT_CONSERVED = "rows_landed IS DISTINCT FROM rows_loaded + rows_duplicate + rows_quarantined"
GAP_WRONG = (
    "CASE WHEN objective_bound = 0 THEN optimality_gap IS NOT NULL ELSE optimality_gap IS NULL "
    "OR abs(optimality_gap - (1 - objective_value / objective_bound)) > 0.000001 END"
)


@dataclass(frozen=True)
class Invariant:
    """One statement that returns offending rows: `keys` name them; `needs` are the columns it reads, by table."""

    number: int
    name: str
    dataset: str
    keys: tuple[str, ...]
    sql: str
    needs: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class Violation:
    """One offending row: which invariant (1-4), its name, the dataset, the row's key values and its other values."""

    invariant: int
    name: str
    dataset: str
    keys: Mapping[str, Any]
    detail: Mapping[str, Any]

    @property
    def message(self) -> str:
        """One line: the dataset, the row's key, what does not hold there and its values."""
        where, values = (
            ", ".join(f"{name}={value}" for name, value in part.items()) for part in (self.keys, self.detail)
        )
        return f"{self.dataset} {where}: {self.name} does not hold ({values})"


_PAIR = ("business_date", "location_id", "sku_id")
_LANE = ("business_date", "from_location_id", "to_location_id", "sku_id")
_ALLOCATIONS = (*_LANE, "units")

#: The landed date before, by landed date: a published date may follow one that was landed and never run.
_CLOSING_BEFORE = """
WITH landed AS (
    SELECT business_date, lag(business_date) OVER (ORDER BY business_date) AS previous_date
    FROM (SELECT DISTINCT business_date FROM feed_accounting) AS f
),
held AS (SELECT DISTINCT business_date FROM reconciliations),
dates AS (
    SELECT l.* FROM landed AS l SEMI JOIN held AS h ON h.business_date = l.business_date
    SEMI JOIN held AS b ON b.business_date = l.previous_date
    SEMI JOIN scope AS s ON s.business_date = l.business_date
),
closing AS (
    SELECT d.business_date, r.location_id, r.sku_id, r.closing_book
    FROM reconciliations AS r JOIN dates AS d ON d.previous_date = r.business_date
),
opening AS (
    SELECT r.business_date, r.location_id, r.sku_id, r.opening
    FROM reconciliations AS r SEMI JOIN dates USING (business_date)
)
SELECT business_date, location_id, sku_id, o.opening, c.closing_book AS closing_before
FROM opening AS o FULL JOIN closing AS c USING (business_date, location_id, sku_id)
WHERE coalesce(o.opening, 0) <> coalesce(c.closing_book, 0)
"""

#: A decision stands on what was known when it was made; later facts restate the stock of its date and never the decision
#: (semantics 4). What was posted after the date is taken back out of the stock before the two are compared.
_OVER_AVAILABLE = """
WITH sent AS (
    SELECT a.business_date, a.from_location_id, a.sku_id, sum(a.units) AS units
    FROM allocations AS a SEMI JOIN scope USING (business_date) GROUP BY ALL
), excess AS (
    SELECT s.*, coalesce(p.available, 0) AS available, p.on_hand - p.reserved - p.committed AS free_units
    FROM sent AS s LEFT JOIN inventory_positions AS p
        ON p.business_date = s.business_date AND p.location_id = s.from_location_id AND p.sku_id = s.sku_id
    WHERE s.units > coalesce(p.available, 0)
), later AS (
    SELECT e.business_date, e.from_location_id, e.sku_id, sum(l.units) AS posted_later
    FROM excess AS e JOIN stock_ledger AS l ON l.location_id = e.from_location_id AND l.sku_id = e.sku_id
        AND l.bucket = 'on_hand' AND l.business_date <= e.business_date AND l.posted_on > e.business_date
    GROUP BY ALL
)
SELECT e.business_date, e.from_location_id, e.sku_id, e.units, e.available
FROM excess AS e LEFT JOIN later AS l USING (business_date, from_location_id, sku_id)
WHERE e.units > coalesce(e.free_units - l.posted_later, e.available)
"""

_OVER_HOLD_BACK = """
SELECT business_date, from_location_id, sku_id, sum(a.units) AS units, min(n.supply_units) AS supply_units
FROM allocations AS a SEMI JOIN scope USING (business_date)
LEFT JOIN allocation_needs AS n USING (business_date, from_location_id, to_location_id, sku_id)
GROUP BY ALL HAVING sum(a.units) > coalesce(min(n.supply_units), 0)
"""

_NOT_AS_EVALUATED = """
SELECT business_date, from_location_id, to_location_id, sku_id, a.units, n.allocated_units
FROM (SELECT * FROM allocations AS l SEMI JOIN scope USING (business_date)) AS a
FULL JOIN (SELECT * FROM allocation_needs AS e SEMI JOIN scope USING (business_date)) AS n
    USING (business_date, from_location_id, to_location_id, sku_id)
WHERE coalesce(a.units, 0) <> coalesce(n.allocated_units, 0)
"""


def _lines(condition: str) -> str:
    return f"""
SELECT business_date, from_location_id, to_location_id, sku_id, a.units
FROM allocations AS a SEMI JOIN scope USING (business_date)
JOIN allocation_needs AS n USING (business_date, from_location_id, to_location_id, sku_id)
WHERE {condition}
"""


def _over_capacity(location: str, day: str, load: str, capacity: str) -> str:
    return f"""
SELECT business_date, a.{location}, a.{day}, {load} AS load, min(n.{capacity}) AS capacity
FROM allocations AS a SEMI JOIN scope USING (business_date)
JOIN allocation_needs AS n USING (business_date, from_location_id, to_location_id, sku_id)
GROUP BY ALL HAVING {load} > min(n.{capacity})
"""


_OVER_POOL = """
SELECT business_date, from_location_id, sku_id, pool, sum(allocated_units) AS units, min(pool_cap_units) AS pool_cap_units
FROM allocation_needs AS n SEMI JOIN scope USING (business_date)
WHERE pool IS NOT NULL GROUP BY ALL HAVING sum(allocated_units) > min(pool_cap_units)
"""


def _rows_where(table: str, condition: str) -> str:
    return f"SELECT t.* FROM {table} AS t SEMI JOIN scope USING (business_date) WHERE {condition}"


def _capacity(name: str, location: str, day: str, load: str, capacity: str) -> Invariant:
    needs = {"allocations": (*_ALLOCATIONS, day), "allocation_needs": (*_LANE, capacity)}
    sql = _over_capacity(location, day, load, capacity)
    return Invariant(2, name, "allocations", ("business_date", location, day), sql, needs)


INVARIANTS: tuple[Invariant, ...] = (
    Invariant(
        1, "ledger_identity", "reconciliations", _PAIR, _rows_where("reconciliations", LEDGER_IDENTITY_BROKEN),
        {"reconciliations": (
            *_PAIR, "opening", "receipts", "returns_restocked", "sales", "transfers_in", "transfers_out", "adjustments",
            "closing_book",
        )},
    ),
    Invariant(
        1, "opening_is_closing_before", "reconciliations", _PAIR, _CLOSING_BEFORE,
        {"reconciliations": (*_PAIR, "opening", "closing_book"), "feed_accounting": ("business_date",)},
    ),
    Invariant(
        2, "within_available", "allocations", ("business_date", "from_location_id", "sku_id"), _OVER_AVAILABLE,
        {
            "allocations": _ALLOCATIONS,
            "inventory_positions": (*_PAIR, "available", "on_hand", "reserved", "committed"),
            "stock_ledger": (*_PAIR, "bucket", "units", "posted_on"),
        },
    ),
    Invariant(
        2, "within_hold_back", "allocations", ("business_date", "from_location_id", "sku_id"), _OVER_HOLD_BACK,
        {"allocations": _ALLOCATIONS, "allocation_needs": (*_LANE, "supply_units")},
    ),
    Invariant(
        2, "units_as_evaluated", "allocations", _LANE, _NOT_AS_EVALUATED,
        {"allocations": _ALLOCATIONS, "allocation_needs": (*_LANE, "allocated_units")},
    ),
    Invariant(
        2, "no_barred_pair", "allocations", _LANE,
        _lines(f"n.binding_constraint IN {BARRED} AND a.units > 0"),
        {"allocations": _ALLOCATIONS, "allocation_needs": (*_LANE, "binding_constraint")},
    ),
    Invariant(
        2, "no_blocked_pair", "allocations", _LANE, _lines("n.is_blocked AND a.units > 0"),
        {"allocations": _ALLOCATIONS, "allocation_needs": (*_LANE, "is_blocked")},
    ),
    Invariant(
        2, "within_shelf_capacity", "allocations", _LANE,
        _lines("a.override_id IS NULL AND n.position_units + a.units > n.shelf_capacity"),
        {
            "allocations": (*_ALLOCATIONS, "override_id"),
            "allocation_needs": (*_LANE, "position_units", "shelf_capacity"),
        },
    ),
    Invariant(
        2, "units_positive", "allocations", _LANE, _rows_where("allocations", "units IS NULL OR units <= 0"),
        {"allocations": _ALLOCATIONS},
    ),
    Invariant(
        2, "not_below_least_shipment", "allocations", _LANE,
        _lines("n.forced_units = 0 AND a.units < n.min_ship_units"),
        {"allocations": _ALLOCATIONS, "allocation_needs": (*_LANE, "forced_units", "min_ship_units")},
    ),
    Invariant(
        2, "whole_multiples", "allocations", _LANE, _lines("n.forced_units = 0 AND a.units % n.order_units <> 0"),
        {"allocations": _ALLOCATIONS, "allocation_needs": (*_LANE, "forced_units", "order_units")},
    ),
    Invariant(
        2, "within_pool", "allocation_needs", ("business_date", "from_location_id", "sku_id", "pool"), _OVER_POOL,
        {"allocation_needs": (*_LANE, "allocated_units", "pool", "pool_cap_units")},
    ),
    _capacity(
        "within_receiving_capacity", "to_location_id", "arrival_date", "sum(a.units)", "receiving_capacity_units"
    ),
    _capacity("within_dispatch_units", "from_location_id", "ship_date", "sum(a.units)", "dispatch_capacity_units"),
    _capacity("within_dispatch_lines", "from_location_id", "ship_date", "count(*)", "dispatch_capacity_lines"),
    Invariant(
        3, "rows_conserved", "feed_accounting", ("feed", "business_date", "file"),
        _rows_where("feed_accounting", ROWS_NOT_CONSERVED),
        {"feed_accounting": (
            "feed", "business_date", "file", "rows_landed", "rows_loaded", "rows_duplicate", "rows_quarantined",
        )},
    ),
    Invariant(
        4, "value_within_bound", "allocation_performance", ("business_date", "channel", "department"),
        _rows_where("allocation_performance", "NOT coalesce(objective_value <= objective_bound, false)"),
        {"allocation_performance": ("business_date", "channel", "department", "objective_value", "objective_bound")},
    ),
    Invariant(
        4, "gap_is_one_minus_ratio", "allocation_performance", ("business_date", "channel", "department"),
        _rows_where("allocation_performance", GAP_WRONG),
        {"allocation_performance": (
            "business_date", "channel", "department", "objective_value", "objective_bound", "optimality_gap",
        )},
    ),
)  # fmt: skip


def check_invariants(
    duckdb_path: Path, business_dates: Iterable[date] | None = None, *, limit: int = 20
) -> list[Violation]:
    """Offending rows of the published database (at most `limit` per invariant), in order of invariant and key.

    business_dates: the dates to check; None = all that the database holds. Tables that do not exist yet are skipped.
    """
    with duckdb.connect(str(duckdb_path), read_only=True) as published:
        return check_connection(published, business_dates, limit=limit)


def check_connection(
    connection: duckdb.DuckDBPyConnection, business_dates: Iterable[date] | None = None, *, limit: int = 20
) -> list[Violation]:
    """`check_invariants` on an open connection whose current schema holds the published datasets."""
    columns = _columns(connection)
    _scope(connection, columns, business_dates)
    violations = []
    for invariant in INVARIANTS:
        if all(set(names) <= columns.get(table, set()) for table, names in invariant.needs.items()):
            violations.extend(_violations(connection, invariant, limit))
    return violations


def unchecked_invariants(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Invariants that this database cannot show, each with the columns that it lacks."""
    columns = _columns(connection)
    lacking = {
        invariant.name: [
            f"{table}.{name}" for table, names in invariant.needs.items() for name in names
            if name not in columns.get(table, set())
        ]
        for invariant in INVARIANTS
    }  # fmt: skip
    return [f"{name}: {', '.join(missing)}" for name, missing in lacking.items() if missing]


def _columns(connection: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    rows = connection.execute(
        "SELECT table_name, list(column_name) FROM duckdb_columns() "
        "WHERE database_name = current_database() AND schema_name = current_schema() GROUP BY ALL"
    ).fetchall()
    return {table: set(names) for table, names in rows}


def _scope(
    connection: duckdb.DuckDBPyConnection, columns: Mapping[str, set[str]], business_dates: Iterable[date] | None
) -> None:
    """Create the temporary table `scope` of the dates to check."""
    connection.execute("CREATE OR REPLACE TEMP TABLE scope (business_date DATE)")
    if business_dates is not None:
        connection.execute("INSERT INTO scope SELECT DISTINCT unnest(?::DATE[])", [sorted(business_dates)])
        return
    dated = sorted({invariant.dataset for invariant in INVARIANTS} & columns.keys())
    for table in dated:
        connection.execute(f"INSERT INTO scope SELECT DISTINCT business_date FROM {table}")


def _violations(connection: duckdb.DuckDBPyConnection, invariant: Invariant, limit: int) -> list[Violation]:
    found = connection.execute(f"SELECT * FROM ({invariant.sql}) ORDER BY {', '.join(invariant.keys)} LIMIT ?", [limit])
    names = [column[0] for column in found.description]
    rows = [dict(zip(names, values, strict=True)) for values in found.fetchall()]
    return [
        Violation(
            invariant.number,
            invariant.name,
            invariant.dataset,
            {key: row[key] for key in invariant.keys},
            {name: value for name, value in row.items() if name not in invariant.keys},
        )
        for row in rows
    ]
