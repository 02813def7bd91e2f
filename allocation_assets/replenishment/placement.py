"""Where to hold safety stock: guaranteed-service placement (`guaranteed_service`) per DC and ABC class. Pure; no files.

*What a stage is.* All SKUs of a class at a location get one service time, so their stock is z sqrt(net lead time) x sum of their
daily sd, and its holding z sqrt(net lead time) x sum of h x sd: a stage carries these two sums. A DC's sd is pooled SKU by SKU
over what it supplies (days and locations apart). Demand and its day-to-day variance are the forecasts'.
*Times*: mean lead time of the lane, rounded up, and a day of review. A location promises its customers at once; z is of the class's
service target; the DC may quote any time.
*Few stages.* Cost is linear in h x sd, and locations with the same time, z and promise see the same times of their DC: their best times
are the same, so one stage with the sum of their h x sd stands for all of them, exactly.
"""

from __future__ import annotations

from datetime import date
from statistics import NormalDist

import numpy as np
import pyarrow as pa

from allocation_assets.policy import Policy
from allocation_assets.reconciliation.frames import run_query
from allocation_assets.replenishment.frames import OrderingPairs, own_demand
from allocation_assets.replenishment.guaranteed_service import Tree, place
from allocation_assets.replenishment.problem import UNLIMITED
from allocation_assets.tables import floats, integers, truths

#: Sums of a range of SKUs per DC, class and location, the DC itself among them. DECIMAL: no order of rows changes a digit.
_PARTS = """
WITH below AS (
    SELECT from_location_id AS dc, to_location_id AS location_id, sku_id, coalesce(segment, 'none') AS segment,
        coalesce(service_target, 0.95)::DECIMAL(24, 9) AS target, variance::DECIMAL(24, 9) AS variance, sqrt(variance) AS sd, holding, lead
    FROM placed WHERE variance > 0
),
pooled AS (
    SELECT b.dc, b.segment, b.sku_id, sqrt(sum(b.variance)::DOUBLE) AS sd, any_value(d.holding) AS holding, any_value(d.lead) AS lead
    FROM below AS b JOIN dcs AS d ON d.location_id = b.dc AND d.sku_id = b.sku_id GROUP BY ALL
),
stages AS (
    SELECT dc, segment, location_id, false AS is_dc, target, sd, holding, lead FROM below
    SEMI JOIN pooled USING (dc, segment, sku_id)
    UNION ALL BY NAME
    SELECT dc, segment, dc AS location_id, true AS is_dc, sd, holding, lead FROM pooled
)
SELECT dc, segment, location_id, is_dc, count(*) AS skus, sum(sd::DECIMAL(24, 9)) AS sd,
    sum((sd * holding)::DECIMAL(24, 9)) AS holding_sd, sum((sd * lead)::DECIMAL(24, 9)) AS lead_sd, sum((sd * target)::DECIMAL(24, 9)) AS target_sd
FROM stages GROUP BY ALL ORDER BY dc, segment, is_dc DESC, location_id
"""
#: Stages of all ranges, trees numbered from 0; the DC comes first in each.
_STAGES = """
WITH summed AS (
    SELECT dc, segment, location_id, is_dc, sum(skus)::BIGINT AS skus, sum(sd)::DOUBLE AS sd, sum(holding_sd)::DOUBLE AS holding_sd,
        (ceil(sum(lead_sd)::DOUBLE / sum(sd)::DOUBLE - 1e-6) + 1)::BIGINT AS stage_days, sum(target_sd) AS target_sd, sum(sd) AS exact_sd
    FROM parts GROUP BY ALL
)
SELECT * EXCLUDE (target_sd, exact_sd), dense_rank() OVER (ORDER BY dc, segment) - 1 AS tree,
    sum(target_sd) OVER (PARTITION BY dc, segment)::DOUBLE
    / sum(exact_sd) FILTER (NOT is_dc) OVER (PARTITION BY dc, segment)::DOUBLE AS service_target
FROM summed ORDER BY dc, segment, is_dc DESC, location_id
"""


def placement_parts(pairs: OrderingPairs, placed: pa.Table, policy: Policy, run_date: date) -> pa.Table:
    """Sums per (dc, segment, location) of one range of SKUs; `placed` as `queries.PLACED` gives it, pairs of the same SKUs."""
    values = policy.resolve(["costs.holding_per_unit_day", "lanes.default_lead_time_days"], placed, run_date)
    demand = own_demand(placed)
    lead = floats(placed, "lead_days", np.nan)
    rows = placed.select(["from_location_id", "to_location_id", "sku_id", "segment", "service_target"])
    for name, column in (
        ("variance", demand.daily_mean * demand.dispersion),
        ("holding", np.maximum(np.nan_to_num(values["costs.holding_per_unit_day"]), 0.0)),
        ("lead", np.where(np.isnan(lead), values["lanes.default_lead_time_days"], lead)),
    ):
        rows = rows.append_column(name, pa.array(column.astype(np.float64)))
    holding = np.maximum(np.nan_to_num(pairs.policy["costs.holding_per_unit_day"]), 0.0)
    dcs = pairs.table.select(["location_id", "sku_id"]).append_column("holding", pa.array(holding))
    return run_query(_PARTS, {"placed": rows, "dcs": dcs.append_column("lead", pa.array(pairs.lead_days.astype(np.float64)))})


def stock_placement(parts: pa.Table) -> pa.Table:
    """Stages with times, stock and cost a day, from the parts of all ranges.

    service_days: quoted to customers; net_lead_days: covered by the stage's own stock; cost_at_stores: of the same service with
    all stock at the locations that sell, so that the DC quotes its whole time.
    """
    stages = run_query(_STAGES, {"parts": parts})
    tree, days, is_dc = integers(stages, "tree"), integers(stages, "stage_days"), truths(stages, "is_dc")
    sd, holding_sd, target = (floats(stages, name) for name in ("sd", "holding_sd", "service_target"))
    top = np.flatnonzero(is_dc)
    # A target below one half asks for no safety stock, not for less than none.
    z = np.array([NormalDist().inv_cdf(min(max(share, 0.5), 1.0 - 1e-9)) for share in target[top]])
    quoted = np.zeros(len(top), np.int64)
    for at in range(len(top)):  # trees are few: a DC and a class each
        rows = np.flatnonzero((tree == at) & ~is_dc)
        quoted[at] = _quoted(days[top[at]], holding_sd[top[at]], days[rows], holding_sd[rows], z[at])
    service = np.where(is_dc, quoted[tree], 0)
    net = np.where(is_dc, days - service, days + quoted[tree])
    at_stores = np.where(is_dc, 0, days + days[top][tree])
    found = {
        "service_days": service, "net_lead_days": net, "safety_stock": z[tree] * sd * np.sqrt(net),
        "cost": z[tree] * holding_sd * np.sqrt(net), "cost_at_stores": z[tree] * holding_sd * np.sqrt(at_stores),
    }  # fmt: skip
    for name, column in found.items():
        stages = stages.append_column(name, pa.array(column))
    return stages


def _quoted(dc_days: int, dc_holding: float, days: np.ndarray, holding: np.ndarray, z: float) -> int:
    """Service time that a DC quotes to locations with stage times and h x sd (m,): those with the same time are one stage."""
    times, group = np.unique(days, return_inverse=True)
    m = len(times)
    tree = Tree(
        arcs=[(0, k + 1) for k in range(m)], processing=np.append(dc_days, times),
        holding=np.append(dc_holding, np.bincount(group, holding, m)), demand_sd=np.ones(m + 1), z=np.full(m + 1, z),
        max_service=np.append(UNLIMITED, np.zeros(m, np.int64)), inbound=np.zeros(m + 1, np.int64),
    )  # fmt: skip
    return int(place(tree).service[0])
