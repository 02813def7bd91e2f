"""The causes, in words that stay: what `stock_out_causes.cause` may say, and which reason of a plan is which cause."""

from __future__ import annotations

#: cause -> what it says.
CAUSES = {
    "no_dc_supply": "the DC had not enough to send, and no late or short supplier order explains it",
    "supplier_late": "a supplier order was past due when the DC had not enough to send",
    "supplier_short": "a supplier order closed short before the DC had not enough to send",
    "receiving_capacity": "the location could not take in more",
    "dispatch_capacity": "the DC could not send out more",
    "missed_cutoff": "a planned line left after its day or not at all, or no dispatch was due in time",
    "delivery_late": "a shipment arrived after its expected date",
    "delivery_short": "a shipment arrived short, damaged or not at all",
    "forecast_miss": "demand was further from its forecast than its usual spread",
    "policy_maximum": "a maximum, quota or shelf capacity of policy held it back",
    "policy_rule": "another rule of policy held it back: stock kept, least line, line cost, whole cases, rest days, blocks",
    "policy_minimum": "a minimum of policy forced it in",
    "case_pack": "whole cases sent more than was needed",
    "override": "a person's override",
    "phantom_stock": "the book showed stock that was not there",
    "count_gain": "a count found more than the book held",
    "store_execution": "the location had stock that was not on the shelf",
    "customer_returns": "customers brought goods back",
    "supplier_over": "a supplier delivered more than was ordered",
    "opening_stock": "the books opened with it",
    "unexplained": "no fact of the window carries it",
}
CODES = {cause: code for code, cause in enumerate(CAUSES)}
UNEXPLAINED = CODES["unexplained"]
KINDS = ("stock_out", "overstock")

#: binding_constraint of a plan that gave less than was needed -> cause. `dc` is traced to the DC's own supply.
REFUSALS = {
    "dc_supply": "dc", "fair_share": "dc", "hold_back": "dc",
    "receiving_capacity": "receiving_capacity", "dispatch_capacity": "dispatch_capacity",
    "no_ship_day": "missed_cutoff", "override": "override",
    "policy_max": "policy_maximum", "quota": "policy_maximum", "shelf_capacity": "policy_maximum",
    "case_pack": "policy_rule", "blocked": "policy_rule", "record_hold": "policy_rule", "recently_moved": "policy_rule",
    "min_shipment": "policy_rule", "line_cost": "policy_rule", "protected": "policy_rule",
}  # fmt: skip
