"""What one published row becomes: hand-made rows, expected values by hand."""

from __future__ import annotations

from collections import Counter, defaultdict
from decimal import Decimal

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from allocation_assets.demo_world.online_retail.matching import match_returns
from allocation_assets.demo_world.online_retail.reasons import reason_codes
from allocation_assets.demo_world.online_retail.source import classify, is_not_merchandise, sku_ids
from allocation_assets.demo_world.online_retail.world import build_online_retail

NAMES = ["InvoiceNo", "StockCode", "Description", "Quantity", "InvoiceDate", "UnitPrice", "CustomerID"]
T = "2011-03-0{} 10:0{}:00".format


def published(*rows: tuple) -> pd.DataFrame:
    """Hand-made rows with the published columns."""
    frame = pd.DataFrame(rows, columns=NAMES)
    texts = ["InvoiceNo", "StockCode", "Description", "CustomerID"]
    frame[texts] = frame[texts].astype("string[pyarrow]")
    return frame.assign(Country="UK", InvoiceDate=pd.to_datetime(frame["InvoiceDate"]))


ROWS = published(
    ("536365", "85123A", "WHITE HOLDER", 6, T(1, 0), 2.55, "17850.0"),  # a sale
    ("536365", "85123a", "WHITE HOLDER", 6, T(1, 0), 2.55, "17850.0"),  # the same article in small letters
    ("536365", "85123A", "WHITE HOLDER", 6, T(1, 0), 2.55, "17850.0"),  # repeats line 1 word for word: a sale
    ("536366", "85123A", "WHITE HOLDER", 2, T(1, 1), 0.0, None),  # given away under its own name: a sale
    ("536367", "85123A", "found", 2, T(1, 1), 0.0, None),  # a note: a correction
    ("536368", "85123A", None, 3, T(1, 1), 0.0, None),  # no text at all: a correction
    ("536369", "85123A", "found", 3, T(1, 1), 0.0, "17850.0"),  # somebody got it: a sale
    ("536370", "85123A", "damages", -4, T(2, 1), 0.0, None),  # a correction
    ("C536371", "85123A", "WHITE HOLDER", -1, T(2, 2), 2.55, "17850.0"),  # a return
    ("C536371", "D", "Discount", -1, T(2, 2), 27.5, "17850.0"),  # a return of what is no merchandise
    ("A563186", "B", "Adjust bad debt", 1, T(2, 3), -11062.06, None),  # bad debt: a line of sale, later quarantined
)


def test_each_row_goes_to_one_feed():
    lines = classify(ROWS)
    assert lines["feed"].tolist() == [
        "pos", "pos", "pos", "pos", "adjustments", "adjustments", "pos", "adjustments", "returns", "returns", "pos"
    ]  # fmt: skip
    assert lines["line_no"].tolist() == [1, 2, 3, 1, 1, 1, 1, 1, 1, 2, 1]
    assert set(lines["sku_id"]) == {"85123A", "D", "B"}
    assert lines["customer_id"].dropna().unique().tolist() == ["17850"]
    assert lines["mills"].tolist()[0] == 2550


def test_codes_keep_their_spelling_but_for_the_letters_of_an_article():
    codes = pd.Series(["85123a", "15056bl", "m", "M", "gift_0001_20", "DCGSSBOY", "22423"], dtype="string[pyarrow]")
    skus = sku_ids(codes)
    assert skus.tolist() == ["85123A", "15056BL", "m", "M", "gift_0001_20", "DCGSSBOY", "22423"]
    assert is_not_merchandise(skus).tolist() == [False, False, True, True, True, False, False]


def test_landing_tables_of_the_hand_made_rows():
    world = build_online_retail(ROWS)
    tables = {feed: dated.table.to_pylist() for feed, dated in world.transactions.items()}
    assert [str(day) for day in world.dates()] == ["2011-03-01", "2011-03-02"]
    assert world.repeats == 1
    first = tables["pos"][0]
    assert (first["transaction_id"], first["line_no"], first["units"]) == ("536365", 1, 6)
    assert (first["net_amount"], first["unit_list_price"]) == (Decimal("15.300"), Decimal("2.550"))
    assert [(r["transaction_id"], r["net_amount"]) for r in tables["pos"] if r["sku_id"] == "B"] == [
        ("A563186", Decimal("-11062.060"))
    ]
    goods, discount = tables["returns"]
    assert (goods["return_id"], goods["line_no"], goods["units"]) == ("C536371", 1, 1)
    assert goods["original_transaction_id"] == "536369"  # the newest sale of the customer and SKU before it
    assert (discount["refund_amount"], discount["original_transaction_id"]) == (Decimal("27.500"), None)
    assert [(r["adjustment_id"], r["units"], r["reason_code"]) for r in tables["adjustments"]] == [
        ("536367-1", 2, "found"), ("536368-1", 3, "other"), ("536370-1", -4, "damage")
    ]  # fmt: skip
    assert world.plans["items"].to_pylist() == [
        {"sku_id": "85123A", "description": "WHITE HOLDER", "department": "Giftware", "unit_cost": Decimal("1.275"),
         "unit_price": Decimal("2.550"), "case_pack": 1}
    ]  # fmt: skip


def test_a_date_without_returns_lands_a_file_without_rows():
    """Semantics 8: that nothing came back is known, the file says so."""
    world = build_online_retail(ROWS)
    (file,) = world.files("returns", 0)
    assert (file.name, file.table.num_rows) == ("returns.parquet", 0)
    assert (world.files("items", 1), len(world.files("items", 0))) == ([], 1)


def test_what_is_cancelled_on_the_date_of_its_sale_is_restocked():
    sale = ("1", "22423", "CAKESTAND", 80_995, T(1, 0), 2.08, "1.0")
    rows = [(f"C{n}", "22423", "CAKESTAND", -1, T(1, 5), 2.08, "1.0") for n in range(2, 60)]
    world = build_online_retail(published(sale, *rows))
    assert set(world.transactions["returns"].table["disposition"].to_pylist()) == {"restock"}


@pytest.mark.parametrize(
    ("note", "units", "reason"),
    [
        ("damages", -5, "damage"),
        ("Wet/rusty", -5, "damage"),
        ("rusty throw away", -5, "disposal"),
        ("Unsaleable, destroyed.", -5, "disposal"),
        ("thrown away-can't sell", -5, "disposal"),
        ("???lost", -5, "shrink"),
        ("?missing", -5, "shrink"),
        ("Found in w/hse", 5, "found"),
        ("Had been put aside.", 5, "found"),
        ("found some more on shelf", -9, "correction"),  # a find that takes stock away: it corrects an entry
        ("damaged", 9, "correction"),
        ("check", -5, "correction"),
        ("check", 5, "correction"),
        ("wrongly coded 20713", -5, "correction"),
        ("sold as set on dotcom", -5, "correction"),
        ("showroom", -5, "sample"),
        ("?", -5, "other"),
        ("john lewis", 5, "other"),
        (None, -5, "other"),
        (None, 5, "other"),
    ],
)
def test_reason_codes_follow_the_note_and_its_sign(note, units, reason):
    assert reason_codes(pd.Series([note], dtype="string[pyarrow]"), np.array([units])).tolist() == [reason]


def _lines(*rows: tuple) -> pd.DataFrame:
    frame = pd.DataFrame(rows, columns=["invoice", "line_no", "sku_id", "customer_id", "units", "at"])
    return frame.assign(at=pd.to_datetime(frame["at"], unit="m"))


def test_returns_name_the_newest_sale_that_is_still_open():
    sales = _lines(("1", 1, "A", "x", 5, 10), ("2", 1, "A", "x", 5, 20), ("3", 1, "A", "y", 9, 30), ("4", 1, "A", "x", 9, 90))
    back = _lines(
        ("C1", 1, "A", "x", 3, 40),  # of sale 2, which keeps 2
        ("C2", 1, "A", "x", 4, 50),  # 2 of sale 2 and 2 of sale 1: names the newest
        ("C3", 1, "A", "x", 4, 60),  # only 3 are open: none, and takes nothing
        ("C4", 1, "A", "x", 3, 70),  # sale 1
        ("C5", 1, "A", "x", 1, 80),  # nothing is open; sale 4 comes later
        ("C6", 1, "B", "y", 1, 80),  # never bought
        ("C7", 1, "A", None, 1, 80),  # nobody known
        ("C8", 1, "A", "x", 9, 90),  # the very minute of sale 4
    )
    assert match_returns(sales, back).tolist() == ["2", "2", None, "1", None, None, None, "4"]


_EVENT = st.tuples(
    st.booleans(), st.sampled_from("xy"), st.sampled_from("AB"), st.integers(1, 5), st.integers(0, 30)
)  # is_return, customer, SKU, units, minute


@given(st.lists(_EVENT, max_size=30))
def test_no_more_is_returned_than_was_bought(events):
    rows = [(str(n), 1, sku, customer, units, at) for n, (_, customer, sku, units, at) in enumerate(events)]
    sales = _lines(*(r for r, e in zip(rows, events, strict=True) if not e[0]))
    back = _lines(*(r for r, e in zip(rows, events, strict=True) if e[0]))
    named = match_returns(sales, back)
    bought = {r[0]: r for r, e in zip(rows, events, strict=True) if not e[0]}
    taken = Counter()
    sold = defaultdict(int)
    for row in bought.values():
        sold[row[3], row[2]] += row[4]
    for (_, event), invoice in zip([x for x in zip(rows, events, strict=True) if x[1][0]], named, strict=True):
        if invoice is not None:
            _, _, sku, customer, _, at = bought[invoice]
            assert (customer, sku) == event[1:3]
            assert at <= event[4]
            taken[customer, sku] += event[3]
    assert all(units <= sold[pair] for pair, units in taken.items())
