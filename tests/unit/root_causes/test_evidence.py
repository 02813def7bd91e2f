"""What each fact says of a stock-out or of overstock, by hand. A position that is out since day n loses 4 units a day."""

from __future__ import annotations

from decimal import Decimal

import pytest

from allocation_assets.placeholders import SCHEMAS
from allocation_assets.root_causes.vocabulary import CAUSES, REFUSALS
from data_quality.expectations import root_causes as expected
from tests.unit.root_causes.world import Facts, day


@pytest.fixture
def facts() -> Facts:
    return Facts()


def test_nothing_known_is_unexplained(facts):
    """Out on the 10th alone, 4 units lost at a margin of 3: 12 at stake."""
    facts.out_since(10)
    [row] = facts.rows()
    assert row | {"position_value": Decimal(12), "position_units": Decimal(4), "value": Decimal(12), "share": Decimal(1)} == row
    assert (row["cause"], row["kind"], row["basis"], row["evidence_key"]) == ("unexplained", "stock_out", "book", None)


@pytest.mark.parametrize("why, cause", [(why, cause) for why, cause in REFUSALS.items() if cause != "dc"])
def test_a_refused_need_counts_from_its_arrival(facts, why, cause):
    """Out on the 9th and 10th: 8 lost. The plan of the 7th would have brought 4 more on the 9th; that of the 8th met its need."""
    facts.out_since(9)
    facts.plan(7, 4, why)
    facts.plan(8, 0, "need_met")
    assert facts.causes() == {("S1", cause): 0.5, ("S1", "unexplained"): 0.5}
    assert facts.evidence()[cause] == ("allocation_needs", "2026-03-07|DC1|S1|A")


def test_an_override_is_named(facts):
    facts.out_since(10)
    facts.plan(8, 9, "override", override_id="OV1")
    facts.plan(5, 9, "blocked", override_id="OV2")
    assert facts.causes() == {("S1", "override"): 1.0}
    assert facts.evidence()["override"] == ("overrides", "OV1")


def test_a_refusal_before_the_last_plan_no_longer_counts(facts):
    """What the plan of the 5th refused, the next one asked for again."""
    facts.out_since(10)
    facts.plan(5, 9, "receiving_capacity")
    facts.plan(6, 0, "need_met")
    assert facts.causes() == {("S1", "unexplained"): 1.0}


def test_supply_that_a_dc_lacks_is_traced_to_its_orders(facts):
    """The DC lacked 40 over both stores on the 8th: 10 are due since the 7th, 20 of a closed order never came. So of 8 units refused
    to S1: 2 late, 4 short, 2 of no known supply; 4 are lost, of which they would have served 2, 4 and 2."""
    facts.out_since(10)
    facts.plan(8, 8, "dc_supply")
    facts.plan(8, 32, "dc_supply", location="S2")
    facts.order("P1", promised_date=day(7), units_ordered=10, units_due=10)
    facts.order("P2", ordered_on=day(1), promised_date=day(6), units_ordered=50, units_due=50, units_received=30,
                closed_on=day(6), last_received_on=day(6))  # fmt: skip
    facts.order("P3", promised_date=day(9), units_ordered=99, units_due=99)  # not due on the 8th
    assert facts.causes() == {
        ("S1", "no_dc_supply"): 0.25, ("S1", "supplier_late"): 0.25, ("S1", "supplier_short"): 0.5,
    }  # fmt: skip
    assert facts.evidence() == {
        "no_dc_supply": ("allocation_needs", "2026-03-08|DC1|S1|A"),
        "supplier_late": ("purchase_orders", "P1|DC1|A"),
        "supplier_short": ("purchase_orders", "P2|DC1|A"),
    }


def test_a_short_order_counts_until_it_could_be_replaced(facts):
    """Ordered on the 1st for the 3rd: what is ordered again on the 3rd arrives from the 5th. A receipt of the 4th is not it, one of the 6th is."""
    facts.out_since(10)
    facts.plan(8, 8, "dc_supply")
    facts.order("P2", ordered_on=day(1), promised_date=day(3), units_ordered=50, units_due=50, units_received=10, closed_on=day(3),
                last_received_on=day(3))  # fmt: skip
    facts.add("movements", movement_id="m1", business_date=day(4), location_id="DC1", sku_id="A", movement_type="receipt", units=9)
    assert facts.causes() == {("S1", "supplier_short"): 1.0}
    facts.add("movements", movement_id="m2", business_date=day(6), location_id="DC1", sku_id="A", movement_type="receipt", units=9)
    assert facts.causes() == {("S1", "no_dc_supply"): 1.0}


def test_late_and_short_deliveries(facts):
    """Out on the 9th and 10th. 4 units due on the 9th came on the 10th: they would have served the 9th. Of 6 due on the 8th 2 came: 4 more
    would have served either day, until the plan of the 9th, which knew it, arrives on the 11th."""
    facts.out_since(9)
    facts.plan(9, 0, "need_met")
    facts.shipment("SH1", shipped_on=day(8), expected_date=day(9), units_shipped=4, units_received=4, last_received_on=day(10), closed_on=day(10))
    facts.shipment("SH2", shipped_on=day(7), expected_date=day(8), units_shipped=6, units_received=2, short_units=4,
                   last_received_on=day(8), closed_on=day(8))  # fmt: skip
    assert facts.causes() == {("S1", "delivery_late"): 0.5, ("S1", "delivery_short"): 0.5}
    assert facts.evidence()["delivery_late"] == ("shipment_lines", "SH1|1|S1|A")


def test_a_line_that_missed_its_truck(facts):
    """Planned for the 7th and due on the 8th, it left on the 8th, due and in on the 9th; a second line was never sent."""
    facts.out_since(8)
    facts.add("lines", business_date=day(6), allocation_id="a1", from_location_id="DC1", to_location_id="S1", sku_id="A",
              is_firm=True, units=4, ship_date=day(7), arrival_date=day(8), approval_status="auto")  # fmt: skip
    facts.shipment("SH1", allocation_id="a1", shipped_on=day(8), expected_date=day(9), units_shipped=4, units_received=4,
                   last_received_on=day(9), closed_on=day(9))  # fmt: skip
    assert facts.causes() == {("S1", "missed_cutoff"): 0.333, ("S1", "unexplained"): 0.667}
    facts.add("lines", business_date=day(7), allocation_id="a2", from_location_id="DC1", to_location_id="S1", sku_id="A",
              is_firm=True, units=8, ship_date=day(8), arrival_date=day(9), approval_status="auto")  # fmt: skip
    assert facts.causes() == {("S1", "missed_cutoff"): 1.0}
    assert facts.evidence()["missed_cutoff"] == ("allocations", "2026-03-07|DC1|S1|A")


def test_demand_beyond_its_spread(facts):
    """Forecast 4 a day with variance 4; 4, 4, ... but 16 sold on the 9th: 12 too many in a week of 6 (7) dates, more than 1.645 x sqrt(28).
    The plan of the 9th arrives on the 11th, so until then 12 units are missing. With 8 sold the 4 are within the spread of a day
    (2.326 x 2) and of a week; with 9 sold the 5 are beyond that of the day: 4 lost units served by 5."""
    facts.out_since(10)
    facts.plan(9, 0, "need_met")
    for n in range(1, 9):
        facts.add("forecasts", business_date=day(n), location_id="S1", sku_id="A", next_day_mean=4.0, next_day_dispersion=1.0)
    facts.connection.execute("UPDATE demand SET demand_units = 16, sales_units = 16 WHERE business_date = '2026-03-09'")
    assert facts.causes() == {("S1", "forecast_miss"): 1.0}
    assert facts.evidence()["forecast_miss"] == ("demand_forecasts", "2026-03-08|S1|A")
    facts.connection.execute("UPDATE demand SET demand_units = 8, sales_units = 8 WHERE business_date = '2026-03-09'")
    assert facts.causes() == {("S1", "unexplained"): 1.0}
    facts.connection.execute("UPDATE demand SET demand_units = 9, sales_units = 9 WHERE business_date = '2026-03-09'")
    assert facts.causes() == {("S1", "forecast_miss"): 1.0}


def test_phantom_stock_by_belief_and_by_count(facts):
    """S1: the book has 9, probably (0.8) nothing is there: at stake 0.8 x 4 units a day at 3. S2: a count took 8 of the book on the 9th."""
    facts.position(10, "healthy", 9)
    facts.add("beliefs", business_date=day(10), location_id="S1", sku_id="A", book_on_hand=9, probability_empty=0.8, zero_sales_days=3)
    facts.out_since(9, location="S2")
    facts.add("movements", movement_id="m1", business_date=day(9), location_id="S2", sku_id="A", movement_type="count_correction", units=-8)
    rows = {row["location_id"]: row for row in facts.rows()}
    assert {row["cause"] for row in rows.values()} == {"phantom_stock"}
    assert (rows["S1"]["basis"], rows["S1"]["position_units"], rows["S1"]["value"]) == ("belief", Decimal("3.2"), Decimal("9.6"))
    assert (rows["S1"]["evidence_dataset"], rows["S1"]["evidence_key"]) == ("record_beliefs", "2026-03-10|S1|A")
    assert (rows["S2"]["basis"], rows["S2"]["evidence_dataset"], rows["S2"]["evidence_key"]) == ("book", "stock_ledger", "m1")


def test_an_empty_shelf_with_stock_behind_it(facts):
    """9 at the opening, 1 sold, and the shelf was empty: 3 units lost. With a count that found nothing it is phantom stock."""
    facts.position(9, "healthy", 9)
    facts.position(10, "healthy", 8, lost=3)
    facts.demand(10, 1, hours_out=6, is_censored=True)
    [row] = facts.rows()
    assert (row["cause"], row["basis"], row["value"]) == ("store_execution", "shelf", Decimal(9))
    assert (row["evidence_dataset"], row["evidence_key"]) == ("stock_outs", "2026-03-10|S1|A")
    facts.add("movements", movement_id="m1", business_date=day(10), location_id="S1", sku_id="A", movement_type="count_correction", units=-8)
    assert facts.causes() == {("S1", "phantom_stock"): 1.0}


@pytest.mark.parametrize("dates, cause", [(4, "store_execution"), (5, "phantom_stock")])
def test_a_shelf_is_filled_within_days_a_record_is_not(facts, dates, cause):
    """Empty on the last 4 dates the shelf is blamed, on the last 5 the record."""
    for n in range(1, 11):
        is_out = n > 10 - dates
        facts.position(n, "healthy", 9, lost=4 if is_out else 0)
        facts.demand(n, 0 if is_out else 4, hours_out=10 if is_out else 0, is_censored=is_out)
    assert facts.causes() == {("S1", cause): 1.0}


def test_a_shelf_that_sells_out_what_comes_has_no_more_behind_it(facts):
    """9 by the book; 3 came on the 10th, 3 were sold and the shelf was empty again."""
    facts.position(9, "healthy", 9)
    facts.position(10, "healthy", 9, lost=3)
    facts.demand(10, 3, hours_out=6, is_censored=True)
    facts.shipment("SH1", shipped_on=day(9), expected_date=day(10), units_shipped=3, units_received=3, last_received_on=day(10), closed_on=day(10))
    assert facts.causes() == {("S1", "phantom_stock"): 1.0}


def test_only_the_present_trouble_counts(facts):
    """Out on the 3rd, when a truck was late, healthy since, out again on the 10th."""
    facts.out_since(10)
    facts.connection.execute("UPDATE positions SET stock_status = 'stockout' WHERE business_date = '2026-03-03'")
    facts.shipment("SH1", shipped_on=day(2), expected_date=day(3), units_shipped=9, units_received=9, last_received_on=day(4), closed_on=day(4))
    assert facts.causes() == {("S1", "unexplained"): 1.0}


def test_overstock(facts):
    """100 on hand, 4 a day for 10 days and 10 on display are wanted: 50 too many at a cost of 2 = 100. The override sent 30 beyond the
    need, customers brought 5 back, the books opened with 15: all 50."""
    facts.position(10, "overstock", 100, presentation_min=10)
    facts.plan(2, 0, "override", need=10, allocated_units=40, override_id="OV1")
    for name, kind, units in (("m1", "return_restock", 5), ("m2", "opening", 15), ("m3", "receipt", 40)):
        facts.add("movements", movement_id=name, business_date=day(1), location_id="S1", sku_id="A", movement_type=kind, units=units)
    rows = {row["cause"]: row for row in facts.rows()}
    assert {cause: (float(row["share"]), row["value"]) for cause, row in rows.items()} == {
        "override": (0.6, Decimal(60)), "customer_returns": (0.1, Decimal(10)), "opening_stock": (0.3, Decimal(30)),
    }  # fmt: skip
    assert {row["kind"] for row in rows.values()} == {"overstock"} and rows["override"]["evidence_key"] == "OV1"


def test_overstock_of_others_ties_up_nothing_of_ours(facts):
    facts.position(10, "overstock", 100, ownership="consignment")
    [row] = facts.rows()
    assert (row["position_units"], row["value"]) == (Decimal(60), Decimal(0))


def test_demand_that_did_not_come(facts):
    """Forecast 10 a day with variance 10, 4 sold on each of 9 dates: 54 too few, more than 1.645 x sqrt(90); 60 too many are there."""
    for n in range(1, 11):
        facts.position(n, "overstock", 100)
        facts.demand(n, 4)
        facts.add("forecasts", business_date=day(n), location_id="S1", sku_id="A", next_day_mean=10.0, next_day_dispersion=1.0)
    assert facts.causes() == {("S1", "forecast_miss"): 0.9, ("S1", "unexplained"): 0.1}


def test_a_cause_is_of_the_department_of_its_position(facts):
    """As on the run's date; one that no master names is said to be unassigned."""
    for location, then, now in (("S1", "Food", "Toys"), ("S2", "Food", None)):
        facts.position(9, "healthy", 5, location=location, department=then)
        facts.position(10, "stockout", location=location, lost=4, department=now)
    assert {(row["location_id"], row["department"]) for row in facts.rows()} == {("S1", "Toys"), ("S2", "unassigned")}


def test_columns_and_vocabulary_are_what_is_promised(facts):
    from allocation_assets.root_causes.find import find_causes
    from tests.unit.root_causes.world import DAY, SETTINGS

    assert tuple(CAUSES) == expected.CAUSES and set(REFUSALS.values()) - {"dc"} <= set(CAUSES)
    for is_empty in (True, False):
        if not is_empty:
            facts.out_since(10)
        found = find_causes(facts.connection, DAY, SETTINGS)  # noqa: F841 (read by the query)
        facts.connection.execute(f"CREATE OR REPLACE TABLE promised ({SCHEMAS['decisions/stock_out_causes']})")
        described = facts.connection.execute("SELECT column_name, column_type FROM (DESCRIBE FROM found)").fetchall()
        assert described == facts.connection.execute("SELECT column_name, column_type FROM (DESCRIBE promised)").fetchall()
