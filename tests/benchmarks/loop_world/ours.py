"""The product's plan in the loop: one setting, nothing tuned."""

from __future__ import annotations

import numpy as np

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.keep import Outlook, keep_prices
from allocation_assets.allocation.problem import AllocationSettings, allocation_problem
from tests.benchmarks.loop_world.chain import DC_HOLDING, HANDLING, LINE_COST, MARGIN, STORE_HOLDING
from tests.benchmarks.loop_world.simulate import View

_SETTINGS = AllocationSettings(threads=1, price_rounds=8, polish_pairs=0)


def kept(view: View, money: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Price (m) of a unit that stays at the DC, 0 where less than a case is there to be kept; and who ships last before the inbound (n)."""
    rows = len(view.dc)
    outlook = Outlook(
        row_ptr=np.searchsorted(view.world.sku, np.arange(rows + 1)), daily_mean=view.mean,
        dispersion=np.maximum(view.level_spread, 1.0), horizon_days=view.horizon, wait_days=view.wait, gap_days=view.gap,
        arrive_days=view.wait + view.lead, position_units=view.position, stock_units=view.dc,
        inbound_days=np.maximum(view.inbound_days, 1), level_variance=np.full(rows, view.level_variance), **money,
    )  # fmt: skip
    price = np.where(view.dc >= view.world.pack, keep_prices(outlook, threads=1), 0.0)
    return {"row_keep_price": price, "is_last_shipment": outlook.shipments_before_inbound <= 0}


class Plan:
    """A day's plan of the engine over all pairs; `keeps`: stock kept at the DC has its price (else the myopic plan).

    Pairs whose next shipping day is a later one compete as previews (for stock and, of their own day, for dispatch); their
    units are dropped. Handling is charged on units sold: a unit left over saves the handling of a later shipment.
    `gaps` collects the optimality gap of each plan.
    """

    def __init__(self, keeps: bool = True):
        self.keeps, self.gaps = keeps, []

    def __call__(self, view: View) -> np.ndarray:
        w = view.world
        price = w.price[w.sku]
        limits = {}
        if w.dispatch_cap >= 0:
            limits = {
                "dispatch_bucket": view.wait, "dispatch_capacity_units": np.full(7, w.dispatch_cap),
                "receiving_bucket": w.store, "receiving_capacity_units": w.receiving_cap,
            }  # fmt: skip
        money = {
            "gain_per_unit": (MARGIN - HANDLING) * price, "ship_cost_per_unit": np.zeros(len(price)),
            "holding_per_unit": (STORE_HOLDING - DC_HOLDING) * price * view.gap,
        }  # fmt: skip
        problem = allocation_problem(
            pair_row=w.sku, pair_key=w.store, mean_units=view.mean * view.horizon,
            dispersion=np.maximum(view.level_spread, 1.0), position_units=view.position,
            line_cost=LINE_COST, row_case_pack=w.pack, row_available_units=view.dc,
            **(kept(view, money) if self.keeps else {}), **money, **limits,
        )  # fmt: skip
        out = plan(problem, _SETTINGS)
        if out.certificate.optimality_gap is not None:
            self.gaps.append(out.certificate.optimality_gap)
        return np.where(view.wait == 0, out.units, 0)
