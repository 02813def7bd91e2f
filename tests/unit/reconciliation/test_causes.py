"""Attribution of variances to facts, worked by hand."""

from __future__ import annotations

from datetime import date, datetime

from allocation_assets.reconciliation.causes import attribute_causes
from tests.unit.reconciliation.cases import BEFORE, DAY, EVIDENCE, rows, table, variance, variances

EARLIER = (
    "own_key VARCHAR, location_id VARCHAR, sku_id VARCHAR, evidence_feed VARCHAR, evidence_key VARCHAR, units BIGINT, "
    "is_posted BOOLEAN"
)


def fact(cause="shrink", units=-4, key="F1", priority=1, feed="adjustments", **more):
    row = {"business_date": DAY, "location_id": "S1", "sku_id": "A", "count_id": "C1"}
    facts = {"cause": cause, "units": units, "evidence_feed": feed, "evidence_key": key, "priority": priority}
    return row | facts | more


def mirror_of(key, cause="mis_pick", units=-10, priority=5, **more):
    return fact(cause, units, key, priority, "cycle_counts", **more)


def causes(counted, facts=(), earlier=()):
    result = attribute_causes(variances(*counted), table(EVIDENCE, facts), table(EARLIER, earlier), DAY)
    return rows(result, "location_id", "sku_id", "count_id", "cause", "units", "evidence_key")


def test_without_a_fact_nothing_is_explained():
    assert causes([variance(units=-10), variance("C2", units=0, sku_id="B")]) == [
        ("S1", "A", "C1", "unexplained", -10, None)
    ]


def test_stronger_facts_come_first_and_the_rest_is_unexplained():
    facts = [fact(units=-4, key="F1", priority=2), fact("unrecorded_damage", -5, "F2", 1)]
    assert causes([variance(units=-12)], facts) == [
        ("S1", "A", "C1", "shrink", -4, "F1"),
        ("S1", "A", "C1", "unexplained", -3, None),
        ("S1", "A", "C1", "unrecorded_damage", -5, "F2"),
    ]


def test_never_more_than_the_variance():
    facts = [fact("unrecorded_damage", -8, "F1", 1), fact(units=-8, key="F2", priority=2)]
    assert [row[3:5] for row in causes([variance(units=-10)], facts)] == [("shrink", -2), ("unrecorded_damage", -8)]


def test_a_fact_of_the_other_sign_explains_nothing():
    assert [row[3:5] for row in causes([variance(units=-10)], [fact(units=4)])] == [("unexplained", -10)]


def test_a_fact_is_used_once_by_the_older_count():
    counted = [
        variance("C0", units=-6, business_date=BEFORE, counted_at=datetime(2026, 5, 5, 9), is_posted=True),
        variance("C1", units=-5, is_posted=True),
    ]
    facts = [fact(units=-5), fact(units=-6, count_id="C0", business_date=BEFORE)]
    assert [row[2:5] for row in causes(counted, facts)] == [("C0", "shrink", -6), ("C1", "unexplained", -5)]


def test_a_held_count_that_a_newer_one_repeats_leaves_the_fact_to_it():
    counted = [
        variance("C0", units=-6, business_date=BEFORE, counted_at=datetime(2026, 5, 5, 9)),
        variance("C1", units=-6),
    ]
    facts = [fact(units=-6), fact(units=-6, count_id="C0", business_date=BEFORE)]
    assert [row[2:5] for row in causes(counted, facts)] == [("C0", "unexplained", -6), ("C1", "shrink", -6)]


def test_the_same_document_at_another_location_is_another_fact():
    counted = [variance(units=5), variance("C2", units=5, location_id="S2")]
    shipped = dict(cause="missing_receipt", units=5, key="SH1", feed="shipments")
    facts = [fact(**shipped), fact(**shipped, location_id="S2", count_id="C2")]
    assert [row[3:5] for row in causes(counted, facts)] == [("missing_receipt", 5)] * 2


def test_a_pair_explains_both_sides():
    counted = [variance(units=-10), variance("C1", units=10, sku_id="B")]
    facts = [mirror_of("C1|S1|B"), mirror_of("C1|S1|A", units=10, sku_id="B")]
    assert [row[1:5] for row in causes(counted, facts)] == [("A", "C1", "mis_pick", -10), ("B", "C1", "mis_pick", 10)]


def test_pairs_are_one_to_one_and_mutual_ones_come_first():
    """A and C both point at B, B at C: B and C pair, A is left over although it stands first in order."""
    counted = [variance(units=-10), variance(units=10, sku_id="B"), variance(units=-10, sku_id="C")]
    facts = [
        mirror_of("C1|S1|B"),
        mirror_of("C1|S1|C", units=10, sku_id="B"),
        mirror_of("C1|S1|B", sku_id="C"),
    ]
    assert [row[1:5:2] for row in causes(counted, facts)] == [
        ("A", "unexplained"),
        ("B", "mis_pick"),
        ("C", "mis_pick"),
    ]


def test_a_pair_carries_only_what_is_left_on_both_sides():
    """3 of A's 10 were damaged: only 7 can be B's, whose other 3 nobody explains."""
    counted = [variance(units=-10), variance(units=10, sku_id="B")]
    facts = [
        fact("unrecorded_damage", -3, "F1", 1),
        mirror_of("C1|S1|B"),
        mirror_of("C1|S1|A", units=10, sku_id="B"),
    ]
    assert [row[1:5:1][0:1] + row[3:5] for row in causes(counted, facts)] == [
        ("A", "mis_pick", -7),
        ("A", "unrecorded_damage", -3),
        ("B", "mis_pick", 7),
        ("B", "unexplained", 3),
    ]


def test_a_count_of_earlier_runs_pairs_once():
    other = {"own_key": "C0|S2|A", "location_id": "S2", "sku_id": "A", "evidence_feed": "cycle_counts", "units": 10}
    facts = [mirror_of("C0|S2|A", "unposted_transfer", priority=4)]
    taken = [{**other, "evidence_key": "C9|S3|A", "is_posted": False}]
    mine = [{**other, "evidence_key": "C1|S1|A", "is_posted": False}]
    assert [row[3] for row in causes([variance(units=-10)], facts)] == ["unposted_transfer"]
    assert [row[3] for row in causes([variance(units=-10)], facts, mine)] == ["unposted_transfer"]
    assert [row[3] for row in causes([variance(units=-10)], facts, taken)] == ["unexplained"]


def test_a_document_that_a_posted_count_used_up_is_not_used_again():
    shipped = fact("missing_receipt", 5, "SH1", 2, "shipments")
    used = {"own_key": "C0|S1|A", "location_id": "S1", "sku_id": "A", "evidence_feed": "shipments", "units": 3}
    earlier = [{**used, "evidence_key": "SH1", "is_posted": True}]
    assert [row[3:5] for row in causes([variance(units=5)], [shipped], earlier)] == [
        ("missing_receipt", 2),
        ("unexplained", 3),
    ]


def test_late_sales_say_what_a_variance_was_and_take_nothing_of_what_it_is():
    late = dict(cause="late_pos", feed="pos")
    counted = [variance(units=0), variance("C2", units=-4, sku_id="B")]
    facts = [
        fact(**late, units=-3, key="T1|1"),
        fact(**late, units=-2, key="T2|1", sku_id="B", count_id="C2"),
    ]
    assert causes(counted, facts) == [
        ("S1", "A", "C1", "late_pos", -3, "T1|1"),
        ("S1", "B", "C2", "unexplained", -4, None),
    ]


def test_a_count_that_states_its_own_reason():
    facts = [fact("shrink", -10, "C1|S1|A", 1, "cycle_counts")]
    result = attribute_causes(variances(variance(units=-10)), table(EVIDENCE, facts), table(EARLIER), DAY)
    assert rows(result, "business_date", "counted_on", "cause", "units") == [(DAY, DAY, "shrink", -10)]
    assert date(2026, 5, 6) == DAY
