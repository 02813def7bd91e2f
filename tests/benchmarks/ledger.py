"""Benchmark of the ledger: does one more day cost the day, however long the history?

    python -m tests.benchmarks.ledger [--scale quick|full] [--seed 1]

Builds two warehouses through dbt's first step, one with a short history and one with a long one (full: 10 million
movements), then adds days of one size to both, and days of twice and four times that size to the long one. Times are
the sum of the models' own seconds (dbt's run results): starting and parsing dbt is printed apart. Prints a table and,
as the last line, the same as JSON.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb

from data_quality.intake.sql import literal
from tests.support.lake import DbtSession, Lake

FIRST = date(2026, 1, 5)
SIZES = {
    "quick": {"stores": 40, "skus": 50, "per_day": 8_000, "short": 3, "long": 25},
    "full": {"stores": 200, "skus": 100, "per_day": 100_000, "short": 5, "long": 100},
}
_SALES = """
COPY (
    SELECT 'T' || d.day || '-' || i.i AS transaction_id, 1::BIGINT AS line_no,
           'S' || (hash(i.i, d.day, $seed) % $stores)::INTEGER AS location_id,
           'P' || (hash(i.i, d.day, $seed + 1) % $skus)::INTEGER AS sku_id,
           (1 + hash(i.i, d.day, $seed + 2) % 3)::BIGINT AS units, 10::DECIMAL(18, 6) AS net_amount,
           NULL::DECIMAL(18, 6) AS unit_list_price, d.day + INTERVAL 12 HOUR AS sold_at, 'store' AS channel,
           NULL::VARCHAR AS promo_id, NULL::VARCHAR AS customer_id,
           d.day::DATE AS business_date, 'pos.csv' AS source_file, (i.i + 2)::BIGINT AS source_line
    FROM (SELECT unnest($days::DATE[]) AS day) AS d CROSS JOIN (SELECT unnest(range($per_day)) AS i) AS i
    ORDER BY d.day, i.i
) TO {target} (FORMAT parquet, COMPRESSION zstd)
"""


class Chain:
    """A retailer of `stores` x `skus` whose sales land day by day in a lake of its own."""

    def __init__(self, root: Path, size: dict[str, int], seed: int) -> None:
        self.lake, self.warehouse, self.size, self.seed = Lake(root / "lake"), root / "warehouse.duckdb", size, seed
        stores = [f"S{n}" for n in range(size["stores"])]
        skus = [f"P{n}" for n in range(size["skus"])]
        day = {"business_date": FIRST}
        dc = {"location_id": "DC", "location_type": "dc"}
        rows = [
            {**day, "location_id": s, "location_type": "store", "channel": "store", "supplied_by": "DC"} for s in stores
        ]
        self.lake.load("locations", FIRST, [{**day, **dc}, *rows])
        item = {"department": "D", "unit_cost": 4, "unit_price": 8, "case_pack": 6}
        self.lake.load("items", FIRST, [{**day, "sku_id": sku, **item} for sku in skus])
        opened = [{**day, "location_id": s, "sku_id": sku, "on_hand": 5_000} for s in stores for sku in skus]
        self.lake.load("inventory_snapshot", FIRST, opened)

    def land(self, days: list[date], per_day: int) -> None:
        """Land the sales of some dates as one load, taken in on the last of them."""
        self.lake._loads += 1
        posted_on, load = days[-1], self.lake._loads
        accounts = [self.lake._account("pos", day, posted_on, per_day, []) for day in days]
        self.lake._write_load("pos", posted_on, load, [], accounts)
        target = self.lake.root / "loads" / "pos" / f"posted_on={posted_on}" / f"load={load:06d}" / "raw.parquet"
        with duckdb.connect() as connection:
            values = {name: self.size[name] for name in ("stores", "skus")} | {"per_day": per_day, "days": days}
            connection.execute(_SALES.format(target=literal(target)), values | {"seed": self.seed})

    def build(self, dbt: DbtSession, first: date, last: date, applied: int) -> dict[str, Any]:
        """dbt's first step over a range, as the pipeline calls it; seconds of the models and of the whole call."""
        start = time.perf_counter()
        dbt.run(
            "build", "--exclude-resource-type", "unit_test", "--select", "tag:inventory",
            run_date=last, state_from=first, state_to=last, variables={"applied_load": applied},
        )  # fmt: skip
        wall = time.perf_counter() - start
        results = json.loads((self.warehouse.parent / f"target-{self.warehouse.stem}" / "run_results.json").read_text())
        seconds = {r["unique_id"].split(".")[-1]: r["execution_time"] for r in results["results"]}
        slowest = sorted(seconds.items(), key=lambda each: -each[1])[:5]
        return {
            "seconds": round(sum(seconds.values()), 3), "wall": round(wall, 2),
            "slowest": {name: round(value, 3) for name, value in slowest},
        }  # fmt: skip


def run_chain(root: Path, size: dict[str, int], history: int, multiples: list[int], seed: int) -> dict[str, Any]:
    """Build `history` dates in bulk, then add one day per multiple; returns their times and the state of the books."""
    root.mkdir()
    chain = Chain(root, size, seed)
    days = [FIRST + timedelta(days=n) for n in range(1, history + 1)]
    chain.land(days, size["per_day"])
    added = []
    with DbtSession(chain.lake, chain.warehouse) as dbt:
        bulk = chain.build(dbt, FIRST, days[-1], -1)
        for number, multiple in enumerate(multiples, start=1):
            day, applied = days[-1] + timedelta(days=number), chain.lake._loads
            chain.land([day], size["per_day"] * multiple)
            added.append({"day_multiple": multiple, **chain.build(dbt, day, day, applied)})
    return {"history_dates": history, "bulk": bulk, "days": added, "books": books(chain.warehouse)}


def books(warehouse: Path) -> dict[str, int]:
    """Movements in the ledger, and positions of the last date that differ from the ledger's sums (must be 0)."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        movements = connection.execute("SELECT count(*) FROM stock_ledger").fetchone()[0]
        wrong = connection.execute(
            """SELECT count(*) FROM (
                   SELECT location_id, sku_id, on_hand FROM inventory_positions
                   WHERE business_date = (SELECT max(business_date) FROM inventory_positions)
               ) AS p FULL JOIN (
                   SELECT location_id, sku_id, sum(units) AS units FROM stock_ledger WHERE bucket = 'on_hand' GROUP BY ALL
               ) AS l USING (location_id, sku_id) WHERE p.on_hand IS DISTINCT FROM l.units"""
        ).fetchone()[0]
    return {"movements": movements, "positions_not_their_ledger": wrong}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--scale", choices=SIZES, default="quick")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    size = SIZES[arguments.scale]
    with tempfile.TemporaryDirectory() as folder:
        short = run_chain(Path(folder) / "short", size, size["short"], [1, 1], arguments.seed)
        long = run_chain(Path(folder) / "long", size, size["long"], [1, 1, 2, 4, 1], arguments.seed)
    by_multiple = {}
    for name, chain in (("short", short), ("long", long)):
        for each in chain["days"]:
            by_multiple.setdefault((name, each["day_multiple"]), []).append(each["seconds"])
            slow = ", ".join(f"{model} {seconds}" for model, seconds in each["slowest"].items())
            print(
                f"{name:5} history {chain['history_dates']:4} dates  day x{each['day_multiple']}"
                f"  models {each['seconds']:7.2f} s  call {each['wall']:6.1f} s  slowest: {slow}"
            )
    best = {key: min(values) for key, values in by_multiple.items()}
    figures = {
        "benchmark": "ledger", "scale": arguments.scale, "seed": arguments.seed, "movements_per_day": size["per_day"],
        "short": short, "long": long,
        "long_over_short": round(best["long", 1] / best["short", 1], 3),
        "double_day_over_day": round(best["long", 2] / best["long", 1], 3),
        "fourfold_day_over_day": round(best["long", 4] / best["long", 1], 3),
    }  # fmt: skip
    history = f"{long['books']['movements']:,} movements against {short['books']['movements']:,}"
    print(f"a day after {history}: {figures['long_over_short']} times the time of the short history")
    print(
        f"twice the day: {figures['double_day_over_day']}, four times: {figures['fourfold_day_over_day']} times the time"
    )
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
