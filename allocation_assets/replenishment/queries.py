"""SQL of replenishment: pairs, lanes and what stands below a DC in, published rows out."""

#: What ranges of SKUs are cut by: pairs that order and pairs that a DC supplies.
ROWS = """
CREATE OR REPLACE TEMP VIEW replenishment_rows AS
SELECT sku_id FROM int_replenishment_pairs UNION ALL SELECT sku_id FROM int_allocation_pairs
"""
LANES = """
SELECT from_id, to_location_id, lead_mean_days, lead_p50_days, lead_probabilities
FROM read_parquet($lead_times, hive_partitioning = false) ORDER BY from_id, to_location_id
"""
#: Over rows `p`, so that `schedule.of_skus` can limit them. A pair that sells has its own forecast, a DC has none.
PAIRS = """
SELECT p.* EXCLUDE (block_reason), s.abc AS segment, s.service_target AS class_target,
    coalesce(p.block_reason, CASE WHEN s.lifecycle = 'exit' THEN 'lifecycle_exit' END) AS block_reason,
    f.daily_mean, f.dispersion, f.next_day_mean, f.next_day_dispersion, f.horizon_days
FROM int_replenishment_pairs AS p
LEFT JOIN read_parquet($segments, hive_partitioning = false) AS s ON s.sku_id = p.sku_id
LEFT JOIN read_parquet($forecasts, hive_partitioning = false) AS f ON f.sku_id = p.sku_id AND f.location_id = p.location_id
ORDER BY p.sku_id, p.location_id
"""
#: Demand and position of what a DC supplies; a blocked location needs nothing, and an unopened book holds nothing that is known.
BELOW = """
SELECT p.sku_id, p.to_location_id AS location_id, p.from_location_id AS supplied_by, p.case_pack,
    CASE WHEN p.is_unopened THEN 0 ELSE p.on_hand END + p.in_transit + coalesce(o.units, 0) - p.reserved - p.open_order_units AS position,
    f.daily_mean, f.dispersion, f.next_day_mean, f.next_day_dispersion, f.horizon_days
FROM (SELECT * FROM int_allocation_pairs WHERE NOT is_blocked) AS p
JOIN read_parquet($forecasts, hive_partitioning = false) AS f ON f.sku_id = p.sku_id AND f.location_id = p.to_location_id
LEFT JOIN (
    SELECT location_id, sku_id, sum(units)::BIGINT AS units FROM int_on_order WHERE business_date = $day GROUP BY ALL
) AS o ON o.sku_id = p.sku_id AND o.location_id = p.to_location_id
ORDER BY p.sku_id, p.to_location_id
"""
#: What DCs supply, with forecast, class and the mean lead time of its lane: for `placement`.
PLACED = """
SELECT p.sku_id, p.from_location_id, p.to_location_id, p.style_id, p.department, p.class, p.subclass, p.brand, p.supplier_id, p.lifecycle,
    p.season, p.location_type, p.cluster, p.region, p.channel, p.tier, p.unit_cost, p.unit_price, s.abc AS segment, s.service_target,
    coalesce(l.lead_mean_days, p.lead_time_days) AS lead_days,
    f.daily_mean, f.dispersion, f.next_day_mean, f.next_day_dispersion, f.horizon_days
FROM (SELECT * FROM int_allocation_pairs WHERE NOT is_blocked) AS p
JOIN read_parquet($forecasts, hive_partitioning = false) AS f ON f.sku_id = p.sku_id AND f.location_id = p.to_location_id
LEFT JOIN read_parquet($segments, hive_partitioning = false) AS s ON s.sku_id = p.sku_id
LEFT JOIN read_parquet($lead_times, hive_partitioning = false) AS l
    ON l.from_id = p.from_location_id AND l.to_location_id = p.to_location_id
ORDER BY p.sku_id, p.to_location_id
"""
OPEN_TO_BUY = """
SELECT department, month, open_to_buy, planned_sales + planned_markdowns + planned_eom_inventory AS planned
FROM open_to_buy ORDER BY department, month
"""
#: Units that locations with a storage capacity have left: for what they hold (damaged too), and for all that is on its way.
SPACE = """
SELECT c.location_id, c.capacity, (c.capacity - coalesce(t.units, 0))::BIGINT AS left_units
FROM (
    SELECT location_id, min(location_capacity)::BIGINT AS capacity FROM int_replenishment_pairs
    WHERE location_capacity IS NOT NULL GROUP BY location_id
) AS c
LEFT JOIN (
    SELECT location_id, sum(greatest(inventory_position, 0) + greatest(coalesce(damaged, 0), 0)) AS units
    FROM inventory_positions WHERE business_date = $day GROUP BY location_id
) AS t USING (location_id)
ORDER BY location_id
"""
#: Held orders of the date before with what the date's approvals have made of them. `is_decided`: rejected on this date.
WAITING = """
WITH decided AS (
    SELECT source_id AS supplier_id, location_id, sku_id,
        max(outcome) FILTER (outcome IN ('approved', 'rejected')) AS decision,
        count(*) FILTER (outcome IN ('approved', 'counted')) AS approvals,
        string_agg(trim(decided_by), ',' ORDER BY decided_at, approval_id) FILTER (outcome IN ('approved', 'counted')) AS people,
        max(trim(decided_by)) FILTER (outcome = 'rejected') AS rejected_by
    FROM read_parquet($outcomes, hive_partitioning = false)
    WHERE kind = 'order' AND outcome IN ('approved', 'rejected', 'counted') GROUP BY ALL
)
SELECT o.supplier_id, o.location_id, o.sku_id, o.units, coalesce(d.decision, o.approval_status) AS status,
    coalesce(d.decision = 'rejected', false) AS is_decided, o.approvals_needed,
    o.approvals_given + coalesce(d.approvals, 0) AS approvals_given,
    nullif(concat_ws(',', o.approved_by, d.people), '') AS approved_by, o.proposed_on, o.due_on, o.held_under,
    CASE WHEN d.decision = 'rejected' THEN 'rejected by ' || d.rejected_by || ': ' ELSE '' END || o.held_reason AS held_reason
FROM read_parquet($orders, hive_partitioning = false) AS o
LEFT JOIN decided AS d USING (supplier_id, location_id, sku_id)
WHERE o.approval_status IN ('pending', 'rejected') ORDER BY supplier_id, location_id, sku_id
"""

_MONEY = "DECIMAL(18, 6)"
_ORDERS = f"""
SELECT $day::DATE AS business_date, l.from_id AS supplier_id, l.location_id, l.sku_id, l.department, l.location_type, l.units,
    l.case_pack, l.cases, l.order_multiple, l.order_date, l.expected_date, l.reorder_point, l.order_up_to, l.inventory_position,
    l.safety_stock, l.on_hand, l.in_transit, l.on_order, l.backorders, l.reserved, l.stock_below,
    round(l.lead_time_days, 6) AS lead_time_days, l.review_days::INTEGER AS review_days, l.daily_mean, l.dispersion,
    l.policy, l.basis, l.binding_constraint, l.expected_lost_sales_avoided,
    l.holding_added::{_MONEY} AS holding_added, l.expected_benefit::{_MONEY} AS expected_benefit,
    (l.units * l.unit_cost)::{_MONEY} AS order_value, l.ownership, l.contract_min, l.contract_max,
    coalesce(h.approval_status, 'auto') AS approval_status, h.held_reason, h.held_under, h.overrun::{_MONEY} AS overrun, h.overrun_units,
    CASE h.approval_status WHEN 'pending' THEN r.role END AS approver_role,
    (CASE WHEN w.approvals_given > 0 THEN w.approvals_needed WHEN h.approval_status = 'pending'
        THEN 1 + (l.units * l.unit_cost >= $four_eyes_value::DOUBLE)::INTEGER ELSE coalesce(w.approvals_needed, 0) END)::INTEGER AS approvals_needed,
    coalesce(w.approvals_given, 0)::INTEGER AS approvals_given, w.approved_by,
    CASE WHEN h.approval_status IS NOT NULL THEN coalesce(w.proposed_on, $day::DATE) END AS proposed_on,
    CASE h.approval_status WHEN 'pending' THEN coalesce(w.due_on, $day::DATE + $approval_days::INTEGER) END AS due_on,
    l.rule_id, 'base' AS scenario_id
FROM lines AS l
LEFT JOIN holds AS h ON h.supplier_id = l.from_id AND h.location_id = l.location_id AND h.sku_id = l.sku_id
LEFT JOIN waiting AS w ON h.is_continued AND w.supplier_id = l.from_id AND w.location_id = l.location_id AND w.sku_id = l.sku_id
LEFT JOIN limits AS r ON l.units * l.unit_cost > r.above AND l.units * l.unit_cost <= r.up_to
ORDER BY l.from_id, l.location_id, l.sku_id
"""
#: Rates are weighted by demand; everything is summed as DECIMAL, so that no order of rows changes a digit.
_SERVICE_LEVELS = f"""
WITH parts AS (
    SELECT segment, location_type, daily_mean::DECIMAL(24, 9) AS mean, (daily_mean * fill_rate)::DECIMAL(24, 9) AS fill,
        (daily_mean * cycle_service)::DECIMAL(24, 9) AS cycle, (daily_mean * recommended_fill)::DECIMAL(24, 9) AS best_fill,
        (daily_mean * recommended_cycle)::DECIMAL(24, 9) AS best_cycle, point_cost::DECIMAL(24, 9) AS point_cost,
        point_gain::DECIMAL(24, 9) AS point_gain, position, level, recommended_level, removable, (removable * unit_cost)::{_MONEY} AS value,
        removable_holding::DECIMAL(24, 9) AS holding
    FROM levels
)
SELECT $day::DATE AS business_date, coalesce(segment, 'none') AS segment, location_type, count(*) AS pairs,
    sum(mean)::DOUBLE AS daily_mean_units, sum(fill)::DOUBLE / nullif(sum(mean), 0)::DOUBLE AS fill_rate_aimed_at,
    sum(cycle)::DOUBLE / nullif(sum(mean), 0)::DOUBLE AS cycle_service_aimed_at,
    sum(best_fill)::DOUBLE / nullif(sum(mean), 0)::DOUBLE AS recommended_service_target,
    sum(best_cycle)::DOUBLE / nullif(sum(mean), 0)::DOUBLE AS recommended_cycle_service,
    sum(point_cost)::{_MONEY} AS point_cost_per_day, sum(point_gain)::{_MONEY} AS point_gain_per_day,
    sum(position)::BIGINT AS position_units, sum(level)::BIGINT AS level_units, sum(recommended_level)::BIGINT AS recommended_level_units,
    sum(removable)::BIGINT AS removable_units, sum(value)::{_MONEY} AS removable_value, sum(holding)::{_MONEY} AS removable_holding_per_day
FROM parts GROUP BY segment, location_type ORDER BY 2, 3
"""
_STOCK_PLACEMENT = f"""
SELECT $day::DATE AS business_date, dc AS dc_location_id, segment, location_id, is_dc, skus, service_target, stage_days, service_days,
    net_lead_days, sd AS daily_sd_units, safety_stock AS safety_stock_units, cost::{_MONEY} AS cost_per_day,
    cost_at_stores::{_MONEY} AS cost_at_stores_per_day
FROM stages ORDER BY dc, segment, location_id
"""
DECISIONS = {"replenishment_orders": _ORDERS, "service_levels": _SERVICE_LEVELS, "stock_placement": _STOCK_PLACEMENT}
