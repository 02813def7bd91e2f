"""A supplier that is always two days late and one unit short: what the run publishes of it, worked out by hand."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support import tiny_world as world
from tests.support.home import allocator, published
from tests.support.shared import made_once

D8 = world.DATES[7]
LATE = "LATE"


def write_orders(landing) -> None:
    """Order k: 10 of A, placed on date k, promised for the next, 9 come on k + 3, and the picture of k + 4 no longer names it."""
    for today, day in enumerate(world.DATES[:8]):
        named = [k for k in range(8) if k <= today < k + 4]
        rows = [(f"V{k}", 1, LATE, world.DC, "A", 10, 9 if k + 3 <= today else 0, world.DATES[k] + timedelta(days=1), "open") for k in named]
        world.write_feed(landing, "purchase_orders", day, rows)
        arrived = [("RV", 1, world.DC, "A", 9, 0, "purchase", f"V{k}", "", f"{day}T07:00:00") for k in range(8) if k + 3 == today]
        world.write_feed(landing, "receipts", day, [(f"{row[0]}{today}", *row[1:]) for row in arrived], "vendor.csv")


@pytest.fixture(scope="module")
def late_home(tmp_path_factory):
    """The tiny world with that supplier, its eighth date run."""

    def make(folder):
        world.write_world(folder / "home" / "landing", world.DATES[:8])
        write_orders(folder / "home" / "landing")
        allocator(folder / "home", "run", "--date", str(D8))

    return made_once(tmp_path_factory, "late_supplier", make) / "home"


def test_the_lane_is_as_late_as_seen_and_as_little_as_known(late_home):
    """Orders 0 to 3 closed 2 days late. Open past or on their date are 4, 5 and 6: 3, 2 and 1 days late at least. With 4 imagined
    orders in time 7 of 11 are late. The date of order 0 is not known, 1 to 3 took 3 days where policy says 7: 7 - 4 x 3/7."""
    [row] = published(
        late_home,
        "SELECT orders, lead_orders, basis, stated_lead_days, delay_p50_days, delay_p90_days FROM lead_times WHERE from_id = $s", s=LATE,
    )  # fmt: skip
    assert row == (7, 3, "lane_history", 7.0, 2, 2)
    [figures] = published(late_home, "SELECT late_share, delay_mean_days, lead_mean_days, short_rate FROM lead_times WHERE from_id = $s", s=LATE)
    assert figures == pytest.approx((7 / 11, (1 + 5 * 2 + 3) / 11, 7 - 12 / 7, 0.1 * 4 / 8))


def test_the_scorecard_says_so(late_home):
    """4 lines closed and 2 past due, none on time or in full, 4 of 40 units short at cost 2."""
    columns = "orders, lines, overdue_lines, on_time_rate, in_full_rate, otif_rate, short_rate, damaged_rate, mean_delay_days, short_value::DOUBLE"
    rows = published(late_home, f"SELECT {columns} FROM vendor_scorecards ORDER BY supplier_id")
    assert rows == [(6, 4, 2, 0.0, 0.0, 0.0, 0.1, 0.0, 2.0, 8.0)] * 2  # '*' and the supplier


def test_open_orders_are_predicted_not_only_promised(late_home):
    """4/11, 1/11, 5/11, 1/11 at 0 to 3 days late, of which only what is after today is left of each; 5 % never comes."""
    rows = published(
        late_home,
        "SELECT po_id, promised_units, (promised_date - business_date)::INTEGER, (predicted_date - business_date)::INTEGER, predicted_units,"
        " is_past_due, basis FROM inbound_predictions ORDER BY po_id",
    )
    assert rows == [
        ("V4", 1, -2, 1, 1, True, "lane_history"),
        ("V5", 10, -1, 1, 10, True, "lane_history"),
        ("V6", 10, 0, 2, 10, False, "lane_history"),
        ("V7", 10, 1, 3, 10, False, "lane_history"),
    ]


def test_the_supplier_is_one_exception_of_each_kind(late_home):
    """11 units past due and 4 left out, at cost 2."""
    rows = published(
        late_home,
        "SELECT kind, value_at_risk::DOUBLE, owner_role, status, evidence FROM exceptions WHERE cause_key = 'supplier|' || $s ORDER BY kind",
        s=LATE,
    )
    assert rows == [
        ("late_delivery", 22.0, "supply_planner", "open", "inbound_predictions:V4|DC1|A; inbound_predictions:V5|DC1|A"),
        ("short_delivery", 8.0, "supply_planner", "open", f"vendor_scorecards:{LATE}"),
    ]
