"""Benchmark of replenishment: cost of a closed loop against an ERP's policies, and 10 million proposals.

    python -m tests.benchmarks.replenishment [--scale quick|full] [--seed N]

Loop (tests/benchmarks/replenishment_world): demand of the FreshRetailNet slice, 803 series; the first 30 days are learned from, 14 run in,
46 are scored; lead time 5 +- 2 days per order, orders every day, lost sales. Ours has one setting, derived from costs; the peers are
run as an ERP sets them and at the parameters that are best on the very seeds shown. Seeds of `full` (1001 on) were never used in
development, which had 1 to 3, 9001 and 9002. Last line: one JSON object; intervals are 95 % over seeds (Student's t, paired).
"""

from __future__ import annotations

import argparse
import json
import time

from tests.benchmarks.replenishment_world.loop import (
    ERP,
    best,
    costs_of,
    gap_closed,
    interval,
    saving,
    simulate,
    split,
    stock_at_equal_fill,
)
from tests.benchmarks.replenishment_world.throughput import in_own_process

SCALES = {"quick": {"seed": 1, "seeds": 3, "pairs": 500_000}, "full": {"seed": 1001, "seeds": 20, "pairs": 10_000_000}}


def compare(results: dict, foresight: list[float]) -> dict:
    """Every figure of the loop."""
    peers = {}
    for name, (_, at) in ERP.items():
        keys = {"erp": (name, "average", at), "best_average": best(results, name, "average"), "best_ours": best(results, name, "ours")}
        peers[name] = {
            "parameters": {way: key[2] for way, key in keys.items()},
            "rows": {way: _row(results[key]) for way, key in keys.items()},
            "saving_percent": {way: saving(results, key) for way, key in keys.items()},
            "gap_closed_percent": {way: gap_closed(results, foresight, key) for way, key in keys.items()},
            "split": split(results, name),
            "less_stock_at_equal_fill_percent": {of: stock_at_equal_fill(results, name, of) for of in ("average", "ours")},
        }
    wide = best(results, "spread_z", "ours")
    return {
        "ours": _row(results["ours", "ours", ()]),
        "foresight": interval(foresight),
        "peers": peers,
        "ablation_normal_of_whole_spread": {"z": wide[2], **_row(results[wide]), "saving_percent": saving(results, wide)},
    }


def _row(runs: list) -> dict:
    parts = ("lost", "holding", "stock", "fill")
    return {"cost": interval(costs_of(runs))} | {part: interval([getattr(r, part) for r in runs])["mean"] for part in parts}


def targets(found: dict) -> dict:
    """What issue 6 asks for, and whether it is met."""
    erp = {name: peer["saving_percent"]["erp"] for name, peer in found["peers"].items()}
    # The best of them by cost is the one that ours saves least against.
    tuned = min((peer["saving_percent"]["best_ours"] for peer in found["peers"].values()), key=lambda s: s["mean"])
    return {
        "10_percent_below_every_peer_as_an_erp_runs_it": {"met": all(s["low"] >= 10 for s in erp.values()), "value": erp},
        "2_percent_below_the_best_peer_at_its_best_with_our_forecast": {
            "met": tuned["mean"] >= 2 and tuned["low"] > 0,
            "value": tuned,
        },
    }


def show(found: dict, speed: list[dict]) -> None:
    """Print the tables."""

    def span(v: dict) -> str:
        return f"{v['mean']:9.1f} [{v['low']:8.1f}, {v['high']:8.1f}]"

    def line(name: str, row: dict) -> str:
        return f"{name:40} cost {span(row['cost'])} lost {row['lost']:8.0f} holding {row['holding']:7.0f} stock {row['stock']:6.1f} fill {row['fill']:.4f}"

    print(line("ours", found["ours"]))
    print(f"{'perfect foresight':40} cost {span(found['foresight'])}")
    for name, peer in found["peers"].items():
        for way, row in peer["rows"].items():
            print(line(f"{name} {way} {peer['parameters'][way]}", row))
            print(f"    ours costs less, %: {span(peer['saving_percent'][way])}; gap closed, %: {span(peer['gap_closed_percent'][way])}")
        print("    gain by " + "; ".join(f"{part} {span(value)}" for part, value in peer["split"].items()))
        stock = peer["less_stock_at_equal_fill_percent"]
        print(f"    less stock at equal fill, %: average {span(stock['average'])}; our forecast {span(stock['ours'])}")
    wide = found["ablation_normal_of_whole_spread"]
    print(line(f"normal of the whole spread, best z {wide['z']}", wide) + f"; ours less, %: {span(wide['saving_percent'])}")
    for row in speed:
        print(f"{row['pairs']} proposals ({row['mix']}), {row['threads']} threads: {row['seconds']:.1f} s, {row['pairs_per_second']:.0f}/s, "
              f"{row['seconds_per_million']:.2f} s per million, peak {row['peak_mb']:.0f} MB, {row['orders']} orders")  # fmt: skip


def _plain(value):
    """JSON-ready: four decimals."""
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return round(value, 4) if isinstance(value, float) and value == value else None if value != value else value


def main() -> None:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", choices=sorted(SCALES), default="quick")
    parser.add_argument("--seed", type=int, help="first seed (default: 1 for quick, 1001 for full)")
    args = parser.parse_args()
    scale, start = SCALES[args.scale], time.perf_counter()
    seed = scale["seed"] if args.seed is None else args.seed
    found = compare(*simulate(range(seed, seed + scale["seeds"])))
    speed = [in_own_process(scale["pairs"], 2, mix) for mix in ("order_up_to", "all")]
    show(found, speed)
    judged = targets(found)
    for name, row in judged.items():
        print(f"{'met   ' if row['met'] else 'MISSED'} {name}")
    seconds = round(time.perf_counter() - start, 1)
    report = {"benchmark": "replenishment", "scale": args.scale, "seed": seed, "seconds": seconds, "targets": judged}
    print(json.dumps(_plain(report | {"loop": found, "proposals": speed})))


if __name__ == "__main__":
    main()
