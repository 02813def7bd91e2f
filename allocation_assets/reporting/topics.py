"""The topics of page and workbook: each a query over published datasets, one row per line that a reader sees.

Queries read DuckDB variables: `day` and `day_flows` (the business date), `before` (the date
compared with, or null), `before_flows` (the same, null where its period is not whole), `period_days` (1, or 7
in the weekly variant), `trend_days`, `pairs` (how many pairs are explained). Every query says its order, the most valuable
first where something is ranked, so that whoever shows only the first rows shows the largest.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from allocation_assets.reporting import measures
from allocation_assets.reporting.reasons import PRICES


@dataclass(frozen=True)
class Topic:
    """One topic.

    name: also the sheet and the named table. about: one sentence for the reader. sources: the datasets whose dbt docs
    define the columns, the first that has the column. own: definitions of columns that no dataset has. empty: what is
    said when there is no row. page_rows: rows that the page shows, 0 where it is for the workbook alone. most_rows: rows that are
    read at most, whatever the reader asks: of topics that are short, or that the summary or the grid needs whole.
    """

    name: str
    title: str
    about: str
    sources: tuple[str, ...]
    query: str
    empty: str
    own: dict[str, str] = field(default_factory=dict)
    page_rows: int = 25
    most_rows: int | None = None


_STATE = """sales_units, net_sales, gross_margin, lost_sales_units, lost_sales_value, fill_rate, in_stock_rate, on_shelf_availability,
    active_positions, stockout_positions, critical_positions, overstock_positions, inventory_value, days_of_supply"""

_TREND = f"""
SELECT business_date, {_STATE}, forecast_wape, forecast_bias FROM kpi_daily
WHERE location_id = '*' AND department = '*' AND business_date <= getvariable('day')
    AND business_date > getvariable('day')::DATE - getvariable('trend_days')::INTEGER
ORDER BY business_date
"""
_LOCATIONS = f"""
SELECT location_id, location_type, channel, {_STATE} FROM kpi_daily
WHERE business_date = getvariable('day') AND location_id <> '*' AND department = '*'
ORDER BY lost_sales_value DESC NULLS LAST, stockout_positions DESC, location_id
"""
_DEPARTMENTS = f"""
SELECT department, {_STATE} FROM kpi_daily
WHERE business_date = getvariable('day') AND location_id = '*' AND department <> '*'
ORDER BY lost_sales_value DESC NULLS LAST, stockout_positions DESC, department
"""
_GRID = """
SELECT location_id, department, in_stock_rate, active_positions, stockout_positions, lost_sales_value, net_sales FROM kpi_daily
WHERE business_date = getvariable('day') AND location_id <> '*' AND department <> '*' AND active_positions > 0
ORDER BY in_stock_rate, lost_sales_value DESC NULLS LAST, location_id, department
"""
_CHANNELS = """
SELECT coalesce(channel, 'unassigned') AS channel, location_type, count(*) AS locations, sum(sales_units)::BIGINT AS sales_units,
    sum(net_sales)::DECIMAL(28, 6) AS net_sales, sum(gross_margin)::DECIMAL(28, 6) AS gross_margin,
    sum(lost_sales_value)::DECIMAL(28, 6) AS lost_sales_value, sum(active_positions)::BIGINT AS active_positions,
    sum(stockout_positions)::BIGINT AS stockout_positions, sum(critical_positions)::BIGINT AS critical_positions,
    sum(overstock_positions)::BIGINT AS overstock_positions, sum(inventory_value)::DECIMAL(28, 6) AS inventory_value
FROM kpi_daily WHERE business_date = getvariable('day') AND location_id <> '*' AND department = '*'
GROUP BY ALL ORDER BY ALL
"""
#: By a dimension of kpi_periods: the mart's own sums and rates, each rate of the sums behind it.
_MEMBERS = """
SELECT member AS {dimension}, sales_units, net_sales, gross_margin, lost_sales_value, fill_rate, in_stock_rate, on_shelf_availability,
    order_lines_due, line_fill_rate, orders_due, order_fill_rate, active_positions, stockout_positions, critical_positions,
    overstock_positions, obsolete_positions, available_units, inventory_value
FROM kpi_periods WHERE business_date = getvariable('day') AND period = 'day' AND dimension = '{dimension}'
ORDER BY lost_sales_value DESC NULLS LAST, stockout_positions DESC, member
"""
_AGAINST = """net_sales, net_sales_last_year, net_sales_growth, gross_margin, gross_margin_last_year, sales_units, sales_units_last_year,
    markdowns, markdowns_last_year, returned_units, returned_units_last_year, lost_sales_value, lost_sales_value_last_year, fill_rate, in_stock_rate,
    order_lines_due, order_lines_filled, line_fill_rate, mean_inventory_value, mean_inventory_value_last_year, inventory_value, inventory_value_last_year"""
_PERIOD_ORDER = "list_position(['month_to_date', 'year_to_date', 'week_to_date'], period)"
_PERIODS = f"""
SELECT period, dimension, member, {_AGAINST}, planned_sales_of_month, net_sales_to_plan, planned_markdowns_of_month, markdowns_to_plan,
    receipts_retail, planned_receipts_of_month, receipts_to_plan, inventory_retail, planned_eom_inventory, inventory_to_plan
FROM kpi_periods WHERE business_date = getvariable('day') AND period <> 'day' AND department = '*' AND dimension <> 'location'
ORDER BY list_position(['total', 'department', 'channel', 'region', 'cluster', 'class', 'segment'], dimension), {_PERIOD_ORDER},
    net_sales DESC, member
"""
_PERIOD_CELLS = f"""
SELECT period, member AS location_id, department, {_AGAINST} FROM kpi_periods
WHERE business_date = getvariable('day') AND period <> 'day' AND dimension = 'location_department'
ORDER BY {_PERIOD_ORDER}, net_sales DESC, member, department
"""
_CAUSES = """
SELECT kind, cause, count(DISTINCT (location_id, sku_id)) AS positions, sum(value)::DECIMAL(28, 6) AS value,
    sum(position_units * share)::DECIMAL(28, 6) AS part_units
FROM stock_out_causes WHERE business_date = getvariable('day')
GROUP BY ALL ORDER BY kind DESC, value DESC, cause
"""
_STOCK = """
SELECT coalesce(channel, 'unassigned') AS channel, location_type, stock_status, count(*) AS positions,
    sum(on_hand)::BIGINT AS on_hand, sum(inventory_value)::DECIMAL(28, 4) AS inventory_value
FROM inventory_positions WHERE business_date = getvariable('day') AND is_active
GROUP BY ALL ORDER BY ALL
"""
_CRITICAL = """
WITH coming AS (
    SELECT to_location_id, sku_id, sum(need_units)::BIGINT AS need_units, sum(allocated_units)::BIGINT AS allocated_units,
        sum(shorted_units)::BIGINT AS shorted_units, any_value(binding_constraint ORDER BY shorted_units DESC, from_location_id) AS binding_constraint
    FROM allocation_needs WHERE business_date = getvariable('day') GROUP BY ALL
)
SELECT p.location_id, p.sku_id, p.department, p.channel, p.stock_status, p.available, p.in_transit, p.on_order, p.daily_mean,
    p.days_of_supply, p.next_arrival_date, c.need_units, c.allocated_units, c.shorted_units, c.binding_constraint,
    (p.daily_mean * p.unit_cost)::DECIMAL(18, 6) AS demand_value_a_day
FROM inventory_positions AS p LEFT JOIN coming AS c ON c.to_location_id = p.location_id AND c.sku_id = p.sku_id
WHERE p.business_date = getvariable('day') AND p.is_active AND p.stock_status IN ('stockout', 'critical')
ORDER BY demand_value_a_day DESC NULLS LAST, p.location_id, p.sku_id
"""
_EXCEPTIONS = """
SELECT exception_id, severity, kind, location_id, sku_id, value_at_risk, owner_role, opened_on, due_on,
    greatest((getvariable('day')::DATE - due_on), 0)::INTEGER AS days_overdue, escalation_level, detail, recommended_action
FROM exceptions WHERE business_date = getvariable('day') AND status = 'open'
ORDER BY value_at_risk DESC NULLS LAST, exception_id
"""
_EXCEPTION_OWNERS = """
SELECT owner_role, kind, severity, count(*) AS open_exceptions, sum(value_at_risk)::DECIMAL(28, 6) AS value_at_risk,
    count(*) FILTER (due_on < getvariable('day')) AS overdue, count(*) FILTER (opened_on = getvariable('day')) AS opened_today,
    min(due_on) AS due_on
FROM exceptions WHERE business_date = getvariable('day') AND status = 'open'
GROUP BY ALL ORDER BY value_at_risk DESC NULLS LAST, owner_role, kind, severity
"""
_PERFORMANCE = """
SELECT channel, department, requested_units, allocated_units, shorted_units, allocation_fill_rate, backlog_units, objective_value,
    objective_bound, optimality_gap
FROM allocation_performance WHERE business_date = getvariable('day')
ORDER BY channel <> '*', channel, department <> '*', objective_value DESC, department
"""
_SHORTAGES = """
SELECT n.binding_constraint, count(*) AS pairs, sum(n.shorted_units)::BIGINT AS shorted_units, any_value(w.meaning) AS meaning,
    any_value(w.remedy) AS remedy
FROM allocation_needs AS n LEFT JOIN reason_words AS w ON w.reason = n.binding_constraint
WHERE n.business_date = getvariable('day') AND n.shorted_units > 0
GROUP BY n.binding_constraint ORDER BY shorted_units DESC, n.binding_constraint
"""
_OPEN_TO_BUY = """
SELECT department, month, planned_sales, planned_markdowns, planned_eom_inventory, planned_receipts, bom_inventory, received_to_date,
    on_order, open_to_buy
FROM open_to_buy WHERE business_date = getvariable('day') ORDER BY month, open_to_buy, department
"""
_SUPPLIERS = """
SELECT supplier_id, count(*) AS lines, sum(units)::BIGINT AS units, sum(order_value)::DECIMAL(28, 6) AS order_value,
    sum(expected_benefit)::DECIMAL(28, 6) AS expected_benefit, count(*) FILTER (approval_status = 'pending') AS pending_lines,
    coalesce(sum(order_value) FILTER (approval_status = 'pending'), 0)::DECIMAL(28, 6) AS pending_value, min(expected_date) AS expected_date
FROM replenishment_orders WHERE business_date = getvariable('day')
GROUP BY supplier_id ORDER BY order_value DESC NULLS LAST, supplier_id
"""
_ORDERS = """
SELECT supplier_id, location_id, sku_id, department, units, cases, order_value, order_date, expected_date, inventory_position,
    reorder_point, order_up_to, safety_stock, binding_constraint, expected_lost_sales_avoided, expected_benefit, approval_status, held_reason,
    rule_id
FROM replenishment_orders WHERE business_date = getvariable('day')
ORDER BY order_value DESC NULLS LAST, supplier_id, location_id, sku_id
"""
_LANES = """
SELECT from_location_id, to_location_id, channel, ship_date, arrival_date, is_firm, count(*) AS lines, sum(units)::BIGINT AS units,
    sum(cases)::BIGINT AS cases, sum(expected_units_sold_uplift) AS expected_units_sold_uplift
FROM allocations WHERE business_date = getvariable('day')
GROUP BY ALL ORDER BY units DESC, from_location_id, to_location_id, ship_date, arrival_date, is_firm
"""
_ALLOCATIONS = """
SELECT from_location_id, to_location_id, sku_id, channel, units, cases, is_firm, ship_date, arrival_date, priority_rank,
    expected_units_sold_uplift, marginal_value, opportunity_cost, binding_constraint, approval_status, rule_id, override_id
FROM allocations WHERE business_date = getvariable('day')
ORDER BY marginal_value DESC NULLS LAST, from_location_id, to_location_id, sku_id
"""
_COUNTS = """
SELECT count_rank, location_id, sku_id, expected_gain, probability_wrong, probability_empty, book_on_hand, believed_on_hand,
    days_since_count, reason
FROM count_list WHERE business_date = getvariable('day') ORDER BY count_rank
"""
_LEVELS = """
SELECT segment, location_type, pairs, fill_rate_aimed_at, recommended_service_target, position_units, level_units, recommended_level_units,
    removable_units, removable_value, removable_holding_per_day
FROM service_levels WHERE business_date = getvariable('day') ORDER BY removable_value DESC NULLS LAST, segment, location_type
"""
_VENDORS = """
SELECT supplier_id, window_days, orders, lines, overdue_lines, on_time_rate, in_full_rate, otif_rate, short_rate, damaged_rate,
    mean_delay_days, ordered_units, received_units, short_units, short_value
FROM vendor_scorecards WHERE business_date = getvariable('day')
ORDER BY supplier_id <> '*', short_value DESC NULLS LAST, supplier_id
"""
_PROPOSALS = """
SELECT row_key, kind, location_id, sku_id, about_date, book_units, counted_units, variance_units, variance_value, root_cause, action,
    approver_role, approvals_needed, approvals_given, due_on
FROM adjustments_proposed WHERE business_date = getvariable('day') AND approval_status = 'pending'
ORDER BY abs(variance_value) DESC NULLS LAST, row_key
"""
_RUN = """
SELECT business_date, rows_landed, rows_loaded, rows_quarantined, allocation_lines, objective_value, objective_bound, optimality_gap,
    is_cold_start, array_to_string(warnings, '; ') AS warnings, provenance, policy_hash, input_hash, code_version
FROM run_summary WHERE business_date = getvariable('day')
"""

#: What waits for a person in the weekly meeting: causes that are serious or late, service targets that cost more than they
#: bring, and what was planned but may not leave without an approval.
_ACTIONS = """
SELECT 'exception' AS about, concat_ws(' ', kind, location_id, sku_id) AS subject, detail AS finding, recommended_action, value_at_risk AS value,
    owner_role, due_on
FROM exceptions WHERE business_date = getvariable('day') AND status = 'open'
    AND (severity IN ('critical', 'high') OR due_on < getvariable('day'))
UNION ALL
SELECT 'service level', concat_ws(' ', 'class', segment, location_type),
    format('Aimed at {:.2f} % of demand, {:.2f} % pays; {} units of level are more than that.', 100 * fill_rate_aimed_at,
        100 * recommended_service_target, removable_units),
    'Lower the service target of the class in policy, or keep it and say why.', removable_value, 'supply_planner', NULL
FROM service_levels WHERE business_date = getvariable('day') AND removable_units > 0
UNION ALL
SELECT 'supplier order', concat_ws(' ', supplier_id, department), format('{} lines wait: {}', count(*), coalesce(held_reason, 'approval')),
    'Approve the lines (feed approvals, dataset replenishment_orders), or let them go.', sum(order_value)::DECIMAL(18, 6), 'supply_planner', min(order_date)
FROM replenishment_orders WHERE business_date = getvariable('day') AND approval_status = 'pending' GROUP BY supplier_id, department, held_reason
UNION ALL
SELECT 'allocation', concat_ws(' ', from_location_id, 'to', to_location_id), format('{} units on {} lines wait for an approval.', sum(units), count(*)),
    'Approve or reject the lines before their ship date.', sum(marginal_value * cases)::DECIMAL(18, 6), 'allocation_planner', min(ship_date)
FROM allocations WHERE business_date = getvariable('day') AND approval_status = 'pending' GROUP BY from_location_id, to_location_id
"""
_ACTIONS = f"SELECT * FROM ({_ACTIONS}) ORDER BY value DESC NULLS LAST, about, subject, finding"

_LIMIT_PRICE = " ".join(f"WHEN '{reason}' THEN n.{column}" for reason, (column, _) in PRICES.items())
_EXPLAIN = f"""
WITH ranked AS (
    SELECT *, row_number() OVER (ORDER BY shorted_units DESC, sku_id, to_location_id, from_location_id) AS by_units,
        row_number() OVER (ORDER BY objective_value DESC NULLS LAST, sku_id, to_location_id, from_location_id) AS by_value
    FROM allocation_needs WHERE business_date = getvariable('day')
), chosen AS (
    SELECT *, row_number() OVER (ORDER BY least(by_units, by_value), by_units) AS place FROM ranked
    QUALIFY place <= getvariable('pairs')
), rivals AS (
    SELECT c.place, string_agg(format('{{}}: got {{}}, next case {{}}, short {{}}', r.to_location_id, r.allocated_units,
            coalesce(r.next_case_value::DECIMAL(18, 2)::VARCHAR, 'none'), r.shorted_units), '; '
        ORDER BY greatest(coalesce(r.marginal_value, 0), coalesce(r.next_case_value, 0)) DESC, r.to_location_id) AS competing
    FROM (
        SELECT c.place, r.* FROM chosen AS c JOIN allocation_needs AS r ON r.business_date = c.business_date AND r.sku_id = c.sku_id
            AND r.from_location_id = c.from_location_id AND r.to_location_id <> c.to_location_id
        QUALIFY row_number() OVER (PARTITION BY c.place
            ORDER BY greatest(coalesce(r.marginal_value, 0), coalesce(r.next_case_value, 0)) DESC, r.to_location_id) <= 5
    ) AS r JOIN chosen AS c USING (place) GROUP BY c.place
)
SELECT n.place, n.sku_id, n.to_location_id, n.from_location_id, n.department, n.daily_mean, n.horizon_days, n.on_hand, n.believed_on_hand,
    n.probability_wrong, n.in_transit, n.position_units, n.need_units, n.allocated_units, n.shorted_units, n.supply_units, n.case_pack,
    n.binding_constraint, w.meaning, w.remedy, n.marginal_value, n.next_case_value, n.opportunity_cost,
    (CASE n.binding_constraint {_LIMIT_PRICE} END)::DECIMAL(18, 6) AS limit_price, r.competing, n.rule_id, n.override_id,
    n.ship_date, n.arrival_date, n.objective_value
FROM chosen AS n LEFT JOIN rivals AS r USING (place) LEFT JOIN reason_words AS w ON w.reason = n.binding_constraint
ORDER BY n.place
"""

_CHANGE = {
    "measure": "Column of kpi_daily or allocation_performance.",
    "value": "The measure at the business date; in the weekly variant flows (sales, margin, lost sales) are summed over the seven days that end there.",
    "before_value": "The same at the date compared with: the date before, in the weekly variant the newest date at least seven days before.",
    "change": "value less before_value.",
}
_MEANING = {
    "meaning": "What the binding constraint means.",
    "remedy": "What would have to change so that more is sent.",
}

TOPICS: tuple[Topic, ...] = (
    Topic("headline", "Headline", "The measures of the whole business against the date before.", ("kpi_daily", "allocation_performance"),
          measures.headline_query(), "No measure of this date is published.", _CHANGE, 50, most_rows=1000),
    Topic("movers", "What moved", "What the additive measures changed by, per department and per location: the ten largest changes of each.", ("kpi_daily",),
          measures.movers_query(), "There is no earlier date to compare with.",
          {**_CHANGE, "dimension": "department or location.", "member": "Which department or location.", "place": "Rank within measure and dimension, by size of change."}, 40, most_rows=1000),
    Topic("trend", "Trend", "The whole business day by day.", ("kpi_daily",), _TREND, "No date is published.", page_rows=0),
    Topic("channels", "Service and stock by channel", "Sums over the locations of a channel.", ("kpi_daily",), _CHANNELS, "No location.",
          {"locations": "Locations of the channel and type."}),
    Topic("channel_service", "Service by channel", "The day's service of each channel, most lost sales first.", ("kpi_periods",),
          _MEMBERS.format(dimension="channel"), "No channel.", {"channel": "Channel of the location; 'unassigned' where the master names none."}),
    Topic("regions", "Service and stock by region", "The day's service and stock of each region, most lost sales first.", ("kpi_periods",),
          _MEMBERS.format(dimension="region"), "No region.", {"region": "Region of the location; 'unassigned' where the master names none."}),
    Topic("locations", "Service and stock by location", "One line a location, most lost sales first.", ("kpi_daily",), _LOCATIONS, "No location."),
    Topic("departments", "Service and stock by department", "One line a department, most lost sales first.", ("kpi_daily",), _DEPARTMENTS, "No department."),
    Topic("periods", "Against last year and plan", "Month, year and week to date against the same days 364 days earlier, and beside the plan of the whole month.",
          ("kpi_periods",), _PERIODS, "No period of this date is published."),
    Topic("period_cells", "Periods by location and department", "Month, year and week to date of each location and department, against last year.",
          ("kpi_periods",), _PERIOD_CELLS, "No period of this date is published.", {"location_id": "Location."}, page_rows=0),
    Topic("grid", "Locations by department", "In-stock rate of each location and department, the worst first.", ("kpi_daily",), _GRID,
          "No location has an active item.", page_rows=15, most_rows=250_000),
    Topic("stock_status", "Stock by channel and status", "Active positions by channel and stock status.", ("inventory_positions",), _STOCK,
          "No active position.", {"positions": "Active SKU x location positions."}, 40),
    Topic("critical_stock", "Critical stock", "Active positions that are out of stock, or run out before the next possible arrival; most demand at cost first.",
          ("inventory_positions", "allocation_needs"), _CRITICAL, "No position is out of stock or critical.",
          {"demand_value_a_day": "daily_mean x unit_cost: expected demand of a day, at cost."}),
    Topic("causes", "Causes of stock-outs and overstock", "What each cause costs on the date, over all positions that have it.", ("stock_out_causes",), _CAUSES,
          "No position is out of stock or overstocked.",
          {"positions": "SKU x location positions with a part of this cause.", "part_units": "position_units x share: units that go with the cause."}, 30),
    Topic("exceptions", "Exceptions", "Open exceptions, the most value at risk first, each with owner and due date.", ("exceptions",), _EXCEPTIONS,
          "No exception is open.", {"days_overdue": "Days past due_on at the business date."}, 30),
    Topic("exception_owners", "Exceptions by owner", "Open exceptions by owner and kind.", ("exceptions",), _EXCEPTION_OWNERS, "No exception is open.",
          {"open_exceptions": "Open exceptions.", "overdue": "Of these, past due.", "opened_today": "Of these, opened on the business date."},
          most_rows=10_000),
    Topic("allocation_performance", "Allocation performance", "What the plan does by channel and department, and how near it is to the best possible ('*' = all).",
          ("allocation_performance",), _PERFORMANCE, "Nothing was allocated on this date."),
    Topic("shortages", "Why need stays unmet", "Units of need that were not sent, by what binds.", ("allocation_needs",), _SHORTAGES, "Every need is met.",
          {**_MEANING, "pairs": "SKU x location pairs that got less than they need."}),
    Topic("open_to_buy", "Open to buy", "By department and month, at retail, the tightest first.", ("open_to_buy",), _OPEN_TO_BUY,
          "No budget has landed (feed budgets), so there is no open-to-buy."),
    Topic("supplier_orders", "Supplier orders", "What the engine proposes to order, by supplier.", ("replenishment_orders",), _SUPPLIERS,
          "No supplier order is proposed on this date.",
          {"lines": "Order lines.", "pending_lines": "Of these, lines that wait for an approval.", "pending_value": "Value of the lines that wait."}),
    Topic("shipments_planned", "Shipments planned", "What the engine ships, by lane and ship date; lines that are not firm are a preview.", ("allocations",), _LANES,
          "Nothing is shipped on this plan.", {"lines": "Allocation lines."}),
    Topic("counts", "What to count", "Records to count first, by what a count is expected to gain.", ("count_list",), _COUNTS, "No record needs a count.",
          {"count_rank": "Place in the list of the date.", "expected_gain": "Money that a count is expected to gain.", "probability_wrong": "Chance that the record is wrong.",
           "probability_empty": "Chance that nothing is there although the book says so.", "book_on_hand": "Units on the book.", "believed_on_hand": "Units that are believed to be there.",
           "days_since_count": "Days since the last count.", "reason": "Why it is on the list.", "location_id": "Location.", "sku_id": "Item."}, 15),
    Topic("service_levels", "Service levels", "What service the policy aims at, and what pays, by class of item.", ("service_levels",), _LEVELS,
          "No pair has a service level on this date."),
    Topic("vendors", "Vendor scorecard", "How suppliers delivered ('*' = all).", ("vendor_scorecards",), _VENDORS, "No delivery was promised within the window."),
    Topic("approvals", "Corrections that wait", "Proposed stock corrections that wait for an approval, the largest first.", ("adjustments_proposed",), _PROPOSALS,
          "No correction waits.", page_rows=15),
    Topic("actions", "Actions to decide", "What waits for a decision, the most money first.", ("exceptions",), _ACTIONS, "Nothing waits for a decision.",
          {"about": "What kind of thing waits.", "subject": "What it concerns.", "finding": "What was found.",
           "value": "Money: at risk, freed, ordered or shipped, as the kind of thing says."}, 40),
    Topic("explain", "Explain", "Pairs with the largest unmet need, and with the largest value of what they get: why each got what it got.",
          ("allocation_needs",), _EXPLAIN, "No location needs anything on this date.",
          {**_MEANING, "place": "Rank: largest unmet need and largest value in turn.",
           "limit_price": "What one unit more of the binding limit would be worth; empty where no shared limit binds.",
           "competing": "The five other locations whose cases of the same stock are worth most."}, 12),
    Topic("allocations", "Allocation lines", "Every line of the plan, the most valuable last case first.", ("allocations",), _ALLOCATIONS, "Nothing is shipped on this plan.", page_rows=0),
    Topic("order_lines", "Order lines", "Every proposed order line, the largest value first.", ("replenishment_orders",), _ORDERS, "No supplier order is proposed on this date.", page_rows=0),
    Topic("run", "Run", "What the run says of itself.", ("run_summary",), _RUN, "The run left no summary.", page_rows=0),
)  # fmt: skip
BY_NAME = {topic.name: topic for topic in TOPICS}
