"""The product's plan in the loop: its engine and its price of kept stock, one setting, nothing tuned."""

from __future__ import annotations

import numpy as np

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.keep import Outlook, keep_prices
from allocation_assets.allocation.problem import AllocationSettings, allocation_problem
from tests.benchmarks.loop_world.chain import DC_HOLDING, HANDLING, LINE_COST, MARGIN, STORE_HOLDING
from tests.benchmarks.loop_world.simulate import View

_SETTINGS = AllocationSettings(threads=1, price_rounds=8, polish_pairs=0)


class Plan:
    """The engine as a policy; `is_myopic` = stock kept at the DC has no price. `gaps` collects what the certificates say."""

    def __init__(self, is_myopic: bool = False):
        self.is_myopic, self.gaps = is_myopic, []

    def __call__(self, view: View) -> np.ndarray:
        """Units (n) that ship tomorrow; pairs that ship on a later day compete as previews (semantics 20)."""
        w = view.world
        price = w.price[w.sku]
        money = {
            "gain_per_unit": (MARGIN - HANDLING) * price,
            "holding_per_unit": (STORE_HOLDING - DC_HOLDING) * price * view.gap,
            "ship_cost_per_unit": np.zeros(len(price)),
        }
        dispersion = np.maximum(view.level_spread, 1.0)
        limits = {}
        if w.dispatch_cap >= 0:
            limits = {
                "dispatch_bucket": view.wait, "dispatch_capacity_units": np.full(8, w.dispatch_cap, np.int64),
                "receiving_bucket": w.store, "receiving_capacity_units": w.receiving_cap,
            }  # fmt: skip
        problem = allocation_problem(
            pair_row=w.sku, pair_key=np.arange(len(w.sku)), mean_units=view.mean * view.horizon, dispersion=dispersion,
            position_units=view.position, line_cost=LINE_COST, row_case_pack=w.pack, row_available_units=view.dc,
            **self._kept(view, money, dispersion), **money, **limits,
        )  # fmt: skip
        made = plan(problem, _SETTINGS)
        if made.certificate.optimality_gap is not None:
            self.gaps.append(made.certificate.optimality_gap)
        return np.where(view.wait > 0, 0, made.units)

    def _kept(self, view: View, money: dict, dispersion: np.ndarray) -> dict[str, np.ndarray]:
        w, rows = view.world, len(view.dc)
        if self.is_myopic:
            return {}
        outlook = Outlook(
            row_ptr=np.searchsorted(w.sku, np.arange(rows + 1)), daily_mean=view.mean, dispersion=dispersion,
            horizon_days=view.horizon, wait_days=view.wait, gap_days=view.gap, arrive_days=view.wait + view.lead,
            position_units=view.position, stock_units=view.dc, inbound_days=np.maximum(view.inbound_days, 1),
            level_variance=np.full(rows, view.level_variance), **money,
        )  # fmt: skip
        return {
            "row_keep_price": np.where(view.dc >= w.pack, keep_prices(outlook, 1), 0.0),
            "is_last_shipment": outlook.shipments_before_inbound <= 0,
        }
