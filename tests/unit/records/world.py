"""Facts of one day for records that all look alike, with what a case changes."""

from __future__ import annotations

import numpy as np

from allocation_assets.records.filter import Facts


def day(n: int = 1, *, opening=8, closing=None, **changes) -> Facts:
    """A trading day without events at a book of 8, mean demand 1, Poisson-like, cases of 6; scalars are spread over n records."""
    values = {
        "location": 0, "opening": opening, "closing": opening if closing is None else closing, "sales": 0, "received": 0,
        "returned": 0, "moved": 0, "corrected": 0, "counted": -1, "variance": 0, "share_out": np.nan, "is_open": True,
        "daily_mean": 1.0, "dispersion": 1.2, "case_pack": 6,
    } | changes  # fmt: skip
    kinds = {"share_out": float, "daily_mean": float, "dispersion": float, "is_open": bool}
    return Facts(**{name: np.full(n, value, kinds.get(name, np.int64)) if np.ndim(value) == 0 else np.asarray(value)
                    for name, value in values.items()})  # fmt: skip
