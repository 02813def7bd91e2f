"""Open-to-buy: which proposals wait for approval, and by how much their department overruns."""

from __future__ import annotations


def hold_over_budget(value, benefit, department, open_to_buy):
    """(held (n,) bool, overrun (n,) money by which the department's proposals exceed it at this line)."""
