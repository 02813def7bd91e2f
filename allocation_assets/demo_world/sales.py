"""POS lines and customer returns as flat arrays.

Store lines are the real sales, one line per store x SKU x hour with a sale: it adds up that hour's customers, so the
basket it is put in is plausible, not observed. E-com lines spread simulated sales over the city's hours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.demo_world.network import Network
from allocation_assets.demo_world.source import HOURS, Source

BASKET_START_RATE = 0.4
RETURN_RATE_STORE, RETURN_RATE_ECOM = 0.035, 0.05
DISPOSITIONS = ("restock", "damaged", "destroy", "vendor", "liquidate")
DISPOSITION_SHARES = (0.50, 0.22, 0.15, 0.08, 0.05)
RETURN_REASONS = ("not_as_expected", "defective", "wrong_item", "expired", "other")
RETURN_HOURS = (10, 21)
ECOM_HOURS = (7, 24)


@dataclass(frozen=True)
class Lines:
    """POS lines sorted by date, location, transaction, line; all arrays (n,). ``second`` is of the day."""

    day: np.ndarray
    pair: np.ndarray
    hour: np.ndarray
    units: np.ndarray
    basket: np.ndarray
    line_no: np.ndarray
    second: np.ndarray


@dataclass(frozen=True)
class Returns:
    """Customer returns sorted by date and pair, at most one line per date x pair; ``line`` indexes the POS line."""

    day: np.ndarray
    pair: np.ndarray
    units: np.ndarray
    hour: np.ndarray
    disposition: np.ndarray
    reason: np.ndarray
    sold_day: np.ndarray
    line: np.ndarray

    def restocked(self, shape: tuple[int, int]) -> dict[str, np.ndarray]:
        """Units that go back on the shelf and their hour, both (N, P)."""
        units, hour = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        good = self.disposition == DISPOSITIONS.index("restock")
        units[self.day[good], self.pair[good]] = self.units[good]
        hour[self.day[good], self.pair[good]] = self.hour[good]
        return {"units": units, "hour": hour}

    def unsellable(self, shape: tuple[int, int]) -> np.ndarray:
        """Units that go to the damaged bucket (N, P), semantics 14."""
        units = np.zeros(shape, np.int64)
        bad = self.disposition != DISPOSITIONS.index("restock")
        units[self.day[bad], self.pair[bad]] = self.units[bad]
        return units


def run_starts(*keys: np.ndarray) -> np.ndarray:
    """True where a row differs from the one before in any of the sorted keys (first row included)."""
    starts = np.zeros(len(keys[0]), bool)
    starts[:1] = True
    for key in keys:
        starts[1:] |= key[1:] != key[:-1]
    return starts


def number_in_run(starts: np.ndarray) -> np.ndarray:
    """0, 1, 2, … within each run."""
    index = np.arange(len(starts))
    return index - np.maximum.accumulate(np.where(starts, index, 0))


def pos_lines(units: np.ndarray, location: np.ndarray, pairs: np.ndarray, rng: np.random.Generator) -> Lines:
    """Lines and baskets of hourly ``units`` (T, n, 24), whose n series are ``pairs`` at ``location`` (both (n,)).

    Baskets are cut at random within a location's hour (mean 2.5 lines); their times are sorted within the hour.
    """
    day, column, hour = np.nonzero(units)
    order = np.lexsort((rng.random(len(day)), hour, location[column], day))
    day, column, hour = day[order], column[order], hour[order]
    new_hour = run_starts(day, location[column], hour)
    new_basket = new_hour | (rng.random(len(day)) < BASKET_START_RATE)
    basket_row = np.flatnonzero(new_basket)
    of_line = np.cumsum(new_basket) - 1
    hour_of_basket = np.cumsum(new_hour)[basket_row]
    second = rng.integers(1, 3600, len(basket_row))  # counts are taken on the full hour
    second = second[np.lexsort((second, hour_of_basket))]
    new_day = run_starts(day, location[column])
    first_of_day = np.maximum.accumulate(np.where(new_day, of_line, 0))
    return Lines(
        day=day,
        pair=pairs[column],
        hour=hour,
        units=units[day, column, hour].astype(np.int64),
        basket=of_line - first_of_day + 1,
        line_no=number_in_run(new_basket) + 1,
        second=hour * 3600 + second[of_line],
    )


def ecom_hours(sold: np.ndarray, source: Source, rng: np.random.Generator) -> np.ndarray:
    """Spread e-com sales (T, E) over the hours by the city's pattern: (T, E, 24)."""
    pattern = source.hourly_units.sum(axis=(0, 1)).astype(np.float64)
    pattern[: ECOM_HOURS[0]] = 0
    units = np.zeros((*sold.shape, HOURS), np.int64)
    units[:] = rng.multinomial(sold, pattern / pattern.sum())
    return units


def draw_returns(lines: Lines, net: Network, rng: np.random.Generator) -> Returns:
    """Returns of store lines one to four dates later, and of simulated e-com sales two dates later."""
    at = np.flatnonzero(rng.random(len(lines.day)) < RETURN_RATE_STORE)
    day = lines.day[at] + rng.integers(1, 5, len(at))
    units = np.minimum(lines.units[at], rng.choice([1, 1, 1, 2], len(at)))
    ecom = np.arange(net.store_pairs, net.pairs)
    chance = rng.random((net.days, len(ecom))) < RETURN_RATE_ECOM
    chance &= net.demand[: net.days, ecom] > 0
    sold_day, column = np.nonzero(chance)
    back_day = sold_day + 2
    all_day, all_pair = np.concatenate([day, back_day]), np.concatenate([lines.pair[at], ecom[column]])
    line = np.concatenate([at, np.full(len(column), -1)])
    all_units = np.concatenate([units, np.ones(len(column), np.int64)])
    sold = np.concatenate([lines.day[at], sold_day])
    order = np.lexsort((line, all_pair, all_day))
    order = order[all_day[order] < net.days]
    order = order[run_starts(all_day[order], all_pair[order])]
    count = len(order)
    return Returns(
        day=all_day[order],
        pair=all_pair[order],
        units=all_units[order],
        hour=rng.integers(*RETURN_HOURS, count),
        disposition=rng.choice(len(DISPOSITIONS), count, p=DISPOSITION_SHARES),
        reason=rng.integers(0, len(RETURN_REASONS), count),
        sold_day=sold[order],
        line=line[order],
    )
