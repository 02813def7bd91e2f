"""What stands at stake and what the facts say of it, in SQL over the relations of `facts.RELATIONS`.

Every part of EVIDENCE returns rows (c, cause, first_on, last_on, units, evidence_dataset, evidence_key): without the fact,
`units` more would have been at position c from one date to the other. A plan's refusal counts from the arrival it would have
had until the next plan's arrival, a late line from its promise until it came, a short one until a plan that knew of it
arrives. What is too much (overstock) counts on the run's date alone.
"""

from __future__ import annotations

from allocation_assets.root_causes.vocabulary import REFUSALS

#: Dates in a row on which a shelf stays empty beside a book with stock before the record is blamed, not the shelf: a shelf is
#: filled within days, a record stays wrong until somebody counts.
SHELF_DATES = 4
_D, _FROM = "getvariable('run_date')", "getvariable('window_from')"

#: Positions in trouble, one row each: out by the book, out on the shelf while the book has stock, believed empty, or too much.
CASES = f"""
CREATE OR REPLACE TEMP TABLE cases AS
WITH today AS (
    SELECT p.*, b.probability_empty, b.zero_sales_days, l.lost_units, l.lost_margin,
        greatest(coalesce(i.unit_price, 0) - coalesce(i.unit_cost, 0), 0) AS unit_margin,
        p.available - coalesce(p.daily_mean, 0)::DECIMAL(18, 6) * getvariable('overstock_days') - coalesce(p.presentation_min, 0) AS excess
    FROM positions AS p
    LEFT JOIN beliefs AS b USING (business_date, location_id, sku_id)
    LEFT JOIN losses AS l USING (business_date, location_id, sku_id)
    LEFT JOIN items AS i USING (sku_id)
    WHERE p.business_date = {_D}
), judged AS (
    SELECT *, CASE
            WHEN stock_status = 'stockout' THEN 'book'
            WHEN is_active AND lost_units > 0 THEN 'shelf'
            WHEN is_active AND location_type <> 'dc' AND probability_empty > getvariable('phantom_probability') THEN 'belief'
        END AS out_by
    FROM today
)
SELECT row_number() OVER (ORDER BY location_id, sku_id) - 1 AS c, location_id, sku_id, coalesce(department, 'unassigned') AS department,
    coalesce(zero_sales_days, 0) AS zero_sales_days,
    CASE WHEN out_by IS NULL THEN 'overstock' ELSE 'stock_out' END AS kind, coalesce(out_by, 'book') AS basis,
    CASE WHEN out_by IS NULL THEN excess
        WHEN out_by = 'belief' AND lost_units IS NULL
        THEN (coalesce(daily_mean, 0) * getvariable('period_days') * probability_empty)::DECIMAL(18, 6)
        ELSE coalesce(lost_units, 0) END::DECIMAL(18, 6) AS units,
    CASE WHEN out_by IS NULL THEN CASE WHEN ownership = 'owned' THEN excess * coalesce(unit_cost, 0) ELSE 0 END
        WHEN out_by = 'belief' AND lost_units IS NULL
        THEN (coalesce(daily_mean, 0) * getvariable('period_days') * probability_empty)::DECIMAL(18, 6) * unit_margin
        ELSE coalesce(lost_margin, 0) END::DECIMAL(18, 3) AS position_value
FROM judged WHERE out_by IS NOT NULL OR stock_status = 'overstock'
"""

#: Days of the window of each position, with its state, its demand and the forecast that it was met with.
_DAYS = """
CREATE OR REPLACE TEMP TABLE case_days AS
WITH dated AS (
    SELECT c.c, c.kind, c.basis, c.zero_sales_days, p.business_date, p.location_id, p.sku_id, p.available, p.stock_status, p.daily_mean,
        lag(p.business_date) OVER pair AS before, lag(p.available) OVER pair AS opening
    FROM cases AS c JOIN positions AS p USING (location_id, sku_id)
    WINDOW pair AS (PARTITION BY c.c ORDER BY p.business_date)
)
SELECT t.*, coalesce(l.lost_units, 0) AS lost_units, coalesce(d.sales_units, 0) AS sales_units,
    greatest(coalesce(d.demand_units, 0), 0) AS demand_units, coalesce(d.hours_out, 0) AS hours_out,
    coalesce(d.is_censored, false) AS is_censored,
    (coalesce(f.next_day_mean, t.daily_mean, 0) * getvariable('period_days'))::DECIMAL(18, 6) AS forecast_units,
    (greatest(coalesce(f.next_day_dispersion, 1), 0.05) * coalesce(f.next_day_mean, t.daily_mean, 0) * getvariable('period_days'))::DECIMAL(18, 6)
        AS forecast_variance,
    f.location_id IS NOT NULL AS has_forecast
FROM dated AS t
LEFT JOIN losses AS l USING (business_date, location_id, sku_id)
LEFT JOIN demand AS d USING (business_date, location_id, sku_id)
LEFT JOIN forecasts AS f ON f.business_date = t.before AND f.location_id = t.location_id AND f.sku_id = t.sku_id
"""

#: Units lost a day since the position was last healthy; where none were measured, the demand that met nothing.
LOSS = f"""
WITH marked AS (
    SELECT *, stock_status = 'stockout' OR lost_units > 0 OR basis = 'belief' AND business_date > {_D} - zero_sales_days::INTEGER AS is_out
    FROM case_days WHERE kind = 'stock_out'
), present AS (
    SELECT *, sum(lost_units) OVER (PARTITION BY c) AS measured FROM marked AS m
    WHERE business_date > coalesce((SELECT max(h.business_date) FROM marked AS h WHERE h.c = m.c AND NOT h.is_out AND h.business_date < {_D}),
        DATE '0001-01-01')
)
SELECT c, (business_date - {_FROM})::BIGINT AS day,
    CASE WHEN measured > 0 THEN lost_units::DOUBLE ELSE coalesce(daily_mean, 0) * getvariable('period_days') END AS units
FROM present
UNION ALL
SELECT c, ({_D} - {_FROM})::BIGINT, units::DOUBLE FROM cases WHERE kind = 'overstock'
ORDER BY c, day
"""

_REFUSAL = "CASE p.binding_constraint " + " ".join(f"WHEN '{k}' THEN '{v}'" for k, v in REFUSALS.items()) + " ELSE 'policy_rule' END"

#: The newest plan of each pair and arrival, with the next arrival at the location; and when a plan of a date arrives there.
_PLANS = f"""
CREATE OR REPLACE TEMP TABLE calendar AS
SELECT to_location_id AS location_id, business_date, min(arrival) AS arrival FROM plans
WHERE to_location_id IN (SELECT location_id FROM cases) GROUP BY ALL;
CREATE OR REPLACE TEMP TABLE planned AS
WITH arrivals AS (
    SELECT location_id, arrival, lead(arrival) OVER (PARTITION BY location_id ORDER BY arrival) AS next_arrival
    FROM (SELECT DISTINCT location_id, arrival FROM calendar)
)
SELECT c.c, c.kind, p.business_date, p.from_location_id, p.to_location_id, p.sku_id, p.need_units, p.allocated_units, p.shorted_units,
    p.forced_units, p.override_id, p.arrival, p.binding_constraint,
    CASE WHEN p.binding_constraint = 'blocked' AND p.override_id IS NOT NULL THEN 'override' ELSE {_REFUSAL} END AS refusal,
    coalesce(a.next_arrival, {_D} + 1) - 1 AS last_on,
    concat_ws('|', p.business_date, p.from_location_id, p.to_location_id, p.sku_id) AS plan_key
FROM plans AS p JOIN cases AS c ON c.location_id = p.to_location_id AND c.sku_id = p.sku_id
LEFT JOIN arrivals AS a ON a.location_id = p.to_location_id AND a.arrival = p.arrival
QUALIFY row_number() OVER (PARTITION BY c.c, p.from_location_id, p.arrival ORDER BY p.business_date DESC) = 1
"""

#: Orders to suppliers that are late or closed short, at the positions and at the DCs that supply them.
_ORDERS = f"""
CREATE OR REPLACE TEMP TABLE supplier_faults AS
WITH wanted AS (
    SELECT location_id, sku_id FROM cases UNION SELECT from_location_id, sku_id FROM planned
), newest AS (
    SELECT o.* FROM orders AS o SEMI JOIN wanted USING (location_id, sku_id)
    QUALIFY row_number() OVER (PARTITION BY po_id, location_id, sku_id ORDER BY business_date DESC) = 1
), replaced AS (
    SELECT n.po_id, n.location_id, n.sku_id, min(m.business_date) AS replaced_on
    FROM newest AS n JOIN movements AS m ON m.location_id = n.location_id AND m.sku_id = n.sku_id AND m.movement_type = 'receipt'
        AND m.business_date >= n.closed_on + greatest(coalesce(n.promised_date - n.ordered_on, 1), 1)::INTEGER
    GROUP BY ALL
)
SELECT location_id, sku_id, 'supplier_late' AS cause, promised_date AS first_on,
    coalesce(CASE WHEN closed_on IS NOT NULL THEN last_received_on END, {_D} + 1) - 1 AS last_on,
    CASE WHEN closed_on IS NULL THEN units_due - units_received ELSE units_received END AS units,
    concat_ws('|', po_id, location_id, sku_id) AS evidence_key
FROM newest WHERE NOT is_cancelled AND promised_date < coalesce(CASE WHEN closed_on IS NOT NULL THEN last_received_on END, {_D} + 1)
    AND (closed_on IS NULL OR last_received_on IS NOT NULL)
UNION ALL
SELECT location_id, sku_id, 'supplier_short', least(promised_date, closed_on), coalesce(r.replaced_on, {_D} + 1) - 1,
    units_ordered - units_received, concat_ws('|', po_id, location_id, sku_id)
FROM newest LEFT JOIN replaced AS r USING (po_id, location_id, sku_id)
WHERE closed_on >= {_FROM} AND NOT is_cancelled AND units_received < units_ordered
UNION ALL
SELECT location_id, sku_id, 'supplier_over', closed_on, {_D}, units_received - units_ordered, concat_ws('|', po_id, location_id, sku_id)
FROM newest WHERE closed_on >= {_FROM} AND units_received > units_ordered
"""

#: What an item sold beyond its forecasts out of one DC, over the two weeks of dates up to each: a drain that no supplier caused.
_DRAINS = """
CREATE OR REPLACE TEMP TABLE drains AS
WITH lanes AS (
    SELECT DISTINCT from_location_id, to_location_id AS location_id, sku_id FROM plans
    SEMI JOIN (SELECT from_location_id, sku_id FROM planned WHERE refusal = 'dc' AND shorted_units > 0) USING (from_location_id, sku_id)
), dates AS (
    SELECT business_date, lag(business_date) OVER (ORDER BY business_date) AS before FROM (SELECT DISTINCT business_date FROM positions)
), daily AS (
    SELECT l.from_location_id, l.sku_id, t.business_date, min(t.before) AS before,
        sum(greatest(coalesce(d.demand_units, 0), 0) - (f.next_day_mean * getvariable('period_days'))::DECIMAL(18, 6)) AS error,
        sum((greatest(f.next_day_dispersion, 0.05) * f.next_day_mean * getvariable('period_days'))::DECIMAL(18, 6)) AS variance,
        arg_max(l.location_id, (coalesce(d.demand_units, 0), l.location_id)) AS location_id
    FROM lanes AS l JOIN forecasts AS f USING (location_id, sku_id) JOIN dates AS t ON t.before = f.business_date
    LEFT JOIN demand AS d ON d.business_date = t.business_date AND d.location_id = l.location_id AND d.sku_id = l.sku_id
    GROUP BY ALL
)
SELECT from_location_id, sku_id, business_date, concat_ws('|', before, location_id, sku_id) AS evidence_key,
    sum(error) OVER span AS units, sum(variance) OVER span AS variance
FROM daily WINDOW span AS (PARTITION BY from_location_id, sku_id ORDER BY business_date ROWS 13 PRECEDING)
QUALIFY units::DOUBLE > 1.645 * sqrt(variance::DOUBLE)
"""

PREPARE = (CASES, _DAYS, _PLANS, _ORDERS, _DRAINS)

_OF_PLANS = """
SELECT c, refusal AS cause, arrival AS first_on, last_on, shorted_units::DOUBLE AS units,
    CASE WHEN refusal = 'override' AND override_id IS NOT NULL THEN 'overrides' ELSE 'allocation_needs' END AS evidence_dataset,
    CASE WHEN refusal = 'override' AND override_id IS NOT NULL THEN override_id ELSE plan_key END AS evidence_key
FROM planned WHERE kind = 'stock_out' AND shorted_units > 0 AND refusal <> 'dc'
"""

#: A DC that lacked T units in all plans of a date had L of them late or short, or sold beyond forecast: without the fault, that part
#: would have gone out.
_OF_DC = """
WITH refused AS (SELECT * FROM planned WHERE kind = 'stock_out' AND shorted_units > 0 AND refusal = 'dc'),
lacking AS (
    SELECT business_date, from_location_id, sku_id, sum(shorted_units) AS total
    FROM plans SEMI JOIN refused USING (business_date, from_location_id, sku_id)
    WHERE binding_constraint IN ('dc_supply', 'fair_share', 'hold_back') GROUP BY ALL
), faults AS (
    SELECT l.business_date, l.from_location_id, l.sku_id, f.cause, sum(f.units) AS units, 'purchase_orders' AS evidence_dataset,
        arg_max(f.evidence_key, (f.units, f.evidence_key)) AS evidence_key
    FROM lacking AS l JOIN supplier_faults AS f ON f.location_id = l.from_location_id AND f.sku_id = l.sku_id
        AND l.business_date BETWEEN f.first_on AND f.last_on AND f.cause <> 'supplier_over'
    GROUP BY ALL
    UNION ALL
    SELECT l.business_date, l.from_location_id, l.sku_id, 'forecast_miss', d.units, 'demand_forecasts', d.evidence_key
    FROM lacking AS l JOIN drains AS d USING (business_date, from_location_id, sku_id)
), parts AS (
    SELECT r.c, f.cause, r.arrival AS first_on, r.last_on, r.shorted_units * least(1, f.units::DOUBLE / l.total) AS units,
        f.evidence_dataset, f.evidence_key
    FROM refused AS r JOIN lacking AS l USING (business_date, from_location_id, sku_id)
    JOIN faults AS f USING (business_date, from_location_id, sku_id)
)
FROM parts
UNION ALL
SELECT r.c, CASE WHEN r.binding_constraint = 'hold_back' THEN 'policy_rule' ELSE 'no_dc_supply' END, r.arrival, r.last_on,
    r.shorted_units * greatest(0, 1 - coalesce(f.units, 0)::DOUBLE / l.total), 'allocation_needs', r.plan_key
FROM refused AS r JOIN lacking AS l USING (business_date, from_location_id, sku_id)
LEFT JOIN (SELECT business_date, from_location_id, sku_id, sum(units) AS units FROM faults GROUP BY ALL) AS f
    USING (business_date, from_location_id, sku_id)
"""

_OF_SUPPLIERS = f"""
SELECT c.c, f.cause, CASE WHEN c.kind = 'overstock' THEN {_D} ELSE f.first_on END AS first_on, f.last_on, f.units::DOUBLE AS units,
    'purchase_orders' AS evidence_dataset, f.evidence_key
FROM supplier_faults AS f JOIN cases AS c USING (location_id, sku_id)
WHERE (c.kind = 'overstock') = (f.cause = 'supplier_over')
"""

#: Late between promise and arrival; short or damaged until a plan that saw it arrives. Before that, the day the truck was missed.
_OF_DELIVERIES = f"""
WITH newest AS (
    SELECT c.c, c.kind, s.*, a.ship_date AS planned_ship, a.arrival_date AS planned_arrival,
        coalesce(s.expected_date, a.arrival_date) AS due_on,
        CASE WHEN s.in_transit_units > 0 THEN {_D} + 1 WHEN s.units_received > 0 THEN s.last_received_on END AS came_on,
        concat_ws('|', s.shipment_id, s.line_no, s.to_location_id, s.sku_id) AS line_key
    FROM deliveries AS s JOIN cases AS c ON c.location_id = s.to_location_id AND c.sku_id = s.sku_id
    LEFT JOIN lines AS a ON a.allocation_id = s.allocation_id
    QUALIFY row_number() OVER (PARTITION BY s.shipment_id, s.line_no, s.to_location_id, s.sku_id ORDER BY s.business_date DESC) = 1
), missing AS (
    SELECT n.*, coalesce(p.arrival, {_D} + 1) - 1 AS until
    FROM newest AS n ASOF LEFT JOIN calendar AS p ON p.location_id = n.to_location_id AND p.business_date >= coalesce(n.closed_on, {_D})
)
SELECT c, 'delivery_late' AS cause, due_on AS first_on, came_on - 1 AS last_on,
    (CASE WHEN in_transit_units > 0 THEN in_transit_units ELSE units_received - units_damaged END)::DOUBLE AS units,
    'shipment_lines' AS evidence_dataset, line_key AS evidence_key
FROM newest WHERE kind = 'stock_out' AND units_shipped > 0 AND came_on > due_on
UNION ALL
SELECT c, 'missed_cutoff', planned_arrival, least(due_on, came_on) - 1, units_shipped::DOUBLE, 'shipment_lines', line_key
FROM newest WHERE kind = 'stock_out' AND shipped_on > planned_ship
UNION ALL
SELECT c, 'delivery_short', coalesce(due_on, came_on, closed_on), until, (short_units + units_damaged)::DOUBLE, 'shipment_lines', line_key
FROM missing WHERE kind = 'stock_out' AND units_shipped > 0 AND short_units + units_damaged > 0
"""

#: A firm line that no shipment names, where shipments name their lines at all.
_OF_LINES = f"""
SELECT c.c, 'missed_cutoff' AS cause, a.arrival_date AS first_on, coalesce(n.arrival, {_D} + 1) - 1 AS last_on, a.units::DOUBLE AS units,
    'allocations' AS evidence_dataset, concat_ws('|', a.business_date, a.from_location_id, a.to_location_id, a.sku_id) AS evidence_key
FROM lines AS a JOIN cases AS c ON c.location_id = a.to_location_id AND c.sku_id = a.sku_id AND c.kind = 'stock_out'
ANTI JOIN (SELECT DISTINCT allocation_id FROM deliveries WHERE allocation_id IS NOT NULL) AS s ON s.allocation_id = a.allocation_id
ASOF LEFT JOIN calendar AS n ON n.location_id = a.to_location_id AND n.business_date >= a.ship_date
WHERE a.is_firm AND a.approval_status <> 'pending' AND a.ship_date <= {_D}
    AND EXISTS (SELECT 1 FROM deliveries AS d WHERE d.allocation_id IS NOT NULL AND d.from_location_id = a.from_location_id)
"""

#: Demand beyond its usual spread (95 % over seven dates, 99 % on one); what was sold out of an empty shelf cannot fall short of it.
_MISSES = """
WITH errors AS (
    SELECT *, CASE WHEN is_censored OR stock_status = 'stockout' THEN greatest(demand_units - forecast_units, 0) ELSE demand_units - forecast_units END
        AS error
    FROM case_days WHERE before IS NOT NULL
)
SELECT c, kind, business_date, before, location_id, sku_id, error, has_forecast, forecast_variance,
    sum(error) OVER week AS net, sum(greatest(error, 0)) OVER week AS above, sum(forecast_variance) OVER week AS variance,
    error::DOUBLE > 2.326 * sqrt(forecast_variance::DOUBLE) AS is_alone
FROM errors WINDOW week AS (PARTITION BY c ORDER BY business_date ROWS 6 PRECEDING)
"""
_FORECAST_KEY = "concat_ws('|', coalesce(e.before, e.business_date), e.location_id, e.sku_id)"
_OF_FORECASTS = f"""
WITH e AS ({_MISSES})
SELECT e.c, 'forecast_miss' AS cause, e.business_date AS first_on, coalesce(n.arrival, {_D} + 1) - 1 AS last_on,
    (e.error * CASE WHEN e.is_alone THEN 1 ELSE e.net / e.above END)::DOUBLE AS units,
    CASE WHEN e.has_forecast THEN 'demand_forecasts' ELSE 'inventory_positions' END AS evidence_dataset, {_FORECAST_KEY} AS evidence_key
FROM e ASOF LEFT JOIN calendar AS n ON n.location_id = e.location_id AND n.business_date >= e.business_date
WHERE e.kind = 'stock_out' AND e.error > 0 AND (e.is_alone OR e.net::DOUBLE > 1.645 * sqrt(e.variance::DOUBLE))
UNION ALL
SELECT c, 'forecast_miss', {_D}, {_D}, (-sum(error))::DOUBLE,
    CASE WHEN bool_or(has_forecast) THEN 'demand_forecasts' ELSE 'inventory_positions' END,
    arg_min({_FORECAST_KEY}, (e.error, e.business_date))
FROM e WHERE kind = 'overstock'
GROUP BY c HAVING -sum(error)::DOUBLE > 1.645 * sqrt(sum(forecast_variance)::DOUBLE)
"""

#: Dates on which the shelf was seen empty although the opening stock of the book was more than was sold. The record is to blame
#: where there are many in a row, or where what came was sold and the shelf empty again beside the same book.
_HIDDEN = f"""
WITH seen AS (
    SELECT c, business_date, location_id, sku_id, least(opening - sales_units, lost_units)::DOUBLE AS units, sales_units,
        row_number() OVER (PARTITION BY c ORDER BY business_date) AS n
    FROM case_days WHERE kind = 'stock_out' AND hours_out > 0 AND opening > sales_units
), came AS (
    SELECT DISTINCT to_location_id AS location_id, sku_id, last_received_on AS business_date FROM deliveries WHERE units_received > 0
), runs AS (
    SELECT s.*, count(*) OVER stretch AS dates,
        coalesce(bool_or(s.sales_units > 0 AND a.location_id IS NOT NULL) OVER stretch, false) AS is_sold_out
    FROM seen AS s JOIN (SELECT c, business_date, row_number() OVER (PARTITION BY c ORDER BY business_date) AS n FROM case_days) AS d
        USING (c, business_date)
    LEFT JOIN came AS a ON a.location_id = s.location_id AND a.sku_id = s.sku_id AND a.business_date = s.business_date
    WINDOW stretch AS (PARTITION BY s.c, d.n - s.n)
)
SELECT r.*, r.is_sold_out OR r.dates > {SHELF_DATES} AS is_record, k.c IS NOT NULL AS is_counted FROM runs AS r
LEFT JOIN (SELECT DISTINCT c.c FROM movements AS m JOIN cases AS c USING (location_id, sku_id)
    WHERE m.movement_type = 'count_correction' AND m.units < 0) AS k USING (c)
"""

#: Stock of the book that was not there: believed so, seen so for long, or found so by a count.
_OF_RECORDS = f"""
WITH hidden AS ({_HIDDEN})
SELECT c.c, 'phantom_stock' AS cause, greatest({_D} - c.zero_sales_days::INTEGER + 1, {_FROM}) AS first_on, {_D} AS last_on,
    b.book_on_hand::DOUBLE AS units, 'record_beliefs' AS evidence_dataset,
    concat_ws('|', b.business_date, b.location_id, b.sku_id) AS evidence_key
FROM beliefs AS b JOIN cases AS c USING (location_id, sku_id) ANTI JOIN hidden AS h ON h.c = c.c
WHERE b.business_date = {_D} AND c.kind = 'stock_out' AND b.book_on_hand > 0 AND b.probability_empty > getvariable('phantom_probability')
UNION ALL
SELECT c, 'phantom_stock', business_date, business_date, units, 'stock_outs', concat_ws('|', business_date, location_id, sku_id)
FROM hidden WHERE is_record AND NOT is_counted
UNION ALL
SELECT c.c, 'phantom_stock', {_FROM}, coalesce(n.arrival, {_D} + 1) - 1, -m.units::DOUBLE, 'stock_ledger', m.movement_id
FROM movements AS m JOIN cases AS c USING (location_id, sku_id)
ASOF LEFT JOIN calendar AS n ON n.location_id = m.location_id AND n.business_date >= m.business_date
WHERE m.movement_type = 'count_correction' AND m.units < 0 AND c.kind = 'stock_out'
"""

#: An empty shelf beside stock that nothing says was not there.
_OF_SHELVES = f"""
WITH hidden AS ({_HIDDEN})
SELECT c, 'store_execution' AS cause, business_date AS first_on, business_date AS last_on, units, 'stock_outs' AS evidence_dataset,
    concat_ws('|', business_date, location_id, sku_id) AS evidence_key
FROM hidden WHERE NOT is_record AND NOT is_counted
"""

_OF_EXCESS = f"""
SELECT c, CASE WHEN override_id IS NOT NULL THEN 'override' WHEN forced_units > 0 THEN 'policy_minimum' ELSE 'case_pack' END AS cause,
    {_D} AS first_on, {_D} AS last_on, (allocated_units - need_units)::DOUBLE AS units,
    CASE WHEN override_id IS NOT NULL THEN 'overrides' ELSE 'allocation_needs' END AS evidence_dataset,
    coalesce(override_id, plan_key) AS evidence_key
FROM planned WHERE kind = 'overstock' AND allocated_units > need_units
UNION ALL
SELECT c.c, CASE m.movement_type WHEN 'opening' THEN 'opening_stock' WHEN 'return_restock' THEN 'customer_returns' ELSE 'count_gain' END,
    {_D}, {_D}, m.units::DOUBLE, 'stock_ledger', m.movement_id
FROM movements AS m JOIN cases AS c USING (location_id, sku_id)
WHERE c.kind = 'overstock' AND m.units > 0 AND m.movement_type IN ('opening', 'return_restock', 'count_correction')
"""

_PARTS = (_OF_PLANS, _OF_DC, _OF_SUPPLIERS, _OF_DELIVERIES, _OF_LINES, _OF_FORECASTS, _OF_RECORDS, _OF_SHELVES, _OF_EXCESS)
#: All rows of evidence that touch the window, as day numbers of it; their order breaks ties.
EVIDENCE = f"""
SELECT c, cause, (greatest(first_on, {_FROM}) - {_FROM})::BIGINT AS first, (least(last_on, {_D}) - {_FROM})::BIGINT AS last, units,
    evidence_dataset, evidence_key
FROM ({" UNION ALL BY NAME ".join(f"SELECT * FROM ({part})" for part in _PARTS)})
WHERE units > 0 AND first_on <= {_D} AND last_on >= {_FROM} AND last_on >= first_on
ORDER BY c, cause, first, last, evidence_dataset, evidence_key, units
"""

#: The published rows; `attributed` holds c, cause, thousandths, r (strongest row of evidence, -1 without one) and rows.
PUBLISHED = f"""
SELECT {_D} AS business_date, c.location_id, c.sku_id, c.department, a.cause, c.kind, c.basis,
    (a.thousandths / 1000)::DECIMAL(4, 3) AS share,
    c.units AS position_units, c.position_value,
    (c.position_value * (a.thousandths / 1000)::DECIMAL(4, 3))::DECIMAL(18, 6) AS value,
    e.evidence_dataset, e.evidence_key, a.evidence_rows
FROM attributed AS a JOIN cases AS c USING (c) LEFT JOIN evidence AS e USING (r)
ORDER BY c.location_id, c.sku_id, a.cause
"""
