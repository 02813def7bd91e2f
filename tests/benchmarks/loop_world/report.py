"""Gains over seeds: intervals, wins, the peer at our stock; and the table."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.figures import t_interval
from tests.benchmarks.loop_world.scenarios import OURS, Runs
from tests.benchmarks.loop_world.simulate import Outcome


def at_stock(grid: dict[tuple[float, float], Outcome], stock: float) -> float:
    """A peer's profit at `stock` units per pair in stores: between the neighbours of its grid, the best of its roundings.

    Beyond the grid the nearest end counts.
    """
    best = -np.inf
    for rounding in {key[0] for key in grid}:
        line = sorted((o.store_stock, o.profit) for key, o in grid.items() if key[0] == rounding)
        best = max(best, float(np.interp(stock, *np.array(line).T)))
    return best


def best_parameter(grids: list[dict[tuple[float, float], Outcome]]) -> tuple[float, float]:
    """The parameter of the highest mean profit over seeds (picked on the very seeds it is judged on: in the peer's favour)."""
    return max(sorted(grids[0]), key=lambda key: np.mean([grid[key].profit for grid in grids]))


def at_grid_end(grid: dict[tuple[float, float], Outcome], key: tuple[float, float]) -> bool:
    """Whether a value beyond the grid might earn more: one of the parameter's parts is the least or most of three or more."""
    parts = zip(key, zip(*grid, strict=True), strict=True)
    return any(len(set(values)) > 2 and part in (min(values), max(values)) for part, values in parts)


def _gain(values: np.ndarray) -> dict:
    mean, half = t_interval(values)
    return {"points": mean, "half_width": half, "wins": int((values > 0).sum()), "seeds": len(values)}


def summary(runs: list[Runs]) -> dict:
    """One scenario under one forecast scale: figures of each policy and our gain over it, in points; JSON-ready."""
    ours = [next(iter(r.outcomes[OURS].values())) for r in runs]
    policies = {}
    for name in runs[0].outcomes:
        grids = [r.outcomes[name] for r in runs]
        key = best_parameter(grids)
        chosen = [grid[key] for grid in grids]
        figures = {
            field: float(np.mean([getattr(o, field) for o in chosen]))
            for field in ("profit", "lost", "store_stock", "dc_stock", "lines")
        }
        gaps = [o.gap for o in chosen if o.gap is not None]
        figures["gap"] = float(np.mean(gaps)) if gaps else None
        tuned = len(grids[0]) > 1
        policies[name] = {"parameter": list(key) if tuned else None, **figures}
        if name != OURS:
            policies[name]["gain_profit"] = _gain(
                np.array([a.profit - b.profit for a, b in zip(ours, chosen, strict=True)])
            )
            policies[name]["gain_lost"] = _gain(np.array([b.lost - a.lost for a, b in zip(ours, chosen, strict=True)]))
        if tuned:
            policies[name]["at_grid_end"] = at_grid_end(grids[0], key)
            same = np.array([a.profit - at_stock(grid, a.store_stock) for a, grid in zip(ours, grids, strict=True)])
            policies[name]["gain_at_equal_stock"] = _gain(same)
    return {
        "scenario": runs[0].task.scenario, "forecast_scale": runs[0].task.forecast_scale,
        "unavoidable_lost": float(np.mean([r.unavoidable for r in runs])), "policies": policies,
    }  # fmt: skip


def _text(gain: dict | None) -> str:
    if gain is None:
        return f"{'-':>22}"
    return f"{gain['points']:+7.2f} ±{gain['half_width']:5.2f} {gain['wins']:>3}/{gain['seeds']:<3}"


def table(result: dict) -> str:
    """The summary as lines of text; * marks a best parameter at an end of its grid."""
    scale = result["forecast_scale"]
    head = f"{result['scenario']}, every forecast x {scale}" if scale != 1.0 else result["scenario"]
    lines = [
        f"{head}: unavoidable lost sales {result['unavoidable_lost']:.2f} % (all stores pooled, no lead time)",
        f"  {'policy':<50}{'parameter':>12}{'profit %':>10}{'lost %':>8}{'stores':>8}{'DC':>7}{'lines/wk':>9}{'gap %':>8}"
        f"{'gain, points':>22}{'lost sales avoided':>22}{'gain at equal stock':>22}",
    ]
    for name, p in result["policies"].items():
        parameter = "-" if p["parameter"] is None else "{1:g} / {0:g}".format(*p["parameter"]) + "*" * p["at_grid_end"]
        gap = "-" if p["gap"] is None else f"{100 * p['gap']:.3f}"
        lines.append(
            f"  {name:<50}{parameter:>12}{p['profit']:>10.2f}{p['lost']:>8.2f}{p['store_stock']:>8.2f}{p['dc_stock']:>7.2f}"
            f"{p['lines']:>9.2f}{gap:>8}{_text(p.get('gain_profit'))}{_text(p.get('gain_lost'))}"
            f"{_text(p.get('gain_at_equal_stock'))}"
        )
    return "\n".join(lines)
