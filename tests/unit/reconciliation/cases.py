"""Rows of the reconciliation's tables with defaults, so that a test says only what it is about."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

import duckdb
import pyarrow as pa

from allocation_assets.placeholders import SCHEMAS
from allocation_assets.policy.limits import parse_limits

DAY = date(2026, 5, 6)
BEFORE = date(2026, 5, 5)
LADDER = parse_limits(["store_manager:500", "inventory_controller:5000", "finance_director:*"])

APPROVALS = "approval_id VARCHAR, dataset VARCHAR, row_key VARCHAR, decision VARCHAR, decided_by VARCHAR, role VARCHAR, decided_at TIMESTAMP"
VARIANCES = (
    "business_date DATE, location_id VARCHAR, sku_id VARCHAR, count_id VARCHAR, count_type VARCHAR, counter_id VARCHAR, "
    "reason_code VARCHAR, counted_at TIMESTAMP, counted_units BIGINT, book_units BIGINT, variance BIGINT, "
    "unit_cost DECIMAL(18, 6), variance_value DECIMAL(18, 6), department VARCHAR, abc VARCHAR, count_tolerance_units BIGINT, "
    "is_within_tolerance BOOLEAN, is_auto BOOLEAN, is_count_posting BOOLEAN, has_adjustment BOOLEAN, is_posted BOOLEAN, "
    "posted_by VARCHAR, posted_on DATE"
)
EVIDENCE = (
    "business_date DATE, location_id VARCHAR, sku_id VARCHAR, count_id VARCHAR, cause VARCHAR, units BIGINT, "
    "evidence_feed VARCHAR, evidence_key VARCHAR, priority INTEGER, other_location_id VARCHAR, other_sku_id VARCHAR"
)


def table(columns: str, rows=()) -> pa.Table:
    """Arrow table of `name TYPE, ...` columns from dicts; a missing column is null."""
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE t ({columns})")
        names = [row[0] for row in connection.execute("DESCRIBE t").fetchall()]
        for row in rows:
            assert set(row) <= set(names), set(row) - set(names)
            connection.execute(f"INSERT INTO t VALUES ({', '.join('?' * len(names))})", [row.get(n) for n in names])
        return connection.execute("FROM t").to_arrow_table()


def approval(approval_id, row_key="S1|A|C1", decision="approve", by="ann", role="inventory_controller", hour=9, **more):
    return {
        "approval_id": approval_id, "dataset": "adjustments_proposed", "row_key": row_key, "decision": decision,
        "decided_by": by, "role": role, "decided_at": datetime(2026, 5, 6, hour), **more,
    }  # fmt: skip


def proposal(source_id="C1", **more):
    row = {
        "business_date": BEFORE, "location_id": "S1", "sku_id": "A", "source_id": source_id, "kind": "count",
        "row_key": f"2026-05-05|S1|A|{source_id}", "about_date": BEFORE, "proposed_on": BEFORE, "book_units": 50,
        "counted_units": 40, "variance_units": -10, "variance_value": Decimal(-200), "root_cause": "unexplained",
        "action": "post", "approval_status": "pending", "approver_role": "store_manager", "approvals_needed": 1,
        "approvals_given": 0, "proposed_by": "cora", "due_on": date(2026, 5, 8), "policy_version": "p1", "reason": "r",
    }  # fmt: skip
    return row | more


def proposals(*rows):
    return table(SCHEMAS["decisions/adjustments_proposed"], rows)


def outcomes(*rows):
    return table(SCHEMAS["decisions/approval_outcomes"], rows)


def outcome(result="approved", source_id="C1", by="ann", **more):
    return {
        "business_date": DAY, "approval_id": "a1", "dataset": "adjustments_proposed", "row_key": f"S1|A|{source_id}",
        "kind": "count", "about_date": BEFORE, "location_id": "S1", "sku_id": "A", "source_id": source_id,
        "decision": "reject" if result == "rejected" else "approve", "decided_by": by, "role": "inventory_controller",
        "decided_at": datetime(2026, 5, 6, 9), "outcome": result,
    } | more  # fmt: skip


def variance(count_id="C1", units=-10, **more):
    row = {
        "business_date": DAY, "location_id": "S1", "sku_id": "A", "count_id": count_id, "count_type": "cycle",
        "counter_id": "cora", "counted_at": datetime(2026, 5, 6, 12), "book_units": 50, "counted_units": 50 + units,
        "variance": units, "unit_cost": Decimal(20), "department": "Toys", "abc": "B", "count_tolerance_units": 1,
        "is_within_tolerance": abs(units) <= 1, "is_auto": False, "is_count_posting": True, "has_adjustment": False,
        "is_posted": False,
    } | more  # fmt: skip
    return {"variance_value": row["variance"] * row["unit_cost"]} | row


def variances(*rows):
    return table(VARIANCES, rows)


def rows(result, *columns):
    """Rows as tuples of the named columns (values alone for one column)."""
    lists = [result[name].to_pylist() for name in columns]
    return lists[0] if len(columns) == 1 else list(zip(*lists, strict=True))
