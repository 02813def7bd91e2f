"""Rules of thumb that shops plan by, as vectorised as they get: proportional, largest remainder, equal days of cover."""

from __future__ import annotations

import time

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa

from allocation_assets.allocation.problem import AllocationProblem
from allocation_assets.allocation.scorer import worth_of


def worth(p: AllocationProblem, units: np.ndarray) -> float:
    """Value and presentation bonus of shipping `units`."""
    value, _, bonus = worth_of(p, units)
    return float(np.sum(value + bonus))


def proportional(p: AllocationProblem, want: np.ndarray) -> np.ndarray:
    """pandas: every pair the same share of its want, rounded down to whole cases."""
    frame = pd.DataFrame({"row": p.pair_row, "want": want})
    total = frame.groupby("row")["want"].transform("sum")
    share = np.minimum(p.row_supply_units[p.pair_row] / np.maximum(total, 1), 1.0)
    pack = p.row_case_pack[p.pair_row]
    return (np.floor(frame["want"] * share / pack + 1e-9) * pack).to_numpy().astype(np.int64)


def largest_remainder(p: AllocationProblem, want: np.ndarray) -> np.ndarray:
    """DuckDB: the same share, the cases left over by largest remainder."""
    table = pa.table({
        "pair": np.arange(len(want)), "sku": p.pair_row, "want": want // p.row_case_pack[p.pair_row],
        "room": (p.row_supply_units // p.row_case_pack)[p.pair_row],
    })  # fmt: skip
    query = """
    WITH shares AS (
        SELECT pair, sku, want, room, want * least(room / greatest(sum(want) OVER by_sku, 1), 1.0) AS exact
        FROM given WINDOW by_sku AS (PARTITION BY sku)
    ), ranked AS (
        SELECT pair, floor(exact + 1e-9) AS whole, want, exact,
               least(room, sum(want) OVER (PARTITION BY sku)) - sum(floor(exact + 1e-9)) OVER (PARTITION BY sku) AS rest,
               row_number() OVER (PARTITION BY sku ORDER BY exact - floor(exact + 1e-9) DESC, pair) AS place
        FROM shares
    )
    SELECT pair, (whole + CASE WHEN place <= rest AND whole < want THEN 1 ELSE 0 END)::BIGINT AS cases FROM ranked ORDER BY pair
    """
    with duckdb.connect() as connection:
        connection.execute("SET threads = 1")
        connection.register("given", table)
        cases = connection.execute(query).fetchnumpy()["cases"]
    return np.asarray(cases) * p.row_case_pack[p.pair_row]


def equal_days(p: AllocationProblem, want: np.ndarray, days: np.ndarray) -> np.ndarray:
    """numpy: fill every pair of a row to the same days of cover; the level by bisection, whole cases rounded down."""
    pack, supply = p.row_case_pack[p.pair_row], p.row_supply_units
    daily = p.mean_units / days
    low, high = np.zeros(len(supply)), np.full(len(supply), 400.0)
    for _ in range(30):
        level = (low + high) / 2
        units = _filled(p, want, pack, daily * level[p.pair_row])
        fits = np.bincount(p.pair_row, units, len(supply)) <= supply
        low, high = np.where(fits, level, low), np.where(fits, high, level)
    return _filled(p, want, pack, daily * low[p.pair_row])


def _filled(p, want, pack, target) -> np.ndarray:
    return np.clip(np.floor((target - p.position_units) / pack) * pack, 0, want).astype(np.int64)


def compare(p: AllocationProblem, want: np.ndarray, optimum: float) -> list[dict]:
    """Seconds and percent of the one-shot optimum (supply only) of each rule."""
    rows = []
    days = np.full(len(want), 5.5)
    rules = {
        "proportional (pandas)": lambda: proportional(p, want),
        "fair share, largest remainder (SQL)": lambda: largest_remainder(p, want),
        "equal days of cover (numpy)": lambda: equal_days(p, want, days),
    }
    for name, rule in rules.items():
        start = time.perf_counter()
        units = rule()
        seconds = time.perf_counter() - start
        if (np.bincount(p.pair_row, units, len(p.row_dc)) > p.row_supply_units).any():
            raise SystemExit(f"{name}: ships more than there is")
        rows.append({"rule": name, "seconds": seconds, "percent_of_optimum": 100 * worth(p, units) / optimum})
    return rows
