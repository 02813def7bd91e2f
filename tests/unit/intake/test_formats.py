"""What a file may look like: CSV in its variants, gzip, Parquet, and what cannot be read at all."""

import gzip
import random
from datetime import datetime
from decimal import Decimal

import pyarrow as pa
import pytest

from data_quality.intake import fingerprint
from tests.support.landing import csv_bytes, folder, pos, write_bytes, write_csv, write_parquet
from tests.unit.intake.world import DAY, World

HEADER = b"transaction_id,line_no,location_id,sku_id,units,net_amount\n"


def _loaded(world: World, columns: str = "transaction_id, source_line"):
    return world.rows("raw", columns)


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_bom_and_line_ends(world, end):
    """landing.md: a BOM is tolerated; CRLF is RFC 4180's own line end."""
    write_bytes(world.landing, "pos", DAY, b"\xef\xbb\xbf" + csv_bytes([pos(1), pos(2)], end=end))
    world.take()
    assert _loaded(world, "transaction_id, net_amount, source_line") == [
        ("T1", Decimal("4"), 2),
        ("T2", Decimal("4"), 3),
    ]


def test_blank_lines_are_no_rows_but_count_as_lines(world):
    write_bytes(world.landing, "pos", DAY, b"\n" + HEADER + b"T1,1,S1,A,1,4\n\n\nT2,1,S1,A,1,4\n\n")
    assert world.take().rows_landed == 2
    assert _loaded(world) == [("T1", 3), ("T2", 6)]


def test_last_line_without_line_end_and_columns_in_any_order(world):
    write_bytes(world.landing, "pos", DAY, b"net_amount,sku_id,units,location_id,line_no,transaction_id\n4,A,2,S1,1,T1")
    world.take()
    assert _loaded(world, "transaction_id, sku_id, units, net_amount") == [("T1", "A", 2, Decimal("4"))]


def test_ids_with_quotes_commas_line_ends_emoji_and_sql(bare):
    """Ids are text: nothing in them is syntax."""
    skus = ('5" pipe', "a,b", "'; drop table items; --", "😀", "two\nlines", '""', "back\\slash", " x ", "é\u2028")
    bare.masters(skus=skus)
    write_csv(bare.landing, "pos", DAY, [pos(n, sku_id=sku) for n, sku in enumerate(skus)])
    write_parquet(bare.landing, "pos", DAY, [pos(n + 100, sku_id=sku) for n, sku in enumerate(skus)])
    report = bare.take()
    assert (report.rows_loaded, report.rows_quarantined) == (18, 0)
    assert [row[0] for row in bare.rows("raw", "sku_id")] == [*skus, *skus]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_multi_line_quoted_fields_keep_physical_line_numbers(world, end):
    note = f'a{end}{end}b, "c"{end}'
    write_csv(
        world.landing,
        "pos",
        DAY,
        [pos(1, customer_id=note), pos(2, customer_id="x"), pos(3, customer_id=note)],
        end=end,
    )
    world.take()
    # A record with the note spans four lines; the next begins on the fifth.
    assert _loaded(world, "transaction_id, customer_id, source_line") == [
        ("T1", note, 2),
        ("T2", "x", 6),
        ("T3", note, 7),
    ]


def test_line_feeds_in_fields_of_a_crlf_file(world):
    """As spreadsheets write it; line ends within a field then read as LF."""
    data = csv_bytes([pos(1, customer_id="a\nb"), pos(2, customer_id="c")], end="\r\n")
    write_bytes(world.landing, "pos", DAY, data)
    write_bytes(world.landing, "pos", DAY, gzip.compress(data.replace(b"T", b"U")), "b.csv.gz")
    world.take()
    expected = [("T1", "a\nb", 2), ("T2", "c", 4), ("U1", "a\nb", 2), ("U2", "c", 4)]
    assert sorted(_loaded(world, "transaction_id, customer_id, source_line")) == expected


@pytest.mark.parametrize(
    "bad",
    [
        b'T2,1,S1,"A,1,4\n',  # a quote that nobody closes
        b'T2,1,S1,"A"x,1,4\n',  # text behind the closing quote
        b'T2,1,S1,5" pipe,1,4\n',  # a quote in an unquoted field
        b"T2,1,S1,A,1\n",
        b"T2,1,S1,A,1,4,\n",
        b"not a row at all\n",
    ],
)
@pytest.mark.parametrize("after", [b"T3,1,S1,A,1,4\nT4,1,S1,A,1,4\n", b'T3,1,S1,"A",1,4\n"T4",1,S1,A,1,"4"\n'])
def test_a_malformed_record_costs_itself_only(world, bad, after):
    write_bytes(world.landing, "pos", DAY, HEADER + b'T1,1,S1,"A",1,4\n' + bad + after)
    world.take()
    assert world.reasons() == [(3, ["unparseable"])]
    assert world.rows("quarantine", "raw_text") == [(bad.decode().rstrip("\n"),)]
    assert [row[0] for row in _loaded(world)] == ["T1", "T3", "T4"]


def test_a_multi_line_record_of_the_wrong_width_is_one_bad_row(world):
    write_bytes(world.landing, "pos", DAY, HEADER + b'T1,1,S1,A,1,"4\n5",x\nT2,1,S1,A,1,4\n')
    world.take()
    assert world.rows("quarantine", "source_line, raw_text") == [(2, 'T1,1,S1,A,1,"4\n5",x')]
    assert _loaded(world) == [("T2", 4)]


def test_wrong_delimiter(world):
    """landing.md: comma. No known column can be found, so no row can be read."""
    write_bytes(world.landing, "pos", DAY, (HEADER + b"T1,1,S1,A,1,4\nT2,1,S1,A,1,4\n").replace(b",", b";"))
    report = world.take()
    assert world.reasons() == [(2, ["unparseable"]), (3, ["unparseable"])]
    assert (report.rows_landed, report.rows_quarantined, report.unknown_columns) == (
        2,
        2,
        [HEADER.decode().strip().replace(",", ";")],
    )


def test_unknown_columns_are_kept_out_and_named(world):
    """landing.md: unknown columns are kept out and named once; an index column without name is not worth naming."""
    rows = [{"": 0, **pos(1), "colour": "red", "business_date": "1999-01-01"}]
    write_csv(world.landing, "pos", DAY, rows)
    report = world.take()
    assert (report.rows_loaded, report.unknown_columns) == (1, ["business_date", "colour"])
    assert world.rows("accounting", "problem") == [("unknown columns: colour, business_date",)]
    assert world.rows("raw", "business_date") == [(DAY,)]


def test_a_repeated_column_makes_rows_ambiguous(world):
    write_bytes(world.landing, "pos", DAY, HEADER.replace(b"\n", b",Units\n") + b"T1,1,S1,A,1,4,2\n")
    world.take()
    assert world.rows("quarantine", "reasons, detail") == [
        (["unparseable"], "unparseable: header repeats column units")
    ]


def test_header_only_and_all_null_columns_whatever_their_types(world):
    """semantics 8: no rows means that nothing happened; an all-null column has no type."""
    write_bytes(world.landing, "pos", DAY, HEADER, "a.csv")
    write_bytes(world.landing, "pos", DAY, HEADER.strip(), "b.csv")
    empty = pa.table({name: pa.array([], pa.bool_()) for name in HEADER.decode().strip().split(",")})
    write_parquet(world.landing, "pos", DAY, empty, "c.parquet")
    full = pa.table(
        {
            **{name: pa.array([value]) for name, value in pos(1).items()},
            "sold_at": pa.nulls(1),
            "promo_id": pa.array([None], pa.float64()),
            "unit_list_price": pa.array([None], pa.bool_()),
        }
    )
    write_parquet(world.landing, "pos", DAY, full, "d.parquet")
    report = world.take()
    assert (report.rows_landed, report.rows_loaded, report.problems) == (1, 1, [])
    assert world.figures()[str(DAY), "c.parquet"] == (0, 0, 0, 0, 0)


def test_parquet_with_a_wrong_type_is_cast_per_row(world):
    """A column of the wrong physical type costs only the rows that do not fit."""
    table = pa.table(
        {
            "transaction_id": pa.array([1, 2, 3, 4]),
            "line_no": pa.array([1.0, 1.0, 1.5, 1.0]),
            "location_id": pa.array([b"S1", b"S1", b"S1", b"\xff"]),
            "sku_id": pa.array(["A", "B", "A", "A"]).dictionary_encode(),
            "units": pa.array(["1", "two", "3", "4"]),
            "net_amount": pa.array([1.25, 2.5, 3.0, float("nan")]),
            "sold_at": pa.array([datetime(2024, 3, 4, 10)] * 4, pa.timestamp("ns", "Europe/Berlin")),
        }
    )
    write_parquet(world.landing, "pos", DAY, table)
    world.take()
    assert _loaded(world, "transaction_id, line_no, location_id, units, net_amount, sold_at, source_line") == [
        ("1", 1, "S1", 1, Decimal("1.25"), datetime(2024, 3, 4, 10), 2)
    ]
    assert world.reasons() == [(3, ["bad_type"]), (4, ["bad_type"]), (5, ["bad_type", "unknown_location"])]
    assert world.rows("quarantine", "raw_text")[0] == (
        '{"transaction_id":2,"line_no":1.0,"location_id":"S1","sku_id":"B","units":"two","net_amount":2.5,'
        '"sold_at":"2024-03-04 10:00:00+00"}',
    )


def test_files_of_many_layouts_in_one_folder_with_hostile_names(world):
    """landing.md: a partition is the union of its files, under any name."""
    names = ["a [1].csv", "b*?.csv", "c'; drop.csv", 'd,e".parquet', "f.CSV.GZ", "é 😀.parquet"]
    for n, name in enumerate(names):
        write = write_parquet if name.endswith("parquet") else write_csv
        write(world.landing, "pos", DAY, [pos(n, sold_at=None) if n % 2 else pos(n)], name)
    gz = folder(world.landing, "pos", DAY) / "f.CSV.GZ"
    gz.write_bytes(gzip.compress(gz.read_bytes()))
    for ignored in ("x.csv.tmp", "y.parquet.part", ".hidden.csv", "_notes.csv"):
        write_csv(world.landing, "pos", DAY, [pos(99)], ignored)
    write_bytes(world.landing, "pos", DAY, b"x", "notes.txt")
    report = world.take()
    assert sorted(world.rows("raw", "source_file, transaction_id")) == sorted(
        (name, f"T{n}") for n, name in enumerate(names)
    )
    assert report.problems == [f"{DAY} notes.txt: not .parquet, .csv or .csv.gz, not read"]


def _truncated(data: bytes) -> bytes:
    return gzip.compress(data, mtime=0)[:-12]


@pytest.mark.parametrize(
    ("name", "data", "problem"),
    [
        ("x.csv", b"", "zero_bytes"),
        ("x.parquet", b"", "zero_bytes"),
        ("x.csv", b"\xef\xbb\xbf\n \n", "unreadable: no header line"),
        ("x.csv.gz", gzip.compress(b"", mtime=0), "unreadable: no header line"),
        ("x.csv.gz", _truncated(HEADER + b"T1,1,S1,A,1,4\n" * 500), "unreadable: gzip data is truncated"),
        ("x.csv.gz", HEADER + b"T1,1,S1,A,1,4\n", "unreadable: gzip data is damaged"),
        ("x.csv", HEADER + b"T1,1,S1,\xe9,1,4\n", "unreadable: not UTF-8"),
        ("x.csv", HEADER + b"T1,1,S1,A,1,4\n\xf0\x9f\x98", "unreadable: not UTF-8"),
        ("x.csv", (HEADER + b"T1,1,S1,A,1,4\n").decode().encode("utf-16"), "unreadable: not UTF-8"),
        ("x.csv", b'"transaction_id,line_no\nT1,1\n', "unreadable: the header line is not valid CSV"),
        ("x.parquet", b"PAR1 nothing of the kind PAR1", "unreadable: "),
    ],
    ids=range(11),
)
def test_an_unreadable_file_is_one_row_quarantined_and_spoils_no_other(world, name, data, problem):
    """semantics 8, 9: an unreadable file counts as one row landed, one quarantined; the rest of the batch loads."""
    for n in range(5):
        write_csv(world.landing, "pos", DAY, [pos(n)], f"good{n}.csv")
        write_parquet(world.landing, "pos", DAY, [pos(10 + n)], f"good{n}.parquet")
    write_bytes(world.landing, "pos", DAY, data, name)
    report = world.take()
    assert world.figures()[str(DAY), name] == (1, 0, 0, 1, 0)
    assert (report.rows_landed, report.rows_loaded, report.rows_quarantined) == (11, 10, 1)
    assert world.rows("quarantine", "source_file, source_line, raw_text, reasons") == [(name, 0, None, ["unparseable"])]
    recorded = [row for row in world.rows("accounting", "source_file, is_readable, problem") if row[0] == name]
    assert recorded[0][1] is False and recorded[0][2].startswith(problem)
    assert "\n" not in recorded[0][2] and str(world.landing) not in recorded[0][2]


def test_damaged_parquet_pages_do_not_spoil_the_batch(world):
    """The footer reads, the data does not: found out only by the scan."""
    rows = [pos(n, customer_id=f"{n * 7919 % 10007}") for n in range(3000)]
    path = write_parquet(world.landing, "pos", DAY, rows, "bad.parquet")
    data = bytearray(path.read_bytes())
    data[4:400] = random.Random(1).randbytes(396)
    path.write_bytes(data)
    for n in range(3):
        write_parquet(world.landing, "pos", DAY, [pos(5000 + n, customer_id="x")], f"good{n}.parquet")
    report = world.take()
    assert (report.rows_loaded, report.rows_quarantined) == (3, 1)
    assert world.figures()[str(DAY), "bad.parquet"] == (1, 0, 0, 1, 0)


@pytest.mark.parametrize("chunk", range(1, 9))
def test_facts_do_not_depend_on_how_the_bytes_are_read(tmp_path, monkeypatch, chunk):
    monkeypatch.setattr(fingerprint, "CHUNK", chunk)
    path = tmp_path / "x.csv"
    path.write_bytes('\ufeffa,"é"\r\n😀,2\r\n'.encode())
    assert fingerprint.text_facts(path) == fingerprint.TextFacts(None, ("a", "é"), 1, "\r\n", True)
    path.write_bytes(b"a,b\r\n1,2\r\r\n\n3\r")
    assert fingerprint.text_facts(path).newline is None
    assert fingerprint.with_unix_lines(path, tmp_path / "y.csv").read_bytes() == b"a,b\n1,2\n\n\n3\n"


def test_columns_named_like_the_engines_own(world):
    """Whatever else a Parquet file carries, it spoils no other file."""
    own = {"filename": "x", "text": "y", "fields": 1, "file_id": 7, "posted_on": 2, "r0": 3, "v0": 4, "load": 5}
    write_parquet(world.landing, "pos", DAY, [{**pos(1), **own}], "a.parquet")
    write_parquet(world.landing, "pos", DAY, [{**pos(2), "file_row_number": 1}], "b.parquet")
    write_csv(world.landing, "pos", DAY, [{**pos(3), **own}], "c.csv")
    report = world.take()
    assert _loaded(world, "transaction_id") == [("T1",), ("T3",)]
    assert report.unknown_columns == sorted(own)
    assert world.figures()[str(DAY), "b.parquet"] == (1, 0, 0, 1, 0)
