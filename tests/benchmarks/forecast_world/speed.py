"""How fast the champion refits and moves on, beside the libraries' models on the same series, on one core."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from allocation_assets.demand.backtest import Level, backtest, measures
from allocation_assets.demand.baselines import baseline
from allocation_assets.demand.champion import ChampionSettings, Days, Keys, advance_state
from allocation_assets.demand.cold_start import Learned, learn, replay
from allocation_assets.demand.forecaster import Champion
from allocation_assets.demand.panel import DemandPanel

SHARD, STORES, DAYS, CLASSES = 100_000, 100, 180, 50
WEEK = np.array([0.85, 0.85, 0.9, 0.95, 1.1, 1.25, 1.1])
PEERS = ("ses", "tsb", "croston_sba", "auto_ets")


@dataclass(frozen=True)
class Shard:
    """SHARD series of 1,000 SKUs in 100 stores: demand of a low mean with weekday, drift and stock-outs."""

    keys: Keys
    days: Days


def make_shard(seed: int, skus: int = SHARD // STORES, days: int = DAYS) -> Shard:
    """Negative binomial demand (mean 0.05 to 3 a day, as in algorithms.md 4); a twentieth of the days part out of stock."""
    rng = np.random.default_rng(seed)
    n = skus * STORES
    level = np.exp(rng.normal(-1.2, 1.0, skus))[:, None] * rng.uniform(0.5, 2.0, STORES)
    drift = np.exp(np.cumsum(rng.normal(0, 0.01, (days, skus)), axis=0))
    mean = (level.ravel() * np.repeat(drift, STORES, axis=1) * WEEK[np.arange(days) % 7, None]).astype(np.float32)
    units = rng.poisson(rng.gamma(mean / 0.6, 0.6)).astype(np.float32)
    exposure = np.ones((days, n), np.float32)
    out = rng.random((days, n), np.float32) < 0.05
    exposure[out] = rng.choice(np.array([0.0, 0.25, 0.5, 0.75], np.float32), int(out.sum()))
    units[out] = np.floor(units[out] * exposure[out])
    sku = np.repeat(np.arange(skus), STORES)
    keys = Keys(np.arange(0, n + 1, STORES), sku, np.tile(np.arange(STORES), skus), (sku % CLASSES).astype(np.uint32),
                np.arange(skus) % CLASSES, np.arange(CLASSES))  # fmt: skip
    none = np.zeros((days, n), np.uint16), np.zeros(1, np.int64), np.full(1, np.nan)
    same = np.zeros(days, np.int64)
    return Shard(keys, Days(units, exposure, *none, np.zeros(n, np.int32), np.arange(days) % 7, same, same))


def measure_refit(series: int, learned: Learned, pool: list[Shard], threads: int) -> float:
    """Seconds to refit so many series, streamed shard by shard (the shards of the pool in turn)."""
    like, settings = np.full(SHARD // STORES, -1), ChampionSettings()
    start = time.perf_counter()
    for number in range(series // SHARD):
        shard = pool[number % len(pool)]
        replay(shard.keys, shard.days, like, learned, settings, threads=threads)
    return time.perf_counter() - start


def measure_day(series: int, learned: Learned, pool: list[Shard]) -> float:
    """Seconds to take one day's rows into the states of so many series."""
    settings = ChampionSettings()
    states, days = [], []
    for shard in pool:
        states.append(replay(shard.keys, shard.days, np.full(SHARD // STORES, -1), learned, settings))
        rows = {
            name: getattr(shard.days, name)[-1:].copy()
            for name in ("units", "exposure", "offer", "weekday", "week", "event")
        }
        days.append(
            Days(**rows, offer_class=shard.days.offer_class, planned=shard.days.planned, first_day=shard.days.first_day)
        )
    start = time.perf_counter()
    for number in range(series // SHARD):
        at = number % len(pool)
        advance_state(states[at], pool[at].keys, days[at], settings, threads=1)
    return time.perf_counter() - start


def learned_from(shard: Shard) -> tuple[Learned, float]:
    """What a cold start learns from a sample, and its seconds."""
    start = time.perf_counter()
    found = learn(
        shard.keys,
        shard.days,
        np.full(len(shard.keys.sku_class), -1),
        (STORES, 1, 1),
        np.ones((CLASSES, 53)),
        ChampionSettings(),
    )
    return found, time.perf_counter() - start


def as_panel(shard: Shard, rows: np.ndarray) -> DemandPanel:
    """Some series of a shard as a panel, for the peers."""
    keys, days = shard.keys, shard.days
    n, t = len(rows), days.units.shape[0]
    none = np.zeros((n, t), np.int64)
    return DemandPanel(
        np.datetime64("2026-01-05") + np.arange(t), days.event, days.units[:, rows].T.copy(), days.exposure[:, rows].T.copy(),
        np.zeros((n, t), bool), none, np.full((n, t), np.nan), np.zeros(n, np.int64), keys.sku[rows], keys.location[rows],
        keys.sku_class[keys.sku[rows]], np.zeros(n, np.int64), np.full(int(keys.sku[rows].max()) + 1, -1),
    )  # fmt: skip


def peer_rate(name: str, panel: DemandPanel, *, bare: bool) -> float:
    """Series a second of one library model over the panel's full history, on one core, compiled before.

    As its users run it (`StatsForecast.forecast` on a frame), or the `bare` model object called series by series, which skips
    the frame on both sides: the champion's kernel takes arrays too.
    """
    import pandas as pd
    from statsforecast import StatsForecast

    model = baseline(name).build()
    history = np.maximum(panel.units, 0.0).astype(np.float32)
    n, t = history.shape
    if bare:
        model.forecast(y=history[0], h=7)
        start = time.perf_counter()
        for row in history:
            model.forecast(y=row, h=7)
        return n / (time.perf_counter() - start)
    frame = pd.DataFrame({"unique_id": np.repeat(np.arange(n), t), "ds": np.tile(panel.dates, n), "y": history.ravel()})
    library = StatsForecast(models=[model], freq="D", n_jobs=1)
    library.forecast(df=frame.iloc[: 10 * t], h=7)
    start = time.perf_counter()
    library.forecast(df=frame, h=7)
    return n / (time.perf_counter() - start)


def pinball(panel: DemandPanel, names: tuple[str, ...]) -> dict[str, float]:
    """Scaled pinball loss of the champion and of peers on the same series and last four weeks."""
    level = [Level("pair", None, panel.sku)]
    ways = {"champion": Champion(), **{name: baseline(name) for name in names}}
    ways |= {f"{name} (restored)": baseline(name, "restored") for name in names if name != "auto_ets"}
    runs = {name: backtest(panel, way, level, windows=4, horizon=7) for name, way in ways.items()}
    return {name: measures(run["pair", False])["scaled_pinball_loss"] for name, run in runs.items()}
