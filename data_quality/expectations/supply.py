"""Expectations of lead times, vendor scorecards and predictions of what is on order."""

from __future__ import annotations

from data_quality.expectations.spec import ExpectationSpec, SpecBuilder

BASES = ("lane_history", "sender_history", "class_history", "stated", "policy_default")
DRIFTS = ("none", "delay", "lead_time", "stated_lead_time")

_NOT_ON_ORDER = """
SELECT coalesce(b.po_id, o.po_id) AS po_id, coalesce(b.location_id, o.location_id) AS location_id,
    coalesce(b.sku_id, o.sku_id) AS sku_id, b.promised_units, o.units
FROM {batch} AS b
FULL JOIN int_on_order AS o ON b.po_id = o.po_id AND b.location_id = o.location_id AND b.sku_id = o.sku_id
WHERE b.promised_units IS DISTINCT FROM o.units
"""


def supply_parts(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    """The expectations of `lead_times`, `vendor_scorecards` and `inbound_predictions`, as parts of `suite`."""
    return [*_lanes(suite), *_scorecards(suite), *_predictions(suite)]


def _lanes(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    lanes = SpecBuilder(suite, "lead_times", ("from_id", "to_location_id"))
    return [
        lanes.of_run_date(),
        lanes.unique("from_id", "to_location_id"),
        lanes.one_of("lane_class", ["supplier", "dc"]),
        lanes.one_of("basis", BASES),
        lanes.one_of("drift_of", DRIFTS),
        *(lanes.between(name, 0, 1) for name in ("credibility", "late_share", "short_rate", "damaged_rate")),
        *(lanes.between(name, 0) for name in ("lead_mean_days", "lead_variance_days2", "delay_variance_days2")),
        lanes.where(
            "quantiles_monotone",
            "NOT (lead_p50_days <= lead_p90_days AND lead_p90_days <= lead_p95_days"
            " AND delay_p50_days <= delay_p90_days AND delay_p90_days <= delay_p95_days)",
            "p50 <= p90 <= p95",
        ),
        lanes.where(
            "probabilities_sum_to_one",
            "NOT coalesce(abs(list_sum(lead_probabilities) - 1) < 0.000001 AND abs(list_sum(delay_probabilities) - 1) < 0.000001, false)",
            "each distribution sums to 1",
        ),
    ]


def _scorecards(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    cards = SpecBuilder(suite, "vendor_scorecards", ("supplier_id",))
    return [
        cards.of_run_date(),
        cards.unique("supplier_id", name="supplier_id_unique"),
        *(cards.between(name, 0, 1) for name in ("on_time_rate", "in_full_rate", "short_rate", "damaged_rate")),
        cards.where(
            "otif_is_both", "otif_rate > on_time_rate", "on time and in full is at most on time"
        ),
        cards.where("units_add_up", "short_units > ordered_units OR damaged_units > received_units", "a part is at most its whole"),
    ]  # fmt: skip


def _predictions(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    key = ("po_id", "location_id", "sku_id")
    ahead = SpecBuilder(suite, "inbound_predictions", key)
    return [
        ahead.of_run_date(),
        ahead.unique(*key),
        ahead.one_of("basis", BASES),
        ahead.rows("of_what_is_on_order", _NOT_ON_ORDER, "every open order line is predicted, on what is outstanding"),
        ahead.where(
            "within_outstanding", "predicted_units < 0 OR predicted_units > promised_units", "no more is predicted than is outstanding"
        ),
        ahead.where(
            "not_before_tomorrow",
            "predicted_date <= business_date OR predicted_date_p90 < predicted_date",
            "nothing comes before the day after the run date, nor its 90 % date before the 50 % one",
        ),
    ]
