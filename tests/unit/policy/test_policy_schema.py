"""The declared parameters, their defaults for a deployment, and the reference page that is generated from them."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from allocation_assets.demand.champion import ChampionSettings
from allocation_assets.policy import load_parameters, load_policy
from allocation_assets.policy.reference import render_reference, replace_reference
from allocation_assets.policy.schema import parse_parameters
from allocation_assets.segmentation.classify import SegmentPolicy
from allocation_assets.signals.monitor import SignalSettings
from data_quality.feeds import load_contracts

DAY = date(2026, 5, 4)
DOCUMENT = Path(__file__).parents[3] / "docs" / "policy.md"
# landing.md, its three tables of feeds.
FEEDS = [
    *("pos", "returns", "receipts", "cycle_counts", "adjustments", "shipments", "orders", "stock_outs", "overrides"),
    *("approvals", "items", "locations", "inventory_snapshot", "lanes", "purchase_orders", "promotions", "assortment"),
    *("vendor_contracts", "budgets"),
]
MINIMUM_FEEDS = {"pos", "receipts", "returns", "cycle_counts"}


def test_the_parameters_of_the_landing_contract_are_declared():
    declared = load_parameters()
    pair = {
        "costs.lost_sale_per_unit",
        "costs.holding_per_unit_day",
        "costs.shipment_per_line",
        "replenishment.review_days",
        "allocation.review_days",
        "allocation.hold_back_rate",
        "allocation.priority_weight",
    }
    assert {declared[name].scope for name in pair} == {"pair"}
    assert declared["calendar.period"].scope == "deployment"
    assert {name for name in declared if name.endswith(".expected")} == {f"feeds.{feed}.expected" for feed in FEEDS}


def test_every_feed_with_a_contract_has_an_expectation():
    assert {f"feeds.{feed}.expected" for feed in load_contracts()} <= load_parameters().keys()


def test_deployment_defaults_are_those_of_the_contracts():
    """Semantics 1, 4, 7, 11, 12, 16, 18; published.md (35 days); kpi_definitions.md (windows, tolerances, classes)."""
    values = load_policy().deployment(DAY)
    assert list(values) == sorted(values)
    assert {name: value for name, value in values.items() if not name.startswith(("feeds.", "demand."))} == {
        "allocation.release_time": "00:00",
        "calendar.events": (),
        "calendar.period": "day",
        "calendar.timezone": "UTC",
        "calendar.week_ends_on": None,
        "disposition.auto_value": 100.0,
        "disposition.defect_discount": 0.5,
        "disposition.defect_reason_codes": ("BROKEN", "DAMAG", "DEFECT", "EXPIRED", "FAULT", "LEAK", "SPOIL"),
        "disposition.destroy_cost_per_unit": 0.2,
        "disposition.liquidation_rate": 0.3,
        "disposition.liquidation_rate_out_of_season": 0.15,
        "disposition.past_seasons": (),
        "disposition.repair_cost_rate": 0.35,
        "disposition.resale_rate": 0.9,
        "disposition.resale_rate_out_of_season": 0.4,
        "disposition.restock_cost_per_unit": 0.5,
        "disposition.vendor_credit_rate": 0.8,
        "disposition.vendor_return_cost_per_unit": 1.0,
        "exceptions.critical_value": 10000,
        "exceptions.escalation_days": 3,
        "exceptions.event_days": 7,
        "exceptions.high_value": 1000,
        "exceptions.max_per_kind": 5000,
        "exceptions.medium_value": 100,
        "exceptions.min_value": 10,
        "exceptions.phantom_probability": 0.5,
        "kpi.accuracy_days": 28,
        "kpi.coverage_days": 91,
        "kpi.obsolete_days": 90,
        "kpi.overstock_days": 56,
        "kpi.phantom_probability": 0.5,
        "kpi.sell_through_days": 28,
        "kpi.shrink_days": 28,
        "kpi.turns_days": 364,
        "lead_times.default_supplier_days": 7.0,
        "lead_times.drift_days": 1.0,
        "lead_times.drift_deviations": 3.0,
        "lead_times.drift_orders": 5,
        "lead_times.max_delay_days": 28,
        "lead_times.prior_orders": 4.0,
        "lead_times.recent_days": 28,
        "lead_times.scorecard_days": 91,
        "lead_times.window_days": 182,
        "publish.window_days": 35,
        "quality.max_quarantine_rate": 0.05,
        "quality.max_quarantine_rows": 20,
        "reconciliation.approval_days": 3,
        "reconciliation.approval_limits": ("finance_director:*", "inventory_controller:5000", "store_manager:500"),
        "reconciliation.auto_post_value_a": 25.0,
        "reconciliation.auto_post_value_b": 50.0,
        "reconciliation.auto_post_value_c": 100.0,
        "reconciliation.count_posting": "auto",
        "reconciliation.evidence_days": 7,
        "reconciliation.four_eyes_value": 2000.0,
        "reconciliation.recount_days": 14,
        "reconciliation.recount_value": 500.0,
        "reconciliation.return_match_days": 90,
        "reconciliation.tolerance_a": 0.01,
        "reconciliation.tolerance_b": 0.03,
        "reconciliation.tolerance_c": 0.05,
        "records.chronic_action": "buffer",
        "records.chronic_buffer_rate": 0.1,
        "records.chronic_receiving_rate": 0.15,
        "records.chronic_shrink_rate": 0.03,
        "records.cost_per_count": 1.0,
        "records.count_list_size": 50,
        "records.gain_days": 28,
        "records.recount_pause_days": 7,
        "records.reliability_days": 56,
        "records.window_days": 56,
        "root_causes.window_days": 28,
        "segmentation.abc_a_share": 0.8,
        "segmentation.abc_b_share": 0.95,
        "segmentation.abc_by": "margin",
        "segmentation.confirm_days": 14,
        "segmentation.erratic_variation": 0.49,
        "segmentation.exit_days": 90,
        "segmentation.fast_units_per_week": 10.0,
        "segmentation.hysteresis": 0.1,
        "segmentation.intermittent_interval": 1.32,
        "segmentation.medium_units_per_week": 1.0,
        "segmentation.new_days": 56,
        "segmentation.xyz_x_cv": 0.5,
        "segmentation.xyz_y_cv": 1.0,
        "replenishment.approval_limits": ("finance_director:*", "supply_planner:5000"),
        "replenishment.level_correlation": 0.5,
        "service.target_a": 0.98,
        "service.target_b": 0.95,
        "service.target_c": 0.9,
        "service.target_strategic": 0.99,
        "signals.bias_rate": 0.3,
        "signals.break_limit": 10.0,
        "signals.min_units": 20.0,
        "signals.min_value": 100,
        "signals.outlier_probability": 0.000001,
        "signals.significance": 5.0,
        "signals.smoothing": 0.05,
        "signals.stop_probability": 0.000001,
        "signals.tracking_limit": 0.7,
        "signals.value_days": 28,
        "transit_close_days": 7,
    }
    assert (values["feeds.late_days"], values["feeds.not_merchandise"], values["demand.window_days"]) == (35, (), 56)


@pytest.mark.parametrize(("period", "expected"), [("day", "every_date"), ("week", "period_end")])
def test_minimum_feeds_are_expected_every_date_or_by_the_week_on_period_ends(policy_of, period, expected):
    """Semantics 8: every_date (period_end by the week) for the four minimum feeds, else never."""
    policy = policy_of(p=f"version: 1\nrules: [{{id: r, set: {{calendar.period: {period}}}}}]")
    values = policy.deployment(DAY)
    assert {feed: values[f"feeds.{feed}.expected"] for feed in FEEDS} == {
        feed: expected if feed in MINIMUM_FEEDS else "never" for feed in FEEDS
    }


def test_deployment_rules_change_values_on_their_dates(policy_of):
    policy = policy_of(
        p="""\
        version: 1
        rules:
          - {id: long, set: {feeds.late_days: 60, feeds.pos.expected: never}}
          - {id: may, from: 2026-05-04, to: 2026-05-05, set: {feeds.late_days: 10}}
          - {id: back, from: 2026-05-05, set: {feeds.pos.expected: null}}
          - {id: matched, match: {sku: A}, set: {allocation.min_units: 2}}
        """
    )
    days = [date(2026, 5, day) for day in (3, 4, 5, 6)]
    assert [policy.deployment(day)["feeds.late_days"] for day in days] == [60, 10, 10, 60]
    assert [policy.deployment_rule_ids(day)["feeds.late_days"] for day in days] == ["long", "may", "may", "long"]
    assert [policy.deployment(day)["feeds.pos.expected"] for day in days] == ["never"] * 2 + ["every_date"] * 2
    assert policy.deployment_rule_ids(days[3])["feeds.pos.expected"] == "back"
    assert policy.deployment_rule_ids(days[3])["kpi.turns_days"] == "default"


def test_kernels_and_policy_agree_on_their_defaults():
    values = load_policy().deployment(DAY)
    demand, segments = ChampionSettings(), SegmentPolicy()
    for name in ("default_dispersion", "dispersion_weight", "factor_limit", "learn_series", "max_dispersion"):
        assert values[f"demand.{name}"] == getattr(demand, name)
    for name, field in {
        "segmentation.abc_a_share": "abc_a",
        "segmentation.abc_b_share": "abc_b",
        "segmentation.xyz_x_cv": "xyz_x",
        "segmentation.xyz_y_cv": "xyz_y",
        "segmentation.fast_units_per_week": "fast_units_per_week",
        "segmentation.medium_units_per_week": "medium_units_per_week",
        "segmentation.abc_by": "abc_by",
        "segmentation.confirm_days": "confirm_days",
        "segmentation.erratic_variation": "erratic_variation",
        "segmentation.hysteresis": "hysteresis",
        "segmentation.intermittent_interval": "intermittent_interval",
        "service.target_strategic": "service_target_strategic",
    }.items():
        assert values[name] == getattr(segments, field)
    for name, limit in vars(SignalSettings()).items():
        assert values[f"signals.{name}"] == limit


def test_declared_defaults_keep_to_their_own_bounds():
    for parameter in load_parameters().values():
        if isinstance(parameter.default, int | float) and not isinstance(parameter.default, bool):
            assert parameter.min <= parameter.default <= parameter.max, parameter.name
        if parameter.type == "enum" and parameter.default is not None:
            assert parameter.default in parameter.choices, parameter.name


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"type": "float"}, "unknown type float"),
        ({"scope": "store"}, "unknown scope store"),
        ({"default": "{derived: magic}"}, "unknown derived default magic"),
        ({"max": "null"}, "num and int need min and max"),
        ({"type": "enum"}, "enum needs choices"),
        ({"default": "null"}, "a null default needs default_means"),
        ({"type": "int", "default": "null", "default_means": "x"}, "pair scope: int, bool and weekdays need a default"),
        ({"type": "strings", "default": "[]"}, "pair scope: strings is not supported"),
    ],
)
def test_a_declaration_that_cannot_be_honoured_is_refused(change, fault):
    sound = {
        "name": "p",
        "type": "num",
        "unit": "u",
        "min": "0",
        "max": "1",
        "default": "1",
        "scope": "pair",
        "help": "h",
    }
    text = "- {" + ", ".join(f"{key}: {value}" for key, value in (sound | change).items()) + "}"
    with pytest.raises(ValueError, match=rf"parameters\.yaml: p: {fault}"):
        parse_parameters(text)


def test_a_parameter_is_declared_once():
    one = "- {name: p, type: str, unit: u, default: a, scope: pair, help: h}\n"
    with pytest.raises(ValueError, match="p is declared twice"):
        parse_parameters(one + one)


def test_the_reference_page_equals_the_schema():
    document = DOCUMENT.read_text(encoding="utf-8")
    rewritten = replace_reference(document, render_reference())
    assert rewritten == document, "run python -m allocation_assets.policy.reference docs/policy.md"


def test_a_row_of_the_reference():
    assert (
        "| `costs.holding_per_unit_day` | num | money per unit per day | 0 to 1000000 | unit_cost * 0.25 / 365 | pair | "
        "Cost of one unit on hand for one day. |"
    ) in render_reference().splitlines()


def test_a_page_without_markers_is_refused():
    with pytest.raises(ValueError, match="markers"):
        replace_reference("# Policy\n", "rows")
