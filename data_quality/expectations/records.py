"""Expectations of the beliefs in stock records, the count list and the reliability of locations."""

from __future__ import annotations

from data_quality.expectations.spec import ExpectationSpec, SpecBuilder

PAIR = ("location_id", "sku_id")
EVIDENCE = (
    "none", "negative_book", "count", "shelf_seen_empty", "sold_beyond_book", "no_sale_since_receipt", "zero_sales", "age",
)  # fmt: skip

_NOT_A_RECORD = """
SELECT coalesce(b.location_id, p.location_id) AS location_id, coalesce(b.sku_id, p.sku_id) AS sku_id, b.book_on_hand, p.on_hand
FROM {batch} AS b
FULL JOIN (SELECT * FROM inventory_positions WHERE NOT is_unopened) AS p ON b.location_id = p.location_id AND b.sku_id = p.sku_id
WHERE b.book_on_hand IS DISTINCT FROM p.on_hand
"""
_LISTED_NOT_BELIEVED = """
SELECT c.location_id, c.sku_id FROM {batch} AS c
LEFT JOIN record_beliefs AS b ON b.location_id = c.location_id AND b.sku_id = c.sku_id
WHERE c.probability_wrong IS DISTINCT FROM b.probability_wrong
"""


def record_parts(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    """The expectations of `record_beliefs`, `count_list` and `location_reliability`, as parts of `suite`."""
    beliefs, counts = SpecBuilder(suite, "record_beliefs", PAIR), SpecBuilder(suite, "count_list", PAIR)
    reliability = SpecBuilder(suite, "location_reliability", ("location_id",))
    return [
        beliefs.of_run_date(),
        beliefs.unique(*PAIR),
        *(beliefs.between(name, 0, 1) for name in ("probability_wrong", "probability_empty", "probability_hidden")),
        beliefs.between("believed_on_hand", 0),
        beliefs.one_of("evidence", EVIDENCE),
        beliefs.where(
            "wrong_covers_its_kinds",
            "greatest(probability_empty, probability_hidden) > probability_wrong + 0.00001",
            "an empty shelf or hidden stock is a wrong record",
        ),
        beliefs.rows("one_per_record", _NOT_A_RECORD, "one row per opened position, on its book"),
        counts.of_run_date(),
        counts.unique(*PAIR),
        counts.unique("count_rank", name="rank_unique"),
        counts.where("worth_it", "expected_gain <= 0", "only counts that gain something are asked for"),
        counts.rows("believed", _LISTED_NOT_BELIEVED, "what is listed is what is believed"),
        reliability.of_run_date(),
        reliability.unique("location_id", name="location_id_unique"),
        reliability.one_of("action", ["none", "buffer", "hold"]),
        reliability.where(
            "action_has_a_cause",
            "(action <> 'none') AND NOT (is_chronic_receiving OR is_chronic_shrink)",
            "policy acts on chronic errors only",
        ),
    ]
