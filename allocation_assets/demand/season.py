"""The yearly profile of item classes, where two years of history or more can tell it from a trend.

Weekly units a series and day of each class follow exp(a + b week + three harmonics of the year), fitted by weighted least squares on
logarithms (the weight of a week is its units: the variance of the logarithm of a count is about one over it). Harmonics of
a class are shrunk to those of all classes together, these to none (ridge). The index has mean 1 over the year.

Known drawbacks: what opens or closes within the year looks like season; three harmonics do not catch a peak of one week, which
is an event (`calendar.events`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Weeks of a year that an index tells apart, and fewest weeks of history that it asks for.
WEEKS, LEAST_WEEKS = 53, 104
_HARMONICS = 3
#: Ridge on the harmonics in units of information: 200 units sold weigh as much as the prior.
_PRIOR_UNITS = 200.0


def week_of_year(dates: np.ndarray) -> np.ndarray:
    """Week 0 to 52 of datetime64[D] dates: days since the first of January by sevens."""
    days = dates.astype("datetime64[D]")
    return ((days - days.astype("datetime64[Y]").astype("datetime64[D]")).astype(np.int64)) // 7


def week_number(dates: np.ndarray) -> np.ndarray:
    """Consecutive number of the week (Monday to Sunday) of datetime64[D] dates."""
    return (dates.astype("datetime64[D]").astype(np.int64) + 3) // 7


@dataclass(frozen=True)
class WeeklySums:
    """Units and series-days (c, w) of each class in consecutive weeks from week number `first`."""

    first: int
    units: np.ndarray
    days: np.ndarray

    @staticmethod
    def nothing(classes: int) -> WeeklySums:
        """No history."""
        return WeeklySums(0, np.zeros((classes, 0)), np.zeros((classes, 0)))

    def plus(self, week: np.ndarray, units: np.ndarray, days: np.ndarray, most_weeks: int) -> WeeklySums:
        """With units and series-days (c, k) of further weeks (k,), ascending; only the newest `most_weeks` are kept."""
        if not len(week):
            return self
        first = int(week[0]) if not self.units.shape[1] else min(self.first, int(week[0]))
        last = max(int(week[-1]), self.first + self.units.shape[1] - 1)
        first = max(first, last + 1 - most_weeks)
        out = np.zeros((2, self.units.shape[0], last + 1 - first))
        old = np.arange(self.units.shape[1]) + self.first - first
        for at, values in ((old, (self.units, self.days)), (week - first, (units, days))):
            kept = at >= 0
            for target, part in zip(out, values, strict=True):
                np.add.at(target, (slice(None), at[kept]), part[:, kept])
        return WeeklySums(first, out[0], out[1])


def season_index(sums: WeeklySums) -> np.ndarray:
    """Multiplier by class and week of the year (c, WEEKS), mean 1; all 1 below `LEAST_WEEKS` of history."""
    classes, weeks = sums.units.shape
    # The newest week may not be over.
    whole = weeks - 1
    if whole < LEAST_WEEKS:
        return np.ones((classes, WEEKS))
    number = np.arange(whole)
    middle = (sums.first + number) * 7.0
    design = np.column_stack([np.ones(whole), number / 52.0, _harmonics(middle)])
    units, days = sums.units[:, :whole], sums.days[:, :whole]
    overall = _fit(design, units.sum(axis=0), days.sum(axis=0), np.zeros(2 * _HARMONICS))
    found = (
        np.stack([_fit(design, units[c], days[c], overall) for c in range(classes)]) if classes else np.zeros((0, 6))
    )
    year = np.exp(_harmonics(np.arange(WEEKS) * 7.0 + 3.0) @ found.T).T
    return year / year.mean(axis=1, keepdims=True)


def _harmonics(day: np.ndarray) -> np.ndarray:
    """Cosines and sines (k, 6) of the year for days since 1970-01-01 (its first of January, too)."""
    angle = 2.0 * np.pi * np.asarray(day, np.float64)[:, None] * np.arange(1, _HARMONICS + 1) / 365.2425
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def _fit(design: np.ndarray, units: np.ndarray, days: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Harmonics (6,) of one class, shrunk to `prior`."""
    seen = (units > 0) & (days > 0)
    if seen.sum() < LEAST_WEEKS // 2:
        return prior
    x, weight = design[seen], units[seen]
    y = np.log(units[seen] / days[seen]) - x[:, 2:] @ prior
    ridge = np.diag([1e-6, 1e-6, *[_PRIOR_UNITS] * (2 * _HARMONICS)])
    solved = np.linalg.solve(x.T @ (x * weight[:, None]) + ridge, x.T @ (weight * y))
    return prior + solved[2:]
