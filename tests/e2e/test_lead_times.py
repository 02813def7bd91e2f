"""A supplier that is always two days late and one unit short: what the run publishes of it, worked out by hand."""

from __future__ import annotations

import pytest

from tests.support.busy_week import D2, LATE
from tests.support.home import published


def test_the_lane_is_as_late_as_seen_and_as_little_as_known(busy_week):
    """Orders 0 to 3 closed 2 days late. Open past or on their date are 4, 5 and 6: 3, 2 and 1 days late at least. With 4 imagined
    orders in time 7 of 11 are late. The date of order 0 is not known, 1 to 3 took 3 days where policy says 7: 7 - 4 x 3/7."""
    [row] = published(
        busy_week,
        "SELECT orders, lead_orders, basis, stated_lead_days, delay_p50_days, delay_p90_days FROM lead_times WHERE business_date = $d AND from_id = $s", d=D2, s=LATE,
    )  # fmt: skip
    assert row == (7, 3, "lane_history", 7.0, 2, 2)
    [figures] = published(busy_week, "SELECT late_share, delay_mean_days, lead_mean_days, short_rate FROM lead_times WHERE business_date = $d AND from_id = $s", d=D2, s=LATE)
    assert figures == pytest.approx((7 / 11, (1 + 5 * 2 + 3) / 11, 7 - 12 / 7, 0.1 * 4 / 8))


def test_the_scorecard_says_so(busy_week):
    """4 lines closed and 2 past due, none on time or in full, 4 of 40 units short at cost 2."""
    columns = "orders, lines, overdue_lines, on_time_rate, in_full_rate, otif_rate, short_rate, damaged_rate, mean_delay_days, short_value::DOUBLE"
    rows = published(busy_week, f"SELECT {columns} FROM vendor_scorecards WHERE business_date = $d ORDER BY supplier_id", d=D2)
    assert rows == [(6, 4, 2, 0.0, 0.0, 0.0, 0.1, 0.0, 2.0, 8.0)] * 2  # '*' and the supplier


def test_open_orders_are_predicted_not_only_promised(busy_week):
    """4/11, 1/11, 5/11, 1/11 at 0 to 3 days late, of which only what is after today is left of each; 5 % never comes."""
    rows = published(
        busy_week,
        "SELECT po_id, promised_units, (promised_date - business_date)::INTEGER, (predicted_date - business_date)::INTEGER, predicted_units,"
        " is_past_due, basis FROM inbound_predictions WHERE business_date = $d AND po_id LIKE 'V%' ORDER BY po_id",
        d=D2,
    )
    assert rows == [
        ("V4", 1, -2, 1, 1, True, "lane_history"),
        ("V5", 10, -1, 1, 10, True, "lane_history"),
        ("V6", 10, 0, 2, 10, False, "lane_history"),
        ("V7", 10, 1, 3, 10, False, "lane_history"),
    ]


def test_the_supplier_is_one_exception_of_each_kind(busy_week):
    """11 units past due and 4 left out, at cost 2."""
    rows = published(
        busy_week,
        "SELECT kind, value_at_risk::DOUBLE, owner_role, status, evidence FROM exceptions WHERE business_date = $d AND cause_key = 'supplier|' || $s ORDER BY kind",
        d=D2, s=LATE,
    )
    assert rows == [
        ("late_delivery", 22.0, "supply_planner", "open", "inbound_predictions:V4|DC1|A; inbound_predictions:V5|DC1|A"),
        ("short_delivery", 8.0, "supply_planner", "open", f"vendor_scorecards:{LATE}"),
    ]
