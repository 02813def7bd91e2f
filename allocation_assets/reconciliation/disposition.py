"""Disposition of returned and damaged goods: the possible option that is expected to bring the most per unit.

Formulas per unit, with cost = unit_cost, price = unit_price and parameters `disposition.*` (recovery of returns as in
reverse logistics: what the option brings less what it costs; the goods themselves are sunk):

    restock    = resale - restock_cost_per_unit,           resale = resale_rate * price
    repair     = resale - repair_cost_rate * cost - restock_cost_per_unit
    vendor     = vendor_credit_rate * cost - vendor_return_cost_per_unit
    liquidate  = liquidation_rate * price, * (1 - defect_discount) where defective
    destroy    = - destroy_cost_per_unit

Out of season (`disposition.past_seasons` holds the item's season, or its lifecycle is exit) resale_rate and
liquidation_rate are those `_out_of_season`.

What is possible depends on the condition: sound goods (returned as vendor or liquidate, without a defect) are never
repaired; defective ones (damaged, or with a reason that speaks of a defect) never restocked; unsafe ones (returned as
destroy) neither, nor sold on. Vendor return needs a supplier, and one that answers for the goods: not for what broke in
a house or between two of our own. Ties go to the first of OPTIONS.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa

from allocation_assets.reconciliation.frames import run_query
from allocation_assets.tables import floats, integers

OPTIONS = ("restock", "repair", "vendor", "liquidate", "destroy")
#: Conditions by code.
SOUND, DEFECTIVE, UNSAFE = 0, 1, 2


@dataclass(frozen=True)
class Goods:
    """Goods in question, one entry (n,) each; money per unit.

    condition: SOUND, DEFECTIVE or UNSAFE; is_past_season: season over or lifecycle exit; is_returnable: has a supplier
    who answers for it.
    """

    unit_cost: np.ndarray
    unit_price: np.ndarray
    condition: np.ndarray
    is_past_season: np.ndarray
    is_returnable: np.ndarray


def recovery_per_unit(goods: Goods, policy: Mapping[str, Any]) -> np.ndarray:
    """Expected recovery per unit of each option, (n, len(OPTIONS)) money rounded to 6 decimals; -inf = not possible."""
    is_past, is_defective = goods.is_past_season, goods.condition == DEFECTIVE
    is_sound, is_unsafe = goods.condition == SOUND, goods.condition == UNSAFE
    handling = policy["disposition.restock_cost_per_unit"]
    resale = goods.unit_price * np.where(
        is_past, policy["disposition.resale_rate_out_of_season"], policy["disposition.resale_rate"]
    )
    sold_off = goods.unit_price * np.where(
        is_past, policy["disposition.liquidation_rate_out_of_season"], policy["disposition.liquidation_rate"]
    )
    discount = np.where(is_defective, 1.0 - policy["disposition.defect_discount"], 1.0)
    credit = goods.unit_cost * policy["disposition.vendor_credit_rate"]
    values = np.stack(
        [
            resale - handling,
            resale - goods.unit_cost * policy["disposition.repair_cost_rate"] - handling,
            credit - policy["disposition.vendor_return_cost_per_unit"],
            sold_off * discount,
            np.full(len(is_past), -policy["disposition.destroy_cost_per_unit"]),
        ],
        axis=1,
    )
    possible = np.stack(
        [is_sound, is_defective, goods.is_returnable, ~is_unsafe, np.ones(len(is_past), bool)], axis=1
    )
    return np.where(possible, np.round(values, 6), -np.inf)


def choose(goods: Goods, policy: Mapping[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """(option, recovery): index into OPTIONS (n,) of the best possible option and what a unit is expected to bring."""
    values = recovery_per_unit(goods, policy)
    best = np.argmax(values, axis=1)
    return best, values[np.arange(len(best)), best]


#: Condition of what came back or broke; sound goods that were put back on the shelf need no decision.
_CONDITION = """
SELECT *, row_number() OVER (ORDER BY location_id, sku_id, source_id) AS r, CASE
        WHEN stated = 'destroy' THEN 2
        WHEN stated = 'damaged' OR is_defect THEN 1
        ELSE 0
    END::BIGINT AS condition,
    lifecycle = 'exit' OR list_contains($past_seasons::VARCHAR[], season) AS is_past_season,
    is_answerable AND supplier_id IS NOT NULL AS is_returnable
FROM (
    SELECT *, coalesce(list_bool_or(
        list_transform($defects::VARCHAR[], lambda part: contains(upper(reason_code), upper(part)))
    ), false) AS is_defect FROM goods
)
WHERE stated <> 'restock' OR is_defect
ORDER BY r
"""

_DISPOSED = """
SELECT location_id, sku_id, source_id, business_date AS about_date, units::BIGINT AS units,
    (units * unit_cost)::DECIMAL(18, 6) AS value,
    ['sound', 'defective', 'unsafe'][condition + 1] AS condition,
    list_extract($options::VARCHAR[], best + 1) AS disposition,
    (units * recovery::DECIMAL(18, 6))::DECIMAL(18, 6) AS expected_recovery
FROM judged JOIN chosen USING (r)
ORDER BY location_id, sku_id, source_id
"""


def dispose(goods: pa.Table, policy: Mapping[str, Any]) -> pa.Table:
    """What to do with goods: (location_id, sku_id, source_id, about_date, units, value, condition, disposition,
    expected_recovery); money, `value` at unit cost.

    goods: (source_id, location_id, sku_id, business_date, units, stated = the disposition that the feed gives,
    reason_code, is_answerable = a supplier answers for the fault, supplier_id, unit_cost, unit_price, season, lifecycle).
    """
    judged = run_query(
        _CONDITION,
        {"goods": goods},
        {
            "past_seasons": list(policy["disposition.past_seasons"]),
            "defects": list(policy["disposition.defect_reason_codes"]),
        },
    )
    flags = {name: integers(judged, name).astype(bool) for name in ("is_past_season", "is_returnable")}
    best, recovery = choose(
        Goods(
            unit_cost=floats(judged, "unit_cost"),
            unit_price=floats(judged, "unit_price"),
            condition=integers(judged, "condition"),
            **flags,
        ),
        policy,
    )
    chosen = pa.table({"r": judged["r"], "best": best.astype(np.int64), "recovery": recovery})
    return run_query(_DISPOSED, {"judged": judged, "chosen": chosen}, {"options": list(OPTIONS)})
