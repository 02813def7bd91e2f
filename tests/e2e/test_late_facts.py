"""What happened earlier and is known later: restated measures, orders under way, SKUs that their master names a day late."""

from __future__ import annotations

import json

from data_quality.invariants import check_invariants
from tests.support.busy_week import D0, D1, D2, FIRST_RELEASE, LATE_FOR, ORDERED, on_hand
from tests.support.home import parquet_hashes, published


def _first_release(home) -> dict:
    return json.loads((home.parent / FIRST_RELEASE).read_text())


def test_what_is_ordered_is_not_ordered_again(busy_week):
    """What is on order is in the position, and only what sold since is ordered on top, in cases of 2."""
    ordered = {sku: units for sku, units, _ in published(busy_week, ORDERED, d=D0) if sku in "CD"}
    query = "SELECT sku_id, on_order FROM inventory_positions WHERE business_date = $d AND location_id = 'DC1' AND sku_id IN ('C', 'D')"
    assert dict(published(busy_week, query, d=D1)) == ordered
    again = published(
        busy_week,
        "SELECT sku_id, units, on_order, order_up_to - inventory_position FROM replenishment_orders"
        " WHERE business_date = $d AND sku_id IN ('C', 'D')", d=D1,
    )  # fmt: skip
    assert again
    for sku, units, on_order, short in again:
        assert (on_order, units) == (ordered[sku], short + short % 2), sku
        assert units < ordered[sku], sku


def test_late_facts_restate_measures_and_never_decisions(busy_week):
    """Semantics 4: the sale stands on its own date and moves every close since; what was decided stays."""
    first = _first_release(busy_week)
    decided = {name: sha for name, sha in first["hashes"].items() if name.startswith(("allocations/", "demand_forecasts/"))}
    assert decided and decided.items() <= parquet_hashes(busy_week).items()
    assert on_hand(busy_week, D0, "S2", "C") == first["c_at_s2"] - 3
    late = published(busy_week, "SELECT business_date, posted_on, units FROM stock_ledger WHERE source_key = 'LATE|1'")
    assert late == [(LATE_FOR, D1, -3)]
    assert check_invariants(busy_week / "published" / "allocator.duckdb", None) == []


def test_a_restated_date_is_sealed_anew(busy_week):
    """The log names the file that the late sale replaced."""
    sealed = published(
        busy_week,
        "SELECT row_key, json_extract_string(before, '$.sha256') FROM audit_log"
        " WHERE business_date = $day AND dataset = 'stock_ledger' AND action = 'sealed' ORDER BY sequence",
        day=D1,
    )
    replaced = _first_release(busy_week)["hashes"][f"stock_ledger/business_date={LATE_FOR}/data.parquet"]
    assert sealed == [(str(LATE_FOR), replaced), (str(D1), None)]


def test_a_sku_named_a_day_late_is_taken_up_on_its_own_date(busy_week):
    """Semantics 11: quarantined on the date it came, resolved on the date that its master named it."""
    account = "SELECT rows_landed, rows_loaded, rows_quarantined FROM feed_accounting WHERE file = 'new_sku.csv'"
    assert published(busy_week, account) == [(1, 1, 0)]
    assert published(busy_week, "SELECT reasons, resolved_on FROM quarantine WHERE file = 'new_sku.csv'") == [(["unknown_sku"], D2)]
    taken_up = published(busy_week, "SELECT business_date, posted_on, units FROM stock_ledger WHERE source_key = 'NEW|1'")
    assert taken_up == [(D1, D2, -1)]
