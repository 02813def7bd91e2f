"""Expectations of the state: positions and the ledger that they rest on (semantics 13-18)."""

from __future__ import annotations

from data_quality.expectations.spec import WARNING, ExpectationSpec, SpecBuilder, flatten

SUITE = "positions"
PAIR = ("business_date", "location_id", "sku_id")
BUCKETS = ("on_hand", "damaged", "in_transit", "lost")
MOVEMENT_TYPES = (
    "opening", "sale", "return_restock", "return_damaged", "return_vendor", "return_liquidate", "return_destroy", "receipt", "receipt_damaged", "transfer_in",
    "transfer_in_damaged", "transfer_out", "adjustment", "damage", "disposal", "count_correction", "transit_loss",
)  # fmt: skip
STOCK_STATUSES = ("stockout", "obsolete", "critical", "overstock", "healthy")
OWNERSHIPS = ("owned", "consignment", "vmi")

#: Landed dates of the window (the judged ones and the one before them), each with its predecessor.
LANDED_DATES = """
dates AS (
    SELECT business_date, lag(business_date) OVER (ORDER BY business_date) AS previous_date
    FROM (SELECT DISTINCT business_date FROM inventory_positions_window) AS d
)"""

#: Firm lines of a deployment without shipments are in transit by decision, not by a movement (semantics 20).
_POSITION_IS_LEDGER = f"""
WITH {LANDED_DATES},
moved AS (
    SELECT d.business_date, l.location_id, l.sku_id,
        coalesce(sum(l.units) FILTER (l.bucket = 'on_hand'), 0) AS on_hand,
        coalesce(sum(l.units) FILTER (l.bucket = 'damaged'), 0) AS damaged,
        coalesce(sum(l.units) FILTER (l.bucket = 'in_transit'), 0) AS in_transit
    FROM stock_ledger_window AS l
    ASOF JOIN dates AS d ON l.business_date <= d.business_date
    WHERE l.bucket <> 'lost' GROUP BY ALL
),
carried AS (
    SELECT d.business_date, p.location_id, p.sku_id, p.on_hand, p.damaged, p.in_transit - p.in_transit_firm AS in_transit
    FROM inventory_positions_window AS p JOIN dates AS d ON d.previous_date = p.business_date
    UNION ALL FROM moved
),
expected AS (
    SELECT business_date, location_id, sku_id,
        sum(on_hand) AS on_hand, sum(damaged) AS damaged, sum(in_transit) AS in_transit
    FROM carried WHERE business_date BETWEEN getvariable('first_date') AND getvariable('last_date') GROUP BY ALL
)
SELECT business_date, location_id, sku_id, b.on_hand, e.on_hand AS ledger_on_hand
FROM {{batch}} AS b FULL JOIN expected AS e USING (business_date, location_id, sku_id)
WHERE coalesce(b.on_hand, 0) <> coalesce(e.on_hand, 0) OR coalesce(b.damaged, 0) <> coalesce(e.damaged, 0)
    OR coalesce(b.in_transit - b.in_transit_firm, 0) <> coalesce(e.in_transit, 0)
"""


def position_specs() -> tuple[ExpectationSpec, ...]:
    """The suite `positions`."""
    return flatten([*_positions(), *_position_warnings(), *_ledger()])


def _positions() -> list[ExpectationSpec | list[ExpectationSpec]]:
    positions = SpecBuilder(SUITE, "inventory_positions", PAIR)
    return [
        positions.has_rows(),
        positions.unique(*PAIR),
        positions.not_null(
            *PAIR, "on_hand", "damaged", "reserved", "in_transit", "on_order", "available", "inventory_position",
            "stock_status", "is_unopened", "is_active",
        ),
        positions.between("available", 0),
        positions.between("damaged", 0),
        positions.between("reserved", 0),
        positions.between("on_order", 0),
        positions.one_of("stock_status", STOCK_STATUSES),
        positions.one_of("ownership", OWNERSHIPS),
        positions.where(
            "available_within_on_hand",
            "available > greatest(0, on_hand - reserved)",
            "available is at most max(0, on hand - reserved) (semantics 15)",
        ),
        positions.where(
            "stockout_status_right",
            "(stock_status = 'stockout') <> (is_active AND available <= 0)",
            "stock status is stockout exactly where the pair is active and nothing is available (semantics 25)",
        ),
        positions.rows(
            "equals_ledger",
            _POSITION_IS_LEDGER,
            "on hand, damaged and in transit (less firm lines) = those of the date before + the movements since",
        ),
    ]  # fmt: skip


def _position_warnings() -> list[ExpectationSpec]:
    positions = SpecBuilder(SUITE, "inventory_positions", PAIR)
    return [
        positions.between("on_hand", 0, **WARNING),
        positions.between("in_transit", 0, **WARNING),
        positions.rows(
            "few_unopened",
            "SELECT business_date, avg(is_unopened::INTEGER) AS share FROM {batch} GROUP BY ALL HAVING share > 0.2",
            "at most 20 % of the pairs have books that were never opened (semantics 13)",
            keys=("business_date", "share"),
            **WARNING,
        ),
        positions.rows(
            "few_negative",
            "SELECT business_date, avg((on_hand < 0)::INTEGER) AS share FROM {batch} GROUP BY ALL HAVING share > 0.05",
            "at most 5 % of the pairs have negative books",
            keys=("business_date", "share"),
            **WARNING,
        ),
    ]  # fmt: skip


def _ledger() -> list[ExpectationSpec | list[ExpectationSpec]]:
    ledger = SpecBuilder(SUITE, "stock_ledger", ("movement_id",))
    return [
        ledger.unique("movement_id"),
        ledger.not_null(
            "movement_id", "business_date", "location_id", "sku_id", "movement_type", "bucket", "units", "source_feed",
            "source_key", "posted_on", "is_reversal",
        ),
        ledger.one_of("bucket", BUCKETS),
        ledger.one_of("movement_type", MOVEMENT_TYPES),
        ledger.none_of("units", [0]),
        ledger.where("posted_on_or_after", "posted_on < business_date", "nothing is posted before its business date"),
        ledger.rows(
            "transfers_balanced",
            """
            SELECT business_date, sku_id, sum(units) AS units FROM {batch}
            WHERE movement_type IN ('transfer_out', 'transfer_in', 'transfer_in_damaged', 'transit_loss')
            GROUP BY ALL HAVING sum(units) <> 0
            """,
            "over the network what transfers take out they put in, in transit or among the losses (semantics 16)",
            keys=("business_date", "sku_id"),
        ),
        ledger.where(
            "signs_right",
            "bucket = 'on_hand' AND movement_type IN ('sale', 'receipt', 'return_restock') "
            "AND (units > 0) <> ((movement_type <> 'sale') <> is_reversal)",
            "sales take stock, receipts and restocked returns bring it; reversals the other way round",
            **WARNING,
        ),
    ]  # fmt: skip
