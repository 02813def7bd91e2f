"""What a unit that stays at the DC is worth: the price that DC stock is expected to fetch before the next inbound.

Without it a plan ships whatever pays today, and stock that another location will need before the next inbound is gone.
The price solves the problem of "shipping until your ship comes in" by Lagrangian relaxation (Miao, Jasin and Chao, Operations
Research 70(1), 2022): if each unit taken from the DC cost l, every location would decide by itself, and the right l is
the one at which all together ask for what there is. At price l, location j with shipments every g_j days, the last of them t_j
days after its next one and before the inbound, needs

    n_j(l) = [ y_j(l) + t_j d_j F_j(l) - a_j ]+

y_j(l) = units u that pay at its last shipment, (e + h) P(D > u) > h + c + l, D the demand over its horizon: a unit left over
then has cost l for nothing. d_j is its daily demand, F_j(l) the share of it that is served before, E min(D, u) / E D with the
units u that pay where a unit left over saves a later one, (e - l + h) P(D > u) > h + c. a_j is its position, or the demand until
the next arrival where that is more (what an empty shelf loses in the meantime, nobody needs). As stock and needs are only expected, so is the price:
with the needs' sum N normal around its mean (the locations' own demand, and one uncertain level of the SKU that all share), the
price of a kept unit today is the expectation of the price tomorrow (a martingale: whoever keeps it may sell it then),

    l = E[ l*(N) ],  l*(N) = the l at which N(l) = stock, 0 where stock is enough.

What lies beyond the next inbound is taken to be worth nothing: the price is low rather than high where the next cycle is
short as well. Every row stands alone, so shards and threads do not change a price.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from allocation_assets.allocation.prepare import run_all

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(7)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_ROWS_PER_RANGE = 2_000


@dataclass(frozen=True)
class Outlook:
    """What the price stands on. Pairs (n, sorted by row), rows (m).

    Pairs: `daily_mean` units a day, `dispersion` variance-to-mean over `horizon_days`, `wait_days` from the run date to the
    next shipment less 1, `gap_days` between shipments, `arrive_days` from the run date to the next arrival, `position_units`,
    money per unit `gain_per_unit`, `holding_per_unit` (over the gap), `ship_cost_per_unit`. A pair that gets nothing has a
    `daily_mean` of 0.
    Rows: `row_ptr` (m + 1) first pair of each; `stock_units`; `inbound_days` from the run date to the next inbound;
    `level_variance` relative variance of the SKU's level that all its locations share.
    """

    row_ptr: np.ndarray
    daily_mean: np.ndarray
    dispersion: np.ndarray
    horizon_days: np.ndarray
    wait_days: np.ndarray
    gap_days: np.ndarray
    arrive_days: np.ndarray
    position_units: np.ndarray
    gain_per_unit: np.ndarray
    holding_per_unit: np.ndarray
    ship_cost_per_unit: np.ndarray
    stock_units: np.ndarray
    inbound_days: np.ndarray
    level_variance: np.ndarray

    @property
    def shipments_before_inbound(self) -> np.ndarray:
        """Shipments (n,) of each pair after its next one and before its row's inbound; below 0: not even the next."""
        inbound = np.repeat(self.inbound_days, np.diff(self.row_ptr))
        return np.floor((inbound - 1.0 - self.wait_days) / self.gap_days + 1e-9)


def keep_prices(outlook: Outlook, threads: int = 2) -> np.ndarray:
    """Money (m,) that a unit kept at the DC is expected to earn before the next inbound; 0 where stock is ample."""
    from allocation_assets.allocation._keep_kernels import price_rows
    from allocation_assets.negbin import support_starts

    o = outlook
    price = np.zeros(len(o.stock_units))
    pairs = (
        o.daily_mean, o.dispersion, o.horizon_days, o.shipments_before_inbound, o.gap_days, o.arrive_days, o.position_units,
        o.gain_per_unit, o.holding_per_unit, o.ship_cost_per_unit,
    )  # fmt: skip
    arrays = [np.ascontiguousarray(values, np.float64) for values in (*pairs, o.stock_units, o.level_variance)]
    row_ptr = np.ascontiguousarray(o.row_ptr, np.int64)
    first, p_first = np.zeros(len(o.daily_mean), np.int64), np.ones(len(o.daily_mean))
    support_starts(arrays[0] * arrays[2], arrays[1], first, p_first)
    edges = range(0, len(price), _ROWS_PER_RANGE)
    run_all(threads, [
        (price_rows, (row_ptr, first, p_first, *arrays, _NODES, _WEIGHTS, lo, min(lo + _ROWS_PER_RANGE, len(price)), price)) for lo in edges
    ])  # fmt: skip
    return price
