"""The transaction feeds of the landing contract, as one Arrow table per feed over all dates, sorted by date.

Belongs here: ids, timestamps and columns. What moved was decided in ``store_supply`` and ``dc_supply``.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from allocation_assets.demo_world import arrow as ar
from allocation_assets.demo_world.books import Damaged, Truth
from allocation_assets.demo_world.dc_supply import EVENING, DcFlows, Purchases, Transfers
from allocation_assets.demo_world.landing_files import DatedTable
from allocation_assets.demo_world.network import DC, ECOM, Network
from allocation_assets.demo_world.sales import DISPOSITIONS, ECOM_HOURS, RETURN_REASONS, Lines, Returns, number_in_run
from allocation_assets.demo_world.sales import run_starts as starts_of
from allocation_assets.demo_world.source import HOURS_OPEN, Source
from allocation_assets.demo_world.store_supply import ECOM_COUNT_HOUR, ZERO_CHECK, StoreFlows

APPROVAL_FROM_CENTS = 5_000  # adjustments worth more carry an approver


def _sku(net: Network, sku: np.ndarray) -> pa.Array:
    return ar.pick(net.sku_ids, sku)


def _location(net: Network, location: np.ndarray) -> pa.Array:
    return ar.pick(net.location_ids, location)


def transaction_ids(net: Network, lines: Lines) -> pa.Array:
    """``<location>-<yymmdd>-<basket>``, unique over all dates."""
    return ar.join(
        _location(net, net.pair_location[lines.pair]),
        ar.pick(ar.day_codes(net.dates), lines.day),
        ar.number(lines.basket, 5),
    )


def net_cents(net: Network, lines: Lines, discount: np.ndarray) -> np.ndarray:
    """units x list price x discount of the series and date (T, P), rounded half to even to a cent per line."""
    sku = net.pair_sku[lines.pair]
    price = net.price_cents[net.version[lines.day], sku]
    return np.rint(lines.units * price * discount[lines.day, lines.pair]).astype(np.int64)


def pos(
    net: Network,
    lines: Lines,
    discount: np.ndarray,
    promo: np.ndarray,
    promo_ids: list[str],
    customer: np.ndarray | None,
) -> DatedTable:
    """Sales lines; ``promo`` (T, P) indexes ``promo_ids`` or is -1; ``customer`` (n,) only for e-com."""
    sku, count = net.pair_sku[lines.pair], len(lines.day)
    campaign = promo[lines.day, lines.pair]
    known = ar.constant(None, count, pa.string()) if customer is None else ar.join("C", ar.number(customer, 5))
    return DatedTable(
        lines.day,
        pa.table(
            {
                "transaction_id": transaction_ids(net, lines),
                "line_no": lines.line_no,
                "location_id": _location(net, net.pair_location[lines.pair]),
                "sku_id": _sku(net, sku),
                "units": lines.units,
                "net_amount": ar.money(net_cents(net, lines, discount)),
                "unit_list_price": ar.money(net.price_cents[net.version[lines.day], sku]),
                "sold_at": ar.timestamps(net.dates, lines.day, lines.second),
                "channel": ar.constant("store" if customer is None else "ecom", count),
                "promo_id": ar.where(campaign >= 0, ar.pick(promo_ids, np.maximum(campaign, 0))),
                "customer_id": known,
            }
        ),
    )


def returns(
    net: Network, back: Returns, store: Lines, ecom: Lines, discount: np.ndarray, rng: np.random.Generator
) -> DatedTable:
    """Customer returns; e-com ones name the first transaction of that SKU on the date it was sold, if any sold."""
    line, is_store = back.line.copy(), back.line >= 0
    key, wanted = ecom.day * net.pairs + ecom.pair, back.sold_day * net.pairs + back.pair
    order = np.argsort(key, kind="stable")
    at = np.minimum(np.searchsorted(key[order], wanted), len(key) - 1)
    line[~is_store] = np.where(key[order][at] == wanted, order[at] + len(store.day), -1)[~is_store]
    ids = pa.chunked_array([transaction_ids(net, store), transaction_ids(net, ecom)]).combine_chunks()
    sku = net.pair_sku[back.pair]
    paid = net.price_cents[net.version[back.sold_day], sku] * discount[back.sold_day, back.pair]
    location = net.pair_location[back.pair]
    run = starts_of(back.day, location)
    return DatedTable(
        back.day,
        pa.table(
            {
                "return_id": ar.join(
                    "R",
                    _location(net, location),
                    ar.pick(ar.day_codes(net.dates), back.day),
                    ar.number(number_in_run(run) + 1, 3),
                ),
                "line_no": np.ones(len(back.day), np.int64),
                "location_id": _location(net, location),
                "sku_id": _sku(net, sku),
                "units": back.units,
                "disposition": ar.pick(DISPOSITIONS, back.disposition),
                "reason_code": ar.pick(RETURN_REASONS, back.reason),
                "refund_amount": ar.money(np.rint(paid * back.units).astype(np.int64)),
                "original_transaction_id": ar.where(line >= 0, ids.take(pa.array(np.maximum(line, 0)))),
                "returned_at": ar.timestamps(
                    net.dates, back.day, back.hour * 3600 + rng.integers(1, 3600, len(back.day))
                ),
            }
        ),
    )


def _per_group(starts: np.ndarray, values: np.ndarray) -> np.ndarray:
    """One of ``values`` per run of ``starts``: the first row's."""
    return values[np.maximum.accumulate(np.where(starts, np.arange(len(starts)), 0))]


def shipments(net: Network, moved: Transfers, rng: np.random.Generator) -> tuple[DatedTable, pa.Array, np.ndarray]:
    """Shipment lines of the landed dates, with the id and line of every transfer (n,) for its receipt."""
    location = net.pair_location[moved.pair]
    starts = starts_of(moved.ship_day, location, moved.kind)
    ids = ar.join(
        "SH", ar.pick(ar.day_codes(net.dates), moved.ship_day), _location(net, location), ar.number(moved.kind)
    )
    line_no, count = number_in_run(starts) + 1, len(starts)
    second = _per_group(starts, rng.integers(13 * 3600, 16 * 3600, count))
    table = pa.table(
        {
            "shipment_id": ids,
            "line_no": line_no,
            "from_location_id": ar.constant(DC, count),
            "to_location_id": _location(net, location),
            "sku_id": _sku(net, net.pair_sku[moved.pair]),
            "units": moved.shipped,
            "shipped_at": ar.timestamps(net.dates, moved.ship_day, second),
            "expected_date": pa.array(net.dates[0] + moved.expected_day),
            "allocation_id": ar.constant(None, count, pa.string()),
        }
    )
    keep = int(np.searchsorted(moved.ship_day, net.days))
    return DatedTable(moved.ship_day[:keep], table.slice(0, keep)), ids, line_no


def _transfer_receipts(
    net: Network, moved: Transfers, shipment: pa.Array, line: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, pa.Table]:
    location = net.pair_location[moved.pair]
    order = np.lexsort((line, moved.kind, location, moved.arrival_day))
    order = order[moved.arrival_day[order] < net.days]
    day, kind, location, pair = moved.arrival_day[order], moved.kind[order], location[order], moved.pair[order]
    starts, count = starts_of(day, location, kind), len(order)
    hour = np.where(kind == EVENING, 21 * 3600 + 1800, 5 * 3600)
    width = np.where(kind == EVENING, 1800, 3600)
    second = _per_group(starts, hour + rng.integers(0, 1800, count) * width // 1800)
    return day, pa.table(
        {
            "receipt_id": ar.join(
                "RC", ar.pick(ar.day_codes(net.dates), day), _location(net, location), ar.number(kind)
            ),
            "line_no": number_in_run(starts) + 1,
            "location_id": _location(net, location),
            "sku_id": _sku(net, net.pair_sku[pair]),
            "units": moved.received[order] - moved.damaged[order],
            "units_damaged": moved.damaged[order],
            "source_type": ar.constant("transfer", count),
            "source_id": shipment.take(pa.array(order)),
            "source_line_no": line[order],
            "supplier_id": ar.constant(None, count, pa.string()),
            "from_location_id": ar.constant(DC, count),
            "received_at": ar.timestamps(net.dates, day, second),
        }
    )


def po_ids(net: Network, bought: Purchases) -> tuple[pa.Array, np.ndarray]:
    """Id and line number of every PO line."""
    days = net.dates[0] - 10 + np.arange(len(net.dates) + 10)
    ids = ar.join(
        "PO",
        ar.pick(ar.day_codes(days), bought.order_day + 10),
        ar.number(bought.supplier + 1, 2),
        ar.number(bought.po, 4),
    )
    return ids, number_in_run(starts_of(bought.po)) + 1


def _purchase_receipts(net: Network, bought: Purchases, rng: np.random.Generator) -> tuple[np.ndarray, pa.Table]:
    ids, line = po_ids(net, bought)
    order = np.lexsort((bought.sku, bought.po, bought.arrival_day))
    order = order[bought.arrival_day[order] < net.days]
    day, po, count = bought.arrival_day[order], bought.po[order], len(order)
    starts = starts_of(day, po)
    second = _per_group(starts, rng.integers(7 * 3600, 12 * 3600, count))
    return day, pa.table(
        {
            "receipt_id": ar.join("RC", ar.pick(ar.day_codes(net.dates), day), DC, ar.number(po, 4)),
            "line_no": number_in_run(starts) + 1,
            "location_id": ar.constant(DC, count),
            "sku_id": _sku(net, bought.sku[order]),
            "units": bought.received[order] - bought.damaged[order],
            "units_damaged": bought.damaged[order],
            "source_type": ar.constant("purchase", count),
            "source_id": ids.take(pa.array(order)),
            "source_line_no": line[order],
            "supplier_id": ar.join("V", ar.number(bought.supplier[order] + 1, 2)),
            "from_location_id": ar.constant(None, count, pa.string()),
            "received_at": ar.timestamps(net.dates, day, second),
        }
    )


def merge(*parts: tuple[np.ndarray, pa.Table]) -> DatedTable:
    """Tables of one schema into one, stably sorted by date."""
    day = np.concatenate([part[0] for part in parts])
    order = np.argsort(day, kind="stable")
    return DatedTable(day[order], pa.concat_tables([part[1] for part in parts]).take(pa.array(order)).combine_chunks())


def receipts(
    net: Network, moved: Transfers, shipment: pa.Array, line: np.ndarray, bought: Purchases, rng: np.random.Generator
) -> DatedTable:
    """Purchase receipts at the DC and transfer receipts at stores and e-com."""
    return merge(_purchase_receipts(net, bought, rng), _transfer_receipts(net, moved, shipment, line, rng))


@dataclass(frozen=True)
class Counts:
    """Counted records in landing order, (n,): date, record, hour, kind, units, ids."""

    day: np.ndarray
    record: np.ndarray
    second: np.ndarray
    counted: np.ndarray
    variance: np.ndarray
    count_id: pa.Array
    line_no: np.ndarray


def gather_counts(net: Network, truth: Truth, kind: np.ndarray, hour: np.ndarray) -> Counts:
    """Number the counts; ``kind`` and ``hour`` are the pairs' (N, P), the DC counts at 06:00."""
    day, record = np.nonzero(truth.counted >= 0)
    is_dc = record >= net.pairs
    pair = np.minimum(record, net.pairs - 1)
    is_check = ~is_dc & (kind[day, pair] == ZERO_CHECK)
    at = np.where(is_dc, ECOM_COUNT_HOUR, hour[day, pair])
    order = np.lexsort((record, is_check, truth.location[record], day))
    day, record, is_check, at = day[order], record[order], is_check[order], at[order]
    location = truth.location[record]
    prefix = ar.pick(["CC", "ZC"], is_check.astype(np.int64))
    return Counts(
        day,
        record,
        at * 3600,
        truth.counted[day, record],
        truth.counted[day, record] - truth.count_book[day, record],
        ar.join(prefix, ar.pick(ar.day_codes(net.dates), day), _location(net, location)),
        number_in_run(starts_of(day, location, is_check)) + 1,
    )


def cycle_counts(net: Network, truth: Truth, counts: Counts) -> DatedTable:
    """Counts of sellable stock."""
    location, is_check = truth.location[counts.record], pc.starts_with(counts.count_id, "ZC")
    return DatedTable(
        counts.day,
        pa.table(
            {
                "count_id": counts.count_id,
                "line_no": counts.line_no,
                "location_id": _location(net, location),
                "sku_id": _sku(net, truth.sku[counts.record]),
                "counted_units": counts.counted,
                "counted_at": ar.timestamps(net.dates, counts.day, counts.second),
                "count_type": pc.if_else(is_check, "zero_check", "cycle"),
                "counter_id": ar.join(_location(net, location), ar.number(counts.day % 3 + 1)),
                "reason_code": ar.constant(None, len(counts.day), pa.string()),
            }
        ),
    )


ADJUSTMENT_REASONS = ("correction", "found", "disposal", "damage", "shrink", "damage")
ADJUSTED_FROM = np.array([0, 12_600, 13_200, 81_000, 82_800, 84_600])  # second of the day; corrections follow the count


def _adjustment_rows(
    net: Network, flows: StoreFlows, dc: DcFlows, damaged: Damaged, counts: Counts
) -> tuple[np.ndarray, ...]:
    """(reason, date, record, units, counted row) of every adjustment, sorted by date and record."""
    days, none = net.days, np.zeros((net.days, len(net.sku_ids)), np.int64)
    lost = np.concatenate([flows.lost_recorded, dc.lost_recorded], axis=1)[:days]
    waste = np.concatenate([flows.waste_recorded[:days], none], axis=1)
    found = np.concatenate([flows.found[:days], none], axis=1)
    shrink = np.where(damaged.is_shrink, lost, 0)
    sheets = np.stack([found, -damaged.disposed, -waste, -shrink, shrink - lost])
    reason, day, record = np.nonzero(sheets)
    off = np.flatnonzero(counts.variance)
    rows = (
        np.concatenate([np.zeros(len(off), np.int64), reason + 1]),
        np.concatenate([counts.day[off], day]),
        np.concatenate([counts.record[off], record]),
        np.concatenate([counts.variance[off], sheets[reason, day, record]]),
        np.concatenate([off, np.zeros(len(day), np.int64)]),
    )
    order = np.lexsort((rows[0], rows[2], rows[1]))
    return tuple(column[order] for column in rows)


def adjustments(
    net: Network,
    truth: Truth,
    flows: StoreFlows,
    dc: DcFlows,
    damaged: Damaged,
    counts: Counts,
    rng: np.random.Generator,
) -> DatedTable:
    """What the books record: corrections that name their count, shrink, damage and waste, finds, disposals."""
    reason, day, record, units, counted = _adjustment_rows(net, flows, dc, damaged, counts)
    is_correction = reason == 0
    second = np.where(
        is_correction, counts.second[counted] + 1_200, ADJUSTED_FROM[reason] + rng.integers(0, 480, len(day))
    )
    location, sku = truth.location[record], truth.sku[record]
    value = np.abs(units) * net.cost_cents[net.version[day], sku]
    return DatedTable(
        day,
        pa.table(
            {
                "adjustment_id": ar.join(
                    "A", ar.pick(ar.day_codes(net.dates), day), ar.number(number_in_run(starts_of(day)) + 1, 5)
                ),
                "location_id": _location(net, location),
                "sku_id": _sku(net, sku),
                "units": units,
                "reason_code": ar.pick(ADJUSTMENT_REASONS, reason),
                "count_id": ar.where(is_correction, counts.count_id.take(pa.array(counted))),
                "approved_by": ar.where(value >= APPROVAL_FROM_CENTS, ar.join("M", _location(net, location))),
                "adjusted_at": ar.timestamps(net.dates, day, second),
            }
        ),
    )


def stock_outs(net: Network, source: Source, flows: StoreFlows) -> DatedTable:
    """Real trading hours without stock of the stores (06-22), and the simulated e-com ones (07-24)."""
    day, pair = np.nonzero(source.hours_out)
    unmet = flows.unmet[: net.days, net.store_pairs :]
    ecom_day, column = np.nonzero(unmet)
    ecom_pair = column + net.store_pairs
    span = ECOM_HOURS[1] - ECOM_HOURS[0]
    asked = unmet[ecom_day, column] + flows.sold[ecom_day, ecom_pair]
    hours = np.maximum(1, span * unmet[ecom_day, column] // asked)
    all_pair = np.concatenate([pair, ecom_pair])
    table = pa.table(
        {
            "location_id": _location(net, net.pair_location[all_pair]),
            "sku_id": _sku(net, net.pair_sku[all_pair]),
            "hours_out": np.concatenate([source.hours_out[day, pair], hours]),
            "hours_open": np.concatenate([np.full(len(day), HOURS_OPEN), np.full(len(ecom_day), span)]),
        }
    )
    return merge((np.concatenate([day, ecom_day]), table))


def orders(
    net: Network, flows: StoreFlows, late: np.ndarray, cancelled: np.ndarray, rng: np.random.Generator
) -> DatedTable:
    """E-com orders that a close finds unshipped, one line each, and what became of them on the next date.

    ``late`` (N, P) units were ordered in the evening and are allocated; what could not be sold is open (demand).
    """
    sheets = np.stack([late[: net.days], flows.unmet[: net.days]])
    is_backorder, day, pair = np.nonzero(sheets)
    order = np.lexsort((is_backorder, pair, day))
    is_backorder, day, pair = is_backorder[order], day[order], pair[order]
    units, count = sheets[is_backorder, day, pair], len(day)
    # An order can only be allocated to stock that the books show at the close.
    status = np.where((is_backorder == 1) | (flows.book_close[day, pair] < units), 1, 0)
    fate = np.where((is_backorder == 1) & cancelled[day, pair], 3, 2)
    ids = ar.join("O", ar.pick(ar.day_codes(net.dates), day), ar.number(number_in_run(starts_of(day)) + 1, 4))
    second = np.where(is_backorder, 12, 22) * 3600 + rng.integers(0, 3600, count)

    def rows(keep: np.ndarray, state: np.ndarray) -> pa.Table:
        n = int(keep.sum())
        return pa.table(
            {
                "order_id": ids.filter(pa.array(keep)),
                "line_no": np.ones(n, np.int64),
                "sku_id": _sku(net, net.pair_sku[pair[keep]]),
                "units": units[keep],
                "channel": ar.constant("ecom", n),
                "ordered_at": ar.timestamps(net.dates, day[keep], second[keep]),
                "promised_date": pa.array(net.dates[day[keep] + 1]),
                "customer_tier": ar.constant("standard", n),
                "ship_to_region": ar.constant("City 15", n),
                "status": ar.pick(["allocated", "open", "shipped", "cancelled"], state[keep]),
                "ship_from_location_id": ar.constant(ECOM, n),
                "allow_split": ar.constant(True, n),
            }
        )

    closed = day + 1 < net.days
    return merge((day, rows(np.ones(count, bool), status)), (day[closed] + 1, rows(closed, fate)))
