"""Counts and goods under policy, end to end: held, refused, approved by two, posted on the count's date, and on record."""

from __future__ import annotations

import json

from tests.support.busy_week import D0, D1, D2, on_hand
from tests.support.home import allocator, published


def proposal(home, day, source) -> tuple:
    rows = published(
        home,
        "SELECT action, approval_status, approvals_given, approver_role, row_key, variance_units, closed_on"
        " FROM adjustments_proposed WHERE business_date = $day AND source_id = $source",
        day=day, source=source,
    )  # fmt: skip
    return rows[0] if rows else ()


def test_a_small_error_posts_by_itself(busy_week):
    action, status, *_ = proposal(busy_week, D0, "C1")
    assert (action, status) == ("post", "auto")
    assert published(
        busy_week,
        "SELECT variance, posted_by FROM reconciliations WHERE business_date = $day AND location_id = 'S2' AND sku_id = 'A'",
        day=D0,
    ) == [(-1, "count_correction")]


def test_a_large_one_is_held_until_two_people_approved(busy_week):
    """Worth 30: above four eyes (20) and the store manager (10). Bob counted it himself; sue's role is too small."""
    assert proposal(busy_week, D0, "C2")[:4] == ("post", "pending", 0, "inventory_controller")
    assert proposal(busy_week, D1, "C2")[:3] == ("post", "pending", 1)
    assert proposal(busy_week, D2, "C2")[:3] == ("post", "approved", 2)
    assert proposal(busy_week, D2, "C2")[6] == D2


def test_the_correction_stands_on_the_count_s_date_and_moves_every_date_since(busy_week):
    moves = published(
        busy_week,
        "SELECT business_date, units, posted_on FROM stock_ledger WHERE movement_type = 'count_correction' AND location_id = 'DC1'",
    )
    assert moves == [(D0, -6, D2)]
    for day in (D0, D1, D2):
        [(closing, opening)] = published(
            busy_week,
            """SELECT closing_book, opening + receipts + returns_restocked + transfers_in + adjustments - sales - transfers_out
               FROM reconciliations WHERE business_date = $day AND location_id = 'DC1' AND sku_id = 'D'""",
            day=day,
        )
        assert closing == opening == on_hand(busy_week, day, "DC1", "D")


def test_every_step_is_on_record_and_the_chain_verifies(busy_week):
    steps = published(
        busy_week,
        "SELECT business_date, action, actor FROM audit_log WHERE row_key LIKE '%|C2' ORDER BY sequence",
    )
    judged = {actor: (day, action) for day, action, actor in steps if actor != "allocator"}
    assert judged == {
        "bob": (D1, "refused_self"), "sue": (D1, "refused_role"), "cat": (D1, "counted"), "dan": (D2, "approved"),
    }  # fmt: skip
    assert any(action == "posted" for _, action, _ in steps)
    assert allocator(busy_week, "audit", "verify").stdout.startswith("audit log verified")


def test_damaged_returns_get_a_disposition(busy_week):
    action, status, *_ = proposal(busy_week, D0, "returns:RX|1")
    assert action == "dispose" and status in ("pending", "auto")
    [(disposition, recovery)] = published(
        busy_week,
        "SELECT disposition, expected_recovery FROM adjustments_proposed WHERE business_date = $day AND source_id = 'returns:RX|1'",
        day=D0,
    )
    assert disposition in ("repair", "vendor", "liquidate", "destroy") and recovery is not None


def test_what_is_waiting_is_an_exception(busy_week):
    kinds = {
        day: {
            kind
            for (kind,) in published(
                busy_week, "SELECT kind FROM exceptions WHERE business_date = $day AND status = 'open'", day=day
            )
        }
        for day in (D0, D2)
    }
    assert "count_variance" in kinds[D0]
    assert "count_variance" not in kinds[D2]
    assert json.loads((busy_week / "published" / "CURRENT.json").read_text())["audit_head"]["sequence"] > 0
