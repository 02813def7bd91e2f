"""Which locations have chronic record errors, and what policy does about them. Pure arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Fewer receipt lines or counted records than this never make a location chronic.
LEAST_LINES = 20
#: Weight of the network's rate in a location's own, in lines or records (beta-binomial shrinkage).
PRIOR_LINES = 20.0


@dataclass(frozen=True)
class ReliabilitySettings:
    """Rates above which errors are chronic, and what a location then gets: `none`, `buffer` (with its rate) or `hold`."""

    receiving_rate: float
    shrink_rate: float
    action: str
    buffer_rate: float


@dataclass(frozen=True)
class Reliability:
    """Per location (m): shrunk rates, chronic flags, action, buffer rate and the cause that decided (`receiving`, `shrink`)."""

    receiving_error_rate: np.ndarray
    wrong_record_rate: np.ndarray
    shrink_rate: np.ndarray
    is_chronic_receiving: np.ndarray
    is_chronic_shrink: np.ndarray
    action: np.ndarray
    buffer_rate: np.ndarray
    cause: np.ndarray


def location_reliability(
    receipt_lines,
    receiving_error_lines,
    counted_records,
    wrong_records,
    loss_value,
    sales_value,
    settings: ReliabilitySettings,
) -> Reliability:
    """Judge the locations by their window's sums (m,): lines, records, money lost by counts, sales at cost.

    A rate of few lines is drawn towards the network's: (errors + PRIOR x network rate) / (lines + PRIOR). Shrink is lost
    money over sales at cost; chronic only with LEAST_LINES counted records.
    """
    receiving = _shrunk(receiving_error_lines, receipt_lines)
    wrong = _shrunk(wrong_records, counted_records)
    shrink = np.divide(loss_value, sales_value, out=np.zeros(len(wrong)), where=np.asarray(sales_value) > 0)
    by_receiving = (receiving > settings.receiving_rate) & (np.asarray(receipt_lines) >= LEAST_LINES)
    by_shrink = (shrink > settings.shrink_rate) & (np.asarray(counted_records) >= LEAST_LINES)
    chronic = by_receiving | by_shrink
    return Reliability(
        receiving, wrong, shrink, by_receiving, by_shrink,
        np.where(chronic, settings.action, "none").astype(object),
        np.where(chronic & (settings.action == "buffer"), settings.buffer_rate, 0.0),
        np.select([by_receiving & by_shrink, by_receiving, by_shrink], ["receiving and shrink", "receiving", "shrink"], "none").astype(object),
    )  # fmt: skip


def _shrunk(errors, lines) -> np.ndarray:
    errors, lines = np.asarray(errors, np.float64), np.asarray(lines, np.float64)
    network = errors.sum() / lines.sum() if lines.sum() > 0 else 0.0
    return (errors + PRIOR_LINES * network) / (lines + PRIOR_LINES)
