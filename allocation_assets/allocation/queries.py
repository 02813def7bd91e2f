"""SQL that turns the plan into the decided datasets: column order, types, money as DECIMAL, rows in key order.

Value and bound are summed from rounded DECIMALs, so that every slice adds up to the last digit; rounding never lets a
bound fall below its value.
"""

from allocation_assets.allocation.identity import allocation_id_sql

BOOKED = "SELECT * FROM int_booked_capacity ORDER BY kind, location_id, booked_for"
#: Over rows `p`, so that `schedule.of_skus` can limit them. What is on order comes when it is predicted to come, and as much.
SUPPLY = """
SELECT p.* REPLACE (
    coalesce(n.next_inbound_date, p.next_inbound_date) AS next_inbound_date,
    coalesce(n.next_inbound_units, p.next_inbound_units) AS next_inbound_units)
FROM int_dc_supply AS p
LEFT JOIN (
    SELECT location_id, sku_id, min(predicted_date) AS next_inbound_date, arg_min(units, predicted_date) AS next_inbound_units
    FROM (
        SELECT location_id, sku_id, predicted_date, sum(predicted_units)::BIGINT AS units
        FROM read_parquet($inbound, hive_partitioning = false) GROUP BY ALL HAVING sum(predicted_units) > 0
    ) GROUP BY ALL
) AS n ON n.location_id = p.location_id AND n.sku_id = p.sku_id
ORDER BY p.location_id, p.sku_id
"""
#: Forecasts of the pairs alone: what suppliers deliver to directly has one too.
FORECASTS = """
SELECT p.* FROM read_parquet($file, hive_partitioning = false) AS p
SEMI JOIN int_allocation_pairs AS a ON a.sku_id = p.sku_id AND a.to_location_id = p.location_id
ORDER BY p.sku_id, p.location_id
"""

_MONEY = "DECIMAL(18, 6)"
_LINE_ID = allocation_id_sql("business_date", "from_location_id", "to_location_id", "sku_id")

_ALLOCATIONS = f"""
WITH lines AS (SELECT $day::DATE AS business_date, * FROM plan WHERE units > 0)
SELECT business_date, {_LINE_ID} AS allocation_id, from_location_id, to_location_id, sku_id, is_firm, units, cases,
       ship_date, arrival_date, channel, priority_rank::INTEGER AS priority_rank, expected_units_sold_uplift,
       marginal_value::{_MONEY} AS marginal_value, opportunity_cost::{_MONEY} AS opportunity_cost,
       binding_constraint, rule_id, override_id, 'auto' AS approval_status, 'base' AS scenario_id
FROM lines ORDER BY from_location_id, to_location_id, sku_id
"""
_NEEDS = f"""
SELECT $day::DATE AS business_date, from_location_id, to_location_id, sku_id, channel, department,
       need_units, units AS allocated_units, greatest(need_units - units, 0) AS shorted_units,
       on_hand, believed_on_hand, probability_wrong, record_action, record_buffer_rate, in_transit, position_units, supply_units, daily_mean, dispersion, horizon_days::INTEGER AS horizon_days,
       case_pack, presentation_min, shelf_capacity,
       marginal_value::{_MONEY} AS marginal_value, next_case_value::{_MONEY} AS next_case_value,
       opportunity_cost::{_MONEY} AS opportunity_cost, objective_value::{_MONEY} AS objective_value,
       greatest(objective_bound::{_MONEY}, objective_value::{_MONEY}) AS objective_bound,
       presentation_bonus::{_MONEY} AS presentation_bonus,
       binding_constraint, rule_id, override_id, ship_date, arrival_date, is_blocked,
       receiving_capacity_units, dispatch_capacity_units, dispatch_capacity_lines,
       order_units, min_ship_units, line_cost::{_MONEY} AS line_cost, pool, pool_cap_units, forced_units, least_change,
       kept_value_per_unit::{_MONEY} AS kept_value_per_unit, supply_price::{_MONEY} AS supply_price,
       pool_price::{_MONEY} AS pool_price, receiving_price::{_MONEY} AS receiving_price,
       dispatch_price::{_MONEY} AS dispatch_price, line_price::{_MONEY} AS line_price, is_repaired
FROM plan WHERE need_units > 0 OR units > 0 ORDER BY from_location_id, to_location_id, sku_id
"""
_CERTIFICATE = f"""
WITH slices AS (
    SELECT from_location_id, objective_value::{_MONEY} AS value,
           greatest(objective_bound::{_MONEY}, objective_value::{_MONEY}) AS bound, presentation_bonus::{_MONEY} AS bonus
    FROM plan WHERE need_units > 0 OR units > 0
), totals AS (
    SELECT coalesce(from_location_id, '*') AS from_location_id, sum(value) AS value, sum(bound) AS bound, sum(bonus) AS bonus
    FROM slices GROUP BY GROUPING SETS ((from_location_id), ())
), bounded AS (
    SELECT c.from_location_id, coalesce(t.value, 0)::{_MONEY} AS objective_value,
           (coalesce(t.bound, 0) + greatest(c.rent, 0)::{_MONEY})::{_MONEY} AS objective_bound,
           coalesce(t.bonus, 0)::{_MONEY} AS presentation_bonus
    FROM certificate AS c LEFT JOIN totals AS t USING (from_location_id)
)
SELECT $day::DATE AS business_date, *,
       CASE WHEN objective_bound > 0 THEN 1 - objective_value::DOUBLE / objective_bound::DOUBLE END AS optimality_gap
FROM bounded ORDER BY from_location_id
"""
DECISIONS = {"allocations": _ALLOCATIONS, "allocation_needs": _NEEDS, "allocation_certificate": _CERTIFICATE}

#: Firm lines of the date, and those handed over that may still count as on their way (semantics 20: arrival + 7 days).
CARRY = """
SELECT 'firm_line' AS kind, from_location_id, to_location_id, sku_id, units, ship_date, arrival_date, business_date AS decided_on
FROM read_parquet($lines, hive_partitioning = false) WHERE is_firm
UNION ALL
SELECT kind, from_location_id, to_location_id, sku_id, units, ship_date, arrival_date, decided_on
FROM read_parquet($previous, hive_partitioning = false) WHERE arrival_date + 7 >= $day::DATE AND decided_on < $day::DATE
ORDER BY decided_on, from_location_id, to_location_id, sku_id
"""
