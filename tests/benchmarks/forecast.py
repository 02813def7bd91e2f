"""Benchmark of demand: accuracy on real sales under stock-outs, recovery of hidden demand, and speed beside the libraries.

    python -m tests.benchmarks.forecast [--scale quick|full] [--speed] [--seed 1]

Without --speed: rolling origin on the FreshRetailNet slice (last 4 weeks, 7 days ahead), champion against every baseline as it is
and fed with restored demand, at SKU x store and at city level; the PIT; known hours hidden as if out; and a web shop's lumpy articles. With --speed:
refits and daily updates of the champion, streamed, beside statsforecast's models on the same series. `--scale full` does
both. Prints tables and, as the last line, the same as JSON.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import replace
from statistics import median
from typing import Any

import numpy as np

from allocation_assets.demand import backtest as bt
from allocation_assets.demand.baselines import NAMES, baseline
from allocation_assets.demand.forecaster import Champion
from tests.benchmarks.figures import peak_gib
from tests.benchmarks.forecast_world import censoring, speed
from tests.benchmarks.forecast_world.freshretail import HORIZON, WINDOWS, Fresh, load_fresh
from tests.benchmarks.forecast_world.lumpy import load_lumpy

SIZES = {
    "quick": {"ets_series": 40, "seeds": 2, "articles": 200, "series": (100_000, 300_000), "repeats": 1, "pool": 1, "peers": 500, "ets": 20},
    "full": {"ets_series": 803, "seeds": 10, "articles": 3000, "series": (100_000, 1_000_000, 10_000_000), "repeats": 3, "pool": 4, "peers": 4000, "ets": 100},
}  # fmt: skip
_SHOWN = ("wape", "wape_mean", "bias", "mase", "rmsse", "scaled_pinball_loss", "coverage_80", "pit_80")


def levels_of(fresh: Fresh) -> list[bt.Level]:
    """SKU x store, and SKU in the city."""
    sku = fresh.panel.sku
    return [bt.Level("sku_store", None, sku), bt.Level("city", sku, np.arange(int(sku.max()) + 1))]


def accuracy(fresh: Fresh, ets_series: int, seed: int) -> dict[str, Any]:
    """Measures and differences of every forecaster; AutoETS on a sample of series where it would take minutes."""
    runs = {}
    rows = np.sort(np.random.default_rng(seed).permutation(fresh.panel.series)[:ets_series])
    out: dict[str, Any] = {}
    for name in ("champion", *(f"{n}|{h}" for n in NAMES for h in ("sales", "restored"))):
        of_sample = name.startswith("auto_ets") and ets_series < fresh.panel.series
        panel = fresh.panel.take(rows) if of_sample else fresh.panel
        way = Champion() if name == "champion" else baseline(*name.split("|"))
        levels = levels_of(replace(fresh, panel=panel))
        runs[name] = bt.backtest(
            panel, way, levels[:1] if of_sample else levels, windows=WINDOWS, horizon=HORIZON, seed=seed
        )
        for level in levels[:1] if of_sample else levels:
            mine = runs["champion"][level.name, False]
            mine = {key: values[rows] for key, values in mine.items()} if of_sample else mine
            found = bt.measures(runs[name][level.name, False])
            if name != "champion":
                found["champion_less_this"] = bt.differences(
                    mine, runs[name][level.name, False], level.block, seed=seed
                )
            out[f"{name}@{level.name}"] = found
    out["champion@sku_store (full days only)"] = bt.measures(runs["champion"]["sku_store", True])
    return out


def lumpy(articles: int, seed: int) -> dict[str, Any]:
    """The same on articles that sell on one day in four, in bulk: champion against the baselines, by the article."""
    panel = load_lumpy(articles)
    level = bt.Level("article", None, np.arange(panel.series))
    champion = bt.backtest(panel, Champion(), [level], windows=WINDOWS, horizon=HORIZON, seed=seed)["article", False]
    out: dict[str, Any] = {"champion@article": bt.measures(champion)}
    for name in (f"{n}|{h}" for n in NAMES if n != "auto_ets" for h in ("sales", "restored")):
        sums = bt.backtest(panel, baseline(*name.split("|")), [level], windows=WINDOWS, horizon=HORIZON, seed=seed)
        found = bt.measures(sums["article", False])
        found["champion_less_this"] = bt.differences(champion, sums["article", False], level.block, seed=seed)
        out[f"{name}@article"] = found
    return out


def recovery(fresh: Fresh, seeds: int) -> dict[str, Any]:
    """Mean bias and WAPE over seeds of every way to recover hidden hours, by pattern."""
    out = {}
    for pattern in censoring.PATTERNS:
        runs = [censoring.recover(fresh, pattern, seed) for seed in range(seeds)]
        for way in runs[0]:
            bias = np.array([run[way].bias for run in runs])
            wape = np.array([run[way].wape for run in runs])
            out[f"{pattern}|{way}"] = {
                "bias": float(bias.mean()), "bias_low": float(bias.min()), "bias_high": float(bias.max()), "wape": float(wape.mean()),
            }  # fmt: skip
    return out


def speeds(size: dict[str, Any], seed: int) -> dict[str, Any]:
    """Rates per second and core, memory, and pinball loss beside the peers."""
    pool = [speed.make_shard(seed + k) for k in range(size["pool"])]
    learned, seconds = speed.learned_from(speed.make_shard(seed + 99, skus=200))
    speed.measure_refit(speed.SHARD, learned, pool, 1)
    out: dict[str, Any] = {"learn_20k_series_seconds": seconds}
    for series in size["series"]:
        out[f"refit_{series}_seconds_a_million"] = (
            1e6 / series * median(speed.measure_refit(series, learned, pool, 1) for _ in range(size["repeats"]))
        )
    largest = size["series"][-1]
    out["refit_series_a_second_and_core"] = 1e6 / out[f"refit_{largest}_seconds_a_million"]
    out["refit_two_threads_series_a_second"] = largest / speed.measure_refit(largest, learned, pool, 2)
    out["linear"] = out[f"refit_{largest}_seconds_a_million"] / out[f"refit_{size['series'][0]}_seconds_a_million"]
    out["peak_gib"] = peak_gib()
    day = median(speed.measure_day(largest, learned, pool) for _ in range(size["repeats"]))
    out["daily_series_a_second_and_core"] = largest / day
    rows = np.sort(np.random.default_rng(seed).permutation(speed.SHARD)[: size["peers"]])
    for name in speed.PEERS:
        panel = speed.as_panel(pool[0], rows[: size["ets"]] if name == "auto_ets" else rows)
        for bare, kind in ((False, ""), (True, "_bare")):
            rate = speed.peer_rate(name, panel, bare=bare)
            out[f"{name}{kind}_series_a_second"] = rate
            out[f"times_{name}{kind}"] = out["refit_series_a_second_and_core"] / rate
    out["pinball"] = speed.pinball(speed.as_panel(pool[0], np.arange(size["peers"])), ("ses", "tsb", "croston_sba"))
    out["pinball_ets_sample"] = speed.pinball(speed.as_panel(pool[0], np.arange(size["ets"])), ("auto_ets",))
    return out


def _print(result: dict[str, Any]) -> None:
    for name, found in [*result.get("accuracy", {}).items(), *result.get("lumpy", {}).items()]:
        shown = "  ".join(f"{key} {found[key]:.4f}" for key in _SHOWN if found.get(key) is not None)
        print(f"{name:36} {shown}")
        for key, (gap, low, high) in found.get("champion_less_this", {}).items():
            print(f"{'':36} champion less this, {key}: {gap:+.4f} [{low:+.4f}, {high:+.4f}]")
    for name, found in result.get("recovery", {}).items():
        print(
            f"{name:36} bias {found['bias']:+.4f} [{found['bias_low']:+.4f}, {found['bias_high']:+.4f}]  wape {found['wape']:.4f}"
        )
    for name, value in result.get("speed", {}).items():
        print(f"{name:44} {value if isinstance(value, dict) else f'{value:,.3f}'}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=SIZES, default="quick")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    size, result = SIZES[arguments.scale], {"scale": arguments.scale, "seed": arguments.seed}
    if arguments.speed or arguments.scale == "full":
        result["speed"] = speeds(size, arguments.seed)
    if not arguments.speed or arguments.scale == "full":
        fresh = load_fresh()
        result["accuracy"] = accuracy(fresh, size["ets_series"], arguments.seed)
        result["recovery"] = recovery(fresh, size["seeds"])
        result["lumpy"] = lumpy(size["articles"], arguments.seed)
    _print(result)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
