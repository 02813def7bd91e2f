"""Guaranteed-service placement over a spanning tree (Graves and Willems 2000, MSOM 2(1)): where to hold safety stock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tree:
    """m stages: supplier_of/customer_of arcs (a,) (any spanning tree), processing days (m,) int, holding cost (m,) per unit and day, sd of a
    day's demand at each stage (m,) (pooled), z (m,), largest outbound service time (m,) int (UNLIMITED = none)."""

    arc_from: np.ndarray
    arc_to: np.ndarray
    processing: np.ndarray
    holding: np.ndarray
    demand_sd: np.ndarray
    z: np.ndarray
    max_service: np.ndarray
    inbound: np.ndarray


def place(tree: Tree):
    """Service times, net lead times, safety stock and cost of the optimum."""
