"""Believed stock, buffers and holds, each by hand."""

from __future__ import annotations

import duckdb
import numpy as np
import pyarrow as pa

from allocation_assets.allocation.trust import QUERY, RecordTrust, position_units, record_trust

PAIRS = pa.table(
    {
        "sku_id": ["A", "A", "B"],
        "to_location_id": ["S1", "S2", "S1"],
        "on_hand": [6, 0, -2],
        "reserved": [1, 0, 0],
        "committed": [2, 0, 0],
        "in_transit": [4, 0, 1],
        "firm_units": [0, 0, 0],
        "open_order_units": [0, 3, 0],
    }
)


def test_the_bare_book_gives_available_plus_transit_less_orders():
    """6 - 1 - 2 + 4; 0 - 3 of backlog; a negative book is no stock, but not a debt either."""
    book = RecordTrust(PAIRS["on_hand"].to_numpy(), np.zeros(3), np.full(3, "none", object), np.zeros(3))
    assert position_units(PAIRS, book).tolist() == [7, -3, 1]


def _trust(beliefs: list[tuple], reliability: list[tuple], tmp_path):
    with duckdb.connect() as connection:
        connection.register("pairs", PAIRS)
        connection.execute("CREATE TABLE int_allocation_pairs AS FROM pairs")
        files = {}
        for name, columns, rows in (
            (
                "beliefs",
                "location_id VARCHAR, sku_id VARCHAR, believed_on_hand BIGINT, probability_wrong DOUBLE",
                beliefs,
            ),
            ("reliability", "location_id VARCHAR, action VARCHAR, buffer_rate DOUBLE", reliability),
        ):
            connection.execute(f"CREATE TABLE {name} ({columns})")
            if rows:
                marks = ", ".join("?" * len(rows[0]))
                connection.executemany(f"INSERT INTO {name} VALUES ({marks})", rows)
            files[name] = str(tmp_path / f"{name}.parquet")
            connection.execute(f"COPY {name} TO '{files[name]}' (FORMAT parquet)")
        return record_trust(connection.execute(QUERY, files).to_arrow_table())


def test_a_shelf_believed_empty_wants_stock_and_hidden_stock_does_not(tmp_path):
    """A at S1: book 6, believed 0, so only what is in transit counts. B at S1: book -2, believed 5."""
    trust = _trust([("S1", "A", 0, 0.9), ("S1", "B", 5, 1.0)], [], tmp_path)
    assert position_units(PAIRS, trust).tolist() == [4, -3, 6]
    assert trust.probability_wrong.tolist() == [0.9, 0.0, 1.0]


def test_a_pair_without_a_belief_is_believed_as_its_book_says(tmp_path):
    trust = _trust([], [], tmp_path)
    assert trust.believed_on_hand.tolist() == [6, 0, -2]
    assert set(trust.action) == {"none"} and not trust.is_held.any()


def test_policy_buffers_or_holds_a_whole_location(tmp_path):
    trust = _trust([], [("S1", "buffer", 0.1), ("S2", "hold", 0.1)], tmp_path)
    assert trust.buffer_rate.tolist() == [0.1, 0.0, 0.1]
    assert trust.is_held.tolist() == [False, True, False]
    assert isinstance(trust.is_held, np.ndarray)
