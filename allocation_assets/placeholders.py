"""Zero-row files of every decided dataset, so that dbt can read the lake before anything was decided.

The columns are the contract between the deciding assets and dbt's sources; a test holds them equal to what is written.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

from allocation_assets.tables import copy_whole

NEVER = "0001-01-01"

_PAIR = "business_date DATE, from_location_id VARCHAR, to_location_id VARCHAR, sku_id VARCHAR"
_MONEY = "DECIMAL(18, 6)"
SCHEMAS = {
    "decisions/demand_forecasts": (
        "business_date DATE, location_id VARCHAR, sku_id VARCHAR, daily_mean DOUBLE, dispersion DOUBLE, p50 BIGINT,"
        " p90 BIGINT, p95 BIGINT, p99 BIGINT, horizon_days INTEGER, next_day_mean DOUBLE,"
        " next_day_dispersion DOUBLE, base_daily_mean DOUBLE, method VARCHAR, observed_days DOUBLE,"
        " censored_days INTEGER"
    ),
    "decisions/demand_signals": (
        "business_date DATE, location_id VARCHAR, sku_id VARCHAR, signal VARCHAR, direction VARCHAR, observed_on DATE,"
        f" value DOUBLE, threshold DOUBLE, units DOUBLE, value_at_risk {_MONEY}, detail VARCHAR"
    ),
    "decisions/forecast_accuracy": (
        "business_date DATE, evaluated_on DATE, level VARCHAR, segment VARCHAR, method VARCHAR, is_champion BOOLEAN,"
        " windows INTEGER, series BIGINT, scored_days BIGINT, scored_units DECIMAL(18, 3), wape DOUBLE, wape_mean DOUBLE,"
        " bias DOUBLE, mase DOUBLE, rmsse DOUBLE, scaled_pinball_loss DOUBLE, weighted_quantile_loss DOUBLE,"
        " coverage_50 DOUBLE, coverage_80 DOUBLE, coverage_95 DOUBLE, pit_80 DOUBLE, wape_difference DOUBLE,"
        " wape_difference_low DOUBLE, wape_difference_high DOUBLE, pinball_difference DOUBLE,"
        " pinball_difference_low DOUBLE, pinball_difference_high DOUBLE"
    ),
    "decisions/sku_segments": (
        "business_date DATE, sku_id VARCHAR, abc VARCHAR, xyz VARCHAR, demand_class VARCHAR, velocity VARCHAR,"
        " margin_rate DOUBLE, lifecycle VARCHAR, strategic BOOLEAN, service_target DOUBLE"
    ),
    "decisions/sku_segment_changes": (
        "business_date DATE, sku_id VARCHAR, dimension VARCHAR, old_class VARCHAR, new_class VARCHAR, reason VARCHAR"
    ),
    "decisions/allocations": (
        "business_date DATE, allocation_id VARCHAR, from_location_id VARCHAR, to_location_id VARCHAR, sku_id VARCHAR,"
        " is_firm BOOLEAN, units BIGINT, cases BIGINT, ship_date DATE, arrival_date DATE, channel VARCHAR,"
        f" priority_rank INTEGER, expected_units_sold_uplift DOUBLE, marginal_value {_MONEY}, opportunity_cost {_MONEY},"
        " binding_constraint VARCHAR, rule_id VARCHAR, override_id VARCHAR, approval_status VARCHAR, scenario_id VARCHAR"
    ),
    "decisions/allocation_needs": (
        f"{_PAIR}, channel VARCHAR, department VARCHAR, need_units BIGINT, allocated_units BIGINT, shorted_units BIGINT,"
        " on_hand BIGINT, believed_on_hand BIGINT, probability_wrong DOUBLE, record_action VARCHAR, record_buffer_rate DOUBLE,"
        " in_transit BIGINT, position_units BIGINT, supply_units BIGINT, daily_mean DOUBLE,"
        " dispersion DOUBLE, horizon_days INTEGER, case_pack BIGINT, presentation_min BIGINT, shelf_capacity BIGINT,"
        f" marginal_value {_MONEY}, next_case_value {_MONEY}, opportunity_cost {_MONEY}, objective_value {_MONEY},"
        f" objective_bound {_MONEY}, presentation_bonus {_MONEY}, binding_constraint VARCHAR, rule_id VARCHAR,"
        " override_id VARCHAR, ship_date DATE, arrival_date DATE, is_blocked BOOLEAN, receiving_capacity_units BIGINT,"
        " dispatch_capacity_units BIGINT, dispatch_capacity_lines BIGINT, order_units BIGINT, min_ship_units BIGINT,"
        f" line_cost {_MONEY}, pool VARCHAR, pool_cap_units BIGINT, forced_units BIGINT, least_change VARCHAR,"
        f" kept_value_per_unit {_MONEY}, supply_price {_MONEY}, pool_price {_MONEY}, receiving_price {_MONEY},"
        f" dispatch_price {_MONEY}, line_price {_MONEY}, is_repaired BOOLEAN"
    ),
    "decisions/allocation_certificate": (
        f"business_date DATE, from_location_id VARCHAR, objective_value {_MONEY}, objective_bound {_MONEY},"
        f" presentation_bonus {_MONEY}, optimality_gap DOUBLE"
    ),
    "decisions/approval_outcomes": (
        "business_date DATE, approval_id VARCHAR, dataset VARCHAR, row_key VARCHAR, kind VARCHAR, "
        "about_date DATE, location_id VARCHAR, sku_id VARCHAR, source_id VARCHAR, decision VARCHAR, "
        "decided_by VARCHAR, role VARCHAR, decided_at TIMESTAMP, outcome VARCHAR"
    ),
    "decisions/variance_causes": (
        "business_date DATE, counted_on DATE, location_id VARCHAR, sku_id VARCHAR, count_id VARCHAR, "
        "cause VARCHAR, units BIGINT, evidence_feed VARCHAR, evidence_key VARCHAR"
    ),
    "decisions/adjustments_proposed": (
        "business_date DATE, location_id VARCHAR, sku_id VARCHAR, source_id VARCHAR, row_key VARCHAR, "
        "kind VARCHAR, about_date DATE, proposed_on DATE, book_units BIGINT, counted_units BIGINT, "
        "variance_units BIGINT, variance_value DECIMAL(18, 6), root_cause VARCHAR, action VARCHAR, "
        "approval_status VARCHAR, approver_role VARCHAR, approvals_needed INTEGER, approvals_given INTEGER, "
        "approved_by VARCHAR, proposed_by VARCHAR, disposition VARCHAR, expected_recovery DECIMAL(18, 6), "
        "due_on DATE, closed_on DATE, reason VARCHAR, policy_version VARCHAR"
    ),
    "decisions/record_beliefs": (
        "business_date DATE, location_id VARCHAR, sku_id VARCHAR, book_on_hand BIGINT, believed_on_hand BIGINT, "
        "probability_wrong DOUBLE, probability_empty DOUBLE, probability_hidden DOUBLE, zero_sales_days INTEGER, "
        "days_since_count INTEGER, evidence VARCHAR"
    ),
    "decisions/count_list": (
        "business_date DATE, location_id VARCHAR, sku_id VARCHAR, count_rank INTEGER, location_rank INTEGER, "
        "probability_wrong DOUBLE, probability_empty DOUBLE, expected_gain DECIMAL(18, 6), book_on_hand BIGINT, "
        "believed_on_hand BIGINT, days_since_count INTEGER, reason VARCHAR"
    ),
    "decisions/location_reliability": (
        "business_date DATE, location_id VARCHAR, receipt_lines BIGINT, receiving_error_lines BIGINT, "
        "receiving_error_rate DOUBLE, counted_records BIGINT, wrong_records BIGINT, wrong_record_rate DOUBLE, "
        "shrink_units BIGINT, shrink_value DECIMAL(18, 6), shrink_rate DOUBLE, is_chronic_receiving BOOLEAN, "
        "is_chronic_shrink BOOLEAN, action VARCHAR, buffer_rate DOUBLE, cause VARCHAR"
    ),
    "decisions/lead_times": (
        "business_date DATE, from_id VARCHAR, to_location_id VARCHAR, lane_class VARCHAR, window_days INTEGER, orders BIGINT,"
        " lead_orders BIGINT, basis VARCHAR, credibility DOUBLE, stated_lead_days DOUBLE, lead_mean_days DOUBLE,"
        " lead_variance_days2 DOUBLE, lead_p50_days INTEGER, lead_p90_days INTEGER, lead_p95_days INTEGER,"
        " order_gap_days DOUBLE, delay_mean_days DOUBLE, delay_variance_days2 DOUBLE, delay_p50_days INTEGER,"
        " delay_p90_days INTEGER, delay_p95_days INTEGER, late_share DOUBLE, short_rate DOUBLE, damaged_rate DOUBLE,"
        " arrivals BIGINT, last_arrived_on DATE, mean_gap_days DOUBLE, drift_of VARCHAR, drift_days DOUBLE,"
        " drift_deviations DOUBLE, lead_probabilities DOUBLE[], delay_from_days INTEGER, delay_probabilities DOUBLE[]"
    ),
    "decisions/vendor_scorecards": (
        "business_date DATE, supplier_id VARCHAR, window_days INTEGER, orders BIGINT, lines BIGINT, overdue_lines BIGINT,"
        " on_time_rate DOUBLE, in_full_rate DOUBLE, otif_rate DOUBLE, short_rate DOUBLE, damaged_rate DOUBLE,"
        " mean_delay_days DOUBLE, ordered_units BIGINT, received_units BIGINT, short_units BIGINT, damaged_units BIGINT,"
        f" short_value {_MONEY}"
    ),
    "decisions/inbound_predictions": (
        "business_date DATE, po_id VARCHAR, location_id VARCHAR, sku_id VARCHAR, supplier_id VARCHAR, promised_date DATE,"
        " promised_units BIGINT, predicted_date DATE, predicted_date_p90 DATE, predicted_units BIGINT,"
        " is_past_due BOOLEAN, basis VARCHAR"
    ),
    "decisions/replenishment_orders": (
        "business_date DATE, supplier_id VARCHAR, location_id VARCHAR, sku_id VARCHAR, department VARCHAR, location_type VARCHAR,"
        " units BIGINT, case_pack BIGINT, cases BIGINT, order_multiple BIGINT, order_date DATE, expected_date DATE,"
        " reorder_point BIGINT, order_up_to BIGINT, inventory_position BIGINT, safety_stock BIGINT, on_hand BIGINT,"
        " in_transit BIGINT, on_order BIGINT, backorders BIGINT, reserved BIGINT, stock_below BIGINT, lead_time_days DOUBLE,"
        " review_days INTEGER, daily_mean DOUBLE, dispersion DOUBLE, policy VARCHAR, basis VARCHAR, binding_constraint VARCHAR,"
        f" expected_lost_sales_avoided DOUBLE, holding_added {_MONEY}, expected_benefit {_MONEY}, order_value {_MONEY},"
        " ownership VARCHAR, contract_min BIGINT, contract_max BIGINT, approval_status VARCHAR, held_reason VARCHAR,"
        f" held_under VARCHAR, overrun {_MONEY}, overrun_units BIGINT, approver_role VARCHAR, approvals_needed INTEGER,"
        " approvals_given INTEGER, approved_by VARCHAR, proposed_on DATE, due_on DATE, rule_id VARCHAR, scenario_id VARCHAR"
    ),
    "decisions/service_levels": (
        "business_date DATE, segment VARCHAR, location_type VARCHAR, pairs BIGINT, daily_mean_units DOUBLE,"
        " fill_rate_aimed_at DOUBLE, cycle_service_aimed_at DOUBLE, recommended_service_target DOUBLE,"
        f" recommended_cycle_service DOUBLE, point_cost_per_day {_MONEY}, point_gain_per_day {_MONEY}, position_units BIGINT,"
        f" level_units BIGINT, recommended_level_units BIGINT, removable_units BIGINT, removable_value {_MONEY},"
        f" removable_holding_per_day {_MONEY}"
    ),
    "decisions/stock_placement": (
        "business_date DATE, dc_location_id VARCHAR, segment VARCHAR, location_id VARCHAR, is_dc BOOLEAN, skus BIGINT,"
        " service_target DOUBLE, stage_days BIGINT, service_days BIGINT, net_lead_days BIGINT, daily_sd_units DOUBLE,"
        f" safety_stock_units DOUBLE, cost_per_day {_MONEY}, cost_at_stores_per_day {_MONEY}"
    ),
    "decisions/stock_out_causes": (
        "business_date DATE, location_id VARCHAR, sku_id VARCHAR, department VARCHAR, cause VARCHAR, kind VARCHAR, basis VARCHAR, share DECIMAL(4, 3),"
        f" position_units {_MONEY}, position_value DECIMAL(18, 3), value {_MONEY}, evidence_dataset VARCHAR, evidence_key VARCHAR,"
        " evidence_rows BIGINT"
    ),
    "decisions/exceptions": (
        "business_date DATE, exception_id VARCHAR, kind VARCHAR, cause_key VARCHAR, severity VARCHAR, sku_id VARCHAR, "
        "location_id VARCHAR, value_at_risk DECIMAL(18, 6), owner_role VARCHAR, opened_on DATE, due_on DATE, "
        "resolved_on DATE, escalation_level INTEGER, status VARCHAR, evidence VARCHAR, detail VARCHAR, "
        "recommended_action VARCHAR"
    ),
    "decisions/audit_entries": (
        "business_date DATE, entry_id VARCHAR, about_date DATE, acted_at TIMESTAMP, actor VARCHAR, role VARCHAR, "
        "action VARCHAR, dataset VARCHAR, row_key VARCHAR, location_id VARCHAR, sku_id VARCHAR, before VARCHAR, "
        "after VARCHAR, reason VARCHAR, policy_version VARCHAR"
    ),
    "carry": (
        "kind VARCHAR, from_location_id VARCHAR, to_location_id VARCHAR, sku_id VARCHAR, units BIGINT, ship_date DATE,"
        " arrival_date DATE, decided_on DATE"
    ),
    "runs": (
        "business_date DATE, run_id VARCHAR, started_at TIMESTAMP, policy_hash VARCHAR, input_hash VARCHAR,"
        " code_version VARCHAR, seconds_ingest DOUBLE, seconds_inventory DOUBLE, seconds_decide DOUBLE,"
        " seconds_gates DOUBLE, rows_landed BIGINT, rows_loaded BIGINT, rows_quarantined BIGINT,"
        f" allocation_lines BIGINT, objective_value {_MONEY}, objective_bound {_MONEY}, optimality_gap DOUBLE,"
        " is_cold_start BOOLEAN, warnings VARCHAR[], provenance VARCHAR"
    ),
}


def ensure_decision_placeholders(lake: Path) -> None:
    """Write the zero-row files that are not there yet."""
    missing = {
        lake / dataset / f"business_date={NEVER}" / "data.parquet": columns
        for dataset, columns in SCHEMAS.items()
        if not (lake / dataset / f"business_date={NEVER}" / "data.parquet").exists()
    }
    if not missing:
        return
    with duckdb.connect() as connection:
        for number, (target, columns) in enumerate(missing.items()):
            connection.execute(f"CREATE TABLE empty_{number} ({columns})")
            copy_whole(connection, f"empty_{number}", target)
