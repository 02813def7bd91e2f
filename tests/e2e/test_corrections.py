"""Counts and goods under policy, end to end: held, refused, approved by two, posted on the count's date, and on record.

The tiny retailer's books are right; its counts are not. It sends no adjustments, so the pipeline posts counts itself.
S2 counts A (cost 2) one too low, which posts by itself; the DC, which got 6 of D (cost 5) that morning, counts 6 too few,
which needs two approvers.
"""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from tests.support.home import allocator, published
from tests.support.tiny_world import COLUMNS, DATES, units_sold, write_feed, write_world

D0 = DATES[5]
D1, D2 = (D0 + timedelta(days=n) for n in (1, 2))
POLICY = """version: 1
rules:
  - id: small-limits
    set:
      reconciliation.auto_post_value_a: 3
      reconciliation.auto_post_value_b: 3
      reconciliation.auto_post_value_c: 3
      reconciliation.recount_value: 1000
      reconciliation.four_eyes_value: 20
      reconciliation.approval_limits: ["store_manager:10", "inventory_controller:100", "finance_director:*"]
      disposition.auto_value: 1
"""
COUNT_COLUMNS = "count_id,line_no,location_id,sku_id,counted_units,counted_at,counter_id"
APPROVALS = "approval_id,dataset,row_key,decision,decided_by,role,decided_at"


def book(home, day, location, sku) -> int:
    rows = published(
        home,
        "SELECT on_hand FROM inventory_positions WHERE business_date = $day AND location_id = $location AND sku_id = $sku",
        day=day, location=location, sku=sku,
    )  # fmt: skip
    return rows[0][0]


def proposal(home, day, source) -> tuple:
    rows = published(
        home,
        "SELECT action, approval_status, approvals_given, approver_role, row_key, variance_units, closed_on"
        " FROM adjustments_proposed WHERE business_date = $day AND source_id = $source",
        day=day, source=source,
    )  # fmt: skip
    return rows[0] if rows else ()


def approve(home, day, number, row_key, who, role) -> None:
    COLUMNS["approvals"] = APPROVALS
    write_feed(
        home / "landing", "approvals", day,
        [(f"OK{number}", "adjustments_proposed", row_key, "approve", who, role, f"{day}T18:0{number}:00")],
        name=f"{number}.csv",
    )  # fmt: skip


def _book_of_a() -> int:
    """A at S2 on the evening of D0, by hand: opened at 12, two units received a day after the first, sales since then."""
    days = DATES[1:6]
    return 12 + 2 * len(days) - sum(units_sold(day, "S2", "A") for day in days)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """Three dates: counts on D0, one approver on D1 (and who may not), the second on D2."""
    home = tmp_path_factory.mktemp("corrections") / "home"
    (home / "policies").mkdir(parents=True)
    (home / "policies" / "limits.yaml").write_text(POLICY)
    write_world(home / "landing", DATES[:8])
    COLUMNS["cycle_counts"], old = COUNT_COLUMNS, COLUMNS["cycle_counts"]
    write_feed(
        home / "landing", "cycle_counts", D0,
        [
            ("C1", 1, "S2", "A", _book_of_a() - 1, f"{D0}T21:00:00", "ann"),
            ("C2", 1, "DC1", "D", 60 + 6 * 5 - 6, f"{D0}T21:00:00", "bob"),
        ],
    )  # fmt: skip
    COLUMNS["cycle_counts"] = old
    write_feed(home / "landing", "returns", D0, [("RX", 1, "S1", "D", 3, "damaged", 10)])
    allocator(home, "run", "--date", str(D0))
    key = proposal(home, D0, "C2")[4]
    approve(home, D1, 1, key, "bob", "inventory_controller")
    approve(home, D1, 2, key, "sue", "store_manager")
    approve(home, D1, 3, key, "cat", "inventory_controller")
    approve(home, D2, 4, key.split("|", 1)[1], "dan", "finance_director")
    allocator(home, "run", "--date", str(D1), "--through", str(D2))
    return home


def test_a_small_error_posts_by_itself(home):
    action, status, *_ = proposal(home, D0, "C1")
    assert (action, status) == ("post", "auto")
    assert published(
        home,
        "SELECT variance, posted_by FROM reconciliations WHERE business_date = $day AND location_id = 'S2' AND sku_id = 'A'",
        day=D0,
    ) == [(-1, "count_correction")]


def test_a_large_one_is_held_until_two_people_approved(home):
    """Worth 30: above four eyes (20) and the store manager (10). Bob counted it himself; sue's role is too small."""
    assert proposal(home, D0, "C2")[:4] == ("post", "pending", 0, "inventory_controller")
    assert proposal(home, D1, "C2")[:3] == ("post", "pending", 1)
    assert proposal(home, D2, "C2")[:3] == ("post", "approved", 2)
    assert proposal(home, D2, "C2")[6] == D2


def test_the_correction_stands_on_the_count_s_date_and_moves_every_date_since(home):
    moves = published(
        home,
        "SELECT business_date, units, posted_on FROM stock_ledger WHERE movement_type = 'count_correction' AND location_id = 'DC1'",
    )
    assert moves == [(D0, -6, D2)]
    for day in (D0, D1, D2):
        [(closing, opening)] = published(
            home,
            """SELECT closing_book, opening + receipts + returns_restocked + transfers_in + adjustments - sales - transfers_out
               FROM reconciliations WHERE business_date = $day AND location_id = 'DC1' AND sku_id = 'D'""",
            day=day,
        )
        assert closing == opening == book(home, day, "DC1", "D")


def test_every_step_is_on_record_and_the_chain_verifies(home):
    steps = published(
        home,
        "SELECT business_date, action, actor FROM audit_log WHERE row_key LIKE '%|C2' ORDER BY sequence",
    )
    judged = {actor: (day, action) for day, action, actor in steps if actor != "allocator"}
    assert judged == {
        "bob": (D1, "refused_self"), "sue": (D1, "refused_role"), "cat": (D1, "counted"), "dan": (D2, "approved"),
    }  # fmt: skip
    assert any(action == "posted" for _, action, _ in steps)
    assert allocator(home, "audit", "verify").stdout.startswith("audit log verified")


def test_damaged_returns_get_a_disposition(home):
    action, status, *_ = proposal(home, D0, "returns:RX|1")
    assert action == "dispose" and status in ("pending", "auto")
    [(disposition, recovery)] = published(
        home,
        "SELECT disposition, expected_recovery FROM adjustments_proposed WHERE business_date = $day AND source_id = 'returns:RX|1'",
        day=D0,
    )
    assert disposition in ("repair", "vendor", "liquidate", "destroy") and recovery is not None


def test_what_is_waiting_is_an_exception(home):
    kinds = {
        day: {
            kind
            for (kind,) in published(
                home, "SELECT kind FROM exceptions WHERE business_date = $day AND status = 'open'", day=day
            )
        }
        for day in (D0, D2)
    }
    assert "count_variance" in kinds[D0]
    assert "count_variance" not in kinds[D2]
    assert json.loads((home / "published" / "CURRENT.json").read_text())["audit_head"]["sequence"] > 0
