"""Why a pair got what it got, in plain words: what `allocator explain`, the page and the workbook say.

Relations are the published datasets by name; `fetch(query, parameters)` runs a query over them and returns rows as dicts, none
where the dataset is not published.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

Rows = list[dict[str, Any]]
Fetch = Callable[[str, dict[str, Any]], Rows]

#: What each binding constraint means to an allocator, and what would have to change.
CONSTRAINTS = {
    "need_met": "the need is met: one case more is worth less than it costs",
    "dc_supply": "the DC ran out: other locations' next cases are worth more than this one's",
    "shelf_capacity": "the shelf is full: one case more does not fit",
    "receiving_capacity": "the location's receiving capacity of the arrival date is used up by cases worth more",
    "dispatch_capacity": "the DC's dispatch capacity of the ship date is used up by cases worth more",
    "case_pack": "what is left is less than a case",
    "override": "an override fixed the quantity",
    "policy_max": "the policy's maximum for this pair is reached",
    "blocked": "the pair is blocked, closed or excluded",
    "no_ship_day": "no lane ships to the location, or allocation is not reviewed on this date",
    "record_hold": "policy holds shipments to this location until its stock records are mended",
    "hold_back": "the rest of the DC's stock is held back: by policy, or because it earns more later",
    "recently_moved": "stock was moved to or from it within the days of rest that policy asks for",
    "min_shipment": "a line of the least size does not pay, or does not fit",
    "line_cost": "the cases would pay, but not the handling of a line as well",
    "quota": "the quota that it shares with others is used up by cases worth more",
    "protected": "what is left at the DC is kept for the locations of a promotion",
    "fair_share": "the DC shares this SKU out by a rule of policy, and this is the pair's share",
}

#: The column of the price of each limit that others share, and what one more of it is.
PRICES = {
    "dc_supply": ("supply_price", "unit of the SKU at the DC"),
    "hold_back": ("supply_price", "unit of the SKU released at the DC"),
    "quota": ("pool_price", "unit of the quota"),
    "protected": ("pool_price", "unit that promotions leave"),
    "receiving_capacity": ("receiving_price", "unit of receiving capacity"),
    "dispatch_capacity": ("dispatch_price", "unit of dispatch capacity"),
}

#: What would have to change so that more is sent.
REMEDIES = {
    "need_met": "more demand, or a lower cost of a case: what comes more would lie",
    "dc_supply": "more stock at the DC, or a next case here that is worth more than the price of a case",
    "shelf_capacity": "more shelf, or sales that empty it before the shipment arrives",
    "receiving_capacity": "more receiving capacity on the arrival date, or another receiving day",
    "dispatch_capacity": "more dispatch capacity on the ship date, or an earlier shipment",
    "case_pack": "a smaller case, or stock for a whole one",
    "override": "another override, or its end",
    "policy_max": "a higher maximum in policy",
    "blocked": "the end of the block, closure or exclusion",
    "no_ship_day": "a lane that ships, or a review of allocation, on this date",
    "record_hold": "a count that mends the records of the location",
    "hold_back": "a lower hold-back in policy, or a next case here that earns more than the stock kept",
    "recently_moved": "the end of the days of rest, or fewer of them in policy",
    "min_shipment": "a need large enough for the least size of a line, or a smaller least size",
    "line_cost": "a need worth the handling of a line, or cheaper handling",
    "quota": "a larger quota, or a next case here that is worth more than others'",
    "protected": "the end of the promotion, or fewer units protected for it",
    "fair_share": "another rule of fair share in policy, or more stock at the DC",
}

_PAIR = """
SELECT * FROM allocation_needs WHERE business_date = $day AND sku_id = $sku AND to_location_id = $location ORDER BY from_location_id
"""
_RIVALS = """
SELECT to_location_id, allocated_units, marginal_value, next_case_value, shorted_units FROM allocation_needs
WHERE business_date = $day AND sku_id = $sku AND from_location_id = $source AND to_location_id <> $location
ORDER BY greatest(coalesce(marginal_value, 0), coalesce(next_case_value, 0)) DESC, to_location_id LIMIT 5
"""
_OF_PAIR = (
    "SELECT * FROM {dataset} WHERE business_date = $day AND sku_id = $sku AND location_id = $location ORDER BY ALL"
)
_ORDERS = _OF_PAIR.format(dataset="replenishment_orders")
_POSITION = _OF_PAIR.format(dataset="inventory_positions")
_BELIEF = _OF_PAIR.format(dataset="record_beliefs")
_LOCATION = "SELECT * FROM location_reliability WHERE business_date = $day AND location_id = $location"


def explanation(fetch: Fetch, day: date, sku: str, location: str) -> list[str]:
    """The reasons of one decision as lines of text; none when the pair is unknown on the date."""
    pair = {"day": day, "sku": sku, "location": location}
    needs, positions = fetch(_PAIR, pair), fetch(_POSITION, pair)
    if not needs and not positions:
        return []
    lines = [f"{sku} at {location}, decided at the close of {day}"]
    lines += [_position_line(row) for row in positions[:1]]
    lines += [_record_line(row) for row in fetch(_BELIEF, pair)]
    for row in fetch(_LOCATION, {"day": day, "location": location}):
        lines += _location_lines(row)
    lines += _order_section(fetch, pair)
    if not needs:
        return [*lines, "need       none: nothing is wanted here and nothing was sent"]
    for need in needs:
        source = need["from_location_id"]
        lines += _need_lines(need)
        lines += [_rival_line(rival) for rival in fetch(_RIVALS, pair | {"source": source})]
        lines += _order_section(fetch, pair | {"location": source})
    return lines


#: What set the quantity of an order, in words.
ORDER_BINDINGS = {
    "policy": "the policy's own quantity",
    "order_multiple": "rounded up to whole cases, layers or pallets",
    "minimum_order": "raised to the least size of a line",
    "presentation": "raised to the least stock of the shelf",
    "contract_min": "raised to the vendor contract's minimum",
    "contract_max": "cut to the vendor contract's maximum",
    "storage": "cut to the space there is",
    "shelf_life": "cut to what sells before it expires",
    "held_units": "cut to the units that wait for approval, or that were approved",
}


def _order_section(fetch: Fetch, pair: dict[str, Any]) -> list[str]:
    """Why a location orders as much as it does of its supplier; nothing where it has no proposal."""
    lines = []
    for row in fetch(_ORDERS, pair):
        binding = row["binding_constraint"]
        below = f", {row['stock_below']} at the locations below" if row["stock_below"] else ""
        lines += [
            f"order      {pair['location']} orders {row['units']} units ({row['cases']} cases) of {row['supplier_id']} on {row['order_date']},"
            f" expected {row['expected_date']}",
            f"  position {row['inventory_position']}: on hand {row['on_hand']}, in transit {row['in_transit']}, on order {row['on_order']},"
            f" owed {row['backorders']}, reserved {row['reserved']}{below}",
            f"  lead     {row['lead_time_days']:.1f} days, next order's arrival {row['review_days']} days later;"
            f" {row['daily_mean']:.3f} units a day (variance-to-mean {row['dispersion']:.2f})",
            f"  level    orders at {row['reorder_point']} or below, up to {row['order_up_to']}, safety stock {row['safety_stock']}"
            f" ({row['policy']}, {row['basis']}, rule {row['rule_id']})",
            f"  because  {binding}: {ORDER_BINDINGS.get(binding, binding)}",
            f"  benefit  {row['expected_lost_sales_avoided']:.2f} lost sales avoided, holding {_money(row['holding_added'])} more:"
            f" {_money(row['expected_benefit'])} in all",
        ]
        if row["held_reason"]:
            lines.append(f"  held     {_decision(row)}{row['held_reason']}")
    return lines


def _decision(row: dict[str, Any]) -> str:
    """What became of a held order, or what it waits for."""
    if row["approval_status"] == "pending":
        return f"for {row['approver_role']}, {row['approvals_given']} of {row['approvals_needed']} approvals, due {row['due_on']}: "
    return f"approved by {row['approved_by']}: " if row["approval_status"] == "approved" else ""


def _position_line(row: dict[str, Any]) -> str:
    return (
        f"stock      on hand {row['on_hand']}, available {row['available']}, in transit {row['in_transit']},"
        f" on order {row['on_order']}; status {row['stock_status']}"
    )


#: What weighs most in a belief, in words.
EVIDENCE = {
    "zero_sales": "no sale although stock is on the book",
    "sold_beyond_book": "more was sold than the book held",
    "negative_book": "the book is negative, which no shelf can be",
    "no_sale_since_receipt": "no sale since the last receipt",
    "shelf_seen_empty": "the shelf was seen empty",
    "age": "the time since it was last counted",
    "count": "a recent count",
    "none": "nothing speaks against it",
}


def _record_line(row: dict[str, Any]) -> str:
    evidence = EVIDENCE.get(row["evidence"], row["evidence"])
    counted = "never counted" if row["days_since_count"] is None else f"counted {row['days_since_count']} days ago"
    return (
        f"record     book says {row['book_on_hand']}, believed {row['believed_on_hand']}: wrong with probability"
        f" {row['probability_wrong']:.0%}, empty {row['probability_empty']:.0%}, hidden stock {row['probability_hidden']:.0%};"
        f" {evidence}; {counted}"
    )


def _location_lines(row: dict[str, Any]) -> list[str]:
    if row["action"] == "none":
        return []
    what = f"demand is raised by {row['buffer_rate']:.0%}" if row["action"] == "buffer" else "shipments are held"
    return [
        f"location   {row['location_id']} has chronic {row['cause']} errors (receiving {row['receiving_error_rate']:.1%} of lines,"
        f" shrink {row['shrink_rate']:.1%} of sales at cost): {what} by policy"
    ]


def _need_lines(row: dict[str, Any]) -> list[str]:
    constraint = row["binding_constraint"]
    lines = [
        f"demand     {row['daily_mean']:.3f} units a day (variance-to-mean {row['dispersion']:.2f}) over {row['horizon_days']} days",
        f"need       {row['need_units']} units on top of a position of {row['position_units']}"
        f" (presentation minimum {row['presentation_min']}, shelf capacity {_or_none(row['shelf_capacity'])})",
        f"supply     {row['supply_units']} units at {row['from_location_id']} for all locations, cases of {row['case_pack']}{_line_terms(row)}",
        f"sent       {row['allocated_units']} units, shipping {_or_none(row['ship_date'])}, arriving {_or_none(row['arrival_date'])};"
        f" {row['shorted_units']} units of need unmet",
        f"because    {constraint}: {CONSTRAINTS.get(constraint, constraint)}",
        f"rule       {row['rule_id']}" + (f", override {row['override_id']}" if row["override_id"] else ""),
        f"value      last case sent {_money(row['marginal_value'])}, one case more {_money(row['next_case_value'])},"
        f" price of a case here {_money(row['opportunity_cost'])}",
    ]
    return lines + _limit_lines(row)


def _line_terms(row: dict[str, Any]) -> str:
    """Multiples, least shipment and cost of a line, where there are any."""
    terms = []
    if row["order_units"] != row["case_pack"]:
        terms.append(f"lines in multiples of {row['order_units']}")
    if row["min_ship_units"] > 0:
        terms.append(f"at least {row['min_ship_units']} units a line")
    if row["line_cost"] > 0:
        terms.append(f"{_money(row['line_cost'])} for handling a line")
    return "".join(f", {term}" for term in terms)


def _limit_lines(row: dict[str, Any]) -> list[str]:
    """Shared caps, forced units and what one more of the binding limit would be worth."""
    lines = []
    if row["pool"] is not None:
        lines.append(f"pool       {row['pool']}: at most {row['pool_cap_units']} units for its pairs together")
    if row["forced_units"] > 0:
        lines.append(f"forced     {row['forced_units']} units by override or policy" + _unmet(row))
    if row["kept_value_per_unit"] > 0:
        lines.append(f"kept       a unit that stays at the DC is expected to earn {_money(row['kept_value_per_unit'])}")
    price, what = PRICES.get(row["binding_constraint"], (None, None))
    if price:
        lines.append(f"one more   {what} would be worth {_money(row[price])}" + _line_price(row))
    if row["is_repaired"]:
        lines.append("note       whole cases or a shared limit moved this line: its figures hold within the plan's gap")
    return lines


def _unmet(row: dict[str, Any]) -> str:
    if row["least_change"] is None:
        return ", met"
    return f", {row['forced_units'] - row['allocated_units']} of them not met; least change that would meet it: {row['least_change']}"


def _line_price(row: dict[str, Any]) -> str:
    of_lines = row["binding_constraint"] == "dispatch_capacity" and row["line_price"] > 0
    return f", one line more {_money(row['line_price'])}" if of_lines else ""


def _rival_line(row: dict[str, Any]) -> str:
    return (
        f"competing  {row['to_location_id']}: got {row['allocated_units']}, last case {_money(row['marginal_value'])},"
        f" next case {_money(row['next_case_value'])}, short {row['shorted_units']}"
    )


def _money(value: Any) -> str:
    return "none" if value is None else f"{value:,.2f}"


def _or_none(value: Any) -> Any:
    return "none" if value is None else value
