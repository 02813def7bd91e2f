"""The four invariants of published.md, each broken in a published database of two dates."""

from __future__ import annotations

from datetime import date

import duckdb
import pytest

from data_quality.invariants import INVARIANTS, check_invariants, unchecked_invariants
from tests.unit.quality.world import FIRST, PUBLISHED, RUN

PAIR = {"business_date": RUN, "location_id": "DC1", "sku_id": "A"}
OUT = {"business_date": RUN, "from_location_id": "DC1", "sku_id": "A"}
LINE = {"business_date": RUN, "from_location_id": "DC1", "to_location_id": "S1", "sku_id": "A"}
TOTAL = {"business_date": RUN, "channel": "*", "department": "*"}
RECONCILED = "UPDATE reconciliations SET {} WHERE business_date = '2026-03-04' AND location_id = 'DC1' AND sku_id = 'A'"
PERFORMANCE = "UPDATE allocation_performance SET {} WHERE channel = '*' AND department = '*'"
UNITS = "UPDATE allocations SET units = {}; UPDATE allocation_needs SET allocated_units = {} WHERE sku_id = 'A'"

CASES = [
    (1, "ledger_identity", RECONCILED.format("receipts = 1"), [PAIR]),
    (1, "ledger_identity", RECONCILED.format("closing_book = NULL"), [PAIR]),
    (1, "opening_is_closing_before", RECONCILED.format("opening = 99"), [PAIR]),
    (1, "opening_is_closing_before",
     "DELETE FROM reconciliations WHERE business_date = '2026-03-04' AND location_id = 'DC1' AND sku_id = 'A'", [PAIR]),
    (2, "within_available", UNITS.format(95, 95), [OUT]),
    (2, "within_hold_back", UNITS.format(85, 85), [OUT]),
    (2, "units_as_evaluated", "UPDATE allocations SET units = 7", [LINE]),
    (2, "units_as_evaluated", "DELETE FROM allocations", [LINE]),
    (2, "units_positive", UNITS.format(0, 0), [LINE]),
    (2, "no_barred_pair", "UPDATE allocation_needs SET binding_constraint = 'blocked' WHERE sku_id = 'A'", [LINE]),
    (2, "no_blocked_pair", "UPDATE allocation_needs SET is_blocked = true WHERE sku_id = 'A'", [LINE]),
    (2, "within_shelf_capacity", UNITS.format(8, 8), [LINE]),
    (2, "not_below_least_shipment", "UPDATE allocation_needs SET min_ship_units = 7", [LINE]),
    (2, "whole_multiples", "UPDATE allocation_needs SET order_units = 4", [LINE]),
    (2, "within_pool", "UPDATE allocation_needs SET pool_cap_units = 5", [OUT | {"pool": "quota ecom"}]),
    (2, "within_receiving_capacity", UNITS.format(13, 13),
     [{"business_date": RUN, "to_location_id": "S1", "arrival_date": date(2026, 3, 6)}]),
    (3, "rows_conserved", "UPDATE feed_accounting SET rows_loaded = 3 WHERE file = 'a.csv'",
     [{"feed": "pos", "business_date": RUN, "file": "a.csv"}]),
    (4, "value_within_bound", PERFORMANCE.format("objective_bound = 4.999999"), [TOTAL]),
    (4, "value_within_bound", PERFORMANCE.format("objective_value = NULL"), [TOTAL]),
    (4, "gap_is_one_minus_ratio", PERFORMANCE.format("optimality_gap = 0.38"), [TOTAL]),
    (4, "gap_is_one_minus_ratio", PERFORMANCE.format("objective_bound = 0, objective_value = 0"), [TOTAL]),
]  # fmt: skip


@pytest.fixture
def published(tmp_path):
    path = tmp_path / "allocator.duckdb"
    with duckdb.connect(str(path)) as connection:
        for name, sql in PUBLISHED.items():
            connection.execute(f"CREATE TABLE {name} AS {sql}")
    return path


def spoil(path, sql):
    with duckdb.connect(str(path)) as connection:
        connection.execute(sql)


def test_a_sound_database_has_no_violations(published):
    assert check_invariants(published) == []


@pytest.mark.parametrize(
    ("number", "name", "sql", "keys"), CASES, ids=[f"{case[1]}-{position}" for position, case in enumerate(CASES)]
)
def test_each_violation_is_found_and_named(number, name, sql, keys, published):
    """published.md, invariants 1 to 4."""
    spoil(published, sql)
    found = [violation for violation in check_invariants(published) if violation.name == name]
    assert [dict(violation.keys) for violation in found] == keys
    assert {violation.invariant for violation in found} == {number}


@pytest.mark.parametrize(
    ("column", "load", "name"),
    [("dispatch_capacity_units", 5, "within_dispatch_units"), ("dispatch_capacity_lines", 0, "within_dispatch_lines")],
)
def test_dispatch_capacities_are_checked_once_published(column, load, name, published):
    spoil(published, f"ALTER TABLE allocation_needs ADD COLUMN {column} BIGINT")
    assert check_invariants(published) == []
    spoil(published, f"UPDATE allocation_needs SET {column} = {load}")
    assert [violation.name for violation in check_invariants(published)] == [name]


def test_only_the_dates_asked_for_are_checked(published):
    spoil(published, "UPDATE reconciliations SET receipts = 1 WHERE business_date = '2026-03-02' AND sku_id = 'B'")
    assert check_invariants(published, [RUN]) == []
    assert [violation.keys["business_date"] for violation in check_invariants(published, [FIRST])] == [FIRST]


def test_a_date_landed_between_and_never_run_breaks_the_chain(published):
    """Semantics 3: history that was not run publishes no reconciliation, so there is nothing to compare with."""
    spoil(published, RECONCILED.format("opening = 99, adjustments = 1"))
    assert [violation.name for violation in check_invariants(published)] == ["opening_is_closing_before"]
    spoil(published, "INSERT INTO feed_accounting SELECT * REPLACE (DATE '2026-03-03' AS business_date) "
          "FROM feed_accounting WHERE file = 'c.csv'")  # fmt: skip
    assert check_invariants(published) == []


def test_message_names_dataset_key_and_values(published):
    spoil(published, "UPDATE allocations SET units = 7")
    assert check_invariants(published)[0].message == (
        "allocations business_date=2026-03-04, from_location_id=DC1, to_location_id=S1, sku_id=A: "
        "units_as_evaluated does not hold (units=7, allocated_units=6)"
    )


def test_what_the_published_columns_cannot_show_is_said(published):
    with duckdb.connect(str(published), read_only=True) as connection:
        assert unchecked_invariants(connection) == [
            "within_dispatch_units: allocation_needs.dispatch_capacity_units",
            "within_dispatch_lines: allocation_needs.dispatch_capacity_lines",
        ]


def test_every_invariant_has_a_case():
    dispatch = {"within_dispatch_units", "within_dispatch_lines"}
    assert {invariant.name for invariant in INVARIANTS} == {case[1] for case in CASES} | dispatch


def test_a_late_fact_restates_the_stock_and_not_the_decision(published):
    """Semantics 4: 6 of A left DC1 when 94 were there; a correction of -92 posted a day later leaves 2, and the plan
    was sound. A plan of 95 was not."""
    spoil(
        published,
        "UPDATE inventory_positions SET on_hand = 2, available = 2 WHERE location_id = 'DC1' AND sku_id = 'A'",
    )
    assert [violation.name for violation in check_invariants(published)] == ["within_available"]
    spoil(
        published,
        "INSERT INTO stock_ledger SELECT * REPLACE ('late' AS movement_id, -92 AS units, DATE '2026-03-05' AS posted_on)"
        " FROM stock_ledger WHERE movement_id = 'm5'",
    )
    assert check_invariants(published) == []
    spoil(published, "UPDATE allocations SET units = 95")
    spoil(
        published,
        "UPDATE allocation_needs SET allocated_units = 95, supply_units = 95, shelf_capacity = NULL, receiving_capacity_units = 99 WHERE sku_id = 'A'",
    )
    assert "within_available" in [violation.name for violation in check_invariants(published)]
