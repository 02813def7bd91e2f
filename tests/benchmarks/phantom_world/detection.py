"""How well the count list finds wrong records, against counting at random and by ABC cycle."""

from __future__ import annotations

import numpy as np

from tests.benchmarks.phantom_world.metrics import brier_skill, caught, skill_over_classes, top
from tests.benchmarks.phantom_world.shelves import cycle_days
from tests.benchmarks.phantom_world.watcher import GAIN_DAYS, Watcher
from tests.benchmarks.phantom_world.world import World, begin, within_band

SHARES = (0.01, 0.05, 0.10)
WAYS = ("count_list", "probability", "abc_cycle", "random")


def watch(stores: int, skus: int, blind: int, dates: list[int], seed: int, span: str = "first") -> dict | None:
    """One world: measures at each evaluation date; None where no fault scale brings the prevalence into the band.

    The chain lives `blind` days before the detector first sees it; `dates` are counted from the first day.
    """
    days = max(dates) + GAIN_DAYS + 1
    found = within_band(stores, skus, days, dates, seed, span)
    if found is None:
        return None
    world, watcher, rows = begin(stores, skus, days, found.faults, seed), None, []
    while world.t <= max(dates):
        if world.t == blind:
            watcher = Watcher.start(world)
        visible, _ = world.live()
        if watcher is not None:
            watcher = watcher.see(world, visible)
        if world.t in dates:
            rows.append(judge(world, watcher))
        world.order()
    return {"seed": seed, "found": found, "dates": rows}


def judge(world: World, watcher: Watcher) -> dict:
    """All measures at the close of a date, and the arrays that are pooled over worlds."""
    wrong, saved = world.wrong(), margin_recovered(world)
    n = len(wrong)
    orders = ways_of_counting(world, watcher)
    out = {"prevalence": float(wrong.mean()), "caught": {}, "recovered": {}}
    for name, order in orders.items():
        out["caught"][name] = {share: caught(order, wrong, share) for share in SHARES}
        out["recovered"][name] = {share: float(saved[top(order, share, n)].sum() / (share * n)) for share in SHARES}
    probability = watcher.beliefs.probability_wrong
    out["skill"] = {c: brier_skill(probability[world.a.abc == c], wrong[world.a.abc == c]) for c in range(3)}
    out["skill_over_classes"] = skill_over_classes(probability, wrong, world.a.abc)
    return out | {"probability": probability, "wrong": wrong, "abc": world.a.abc}


def ways_of_counting(world: World, watcher: Watcher) -> dict[str, np.ndarray]:
    """Indices of all records in the order in which each way counts them.

    The cycle counts what is most overdue in its class's cycle, never counted first; ties at random.
    """
    n, since = len(world.a.rate), world.shelves.days_since_count
    rng = np.random.default_rng([world.seed, 3, world.t])
    due = np.where(since < 0, np.inf, since / cycle_days(world.a, world.faults))
    return {
        "count_list": watcher.count_list(world),
        "probability": np.argsort(-watcher.beliefs.probability_wrong, kind="stable"),
        "abc_cycle": np.lexsort([rng.random(n), -due]),
        "random": rng.permutation(n),
    }


def margin_recovered(world: World) -> np.ndarray:
    """Lost margin (n,) over the next `GAIN_DAYS` that a correct count tonight saves, from the simulator's truth.

    The chain lives on twice with the same customers and faults: as it is, with its cycle counts, and with every record set
    right tonight. Records hardly touch one another, so that the difference of a record is that of its own count.
    """
    as_is, mended = world.copy(), world.copy()
    mended.shelves.book = mended.shelves.true.copy()
    return (_lost_margin(as_is) - _lost_margin(mended)) * world.a.margin


def _lost_margin(world: World) -> np.ndarray:
    lost = np.zeros(len(world.a.rate))
    world.order()
    for _ in range(GAIN_DAYS):
        _, hidden = world.live()
        lost += hidden.lost_sales
        world.order()
    return lost
