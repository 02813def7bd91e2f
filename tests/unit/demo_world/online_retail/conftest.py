"""The world made of the published rows, and its written files, once for all tests of the folder."""

from __future__ import annotations

import duckdb
import pytest

from allocation_assets.demo_world import write_landing
from allocation_assets.demo_world.online_retail import OnlineRetail, build_online_retail
from allocation_assets.demo_world.source import DATA_DIR


@pytest.fixture(scope="session")
def retail() -> OnlineRetail:
    return build_online_retail()


@pytest.fixture(scope="session")
def retail_landing(retail, tmp_path_factory):
    landing = tmp_path_factory.mktemp("retail") / "landing"
    write_landing(landing, world=retail)
    return landing


@pytest.fixture(scope="session")
def landed(retail_landing) -> duckdb.DuckDBPyConnection:
    """A table per feed of what was written, and `source`: the published rows, numbered within their invoice."""
    connection = duckdb.connect(config={"threads": 1})
    for feed in ("pos", "returns", "adjustments", "items", "locations"):
        files = str(retail_landing / feed / "*" / "*.parquet")
        connection.from_parquet(files, hive_partitioning=True).create(feed)
    published = str(DATA_DIR / "online_retail.parquet")
    connection.from_parquet(published, file_row_number=True).create_view("published")
    connection.execute(
        """CREATE TABLE source AS
        SELECT *, row_number() OVER (PARTITION BY InvoiceNo ORDER BY file_row_number) AS line_no FROM published"""
    )
    return connection
