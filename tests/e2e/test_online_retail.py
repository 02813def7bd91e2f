"""`allocator demo --data online-retail`: all 541,909 published rows through the whole flow, accounted for to the row."""

import json

import duckdb
import pytest

from allocation_assets.demo_world.online_retail import RUN_DATES
from allocation_assets.demo_world.source import DATA_DIR
from data_quality.invariants import check_invariants
from tests.support.home import allocator, parquet_hashes, published

PSEUDO = (
    "POST", "DOT", "M", "m", "C2", "D", "S", "B", "PADS", "CRUK", "BANK CHARGES", "AMAZONFEE", "gift_0001_10",
    "gift_0001_20", "gift_0001_30", "gift_0001_40", "gift_0001_50",
)  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = tmp_path_factory.mktemp("retail") / "home"
    allocator(home, "demo", "--data", "online-retail")
    return home


@pytest.fixture(scope="module")
def source():
    """The published rows as the table `source`, their counts taken without the code under test."""
    connection = duckdb.connect(config={"threads": 1})
    connection.from_parquet(str(DATA_DIR / "online_retail.parquet")).create_view("source")
    return connection


def _count(source, condition):
    return source.execute(f"SELECT count(*) FROM source WHERE {condition}", {"pseudo": list(PSEUDO)} if "$pseudo" in condition else {}).fetchone()[0]


def test_every_published_row_is_loaded_or_quarantined(home, source):
    """Landed = loaded + duplicate + quarantined in every file, and all landed rows are all published rows."""
    assert published(
        home, "SELECT count(*) FROM feed_accounting WHERE rows_landed <> rows_loaded + rows_duplicate + rows_quarantined"
    ) == [(0,)]
    sums = published(
        home,
        """SELECT feed, sum(rows_landed)::BIGINT, sum(rows_loaded)::BIGINT, sum(rows_duplicate)::BIGINT, sum(rows_quarantined)::BIGINT
        FROM feed_accounting WHERE feed IN ('pos', 'returns', 'adjustments') GROUP BY feed""",
    )
    landed = {feed: rows for feed, rows, *_ in sums}
    assert sum(landed.values()) == _count(source, "TRUE") == 541_909
    assert landed["returns"] == _count(source, "InvoiceNo LIKE 'C%'")
    assert sum(duplicate for *_, duplicate, _ in sums) == 0
    pseudo = _count(source, "list_contains($pseudo, StockCode)")
    never_priced = source.execute(
        """SELECT sum(n) FROM (SELECT count(*) AS n FROM source
        WHERE StockCode NOT IN (SELECT unnest($pseudo)) GROUP BY upper(StockCode) HAVING max(UnitPrice) <= 0)""",
        {"pseudo": list(PSEUDO)},
    ).fetchone()[0]
    assert published(
        home, "SELECT reasons[1], count(*) FROM quarantine WHERE len(reasons) = 1 GROUP BY 1 ORDER BY 1"
    ) == [("not_merchandise", pseudo), ("unknown_sku", never_priced)]
    assert sum(row[4] for row in sums) == pseudo + never_priced
    back = _count(source, "InvoiceNo LIKE 'C%' AND list_contains($pseudo, StockCode)")
    assert next(row[4] for row in sums if row[0] == "returns") == back


def test_repeated_lines_are_sales_of_their_own(home, source):
    """Sales units of the ledger are those of the source, repeated lines and all."""
    sold = source.execute(
        """SELECT sum(Quantity) FROM source WHERE Quantity > 0 AND InvoiceNo NOT LIKE 'C%' AND UnitPrice > 0
        AND NOT list_contains($pseudo, StockCode)""",
        {"pseudo": list(PSEUDO)},
    ).fetchone()[0]
    files = str(home / "published" / "stock_ledger" / "*" / "*.parquet")  # the database holds the newest dates only
    landing = str(home / "landing" / "pos" / "*" / "*.parquet")
    with duckdb.connect() as connection:
        [ledger] = connection.execute("SELECT -sum(units)::BIGINT FROM read_parquet(?) WHERE movement_type = 'sale'", [files]).fetchall()
        query = "SELECT sum(units)::BIGINT FROM read_parquet(?) WHERE net_amount = 0 AND NOT list_contains(?, sku_id)"
        [given] = connection.execute(query, [landing, list(PSEUDO)]).fetchall()
    assert ledger[0] == sold + given[0]


@pytest.mark.parametrize("table", ["inventory_positions", "stock_ledger", "demand_forecasts", "sku_segments", "allocations", "allocation_needs"])
def test_what_is_no_merchandise_reaches_nothing(home, table):
    assert published(home, f"SELECT count(*) FROM {table} WHERE list_contains($pseudo, sku_id)", pseudo=list(PSEUDO)) == [(0,)]


def test_books_are_unopened_and_say_what_moved(home):
    """Semantics 13: without snapshot or count, on_hand is net movements and flagged."""
    assert published(home, "SELECT count(*) > 3800, bool_and(is_unopened) FROM inventory_positions WHERE business_date = $day", day=RUN_DATES[-1]) == [(True, True)]
    landing = {feed: str(home / "landing" / feed / "*" / "*.parquet") for feed in ("pos", "returns", "adjustments")}
    database = str(home / "published" / "allocator.duckdb")
    with duckdb.connect(database, read_only=True) as connection:
        # Disposals first empty the damaged bucket (semantics 14), so SKUs that have one are left to the ledger's own tests.
        rows = connection.execute(
            """WITH moved AS (
                SELECT sku_id, -units AS units FROM read_parquet($pos)
                UNION ALL SELECT sku_id, units FROM read_parquet($returns) WHERE disposition = 'restock'
                UNION ALL SELECT sku_id, units FROM read_parquet($adjustments)),
            disposed AS (SELECT DISTINCT sku_id FROM read_parquet($adjustments) WHERE reason_code = 'disposal'),
            expected AS (SELECT sku_id, sum(units) AS units FROM moved ANTI JOIN disposed USING (sku_id) GROUP BY 1)
            SELECT count(*), count(*) FILTER (p.on_hand <> e.units) FROM inventory_positions p JOIN expected e USING (sku_id)
            WHERE p.business_date = $day""",
            {**landing, "day": RUN_DATES[-1]},
        ).fetchone()
    assert rows[0] > 3_700
    assert rows[1] == 0


def test_invariants_hold_and_nothing_is_decided_without_a_dc(home):
    assert check_invariants(home / "published" / "allocator.duckdb", None) == []
    assert published(home, "SELECT count(*) FROM allocations") == [(0,)]
    assert published(home, "SELECT count(*) FROM run_summary WHERE array_to_string(warnings, '|') NOT LIKE '%nothing to allocate: no open location is supplied by a DC%'") == [(0,)]
    current = json.loads((home / "published" / "CURRENT.json").read_text())
    assert current["run_dates"] == [str(day) for day in RUN_DATES]
    assert current["provenance"] == {
        "adjustments": "derived", "items": "derived", "locations": "derived", "pos": "observed", "returns": "simulated",
    }  # fmt: skip


def test_the_demo_resumes_and_keeps_to_its_data(home):
    before = parquet_hashes(home)
    done = allocator(home, "demo")  # a home that it made is resumed, whatever its data
    assert done.stdout.count("already published") == len(RUN_DATES)
    assert "5268 repeat a line word for word" in done.stdout
    assert parquet_hashes(home) == before
    refused = allocator(home, "demo", "--data", "freshretail", check=False)
    assert refused.returncode == 2
    assert "holds the demo of online-retail" in refused.stderr
