"""The asset's decision on a home of its own: two dates in a row, one read by the other; the file is what the schema says."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from types import SimpleNamespace

import duckdb
import pytest

from allocation_assets.exceptions.assets import decide, previous_file
from allocation_assets.exceptions.inputs import DECIDED_VIEWS
from allocation_assets.placeholders import SCHEMAS, ensure_decision_placeholders
from allocation_assets.policy import load_parameters
from tests.support.lake import Lake
from tests.unit.exceptions.test_kinds import DELIVERIES, LINES, ORDERING, POSITIONS

FIRST, SECOND, THIRD = date(2026, 3, 10), date(2026, 3, 11), date(2026, 3, 13)
POLICY = {name: parameter.default for name, parameter in load_parameters().items() if name.startswith(("exceptions.", "signals."))}


def session_of(root: Path) -> SimpleNamespace:
    """What `decide` takes of a run's session, over a lake on which three dates landed."""
    lake = Lake(root / "lake")
    ensure_decision_placeholders(lake.root)
    for day in (FIRST, SECOND, THIRD):
        lake.load("pos", day, landed=[day])
        for dataset in DECIDED_VIEWS.values():
            lake.decide(dataset, day, []) if dataset != "location_reliability" else _empty(lake, dataset, day)
    return SimpleNamespace(
        home=SimpleNamespace(lake=lake.root),
        policy=SimpleNamespace(deployment=lambda day: POLICY),
        decision_file=lambda name, day: lake.root / "decisions" / name / f"business_date={day}" / "data.parquet",
    )


def _empty(lake: Lake, dataset: str, day: date) -> None:
    path = lake.root / "decisions" / dataset / f"business_date={day}" / "data.parquet"
    path.parent.mkdir(parents=True)
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({SCHEMAS[f'decisions/{dataset}']})")
        connection.execute(f"COPY t TO '{path}'")


@pytest.fixture
def warehouse() -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect()
    connection.execute(f"CREATE TABLE inventory_positions ({POSITIONS})")
    connection.execute(f"CREATE TABLE shipment_lines ({LINES})")
    connection.execute(f"CREATE TABLE int_deliveries ({DELIVERIES})")
    connection.execute(f"CREATE TABLE int_replenishment_pairs ({ORDERING})")
    for day, on_hand in ((FIRST, -3), (SECOND, -4), (THIRD, 0)):
        connection.execute("INSERT INTO inventory_positions VALUES (?, 'S1', 'P1', ?, 2)", [day, on_hand])
    return connection


def rows(session: SimpleNamespace, day: date) -> list[tuple]:
    query = "SELECT exception_id, value_at_risk::DOUBLE, opened_on, status, resolved_on FROM read_parquet($f, hive_partitioning = false)"
    with duckdb.connect() as connection:
        return connection.execute(query, {"f": str(session.decision_file("exceptions", day))}).fetchall()


def test_a_date_reads_the_exceptions_of_the_one_before(warehouse, tmp_path):
    session = session_of(tmp_path)
    counts = [decide(session, warehouse, day) for day in (FIRST, SECOND, THIRD)]
    assert counts == [[("negative_stock", "open", 1)], [("negative_stock", "open", 1)], [("negative_stock", "resolved", 1)]]
    [first], [second], [third] = (rows(session, day) for day in (FIRST, SECOND, THIRD))
    assert first == (first[0], 6.0, FIRST, "open", None)
    assert second == (first[0], 8.0, FIRST, "open", None)
    assert third == (first[0], 8.0, FIRST, "resolved", THIRD)


def test_a_date_run_again_writes_the_same_bytes(warehouse, tmp_path):
    """Semantics 6: it reads its predecessor, never itself or later dates."""
    session = session_of(tmp_path)
    for day in (FIRST, SECOND, THIRD):
        decide(session, warehouse, day)
    before = session.decision_file("exceptions", SECOND).read_bytes()
    decide(session, warehouse, SECOND)
    assert session.decision_file("exceptions", SECOND).read_bytes() == before


def test_a_predecessor_that_was_not_run_is_a_cold_start(warehouse, tmp_path):
    session = session_of(tmp_path)
    decide(session, warehouse, FIRST)
    assert previous_file(session, THIRD) == session.decision_file("exceptions", date.min)
    assert previous_file(session, SECOND) == session.decision_file("exceptions", FIRST)


def test_the_file_has_the_columns_of_the_schema(warehouse, tmp_path):
    session = session_of(tmp_path)
    decide(session, warehouse, FIRST)
    with duckdb.connect() as connection:
        described = [
            connection.execute(f"DESCRIBE FROM read_parquet('{path}', hive_partitioning = false)").fetchall()
            for path in (session.decision_file("exceptions", FIRST), session.decision_file("exceptions", date.min))
        ]
    written, declared = ([row[:2] for row in table] for table in described)
    assert written == declared
