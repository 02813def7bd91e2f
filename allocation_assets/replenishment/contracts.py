"""VMI and consignment bands, and the least share of a supplier. Replenishment inside a band is `policies.propose`'s."""

from __future__ import annotations

import numpy as np

from allocation_assets.replenishment.problem import UNLIMITED

#: What may be wrong with a pair under contract, by code.
BREACHES = ("none", "below_minimum", "above_maximum", "below_share")
NONE, BELOW_MINIMUM, ABOVE_MAXIMUM, BELOW_SHARE = range(4)


def band_breaches(position: np.ndarray, contract_min: np.ndarray, contract_max: np.ndarray) -> np.ndarray:
    """Codes (n,) into BREACHES of positions (n,) after the order; minimum 0 and maximum UNLIMITED = no limit."""
    above = (contract_max != UNLIMITED) & (position > contract_max)
    below = (contract_min > 0) & (position < contract_min)
    return np.select([above, below], [ABOVE_MAXIMUM, BELOW_MINIMUM], NONE).astype(np.uint8)


def share_breaches(supplied: np.ndarray, item: np.ndarray, min_share: np.ndarray) -> np.ndarray:
    """Codes (n,): what each supplier has supplied of an item (n,) units against its least share; 0 = no share promised."""
    total = np.bincount(item, supplied, int(item.max(initial=-1)) + 1)
    short = (min_share > 0) & (total[item] > 0) & (supplied < min_share * total[item] - 1e-9)
    return np.where(short, BELOW_SHARE, NONE).astype(np.uint8)


def minimum_share(
    units: np.ndarray, item: np.ndarray, min_share: np.ndarray, multiple: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Orders (n,) of several suppliers for one item (n,) so that each has its least share; (units, raised (n,) bool).

    A supplier's share of the item's total is rounded up to its multiple; the others give up whole multiples of what they supply
    beyond their own share, in the order of the rows, as long as the total does not fall. Items without an order stay.
    """
    total = np.bincount(item, units, int(item.max(initial=-1)) + 1)[item].astype(np.int64)
    due = np.ceil(min_share * total / multiple - 1e-9).astype(np.int64) * multiple
    out = np.maximum(units, due)
    raised = out > units
    spare = np.bincount(item, out, int(item.max(initial=-1)) + 1).astype(np.int64)
    spare -= np.bincount(item, units, len(spare)).astype(np.int64)
    # Only items that were raised have anything to give back: few rows.
    for at in np.flatnonzero((spare[item] > 0) & ~raised):
        can = (out[at] - due[at]) // multiple[at]
        back = min(can, spare[item[at]] // multiple[at]) * multiple[at]
        out[at] -= back
        spare[item[at]] -= back
    return out, raised
