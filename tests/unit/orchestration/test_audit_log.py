"""How the audit log grows, and what `allocator audit verify` finds when somebody changed what was published."""

import json
import shutil
from datetime import date, timedelta

import duckdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration import audit
from orchestration.cli import main
from orchestration.errors import LandedDataError
from orchestration.publishing.audit import ENTRIES, NO_FILE, SCHEMA, SEALS, extended
from orchestration.publishing.current import sha256_of
from tests.support.small_release import SmallHome, entry
from tests.support.tampering import alter_database, replace, rewrite

D1, D2, D3, D4 = (date(2024, 3, day) for day in (4, 5, 6, 7))
LOG3 = f"audit_log/business_date={D3}/data.parquet"


@pytest.fixture
def small(tmp_path, monkeypatch):
    """D1 is history, D2, D3 and D4 were run; two people acted."""
    home = SmallHome(tmp_path / "home", monkeypatch)
    for day, movement in ((D1, "m1"), (D2, "m2"), (D3, "m3")):
        home.move(movement, day, 5)
    home.publish(D2, entry("e1", D2), changed=(D1,))
    home.publish(D3, entry("e3", D2), entry("e2", D3, actor="bob"))
    home.publish(D4)
    return home


def told(home):
    """Lines of a verification that fails."""
    with pytest.raises(LandedDataError) as caught:
        audit.verify(home.home)
    return str(caught.value).splitlines()


def test_the_log_holds_entries_then_seals_in_one_running_sequence(small):
    rows = [row for day in (D2, D3, D4) for row in small.log(day)]
    assert [row["sequence"] for row in rows] == list(range(1, 11))
    acted = [(str(row["business_date"]), row["action"], row["dataset"], row["row_key"]) for row in rows]
    assert acted == [
        ("2024-03-05", "approved", "adjustments_proposed", "2024-03-05|S1|A|C1"),
        ("2024-03-05", "sealed", "allocations", "2024-03-05"),
        ("2024-03-05", "sealed", "stock_ledger", "2024-03-04"),
        ("2024-03-05", "sealed", "stock_ledger", "2024-03-05"),
        # The order of the run's own file is kept: e3 before e2.
        ("2024-03-06", "approved", "adjustments_proposed", "2024-03-05|S1|A|C1"),
        ("2024-03-06", "approved", "adjustments_proposed", "2024-03-06|S1|A|C1"),
        ("2024-03-06", "sealed", "allocations", "2024-03-06"),
        ("2024-03-06", "sealed", "stock_ledger", "2024-03-06"),
        ("2024-03-07", "sealed", "allocations", "2024-03-07"),
        # Nothing moved on D4: its empty ledger file is sealed all the same.
        ("2024-03-07", "sealed", "stock_ledger", "2024-03-07"),
    ]
    assert json.loads(rows[-1]["after"]) == {
        "rows": 0,
        "sha256": small.hashes()[f"stock_ledger/business_date={D4}/data.parquet"],
    }
    assert rows[-1]["before"] is None and rows[-1]["acted_at"] is None


def test_each_file_names_the_sha256_of_the_one_before(small):
    said = [{row["previous_sha256"] for row in small.log(day)} for day in (D2, D3, D4)]
    shas = [sha256_of(small.file("audit_log", day)) for day in (D2, D3, D4)]
    assert said == [{NO_FILE}, {shas[0]}, {shas[1]}]
    head = small.current.audit_head
    assert (head["business_date"], head["sha256"], head["sequence"]) == (str(D4), shas[2], 10)
    assert audit.verify(small.home) == (
        "audit log verified: 10 entries on 3 dates; 3 files of allocations, 4 files of stock_ledger as sealed;"
        f" allocator.duckdb agrees; head {D4} sequence 10 sha256 {shas[2]}"
    )


def test_a_rerun_without_changes_gives_the_same_bytes(small):
    before = small.hashes()
    small.publish(D4)
    small.publish(D2, entry("e1", D2))
    small.publish(D3, entry("e3", D2), entry("e2", D3, actor="bob"))
    assert small.hashes() == before
    audit.verify(small.home)


def test_a_rerun_of_the_newest_date_adds_what_is_new_behind_what_stands(small):
    before = small.log(D4)
    small.publish(D4, entry("e4", D4), units=6)
    after = small.log(D4)
    assert after[:2] == before
    assert [(row["sequence"], row["entry_id"], row["action"]) for row in after[2:]] == [
        (11, "e4", "approved"), (12, after[3]["entry_id"], "sealed"),
    ]  # fmt: skip
    assert json.loads(after[3]["before"])["sha256"] == json.loads(before[0]["after"])["sha256"]
    audit.verify(small.home)


def test_an_older_date_decided_again_writes_to_the_end_and_leaves_its_own_file(small):
    older = {name: sha for name, sha in small.hashes().items() if str(D4) not in name and "audit_log" in name}
    small.publish(D2, entry("e1", D2), entry("e5", D2, action="rejected"), units=8)
    assert older.items() <= small.hashes().items()
    new = small.log(D4)[2:]
    assert [(row["business_date"], row["about_date"], row["action"]) for row in new] == [
        (D4, D2, "rejected"), (D4, D2, "sealed"),
    ]  # fmt: skip
    before = small.hashes()
    small.publish(D2, entry("e1", D2), entry("e5", D2, action="rejected"), units=8)
    assert small.hashes() == before
    audit.verify(small.home)


def test_a_late_movement_seals_its_date_again(small):
    small.move("late", D2, -3)
    day = D4 + timedelta(days=1)
    small.publish(day, changed=(D2, D3, D4))
    seals = [
        (row["row_key"], json.loads(row["after"])["rows"]) for row in small.log(day) if row["dataset"] == "stock_ledger"
    ]
    assert seals == [(str(D2), 2), (str(day), 0)]
    audit.verify(small.home)


def test_a_file_changed_and_changed_back_has_three_seals_of_its_own(small):
    small.publish(D4, units=6)
    small.publish(D4, units=4)
    small.publish(D4, units=6)
    ids = [row["entry_id"] for row in small.log(D4)]
    assert len(ids) == len(set(ids)) == 5
    audit.verify(small.home)


def test_a_release_without_a_log_is_sealed_as_a_whole_by_the_next(small):
    """A home published by a version that had no audit log."""
    shutil.rmtree(small.published / "audit_log")
    path = small.published / "CURRENT.json"
    said = json.loads(path.read_text())
    said["files"] = {name: sha for name, sha in said["files"].items() if not name.startswith("audit_log")}
    del said["audit_head"], said["database_from"]
    path.write_text(json.dumps({**said, "code_version": "0.0.0"}))
    assert "no audit_head" in told(small)[0]
    small.publish(D4)
    assert [row["row_key"] for row in small.log(D4)] == [str(d) for d in (D2, D3, D4, D1, D2, D3, D4)]
    audit.verify(small.home)


@pytest.mark.parametrize("fix_current", [False, True])
@pytest.mark.parametrize("day", [D2, D3])
def test_a_changed_audit_row_breaks_the_link_to_the_next_file(small, day, fix_current):
    name = f"audit_log/business_date={day}/data.parquet"
    rewrite(small.published, name, "'mallory' AS actor", fix_current=fix_current)
    lines = told(small)
    assert lines[0].startswith(
        f"{name}: sha256 is {sha256_of(small.published / name)}, but audit_log/business_date={day + timedelta(days=1)}"
    )
    assert any("table audit_log" in line and "'mallory'" in line.replace('"', "'") for line in lines)


def test_a_changed_row_of_the_newest_file_is_not_what_the_head_says(small):
    name = f"audit_log/business_date={D4}/data.parquet"
    rewrite(small.published, name, "'mallory' AS actor")
    assert told(small)[0].startswith(f"{name}: CURRENT.json says that the log ends here")


def test_a_changed_row_of_the_newest_file_with_the_head_made_to_agree_differs_from_the_database(small):
    name = f"audit_log/business_date={D4}/data.parquet"
    rewrite(small.published, name, "'mallory' AS actor", fix_current=True)
    [line] = told(small)
    assert line == (
        f'allocator.duckdb: table audit_log, {D4}, sequence 9: actor is "allocator", the file says "mallory"'
    )


@pytest.mark.parametrize("fix_current", [False, True])
def test_a_changed_ledger_file_is_not_the_sealed_one(small, fix_current):
    name = f"stock_ledger/business_date={D2}/data.parquet"
    rewrite(small.published, name, "units + 1 AS units", fix_current=fix_current)
    lines = told(small)
    seal = next(row for row in small.log(D2) if row["dataset"] == "stock_ledger" and row["about_date"] == D2)
    assert lines[0] == (
        f"{name}: sha256 is {sha256_of(small.published / name)}, but its seal, entry {seal['sequence']} of the audit log,"
        f" says {json.loads(seal['after'])['sha256']}: changed after it was published"
    )
    assert lines[1] == f"allocator.duckdb: table stock_ledger, {D2}, movement_id m2: units is 5, the file says 6"


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("UPDATE stock_ledger SET units = 7 WHERE movement_id = 'm2'", f"table stock_ledger, {D2}, movement_id m2: units is 7, the file says 5"),
        ("DELETE FROM stock_ledger WHERE movement_id = 'm1'", f"table stock_ledger, {D1}, movement_id m1: in stock_ledger/business_date={D1}/data.parquet, not in the table"),
        ("INSERT INTO stock_ledger SELECT * FROM stock_ledger WHERE movement_id = 'm3'", f"table stock_ledger, {D3}, movement_id m3: in the table, not in stock_ledger/business_date={D3}/data.parquet"),
        ("INSERT INTO stock_ledger VALUES ('x', DATE '2023-01-01', 'S1', 1, NULL)", "table stock_ledger holds rows of 2023-01-01, but there is no file of that date"),
        ("UPDATE audit_log SET reason = 'never' WHERE sequence = 5", f'table audit_log, {D3}, sequence 5: reason is "never", the file says null'),
        ("DROP TABLE audit_log", "table audit_log cannot be compared"),
    ],
)  # fmt: skip
def test_a_changed_table_of_the_database_is_found(small, statement, line):
    alter_database(small.published, statement)
    [found] = told(small)
    assert found.startswith(f"allocator.duckdb: {line}")


def test_a_removed_file_of_the_log_is_named(small):
    small.file("audit_log", D3).unlink()
    lines = told(small)
    assert lines[0] == f"{LOG3}: missing, though CURRENT.json names it"
    assert (
        lines[1].startswith(f"audit_log/business_date={D2}/data.parquet: sha256 is ")
        and "between the two is missing" in lines[1]
    )
    assert "and 5 and on without a gap is due" in lines[2].replace("but 5 and on", "and 5 and on")


def test_the_removed_last_file_of_the_log_is_named(small):
    small.file("audit_log", D4).unlink()
    lines = told(small)
    assert lines[0] == f"audit_log/business_date={D4}/data.parquet: missing, though CURRENT.json names it"
    assert f"but it ends on {D3} with sequence 8" in lines[1]


def test_a_removed_ledger_file_and_one_put_there_are_named(small):
    small.file("stock_ledger", D1).rename(small.published / "aside")
    assert told(small)[0].startswith(
        f"stock_ledger/business_date={D1}/data.parquet: missing, though entry 3 of the audit log seals it"
    )
    target = small.published / "stock_ledger" / "business_date=2024-01-01" / "data.parquet"
    target.parent.mkdir()
    (small.published / "aside").rename(target)
    assert (
        told(small)[0]
        == "stock_ledger/business_date=2024-01-01/data.parquet: the audit log has no seal of this file: it was put there"
    )


def test_a_file_that_is_no_parquet_any_more_is_named(small):
    small.file("audit_log", D3).chmod(0o644)
    small.file("audit_log", D3).write_bytes(b"gone")
    assert told(small)[0].startswith(f"{LOG3}: cannot be read as a file of the log")


def test_seals_that_are_no_json_and_a_current_that_is_none_are_lines_not_crashes(small):
    rewrite(small.published, f"audit_log/business_date={D4}/data.parquet", "'gibberish' AS after")
    assert any(line.startswith("audit_log: its seals cannot be read") for line in told(small))
    path = small.published / "CURRENT.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "audit_head": {"sha256": "x"}}))
    assert "CURRENT.json cannot be read" in told(small)[0]
    path.write_text("{")
    assert "CURRENT.json cannot be read" in told(small)[0]


def test_a_file_sealed_anew_as_if_it_were_the_first_time_is_found(small):
    """A changed file whose dataset was taken out of audit_head, so that the next release sealed it again."""
    rewrite(small.published, f"stock_ledger/business_date={D1}/data.parquet", "6 AS units", fix_current=True)
    alter_database(small.published, f"UPDATE stock_ledger SET units = 6 WHERE business_date = DATE '{D1}'")
    path = small.published / "CURRENT.json"
    said = json.loads(path.read_text())
    said["audit_head"]["sealed"] = ["allocations"]
    path.write_text(json.dumps(said))
    small.publish(D4)
    assert told(small)[0].startswith(
        f"audit_log/business_date={D4}/data.parquet: entry 11 seals stock_ledger/business_date={D1}/data.parquet"
    )


def test_nothing_is_appended_to_a_log_that_was_changed(small):
    name = f"audit_log/business_date={D4}/data.parquet"
    rewrite(small.published, name, "'mallory' AS actor")
    before = small.hashes()
    with pytest.raises(LandedDataError, match="the log was changed after it was published"):
        small.publish(D4)
    assert small.hashes() == before


def test_a_log_cannot_be_begun_anew(small):
    path = small.published / "CURRENT.json"
    said = json.loads(path.read_text())
    path.write_text(json.dumps({**said, "audit_head": None}))
    with pytest.raises(LandedDataError, match=r"does not end as CURRENT.json says"):
        small.publish(D4)


@pytest.mark.parametrize(
    "statement", ["DELETE FROM stock_ledger WHERE movement_id = 'm2'", "UPDATE stock_ledger SET units = 9 WHERE movement_id = 'm2'"]
)  # fmt: skip
def test_a_release_that_drops_or_edits_a_movement_is_refused(small, statement):
    small.alter_ledger(statement)
    before = small.hashes()
    with pytest.raises(LandedDataError, match=r"append-only.* would drop or change movement_id m2") as caught:
        small.publish(D4, changed=(D2, D3))
    assert len(str(caught.value).splitlines()) == 1
    assert small.hashes() == before
    audit.verify(small.home)


def test_a_tampered_ledger_file_is_not_replaced_silently(small):
    rewrite(small.published, f"stock_ledger/business_date={D2}/data.parquet", "units + 1 AS units", fix_current=True)
    with pytest.raises(LandedDataError, match="movement_id m2"):
        small.publish(D4, changed=(D2, D3))


def test_a_column_that_the_ledger_gains_is_no_edit(small):
    small.alter_ledger("ALTER TABLE stock_ledger ADD COLUMN bucket VARCHAR DEFAULT 'on_hand'")
    small.alter_ledger("ALTER TABLE stock_ledger DROP COLUMN reason")
    path = small.published / "CURRENT.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "code_version": "0.0.0"}))
    small.publish(D4, changed=(D1, D2, D3))
    audit.verify(small.home)


def test_the_window_of_the_database_is_what_is_compared(tmp_path, monkeypatch):
    home = SmallHome(tmp_path / "home", monkeypatch)
    last = D1 + timedelta(days=40)
    home.move("m1", D1, 5)
    home.publish(D1)
    home.move("m40", last, 5)
    home.publish(last)
    assert home.current.database_from == str(last - timedelta(days=34))
    audit.verify(home.home)
    rewrite(home.published, f"stock_ledger/business_date={D1}/data.parquet", "6 AS units")
    [line] = told(home)
    assert line.startswith(f"stock_ledger/business_date={D1}/data.parquet: sha256 is")


def test_show_tells_the_story_of_one_row(small):
    text = audit.show(small.home, "S1|A|C1", D2)
    assert [line.split()[0] for line in text.splitlines()] == ["1", "5"]
    assert "ann (store_manager)  approved adjustments_proposed 2024-03-05|S1|A|C1" in text
    assert "pending -> approved" in text


def test_exit_codes_of_the_command(small, tmp_path, capsys):
    assert main(["audit", "verify", "--home", str(small.home.root)]) == 0
    assert capsys.readouterr().out.startswith("audit log verified: 10 entries")
    assert main(["audit", "show", "--home", str(small.home.root), "--row-key", "nobody"]) == 2
    capsys.readouterr()
    small.file("audit_log", D4).unlink()
    assert main(["audit", "verify", "--home", str(small.home.root)]) == 3
    assert main(["audit", "show", "--home", str(small.home.root)]) == 3
    assert all(line.startswith("allocator: ") for line in capsys.readouterr().err.splitlines())
    assert main(["audit", "verify", "--home", str(tmp_path / "none")]) == 2
    (tmp_path / "empty").mkdir()
    assert main(["audit", "verify", "--home", str(tmp_path / "empty")]) == 3


def test_a_log_written_anew_does_not_hold_the_head_noted_down(small):
    noted = [sha256_of(small.file("audit_log", day)) for day in (D3, D4)]
    for sha in noted:
        audit.verify(small.home, sha)
    rewrite(small.published, f"audit_log/business_date={D4}/data.parquet", "'mallory' AS actor", fix_current=True)
    alter_database(small.published, f"UPDATE audit_log SET actor = 'mallory' WHERE business_date = DATE '{D4}'")
    audit.verify(small.home)
    with pytest.raises(LandedDataError, match=f"{noted[1]}, the head given with --expect, is no file of the chain"):
        audit.verify(small.home, noted[1])


def test_a_database_taken_away_is_rebuilt_from_the_files(small):
    """What the runbook says to do about a changed database."""
    alter_database(small.published, "UPDATE stock_ledger SET units = 7")
    (small.published / "allocator.duckdb").unlink()
    assert told(small)[0].startswith("allocator.duckdb: cannot be opened")
    before = small.hashes()
    small.publish(D4)
    assert small.hashes() == before
    audit.verify(small.home)


def test_a_swapped_in_older_file_is_found(small, tmp_path):
    copy = tmp_path / "old"
    shutil.copy(small.file("allocations", D4), copy)
    small.publish(D4, units=6)
    replace(small.published, f"allocations/business_date={D4}/data.parquet", copy, fix_current=True)
    assert told(small)[0].startswith(f"allocations/business_date={D4}/data.parquet: sha256 is")


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 4), st.lists(st.integers(0, 9), max_size=4, unique=True), st.integers(0, 2)), max_size=8)
)  # fmt: skip
def test_old_rows_are_a_prefix_of_the_new_log(runs):
    """Any sequence of runs (date, ids of its entries, number of seals): rows are only ever added at the end."""
    log, newest, by_hand = SCHEMA.empty_table(), None, []
    with duckdb.connect() as connection:
        for offset, ids, seals in runs:
            day = D1 + timedelta(days=offset)
            tail = max(day, newest or day)
            is_tail = pa.array([value == tail for value in log["business_date"].to_pylist()], pa.bool_())
            is_since = pa.array([value >= day for value in log["business_date"].to_pylist()], pa.bool_())
            entries = [entry(f"{day}-{number}", day, business_date=day) for number in ids]
            rows = extended(
                connection, log.filter(is_tail), log.filter(is_since).select(["entry_id"]),
                pa.Table.from_pylist(entries, schema=ENTRIES),
                pa.Table.from_pylist([{"dataset": "stock_ledger", "about_date": D1 + timedelta(days=n), "rows": 1, "sha256": "a"} for n in range(seals)], schema=SEALS),
                run_date=day, tail=tail, sequence=len(log), previous_sha256="0", policy_version="p",
            )  # fmt: skip
            grown = pa.concat_tables([log.filter(pa.compute.invert(is_tail)), rows])
            assert grown.slice(0, len(log)).equals(log)
            assert grown["sequence"].to_pylist() == list(range(1, len(grown) + 1))
            new = [f"{day}-{number}" for number in ids if f"{day}-{number}" not in by_hand]
            by_hand += new
            added = grown.slice(len(log))
            assert [
                e
                for e, a in zip(added["entry_id"].to_pylist(), added["action"].to_pylist(), strict=True)
                if a != "sealed"
            ] == new
            assert added["action"].to_pylist().count("sealed") == seals
            log, newest = grown, tail
