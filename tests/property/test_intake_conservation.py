"""No row is lost, whatever lands: rows in = rows accounted for; what loads does not depend on how it was split."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import cache
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.landing import csv_bytes, pos, write_bytes, write_csv, write_masters, write_parquet
from tests.unit.intake.world import DAY, World, new_world

HEADER = [*pos(0), "channel", "customer_id"]
FEW = settings(max_examples=15, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@cache
def _template() -> tempfile.TemporaryDirectory:
    folder = tempfile.TemporaryDirectory()
    new_world(Path(folder.name)).masters()
    return folder


@contextmanager
def fresh_world() -> Iterator[World]:
    """Masters know SKUs A and B, and locations DC1, S1 and S2."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copytree(_template().name, folder, dirs_exist_ok=True)
        yield World(Path(folder) / "landing", Path(folder) / "warehouse" / "lake")


GOOD = st.fixed_dictionaries(
    {
        "transaction_id": st.sampled_from(["T1", "T2", "T3", 'T"4', "T,5", "T\n6", "😀", "'; drop table pos"]),
        "line_no": st.integers(1, 2),
        "units": st.integers(1, 3),
        "customer_id": st.sampled_from([None, "c", 'say "hi"', "two\nlines"]),
    }
)
FAULTS = st.sampled_from(
    [{"units": -1}, {"units": "x"}, {"location_id": None}, {"channel": "web"}, {"sku_id": "LATER"}]
)
ROWS = st.lists(st.tuples(GOOD, st.none() | st.none() | FAULTS), min_size=1, max_size=25)
FORMATS = st.sampled_from(["csv", "csv.gz", "parquet"])


def _row(good: dict, fault: dict | None) -> dict:
    row = {**pos(0), **good, **(fault or {})}
    return {name: None if row.get(name) is None else str(row[name]) for name in HEADER}


def _deliver(world: World, file: int, offset: int, kind: str, rows: list[dict]) -> None:
    day, name = DAY - timedelta(days=offset), f"{file}.{kind}"
    if kind == "parquet":
        write_parquet(world.landing, "pos", day, rows, name)
    else:
        write_csv(world.landing, "pos", day, rows, name, header=HEADER)


def _loaded_keys(world: World) -> list[tuple]:
    return sorted(world.rows("raw", "transaction_id, line_no"))


def _accounted(world: World) -> int:
    """Rows landed, after checking the identity of every file and the figures against the files of the lake."""
    figures = world.figures()
    assert all(landed == loaded + same + bad for landed, loaded, same, bad, _ in figures.values())
    totals = [sum(column) for column in zip(*figures.values(), strict=True)]
    assert totals[1] == len(world.rows("raw"))
    assert totals[3] == len(world.rows("quarantine")) - len(world.rows("resolved"))
    return totals[0]


@FEW
@given(
    rows=ROWS,
    split=st.lists(st.tuples(st.integers(0, 3), FORMATS, st.integers(0, 2)), min_size=1, max_size=4),
    data=st.data(),
)
def test_rows_in_are_rows_accounted_and_keys_loaded_do_not_depend_on_the_split(rows, split, data):
    """landing.md "What a bad row gets"; semantics 9-11. All dates are within late_days of each other.

    Oracle: a key is loaded if any valid row has it, once its SKU is known.
    """
    rows = [(_row(good, fault), fault) for good, fault in rows]
    owner = [data.draw(st.integers(0, len(split) - 1)) for _ in rows]
    valid = {(r["transaction_id"], int(r["line_no"])) for r, fault in rows if fault is None}
    waiting = {(r["transaction_id"], int(r["line_no"])) for r, fault in rows if fault == {"sku_id": "LATER"}}
    with fresh_world() as world:
        for turn in range(3):
            for file, (offset, kind, at) in enumerate(split):
                part = [row for (row, _), n in zip(rows, owner, strict=True) if n == file]
                if at == turn and (part or kind != "parquet"):
                    _deliver(world, file, offset, kind, part)
            world.take()
        assert _accounted(world) == len(rows)
        assert _loaded_keys(world) == sorted(valid)
        write_masters(world.landing, DAY + timedelta(days=1), ["A", "LATER"])
        world.take("items", DAY + timedelta(days=1))
        world.take(day=DAY + timedelta(days=1))
        assert _accounted(world) == len(rows)
        assert _loaded_keys(world) == sorted(valid | waiting)


@FEW
@given(
    lines=st.lists(st.text(st.sampled_from('ab,,""\t😀'), max_size=12), max_size=12),
    end=st.sampled_from(["\n", "\r\n"]),
)
def test_lines_become_records_as_a_reader_of_one_character_at_a_time_would_have_them(lines, end):
    """RFC 4180 with recovery: no line is lost, whatever its quotes (every record is quarantined here, for its columns)."""
    with fresh_world() as world:
        write_bytes(world.landing, "pos", DAY, end.join(["line_no,customer_id", *lines]).encode())
        world.take()
        assert world.rows("quarantine", "source_line, raw_text") == _records(lines, end)


def _records(lines: list[str], end: str) -> list[tuple[int, str]]:
    """(physical line, text) of every record, by a character automaton."""
    records, start, inside = [], 0, False
    for n, line in enumerate(lines):
        start = n if not inside else start
        inside = _ends_inside(line, inside)
        if not inside:
            text = end.join(lines[start : n + 1])
            if n > start and not _is_strict(text):
                records += [(k + 2, lines[k]) for k in range(start, n + 1)]
            else:
                records.append((start + 2, text))
    if inside:
        records += [(k + 2, lines[k]) for k in range(start, len(lines))]
    return [(line, text) for line, text in records if text]


def _ends_inside(line: str, inside: bool) -> bool:
    """State after a line: quotes open at the start of a field only; text behind a closing quote runs to the comma."""
    at_start, k = not inside, 0
    while k < len(line):
        char = line[k]
        if inside:
            if char == '"' and line[k + 1 : k + 2] == '"':
                k += 1
            elif char == '"':
                inside = False
        elif char == '"' and at_start:
            inside = True
        at_start = not inside and char == ","
        k += 1
    return inside


def _is_strict(text: str) -> bool:
    """Whether every field is either without quotes or wholly quoted."""
    k = 0
    while True:
        if text[k : k + 1] == '"':
            k += 1
            while text[k : k + 1] != '"' or text[k : k + 2] == '""':
                if k >= len(text):
                    return False
                k += 2 if text[k : k + 2] == '""' else 1
            k += 1
        else:
            while k < len(text) and text[k] not in ',"':
                k += 1
        if k == len(text):
            return True
        if text[k] != ",":
            return False
        k += 1


@FEW
@given(
    data=st.binary(max_size=60) | st.binary(max_size=60).map(lambda tail: csv_bytes([pos(1)]) + tail),
    name=st.sampled_from(["x.csv", "x.csv.gz", "x.parquet"]),
)
def test_any_bytes_are_accounted_for(data, name):
    """semantics 9: whatever the bytes, the take-in goes on and the file is accounted for, beside a good one."""
    with fresh_world() as world:
        write_csv(world.landing, "pos", DAY, [pos(7)], "good.csv")
        write_bytes(world.landing, "pos", DAY, data, name)
        world.take()
        assert _accounted(world) >= 1
        assert ("T7", 1) in _loaded_keys(world)
        assert (str(DAY), name) in world.figures()
