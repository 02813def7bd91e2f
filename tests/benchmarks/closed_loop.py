"""Closed loop of the allocation engine: weeks of decisions on stock that earlier decisions left, beside rules of thumb.

    python -m tests.benchmarks.closed_loop [--scale quick|full] [--seeds N] [--only SCENARIO]

Worlds: a generated chain (60 SKUs x 120 stores, 26 weeks after 8 of warm-up) with scarce supply, with binding capacities and
with ample supply; the FreshRetailNet slice's demand with simulated supply (a replay), stores drawn anew by each seed. All policies
see the same demand, supply and forecast (learned from their own sales). Every peer takes the setting that earns it most ON these seeds;
ours has one setting, from costs alone. `--scale full` repeats the scarce chain with everybody's forecast x 0.8 and x 1.2. Seeds
0 to 9 served development; tests start at 100. Profit in points of the margin of perfect sales.
"""

from __future__ import annotations

import argparse
import json

from tests.benchmarks.loop_world.compare import compared, run, scenarios

SIZES = {"quick": (12, 30, 6), "full": (60, 120, 26)}
SEEDS = {"quick": 2, "full": 20}
FIRST_SEED = 100
BIASED = {"quick": [], "full": ["chain, scarce"]}
BIASES = [0.8, 1.2]


def _points(gain: dict) -> str:
    return f"{gain['mean']:+6.2f} +-{gain['half_width']:5.2f} ({gain['wins']:>2})"


def _print(name: str, scale: float, unavoidable: float, rows: list[dict]) -> None:
    biased = "" if scale == 1.0 else f", every forecast x {scale}"
    print(f"\n{name}{biased}: unavoidable lost sales {unavoidable:.2f} %")
    print(f"{'policy':30} {'setting':24} profit   lost store    DC lines   gain in profit (wins)  gain in lost, at equal stock")
    for row in rows:
        text = f"{row['policy']:30} {row['setting']:24} {row['profit']:6.2f} {row['lost']:6.2f} {row['store_stock']:5.2f} {row['dc_stock']:5.1f} {row['lines_a_week']:5.3f}"
        if "gain_profit" in row:
            text += f"   {_points(row['gain_profit'])}  {_points(row['gain_lost'])}"
        if "gain_profit_at_equal_stock" in row:
            text += f"  {_points(row['gain_profit_at_equal_stock'])}"
        print(text)


def main() -> None:
    """Run the benchmark and print it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=sorted(SIZES), default="quick")
    parser.add_argument("--seeds", type=int)
    parser.add_argument("--only", choices=list(scenarios(1, 1, 1)))
    args = parser.parse_args()
    seeds = [FIRST_SEED + k for k in range(args.seeds or SEEDS[args.scale])]
    names = [args.only] if args.only else list(scenarios(1, 1, 1))
    report = {"benchmark": "closed_loop", "scale": args.scale, "seeds": seeds, "supply": "simulated", "scenarios": []}
    for name in names:
        biases = [1.0, *(BIASES if name in BIASED[args.scale] else [])]
        for (_, scale), results in run(SIZES[args.scale], [name], seeds, biases, args.scale == "quick").items():
            rows = compared(results)
            unavoidable = sum(result["unavoidable"][""][0] for result in results) / len(results)
            _print(name, scale, unavoidable, rows)
            report["scenarios"].append(
                {"scenario": name, "forecast_times": scale, "unavoidable_lost": unavoidable, "policies": rows}
            )
    print(json.dumps(report))


if __name__ == "__main__":
    main()
