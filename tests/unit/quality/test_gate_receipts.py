"""Gate results and receipts: what passes, what is written, and that tampering shows."""

from __future__ import annotations

import hashlib
import json

import duckdb
import pytest

from data_quality import receipts, runner
from data_quality.expectations import GATES, suite_specs, suite_version
from data_quality.expectations.spec import ExpectationSpec, SpecBuilder, flatten
from data_quality.runner import Limits, run_gate
from tests.unit.quality.lake_of_feeds import good_row, write_load
from tests.unit.quality.world import FIRST, RUN

UNEVEN = "UPDATE stock_ledger SET units = 7 WHERE movement_id = 'm6'"
NEGATIVE = "UPDATE inventory_positions SET in_transit = -4 WHERE location_id = 'S1' AND business_date = '2026-03-04'"


def judge(gate, world, contracts, **options):
    return run_gate(gate, warehouse=world.warehouse, lake=world.lake, run_date=RUN, contracts=contracts, **options)


def verify(gate, world, contracts, **options):
    paths = {"warehouse": world.warehouse, "lake": world.lake}
    return receipts.verify_receipt(gate, RUN, **paths, contracts=contracts, **options)


@pytest.fixture
def world(good_world, contracts, tmp_path):
    """A private copy with one feed landed."""
    copy = good_world.changed(tmp_path / "world", "stock_ledger", "SELECT 1")
    write_load(copy.lake, contracts["budgets"], 1, RUN, [good_row(contracts["budgets"], 1, RUN)])
    return copy


@pytest.fixture
def vouched(monkeypatch):
    """Gates that pass unseen, for tests of what a receipt vouches for (evaluating costs half a second each)."""
    monkeypatch.setattr(runner, "evaluate", lambda *_: ())


def test_only_blocking_failures_refuse(world, contracts):
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("UPDATE quarantine SET resolved_on = '2026-03-03' WHERE file = 'b.csv'")
    result = judge("marts", world, contracts)
    assert result.passed
    assert [warning.expectation for warning in result.warnings] == ["quarantine.resolved_after_seen"]
    assert result.warning_messages == [
        "marts / quarantine.resolved_after_seen / 1 rows / "
        '[{"feed":"pos","business_date":"2026-03-04","file":"b.csv","line":2}] '
        "(expected: no row is resolved before it was seen)"
    ]
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("UPDATE feed_accounting SET rows_landed = 5 WHERE file = 'a.csv'")
    result = judge("marts", world, contracts)
    assert not result.passed
    assert [failure.expectation for failure in result.failures] == ["feed_accounting.rows_conserved"]


def test_results_are_written_as_published_and_the_same_every_time(world, contracts):
    result = judge("positions", world, contracts)
    path = runner.results_path(world.lake, RUN, "positions")
    first = path.read_bytes()
    again = judge("positions", world, contracts, limits=Limits(threads=1))
    assert again == result
    assert path.read_bytes() == first
    assert {each.suffix for each in path.parent.iterdir()} == {".parquet"}
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT * FROM read_parquet('{path}', hive_partitioning = false) ORDER BY expectation"
        )
        columns = [column[0] for column in rows.description]
        found = rows.fetchall()
    assert columns == [
        "business_date", "suite", "expectation", "dataset", "success", "observed", "severity", "blocking", "failing_keys",
    ]  # fmt: skip
    assert len(found) == len(result.results)
    assert found[0] == (
        RUN, "positions", "inventory_positions.available_in_range", "inventory_positions", True, "0 of 3 rows",
        "critical", True, None,
    )  # fmt: skip


def test_failing_keys_are_at_most_ten_and_in_order(world, contracts):
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("""
            CREATE TABLE extra AS FROM stock_ledger WHERE movement_id = 'm4';
            INSERT INTO stock_ledger
            SELECT e.* REPLACE ('x' || lpad(r.n::VARCHAR, 2, '0') AS movement_id, 0 AS units)
            FROM extra AS e CROSS JOIN range(15) AS r(n)""")
    result = judge("positions", world, contracts)
    [failure] = [each for each in result.failures if each.expectation == "stock_ledger.units_allowed"]
    assert failure.observed == "15 of 22 rows"
    assert json.loads(failure.failing_keys) == [{"movement_id": f"x{number:02d}"} for number in range(10)]


def test_missing_tables_and_files_refuse(world, contracts):
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("DROP TABLE quarantine")
    world.decision("sku_segments").unlink()
    missing = judge("marts", world, contracts)
    assert missing.messages == ["marts / quarantine / the dataset is missing or cannot be read"]
    assert len(missing.failures) > 5
    failed = {failure.dataset for failure in judge("decisions", world, contracts).failures}
    assert failed == {"sku_segments", "sku_segment_changes"}


def test_dates_without_decisions_or_history_pass(world, contracts):
    """A first date has no date before: its positions are all of the ledger (semantics 13)."""
    assert run_gate(
        "positions", warehouse=world.warehouse, lake=world.lake, run_date=FIRST, contracts=contracts
    ).messages == []  # fmt: skip


def test_restated_dates_are_judged_when_the_range_includes_them(world, contracts):
    """Semantics 4: late facts restate earlier dates, so the gate covers them."""
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute(
            "UPDATE reconciliations SET receipts = 1 WHERE business_date = '2026-03-02' AND sku_id = 'B'"
        )
    assert judge("marts", world, contracts).passed
    result = judge("marts", world, contracts, state_from=FIRST)
    assert [failure.failing_keys for failure in result.failures] == [
        '[{"business_date":"2026-03-02","location_id":"DC1","sku_id":"B"}]'
    ]


def test_unknown_gate_is_refused(world, contracts):
    with pytest.raises(ValueError, match="gate 'prices' does not exist"):
        judge("prices", world, contracts)


@pytest.mark.parametrize("gate", GATES)
def test_untouched_data_verifies_at_any_thread_count(gate, world, contracts, vouched):
    receipts.write_receipt(judge(gate, world, contracts, limits=Limits(threads=1)), world.lake)
    assert verify(gate, world, contracts, limits=Limits(threads=4)) == []


def test_receipt_has_no_clock_and_names_the_data(world, contracts):
    path = receipts.write_receipt(judge("feeds", world, contracts), world.lake)
    first = path.read_bytes()
    assert receipts.write_receipt(judge("feeds", world, contracts), world.lake).read_bytes() == first
    receipt = json.loads(first)
    name = f"loads/budgets/posted_on={RUN}/load=000001/raw.parquet"
    digest = hashlib.sha256((world.lake / name).read_bytes()).hexdigest()
    assert receipt["data"][name] == {"kind": "file", "sha256": digest}
    assert (receipt["gate"], receipt["business_date"], receipt["passed"]) == ("feeds", "2026-03-04", True)
    assert receipt["suite_version"] == suite_version(suite_specs("feeds", contracts))


def tamper_row(world):
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("UPDATE inventory_positions SET on_hand = on_hand + 1 WHERE business_date = '2026-03-04'")


def tamper_swap(world):
    """Two rows that exchange one value: the sum of the column stays as it was."""
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute(
            "UPDATE inventory_positions SET on_order = CASE sku_id WHEN 'A' THEN 1 ELSE -1 END "
            "WHERE business_date = '2026-03-04' AND location_id = 'DC1'"
        )


def tamper_delete(world):
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("DELETE FROM inventory_positions WHERE business_date = '2026-03-04' AND location_id = 'S1'")


def tamper_column(world):
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("ALTER TABLE inventory_positions RENAME COLUMN on_order TO ordered")


def tamper_drop(world):
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("DROP TABLE inventory_positions")


@pytest.mark.parametrize("tamper", [tamper_row, tamper_swap, tamper_delete, tamper_column, tamper_drop])
def test_changed_table_does_not_verify(tamper, world, contracts, vouched):
    receipts.write_receipt(judge("positions", world, contracts), world.lake)
    tamper(world)
    problems = verify("positions", world, contracts)
    verb = "is gone" if tamper is tamper_drop else "has changed"
    assert problems == [f"gate positions: inventory_positions {verb} since it was judged: run 2026-03-04 again"]


def test_rows_of_other_dates_are_not_vouched_for(world, contracts, vouched):
    receipts.write_receipt(judge("positions", world, contracts), world.lake)
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("UPDATE inventory_positions SET on_order = 5 WHERE business_date = '2026-03-02'")
    assert verify("positions", world, contracts) == []
    receipts.write_receipt(judge("positions", world, contracts, state_from=FIRST), world.lake)
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("UPDATE inventory_positions SET on_order = 6 WHERE business_date = '2026-03-02'")
    assert len(verify("positions", world, contracts)) == 1


def test_changed_new_and_removed_files_do_not_verify(world, contracts, vouched):
    receipts.write_receipt(judge("decisions", world, contracts), world.lake)
    path = world.decision("allocations")
    path.write_bytes(path.read_bytes() + b"x")
    world.decision("sku_segments").unlink()
    assert [problem.split(" since")[0] for problem in verify("decisions", world, contracts)] == [
        "gate decisions: decisions/allocations/business_date=2026-03-04/data.parquet has changed",
        "gate decisions: decisions/sku_segments/business_date=2026-03-04/data.parquet is gone",
    ]
    receipts.write_receipt(judge("feeds", world, contracts), world.lake)
    write_load(world.lake, contracts["budgets"], 2, RUN, [good_row(contracts["budgets"], 2, RUN)])
    assert ["has appeared" in problem for problem in verify("feeds", world, contracts)] == [True, True]


def test_a_damaged_file_fails_what_reads_it_and_nothing_else(world, contracts, capfd):
    world.decision("allocations").write_bytes(b"not parquet")
    result = judge("decisions", world, contracts)
    assert result.messages[0] == "decisions / allocations / the dataset is missing or cannot be read"
    assert [failure.expectation for failure in result.failures if not failure.is_missing] == [
        "allocation_needs.allocated_is_lines"
    ]
    assert capfd.readouterr() == ("", "")


def test_a_warehouse_that_is_gone_does_not_verify(world, contracts, vouched):
    receipts.write_receipt(judge("marts", world, contracts), world.lake)
    world.warehouse.unlink()
    assert ["cannot be read" in problem for problem in verify("marts", world, contracts)] == [True]


def test_failed_forged_missing_and_broken_receipts_do_not_verify(world, contracts):
    assert verify("marts", world, contracts) == ["gate marts has no receipt for 2026-03-04: run that date again"]
    with duckdb.connect(str(world.warehouse)) as connection:
        connection.execute("UPDATE feed_accounting SET rows_landed = 5 WHERE file = 'a.csv'")
    path = receipts.write_receipt(judge("marts", world, contracts), world.lake)
    assert ["did not pass" in problem for problem in verify("marts", world, contracts)] == [True]

    receipt = json.loads(path.read_text())
    path.write_text(json.dumps(receipt | {"passed": True, "suite_version": "0" * 64}))
    assert ["its suite has changed" in problem for problem in verify("marts", world, contracts)] == [True]
    path.write_text(json.dumps(receipt | {"passed": True, "business_date": "2026-03-03"}))
    assert ["receipt is for marts of 2026-03-03" in problem for problem in verify("marts", world, contracts)] == [True]
    path.write_text("{")
    assert ["cannot be read" in problem for problem in verify("marts", world, contracts)] == [True]


def test_suite_version_follows_what_the_suite_says(contracts):
    specs = suite_specs("marts", contracts)
    assert suite_version(specs) == suite_version(suite_specs("marts", contracts))
    changed = SpecBuilder("marts", "kpi_daily", ()).between("sales_units", 1)
    assert suite_version((*specs[:-1], changed)) != suite_version(specs)


def test_declaring_an_expectation_twice_is_an_error():
    spec = SpecBuilder("marts", "kpi_daily", ()).has_rows()
    assert isinstance(spec, ExpectationSpec)
    with pytest.raises(ValueError, match=r"marts/kpi_daily\.has_rows"):
        flatten([spec, [spec]])
