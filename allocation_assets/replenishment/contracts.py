"""VMI and consignment bands, and minimum shares of a supplier."""

from __future__ import annotations


def band_breaches(position, contract_min, contract_max):
    """Codes (n,) into BREACHES."""


def minimum_share(units, pair, share, multiple):
    """Units (n,) raised so that each supplier with a share gets it; returns (units, raised (n,) bool, breach (n,))."""
