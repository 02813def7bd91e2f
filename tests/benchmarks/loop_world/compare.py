"""Runs policies through worlds seed by seed, and compares them pair by pair of seeds."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

import numpy as np
from scipy import stats

from tests.benchmarks.loop_world.chain import World, generated_chain, pooled_lost
from tests.benchmarks.loop_world.city import city
from tests.benchmarks.loop_world.ours import Plan
from tests.benchmarks.loop_world.peers import BaseStock, MinMax
from tests.benchmarks.loop_world.simulate import Calendar, simulate

OURS, MYOPIC = "ours", "ours, nothing kept"
_FRACTILES = (0.80, 0.85, 0.90, 0.93, 0.95, 0.96, 0.97, 0.98, 0.99, 0.995)
#: With biased forecasts the best fractile moves, so the grid reaches further and is coarser.
_COARSE = (0.70, 0.85, 0.93, 0.97, 0.99, 0.999)
_COVERS = (1.2, 1.5, 1.8, 2.2)


@dataclass(frozen=True)
class Scenario:
    """A world by seed, and whether capacities bind in it."""

    world: Callable[[int], World]
    binding: bool = False


def scenarios(skus: int, stores: int, weeks: int) -> dict[str, Scenario]:
    """The generated chain of a size, and the city slice (always whole)."""

    def chain(phi: float, binding: bool = False) -> Scenario:
        return Scenario(lambda seed: generated_chain(seed, phi, binding, skus, stores, weeks), binding)

    return {
        "chain, scarce": chain(0.95),
        "chain, capacities": chain(1.05, binding=True),
        "chain, ample": chain(1.2),
        "city replay, scarce": Scenario(lambda seed: city(seed, 0.95)),
        "city replay, ample": Scenario(lambda seed: city(seed, 1.2)),
    }


def policies(binding: bool, coarse: bool) -> dict[str, dict[str, Callable]]:
    """Per policy its settings to choose from (fewer where `coarse`); ours has one."""
    grid = _COARSE if coarse else _FRACTILES
    ups = (1.0,) if coarse else (0.8, 1.0)

    def base(share: str, cut: str = "urgent") -> dict[str, Callable]:
        return {f"{f}, cases from {up}": lambda f=f, up=up: BaseStock(f, share, cut, up) for f in grid for up in ups}

    peers = {"base stock, proportional": base("proportional"), "base stock, equal cover": base("cover")}
    if binding:
        peers = {"base stock, most urgent first": base("cover"), "base stock, pro-rata cuts": base("cover", "pro_rata")}
    peers["min-max"] = {f"{c} x cover": lambda c=c: MinMax(c) for c in (_COVERS[::2] if coarse else _COVERS)}
    return {OURS: {"": Plan}, MYOPIC: {"": lambda: Plan(is_myopic=True)}} | peers


def run_seed(size: tuple[int, int, int], name: str, seed: int, scale: float, coarse: bool) -> dict[str, dict[str, list[float]]]:
    """Per policy and setting [profit, lost, store stock, DC stock, lines a week, gap] of one seed; `unavoidable` lost sales."""
    scenario = scenarios(*size)[name]
    world = scenario.world(seed)
    calendar = Calendar(world)
    out = {
        policy: {setting: simulate(world, make(), scale, calendar).figures() for setting, make in choices.items()}
        for policy, choices in policies(scenario.binding, coarse or scale != 1.0).items()
    }
    return out | {"unavoidable": {"": [100 * pooled_lost(world)]}}


def run(size, names: list[str], seeds: list[int], scales: list[float], coarse: bool, processes: int = 2) -> dict:
    """{(scenario, scale): one result of `run_seed` per seed}."""
    tasks = [(name, scale, seed) for name in names for scale in scales for seed in seeds]
    with ProcessPoolExecutor(processes) as pool:
        done = list(pool.map(run_seed, *zip(*[(size, name, seed, scale, coarse) for name, scale, seed in tasks], strict=True)))
    out: dict = {}
    for (name, scale, _), result in zip(tasks, done, strict=True):
        out.setdefault((name, scale), []).append(result)
    return out


def interval(differences: np.ndarray) -> dict[str, float]:
    """Mean of paired differences, half-width of its 95 % t interval, and on how many seeds it is positive."""
    n = len(differences)
    half = float(stats.t.ppf(0.975, n - 1) * differences.std(ddof=1) / np.sqrt(n)) if n > 1 else float("nan")
    return {"mean": float(differences.mean()), "half_width": half, "wins": int((differences > 0).sum())}


def at_stock(choices: dict[str, list[float]], stock: float) -> float:
    """A peer's profit at a mean store stock: interpolated between its settings, its ends beyond them.

    Settings that round cases alike are one curve; the best of the curves counts.
    """
    curves: dict[str, list[tuple[float, float]]] = {}
    for setting, figures in choices.items():
        curves.setdefault(setting.partition(", ")[2], []).append((figures[2], figures[0]))
    return max(float(np.interp(stock, *zip(*sorted(points), strict=True))) for points in curves.values())


def compared(results: list[dict]) -> list[dict]:
    """One row per policy: its best setting (by mean profit over the seeds), figures, and what ours gains on it."""
    ours = np.array([result[OURS][""] for result in results])
    rows = []
    for policy in [name for name in results[0] if name != "unavoidable"]:
        settings = list(results[0][policy])
        figures = {s: np.array([result[policy][s] for result in results]) for s in settings}
        best = max(settings, key=lambda s: figures[s][:, 0].mean())
        found = figures[best]
        names = ("profit", "lost", "store_stock", "dc_stock", "lines_a_week", "gap_percent")
        row = {"policy": policy, "setting": best, **dict(zip(names, found.mean(axis=0).tolist(), strict=True))}
        if policy != OURS:
            row["gain_profit"] = interval(ours[:, 0] - found[:, 0])
            row["gain_lost"] = interval(ours[:, 1] - found[:, 1])
            if len(settings) > 1:
                equal = np.array([at_stock(result[policy], result[OURS][""][2]) for result in results])
                row["gain_profit_at_equal_stock"] = interval(ours[:, 0] - equal)
        rows.append(row)
    return rows
