"""How far the engine trusts each pair's stock record: believed stock instead of the bare book, buffers and holds.

What is believed comes from `record_beliefs` (allocation_assets/records); which locations get a buffer or a hold comes
from `location_reliability`, as policy says. Pure; no files.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from allocation_assets.tables import floats, integers, texts

#: Rows are those of the pairs, in their order; a pair without a belief (no position yet) is believed as its book says.
QUERY = """
SELECT coalesce(b.believed_on_hand, p.on_hand) AS believed_on_hand, coalesce(b.probability_wrong, 0) AS probability_wrong,
       coalesce(r.action, 'none') AS record_action, CASE WHEN r.action = 'buffer' THEN r.buffer_rate ELSE 0 END AS buffer_rate
FROM int_allocation_pairs AS p
LEFT JOIN read_parquet($beliefs, hive_partitioning = false) AS b ON b.location_id = p.to_location_id AND b.sku_id = p.sku_id
LEFT JOIN read_parquet($reliability, hive_partitioning = false) AS r ON r.location_id = p.to_location_id
ORDER BY p.sku_id, p.to_location_id
"""


@dataclass(frozen=True)
class RecordTrust:
    """Per pair (n,): units believed on hand, probability that the record is wrong, `none`/`buffer`/`hold`, buffer rate.

    `buffer_rate` is the share by which demand over the horizon is raised at a location with chronic record errors.
    """

    believed_on_hand: np.ndarray
    probability_wrong: np.ndarray
    action: np.ndarray
    buffer_rate: np.ndarray

    @property
    def is_held(self) -> np.ndarray:
        """Pairs that get nothing until their location's records are mended."""
        return self.action == "hold"


def record_trust(table: pa.Table) -> RecordTrust:
    """The trust of each pair from the rows of `QUERY`."""
    return RecordTrust(
        integers(table, "believed_on_hand"),
        floats(table, "probability_wrong"),
        texts(table, "record_action"),
        floats(table, "buffer_rate"),
    )


def position_units(pairs: pa.Table, trust: RecordTrust) -> np.ndarray:
    """Units a pair can sell without this shipment: believed available + in transit + firm lines to it - open orders.

    Believed available = max(0, believed on hand - reserved - firm lines not yet shipped), as semantics 15 has it of the book.
    """
    free = trust.believed_on_hand - integers(pairs, "reserved") - integers(pairs, "committed")
    coming = integers(pairs, "in_transit") + integers(pairs, "firm_units")
    return np.maximum(free, 0) + coming - integers(pairs, "open_order_units")
