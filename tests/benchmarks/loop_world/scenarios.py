"""What is run: scenarios, the peers of each with their grids, and one seed's runs of one scenario."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks.loop_world.chain import World, generated_chain, pooled_lost
from tests.benchmarks.loop_world.ours import Plan
from tests.benchmarks.loop_world.peers import BaseStock, MinMax
from tests.benchmarks.loop_world.replay import replayed_slice
from tests.benchmarks.loop_world.simulate import Outcome, Policy, simulate

OURS, MYOPIC = "ours", "ours without the price of kept stock"
#: (supply as a multiple of expected demand, binding capacities); a replay is the FreshRetailNet slice.
SCENARIOS = {
    "scarce": (0.95, False),
    "capacities": (1.05, True),
    "ample": (1.2, False),
    "replay-scarce": (0.95, False),
    "replay-ample": (1.2, False),
}
#: Part of a case that the floor of a base-stock order adds: 1 rounds up.
ROUND_UPS = (0.8, 1.0)


@dataclass(frozen=True)
class Size:
    """How much is run. `fractiles` are the grid of the base stocks, `biased_fractiles` that under a biased forecast;
    `covers` and `review_weeks` that of min-max (`s`, and `S - s`); `biased` names the scenarios that run under a bias too."""

    skus: int
    stores: int
    weeks: int
    seeds: int
    fractiles: tuple[float, ...]
    biased_fractiles: tuple[float, ...]
    biased: tuple[str, ...]
    covers: tuple[float, ...]
    review_weeks: tuple[float, ...]


SIZES = {
    "quick": Size(12, 20, 8, 3, (0.85, 0.93, 0.97), (0.85, 0.93, 0.97), ("scarce",), (1.0, 1.5), (0.5, 1.0)),
    "full": Size(
        60, 120, 26, 20, (0.80, 0.85, 0.90, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995), (0.80, 0.90, 0.95, 0.98, 0.995, 0.999),
        ("scarce", "capacities"), (0.8, 1.0, 1.2, 1.5, 1.8, 2.2), (0.25, 0.5, 1.0),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Task:
    """One seed of one scenario; `forecast_scale` multiplies every policy's forecast."""

    scenario: str
    seed: int
    forecast_scale: float
    size: Size


@dataclass(frozen=True)
class Runs:
    """Outcomes of a task: policy -> parameter -> outcome. A parameter is (rounding or S - s, level); `unavoidable` lost sales in %."""

    task: Task
    unavoidable: float
    outcomes: dict[str, dict[tuple[float, float], Outcome]]


def world_of(task: Task) -> World:
    phi, binding = SCENARIOS[task.scenario]
    if task.scenario.startswith("replay"):
        return replayed_slice(task.seed, phi)
    return generated_chain(task.seed, phi, binding, task.size.skus, task.size.stores, task.size.weeks)


def peers_of(scenario: str) -> dict[str, Callable[[float, float], Policy]]:
    """The base-stock peers of a scenario: name -> policy of (rounding, fractile)."""

    def base_stock(share: str, cut: str) -> Callable[[float, float], Policy]:
        return lambda round_up, fractile: BaseStock(fractile, share, cut, round_up)

    if not SCENARIOS[scenario][1]:
        return {
            "base stock, proportional share": base_stock("proportional", "urgent"),
            "base stock, equal cover": base_stock("cover", "urgent"),
        }
    return {
        "base stock, most urgent first": base_stock("cover", "urgent"),
        "base stock, proportional share, pro-rata cuts": base_stock("proportional", "pro_rata"),
        "base stock, equal cover, pro-rata cuts": base_stock("cover", "pro_rata"),
    }


def run(task: Task) -> Runs:
    """All policies in the task's world. The myopic plan runs with the unbiased forecast only."""
    world, scale = world_of(task), task.forecast_scale
    fractiles = task.size.fractiles if scale == 1.0 else task.size.biased_fractiles
    outcomes = {OURS: {(0.0, 0.0): simulate(world, Plan(), scale)}}
    if scale == 1.0:
        outcomes[MYOPIC] = {(0.0, 0.0): simulate(world, Plan(keeps=False), scale)}
    outcomes["min-max, first come"] = {
        (weeks, cover): simulate(world, MinMax(cover, weeks), scale)
        for weeks in task.size.review_weeks
        for cover in task.size.covers
    }
    for name, policy in peers_of(task.scenario).items():
        outcomes[name] = {
            (round_up, fractile): simulate(world, policy(round_up, fractile), scale)
            for round_up in ROUND_UPS
            for fractile in fractiles
        }
    return Runs(task, 100 * pooled_lost(world), outcomes)
