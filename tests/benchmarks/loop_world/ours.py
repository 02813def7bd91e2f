"""The product's plan in the loop: one setting, nothing tuned; `keep` says whether stock kept at the DC has a price."""

from __future__ import annotations

import numpy as np

from allocation_assets.allocation.engine import plan
from allocation_assets.allocation.problem import AllocationSettings, allocation_problem
from tests.benchmarks.loop_world.chain import DC_HOLDING, HANDLING, LINE_COST, MARGIN, STORE_HOLDING
from tests.benchmarks.loop_world.simulate import View

_SETTINGS = AllocationSettings(threads=1, price_rounds=8, polish_pairs=0)


class Plan:
    def __init__(self, keep=None, servable=False, preview=True, line=True, factor=1.0, hold=1.0, lastfix=False, soldship=False, longhold=False, stuck=False):
        self.stuck = stuck
        self.soldship, self.longhold = soldship, longhold
        self.keep, self.servable, self.preview, self.line, self.factor, self.hold, self.lastfix = keep, servable, preview, line, factor, hold, lastfix
        self.gaps = []

    def fee(self, view, w):
        d, pack = view.mean, w.pack[w.sku]
        if self.line == "pack":
            return LINE_COST * np.minimum(1.0, view.gap * d / pack)
        return np.full(len(d), LINE_COST * float(self.line))

    def __call__(self, view: View) -> np.ndarray:
        w = view.world
        price = w.price[w.sku]
        sel = np.arange(len(w.sku)) if self.preview else np.flatnonzero(view.wait == 0)
        position = view.position
        mean, spread = view.mean * view.horizon, view.level_spread
        gain, ship = MARGIN * price, HANDLING * price
        holding = self.hold * (STORE_HOLDING - DC_HOLDING) * price * view.gap
        if self.longhold:
            holding = (STORE_HOLDING - DC_HOLDING) * price * np.maximum(view.gap, w.pack[w.sku] / 2 / view.mean)
        if self.soldship:
            gain, ship = gain - ship, 0 * ship
        if self.servable:
            from allocation_assets.allocation.keep import servable_demand
            mean, spread = servable_demand(mean, spread, (view.wait + view.lead) / view.horizon, position)
        keep = np.zeros(len(w.pack))
        if self.keep is not None:
            keep, after = self.keep(view, gain, holding, ship)
            if self.stuck:
                from allocation_assets.allocation.keep import stuck_kernel
                holding = holding + stuck_kernel(w.sku, keep, after, view.inbound_days, view.mean, np.maximum(view.level_spread, 1.), view.spread, view.level_variance,
                    view.horizon.astype(float), view.wait.astype(float), view.gap.astype(float), position, gain, holding, ship, w.pack)
            if self.lastfix:
                last = np.floor((view.inbound_days[w.sku] - 1 - view.wait) / view.gap) <= 0
                add = np.where(last, np.maximum(keep - after, 0)[w.sku], 0)
                gain, ship = gain + add, ship + add
        n_cap = w.dispatch_cap >= 0
        extra = {}
        if n_cap:
            bucket = view.wait.astype(np.int64)
            extra = dict(
                dispatch_bucket=bucket[sel], dispatch_capacity_units=np.full(8, w.dispatch_cap, np.int64),
                receiving_bucket=w.store[sel], receiving_capacity_units=w.receiving_cap,
            )
        p = allocation_problem(
            pair_row=w.sku[sel], pair_key=w.store[sel], mean_units=mean[sel], dispersion=np.maximum(spread, 1.0)[sel],
            position_units=position[sel], gain_per_unit=gain[sel], holding_per_unit=holding[sel], ship_cost_per_unit=ship[sel],
            line_cost=self.fee(view,w)[sel], row_case_pack=w.pack, row_available_units=view.dc,
            row_keep_price=self.factor * keep, **extra,
        )
        out = plan(p, _SETTINGS)
        if out.certificate.optimality_gap is not None and n_cap:
            self.gaps.append(out.certificate.optimality_gap)
        units = np.zeros(len(w.sku), np.int64)
        units[sel] = out.units
        units[view.wait > 0] = 0
        return units
