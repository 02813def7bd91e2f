"""Benchmark of root causes: how much of the value of stock-outs is put down to the right cause.

    python -m tests.benchmarks.root_cause [--scale quick|full] [--seed N]

Worlds (tests/benchmarks/root_cause_world) in which faults of 13 kinds overlap as they come. True cause of a stock-out on a date: the
single fault whose removal removes most of what the stock-out has cost so far, found by running the world again without it, on the same random
numbers. Scored: stock-outs of which one fault's removal removes more than half; of the others (several faults needed at once, or chance) no single
cause is true, and their part of the value is printed. Value: true lost margin of the date. Attribution sees what systems record, never the
shelves. Seeds of `full` (2001 on) were never used in development, which had 1 to 9. Last line: one JSON object.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict

import numpy as np

from allocation_assets.root_causes.find import CauseSettings, find_causes
from tests.benchmarks.root_cause_world.chain import draw_nature, run
from tests.benchmarks.root_cause_world.faults import draw_faults
from tests.benchmarks.root_cause_world.seen import Seen, at
from tests.benchmarks.root_cause_world.truth import episodes, lost_of, removed_by_each

SCALES = {
    "quick": {"seed": 1, "worlds": 2, "stores": 10, "skus": 14, "days": 70},
    "full": {"seed": 2001, "worlds": 8, "stores": 12, "skus": 18, "days": 90},
}
WARM_UP, EVERY = 15, 4
SETTINGS = CauseSettings(window_days=28, overstock_days=10_000, phantom_probability=0.5)
GOAL = 0.85


def judge_world(seed: int, stores: int, skus: int, days: int) -> list[tuple[str, float, dict[str, float]]]:
    """(true cause or '', value, shares given) of every stock-out on every fourth day of one world."""
    rng = np.random.default_rng(seed)
    nature, faults = draw_nature(rng, stores, skus, days), draw_faults(rng, stores, skus, days, WARM_UP)
    record = run(nature, faults)
    lost = lost_of(record)
    first = episodes(lost, (lost > 0) | (record.arrays["book"] <= 0))
    looked_at = list(range(WARM_UP + 5, days, EVERY))
    removed = removed_by_each(nature, faults, lost, first, looked_at)
    seen, judged = Seen(nature, record), []
    margin = nature.price - nature.cost
    for number, t in enumerate(looked_at):
        given: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
        for row in find_causes(seen.open(t, SETTINGS.window_days), at(t), SETTINGS).to_pylist():
            if row["kind"] == "stock_out":
                given[row["location_id"], row["sku_id"]][row["cause"]] = float(row["share"])
        for store, sku in zip(*np.nonzero(lost[t]), strict=True):
            so_far = lost[first[t, store, sku] : t + 1, store, sku].sum()
            best = int(np.argmax(removed[:, number, store, sku]))
            is_single = removed[best, number, store, sku] > so_far / 2
            judged.append((faults[best].kind if is_single else "", float(lost[t, store, sku] * margin[sku]), given[f"S{store}", f"K{sku}"]))
    return judged


def score(judged: list[tuple[str, float, dict[str, float]]]) -> dict:
    """Shares of value: attributed to the true cause, first guess right, and by true cause what was said instead."""
    single = [row for row in judged if row[0]]
    value = sum(worth for _, worth, _ in single)
    said: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for true, worth, shares in single:
        for cause, share in (shares or {"not_found": 1.0}).items():
            said[true][cause] += share * worth
    right = sum(said[true][true] for true in said)
    first = sum(worth for true, worth, shares in single if shares and max(shares, key=lambda c: shares[c]) == true)
    return {
        "value_to_the_right_cause": right / value,
        "value_first_cause_right": first / value,
        "value_with_a_single_cause": value / sum(worth for _, worth, _ in judged),
        "positions": len(judged),
        "by_true_cause": {
            true: {"value": round(sum(parts.values())), "right": round(parts[true] / sum(parts.values()), 3),
                   "said": {c: round(v / sum(parts.values()), 3) for c, v in sorted(parts.items(), key=lambda p: -p[1])[:4]}}
            for true, parts in sorted(said.items())
        },
    }  # fmt: skip


def main() -> None:
    """Run the worlds and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", choices=SCALES, default="quick")
    parser.add_argument("--seed", type=int)
    arguments = parser.parse_args()
    scale = SCALES[arguments.scale]
    began, seed = time.perf_counter(), scale["seed"] if arguments.seed is None else arguments.seed
    worlds = [judge_world(seed + n, scale["stores"], scale["skus"], scale["days"]) for n in range(scale["worlds"])]
    found = score([row for world in worlds for row in world])
    spread = [score(world)["value_to_the_right_cause"] for world in worlds]
    print(f"{'true cause':20} {'value':>9} {'right':>6}  said")
    for true, row in found["by_true_cause"].items():
        print(f"{true:20} {row['value']:9d} {row['right']:6.3f}  {row['said']}")
    print(f"value to the right cause {found['value_to_the_right_cause']:.3f} (goal {GOAL}), worlds {min(spread):.3f} to {max(spread):.3f}; "
          f"first cause right {found['value_first_cause_right']:.3f}; with a single cause {found['value_with_a_single_cause']:.3f}")  # fmt: skip
    print(json.dumps({"benchmark": "root_cause", "scale": arguments.scale, "seed": seed, "goal": GOAL,
                      "met": found["value_to_the_right_cause"] >= GOAL, "worlds": [round(s, 4) for s in spread],
                      "seconds": round(time.perf_counter() - began, 1), **found}))  # fmt: skip


if __name__ == "__main__":
    main()
