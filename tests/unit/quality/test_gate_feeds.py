"""The gate `feeds`: every rule of every feed contract, and the conservation of rows."""

from __future__ import annotations

import json
from datetime import date

import duckdb
import pytest

from data_quality import judged
from data_quality.expectations import suite_specs
from data_quality.feeds import load_contracts
from data_quality.runner import evaluate, gate_scope, run_gate
from tests.unit.quality.lake_of_feeds import broken, good_row, write_load
from tests.unit.quality.world import FIRST, RUN

LATER = date(2026, 3, 6)


def good_rows(contract, day, first_line=1):
    rows = [good_row(contract, line, day) for line in (first_line, first_line + 1)]
    if contract.feed == "items":
        rows[0] |= {"sku_id": "A"}
    if contract.feed == "locations":
        rows[0] |= {"location_id": "S1"}
    # Keys made of ids and enums alone need distinct ids: one row is enough there.
    keys = {tuple(row[name] for name in contract.grain) for row in rows}
    return rows if len(keys) == len(rows) else rows[:1]


@pytest.fixture(scope="module")
def lake(tmp_path_factory, contracts):
    lake = tmp_path_factory.mktemp("feeds") / "lake"
    for number, contract in enumerate(contracts.values(), start=1):
        write_load(lake, contract, number, RUN, good_rows(contract, RUN))
    return lake


def judge(lake, contracts, **dates):
    return run_gate("feeds", warehouse=lake / "absent.duckdb", lake=lake, run_date=RUN, contracts=contracts, **dates)


def test_rows_within_contract_pass_for_every_feed(lake, contracts):
    result = judge(lake, contracts)
    assert result.messages + result.warning_messages == []
    assert {each.dataset for each in result.results} == {*contracts, "accounting"}
    assert len(result.results) == len(suite_specs("feeds", contracts))


@pytest.mark.parametrize("feed", sorted(load_contracts()))
def test_every_rule_of_a_contract_finds_its_row(feed, lake, contracts, tmp_path, gx_session):
    """landing.md: required, enum, ranges, references and the grain; each broken by one row of its own."""
    contract = contracts[feed]
    specs = [spec for spec in suite_specs("feeds", contracts) if spec.dataset == feed]
    rows, expected = good_rows(contract, RUN), {}
    for line, spec in enumerate(specs, start=100):
        row = good_row(contract, line, RUN)
        if spec.name.endswith(".grain_unique"):
            rows += [row | {"source_line": 98}, row | {"source_line": 99}]
            expected[spec.name] = {98, 99}
            continue
        column = next((c for c in contract.columns if spec.name.split(".")[1] == f"{c.name}_in_master"), None)
        rows.append(broken(row, spec.type, spec.kwargs, column))
        expected[spec.name] = {rows[-1]["source_line"]}
    # The view would hide a row without a date, so the rows stand in a table here.
    write_load(tmp_path, contract, 1, RUN, rows)
    connection = gx_session.connection
    connection.execute(f"CREATE TABLE \"{feed}\" AS FROM read_parquet('{tmp_path}/loads/*/*/*/raw.parquet')")
    connection.execute("CREATE OR REPLACE TABLE known_items AS SELECT 'A' AS id")
    connection.execute("CREATE OR REPLACE TABLE known_locations AS SELECT 'S1' AS id")

    results = evaluate(gx_session, specs)

    assert all(not result.success and result.blocking for result in results)
    for result in results:
        named = {key["source_line"] for key in json.loads(result.failing_keys)}
        faulted = {line for line in expected[result.expectation] if line is not None}
        assert faulted <= named or len(named) == 10, result.message()
        if not result.expectation.endswith(("_unique", "_in_master")):
            assert result.observed.startswith("1 of "), result.message()


def test_a_feed_without_rows_on_the_date_is_not_judged(contracts, tmp_path):
    write_load(tmp_path, contracts["items"], 1, FIRST, good_rows(contracts["items"], FIRST))
    write_load(tmp_path, contracts["budgets"], 2, RUN, good_rows(contracts["budgets"], RUN))
    assert {each.dataset for each in judge(tmp_path, contracts).results} == {"budgets", "accounting"}


def test_late_rows_are_judged_with_the_dates_that_they_restate(lake, contracts, tmp_path):
    """Semantics 4: a row of an earlier date, posted on D, is judged when the range reaches back to it."""
    write_load(tmp_path, contracts["items"], 1, RUN, good_rows(contracts["items"], RUN))
    bad = good_row(contracts["budgets"], 7, FIRST) | {"department": None}
    write_load(tmp_path, contracts["budgets"], 2, RUN, [bad])
    assert judge(tmp_path, contracts).passed
    result = judge(tmp_path, contracts, state_from=FIRST)
    assert [failure.expectation for failure in result.failures] == ["budgets.department_not_null"]


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("accounting.rows_conserved", "rows_landed + 1 AS rows_landed"),
        ("accounting.loaded_rows_present", "rows_loaded + 1 AS rows_loaded"),
        ("accounting.counts_not_negative", "-1 AS rows_late"),
        ("accounting.source_file_not_null", "NULL::VARCHAR AS source_file"),
    ],
)
def test_accounting_that_does_not_add_up_is_found(name, change, contracts, tmp_path):
    """published.md, invariant 3."""
    folder = write_load(tmp_path, contracts["budgets"], 1, RUN, good_rows(contracts["budgets"], RUN))
    path = folder / "accounting.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE a AS FROM read_parquet('{path}', hive_partitioning = false)")
        connection.execute(f"COPY (SELECT * REPLACE ({change}) FROM a) TO '{path}'")
    result = judge(tmp_path, contracts)
    failed = {failure.expectation: failure for failure in result.failures}
    assert name in failed
    assert json.loads(failed[name].failing_keys)[0]["feed"] == "budgets"


def test_rows_missing_from_the_lake_are_found(contracts, tmp_path):
    folder = write_load(tmp_path, contracts["budgets"], 1, RUN, good_rows(contracts["budgets"], RUN))
    (folder / "raw.parquet").unlink()
    result = judge(tmp_path, contracts)
    assert [failure.expectation for failure in result.failures] == ["accounting.loaded_rows_present"]


def test_rows_taken_up_later_count_once(contracts, tmp_path):
    """Semantics 11: the later load's delta moves the row from quarantined to loaded, on its own business_date."""
    write_load(tmp_path, contracts["budgets"], 1, RUN, good_rows(contracts["budgets"], RUN))
    later = write_load(tmp_path, contracts["budgets"], 2, LATER, [good_row(contracts["budgets"], 9, RUN)])
    path = later / "accounting.parquet"
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE a AS FROM read_parquet('{path}', hive_partitioning = false)")
        change = "0::BIGINT AS rows_landed, -1::BIGINT AS rows_quarantined"
        connection.execute(f"COPY (SELECT * REPLACE ({change}) FROM a) TO '{path}'")
        first = tmp_path / "loads" / "budgets" / f"posted_on={RUN}" / "load=000001" / "accounting.parquet"
        connection.execute(f"CREATE TABLE b AS FROM read_parquet('{first}', hive_partitioning = false)")
        change = "rows_landed + 1 AS rows_landed, 1::BIGINT AS rows_quarantined"
        connection.execute(f"COPY (SELECT * REPLACE ({change}) FROM b) TO '{first}'")
    assert judge(tmp_path, contracts).messages == []


def test_only_loads_that_can_hold_the_dates_are_read(contracts, tmp_path):
    write_load(tmp_path, contracts["budgets"], 1, FIRST, good_rows(contracts["budgets"], FIRST))
    write_load(tmp_path, contracts["budgets"], 2, RUN, good_rows(contracts["budgets"], RUN))
    files = judged.feed_files(tmp_path, "budgets", "raw", RUN)
    assert [file.parent.name for file in files] == ["load=000002"]


def test_a_range_must_include_the_run_date(contracts, tmp_path):
    with pytest.raises(ValueError, match="do not include the run date"):
        gate_scope("feeds", warehouse=tmp_path, lake=tmp_path, run_date=RUN, contracts=contracts, state_from=LATER)
