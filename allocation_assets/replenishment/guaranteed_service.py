"""Guaranteed-service placement over a spanning tree: where to hold safety stock.

Each stage quotes an outbound service time S and is quoted an inbound one SI; it covers the net lead time SI + T - S by
z sigma sqrt(SI + T - S). Graves and Willems (2000, MSOM 2(1)): the least holding cost over whole service times by dynamic
programming along the tree (a stage's processing T in whole periods, any mix of assembly and distribution).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from allocation_assets.replenishment.problem import UNLIMITED


@dataclass(frozen=True)
class Tree:
    """m stages joined by m - 1 arcs (supplier, customer) as indices.

    processing (m,) whole days; holding (m,) money per unit and day; demand_sd (m,) of a day's demand at the stage, pooled
    (`pooled_sd`); z (m,); max_service (m,) whole days that customers of the stage may wait, UNLIMITED = no promise
    (a stage that sells has 0 as a rule); inbound (m,) whole days that an outside supplier takes.
    """

    arcs: Sequence[tuple[int, int]]
    processing: np.ndarray
    holding: np.ndarray
    demand_sd: np.ndarray
    z: np.ndarray
    max_service: np.ndarray
    inbound: np.ndarray


@dataclass(frozen=True)
class Placement:
    """Outbound and inbound service times, net lead time (days), safety stock (units) of each stage (m,); cost a day."""

    service: np.ndarray
    inbound: np.ndarray
    net_lead_time: np.ndarray
    safety_stock: np.ndarray
    cost: float


def pooled_sd(arcs: Sequence[tuple[int, int]], own_sd: np.ndarray, correlation: float = 0.0) -> np.ndarray:
    """Standard deviation (m,) of a day's demand at each stage from its customers' and its own; one unit per unit.

    correlation: between any two customers of a stage, 0 to 1. ValueError where the arcs are no tree.
    """
    order = _leaves_first(len(own_sd), arcs)
    customers = {stage: [c for s, c in arcs if s == stage] for stage in order}
    found: dict[int, float] = {}

    def sd(stage: int) -> float:
        if stage not in found:
            parts = np.array([own_sd[stage], *(sd(c) for c in customers[stage])])
            square = (1.0 - correlation) * (parts**2).sum() + correlation * parts.sum() ** 2
            found[stage] = float(np.sqrt(square))
        return found[stage]

    return np.array([sd(stage) for stage in range(len(own_sd))])


def place(tree: Tree) -> Placement:
    """Service times, net lead times, safety stock and cost of the optimum; among equals the shortest times.

    ValueError where the arcs are no spanning tree, or an outside supplier makes every promise impossible.
    """
    m = len(tree.processing)
    order = _leaves_first(m, tree.arcs)
    longest = _longest_times(tree)
    tables: dict[int, np.ndarray] = {}
    rank = {stage: at for at, stage in enumerate(order)}
    for stage in order:
        tables[stage] = _stage_costs(tree, stage, longest, tables, rank)
    service, inbound = np.zeros(m, np.int64), np.zeros(m, np.int64)
    root = order[-1]
    best = int(np.argmin(tables[root]))
    service[root], inbound[root] = np.unravel_index(best, tables[root].shape)
    cost = float(tables[root].min())
    if not np.isfinite(cost):
        raise ValueError("guaranteed service: no service times keep every promise; lengthen max_service or cut inbound")
    for stage in reversed(order):
        for other, is_supplier in _earlier(tree.arcs, stage, rank):
            table = tables[other].copy()
            if is_supplier:
                table[inbound[stage] + 1 :, :] = np.inf
            else:
                table[:, : service[stage]] = np.inf
            service[other], inbound[other] = np.unravel_index(int(np.argmin(table)), table.shape)
    net = inbound + tree.processing - service
    return Placement(service, inbound, net, tree.z * tree.demand_sd * np.sqrt(net), cost)


def _leaves_first(m: int, arcs: Sequence[tuple[int, int]]) -> list[int]:
    """Stages so that each but the last has exactly one neighbour after it."""
    near = [set() for _ in range(m)]
    for s, c in arcs:
        near[s].add(c)
        near[c].add(s)
    order, left = [], set(range(m))
    while len(left) > 1:
        leaf = next((k for k in sorted(left) if len(near[k] & left) == 1), None)
        if leaf is None:
            break
        order.append(leaf)
        left.remove(leaf)
    if len(left) != 1 or len(arcs) != m - 1:
        raise ValueError("guaranteed service: the arcs are no spanning tree of the stages; give one path between any two")
    return [*order, *left]


def _longest_times(tree: Tree) -> np.ndarray:
    """Longest replenishment time (m,): processing plus the longest that suppliers can take."""
    found: dict[int, int] = {}

    def of(stage: int) -> int:
        if stage not in found:
            before = [of(s) for s, c in tree.arcs if c == stage]
            found[stage] = int(tree.processing[stage]) + max([int(tree.inbound[stage]), *before])
        return found[stage]

    return np.array([of(stage) for stage in range(len(tree.processing))])


def _earlier(arcs: Sequence[tuple[int, int]], stage: int, rank: dict[int, int]) -> list[tuple[int, bool]]:
    """Neighbours that come before the stage: (stage, whether it supplies)."""
    found = [(s, True) for s, c in arcs if c == stage] + [(c, False) for s, c in arcs if s == stage]
    return [(other, supplies) for other, supplies in found if rank[other] < rank[stage]]


def _stage_costs(tree: Tree, stage: int, longest: np.ndarray, tables: dict, rank: dict[int, int]) -> np.ndarray:
    """Least cost (S, SI) of the stage and of everything behind it, inf where a promise breaks."""
    top, work = int(longest[stage]), int(tree.processing[stage])
    s, si = np.arange(top + 1)[:, None], np.arange(top - work + 1)[None, :]
    net = si + work - s
    scale = tree.holding[stage] * tree.z[stage] * tree.demand_sd[stage]
    cost = np.where(net >= 0, scale * np.sqrt(np.maximum(net, 0)), np.inf)
    cost = np.where(si >= tree.inbound[stage], cost, np.inf)
    if tree.max_service[stage] != UNLIMITED:
        cost = np.where(s <= tree.max_service[stage], cost, np.inf)
    for other, supplies in _earlier(tree.arcs, stage, rank):
        if supplies:
            # The supplier quotes at most what this stage takes as inbound.
            best = np.minimum.accumulate(tables[other].min(axis=1))
            cost = cost + best[np.minimum(si, len(best) - 1)]
        else:
            # The customer takes as inbound at least what this stage quotes.
            best = np.minimum.accumulate(tables[other].min(axis=0)[::-1])[::-1]
            cost = cost + np.where(s < len(best), best[np.minimum(s, len(best) - 1)], np.inf)
    return cost
