"""What a run's tables say about the stock that stays at a DC: the input of its price (`keep`). Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa

from allocation_assets.allocation.keep import Outlook, keep_prices
from allocation_assets.allocation.problem import MARGINAL_VALUE
from allocation_assets.demand.distribution import shared_variance
from allocation_assets.schedule import ScheduledPairs
from allocation_assets.tables import floats, truths


@dataclass(frozen=True)
class KeptStock:
    """`price` (m,) money that a unit kept is expected to earn; `is_last_shipment` (n,) of a pair before the next inbound."""

    price: np.ndarray
    is_last_shipment: np.ndarray


def kept_stock(
    pairs: ScheduledPairs,
    forecasts: pa.Table,
    rows: dict[str, np.ndarray],
    worth: dict[str, np.ndarray],
    position_units: np.ndarray,
    run_date: date,
) -> KeptStock:
    """What stock kept at the DC is worth: 0 where policy decides instead of value: a set hold-back rate, a rule of fair share; and
    where less than a case is there to be kept.

    `rows` of `frames.supply_rows`, `worth` what units earn and cost at the pairs (n). Pairs that nothing reaches
    (blocked, closed, no day to ship) need nothing; where no inbound is known or predicted, stock is to last for
    `allocation.keep_days`.
    """
    order = np.argsort(rows["pair_row"], kind="stable")
    inbound, stock = rows["row_inbound_days"], rows["row_free"]
    outlook = Outlook(
        row_ptr=np.searchsorted(rows["pair_row"][order], np.arange(len(inbound) + 1)),
        **{name: values[order] for name, values in _of_pairs(pairs, worth, position_units, run_date).items()},
        stock_units=stock,
        inbound_days=np.where(np.isnan(inbound), rows["row_keep_days"], np.maximum(inbound, 1.0)),
        level_variance=_shared_level_variance(pairs, forecasts, rows["pair_row"], len(inbound)),
    )
    is_priced = rows["row_is_by_value"] & (rows["row_rule"] == MARGINAL_VALUE) & (stock >= rows["row_case_pack"])
    last = np.zeros(len(order), np.bool_)
    last[order] = outlook.shipments_before_inbound <= 0
    return KeptStock(np.where(is_priced, keep_prices(outlook), 0.0), last)


def _of_pairs(
    pairs: ScheduledPairs, worth: dict[str, np.ndarray], position_units: np.ndarray, run_date: date
) -> dict[str, np.ndarray]:
    """The outlook's arrays over pairs, in the pairs' order."""
    schedule, today = pairs.schedule, np.datetime64(run_date, "D")
    is_served = (schedule.horizon_days > 0) & ~truths(pairs.table, "is_blocked")

    def days(dates: np.ndarray, origin) -> np.ndarray:
        return np.where(is_served, (dates - origin).astype("timedelta64[D]").astype(np.float64), 1.0)

    return {
        "daily_mean": np.where(is_served, worth["daily_mean_units"], 0.0),
        "dispersion": worth["dispersion"],
        "horizon_days": schedule.horizon_days,
        "wait_days": days(schedule.ship_date, today) - 1.0,
        "gap_days": np.maximum(days(schedule.next_arrival_date, schedule.arrival_date), 1.0),
        "arrive_days": days(schedule.arrival_date, today),
        "position_units": np.maximum(position_units, 0),
        "gain_per_unit": worth["gain_per_unit"],
        "holding_per_unit": worth["holding_per_unit"],
        "ship_cost_per_unit": worth["ship_cost_per_unit"],
    }


def _shared_level_variance(pairs: ScheduledPairs, forecasts: pa.Table, pair_row: np.ndarray, rows: int) -> np.ndarray:
    """Relative variance (rows,) of the level that a SKU's locations share: the least that any of them shows.

    What a location's own ratio adds to it is not shared.
    """
    total = floats(forecasts, "daily_mean") * pairs.schedule.horizon_days
    day_mean, day = floats(forecasts, "next_day_mean"), floats(forecasts, "next_day_dispersion", 1.0)
    variance = shared_variance(total, floats(forecasts, "dispersion", 1.0), day_mean, day)
    least, tells = np.full(rows, np.inf), ~np.isnan(variance)
    np.minimum.at(least, pair_row[tells], variance[tells])
    return np.where(np.isfinite(least), least, 0.0)
