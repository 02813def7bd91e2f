"""The damaged bucket, and the truth beside the books: one set of arrays over all records.

A record is a SKU x location: the pairs first (stores, e-com), then the DC's SKUs.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.demo_world.dc_supply import DcFlows
from allocation_assets.demo_world.network import Network
from allocation_assets.demo_world.store_supply import StoreFlows

DISPOSAL_WEEKDAYS = (0, 3)
SHRINK_SHARE = 0.6  # of the recorded losses; the rest is written off as damage


@dataclass(frozen=True)
class Truth:
    """What really happened, (T, R) units over all records R; never landed.

    Per record and date: opening + received + restocked - sold - lost - shipped = closing, all true units; ``sold``
    includes what left under a neighbour's bar code. ``book`` and ``damaged`` are the buckets that the landed facts add
    up to. ``counted`` is -1 where nobody counted; ``count_true`` and ``count_book`` are the stock at that moment.
    ``in_transit`` (T, R) is on the way to the record at the close, ``lost_in_transit`` (T, R) vanished, by ship date.
    """

    location: np.ndarray
    sku: np.ndarray
    opening: np.ndarray
    received: np.ndarray
    restocked: np.ndarray
    sold: np.ndarray
    lost: np.ndarray
    shipped: np.ndarray
    closing: np.ndarray
    book: np.ndarray
    damaged: np.ndarray
    counted: np.ndarray
    count_true: np.ndarray
    count_book: np.ndarray
    in_transit: np.ndarray
    lost_in_transit: np.ndarray


@dataclass(frozen=True)
class Damaged:
    """The damaged bucket at close and its disposals, with the reason split of recorded losses; all (T, R)."""

    close: np.ndarray
    disposed: np.ndarray
    is_shrink: np.ndarray


def damaged_bucket(
    net: Network, flows: StoreFlows, dc: DcFlows, unsellable: np.ndarray, rng: np.random.Generator
) -> Damaged:
    """Semantics 14: + damaged receipts, unsellable returns, the mirror of ``damage`` adjustments; - disposals."""
    days = net.days
    is_shrink = rng.random((days, net.pairs + len(net.sku_ids))) < SHRINK_SHARE
    lost = np.concatenate([flows.lost_recorded, dc.lost_recorded], axis=1)[:days]
    inflow = np.concatenate([flows.damaged + flows.waste_recorded + unsellable, dc.damaged], axis=1)[:days]
    inflow = inflow + np.where(is_shrink, 0, lost)
    close, disposed = np.zeros_like(inflow), np.zeros_like(inflow)
    close[0] = np.where(rng.random(inflow.shape[1]) < 0.05, rng.integers(1, 4, inflow.shape[1]), 0)
    for t in range(1, days):
        if net.weekday[t] in DISPOSAL_WEEKDAYS:
            disposed[t] = close[t - 1]
        close[t] = close[t - 1] - disposed[t] + inflow[t]
    return Damaged(close, disposed, is_shrink)


def build_truth(
    net: Network, flows: StoreFlows, dc: DcFlows, damaged: Damaged, transit: np.ndarray, lost_in_transit: np.ndarray
) -> Truth:
    """Gather the true movements of all records over the T landed dates."""
    days, skus = net.days, len(net.sku_ids)
    none = np.zeros((days, skus), np.int64)

    def both(pairs: np.ndarray, centre: np.ndarray) -> np.ndarray:
        return np.concatenate([pairs[:days], centre[:days]], axis=1)

    closing = both(flows.true_close, dc.true_close)
    counted = np.where(both(flows.count_kind, dc.count_kind) > 0, both(flows.counted, dc.counted), -1)
    received = both(
        flows.delivered - flows.damaged + flows.miscount + flows.evening, dc.delivered - dc.damaged + dc.miscount
    )
    return Truth(
        location=np.concatenate([net.pair_location, np.full(skus, net.dc_index)]),
        sku=np.concatenate([net.pair_sku, np.arange(skus)]),
        opening=np.concatenate([closing[:1], closing[:-1]]),  # date 0 has no movements of stock
        received=received,
        restocked=both(flows.restocked, none)[:days],
        sold=both(flows.sold + flows.swapped, none),
        lost=both(flows.lost + flows.wasted, dc.lost),
        shipped=both(np.zeros_like(flows.sold), dc.shipped),
        closing=closing,
        book=both(flows.book_close, dc.book_close),
        damaged=damaged.close,
        counted=counted,
        count_true=both(flows.count_true, dc.count_true),
        count_book=both(flows.count_book, dc.count_book),
        in_transit=transit,
        lost_in_transit=lost_in_transit,
    )
