"""Lost sales of one chain under different trust in its records: same customers, faults and supply in every arm.

A warehouse with finite supply is allocated each day by the product's engine. Arms differ in the on-hand the engine is told
and in which records are counted; all count equally many records a day.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.problem import NO_SHIP_DAY, OPEN, AllocationSettings, allocation_problem
from tests.benchmarks.phantom_world import ranges, shelves
from tests.benchmarks.phantom_world.assortment import expected_demand
from tests.benchmarks.phantom_world.planner import LEAD_DAYS, REVIEW_DAYS, ships_today
from tests.benchmarks.phantom_world.watcher import HOLDING_PER_DAY, Watcher
from tests.benchmarks.phantom_world.world import World, begin


@dataclass(frozen=True)
class Arm:
    """`summary` of the belief that the engine is told (see Watcher.believed); `listed` share of the counts that come from the
    top of the list, the rest from the rotating cycle."""

    name: str
    summary: str
    listed: float


ARMS = (
    Arm("book", "book", 0.0),
    Arm("belief", "product", 0.0),
    Arm("belief_and_list", "product", 1.0),
    Arm("book_and_list", "book", 1.0),
)
VARIANTS = (Arm("belief_mean", "mean", 0.0), Arm("belief_empty_only", "empty_only", 0.0))

#: What suppliers deliver to the warehouse, as a share of what customers want, drawn per SKU.
SUPPLY = {"tight": (0.8, 1.1), "ample": (1.0, 1.3)}


@dataclass(frozen=True)
class Plan:
    """Days: `blind` before the detector begins, `shared` until the arms part, `apart` that are measured."""

    stores: int
    skus: int
    blind: int
    shared: int
    apart: int

    @property
    def days(self) -> int:
        """Days of the world."""
        return self.blind + self.shared + self.apart + LEAD_DAYS + 1


def run(p: Plan, arms: tuple[Arm, ...], faults: ranges.Faults, seed: int) -> dict[str, dict[str, dict[str, float]]]:
    """Per level of SUPPLY and arm: lost units and margin, ending stock, wrong records and counts over the same days."""
    world, watcher = begin(p.stores, p.skus, p.days, faults, seed), None
    while world.t < p.blind + p.shared:
        if world.t == p.blind:
            watcher = Watcher.start(world)
        visible, _ = world.live()
        if watcher is not None:
            watcher = watcher.see(world, visible)
        world.order()
    return {
        level: {arm.name: live_arm(world.copy(), watcher, arm, supply, p.apart) for arm in arms}
        for level, supply in ((level, weekly_supply(world, p, *span)) for level, span in SUPPLY.items())
    }


def weekly_supply(world: World, p: Plan, low: float, high: float) -> np.ndarray:
    """Units per week and SKU (weeks, skus) that suppliers deliver: `low` to `high` of what customers will want on average.

    Fixed before any arm begins, in whole cases.
    """
    rng = np.random.default_rng([world.seed, 4])
    a, pack = world.a, world.a.pack[: world.a.skus]
    weeks = -(-p.apart // 7)
    share = rng.uniform(low, high, a.skus)
    last = p.days - 1
    wanted = np.array(
        [
            sum(expected_demand(a, min(world.t + 7 * w + d, last)).reshape(a.stores, a.skus).sum(0) for d in range(7))
            for w in range(weeks)
        ]
    )
    return np.rint(wanted * share / pack).astype(np.int64) * pack


def live_arm(world: World, watcher: Watcher, arm: Arm, supply: np.ndarray, days: int) -> dict[str, float]:
    """Live the measured days of one arm; the warehouse's stock and records are right."""
    a, warehouse = world.a, np.zeros(world.a.skus, np.int64)
    lost_units, lost_margin, shipped, counts, wrong = 0, 0.0, 0, 0, []
    delivered = int(supply.sum())
    for d in range(days):
        if d % 7 == 0:
            warehouse += supply[d // 7]
        visible, hidden = world.live(to_count(world, watcher, arm))
        watcher = watcher.see(world, visible)
        lost_units += int(hidden.lost_sales.sum())
        lost_margin += float((hidden.lost_sales * a.margin).sum())
        counts += int((visible.counted >= 0).sum())
        wrong.append(float(world.wrong().mean()))
        units = allocate(world, watcher.believed(world, arm.summary), warehouse)
        warehouse -= np.bincount(a.sku, units, a.skus).astype(np.int64)
        shipped += int(units.sum())
        world.planner.ship(world.t, units)
        world.t += 1
    if warehouse.min() < 0 or shipped + warehouse.sum() != delivered:
        raise SystemExit(f"closed loop, arm {arm.name}: the warehouse shipped what it did not have")
    return {
        "lost_units": lost_units, "lost_margin": lost_margin, "store_stock": int(world.shelves.true.sum()),
        "warehouse_stock": int(warehouse.sum()), "shipped": shipped, "counts": counts, "wrong": float(np.mean(wrong)),
    }  # fmt: skip


def to_count(world: World, watcher: Watcher, arm: Arm) -> np.ndarray:
    """Records (n,) bool to count tonight: the arm's share from the top of yesterday's list, the rest due in the cycle.

    A list that is too short is filled up from the cycle, so that every arm counts equally many.
    """
    cycle = shelves.due_by_cycle(world.a, world.faults, world.t)
    wanted = int(cycle.sum())
    out = np.zeros(len(cycle), bool)
    if arm.listed:
        out[watcher.count_list(world)[: round(arm.listed * wanted)]] = True
    rest = np.random.default_rng([world.seed, 5, world.t]).permutation(np.flatnonzero(cycle & ~out))
    out[rest[: wanted - int(out.sum())]] = True
    return out


def allocate(world: World, on_hand: np.ndarray, warehouse: np.ndarray) -> np.ndarray:
    """Units (n,) that the engine ships tonight; position = max(0, on hand) + in transit."""
    a, planner = world.a, world.planner
    days = LEAD_DAYS + REVIEW_DAYS
    problem = allocation_problem(
        pair_row=a.sku,
        mean_units=planner.mean * days,
        dispersion=np.maximum(planner.dispersion, 1.0),
        position_units=np.maximum(on_hand, 0) + planner.transit.sum(0),
        gain_per_unit=a.margin,
        holding_per_unit=a.cost * HOLDING_PER_DAY * REVIEW_DAYS,
        row_case_pack=a.pack[: a.skus],
        row_available_units=warehouse,
        block=np.where(ships_today(a, world.t), OPEN, NO_SHIP_DAY),
    )
    return plan(problem, AllocationSettings(threads=1)).units
