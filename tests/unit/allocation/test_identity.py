"""allocation_id: Python and DuckDB agree (semantics 20)."""

from __future__ import annotations

import hashlib
from datetime import date

import duckdb
import pytest

from allocation_assets.allocation.identity import allocation_id, allocation_id_sql


def test_sql_equals_python():
    keys = [
        (date(2026, 11, 23), "DC1", "S1", "A"),
        (date(2026, 1, 2), "DÇ", "a|b", "c"),
        (date(2026, 1, 2), "DÇ", "a", "b|c"),
    ]
    expected = [hashlib.sha256("\x1f".join((d.isoformat(), *rest)).encode()).hexdigest()[:16] for d, *rest in keys]
    con = duckdb.connect()
    con.execute(
        "CREATE TABLE t (i INTEGER, business_date DATE, from_location_id TEXT, to_location_id TEXT, sku_id TEXT)"
    )
    con.executemany("INSERT INTO t VALUES (?, ?, ?, ?, ?)", [(i, *key) for i, key in enumerate(keys)])
    from_sql = [row[0] for row in con.execute(f"SELECT {allocation_id_sql()} FROM t ORDER BY i").fetchall()]
    assert from_sql == expected == [allocation_id(*key) for key in keys]
    assert len(set(expected)) == 3


def test_only_column_names():
    assert "t.sku_id" in allocation_id_sql(sku_id="t.sku_id")
    with pytest.raises(ValueError, match="column name"):
        allocation_id_sql(sku_id="'x'); DROP TABLE t")
