"""The backtest of a champion and its challengers, cut into levels and segments: one row each. Pure arrays.

Every method is scored on the same series and days as the champion beside it. Methods that are slow run on the series drawn first
and are compared with the champion on these alone, at the level of the pair. Levels add up the sampled series: of a SKU, of an
item class, of all. What the measures mean: `allocation_assets.demand.backtest`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from allocation_assets.demand.backtest import Level, backtest, differences, measures
from allocation_assets.demand.panel import DemandPanel, Forecaster

CHAMPION = "champion"
LEVELS = ("pair", "sku", "class", "total")
EVERY, IN_STOCK = "*", "in_stock_all_day"
#: Fewer periods than this before the first scored day say too little of a method.
LEAST_PERIODS = 28
#: Windows before the scored ones that tell what series of an aggregate share.
CALIBRATION = 3
#: Fewer blocks of series than this give no interval.
LEAST_BLOCKS = 5

Sums = Mapping[str, np.ndarray]


@dataclass(frozen=True)
class Contest:
    """Who is compared: the champion, its challengers by name, and those of them that are too slow for every series."""

    champion: Forecaster
    challengers: Mapping[str, Forecaster]
    slow: Mapping[str, Forecaster]


def contest(*, is_weekly: bool) -> Contest:
    """The champion and the baselines; by the week those without a season of seven days.

    Baselines are fed demand restored for what stock-outs hid: they are not beaten for not knowing of them.
    """
    from allocation_assets.demand.baselines import NAMES, baseline
    from allocation_assets.demand.forecaster import Champion

    made = {name: baseline(name, "restored") for name in NAMES}
    slow = {name: made.pop(name) for name in ("auto_ets",)}
    if is_weekly:
        return Contest(Champion(), {name: made[name] for name in ("ses", "croston_sba", "tsb")}, {})
    return Contest(Champion(), made, slow)


def windows_of(periods: int, wanted: int, horizon: int) -> tuple[int, int]:
    """(scored windows, windows before them for calibration) that a history of so many periods carries."""
    carried = max((periods - LEAST_PERIODS) // horizon, 0)
    scored = min(wanted, carried)
    return scored, min(CALIBRATION, carried - scored)


def evaluate(
    panel: DemandPanel, draw: np.ndarray, segments: Mapping[str, np.ndarray], contest: Contest, *,
    windows: int, horizon: int, slow_series: int, seed: int = 0,
) -> list[dict[str, Any]]:  # fmt: skip
    """One row per level, segment and method; none where the history is too short or nothing is scored.

    draw (n,): order in which the series were drawn; segments: labels (k,) of the SKUs by name of the segment; windows: last windows
    of `horizon` periods that are scored. A row holds level, segment, method, is_champion, windows, series, scored_days,
    scored_units, the measures, and the champion's WAPE and scaled pinball loss less the method's with a 95 % interval.
    """
    scored, calibration = windows_of(panel.days, windows, horizon)
    if not scored:
        return []
    levels, span = levels_of(panel), {"windows": scored, "horizon": horizon, "seed": seed}
    champion = backtest(panel, contest.champion, levels, calibration=calibration, **span)
    rows = []
    for name, forecaster in {CHAMPION: contest.champion, **contest.challengers}.items():
        is_champion = forecaster is contest.champion
        sums = champion if is_champion else backtest(panel, forecaster, levels, calibration=calibration, **span)
        for level in levels:
            for segment, key, chosen in _cuts(level, panel, segments):
                own = _take(sums[key], chosen)
                beside = None if is_champion else _take(champion[key], chosen)
                rows.append(_row(level.name, segment, name, own, beside, level.block[chosen], seed))
    if contest.slow and slow_series > 0:
        taken = np.sort(np.argsort(draw, kind="stable")[:slow_series])
        part, block = panel.take(taken), panel.sku[taken]
        beside = _take(champion["pair", False], taken)
        for name, forecaster in contest.slow.items():
            sums = backtest(part, forecaster, [Level("pair", None, block)], calibration=0, **span)
            rows.append(_row("pair", EVERY, name, sums["pair", False], beside, block, seed))
    return [{**row, "windows": scored} for row in rows if row["scored_days"]]


def levels_of(panel: DemandPanel) -> list[Level]:
    """The levels of the hierarchy; the bootstrap keeps a SKU's series together."""
    skus, classes = len(panel.like_sku), int(panel.item_class.max()) + 1
    return [
        Level("pair", None, panel.sku),
        Level("sku", panel.sku, np.arange(skus)),
        Level("class", panel.item_class, np.arange(classes)),
        Level("total", np.zeros(panel.series, np.int64), np.zeros(1, np.int64)),
    ]


def _cuts(
    level: Level, panel: DemandPanel, segments: Mapping[str, np.ndarray]
) -> Iterator[tuple[str, tuple[str, bool], np.ndarray]]:
    """(segment, which sums, rows of them) of a level: all, in stock all day (pairs), and each label (pairs and SKUs)."""
    every = np.arange(len(level.block))
    yield EVERY, (level.name, False), every
    if level.name == "pair":
        yield IN_STOCK, (level.name, True), every
    for name, labels in segments.items() if level.name in ("pair", "sku") else ():
        own = labels[panel.sku] if level.name == "pair" else labels
        for label in sorted(set(own.tolist()) - {""}):
            yield f"{name}:{label}", (level.name, False), np.flatnonzero(own == label)


def _take(sums: Sums, rows: np.ndarray) -> dict[str, np.ndarray]:
    return {name: values[rows] for name, values in sums.items()}


def _row(
    level: str, segment: str, method: str, sums: Sums, champion: Sums | None, block: np.ndarray, seed: int
) -> dict[str, Any]:
    """One row; `champion` are its sums over the same series, None in its own row."""
    row = {
        "level": level, "segment": segment, "method": method, "is_champion": champion is None,
        "series": int((sums["days"] > 0).sum()), "scored_days": int(sums["days"].sum()),
        "scored_units": float(sums["units"].sum()), **measures(sums),
    }  # fmt: skip
    blocks, block = np.unique(block, return_inverse=True)
    compared = {} if champion is None else differences(champion, sums, block.reshape(-1), seed=seed)
    for short, name in (("wape", "wape"), ("pinball", "scaled_pinball_loss")):
        difference, low, high = compared.get(name, (None, None, None)) if row[name] is not None else (None, None, None)
        has_interval = difference is not None and len(blocks) >= LEAST_BLOCKS
        row[f"{short}_difference"] = difference
        row[f"{short}_difference_low"] = low if has_interval else None
        row[f"{short}_difference_high"] = high if has_interval else None
    return row
