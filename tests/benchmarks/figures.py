"""Figures that several benchmarks print: intervals over seeds, the peak memory of a process."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from scipy import stats


def t_interval(values: Sequence[float] | np.ndarray) -> tuple[float, float]:
    """Mean and half width of the 95 % interval (Student's t) of independent seeds (N,); infinite for one, NaN for none."""
    kept = np.asarray(values, float)
    if not len(kept):
        return np.nan, np.nan
    if len(kept) == 1:
        return float(kept[0]), np.inf
    half = stats.t.ppf(0.975, len(kept) - 1) * kept.std(ddof=1) / np.sqrt(len(kept))
    return float(kept.mean()), float(half)


def peak_gib() -> float:
    """Largest resident memory of this process so far (Linux).

    Not `ru_maxrss`: that begins with the memory of the process that forked this one.
    """
    [peak] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:")]
    return int(peak) / 2**20
