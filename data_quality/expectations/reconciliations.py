"""Expectations of reconciliations: the identity of each book, its chain of days, and what explains a variance."""

from __future__ import annotations

from data_quality.expectations.positions import LANDED_DATES, PAIR
from data_quality.expectations.spec import WARNING, ExpectationSpec, SpecBuilder
from data_quality.invariants import LEDGER_IDENTITY_BROKEN

SUITE = "marts"
CAUSES = (
    "missing_receipt", "unposted_transfer", "late_pos", "unrecorded_damage", "mis_pick", "shrink", "count_error",
    "unexplained",
)  # fmt: skip
POSTED_BY = ("opening", "count_correction", "adjustment")

_OPENING_IS_CLOSING = f"""
WITH {LANDED_DATES},
closing AS (
    SELECT d.business_date, r.location_id, r.sku_id, r.closing_book
    FROM reconciliations_window AS r JOIN dates AS d ON d.previous_date = r.business_date
    WHERE d.business_date >= getvariable('first_date')
)
SELECT business_date, location_id, sku_id, b.opening, c.closing_book AS closing_before
FROM {{batch}} AS b FULL JOIN closing AS c USING (business_date, location_id, sku_id)
WHERE coalesce(b.opening, 0) <> coalesce(c.closing_book, 0)
"""

_CLOSING_IS_POSITION = """
SELECT business_date, location_id, sku_id, b.closing_book, p.on_hand
FROM {batch} AS b FULL JOIN inventory_positions AS p USING (business_date, location_id, sku_id)
WHERE coalesce(b.closing_book, 0) <> coalesce(p.on_hand, 0)
"""


def reconciliation_specs() -> list[ExpectationSpec | list[ExpectationSpec]]:
    """The part of the suite `marts` that judges `reconciliations`."""
    reconciliations = SpecBuilder(SUITE, "reconciliations", PAIR)
    return [
        reconciliations.unique(*PAIR),
        reconciliations.not_null(
            *PAIR, "opening", "receipts", "returns_restocked", "sales", "transfers_in", "transfers_out", "adjustments",
            "closing_book",
        ),
        reconciliations.where(
            "ledger_identity",
            LEDGER_IDENTITY_BROKEN,
            "opening + receipts + returns + transfers in + adjustments - sales - transfers out = closing",
        ),
        reconciliations.rows(
            "opening_is_closing_before", _OPENING_IS_CLOSING, "opening = closing of the landed date before"
        ),
        reconciliations.rows("closing_is_position", _CLOSING_IS_POSITION, "closing book = on hand of the position"),
        reconciliations.between("counted_units", 0),
        reconciliations.where(
            "variance_has_count",
            "variance IS NOT NULL AND counted_units IS NULL",
            "there is a variance only where something was counted (a count that opens the books has none)",
            **WARNING,
        ),
        reconciliations.one_of("explained_by", CAUSES),
        reconciliations.one_of("posted_by", POSTED_BY),
        reconciliations.where(
            "explained_has_variance",
            "explained_by IS NOT NULL AND coalesce(variance, 0) = 0",
            "a cause explains only a variance that is there",
        ),
        reconciliations.where(
            "system_variance_right",
            "system_variance IS DISTINCT FROM system_on_hand - closing_book",
            "system variance = system of record - closing book",
        ),
    ]  # fmt: skip
