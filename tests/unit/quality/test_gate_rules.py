"""Every rule of the gates faults a crafted bad row, names it, and faults nothing in the good world.

A case is: expectation, dataset to spoil, SQL that spoils it, and the keys that must be named. The good world is worked
out by hand in `world`; the rules that come from the contracts are tested in `test_gate_feeds`.
"""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from data_quality import judged
from data_quality.expectations import suite_specs
from data_quality.runner import evaluate, gate_scope, run_gate
from tests.unit.quality import reconciliation_world
from tests.unit.quality.world import RUN

DC_A = [{"business_date": "2026-03-04", "location_id": "DC1", "sku_id": "A"}]
STORE_A = [{"business_date": "2026-03-04", "location_id": "S1", "sku_id": "A"}]
LINE = [{"from_location_id": "DC1", "to_location_id": "S1", "sku_id": "A"}]
LINE_B = [{"from_location_id": "DC1", "to_location_id": "S1", "sku_id": "B"}]
OUT = [{"from_location_id": "DC1", "sku_id": "A"}]
SHIPPED = [{"from_location_id": "DC1", "ship_date": "2026-03-05"}]
RUN_KEY = [{"business_date": "2026-03-04"}]

POSITION = "UPDATE inventory_positions SET {} WHERE business_date = '2026-03-04' AND location_id = 'S1'"
RECONCILED = "UPDATE reconciliations SET {} WHERE business_date = '2026-03-04' AND location_id = 'DC1' AND sku_id = 'A'"
COUNTED = "UPDATE reconciliations SET {} WHERE business_date = '2026-03-04' AND location_id = 'S1'"
LEDGER = "UPDATE stock_ledger SET {} WHERE movement_id = 'm4'"
MOVED = [{"movement_id": "m4"}]

POSITIONS = [
    ("inventory_positions.has_rows", "inventory_positions", "DELETE FROM inventory_positions WHERE business_date > '2026-03-02'", None),
    ("inventory_positions.grain_unique", "inventory_positions",
     "INSERT INTO inventory_positions FROM inventory_positions WHERE business_date > '2026-03-02' AND location_id = 'S1'", STORE_A),
    ("inventory_positions.on_order_not_null", "inventory_positions", POSITION.format("on_order = NULL"), STORE_A),
    ("inventory_positions.available_in_range", "inventory_positions", POSITION.format("available = -1"), STORE_A),
    ("inventory_positions.damaged_in_range", "inventory_positions", POSITION.format("damaged = -1"), STORE_A),
    ("inventory_positions.reserved_in_range", "inventory_positions", POSITION.format("reserved = -1"), STORE_A),
    ("inventory_positions.on_order_in_range", "inventory_positions", POSITION.format("on_order = -1"), STORE_A),
    ("inventory_positions.on_hand_in_range", "inventory_positions", POSITION.format("on_hand = -1"), STORE_A),
    ("inventory_positions.in_transit_in_range", "inventory_positions", POSITION.format("in_transit = -1"), STORE_A),
    ("inventory_positions.stock_status_known", "inventory_positions", POSITION.format("stock_status = 'fine'"), STORE_A),
    ("inventory_positions.ownership_known", "inventory_positions", POSITION.format("ownership = 'lent'"), STORE_A),
    ("inventory_positions.available_within_on_hand", "inventory_positions", POSITION.format("reserved = 2"), STORE_A),
    ("inventory_positions.stockout_status_right", "inventory_positions", POSITION.format("available = 0"), STORE_A),
    ("inventory_positions.equals_ledger", "inventory_positions", POSITION.format("on_hand = 10"), STORE_A),
    ("inventory_positions.equals_ledger", "inventory_positions", POSITION.format("damaged = 1"), STORE_A),
    ("inventory_positions.equals_ledger", "inventory_positions", POSITION.format("in_transit = 5"), STORE_A),
    ("inventory_positions.equals_ledger", "stock_ledger", "DELETE FROM stock_ledger WHERE movement_id = 'm5'", DC_A),
    ("inventory_positions.equals_ledger", "inventory_positions",
     "DELETE FROM inventory_positions WHERE business_date > '2026-03-02' AND location_id = 'S1'", STORE_A),
    ("inventory_positions.few_unopened", "inventory_positions", POSITION.format("is_unopened = true"),
     [{"business_date": "2026-03-04", "share": "0.3333333333333333"}]),
    ("inventory_positions.few_negative", "inventory_positions", POSITION.format("on_hand = -1"),
     [{"business_date": "2026-03-04", "share": "0.3333333333333333"}]),
    ("stock_ledger.grain_unique", "stock_ledger", "INSERT INTO stock_ledger FROM stock_ledger WHERE movement_id = 'm4'", MOVED),
    ("stock_ledger.units_not_null", "stock_ledger", LEDGER.format("units = NULL"), MOVED),
    ("stock_ledger.bucket_known", "stock_ledger", LEDGER.format("bucket = 'shelf'"), MOVED),
    ("stock_ledger.movement_type_known", "stock_ledger", LEDGER.format("movement_type = 'gift'"), MOVED),
    ("stock_ledger.units_allowed", "stock_ledger", LEDGER.format("units = 0"), MOVED),
    ("stock_ledger.posted_on_or_after", "stock_ledger", LEDGER.format("posted_on = '2026-03-03'"), MOVED),
    ("stock_ledger.transfers_balanced", "stock_ledger", "DELETE FROM stock_ledger WHERE movement_id = 'm6'",
     [{"business_date": "2026-03-04", "sku_id": "A"}]),
    ("stock_ledger.signs_right", "stock_ledger", LEDGER.format("units = 3"), MOVED),
    ("stock_ledger.signs_right", "stock_ledger", LEDGER.format("is_reversal = true"), MOVED),
]  # fmt: skip

FORECAST = "UPDATE demand_forecasts SET {} WHERE sku_id = 'A'"
FORECAST_A = [{"location_id": "S1", "sku_id": "A"}]
SIGNAL = "UPDATE demand_signals SET {} WHERE signal = 'bias'"
BIASED, UNUSUAL, STOPPED = ({"location_id": location, "sku_id": "A", "signal": signal}
                            for location, signal in (("S1", "bias"), ("S1", "outlier"), ("*", "stop")))
CHANGE = "UPDATE sku_segment_changes SET {} WHERE dimension = 'abc'"
CHANGED, STAGED = ({"sku_id": "A", "dimension": dimension} for dimension in ("abc", "lifecycle"))
SEGMENT = "UPDATE sku_segments SET {} WHERE sku_id = 'A'"
ACCURACY = "UPDATE forecast_accuracy SET {} WHERE method = 'tsb'"
MEASURED = [{"level": "pair", "segment": "*", "method": name} for name in ("champion", "tsb")]
CHALLENGER = MEASURED[1:]
ALLOCATION = "UPDATE allocations SET {}"
NEED = "UPDATE allocation_needs SET {} WHERE sku_id = 'A'"
CERTIFICATE = "UPDATE allocation_certificate SET {} WHERE from_location_id = '*'"
STAR = [{"from_location_id": "*"}]

OTHER_DATE = "UPDATE {} SET business_date = '2026-03-03'"
BELIEF = "UPDATE record_beliefs SET {} WHERE location_id = 'S1'"
BELIEF_A, BELIEF_B, BELIEF_S = ({"location_id": location, "sku_id": sku} for location, sku in (("DC1", "A"), ("DC1", "B"), ("S1", "A")))
BELIEF_S_ALONE = [BELIEF_S]
BELIEVED_ALL = [BELIEF_A, BELIEF_B, BELIEF_S]
LANE_V1 = [{"from_id": "V1", "to_location_id": "DC1"}]
LANE_TIME = "UPDATE lead_times SET {} WHERE from_id = 'V1'"
CARD = "UPDATE vendor_scorecards SET {} WHERE supplier_id = 'V1'"
VENDOR = [{"supplier_id": "V1"}]
AHEAD = "UPDATE inbound_predictions SET {} WHERE po_id = 'P1'"
ORDERED = [{"po_id": "P1", "location_id": "DC1", "sku_id": "A"}]
SUPPLIER_ORDER = "UPDATE replenishment_orders SET {}"
SUPPLIER_ORDERED = [{"supplier_id": "V1", "location_id": "DC1", "sku_id": "A"}]
SERVICE = "UPDATE service_levels SET {} WHERE segment = 'A'"
SERVED = [{"segment": "A", "location_type": "dc"}]
PLACE = "UPDATE stock_placement SET {} WHERE location_id = 'S1'"
PLACED = [{"dc_location_id": "DC1", "segment": "A", "location_id": "S1"}]
RELIABLE = "UPDATE location_reliability SET {} WHERE location_id = 'S1'"
STORE_1 = [{"location_id": "S1"}]
BLAMED = "UPDATE stock_out_causes SET {} WHERE cause = 'phantom_stock'"
BLAMED_KEY = [{"location_id": "S1", "sku_id": "B", "cause": "phantom_stock"}]
EXCEPTION = "UPDATE exceptions SET {} WHERE exception_id = 'x1'"
EXCEPTION_1, EXCEPTION_2 = [{"exception_id": "x1"}], [{"exception_id": "x2"}]
DECISIONS = [
    *reconciliation_world.CASES,
    ("demand_forecasts.of_run_date", "demand_forecasts", OTHER_DATE.format("demand_forecasts"), [*FORECAST_A, {"location_id": "S1", "sku_id": "B"}]),
    ("forecast_accuracy.of_run_date", "forecast_accuracy", OTHER_DATE.format("forecast_accuracy"), MEASURED),
    ("forecast_accuracy.not_of_the_future", "forecast_accuracy", ACCURACY.format("evaluated_on = '2026-03-05'"), CHALLENGER),
    ("forecast_accuracy.grain_unique", "forecast_accuracy", "INSERT INTO forecast_accuracy FROM forecast_accuracy WHERE method = 'tsb'", CHALLENGER),
    ("forecast_accuracy.level_known", "forecast_accuracy", "UPDATE forecast_accuracy SET level = 'shop'",
     [{**key, "level": "shop"} for key in MEASURED]),
    ("forecast_accuracy.scored_days_in_range", "forecast_accuracy", ACCURACY.format("scored_days = 0"), CHALLENGER),
    ("forecast_accuracy.series_in_range", "forecast_accuracy", ACCURACY.format("series = 0"), CHALLENGER),
    *[(f"forecast_accuracy.{name}_in_range", "forecast_accuracy", ACCURACY.format(f"{name} = -0.1"), CHALLENGER)
      for name in ("wape", "wape_mean", "mase", "rmsse", "scaled_pinball_loss", "weighted_quantile_loss", "coverage_50")],
    *[(f"forecast_accuracy.{name}_in_range", "forecast_accuracy", ACCURACY.format(f"{name} = 1.1"), CHALLENGER)
      for name in ("coverage_80", "coverage_95", "pit_80")],
    ("forecast_accuracy.coverage_widens", "forecast_accuracy", ACCURACY.format("coverage_50 = 0.81"), CHALLENGER),
    ("forecast_accuracy.interval_holds_difference", "forecast_accuracy", ACCURACY.format("wape_difference_low = 0"), CHALLENGER),
    ("forecast_accuracy.interval_holds_difference", "forecast_accuracy",
     ACCURACY.format("pinball_difference_low = 1, pinball_difference_high = 0"), CHALLENGER),
    ("forecast_accuracy.champion_is_the_measure", "forecast_accuracy", ACCURACY.format("is_champion = true"), CHALLENGER),
    ("forecast_accuracy.champion_is_the_measure", "forecast_accuracy",
     "UPDATE forecast_accuracy SET wape_difference = 0 WHERE is_champion", MEASURED[:1]),
    ("forecast_accuracy.champion_beside", "forecast_accuracy", "DELETE FROM forecast_accuracy WHERE is_champion", CHALLENGER),
    ("sku_segments.of_run_date", "sku_segments", OTHER_DATE.format("sku_segments"), [{"sku_id": "A"}, {"sku_id": "B"}]),
    ("allocations.of_run_date", "allocations", OTHER_DATE.format("allocations"), LINE),
    ("allocation_needs.of_run_date", "allocation_needs", OTHER_DATE.format("allocation_needs"), LINE + LINE_B),
    ("allocation_certificate.of_run_date", "allocation_certificate", OTHER_DATE.format("allocation_certificate"),
     [*STAR, {"from_location_id": "DC1"}]),
    ("record_beliefs.of_run_date", "record_beliefs", OTHER_DATE.format("record_beliefs"), BELIEVED_ALL),
    ("record_beliefs.grain_unique", "record_beliefs", BELIEF.format("location_id = 'DC1'"), [BELIEF_A]),
    ("record_beliefs.probability_wrong_in_range", "record_beliefs", BELIEF.format("probability_wrong = 1.5"), [BELIEF_S]),
    ("record_beliefs.probability_empty_in_range", "record_beliefs", BELIEF.format("probability_empty = -0.1"), [BELIEF_S]),
    ("record_beliefs.probability_hidden_in_range", "record_beliefs", BELIEF.format("probability_hidden = 2"), [BELIEF_S]),
    ("record_beliefs.believed_on_hand_in_range", "record_beliefs", BELIEF.format("believed_on_hand = -1"), [BELIEF_S]),
    ("record_beliefs.evidence_known", "record_beliefs", BELIEF.format("evidence = 'hunch'"), [BELIEF_S]),
    ("record_beliefs.wrong_covers_its_kinds", "record_beliefs", BELIEF.format("probability_empty = 0.6"), [BELIEF_S]),
    ("record_beliefs.one_per_record", "record_beliefs", BELIEF.format("book_on_hand = 8"), [BELIEF_S]),
    ("record_beliefs.one_per_record", "record_beliefs", "DELETE FROM record_beliefs WHERE location_id = 'S1'", [BELIEF_S]),
    ("count_list.of_run_date", "count_list", "UPDATE count_list SET business_date = '2026-03-02' WHERE count_rank = 1", [BELIEF_S]),
    ("count_list.grain_unique", "count_list", "UPDATE count_list SET location_id = 'DC1'", [BELIEF_A]),
    ("count_list.rank_unique", "count_list", "UPDATE count_list SET count_rank = 1", [BELIEF_A, BELIEF_S]),
    ("count_list.worth_it", "count_list", "UPDATE count_list SET expected_gain = 0 WHERE count_rank = 1", [BELIEF_S]),
    ("count_list.believed", "count_list", "UPDATE count_list SET probability_wrong = 0.6 WHERE count_rank = 1", [BELIEF_S]),
    ("lead_times.of_run_date", "lead_times", LANE_TIME.format("business_date = '2026-03-02'"), LANE_V1),
    ("lead_times.grain_unique", "lead_times", "INSERT INTO lead_times FROM lead_times WHERE from_id = 'V1'", LANE_V1),
    ("lead_times.lane_class_known", "lead_times", LANE_TIME.format("lane_class = 'air'"), LANE_V1),
    ("lead_times.basis_known", "lead_times", LANE_TIME.format("basis = 'guess'"), LANE_V1),
    ("lead_times.drift_of_known", "lead_times", LANE_TIME.format("drift_of = 'mood'"), LANE_V1),
    *((f"lead_times.{name}_in_range", "lead_times", LANE_TIME.format(f"{name} = 1.5"), LANE_V1)
      for name in ("credibility", "late_share", "short_rate", "damaged_rate")),
    *((f"lead_times.{name}_in_range", "lead_times", LANE_TIME.format(f"{name} = -1"), LANE_V1)
      for name in ("lead_mean_days", "lead_variance_days2", "delay_variance_days2")),
    ("lead_times.quantiles_monotone", "lead_times", LANE_TIME.format("delay_p90_days = 2"), LANE_V1),
    ("lead_times.probabilities_sum_to_one", "lead_times", LANE_TIME.format("delay_probabilities = [0.75, 0.2]"), LANE_V1),
    ("vendor_scorecards.of_run_date", "vendor_scorecards", CARD.format("business_date = '2026-03-02'"), VENDOR),
    ("vendor_scorecards.supplier_id_unique", "vendor_scorecards",
     "INSERT INTO vendor_scorecards FROM vendor_scorecards WHERE supplier_id = 'V1'", VENDOR),
    *((f"vendor_scorecards.{name}_in_range", "vendor_scorecards", CARD.format(f"{name} = 1.5"), VENDOR)
      for name in ("on_time_rate", "in_full_rate", "short_rate", "damaged_rate")),
    ("vendor_scorecards.otif_is_both", "vendor_scorecards", CARD.format("otif_rate = 0.95"), VENDOR),
    ("vendor_scorecards.units_add_up", "vendor_scorecards", CARD.format("short_units = 101"), VENDOR),
    ("inbound_predictions.of_run_date", "inbound_predictions", AHEAD.format("business_date = '2026-03-02'"), ORDERED),
    ("inbound_predictions.grain_unique", "inbound_predictions",
     "INSERT INTO inbound_predictions FROM inbound_predictions WHERE po_id = 'P1'", ORDERED),
    ("inbound_predictions.basis_known", "inbound_predictions", AHEAD.format("basis = 'guess'"), ORDERED),
    ("inbound_predictions.of_what_is_on_order", "inbound_predictions", "DELETE FROM inbound_predictions WHERE po_id = 'P1'", ORDERED),
    ("inbound_predictions.within_outstanding", "inbound_predictions", AHEAD.format("predicted_units = 13"), ORDERED),
    ("inbound_predictions.not_before_tomorrow", "inbound_predictions", AHEAD.format("predicted_date = '2026-03-04'"), ORDERED),
    ("replenishment_orders.of_run_date", "replenishment_orders", SUPPLIER_ORDER.format("business_date = '2026-03-02'"), SUPPLIER_ORDERED),
    ("replenishment_orders.grain_unique", "replenishment_orders",
     "INSERT INTO replenishment_orders FROM replenishment_orders", SUPPLIER_ORDERED),
    *((f"replenishment_orders.{name}_not_null", "replenishment_orders", SUPPLIER_ORDER.format(f"{name} = NULL"),
       [{**SUPPLIER_ORDERED[0], **({name: None} if name in SUPPLIER_ORDERED[0] else {})}])
      for name in ("supplier_id", "location_id", "sku_id", "units", "order_date", "expected_date", "reorder_point", "order_up_to",
                   "inventory_position", "rule_id")),
    ("replenishment_orders.units_in_range", "replenishment_orders", SUPPLIER_ORDER.format("units = 0"), SUPPLIER_ORDERED),
    ("replenishment_orders.approval_status_known", "replenishment_orders", SUPPLIER_ORDER.format("approval_status = 'lost'"), SUPPLIER_ORDERED),
    ("replenishment_orders.binding_constraint_known", "replenishment_orders",
     SUPPLIER_ORDER.format("binding_constraint = 'mood'"), SUPPLIER_ORDERED),
    ("replenishment_orders.whole_multiples", "replenishment_orders", SUPPLIER_ORDER.format("units = 18, cases = 3"), SUPPLIER_ORDERED),
    ("replenishment_orders.within_contract", "replenishment_orders", SUPPLIER_ORDER.format("contract_max = 132"), SUPPLIER_ORDERED),
    ("replenishment_orders.position_below_target", "replenishment_orders", SUPPLIER_ORDER.format("reorder_point = 117"), SUPPLIER_ORDERED),
    ("replenishment_orders.dated_ahead", "replenishment_orders", SUPPLIER_ORDER.format("order_date = '2026-03-04'"), SUPPLIER_ORDERED),
    ("replenishment_orders.held_lines_say_why", "replenishment_orders", SUPPLIER_ORDER.format("overrun = NULL"), SUPPLIER_ORDERED),
    ("replenishment_orders.held_lines_say_why", "replenishment_orders", SUPPLIER_ORDER.format("held_under = NULL"), SUPPLIER_ORDERED),
    ("replenishment_orders.enough_approvers", "replenishment_orders",
     SUPPLIER_ORDER.format("approval_status = 'approved', overrun = NULL"), SUPPLIER_ORDERED),
    ("replenishment_orders.enough_approvers", "replenishment_orders", SUPPLIER_ORDER.format(
        "approval_status = 'approved', overrun = NULL, approvals_needed = 2, approvals_given = 2, approved_by = 'ann,Ann'"), SUPPLIER_ORDERED),
    ("replenishment_orders.pending_has_approver", "replenishment_orders", SUPPLIER_ORDER.format("approver_role = NULL"), SUPPLIER_ORDERED),
    ("replenishment_orders.pending_has_approver", "replenishment_orders", SUPPLIER_ORDER.format("approvals_given = 1"), SUPPLIER_ORDERED),
    ("replenishment_orders.of_pairs_that_may_order", "replenishment_orders", SUPPLIER_ORDER.format("supplier_id = 'V2'"),
     [SUPPLIER_ORDERED[0] | {"supplier_id": "V2"}]),
    ("replenishment_orders.of_the_position", "replenishment_orders", SUPPLIER_ORDER.format("stock_below = 8"), SUPPLIER_ORDERED),
    ("service_levels.of_run_date", "service_levels", SERVICE.format("business_date = '2026-03-02'"), SERVED),
    ("service_levels.grain_unique", "service_levels", "INSERT INTO service_levels FROM service_levels WHERE segment = 'A'", SERVED),
    *((f"service_levels.{name}_in_range", "service_levels", SERVICE.format(f"{name} = 1.5"), SERVED)
      for name in ("fill_rate_aimed_at", "cycle_service_aimed_at", "recommended_service_target", "recommended_cycle_service")),
    *((f"service_levels.{name}_in_range", "service_levels", SERVICE.format(f"{name} = -1"), SERVED)
      for name in ("pairs", "daily_mean_units", "removable_units", "point_gain_per_day")),
    ("stock_placement.of_run_date", "stock_placement", PLACE.format("business_date = '2026-03-02'"), PLACED),
    ("stock_placement.grain_unique", "stock_placement", "INSERT INTO stock_placement FROM stock_placement WHERE location_id = 'S1'", PLACED),
    *((f"stock_placement.{name}_not_null", "stock_placement", PLACE.format(f"{name} = NULL"),
       [{**PLACED[0], **({name: None} if name in PLACED[0] else {})}])
      for name in ("dc_location_id", "segment", "location_id", "is_dc", "stage_days", "service_days", "net_lead_days", "daily_sd_units",
                   "safety_stock_units", "cost_per_day", "cost_at_stores_per_day")),
    ("stock_placement.service_target_in_range", "stock_placement", PLACE.format("service_target = 1.5"), PLACED),
    *((f"stock_placement.{name}_in_range", "stock_placement", PLACE.format(f"{name} = -1"), PLACED)
      for name in ("stage_days", "service_days", "net_lead_days", "daily_sd_units", "safety_stock_units", "cost_per_day", "cost_at_stores_per_day")),
    ("stock_placement.times_add_up", "stock_placement", PLACE.format("net_lead_days = 4"), PLACED),
    ("stock_placement.no_dearer_than_at_stores", "stock_placement", PLACE.format("cost_per_day = 4.1"), [{"dc_location_id": "DC1", "segment": "A"}]),
    ("stock_out_causes.of_run_date", "stock_out_causes", BLAMED.format("business_date = '2026-03-02'"), BLAMED_KEY),
    ("stock_out_causes.grain_unique", "stock_out_causes", "INSERT INTO stock_out_causes FROM stock_out_causes WHERE cause = 'phantom_stock'", BLAMED_KEY),
    ("stock_out_causes.share_not_null", "stock_out_causes", BLAMED.format("share = NULL"), BLAMED_KEY),
    ("stock_out_causes.kind_known", "stock_out_causes", BLAMED.format("kind = 'bad_luck'"), BLAMED_KEY),
    ("stock_out_causes.basis_known", "stock_out_causes", BLAMED.format("basis = 'rumour'"), BLAMED_KEY),
    ("stock_out_causes.cause_known", "stock_out_causes", BLAMED.format("cause = 'gnomes'"),
     [BLAMED_KEY[0] | {"cause": "gnomes"}]),
    ("stock_out_causes.share_in_range", "stock_out_causes", BLAMED.format("share = 1.001"), BLAMED_KEY),
    ("stock_out_causes.position_units_in_range", "stock_out_causes", BLAMED.format("position_units = -1"), BLAMED_KEY),
    ("stock_out_causes.position_value_in_range", "stock_out_causes", BLAMED.format("position_value = -1"), BLAMED_KEY),
    ("stock_out_causes.shares_are_whole", "stock_out_causes", BLAMED.format("share = 0.749"), BLAMED_KEY),
    ("stock_out_causes.shares_are_whole", "stock_out_causes", BLAMED.format("value = 4.499999"), BLAMED_KEY),
    ("stock_out_causes.evidence_named", "stock_out_causes", BLAMED.format("evidence_key = NULL"), BLAMED_KEY),
    ("stock_out_causes.every_position_explained", "inventory_positions", POSITION.format("stock_status = 'overstock'"), BELIEF_S_ALONE),
    ("location_reliability.of_run_date", "location_reliability", RELIABLE.format("business_date = '2026-03-02'"), STORE_1),
    ("location_reliability.location_id_unique", "location_reliability", "UPDATE location_reliability SET location_id = 'S1'", STORE_1),
    ("location_reliability.action_known", "location_reliability", RELIABLE.format("action = 'pray'"), STORE_1),
    ("location_reliability.action_has_a_cause", "location_reliability", RELIABLE.format("is_chronic_shrink = false"), STORE_1),
    ("exceptions.of_run_date", "exceptions", OTHER_DATE.format("exceptions"), [{"exception_id": f"x{n}"} for n in (1, 2, 3)]),
    ("exceptions.exception_id_unique", "exceptions", EXCEPTION.format("exception_id = 'x2'"), EXCEPTION_2),
    ("exceptions.severity_known", "exceptions", EXCEPTION.format("severity = 'dire'"), EXCEPTION_1),
    ("exceptions.status_known", "exceptions", EXCEPTION.format("status = 'closed'"), EXCEPTION_1),
    ("exceptions.value_at_risk_in_range", "exceptions", EXCEPTION.format("value_at_risk = -1"), EXCEPTION_1),
    ("exceptions.escalation_level_in_range", "exceptions", EXCEPTION.format("escalation_level = -1"), EXCEPTION_1),
    ("exceptions.cause_once", "exceptions", EXCEPTION.format("cause_key = 'DC2'"), EXCEPTION_1),
    ("exceptions.resolved_today", "exceptions", EXCEPTION.format("resolved_on = '2026-03-04'"), EXCEPTION_1),
    ("exceptions.resolved_today", "exceptions", "UPDATE exceptions SET resolved_on = '2026-03-03' WHERE status = 'resolved'", [{"exception_id": "x3"}]),
    ("exceptions.dates_in_order", "exceptions", EXCEPTION.format("due_on = '2026-03-01'"), EXCEPTION_1),
    ("exceptions.escalated_when_late", "exceptions", EXCEPTION.format("escalation_level = 0"), EXCEPTION_1),
    ("exceptions.negative_stock_found", "inventory_positions",
     "UPDATE inventory_positions SET on_hand = -1 WHERE sku_id = 'B' AND business_date = '2026-03-04'", [{"location_id": "DC1", "sku_id": "B"}]),
    ("demand_forecasts.grain_unique", "demand_forecasts", "INSERT INTO demand_forecasts FROM demand_forecasts WHERE sku_id = 'A'", FORECAST_A),
    ("demand_forecasts.method_not_null", "demand_forecasts", FORECAST.format("method = NULL"), FORECAST_A),
    ("demand_forecasts.mean_finite", "demand_forecasts", FORECAST.format("daily_mean = 'inf'::DOUBLE"), FORECAST_A),
    ("demand_forecasts.mean_finite", "demand_forecasts", FORECAST.format("daily_mean = 'nan'::DOUBLE"), FORECAST_A),
    ("demand_forecasts.mean_finite", "demand_forecasts", FORECAST.format("daily_mean = -0.1"), FORECAST_A),
    ("demand_forecasts.mean_finite", "demand_forecasts", FORECAST.format("dispersion = 0.9"), FORECAST_A),
    ("demand_forecasts.mean_finite", "demand_forecasts", FORECAST.format("next_day_mean = -0.1"), FORECAST_A),
    ("demand_forecasts.mean_finite", "demand_forecasts", FORECAST.format("next_day_dispersion = 0.9"), FORECAST_A),
    ("demand_forecasts.mean_finite", "demand_forecasts", FORECAST.format("base_daily_mean = 'nan'::DOUBLE"), FORECAST_A),
    ("demand_forecasts.quantiles_monotone", "demand_forecasts", FORECAST.format("p95 = 4"), FORECAST_A),
    ("demand_forecasts.quantiles_monotone", "demand_forecasts", FORECAST.format("p50 = -1"), FORECAST_A),
    ("demand_forecasts.horizon_days_in_range", "demand_forecasts", FORECAST.format("horizon_days = 0"), FORECAST_A),
    ("demand_forecasts.observed_days_in_range", "demand_forecasts", FORECAST.format("observed_days = -1"), FORECAST_A),
    ("demand_forecasts.censored_days_in_range", "demand_forecasts", FORECAST.format("censored_days = -1"), FORECAST_A),
    ("sku_segments.grain_unique", "sku_segments", "INSERT INTO sku_segments FROM sku_segments WHERE sku_id = 'A'", [{"sku_id": "A"}]),
    ("sku_segments.abc_not_null", "sku_segments", SEGMENT.format("abc = NULL"), [{"sku_id": "A"}]),
    ("sku_segments.abc_known", "sku_segments", SEGMENT.format("abc = 'D'"), [{"sku_id": "A"}]),
    ("sku_segments.xyz_known", "sku_segments", SEGMENT.format("xyz = 'A'"), [{"sku_id": "A"}]),
    ("sku_segments.demand_class_known", "sku_segments", SEGMENT.format("demand_class = 'odd'"), [{"sku_id": "A"}]),
    ("sku_segments.lifecycle_known", "sku_segments", SEGMENT.format("lifecycle = 'old'"), [{"sku_id": "A"}]),
    ("sku_segment_changes.of_run_date", "sku_segment_changes", OTHER_DATE.format("sku_segment_changes"), [CHANGED, STAGED]),
    ("sku_segment_changes.grain_unique", "sku_segment_changes",
     "INSERT INTO sku_segment_changes FROM sku_segment_changes WHERE dimension = 'abc'", [CHANGED]),
    ("sku_segment_changes.dimension_known", "sku_segment_changes", CHANGE.format("dimension = 'mood'"), [CHANGED | {"dimension": "mood"}]),
    ("sku_segment_changes.says_why", "sku_segment_changes", CHANGE.format("old_class = 'A'"), [CHANGED]),
    ("sku_segment_changes.leads_to_the_segment", "sku_segment_changes", CHANGE.format("new_class = 'C'"), [CHANGED]),
    ("demand_signals.of_run_date", "demand_signals", OTHER_DATE.format("demand_signals"), [STOPPED, BIASED, UNUSUAL]),
    ("demand_signals.grain_unique", "demand_signals", "INSERT INTO demand_signals FROM demand_signals WHERE signal = 'bias'", [BIASED]),
    ("demand_signals.signal_known", "demand_signals", SIGNAL.format("signal = 'hunch'"), [BIASED | {"signal": "hunch"}]),
    ("demand_signals.direction_known", "demand_signals", SIGNAL.format("direction = 'left'"), [BIASED]),
    ("demand_signals.value_at_risk_in_range", "demand_signals", SIGNAL.format("value_at_risk = -1"), [BIASED]),
    ("demand_signals.detail_given", "demand_signals", SIGNAL.format("observed_on = '2026-03-05'"), [BIASED]),
    ("demand_signals.past_its_threshold", "demand_signals", SIGNAL.format("value = -0.2"), [BIASED]),
    ("demand_signals.past_its_threshold", "demand_signals", "UPDATE demand_signals SET value = 0.1 WHERE signal = 'stop'", [STOPPED]),
    ("sku_segments.service_target_is_rate", "sku_segments", SEGMENT.format("service_target = 1"), [{"sku_id": "A"}]),
    ("sku_segments.margin_rate_finite", "sku_segments", SEGMENT.format("margin_rate = 'nan'::DOUBLE"), [{"sku_id": "A"}]),
    ("allocations.grain_unique", "allocations", "INSERT INTO allocations FROM allocations", LINE),
    ("allocations.allocation_id_unique", "allocations",
     "INSERT INTO allocations SELECT * REPLACE ('B' AS sku_id) FROM allocations", LINE + LINE_B),
    ("allocations.marginal_value_not_null", "allocations", ALLOCATION.format("marginal_value = NULL"), LINE),
    ("allocations.units_in_range", "allocations", ALLOCATION.format("units = 0"), LINE),
    ("allocations.binding_constraint_known", "allocations", ALLOCATION.format("binding_constraint = 'mood'"), LINE),
    ("allocations.approval_status_known", "allocations", ALLOCATION.format("approval_status = 'maybe'"), LINE),
    ("allocations.moves", "allocations", ALLOCATION.format("from_location_id = 'S1'"),
     [{"from_location_id": "S1", "to_location_id": "S1", "sku_id": "A"}]),
    ("allocations.firm_ships_next_day", "allocations", ALLOCATION.format("is_firm = false"), LINE),
    ("allocations.firm_ships_next_day", "allocations", ALLOCATION.format("ship_date = '2026-03-06'"), LINE),
    ("allocations.dates_in_order", "allocations", ALLOCATION.format("ship_date = '2026-03-04'"), LINE),
    ("allocations.dates_in_order", "allocations", ALLOCATION.format("arrival_date = '2026-03-04'"), LINE),
    ("allocations.uplift_finite", "allocations", ALLOCATION.format("expected_units_sold_uplift = 'nan'::DOUBLE"), LINE),
    ("allocations.whole_cases", "allocations", ALLOCATION.format("units = 7"), LINE),
    ("allocations.whole_multiples", "allocation_needs", NEED.format("order_units = 4"), LINE),
    ("allocations.whole_multiples", "allocation_needs", NEED.format("min_ship_units = 7"), LINE),
    ("allocations.within_available", "allocations", ALLOCATION.format("units = 95"), OUT),
    ("allocations.within_available", "allocations", ALLOCATION.format("from_location_id = 'DC9'"),
     [{"from_location_id": "DC9", "sku_id": "A"}]),
    ("allocations.within_hold_back", "allocations", ALLOCATION.format("units = 85"), OUT),
    ("allocations.within_receiving_capacity", "allocations", ALLOCATION.format("units = 13"),
     [{"to_location_id": "S1", "arrival_date": "2026-03-06"}]),
    ("allocations.within_dispatch_units", "allocations", ALLOCATION.format("units = 31"), SHIPPED),
    ("allocations.within_dispatch_lines", "allocations",
     "INSERT INTO allocations SELECT * REPLACE ('B' AS sku_id) FROM allocations", SHIPPED),
    ("allocations.within_shelf_capacity", "allocations", ALLOCATION.format("units = 8"), LINE),
    ("allocations.pair_known", "allocations", ALLOCATION.format("sku_id = 'C'"),
     [{"from_location_id": "DC1", "to_location_id": "S1", "sku_id": "C"}]),
    ("allocations.pair_not_blocked", "allocations", ALLOCATION.format("sku_id = 'B'"), LINE_B),
    ("allocations.within_override_maximum", "allocations", ALLOCATION.format("units = 10"), LINE),
    ("allocations.ships_on_ship_day", "allocations", ALLOCATION.format("ship_date = '2026-03-07'"), LINE),
    ("allocations.arrives_on_receiving_day", "allocations", ALLOCATION.format("arrival_date = '2026-03-08'"), LINE),
    ("allocation_needs.grain_unique", "allocation_needs", "INSERT INTO allocation_needs FROM allocation_needs WHERE sku_id = 'A'", LINE),
    ("allocation_needs.binding_constraint_not_null", "allocation_needs", NEED.format("binding_constraint = NULL"), LINE),
    ("allocation_needs.binding_constraint_known", "allocation_needs", NEED.format("binding_constraint = ''"), LINE),
    ("allocation_needs.need_units_in_range", "allocation_needs", NEED.format("need_units = -1"), LINE),
    ("allocation_needs.allocated_units_in_range", "allocation_needs", NEED.format("allocated_units = -1"), LINE),
    ("allocation_needs.case_pack_in_range", "allocation_needs", NEED.format("case_pack = 0"), LINE),
    ("allocation_needs.shortage_right", "allocation_needs", NEED.format("shorted_units = 1"), LINE),
    ("allocation_needs.allocated_is_lines", "allocation_needs", NEED.format("allocated_units = 12"), LINE),
    ("allocation_needs.allocated_is_lines", "allocations", "DELETE FROM allocations", LINE),
    ("allocation_needs.blocked_gets_nothing", "allocation_needs", NEED.format("binding_constraint = 'no_ship_day'"), LINE),
    ("allocation_needs.within_pool", "allocation_needs", NEED.format("pool_cap_units = 5"),
     [{"from_location_id": "DC1", "sku_id": "A", "pool": "quota ecom"}]),
    ("allocation_needs.unmet_minimum_explained", "allocation_needs", NEED.format("forced_units = 7"), LINE),
    ("allocation_needs.prices_not_negative", "allocation_needs", NEED.format("supply_price = -1"), LINE),
    ("allocation_needs.shortage_explained", "allocation_needs", NEED.format("binding_constraint = 'need_met'"), LINE),
    ("allocation_certificate.grain_unique", "allocation_certificate",
     "INSERT INTO allocation_certificate FROM allocation_certificate WHERE from_location_id = '*'", STAR),
    ("allocation_certificate.objective_bound_not_null", "allocation_certificate", CERTIFICATE.format("objective_bound = NULL"), STAR),
    ("allocation_certificate.run_certified", "allocation_certificate", "DELETE FROM allocation_certificate WHERE from_location_id = '*'", STAR),
    ("allocation_certificate.value_within_bound", "allocation_certificate", CERTIFICATE.format("objective_value = 8.000001"), STAR),
    ("allocation_certificate.gap_right", "allocation_certificate", CERTIFICATE.format("optimality_gap = 0.37"), STAR),
    ("allocation_certificate.gap_right", "allocation_certificate", CERTIFICATE.format("optimality_gap = NULL"), STAR),
    ("allocation_certificate.gap_right", "allocation_certificate", CERTIFICATE.format("objective_bound = 0"), STAR),
    ("allocation_certificate.value_is_sum_of_parts", "allocation_certificate", CERTIFICATE.format("objective_value = 5.01"), STAR),
    ("allocation_certificate.bound_covers_parts", "allocation_certificate", CERTIFICATE.format("objective_bound = 5.5"), STAR),
]  # fmt: skip

KPI = "UPDATE kpi_daily SET {} WHERE location_id = 'S1' AND department = 'Food'"
KPI_S1 = [{"business_date": "2026-03-04", "location_id": "S1", "department": "Food"}]
TOTALS = [
    {"business_date": "2026-03-04", "location_id": location, "department": department}
    for location, department in (("*", "*"), ("*", "Food"), ("S1", "*"))
]
PERFORMANCE = "UPDATE allocation_performance SET {} WHERE channel = '*' AND department = '*'"
RUN_TOTAL = [{"business_date": "2026-03-04", "channel": "*", "department": "*"}]
ACCOUNTED = "UPDATE feed_accounting SET {} WHERE file = 'a.csv'"
FILE_A = [{"feed": "pos", "business_date": "2026-03-04", "file": "a.csv"}]
HELD = "UPDATE quarantine SET {} WHERE file = 'a.csv'"
HELD_A = [FILE_A[0] | {"line": 3}]
PERIOD = "UPDATE kpi_periods SET {} WHERE period = 'day' AND dimension = 'department' AND member = 'Food'"
OF_FOOD = {"business_date": "2026-03-04", "period": "day", "dimension": "department", "member": "Food", "department": "*"}
FOOD = [OF_FOOD]
IN_REGIONS = {"business_date": "2026-03-04", "period": "day", "dimension": "region_department"}
#: The day of a row that is changed is no longer in its week, month and year.
LONGER = [OF_FOOD | {"period": period} for period in ("month_to_date", "week_to_date", "year_to_date")]

PERIODS = [
    ("kpi_periods.has_rows", "kpi_periods", "DELETE FROM kpi_periods", None),
    ("kpi_periods.grain_unique", "kpi_periods",
     "INSERT INTO kpi_periods FROM kpi_periods WHERE period = 'day' AND dimension = 'department' AND member = 'Food'", FOOD),
    ("kpi_periods.member_not_null", "kpi_periods", PERIOD.format("member = NULL"), [OF_FOOD | {"member": None}]),
    ("kpi_periods.orders_due_not_null", "kpi_periods", PERIOD.format("orders_due = NULL"), FOOD),
    ("kpi_periods.period_known", "kpi_periods", PERIOD.format("period = 'quarter'"), [OF_FOOD | {"period": "quarter"}]),
    ("kpi_periods.dimension_known", "kpi_periods", PERIOD.format("dimension = 'colour'"), [OF_FOOD | {"dimension": "colour"}]),
    *[(f"kpi_periods.{rate}_in_range", "kpi_periods", PERIOD.format(f"{rate} = 1.01"), FOOD)
      for rate in ("fill_rate", "unit_fill_rate", "line_fill_rate", "order_fill_rate", "in_stock_rate", "on_shelf_availability",
                   "inventory_record_accuracy", "return_rate")],
    *[(f"kpi_periods.{count}_in_range", "kpi_periods", PERIOD.format(f"{count} = -1"), FOOD)
      for count in ("dates", "sales_units", "returned_units", "lost_sales_units", "stockout_positions", "order_units_filled", "forecast_wape",
                    "markdowns", "receipts_retail", "sales_units_last_year", "lost_sales_units_last_year", "markdowns_last_year")],
    ("kpi_periods.period_from_right", "kpi_periods", PERIOD.format("period_from = '2026-03-02'"), FOOD),
    ("kpi_periods.period_from_right", "kpi_periods",
     "UPDATE kpi_periods SET period_from = '2026-03-01' WHERE period = 'week_to_date' AND dimension = 'department' AND member = 'Food'",
     [OF_FOOD | {"period": "week_to_date"}]),
    *[("kpi_periods.ratios_are_of_sums", "kpi_periods", PERIOD.format(f"{ratio} = 0.37"), FOOD)
      for ratio in ("return_rate", "fill_rate", "unit_fill_rate", "line_fill_rate", "order_fill_rate", "in_stock_rate", "on_shelf_availability",
                    "inventory_record_accuracy", "forecast_wape", "forecast_bias", "net_sales_growth", "net_sales_to_plan",
                    "markdowns_to_plan", "receipts_to_plan", "inventory_to_plan")],
    ("kpi_periods.ratios_are_of_sums", "kpi_periods", PERIOD.format("fill_rate = NULL"), FOOD),
    ("kpi_periods.ratios_are_of_sums", "kpi_periods", PERIOD.format("orders_due = 0"), FOOD),
    ("kpi_periods.margin_right", "kpi_periods", PERIOD.format("cogs = cogs + 0.01"), FOOD),
    ("kpi_periods.margin_right", "kpi_periods", PERIOD.format("cogs_last_year = cogs_last_year + 0.01"), FOOD),
    ("kpi_periods.mean_stock_right", "kpi_periods", PERIOD.format("mean_inventory_value = mean_inventory_value + 0.01"), FOOD),
    ("kpi_periods.mean_stock_right", "kpi_periods", PERIOD.format("stock_dates = 0"), FOOD),
    ("kpi_periods.last_year_is_whole", "kpi_periods", PERIOD.format("markdowns_last_year = NULL"), FOOD),
    ("kpi_periods.last_year_is_whole", "kpi_periods", PERIOD.format("sales_units_last_year = NULL"), FOOD),
    ("kpi_periods.department_of_crossings", "kpi_periods", PERIOD.format("department = 'Food'"), [OF_FOOD | {"department": "Food"}]),
    ("kpi_periods.department_of_crossings", "kpi_periods",
     "UPDATE kpi_periods SET department = '*' WHERE period = 'day' AND dimension = 'region_department' AND department = 'Toys'",
     [OF_FOOD | {"dimension": "region_department", "member": "north"}]),
    ("kpi_periods.counts_are_nested", "kpi_periods", PERIOD.format("orders_filled_last_year = 3"), FOOD),
    ("kpi_periods.counts_are_nested", "kpi_periods", PERIOD.format("stock_dates = 2"), FOOD),
    ("kpi_periods.counts_are_nested", "kpi_periods", PERIOD.format("order_lines_filled = 5"), FOOD),
    ("kpi_periods.counts_are_nested", "kpi_periods", PERIOD.format("stockout_positions = 5"), FOOD),
    ("kpi_periods.counts_are_nested", "kpi_periods", PERIOD.format("on_shelf_demand_units = 2.1"), FOOD),
    ("kpi_periods.plan_is_of_the_month", "kpi_periods", PERIOD.format("planned_sales_of_month = 80"), FOOD),
    ("kpi_periods.plan_is_of_the_month", "kpi_periods", PERIOD.format("planned_receipts_of_month = 80"), FOOD),
    ("kpi_periods.crossings_are_whole", "kpi_periods",
     "UPDATE kpi_periods SET net_sales = net_sales + 0.01 WHERE period = 'day' AND dimension = 'region_department' AND department = 'Food'",
     [IN_REGIONS | {"member": "Food"}, IN_REGIONS | {"member": "north"}]),
    ("kpi_periods.crossings_are_whole", "kpi_periods",
     "DELETE FROM kpi_periods WHERE period = 'day' AND dimension = 'region_department' AND department = 'Toys'",
     [IN_REGIONS | {"member": "Toys"}, IN_REGIONS | {"member": "north"}]),
    ("kpi_periods.crossings_are_whole", "kpi_periods", "DELETE FROM kpi_periods WHERE period = 'day' AND dimension = 'region'",
     [IN_REGIONS | {"member": "north"}]),
    ("kpi_periods.dimensions_are_whole", "kpi_periods", PERIOD.format("inventory_retail = inventory_retail + 0.01"),
     [{"business_date": "2026-03-04", "period": "day", "dimension": "department"}]),
    ("kpi_periods.run_has_periods", "kpi_periods", "DELETE FROM kpi_periods WHERE period = 'year_to_date' AND dimension = 'total'", RUN_KEY),
    ("kpi_periods.dimensions_are_whole", "kpi_periods", PERIOD.format("net_sales = net_sales + 0.01"),
     [{"business_date": "2026-03-04", "period": "day", "dimension": "department"}]),
    ("kpi_periods.dimensions_are_whole", "kpi_periods",
     "DELETE FROM kpi_periods WHERE period = 'day' AND dimension = 'segment' AND member = 'C'",
     [{"business_date": "2026-03-04", "period": "day", "dimension": "segment"}]),
    ("kpi_periods.day_is_kpi_daily", "kpi_periods", PERIOD.format("orders_filled = 1"), FOOD),
    ("kpi_periods.day_is_kpi_daily", "kpi_periods",
     "DELETE FROM kpi_periods WHERE period = 'day' AND dimension = 'department' AND member = 'Food'", FOOD),
    ("kpi_periods.day_is_kpi_daily", "kpi_daily", "UPDATE kpi_daily SET inventory_value = 321 WHERE location_id = '*' AND department = 'Food'", FOOD),
    ("kpi_periods.day_is_kpi_daily", "kpi_daily", "DELETE FROM kpi_daily WHERE location_id = '*' AND department = 'Food'", FOOD),
    ("kpi_periods.day_is_kpi_daily", "kpi_daily", "UPDATE kpi_daily SET net_sales = 10.01 WHERE location_id = 'S1' AND department = 'Toys'",
     [{"business_date": "2026-03-04", "period": "day", "dimension": "location_department", "member": "S1", "department": "Toys"}]),
    ("kpi_periods.day_within_periods", "kpi_periods", PERIOD.format("sales_units_last_year = 3"), LONGER),
    ("kpi_periods.day_within_periods", "kpi_periods", PERIOD.format("sales_units = 3"), LONGER),
    ("kpi_periods.day_within_periods", "kpi_periods", PERIOD.format("order_lines_due = 5"), LONGER),
]  # fmt: skip

MARTS = [
    ("kpi_daily.has_rows", "kpi_daily", "DELETE FROM kpi_daily", None),
    ("kpi_daily.grain_unique", "kpi_daily", "INSERT INTO kpi_daily FROM kpi_daily WHERE department = 'Food' AND location_id = 'S1'", KPI_S1),
    ("kpi_daily.net_sales_not_null", "kpi_daily", KPI.format("net_sales = NULL"), KPI_S1),
    *[(f"kpi_daily.{rate}_in_range", "kpi_daily", KPI.format(f"{rate} = 1.01"), KPI_S1)
      for rate in ("fill_rate", "on_shelf_availability", "in_stock_rate", "inventory_record_accuracy",
                   "inventory_record_accuracy_window", "ira_units", "count_coverage_rate", "sell_through", "return_rate", "unit_fill_rate",
                   "line_fill_rate", "order_fill_rate")],
    *[(f"kpi_daily.{units}_in_range", "kpi_daily", KPI.format(f"{units} = -1"), KPI_S1)
      for units in ("sales_units", "returned_units", "stockout_positions", "lost_sales_units", "shrink_value", "open_variances",
                    "open_variance_value", "days_to_correct", "record_error_units")],
    ("kpi_daily.ira_exact_in_range", "kpi_daily", KPI.format("ira_exact = -0.01"), KPI_S1),
    ("kpi_daily.netting_only_hides", "kpi_daily", KPI.format("ira_value = 0.9, ira_value_net = 0.8"), KPI_S1),
    ("kpi_daily.netting_only_hides", "kpi_daily", KPI.format("ira_exact = 0.5, inventory_record_accuracy = 0.4"), KPI_S1),
    ("kpi_daily.order_fill_right", "kpi_daily", KPI.format("line_fill_rate = 0.51"), KPI_S1),
    ("kpi_daily.order_fill_right", "kpi_daily", KPI.format("order_fill_rate = NULL"), KPI_S1),
    ("kpi_daily.order_fill_right", "kpi_daily", KPI.format("order_units_due = 0, order_units_filled = 0"), KPI_S1),
    ("kpi_daily.order_fill_right", "kpi_daily", KPI.format("orders_filled = orders_due + 1"), KPI_S1),
    ("kpi_daily.totals_are_sums", "kpi_daily", KPI.format("orders_due = 9"), TOTALS),
    ("kpi_daily.totals_are_sums", "kpi_daily", KPI.format("net_sales = net_sales + 0.01"), TOTALS),
    ("kpi_daily.totals_are_sums", "kpi_daily", KPI.format("stockout_positions = 1"), TOTALS),
    ("kpi_daily.run_has_total", "kpi_daily", "DELETE FROM kpi_daily WHERE location_id = '*' AND department = '*'", RUN_KEY),
    ("kpi_daily.sales_are_facts", "int_demand_daily", "UPDATE int_demand_daily SET sales_units = 4", RUN_KEY),
    ("kpi_daily.sales_are_facts", "int_demand_daily", "UPDATE int_demand_daily SET net_sales = 30.01", RUN_KEY),
    *PERIODS,
    ("allocation_performance.has_rows", "allocation_performance", "DELETE FROM allocation_performance", None),
    ("allocation_performance.grain_unique", "allocation_performance",
     "INSERT INTO allocation_performance FROM allocation_performance WHERE channel = '*' AND department = '*'", RUN_TOTAL),
    ("allocation_performance.shorted_units_not_null", "allocation_performance", PERFORMANCE.format("shorted_units = NULL"), RUN_TOTAL),
    ("allocation_performance.requested_units_in_range", "allocation_performance", PERFORMANCE.format("requested_units = -1"), RUN_TOTAL),
    ("allocation_performance.backlog_units_in_range", "allocation_performance", PERFORMANCE.format("backlog_units = -1"), RUN_TOTAL),
    ("allocation_performance.value_within_bound", "allocation_performance", PERFORMANCE.format("objective_bound = 4.9"), RUN_TOTAL),
    ("allocation_performance.gap_right", "allocation_performance", PERFORMANCE.format("optimality_gap = 0.4"), RUN_TOTAL),
    ("allocation_performance.fill_rate_right", "allocation_performance", PERFORMANCE.format("allocation_fill_rate = 0.51"), RUN_TOTAL),
    ("allocation_performance.fill_rate_right", "allocation_performance", PERFORMANCE.format("allocation_fill_rate = NULL"), RUN_TOTAL),
    ("allocation_performance.totals_are_sums", "allocation_performance", PERFORMANCE.format("shorted_units = 7"), RUN_TOTAL),
    ("allocation_performance.units_are_decisions", "allocation_needs", "DELETE FROM allocation_needs WHERE sku_id = 'B'", RUN_TOTAL),
    ("allocation_performance.certificate_carried", "allocation_certificate", CERTIFICATE.format("objective_bound = 7"), RUN_KEY),
    ("feed_accounting.grain_unique", "feed_accounting", "INSERT INTO feed_accounting FROM feed_accounting WHERE file = 'a.csv'", FILE_A),
    ("feed_accounting.rows_loaded_not_null", "feed_accounting", ACCOUNTED.format("rows_loaded = NULL"), FILE_A),
    ("feed_accounting.rows_conserved", "feed_accounting", ACCOUNTED.format("rows_loaded = 3"), FILE_A),
    ("feed_accounting.counts_not_negative", "feed_accounting", ACCOUNTED.format("rows_late = -1"), FILE_A),
    ("quarantine.grain_unique", "quarantine", "INSERT INTO quarantine FROM quarantine WHERE file = 'a.csv'", HELD_A),
    ("quarantine.reasons_not_null", "quarantine", HELD.format("reasons = NULL"), HELD_A),
    ("quarantine.has_reason", "quarantine", HELD.format("reasons = []"), HELD_A),
    ("quarantine.reasons_known", "quarantine", HELD.format("reasons = ['bad_type', 'bad_luck']"), HELD_A),
    ("quarantine.resolved_after_seen", "quarantine", HELD.format("resolved_on = '2026-03-03'"), HELD_A),
    ("quarantine.rows_accounted", "quarantine", "DELETE FROM quarantine WHERE file = 'a.csv'", FILE_A),
    ("quarantine.rows_accounted", "quarantine", "UPDATE quarantine SET resolved_on = NULL", [FILE_A[0] | {"file": "b.csv"}]),
    ("reconciliations.grain_unique", "reconciliations",
     "INSERT INTO reconciliations FROM reconciliations WHERE business_date > '2026-03-02' AND location_id = 'S1'", STORE_A),
    ("reconciliations.sales_not_null", "reconciliations", RECONCILED.format("sales = NULL"), DC_A),
    ("reconciliations.ledger_identity", "reconciliations", RECONCILED.format("receipts = 1"), DC_A),
    ("reconciliations.opening_is_closing_before", "reconciliations", RECONCILED.format("opening = 99"), DC_A),
    ("reconciliations.opening_is_closing_before", "reconciliations",
     "DELETE FROM reconciliations WHERE business_date > '2026-03-02' AND location_id = 'S1'", STORE_A),
    ("reconciliations.closing_is_position", "reconciliations", RECONCILED.format("closing_book = 95"), DC_A),
    ("reconciliations.counted_units_in_range", "reconciliations", RECONCILED.format("counted_units = -1"), DC_A),
    ("reconciliations.variance_has_count", "reconciliations", RECONCILED.format("variance = 1"), DC_A),
    ("reconciliations.explained_by_known", "reconciliations", COUNTED.format("variance = 1, explained_by = 'ghosts'"), STORE_A),
    ("reconciliations.posted_by_known", "reconciliations", COUNTED.format("posted_by = 'nobody'"), STORE_A),
    ("reconciliations.explained_has_variance", "reconciliations", COUNTED.format("explained_by = 'shrink'"), STORE_A),
    ("reconciliations.system_variance_right", "reconciliations", COUNTED.format("system_variance = 2"), STORE_A),
    ("reconciliations.system_variance_right", "reconciliations", COUNTED.format("system_on_hand = 8"), STORE_A),
]  # fmt: skip

CASES = [
    (gate, *case)
    for gate, cases in (("positions", POSITIONS), ("decisions", DECISIONS), ("marts", MARTS))
    for case in cases
]
WARNINGS = {
    "inventory_positions.on_hand_in_range", "inventory_positions.in_transit_in_range", "inventory_positions.few_unopened",
    "inventory_positions.few_negative", "reconciliations.variance_has_count", "stock_ledger.signs_right",
    "allocation_needs.shortage_explained", "kpi_daily.sell_through_in_range", "kpi_daily.return_rate_in_range",
    "kpi_periods.return_rate_in_range",
    "quarantine.resolved_after_seen",
}  # fmt: skip


@pytest.mark.parametrize("gate", ["positions", "decisions", "marts"])
def test_good_world_passes_every_expectation(gate, good_world, contracts, tmp_path):
    result = run_gate(gate, warehouse=good_world.warehouse, lake=good_world.lake, run_date=RUN, contracts=contracts)
    assert result.messages + result.warning_messages == []
    assert len(result.results) == len(suite_specs(gate, contracts))


@pytest.mark.parametrize(
    ("gate", "name", "dataset", "sql", "keys"), CASES, ids=[f"{case[1]}-{number}" for number, case in enumerate(CASES)]
)
def test_bad_rows_are_found_and_named(gate, name, dataset, sql, keys, good_world, contracts, tmp_path, gx_session):
    """Semantics 2, 13-16, 20-25 and the four invariants of published.md, one broken at a time."""
    world = good_world.changed(tmp_path / "bad", dataset, sql)
    scope = gate_scope(gate, warehouse=world.warehouse, lake=world.lake, run_date=RUN, contracts=contracts)
    specs = [spec for spec in suite_specs(gate, contracts) if spec.name == name]
    datasets = judged.open_views(gx_session.connection, scope)

    [result] = evaluate(gx_session, specs, datasets)

    assert not result.success
    assert not result.observed.startswith("not evaluated")
    assert (None if result.failing_keys is None else json.loads(result.failing_keys)) == keys
    assert result.blocking == (name not in WARNINGS)


def test_every_rule_that_is_not_a_plain_null_check_has_a_case(contracts):
    tested = {case[1] for case in CASES}
    declared = {spec.name for gate in ("positions", "decisions", "marts") for spec in suite_specs(gate, contracts)}
    assert {name for name in declared - tested if not name.endswith("_not_null")} == set()


def test_a_negative_book_may_be_among_the_rest(good_world, contracts, tmp_path, gx_session):
    """Beyond exceptions.max_per_kind a negative book has no row of its own: the row `*` of its kind stands for it."""
    world = good_world.changed(tmp_path / "negative", "inventory_positions", "UPDATE inventory_positions SET on_hand = -1")
    world = world.changed(tmp_path / "rest", "exceptions", EXCEPTION.format("kind = 'negative_stock', cause_key = '*'"))
    scope = gate_scope("decisions", warehouse=world.warehouse, lake=world.lake, run_date=RUN, contracts=contracts)
    specs = [spec for spec in suite_specs("decisions", contracts) if spec.name == "exceptions.negative_stock_found"]

    [result] = evaluate(gx_session, specs, judged.open_views(gx_session.connection, scope))

    assert result.success


def test_shelf_capacity_and_whole_cases_yield_to_an_override(good_world, contracts, tmp_path, gx_session):
    """Semantics 21: a set override may break the case and overfill the shelf."""
    sql = "UPDATE allocations SET units = 8, override_id = 'o1'"
    world = good_world.changed(tmp_path / "forced", "allocations", sql)
    scope = gate_scope("decisions", warehouse=world.warehouse, lake=world.lake, run_date=RUN, contracts=contracts)
    names = ("allocations.within_shelf_capacity", "allocations.whole_cases")
    specs = [spec for spec in suite_specs("decisions", contracts) if spec.name in names]
    datasets = judged.open_views(gx_session.connection, scope)
    assert [result.success for result in evaluate(gx_session, specs, datasets)] == [True, True]


def test_firm_lines_in_transit_need_no_movement(good_world, contracts, tmp_path, gx_session):
    """Semantics 20: where no shipments land, a firm line counts as shipped until it is received."""
    sql = POSITION.format("in_transit = 7, in_transit_firm = 3")
    world = good_world.changed(tmp_path / "firm", "inventory_positions", sql)
    scope = gate_scope("positions", warehouse=world.warehouse, lake=world.lake, run_date=RUN, contracts=contracts)
    specs = [each for each in suite_specs("positions", contracts) if each.name == "inventory_positions.equals_ledger"]
    [result] = evaluate(gx_session, specs, judged.open_views(gx_session.connection, scope))
    assert result.success


def test_a_rule_that_cannot_be_evaluated_has_failed_alone(good_world, contracts, gx_session, capfd):
    scope = gate_scope("marts", warehouse=good_world.warehouse, lake=good_world.lake, run_date=RUN, contracts=contracts)
    datasets = judged.open_views(gx_session.connection, scope)
    specs = [spec for spec in suite_specs("marts", contracts) if spec.dataset == "kpi_daily"]
    position = next(at for at, spec in enumerate(specs) if spec.name == "kpi_daily.fill_rate_in_range")
    specs[position] = replace(specs[position], kwargs={**specs[position].kwargs, "column": "no_such_column"})
    custom = next(at for at, spec in enumerate(specs) if spec.name == "kpi_daily.run_has_total")
    specs[custom] = replace(specs[custom], kwargs={"unexpected_rows_query": "SELECT nothing FROM {batch}"})
    failed = [result for result in evaluate(gx_session, specs, datasets) if not result.success]
    assert [result.expectation for result in failed] == ["kpi_daily.fill_rate_in_range", "kpi_daily.run_has_total"]
    assert all(result.observed.startswith("not evaluated: ") and "\n" not in result.observed for result in failed)
    assert capfd.readouterr() == ("", "")
