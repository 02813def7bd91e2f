"""The kinds of exception, each declared once: adding a kind is adding an entry to KINDS (and its input to `inputs.py`).

A kind's `found` is a query over the relations of `inputs.py` that returns one row per cause:
  cause_key      what the cause is, the same on every date it is found (never a date of the run); unique within the kind
  sku_id         item, null where several are concerned
  location_id    location, null where several are concerned
  value_at_risk  money, at least 0
  evidence       keys of the rows behind it, 'table:key; table:key', the most valuable first
  detail         what was found, in words and numbers
  owner_role     optional: who owns this cause, where it is not the kind's `owner_role`
One cause at one supplier, lane, shipment, count or DC is one row, however many lines it has. Values of settings are DuckDB
variables: `run_date`, `phantom_probability`, `min_value`, `signal_value`, `event_from`.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    """One kind of exception: who owns it, how long until it is due, what to do, and the query that finds its causes."""

    name: str
    owner_role: str
    days_until_due: int
    recommended_action: str
    found: str


def largest(text: str, order: str, most: int = 3) -> str:
    """SQL aggregate: the texts of the first `most` rows in `order`, joined by '; '. Arguments are SQL, never values."""
    return f"array_to_string(list_slice(list({text} ORDER BY {order}), 1, {most}), '; ')"


#: A group's item: its only one, else null.
_ONE_ITEM = "CASE WHEN min(sku_id) = max(sku_id) THEN min(sku_id) END AS sku_id"
_COST = "coalesce(p.unit_cost, 0)"


def _suspected(probability: str, value_units: str, words: str) -> str:
    """Records believed wrong in one direction, above the probability and the value that policy asks for."""
    return f"""
    SELECT concat_ws('|', location_id, sku_id) AS cause_key, sku_id, location_id, value_at_risk,
        concat('record_beliefs:', location_id, '|', sku_id) AS evidence, detail
    FROM (
        SELECT b.location_id, b.sku_id,
            (b.{probability} * {value_units} * {_COST}::DOUBLE)::DECIMAL(18, 6) AS value_at_risk,
            format('Book {{}} units, believed {{}}: {words} with probability {{:.2f}}; strongest evidence {{}}, {{}} without a sale, {{}}.',
                b.book_on_hand, b.believed_on_hand, b.{probability}, coalesce(b.evidence, 'none'),
                coalesce(b.zero_sales_days, 0) || ' days',
                coalesce('counted ' || b.days_since_count || ' days ago', 'never counted')) AS detail
        FROM record_beliefs AS b
        LEFT JOIN positions AS p ON p.location_id = b.location_id AND p.sku_id = b.sku_id
        WHERE b.{probability} > getvariable('phantom_probability')
    )
    WHERE value_at_risk > getvariable('min_value')
    """


_NEGATIVE = f"""
SELECT concat_ws('|', location_id, sku_id) AS cause_key, sku_id, location_id,
    (-p.on_hand * {_COST})::DECIMAL(18, 6) AS value_at_risk,
    concat('inventory_positions:', location_id, '|', sku_id) AS evidence,
    format('The book stands at {{}} units: more left than ever came.', p.on_hand) AS detail
FROM positions AS p WHERE p.on_hand < 0
"""

_COUNTED = "sku_id || ' counted ' || counted_units || ', book ' || book_units || ', ' || action"
_COUNT_VARIANCE = f"""
SELECT concat_ws('|', location_id, source_id) AS cause_key, {_ONE_ITEM}, location_id,
    sum(abs(coalesce(variance_value, 0)))::DECIMAL(18, 6) AS value_at_risk,
    {largest("'adjustments_proposed:' || row_key", "abs(variance_value) DESC NULLS LAST, row_key", 5)} AS evidence,
    format('Count {{}} at {{}} waits with {{}} (gains {{}}, losses {{}} units): ', source_id, location_id,
        count(*) || CASE WHEN count(*) = 1 THEN ' variance' ELSE ' variances' END,
        coalesce(sum(variance_units) FILTER (variance_units > 0), 0),
        coalesce(-sum(variance_units) FILTER (variance_units < 0), 0))
    || {largest(_COUNTED, "abs(variance_value) DESC NULLS LAST, row_key")} || '.' AS detail
FROM proposals WHERE kind = 'count' AND approval_status = 'pending'
GROUP BY location_id, source_id
"""

_OVERDUE_APPROVAL = f"""
SELECT concat_ws('|', location_id, approver_role) AS cause_key, {_ONE_ITEM}, location_id, approver_role AS owner_role,
    sum(abs(coalesce(variance_value, 0)))::DECIMAL(18, 6) AS value_at_risk,
    {largest("'adjustments_proposed:' || row_key", "due_on, row_key", 5)} AS evidence,
    format('{{}} past due for {{}} at {{}}, the oldest since {{}}: ',
        count(*) || CASE WHEN count(*) = 1 THEN ' decision is' ELSE ' decisions are' END,
        approver_role, location_id, strftime(min(due_on), '%Y-%m-%d'))
    || {largest("kind || ' ' || source_id || ' of ' || sku_id || ' due ' || strftime(due_on, '%Y-%m-%d')", "due_on, row_key")}
    || '.' AS detail
FROM proposals WHERE approval_status = 'pending' AND due_on < getvariable('run_date')
GROUP BY location_id, approver_role
"""

_OF_LINE = "'shipment_lines:' || shipment_id || '|' || coalesce(line_no, 0)"


def _per_shipment(units: str, condition: str, words: str) -> str:
    """Shipments with lines where units are missing or damaged, seen within the event window: one row a shipment."""
    by_value = "value DESC, sku_id, line_no"
    return f"""
    SELECT concat_ws('|', shipment_id, to_location_id) AS cause_key, {_ONE_ITEM}, to_location_id AS location_id,
        sum(value)::DECIMAL(18, 6) AS value_at_risk, {largest(_OF_LINE, by_value, 5)} AS evidence,
        format('Shipment {{}} from {{}} to {{}}: {{}} of {{}} units {words} on {{}}: ', shipment_id,
            coalesce(min(from_location_id), 'unknown'), to_location_id, sum(units), sum(units_shipped),
            count(*) || CASE WHEN count(*) = 1 THEN ' line' ELSE ' lines' END)
        || {largest("sku_id || ' ' || units || ' of ' || units_shipped", by_value)} || '.' AS detail
    FROM (
        SELECT shipment_id, line_no, from_location_id, to_location_id, sku_id, {units} AS units,
            coalesce(units_shipped, 0) AS units_shipped, {units} * coalesce(unit_cost, 0) AS value
        FROM deliveries WHERE {condition}
    )
    GROUP BY shipment_id, to_location_id
    """


_SHORT = "short_units"

_ON_THE_WAY = "shipment_id || ' to ' || to_location_id || ' ' || sku_id || ' ' || in_transit_units"
_LATE = f"""
SELECT coalesce(from_location_id, 'unknown') AS cause_key, {_ONE_ITEM}, from_location_id AS location_id,
    sum(in_transit_units * coalesce(unit_cost, 0))::DECIMAL(18, 6) AS value_at_risk,
    {largest(_OF_LINE, "expected_date, shipment_id, sku_id, line_no", 5)} AS evidence,
    format('{{}} from {{}} to {{}} overdue by up to {{}} days, {{}} units: ',
        count(DISTINCT shipment_id) || CASE WHEN count(DISTINCT shipment_id) = 1 THEN ' shipment' ELSE ' shipments' END,
        coalesce(from_location_id, 'unknown'),
        count(DISTINCT to_location_id) || CASE WHEN count(DISTINCT to_location_id) = 1 THEN ' location' ELSE ' locations' END,
        max(getvariable('run_date') - expected_date), sum(in_transit_units))
    || {largest(_ON_THE_WAY, "in_transit_units * coalesce(unit_cost, 0) DESC, shipment_id, sku_id, line_no")} || '.' AS detail
FROM deliveries WHERE status = 'overdue' AND business_date = getvariable('run_date') AND in_transit_units > 0
GROUP BY from_location_id
"""

_ONE_PLACE = "CASE WHEN min(location_id) = max(location_id) THEN min(location_id) END AS location_id"
_AWAITED = "po_id || ' ' || sku_id || ' ' || promised_units || ', expected ' || strftime(predicted_date, '%Y-%m-%d')"
_LATE_SUPPLIER = f"""
SELECT 'supplier|' || supplier_id AS cause_key, {_ONE_ITEM}, {_ONE_PLACE}, 'supply_planner' AS owner_role,
    sum(value)::DECIMAL(18, 6) AS value_at_risk,
    {largest("concat_ws('|', 'inbound_predictions:' || po_id, location_id, sku_id)", "promised_date, po_id, location_id, sku_id", 5)} AS evidence,
    format('{{}} of supplier {{}} past due by up to {{}} days, {{}} units: ',
        count(DISTINCT po_id) || CASE WHEN count(DISTINCT po_id) = 1 THEN ' order' ELSE ' orders' END,
        supplier_id, max(getvariable('run_date') - promised_date), sum(promised_units))
    || {largest(_AWAITED, "value DESC, po_id, location_id, sku_id")} || '.' AS detail
FROM (SELECT *, promised_units * unit_cost AS value FROM inbound) WHERE is_past_due
GROUP BY supplier_id
"""

_SHORT_SUPPLIER = f"""
SELECT 'supplier|' || from_id AS cause_key, NULL::VARCHAR AS sku_id, {_ONE_PLACE}, 'supply_planner' AS owner_role,
    sum(short_value)::DECIMAL(18, 6) AS value_at_risk, 'vendor_scorecards:' || from_id AS evidence,
    format('Supplier {{}} left out {{}} of {{}} units ordered on {{}} that closed short: ', from_id, sum(short_units), sum(ordered_units),
        count(DISTINCT order_id) || CASE WHEN count(DISTINCT order_id) = 1 THEN ' order' ELSE ' orders' END)
    || {largest("order_id || ' ' || short_units || ' of ' || ordered_units", "short_value DESC, order_id, location_id")} || '.' AS detail
FROM supplier_shorts GROUP BY from_id
"""

_DRIFTED = """
SELECT concat_ws('|', l.from_id, l.to_location_id) AS cause_key, NULL::VARCHAR AS sku_id, l.to_location_id AS location_id,
    coalesce(w.value, 0)::DECIMAL(18, 6) AS value_at_risk, concat_ws('|', 'lead_times:' || l.from_id, l.to_location_id) AS evidence,
    CASE l.lane_class WHEN 'supplier' THEN 'supply_planner' ELSE 'logistics_manager' END AS owner_role,
    format('{} from {} to {} is {:.1f} days {} than {} ({:.1f} standard errors, {} orders); {} units are on the way.',
        CASE l.drift_of WHEN 'delay' THEN 'Delay past the promise' ELSE 'Lead time' END, l.from_id, l.to_location_id, abs(l.drift_days),
        CASE WHEN l.drift_days > 0 THEN 'longer' ELSE 'shorter' END,
        CASE l.drift_of WHEN 'stated_lead_time' THEN format('the stated {:.1f}', l.stated_lead_days) ELSE 'before' END,
        abs(l.drift_deviations), CASE l.drift_of WHEN 'delay' THEN l.orders ELSE l.lead_orders END, coalesce(w.units, 0)) AS detail
FROM lead_times AS l
LEFT JOIN (
    SELECT from_id, to_location_id, sum(units)::BIGINT AS units, sum(units * unit_cost) AS value
    FROM (
        SELECT supplier_id AS from_id, location_id AS to_location_id, promised_units AS units, unit_cost FROM inbound
        UNION ALL
        SELECT from_location_id, to_location_id, in_transit_units, coalesce(unit_cost, 0) FROM deliveries
        WHERE business_date = getvariable('run_date')
    )
    GROUP BY from_id, to_location_id
) AS w ON w.from_id = l.from_id AND w.to_location_id = l.to_location_id
WHERE l.drift_of <> 'none'
"""

_UNRELIABLE = """
SELECT location_id AS cause_key, NULL::VARCHAR AS sku_id, location_id,
    greatest(coalesce(shrink_value, 0), 0)::DECIMAL(18, 6) AS value_at_risk,
    concat('location_reliability:', location_id) AS evidence,
    format('Chronic {} at {}: {} of {} receipt lines and {} of {} counted records wrong, {} units lost; allocation applies {}.',
        array_to_string(list_filter([
            CASE WHEN is_chronic_receiving THEN 'receiving errors' END, CASE WHEN is_chronic_shrink THEN 'shrink' END
        ], lambda x: x IS NOT NULL), ' and '), location_id, coalesce(receiving_error_lines, 0), coalesce(receipt_lines, 0),
        coalesce(wrong_records, 0), coalesce(counted_records, 0), coalesce(shrink_units, 0), coalesce(action, 'nothing')) AS detail
FROM location_reliability WHERE is_chronic_receiving OR is_chronic_shrink
"""

_PLACES = "count(*) || CASE WHEN count(*) = 1 THEN ' location: ' ELSE ' locations: ' END"


def _signalled(signals: str, words: str) -> str:
    """Signals of demand, one row per item and direction, whatever the number of locations; below `signal_value` none."""
    by_value = "value_at_risk DESC, location_id"
    return f"""
    SELECT concat_ws('|', sku_id, direction) AS cause_key, sku_id,
        nullif(CASE WHEN min(location_id) = max(location_id) THEN min(location_id) END, '*') AS location_id,
        sum(value_at_risk)::DECIMAL(18, 6) AS value_at_risk,
        {largest("concat_ws('|', 'demand_signals:' || location_id, sku_id, signal)", by_value, 5)} AS evidence,
        {words} || {largest("CASE location_id WHEN '*' THEN '' ELSE location_id || ' ' END || detail", by_value)} || '.' AS detail
    FROM (
        SELECT * FROM demand_signals WHERE signal IN ({signals})
        QUALIFY row_number() OVER (PARTITION BY sku_id, location_id, direction ORDER BY value_at_risk DESC, signal) = 1
    )
    GROUP BY sku_id, direction HAVING sum(value_at_risk) > getvariable('signal_value')
    """


_SIDE = "CASE direction WHEN 'up' THEN 'above' ELSE 'below' END"
_BIASED = _signalled("'tracking', 'bias'", f"format('Demand of {{}} stays {{}} its forecast at ', sku_id, {_SIDE}) || {_PLACES}")
_OUTLIER = _signalled("'outlier'", f"format('Sales of {{}} are far beyond the forecast at ', sku_id) || {_PLACES}")
_BROKEN = _signalled("'break'", f"format('The level of {{}} has moved {{}} its forecast at ', sku_id, {_SIDE}) || {_PLACES}")
_STOPPED = _signalled("'stop'", "format('{} stopped selling: ', sku_id)")

# A cause is one override of an item, or what policy forces of an item out of a DC, at however many locations.
_LACKING = "to_location_id || ' ' || allocated_units || ' of ' || forced_units || ' (' || least_change || ')'"
_INFEASIBLE = f"""
SELECT cause_key, sku_id, CASE WHEN min(to_location_id) = max(to_location_id) THEN min(to_location_id) END AS location_id,
    sum((forced_units - allocated_units) * {_COST})::DECIMAL(18, 6) AS value_at_risk,
    {largest("concat('allocation_needs:', to_location_id, '|', sku_id)", "forced_units - allocated_units DESC, to_location_id", 5)} AS evidence,
    format('{{}} forces {{}} units of {{}} that limits do not admit, with the least change that would at {{}}: ',
        any_value(origin), sum(forced_units - allocated_units), sku_id,
        count(*) || CASE WHEN count(*) = 1 THEN ' location' ELSE ' locations' END)
    || {largest(_LACKING, "forced_units - allocated_units DESC, to_location_id")} || '.' AS detail
FROM (
    SELECT n.*, p.unit_cost, coalesce('Override ' || n.override_id, 'Policy') AS origin,
        concat_ws('|', coalesce(n.override_id, 'policy'), n.from_location_id, n.sku_id) AS cause_key
    FROM needs AS n
    LEFT JOIN positions AS p ON p.location_id = n.from_location_id AND p.sku_id = n.sku_id
    WHERE n.least_change IS NOT NULL
) AS p
GROUP BY cause_key, sku_id
"""

_OVERRUN = f"""
SELECT department AS cause_key, {_ONE_ITEM}, {_ONE_PLACE}, sum(order_value)::DECIMAL(18, 6) AS value_at_risk,
    {largest("concat_ws('|', 'replenishment_orders:' || supplier_id, location_id, sku_id)", "overrun DESC, supplier_id, location_id, sku_id", 5)} AS evidence,
    format('{{}} of {{}} held, {{}} units: ', count(*) || CASE WHEN count(*) = 1 THEN ' order' ELSE ' orders' END, department, sum(units))
    || {largest("location_id || ' ' || sku_id || ' ' || units || ' (' || held_reason || ')'", "overrun DESC, supplier_id, location_id, sku_id")}
    || '.' AS detail
FROM supplier_orders WHERE approval_status = 'pending' AND overrun IS NOT NULL GROUP BY department
"""

_FULL = f"""
SELECT location_id AS cause_key, {_ONE_ITEM}, location_id, sum(order_value)::DECIMAL(18, 6) AS value_at_risk,
    {largest("concat_ws('|', 'replenishment_orders:' || supplier_id, location_id, sku_id)", "overrun_units DESC, supplier_id, sku_id", 5)} AS evidence,
    format('{{}} to {{}} held for room, {{}} units: ', count(*) || CASE WHEN count(*) = 1 THEN ' order' ELSE ' orders' END, location_id, sum(units))
    || {largest("sku_id || ' ' || units || ' (' || held_reason || ')'", "overrun_units DESC, supplier_id, sku_id")} || '.' AS detail
FROM supplier_orders WHERE approval_status = 'pending' AND overrun_units IS NOT NULL GROUP BY location_id
"""

# A band is judged after the date's order; the share kept in stock is of the contract's items at the location.
_BREACH_WORDS = "location_id || ' ' || what"
_BREACH = f"""
WITH kept AS (
    SELECT p.supplier_id, p.location_id, p.sku_id, coalesce(p.unit_cost, 0) AS unit_cost, p.contract_min, p.contract_max, p.contract_min_share,
        p.on_hand > 0 AS is_there, p.on_hand + p.in_transit + p.on_order - p.backorders - p.reserved + coalesce(o.units, 0) AS position
    FROM ordering AS p LEFT JOIN supplier_orders AS o ON o.location_id = p.location_id AND o.sku_id = p.sku_id AND o.approval_status <> 'rejected'
    WHERE p.contract_kind IS NOT NULL AND coalesce(p.block_reason, '') <> 'lifecycle_exit'
), breaches AS (
    SELECT supplier_id, location_id, sku_id, (contract_min - position) * unit_cost AS value,
        format('{{}} at {{}}, at least {{}}', sku_id, position, contract_min) AS what
    FROM kept WHERE position < contract_min
    UNION ALL
    SELECT supplier_id, location_id, sku_id, (position - contract_max) * unit_cost,
        format('{{}} at {{}}, at most {{}}', sku_id, position, contract_max)
    FROM kept WHERE position > contract_max
    UNION ALL
    SELECT supplier_id, location_id, NULL, sum(unit_cost) FILTER (NOT is_there),
        format('{{}} of {{}} items in stock, at least {{:.0f}} %', count(*) FILTER (is_there), count(*), 100 * min(contract_min_share)::DOUBLE)
    FROM kept WHERE contract_min_share IS NOT NULL GROUP BY supplier_id, location_id
    HAVING count(*) FILTER (is_there) < min(contract_min_share) * count(*)
)
SELECT supplier_id AS cause_key, {_ONE_ITEM}, {_ONE_PLACE}, sum(value)::DECIMAL(18, 6) AS value_at_risk,
    {largest("concat_ws('|', 'vendor_contracts:' || supplier_id, location_id, sku_id)", "value DESC, location_id, sku_id", 5)} AS evidence,
    format('{{}} with supplier {{}}: ', count(*) || CASE WHEN count(*) = 1 THEN ' breach of contract' ELSE ' breaches of contract' END, supplier_id)
    || {largest(_BREACH_WORDS, "value DESC, location_id, sku_id")} || '.' AS detail
FROM breaches GROUP BY supplier_id
"""

#: In the order in which a reader wants them; names are part of the published contract.
KINDS: tuple[Kind, ...] = (
    Kind(
        "suspected_phantom_stock", "store_manager", 2,
        "Look at the shelf and the back room, and count the item; the engine already allocates by the believed stock.",
        _suspected("probability_empty", "greatest(b.book_on_hand, 0)", "nothing there"),
    ),
    Kind(
        "suspected_hidden_stock", "store_manager", 3,
        "Search the back room and neighbouring shelves, and count the item before more of it is sent.",
        _suspected("probability_hidden", "greatest(b.believed_on_hand - b.book_on_hand, 1)", "more there than the book says"),
    ),
    Kind(
        "negative_stock", "inventory_controller", 2,
        "Find the missing receipt, transfer or wrong sale, and count the item.", _NEGATIVE,
    ),
    Kind(
        "count_variance", "inventory_controller", 3,
        "Approve, reject or count again, as each proposal's action says (feed approvals, dataset adjustments_proposed).",
        _COUNT_VARIANCE,
    ),
    Kind(
        "overdue_approval", "inventory_controller", 1,
        "Decide now, or have a higher role decide: until then the books stay as they are.", _OVERDUE_APPROVAL,
    ),
    Kind(
        "infeasible_override", "allocation_planner", 1,
        "Make the change that is named, or lower the override or the policy's minimum: the rest is allocated as if it were lower.",
        _INFEASIBLE,
    ),
    Kind(
        "short_delivery", "logistics_manager", 3,
        "Claim the missing units from the sender or carrier, check the sender's stock of the same items, and order again what is needed.",
        _per_shipment(_SHORT, f"status IN ('short', 'lost') AND {_SHORT} > 0 AND closed_on >= getvariable('event_from')", "missing")
        + f"UNION ALL BY NAME {_SHORT_SUPPLIER}",
    ),
    Kind(
        "late_delivery", "logistics_manager", 1,
        "Ask the sender and carrier where the deliveries are; receive what has arrived unbooked.",
        f"{_LATE} UNION ALL BY NAME {_LATE_SUPPLIER}",
    ),
    Kind(
        "damaged_delivery", "logistics_manager", 3,
        "Claim the damage from the sender or carrier, and decide what becomes of the units.",
        _per_shipment("units_damaged", "units_damaged > 0 AND last_received_on >= getvariable('event_from')", "damaged"),
    ),
    Kind(
        "lane_drift", "supply_planner", 7,
        "Settle a new lead time with the supplier or carrier, or correct the one that the lane states; predictions already use what is seen.",
        _DRIFTED,
    ),
    Kind(
        "budget_overrun", "supply_planner", 2,
        "Approve or reject each line (feed approvals, dataset replenishment_orders), or raise the month's budget: until then it is not ordered.", _OVERRUN,
    ),
    Kind(
        "storage_overrun", "supply_planner", 2,
        "Approve or reject each line (feed approvals, dataset replenishment_orders), or make room: until then it is not ordered.", _FULL,
    ),
    Kind(
        "contract_breach", "supply_planner", 3,
        "Settle with the supplier what is missing or too much, or correct the contract; orders stay inside the band.", _BREACH,
    ),
    Kind(
        "unreliable_location", "inventory_controller", 14,
        "Review receiving and security at the location; its buffer or hold in allocation stays until its rates recover.",
        _UNRELIABLE,
    ),
    Kind(
        "sudden_stop", "demand_planner", 2,
        "Check that the item is on the shelf, priced and can be sold at the till; block its allocation if it was withdrawn.", _STOPPED,
    ),
    Kind(
        "demand_break", "demand_planner", 3,
        "Find what changed (price, place, range, competitor) and tell the plan: a promotion, an event or a like item.", _BROKEN,
    ),
    Kind(
        "forecast_bias", "demand_planner", 7,
        "Check the item's promotions, events, like item and stock-out records; override the allocation until the forecast is back.",
        _BIASED,
    ),
    Kind(
        "demand_outlier", "demand_planner", 3,
        "Check the sales lines: correct a wrong quantity in the till's data, or enter the one-off order as a promotion or event.",
        _OUTLIER,
    ),
)  # fmt: skip
