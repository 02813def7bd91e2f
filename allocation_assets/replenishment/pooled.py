"""DC order-up-to on the pooled need of what it supplies."""

from __future__ import annotations


def pooled_demand(mean, dispersion, level_variance, pack, parent, level_correlation, parents: int):
    """(daily mean, dispersion, level variance) of each parent (p,) from its children (c,)."""
