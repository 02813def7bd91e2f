"""A hand-made warehouse and lake of two landed dates, small enough to check by eye, that passes every gate.

One DC and one store, two SKUs. On the first date the books open; on the run's date (a Wednesday, two days later) the
store sells 3 of SKU A, 6 of A leave the DC of which 2 arrive, and the DC receives 20 of B and 1 damaged.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb

from tests.unit.quality.reconciliation_world import DECISIONS_PART, WAREHOUSE_PART

FIRST = date(2026, 3, 2)
RUN = date(2026, 3, 4)

WAREHOUSE = {
    **WAREHOUSE_PART,
    "stock_ledger": """
        SELECT movement_id, d::DATE AS business_date, location_id, sku_id, movement_type, bucket, units::BIGINT AS units,
            2.5::DECIMAL(18,6) AS unit_cost, 'feed' AS source_feed, movement_id AS source_key, 'f.csv' AS source_file,
            d::DATE AS posted_on, false AS is_reversal
        FROM (VALUES
            ('m1', '2026-03-02', 'DC1', 'A', 'opening', 'on_hand', 100),
            ('m2', '2026-03-02', 'DC1', 'B', 'opening', 'on_hand', 50),
            ('m3', '2026-03-02', 'S1', 'A', 'opening', 'on_hand', 10),
            ('m4', '2026-03-04', 'S1', 'A', 'sale', 'on_hand', -3),
            ('m5', '2026-03-04', 'DC1', 'A', 'transfer_out', 'on_hand', -6),
            ('m6', '2026-03-04', 'S1', 'A', 'transfer_out', 'in_transit', 6),
            ('m7', '2026-03-04', 'S1', 'A', 'transfer_in', 'on_hand', 2),
            ('m8', '2026-03-04', 'S1', 'A', 'transfer_in', 'in_transit', -2),
            ('m9', '2026-03-04', 'DC1', 'B', 'receipt', 'on_hand', 20),
            ('m10', '2026-03-04', 'DC1', 'B', 'receipt_damaged', 'damaged', 1)
        ) AS v(movement_id, d, location_id, sku_id, movement_type, bucket, units)""",
    "inventory_positions": """
        SELECT d::DATE AS business_date, location_id, sku_id, on_hand::BIGINT AS on_hand, damaged::BIGINT AS damaged,
            0::BIGINT AS reserved, 0::BIGINT AS committed, in_transit::BIGINT AS in_transit, 0::BIGINT AS on_order,
            on_hand::BIGINT AS available, (on_hand + in_transit)::BIGINT AS inventory_position,
            0::BIGINT AS in_transit_firm, 'healthy' AS stock_status,
            'owned' AS ownership, false AS is_unopened, true AS is_active
        FROM (VALUES
            ('2026-03-02', 'DC1', 'A', 100, 0, 0), ('2026-03-02', 'DC1', 'B', 50, 0, 0),
            ('2026-03-02', 'S1', 'A', 10, 0, 0), ('2026-03-04', 'DC1', 'A', 94, 0, 0),
            ('2026-03-04', 'DC1', 'B', 70, 1, 0), ('2026-03-04', 'S1', 'A', 9, 0, 4)
        ) AS v(d, location_id, sku_id, on_hand, damaged, in_transit)""",
    "reconciliations": """
        SELECT d::DATE AS business_date, location_id, sku_id, opening::BIGINT AS opening, receipts::BIGINT AS receipts,
            0::BIGINT AS returns_restocked, sales::BIGINT AS sales, t_in::BIGINT AS transfers_in,
            t_out::BIGINT AS transfers_out, adjustments::BIGINT AS adjustments, closing::BIGINT AS closing_book,
            NULL::BIGINT AS system_on_hand, counted::BIGINT AS counted_units, variance::BIGINT AS variance,
            NULL::VARCHAR AS explained_by, NULL::VARCHAR AS posted_by, NULL::BIGINT AS system_variance
        FROM (VALUES
            ('2026-03-02', 'DC1', 'A', 0, 0, 0, 0, 0, 100, 100, NULL, NULL),
            ('2026-03-02', 'DC1', 'B', 0, 0, 0, 0, 0, 50, 50, NULL, NULL),
            ('2026-03-02', 'S1', 'A', 0, 0, 0, 0, 0, 10, 10, NULL, NULL),
            ('2026-03-04', 'DC1', 'A', 100, 0, 0, 0, 6, 0, 94, NULL, NULL),
            ('2026-03-04', 'DC1', 'B', 50, 20, 0, 0, 0, 0, 70, NULL, NULL),
            ('2026-03-04', 'S1', 'A', 10, 0, 3, 2, 0, 0, 9, 9, 0)
        ) AS v(d, location_id, sku_id, opening, receipts, sales, t_in, t_out, adjustments, closing, counted, variance)""",
    "int_allocation_pairs": """
        SELECT 'DC1' AS from_location_id, 'S1' AS to_location_id, sku_id, is_blocked, max_units::BIGINT AS max_units,
            'MTWTF--' AS ship_days, 'MTWTF--' AS receiving_days, 12::BIGINT AS receiving_capacity_units, 1::BIGINT AS release_days
        FROM (VALUES ('A', false, 9), ('B', true, NULL)) AS v(sku_id, is_blocked, max_units)""",
    "int_dc_supply": """
        SELECT 'DC1' AS location_id, sku_id, available::BIGINT AS available, 30::BIGINT AS dispatch_capacity_units,
            1::BIGINT AS dispatch_capacity_lines
        FROM (VALUES ('A', 94), ('B', 70)) AS v(sku_id, available)""",
    "int_replenishment_pairs": """
        SELECT 'DC1' AS location_id, sku_id, 'V1' AS from_id, on_hand::BIGINT AS on_hand, 0::BIGINT AS in_transit, on_order::BIGINT AS on_order,
            0::BIGINT AS backorders, 2::BIGINT AS reserved, reason AS block_reason
        FROM (VALUES ('A', 94, 17, NULL), ('B', 70, 0, 'lifecycle_exit')) AS v(sku_id, on_hand, on_order, reason)""",
    "int_on_order": """
        SELECT DATE '2026-03-04' AS business_date, po_id, 'DC1' AS location_id, 'A' AS sku_id, units::BIGINT AS units
        FROM (VALUES ('P1', 12), ('P2', 5)) AS v(po_id, units)""",
    "int_demand_daily": """
        SELECT DATE '2026-03-04' AS business_date, 'S1' AS location_id, 'A' AS sku_id, 3::BIGINT AS sales_units,
            30::DECIMAL(18,6) AS net_sales""",
    "kpi_daily": """
        SELECT DATE '2026-03-04' AS business_date, location_id, department, units::BIGINT AS sales_units,
            (units * 10)::DECIMAL(28,6) AS net_sales, 0::BIGINT AS returned_units, 0::DECIMAL(28,6) AS refunds,
            value::DECIMAL(28,6) AS inventory_value, 0::BIGINT AS stockout_positions, 0::BIGINT AS overstock_positions,
            0.25::DECIMAL(28,6) * units AS lost_sales_units, units::DECIMAL(28,6) AS lost_sales_value,
            0.9::DOUBLE AS fill_rate, 0.9::DOUBLE AS on_shelf_availability, 1::DOUBLE AS in_stock_rate,
            NULL::DOUBLE AS inventory_record_accuracy, NULL::DOUBLE AS inventory_record_accuracy_window,
            NULL::DOUBLE AS ira_exact, NULL::DOUBLE AS ira_units, NULL::DOUBLE AS ira_value, NULL::DOUBLE AS ira_value_net,
            1::DOUBLE AS count_coverage_rate, NULL::DOUBLE AS record_error_units, NULL::DOUBLE AS days_to_correct,
            0::DECIMAL(28,6) AS shrink_value, units::BIGINT AS open_variances, value::DECIMAL(28,6) AS open_variance_value,
            units::BIGINT AS corrections, units::BIGINT AS covered_positions, 0.1::DOUBLE AS sell_through, 0::DOUBLE AS return_rate,
            (4 * units)::DECIMAL(28,6) AS gross_margin, (2 * units)::BIGINT AS active_positions, 0::BIGINT AS open_order_units,
            units::BIGINT AS critical_positions, 0::BIGINT AS obsolete_positions,
            (4 * units)::BIGINT AS order_units_due, (3 * units)::BIGINT AS order_units_filled, (2 * units)::BIGINT AS order_lines_due,
            units::BIGINT AS order_lines_filled, units::BIGINT AS orders_due, 0::BIGINT AS orders_filled,
            CASE WHEN units > 0 THEN 0.75::DOUBLE END AS unit_fill_rate, CASE WHEN units > 0 THEN 0.5::DOUBLE END AS line_fill_rate,
            CASE WHEN units > 0 THEN 0::DOUBLE END AS order_fill_rate
        FROM (VALUES
            ('DC1', 'Food', 0, 300), ('S1', 'Food', 2, 20), ('S1', 'Toys', 1, 5), ('DC1', '*', 0, 300),
            ('S1', '*', 3, 25), ('*', 'Food', 2, 320), ('*', 'Toys', 1, 5), ('*', '*', 3, 325)
        ) AS v(location_id, department, units, value)""",
    # The run's date is the only one with sales: every period holds the same. Last year sold half of it for as many units; the plan is four times it.
    "kpi_periods": """
        SELECT DATE '2026-03-04' AS business_date, period, period_from::DATE AS period_from, dimension, member, department, 1::BIGINT AS dates,
            units::BIGINT AS sales_units, (units * 10)::DECIMAL(28,6) AS net_sales, 0::DECIMAL(28,6) AS refunds, (units * 6)::DECIMAL(28,6) AS cogs,
            0::DECIMAL(28,6) AS restocked_cost, (units * 4)::DECIMAL(28,6) AS gross_margin, 0::BIGINT AS returned_units,
            0.25::DECIMAL(28,6) * units AS lost_sales_units, units::DECIMAL(28,6) AS lost_sales_value, (2 * units)::BIGINT AS active_positions,
            0::BIGINT AS stockout_positions, units::BIGINT AS critical_positions, 0::BIGINT AS overstock_positions, 0::BIGINT AS obsolete_positions,
            value::DECIMAL(28,6) AS inventory_value, 0::BIGINT AS open_order_units,
            (4 * units)::BIGINT AS order_units_due, (3 * units)::BIGINT AS order_units_filled, (2 * units)::BIGINT AS order_lines_due,
            units::BIGINT AS order_lines_filled, units::BIGINT AS orders_due, 0::BIGINT AS orders_filled,
            units::DECIMAL(28,6) AS active_demand_units, (0.9 * units)::DECIMAL(28,6) AS on_shelf_demand_units, 0::BIGINT AS counted_records,
            0::BIGINT AS accurate_records, units::BIGINT AS scored_units, (0.5 * units)::DECIMAL(28,6) AS forecast_error_units_abs,
            (-0.25 * units)::DECIMAL(28,6) AS forecast_error_units,
            CASE WHEN units > 0 THEN 0::DOUBLE END AS return_rate, CASE WHEN units > 0 THEN 0.8::DOUBLE END AS fill_rate,
            CASE WHEN units > 0 THEN 0.75::DOUBLE END AS unit_fill_rate, CASE WHEN units > 0 THEN 0.5::DOUBLE END AS line_fill_rate,
            CASE WHEN units > 0 THEN 0::DOUBLE END AS order_fill_rate, CASE WHEN units > 0 THEN 1::DOUBLE END AS in_stock_rate,
            CASE WHEN units > 0 THEN 0.9::DOUBLE END AS on_shelf_availability, NULL::DOUBLE AS inventory_record_accuracy,
            CASE WHEN units > 0 THEN 0.5::DOUBLE END AS forecast_wape, CASE WHEN units > 0 THEN -0.25::DOUBLE END AS forecast_bias,
            (units * 5)::DECIMAL(28,6) AS net_sales_last_year, CASE WHEN units > 0 THEN 1::DOUBLE END AS net_sales_growth,
            CASE WHEN planned THEN (units * 40)::DECIMAL(28,6) END AS planned_sales_of_month,
            CASE WHEN planned AND units > 0 THEN 0.25::DOUBLE END AS net_sales_to_plan,
            (2 * units)::DECIMAL(28,6) AS markdowns, (8 * units)::DECIMAL(28,6) AS receipts_retail, (2 * value)::DECIMAL(28,6) AS inventory_retail,
            value::DECIMAL(28,6) AS inventory_value_days, 1::BIGINT AS stock_dates, value::DECIMAL(28,6) AS mean_inventory_value,
            CASE WHEN planned THEN (units * 4)::DECIMAL(28,6) END AS planned_markdowns_of_month,
            CASE WHEN planned AND units > 0 THEN 0.5::DOUBLE END AS markdowns_to_plan,
            CASE WHEN planned THEN (units * 10)::DECIMAL(28,6) END AS planned_receipts_of_month,
            CASE WHEN planned AND units > 0 THEN 0.8::DOUBLE END AS receipts_to_plan,
            CASE WHEN planned THEN (value * 4)::DECIMAL(28,6) END AS planned_eom_inventory,
            CASE WHEN planned THEN 0.5::DOUBLE END AS inventory_to_plan,
            units::BIGINT AS sales_units_last_year, (units * 3)::DECIMAL(28,6) AS cogs_last_year, (units * 2)::DECIMAL(28,6) AS gross_margin_last_year,
            0::DECIMAL(28,6) AS refunds_last_year, 0::DECIMAL(28,6) AS restocked_cost_last_year, units::DECIMAL(28,6) AS markdowns_last_year,
            units::DECIMAL(28,6) AS receipts_retail_last_year, 0::BIGINT AS returned_units_last_year, 0::DECIMAL(28,6) AS lost_sales_units_last_year,
            0::DECIMAL(28,6) AS lost_sales_value_last_year, units::BIGINT AS active_positions_last_year, 0::BIGINT AS stockout_positions_last_year,
            units::BIGINT AS order_units_due_last_year, units::BIGINT AS order_units_filled_last_year, units::BIGINT AS order_lines_due_last_year,
            units::BIGINT AS order_lines_filled_last_year, units::BIGINT AS orders_due_last_year, units::BIGINT AS orders_filled_last_year,
            value::DECIMAL(28,6) AS inventory_value_days_last_year
        FROM (
            SELECT *, period = 'month_to_date' AND dimension IN ('department', 'total') AS planned
            FROM (VALUES ('day', '2026-03-04'), ('week_to_date', '2026-03-02'), ('month_to_date', '2026-03-01'), ('year_to_date', '2026-01-01'))
                AS p(period, period_from)
            CROSS JOIN (VALUES
                ('total', '*', '*', 3, 325), ('location', 'DC1', '*', 0, 300), ('location', 'S1', '*', 3, 25), ('department', 'Food', '*', 2, 320),
                ('department', 'Toys', '*', 1, 5), ('channel', 'store', '*', 3, 25), ('channel', 'unassigned', '*', 0, 300),
                ('region', 'north', '*', 3, 325), ('cluster', 'unassigned', '*', 3, 325), ('class', 'Tins', '*', 3, 325), ('segment', 'A', '*', 2, 320),
                ('segment', 'C', '*', 1, 5), ('location_department', 'DC1', 'Food', 0, 300), ('location_department', 'S1', 'Food', 2, 20),
                ('location_department', 'S1', 'Toys', 1, 5), ('channel_department', 'store', 'Food', 2, 20), ('channel_department', 'store', 'Toys', 1, 5),
                ('channel_department', 'unassigned', 'Food', 0, 300), ('region_department', 'north', 'Food', 2, 320),
                ('region_department', 'north', 'Toys', 1, 5), ('cluster_department', 'unassigned', 'Food', 2, 320), ('cluster_department', 'unassigned', 'Toys', 1, 5)
            ) AS v(dimension, member, department, units, value)
        )""",
    "allocation_performance": """
        SELECT DATE '2026-03-04' AS business_date, channel, department, 12::BIGINT AS requested_units,
            6::BIGINT AS allocated_units, 6::BIGINT AS shorted_units, 0.5::DOUBLE AS allocation_fill_rate,
            0::BIGINT AS backlog_units, 5::DECIMAL(28,6) AS objective_value, bound::DECIMAL(28,6) AS objective_bound,
            1 - 5 / bound::DOUBLE AS optimality_gap
        FROM (VALUES ('store', 'Food', 6), ('store', '*', 6), ('*', 'Food', 6), ('*', '*', 8))
            AS v(channel, department, bound)""",
    "feed_accounting": """
        SELECT 'pos' AS feed, DATE '2026-03-04' AS business_date, file, landed::BIGINT AS rows_landed,
            loaded::BIGINT AS rows_loaded, 1::BIGINT AS rows_duplicate, quarantined::BIGINT AS rows_quarantined,
            0::BIGINT AS rows_late
        FROM (VALUES ('a.csv', 4, 2, 1), ('b.csv', 2, 1, 0)) AS v(file, landed, loaded, quarantined)
        UNION ALL SELECT 'pos', DATE '2026-03-02', 'c.csv', 1, 1, 0, 0, 0""",
    "quarantine": """
        SELECT 'pos' AS feed, DATE '2026-03-04' AS business_date, file, line::BIGINT AS line, 'x,y' AS raw_text,
            reasons, DATE '2026-03-04' AS first_seen, resolved::DATE AS resolved_on
        FROM (VALUES ('a.csv', 3, ['bad_type', 'out_of_range'], NULL), ('b.csv', 2, ['unknown_sku'], '2026-03-05'))
            AS v(file, line, reasons, resolved)""",
}

DECISIONS = {
    **DECISIONS_PART,
    "demand_forecasts": """
        SELECT DATE '2026-03-04' AS business_date, 'S1' AS location_id, sku_id, 1.5::DOUBLE AS daily_mean,
            1.2::DOUBLE AS dispersion, 3::BIGINT AS p50, 5::BIGINT AS p90, 5::BIGINT AS p95, 7::BIGINT AS p99,
            2 AS horizon_days, 1.5::DOUBLE AS next_day_mean, 1.2::DOUBLE AS next_day_dispersion,
            1.4::DOUBLE AS base_daily_mean, 'own_level' AS method, 40::DOUBLE AS observed_days, 2 AS censored_days
        FROM (VALUES ('A'), ('B')) AS v(sku_id)""",
    "forecast_accuracy": """
        SELECT DATE '2026-03-04' AS business_date, DATE '2026-03-02' AS evaluated_on, 'pair' AS level, '*' AS segment,
            method, difference IS NULL AS is_champion, 4 AS windows, 9::BIGINT AS series, 250::BIGINT AS scored_days,
            400::DECIMAL(18,3) AS scored_units, 0.5::DOUBLE AS wape, 0.5::DOUBLE AS wape_mean, -0.01::DOUBLE AS bias,
            0.9::DOUBLE AS mase, 0.8::DOUBLE AS rmsse, 0.3::DOUBLE AS scaled_pinball_loss,
            0.4::DOUBLE AS weighted_quantile_loss, 0.6::DOUBLE AS coverage_50, 0.8::DOUBLE AS coverage_80,
            0.95::DOUBLE AS coverage_95, 0.79::DOUBLE AS pit_80, difference::DOUBLE AS wape_difference,
            difference - 0.01::DOUBLE AS wape_difference_low, difference + 0.01::DOUBLE AS wape_difference_high,
            difference::DOUBLE AS pinball_difference, NULL::DOUBLE AS pinball_difference_low,
            NULL::DOUBLE AS pinball_difference_high
        FROM (VALUES ('champion', NULL), ('tsb', -0.02)) AS v(method, difference)""",
    "sku_segments": """
        SELECT DATE '2026-03-04' AS business_date, sku_id, abc, 'X' AS xyz, 'smooth' AS demand_class,
            'fast' AS velocity, margin::DOUBLE AS margin_rate, 'core' AS lifecycle, false AS strategic, 0.95::DOUBLE AS service_target
        FROM (VALUES ('A', 'A', 0.4), ('B', 'C', NULL)) AS v(sku_id, abc, margin)""",
    "demand_signals": """
        SELECT DATE '2026-03-04' AS business_date, location_id, 'A' AS sku_id, signal, direction, observed::DATE AS observed_on,
            value::DOUBLE AS value, threshold::DOUBLE AS threshold, 2::DOUBLE AS units, 20::DECIMAL(18,6) AS value_at_risk,
            'seen' AS detail
        FROM (VALUES ('S1', 'bias', 'down', '2026-03-04', 0.5, 0.3), ('S1', 'outlier', 'up', '2026-03-03', 1e-9, 1e-6),
            ('*', 'stop', 'down', '2026-03-04', 1e-7, 1e-6)) AS v(location_id, signal, direction, observed, value, threshold)""",
    "sku_segment_changes": """
        SELECT DATE '2026-03-04' AS business_date, 'A' AS sku_id, 'abc' AS dimension, 'B' AS old_class, 'A' AS new_class,
            'margin share of better items 0.770 past 0.800 by 0.030' AS reason
        UNION ALL SELECT '2026-03-04', 'A', 'lifecycle', 'new', 'core', 'neither new nor without a sale for 90 days'""",
    "allocations": """
        SELECT DATE '2026-03-04' AS business_date, 'h1' AS allocation_id, 'DC1' AS from_location_id,
            'S1' AS to_location_id, 'A' AS sku_id, true AS is_firm, 6::BIGINT AS units, 1::BIGINT AS cases,
            DATE '2026-03-05' AS ship_date, DATE '2026-03-06' AS arrival_date, 'store' AS channel, 1 AS priority_rank,
            2.5::DOUBLE AS expected_units_sold_uplift, 4::DECIMAL(18,6) AS marginal_value,
            1::DECIMAL(18,6) AS opportunity_cost, 'case_pack' AS binding_constraint, NULL::VARCHAR AS rule_id,
            NULL::VARCHAR AS override_id, 'auto' AS approval_status, 'base' AS scenario_id""",
    "allocation_needs": """
        SELECT DATE '2026-03-04' AS business_date, 'DC1' AS from_location_id, 'S1' AS to_location_id, sku_id,
            'store' AS channel, 'Food' AS department, need::BIGINT AS need_units, allocated::BIGINT AS allocated_units,
            (need - allocated)::BIGINT AS shorted_units, position::BIGINT AS position_units, supply::BIGINT AS supply_units,
            6::BIGINT AS case_pack, shelf::BIGINT AS shelf_capacity, value::DECIMAL(18,6) AS objective_value,
            bound::DECIMAL(18,6) AS objective_bound, constraint_name AS binding_constraint, 12::BIGINT AS receiving_capacity_units,
            is_blocked, 6::BIGINT AS order_units, 6::BIGINT AS min_ship_units, 0::DECIMAL(18,6) AS line_cost,
            'quota ecom' AS pool, 10::BIGINT AS pool_cap_units, 0::BIGINT AS forced_units, NULL::VARCHAR AS least_change,
            0::DECIMAL(18,6) AS kept_value_per_unit, 1::DECIMAL(18,6) AS supply_price, 0::DECIMAL(18,6) AS pool_price,
            0::DECIMAL(18,6) AS receiving_price, 0::DECIMAL(18,6) AS dispatch_price, 0::DECIMAL(18,6) AS line_price,
            false AS is_repaired
        FROM (VALUES ('A', 8, 6, 13, 84, 20, 5, 6, 'case_pack', false), ('B', 4, 0, 0, 70, NULL, 0, 0, 'blocked', true))
            AS v(sku_id, need, allocated, position, supply, shelf, value, bound, constraint_name, is_blocked)""",
    "record_beliefs": """
        SELECT DATE '2026-03-04' AS business_date, location_id, sku_id, book::BIGINT AS book_on_hand,
            believed::BIGINT AS believed_on_hand, wrong::DOUBLE AS probability_wrong, empty::DOUBLE AS probability_empty,
            0::DOUBLE AS probability_hidden, 0 AS zero_sales_days, NULL::INTEGER AS days_since_count, 'age' AS evidence
        FROM (VALUES ('DC1', 'A', 94, 94, 0.1, 0), ('DC1', 'B', 70, 70, 0.1, 0), ('S1', 'A', 9, 5, 0.5, 0.4))
            AS v(location_id, sku_id, book, believed, wrong, empty)""",
    "count_list": """
        SELECT DATE '2026-03-04' AS business_date, location_id, sku_id, rank AS count_rank, 1 AS location_rank,
            wrong::DOUBLE AS probability_wrong, 0::DOUBLE AS probability_empty, 9::DECIMAL(18,6) AS expected_gain,
            9::BIGINT AS book_on_hand, 5::BIGINT AS believed_on_hand, NULL::INTEGER AS days_since_count, 'never counted' AS reason
        FROM (VALUES ('S1', 'A', 1, 0.5), ('DC1', 'A', 2, 0.1)) AS v(location_id, sku_id, rank, wrong)""",
    "location_reliability": """
        SELECT DATE '2026-03-04' AS business_date, location_id, false AS is_chronic_receiving, chronic AS is_chronic_shrink,
            action, 0.1::DOUBLE AS buffer_rate
        FROM (VALUES ('S1', true, 'buffer'), ('S2', false, 'none')) AS v(location_id, chronic, action)""",
    "lead_times": """
        SELECT DATE '2026-03-04' AS business_date, from_id, 'DC1' AS to_location_id, 'supplier' AS lane_class, basis,
            0.5::DOUBLE AS credibility, 3.0::DOUBLE AS lead_mean_days, 0.5::DOUBLE AS lead_variance_days2,
            0.5::DOUBLE AS delay_variance_days2, 0.25::DOUBLE AS late_share, 0.1::DOUBLE AS short_rate, 0.0::DOUBLE AS damaged_rate,
            3 AS lead_p50_days, 4 AS lead_p90_days, 5 AS lead_p95_days, 0 AS delay_p50_days, 1 AS delay_p90_days, 1 AS delay_p95_days,
            'none' AS drift_of, [0.0, 0.25, 0.75] AS lead_probabilities, [0.75, 0.25] AS delay_probabilities
        FROM (VALUES ('V1', 'lane_history'), ('V2', 'stated')) AS v(from_id, basis)""",
    "vendor_scorecards": """
        SELECT DATE '2026-03-04' AS business_date, supplier_id, 0.9::DOUBLE AS on_time_rate, 0.8::DOUBLE AS in_full_rate,
            0.75::DOUBLE AS otif_rate, 0.1::DOUBLE AS short_rate, 0.0::DOUBLE AS damaged_rate, 100::BIGINT AS ordered_units,
            90::BIGINT AS received_units, 10::BIGINT AS short_units, 2::BIGINT AS damaged_units
        FROM (VALUES ('*'), ('V1')) AS v(supplier_id)""",
    "inbound_predictions": """
        SELECT DATE '2026-03-04' AS business_date, po_id, 'DC1' AS location_id, 'A' AS sku_id, promised::BIGINT AS promised_units,
            predicted::BIGINT AS predicted_units, DATE '2026-03-05' AS predicted_date, DATE '2026-03-07' AS predicted_date_p90,
            'lane_history' AS basis
        FROM (VALUES ('P1', 12, 11), ('P2', 5, 5)) AS v(po_id, promised, predicted)""",
    "replenishment_orders": """
        SELECT DATE '2026-03-04' AS business_date, 'V1' AS supplier_id, 'DC1' AS location_id, 'A' AS sku_id, 24::BIGINT AS units,
            6::BIGINT AS case_pack, 4::BIGINT AS cases, 12::BIGINT AS order_multiple, DATE '2026-03-05' AS order_date,
            DATE '2026-03-12' AS expected_date, 139::BIGINT AS reorder_point, 140::BIGINT AS order_up_to,
            118::BIGINT AS inventory_position, 9::BIGINT AS stock_below, 150::BIGINT AS contract_max,
            'order_multiple' AS binding_constraint, 'pending' AS approval_status, 'over' AS held_reason,
            'plan' AS held_under, 5::DECIMAL(18,6) AS overrun, NULL::BIGINT AS overrun_units, 'supply_planner' AS approver_role,
            1::INTEGER AS approvals_needed, 0::INTEGER AS approvals_given, NULL::VARCHAR AS approved_by, DATE '2026-03-07' AS due_on, 'default' AS rule_id""",
    "service_levels": """
        SELECT DATE '2026-03-04' AS business_date, segment, 'dc' AS location_type, 1::BIGINT AS pairs, 3.0::DOUBLE AS daily_mean_units,
            0.98::DOUBLE AS fill_rate_aimed_at, 0.95::DOUBLE AS cycle_service_aimed_at, 0.99::DOUBLE AS recommended_service_target,
            0.97::DOUBLE AS recommended_cycle_service, 4::BIGINT AS removable_units, 1::DECIMAL(18,6) AS point_gain_per_day
        FROM (VALUES ('A'), ('B')) AS v(segment)""",
    "stock_placement": """
        SELECT DATE '2026-03-04' AS business_date, 'DC1' AS dc_location_id, 'A' AS segment, location_id, is_dc, 0.95::DOUBLE AS service_target,
            days::BIGINT AS stage_days, service::BIGINT AS service_days, net::BIGINT AS net_lead_days, 2.0::DOUBLE AS daily_sd_units,
            3.0::DOUBLE AS safety_stock_units, cost::DECIMAL(18,6) AS cost_per_day, at_stores::DECIMAL(18,6) AS cost_at_stores_per_day
        FROM (VALUES ('DC1', true, 7, 3, 4, 2.0, 0.0), ('S1', false, 2, 0, 5, 3.0, 6.0))
            AS v(location_id, is_dc, days, service, net, cost, at_stores)""",
    # The store is out of B by belief alone: three quarters phantom stock, a quarter nobody explains.
    "stock_out_causes": """
        SELECT DATE '2026-03-04' AS business_date, 'S1' AS location_id, 'B' AS sku_id, 'Food' AS department, cause, 'stock_out' AS kind, 'belief' AS basis,
            share::DECIMAL(4,3) AS share, 1.5::DECIMAL(18,6) AS position_units, 6::DECIMAL(18,3) AS position_value,
            (6 * share)::DECIMAL(18,6) AS value, dataset AS evidence_dataset, key AS evidence_key, rows::BIGINT AS evidence_rows
        FROM (VALUES ('phantom_stock', 0.75, 'record_beliefs', '2026-03-04|S1|B', 1), ('unexplained', 0.25, NULL, NULL, 0))
            AS v(cause, share, dataset, key, rows)""",
    "exceptions": """
        SELECT DATE '2026-03-04' AS business_date, 'x' || n AS exception_id, 'late_delivery' AS kind, 'DC' || n AS cause_key,
            'low' AS severity, NULL::VARCHAR AS sku_id, 'DC' || n AS location_id, n::DECIMAL(18,6) AS value_at_risk,
            'logistics_manager' AS owner_role, opened::DATE AS opened_on, opened::DATE + 1 AS due_on,
            resolved::DATE AS resolved_on, level AS escalation_level, status, 'shipment_lines:SHP1|1' AS evidence,
            'late' AS detail, 'ask' AS recommended_action
        FROM (VALUES (1, '2026-03-02', NULL, 1, 'open'), (2, '2026-03-04', NULL, 0, 'open'),
            (3, '2026-03-02', '2026-03-04', 0, 'resolved')) AS v(n, opened, resolved, level, status)""",
    "allocation_certificate": """
        SELECT DATE '2026-03-04' AS business_date, from_location_id, 5::DECIMAL(18,6) AS objective_value,
            bound::DECIMAL(18,6) AS objective_bound, 0::DECIMAL(18,6) AS presentation_bonus, gap::DOUBLE AS optimality_gap
        FROM (VALUES ('*', 8, 0.375), ('DC1', 6, 1 - 5 / 6::DOUBLE)) AS v(from_location_id, bound, gap)""",
}

#: The published tables that the invariants read.
PUBLISHED = {
    **{name: WAREHOUSE[name] for name in
       ("stock_ledger", "inventory_positions", "reconciliations", "allocation_performance", "feed_accounting")},
    **{name: DECISIONS[name] for name in ("allocations", "allocation_needs")},
}  # fmt: skip


@dataclass(frozen=True)
class World:
    """A warehouse file and a lake folder on disk."""

    root: Path

    @property
    def warehouse(self) -> Path:
        return self.root / "warehouse.duckdb"

    @property
    def lake(self) -> Path:
        return self.root / "lake"

    def decision(self, dataset: str) -> Path:
        return self.lake / "decisions" / dataset / f"business_date={RUN}" / "data.parquet"

    def changed(self, root: Path, dataset: str, sql: str) -> World:
        """A copy with `sql` run over the table or the decision file `dataset`."""
        shutil.copytree(self.root, root)
        copy = World(root)
        if dataset in WAREHOUSE:
            with duckdb.connect(str(copy.warehouse)) as connection:
                connection.execute(sql)
            return copy
        path = copy.decision(dataset)
        with duckdb.connect() as connection:
            connection.execute(f"CREATE TABLE {dataset} AS FROM read_parquet('{path}', hive_partitioning = false)")
            connection.execute(sql)
            connection.execute(f"COPY {dataset} TO '{path}'")
        return copy


def build_world(root: Path) -> World:
    """Write the good world under `root`."""
    world = World(root)
    root.mkdir(parents=True, exist_ok=True)
    with duckdb.connect(str(world.warehouse)) as connection:
        for name, sql in WAREHOUSE.items():
            connection.execute(f"CREATE TABLE {name} AS {sql}")
        for name, sql in DECISIONS.items():
            path = world.decision(name)
            path.parent.mkdir(parents=True)
            connection.execute(f"COPY ({sql}) TO '{path}'")
    return world
