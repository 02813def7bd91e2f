"""Expectations of supplier orders and of what service costs."""

from __future__ import annotations

from data_quality.expectations.approvals import enough_approvers, pending_has_approver
from data_quality.expectations.spec import ExpectationSpec, SpecBuilder

BINDINGS = ("policy", "order_multiple", "minimum_order", "presentation", "contract_min", "contract_max", "storage", "shelf_life", "held_units")

_BARRED = """
SELECT b.supplier_id, b.location_id, b.sku_id FROM {batch} AS b
LEFT JOIN int_replenishment_pairs AS p ON p.location_id = b.location_id AND p.sku_id = b.sku_id
WHERE p.sku_id IS NULL OR p.block_reason IS NOT NULL OR p.from_id IS DISTINCT FROM b.supplier_id
"""
_NOT_THE_POSITION = """
SELECT b.supplier_id, b.location_id, b.sku_id FROM {batch} AS b
JOIN int_replenishment_pairs AS p ON p.location_id = b.location_id AND p.sku_id = b.sku_id
WHERE b.inventory_position <> p.on_hand + p.in_transit + p.on_order - p.backorders - p.reserved + b.stock_below
"""

_DEARER_THAN_AT_STORES = """
SELECT dc_location_id, segment, sum(cost_per_day) AS cost FROM {batch} GROUP BY ALL HAVING sum(cost_per_day) > sum(cost_at_stores_per_day) + 0.001
"""
_WITHOUT_ITS_DC = """
SELECT b.dc_location_id, b.segment, b.location_id FROM {batch} AS b
LEFT JOIN {batch} AS d ON d.is_dc AND d.dc_location_id = b.dc_location_id AND d.segment = b.segment
WHERE b.net_lead_days IS DISTINCT FROM CASE WHEN b.is_dc THEN b.stage_days - b.service_days ELSE b.stage_days + d.service_days END
"""


def replenishment_parts(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    """The expectations of `replenishment_orders`, `service_levels` and `stock_placement`, as parts of `suite`."""
    return [*_orders(suite), *_service_levels(suite), *_stock_placement(suite)]


def _orders(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    key = ("supplier_id", "location_id", "sku_id")
    orders = SpecBuilder(suite, "replenishment_orders", key)
    return [
        orders.of_run_date(),
        orders.unique(*key),
        orders.not_null(*key, "units", "order_date", "expected_date", "reorder_point", "order_up_to", "inventory_position", "rule_id"),
        orders.between("units", 1),
        orders.one_of("approval_status", ["auto", "pending", "approved", "rejected"]),
        orders.one_of("binding_constraint", BINDINGS),
        orders.where(
            "whole_multiples", "units % order_multiple <> 0 OR units <> cases * case_pack", "units are whole order multiples and cases"
        ),
        orders.where(
            "within_contract",
            "inventory_position + units > contract_max + stock_below",
            "no order lifts the position above the vendor contract's maximum",
        ),
        orders.where(
            "position_below_target",
            "inventory_position > reorder_point AND binding_constraint NOT IN"
            " ('presentation', 'contract_min', 'minimum_order', 'contract_max', 'storage', 'shelf_life', 'held_units')",
            "only what is at or below its reorder point, or its least stock, is ordered",
        ),
        orders.where("dated_ahead", "order_date <= business_date OR expected_date < order_date", "orders leave after the run date"),
        orders.where(
            "held_lines_say_why",
            "(approval_status = 'auto') <> (held_reason IS NULL) OR (approval_status = 'auto') <> (held_under IS NULL)"
            " OR (approval_status = 'pending') <> (overrun IS NOT NULL OR overrun_units IS NOT NULL)",
            "a line that waits names its overrun",
        ),
        enough_approvers(orders),
        pending_has_approver(orders),
        orders.rows("of_pairs_that_may_order", _BARRED, "no blocked, closed or leaving pair has an order"),
        orders.rows("of_the_position", _NOT_THE_POSITION, "the position counts all that is on its way"),
    ]  # fmt: skip


def _service_levels(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    levels = SpecBuilder(suite, "service_levels", ("segment", "location_type"))
    rates = ("fill_rate_aimed_at", "cycle_service_aimed_at", "recommended_service_target", "recommended_cycle_service")
    return [
        levels.of_run_date(),
        levels.unique("segment", "location_type"),
        *(levels.between(name, 0, 1) for name in rates),
        *(levels.between(name, 0) for name in ("pairs", "daily_mean_units", "removable_units", "point_gain_per_day")),
    ]


def _stock_placement(suite: str) -> list[ExpectationSpec | list[ExpectationSpec]]:
    key = ("dc_location_id", "segment", "location_id")
    places = SpecBuilder(suite, "stock_placement", key)
    figures = ("stage_days", "service_days", "net_lead_days", "daily_sd_units", "safety_stock_units", "cost_per_day", "cost_at_stores_per_day")
    return [
        places.of_run_date(),
        places.unique(*key),
        places.not_null(*key, "is_dc", *figures),
        places.between("service_target", 0, 1),
        *(places.between(name, 0) for name in figures),
        places.rows("times_add_up", _WITHOUT_ITS_DC, "a stage covers its own time and what its DC quotes, less what it quotes"),
        places.rows("no_dearer_than_at_stores", _DEARER_THAN_AT_STORES, "the placement costs no more than all stock at the locations", keys=key[:2]),
    ]
