"""What goes wrong: each fault is one kind, one scope and one span of days."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: kind -> (scope, faults per 100 days and place of that scope, shortest and longest span in days less one).
KINDS = {
    "supplier_late": ("sku", 0.3, 3, 6),
    "supplier_short": ("sku", 0.3, 4, 8),
    "no_dc_supply": ("sku", 0.3, 6, 12),
    "receiving_capacity": ("store", 0.3, 4, 9),
    "dispatch_capacity": ("all", 1.0, 3, 6),
    "missed_cutoff": ("store", 0.4, 2, 4),
    "delivery_late": ("store", 0.4, 2, 4),
    "delivery_short": ("store", 0.4, 2, 4),
    "forecast_miss": ("sku_part", 0.3, 5, 9),
    "policy_maximum": ("sku_part", 0.3, 5, 12),
    "override": ("sku_part", 0.3, 5, 12),
    "phantom_stock": ("pair", 0.2, 8, 16),
    "store_execution": ("sku_part", 0.3, 2, 5),
}


@dataclass(frozen=True)
class Fault:
    """kind; pairs (stores, skus) bool: where; days [first, last]; strength in (0, 1): how bad."""

    kind: str
    pairs: np.ndarray
    first: int
    last: int
    strength: float


def draw_faults(rng: np.random.Generator, stores: int, skus: int, days: int, warm_up: int) -> list[Fault]:
    """Faults of a world, drawn evenly over places and days after the warm-up."""
    faults, places = [], {"sku": skus, "sku_part": skus, "store": stores, "pair": stores * skus, "all": 1}
    for kind, (scope, rate, shortest, longest) in KINDS.items():
        for _ in range(max(1, round(rate * places[scope] * (days - warm_up) / 100))):
            pairs = np.zeros((stores, skus), bool)
            if scope == "sku":
                pairs[:, rng.integers(skus)] = True
            elif scope == "store":
                pairs[rng.integers(stores)] = True
            elif scope == "pair":
                pairs[rng.integers(stores), rng.integers(skus)] = True
            elif scope == "sku_part":
                pairs[rng.permutation(stores)[: max(2, stores // 2)], rng.integers(skus)] = True
            else:
                pairs[:] = True
            first = int(rng.integers(warm_up, days - 8))
            faults.append(Fault(kind, pairs, first, first + int(rng.integers(shortest, longest + 1)), float(rng.uniform(0.2, 1.0))))
    return faults


def level(faults: list[Fault], kind: str, day: int, shape: tuple[int, int]) -> np.ndarray:
    """Strongest fault of a kind on a day, (stores, skus); 0 = none."""
    strongest = np.zeros(shape)
    for fault in faults:
        if fault.kind == kind and fault.first <= day <= fault.last:
            strongest = np.maximum(strongest, fault.pairs * fault.strength)
    return strongest
