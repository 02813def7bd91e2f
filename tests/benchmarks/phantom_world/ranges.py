"""What goes wrong in a simulated world: ranges from which every world draws its own faults.

Nothing here is read from, or shared with, the detector; every world differs, and none follows the detector's model:
losses cluster by location and by SKU, thieves prefer what is dear, demand has weekdays, season, trend, intermittence and
days of zero appetite. Sources, and what is assumed where no figure is published:

- shrink 0.5 to 3 % of units sold: the National Retail Security Survey puts retail shrink at 1.4 to 1.6 % of sales in
  2019 to 2022 (NRF), single categories and stores several times that; spread between stores is assumed log-normal;
- sweeps (a whole shelf or most of it taken at once): no published rate; assumed 0.1 to 1.5 per 1,000 records and day before
  the world's fault scale;
- receiving: 0.5 to 6 % of lines wrong (assumed around the 1 to 3 % pick error of manual warehouses), kinds drawn per world;
- till: 0.2 to 2 % of units scanned as a sibling (Raman, DeHoratius and Ton, California Management Review 43(3), 2001, name
  the habit; the rate is assumed);
- damage never written off: 0.05 to 0.5 % of units sold (assumed); miscounts: 1 to 6 % of counts (assumed).

`scale` multiplies all faults of a world, `count_days` is the mean cycle of class B; both are set by prevalence alone.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

DEMAND_KINDS = ("overdispersed", "intermittent", "weekly", "trending")


@dataclass(frozen=True)
class Faults:
    """One world's faults. Rates: `shrink`, `damage`, `till_swap` per unit of demand or sale, `sweep` per pair and day,
    `receipt` per receipt line; `receipt_kinds` shares of (case missing, case over, units short, line lost, sibling sent);
    `miscount` per count; `store_sigma`, `sku_sigma` log-normal spread; `scale` of all; `count_days` cycle of class B."""

    shrink: float
    damage: float
    till_swap: float
    sweep: float
    receipt: float
    receipt_kinds: np.ndarray
    miscount: float
    store_sigma: float
    sku_sigma: float
    demand_shares: np.ndarray
    scale: float
    count_days: int


#: Lowest and highest of each fault. `first` is the range of the docstring. `second` is for judging a detector whose constants
#: were changed after somebody had looked at results on `first`: other mixtures at the edges of what is plausible (receiving
#: and small losses rather than sweeps and tills). Nobody tunes on `second`.
RANGES = {
    "first": {
        "shrink": (0.005, 0.03), "damage": (0.0005, 0.005), "till_swap": (0.002, 0.02), "sweep": (0.0001, 0.0015),
        "receipt": (0.005, 0.06), "miscount": (0.01, 0.06), "store_sigma": (0.3, 0.9), "sku_sigma": (0.2, 0.8),
        "count_days": (40, 130),
    },
    "second": {
        "shrink": (0.015, 0.05), "damage": (0.003, 0.01), "till_swap": (0.0003, 0.003), "sweep": (0.0003, 0.001),
        "receipt": (0.03, 0.12), "miscount": (0.03, 0.10), "store_sigma": (0.6, 1.2), "sku_sigma": (0.6, 1.1),
        "count_days": (25, 80),
    },
}  # fmt: skip


def draw(rng: np.random.Generator, ranges: str = "first") -> Faults:
    """Faults of a world from one of the RANGES."""
    span = RANGES[ranges]

    def between(low: float, high: float) -> float:
        """Log-uniform: small rates as likely as large ones."""
        return float(np.exp(rng.uniform(np.log(low), np.log(high))))

    return Faults(
        **{name: between(*span[name]) for name in ("shrink", "damage", "till_swap", "sweep", "receipt")},
        receipt_kinds=rng.dirichlet(np.full(5, 2.0)),
        miscount=between(*span["miscount"]),
        store_sigma=rng.uniform(*span["store_sigma"]),
        sku_sigma=rng.uniform(*span["sku_sigma"]),
        demand_shares=rng.dirichlet(np.full(4, 3.0)),
        scale=between(0.5, 2.0),
        count_days=int(rng.integers(*span["count_days"])),
    )
