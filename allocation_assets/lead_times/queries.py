"""SQL of lead times: lanes and their deliveries in, published rows out."""

from __future__ import annotations

#: Groups of lines that came alike within the window, and lines that are open though they were promised by the run date:
#: they come on the day after at the earliest. A temporary table, as the one after it.
DELIVERED = """
CREATE OR REPLACE TEMP TABLE delivered AS
SELECT from_id, to_location_id, lane_class, order_id, lines, delay_days AS delay, lead_days AS lead, due_units AS due,
    received_units AS received, short_of_due_units AS short, damaged_units AS damaged, order_gap_days AS gap,
    business_date > $day::DATE - $recent_days AS is_recent
FROM int_deliveries
WHERE business_date > $day::DATE - $window_days AND business_date <= $day AND is_promised
UNION ALL
SELECT supplier_id, location_id, 'supplier', po_id, count(*), ($day::DATE + 1 - expected_date)::INTEGER, NULL, 0, 0, 0, 0, NULL, true
FROM int_on_order WHERE business_date = $day AND expected_date <= $day GROUP BY ALL
UNION ALL
SELECT from_location_id, to_location_id, 'dc', shipment_id, count(*), ($day::DATE + 1 - expected_date)::INTEGER, NULL, 0, 0, 0, 0, NULL, true
FROM shipment_lines
WHERE business_date = $day AND in_transit_units > 0 AND expected_date <= $day AND from_location_id IS NOT NULL
GROUP BY ALL
"""
#: Every lane that is stated, delivered or is waited for, numbered from 0 in order of its key.
KNOWN_LANES = """
CREATE OR REPLACE TEMP TABLE lanes AS
WITH known AS (
    SELECT from_id, to_location_id, lane_class FROM int_lane_terms
    UNION SELECT from_id, to_location_id, lane_class FROM int_deliveries
    WHERE business_date > $day::DATE - $window_days AND business_date <= $day
    UNION SELECT from_id, to_location_id, lane_class FROM delivered
    UNION SELECT supplier_id, location_id, 'supplier' FROM int_on_order WHERE business_date = $day
), cadence AS (
    SELECT from_id, to_location_id, count(DISTINCT arrived_on) AS arrivals, max(arrived_on) AS last_arrived_on,
        (max(arrived_on) - min(arrived_on)) / nullif(count(DISTINCT arrived_on) - 1, 0)::DOUBLE AS mean_gap_days
    FROM int_deliveries WHERE business_date > $day::DATE - $window_days AND business_date <= $day GROUP BY ALL
), keyed AS (SELECT from_id, to_location_id, min(lane_class) AS lane_class FROM known GROUP BY ALL)
SELECT row_number() OVER (ORDER BY k.from_id, k.to_location_id) - 1 AS lane, k.from_id, k.to_location_id, k.lane_class,
    dense_rank() OVER (ORDER BY k.lane_class, k.from_id) - 1 AS sender, (k.lane_class = 'supplier')::INTEGER AS class_code,
    t.lead_time_days, t.lead_time_sd_days, coalesce(c.arrivals, 0) AS arrivals, c.last_arrived_on, c.mean_gap_days
FROM keyed AS k
LEFT JOIN int_lane_terms AS t ON t.from_id = k.from_id AND t.to_location_id = k.to_location_id
LEFT JOIN cadence AS c ON c.from_id = k.from_id AND c.to_location_id = k.to_location_id
"""
LANES = "SELECT * FROM lanes ORDER BY lane"
DELIVERIES = """
SELECT l.lane, dense_rank() OVER (ORDER BY l.lane, d.order_id) - 1 AS order_code, d.lines, d.delay, d.lead, d.due, d.received,
    d.short, d.damaged, d.gap, d.is_recent
FROM delivered AS d JOIN lanes AS l ON l.from_id = d.from_id AND l.to_location_id = d.to_location_id
ORDER BY l.lane, d.order_id, d.delay, d.lead, d.lines, d.due, d.received, d.short, d.damaged, d.gap, d.is_recent
"""
OPEN_LINES = """
SELECT o.po_id, o.location_id, o.sku_id, o.supplier_id, o.expected_date, o.units, o.is_past_due, l.lane,
    (o.expected_date - $day::DATE)::BIGINT AS promised_days
FROM int_on_order AS o JOIN lanes AS l ON l.from_id = o.supplier_id AND l.to_location_id = o.location_id
WHERE o.business_date = $day ORDER BY o.po_id, o.location_id, o.sku_id
"""

LEAD_TIMES = """
SELECT $day::DATE AS business_date, from_id, to_location_id, lane_class, $window_days::INTEGER AS window_days, orders, lead_orders,
    basis, round(factor, 9) AS credibility, stated_lead_days, round(lead_mean, 9) AS lead_mean_days,
    round(lead_variance, 9) AS lead_variance_days2, lead_p50::INTEGER AS lead_p50_days, lead_p90::INTEGER AS lead_p90_days,
    lead_p95::INTEGER AS lead_p95_days, round(nullif(order_gap_days, 'nan'), 9) AS order_gap_days,
    round(delay_mean, 9) AS delay_mean_days, round(delay_variance, 9) AS delay_variance_days2, delay_p50::INTEGER AS delay_p50_days,
    delay_p90::INTEGER AS delay_p90_days, delay_p95::INTEGER AS delay_p95_days, round(late_share, 9) AS late_share,
    round(short_rate, 9) AS short_rate, round(damaged_rate, 9) AS damaged_rate, arrivals, last_arrived_on,
    round(mean_gap_days, 9) AS mean_gap_days, drift_of, round(drift_days, 9) AS drift_days,
    round(drift_deviations, 9) AS drift_deviations, lead_probabilities, -$max_delay_days::INTEGER AS delay_from_days,
    delay_probabilities
FROM lanes JOIN figures USING (lane) ORDER BY from_id, to_location_id
"""
INBOUND_PREDICTIONS = """
SELECT $day::DATE AS business_date, po_id, location_id, sku_id, supplier_id, expected_date AS promised_date, units AS promised_units,
    ($day::DATE + p50_days::INTEGER)::DATE AS predicted_date, ($day::DATE + p90_days::INTEGER)::DATE AS predicted_date_p90,
    predicted_units, is_past_due, basis
FROM predictions ORDER BY po_id, location_id, sku_id
"""
#: Lines that closed within the window and lines that are past due: late ones count while they are open. '*' = all.
VENDOR_SCORECARDS = """
WITH parts AS (
    SELECT from_id AS supplier_id, concat_ws('|', to_location_id, order_id) AS order_key, lines, on_time_lines, in_full_lines, otif_lines, 0 AS overdue_lines,
        ordered_units, received_units, short_of_ordered_units, damaged_units, short_value,
        CASE WHEN arrived_on IS NOT NULL THEN lines END AS arrived_lines, promise_delay_days * lines AS delay_days
    FROM int_deliveries
    WHERE lane_class = 'supplier' AND is_promised AND business_date > $day::DATE - $scorecard_days AND business_date <= $day
    UNION ALL
    SELECT supplier_id, concat_ws('|', location_id, po_id), 0, 0, 0, 0, count(*), 0, 0, 0, 0, 0, NULL, NULL
    FROM int_on_order WHERE business_date = $day AND is_past_due GROUP BY ALL
), scored AS (
    SELECT coalesce(supplier_id, '*') AS supplier_id, count(DISTINCT order_key) AS orders, sum(lines)::BIGINT AS lines,
        sum(overdue_lines)::BIGINT AS overdue_lines, sum(on_time_lines) AS on_time_lines, sum(in_full_lines) AS in_full_lines,
        sum(otif_lines) AS otif_lines, sum(ordered_units)::BIGINT AS ordered_units, sum(received_units)::BIGINT AS received_units,
        sum(short_of_ordered_units)::BIGINT AS short_units, sum(damaged_units)::BIGINT AS damaged_units,
        sum(short_value)::DECIMAL(18, 6) AS short_value, sum(arrived_lines) AS arrived_lines, sum(delay_days) AS delay_days
    FROM parts GROUP BY GROUPING SETS ((supplier_id), ()) HAVING count(*) > 0
)
SELECT $day::DATE AS business_date, supplier_id, $scorecard_days::INTEGER AS window_days, orders, lines, overdue_lines,
    on_time_lines / nullif(lines + overdue_lines, 0)::DOUBLE AS on_time_rate, in_full_lines / nullif(lines, 0)::DOUBLE AS in_full_rate,
    otif_lines / nullif(lines + overdue_lines, 0)::DOUBLE AS otif_rate, short_units / nullif(ordered_units, 0)::DOUBLE AS short_rate,
    damaged_units / nullif(received_units, 0)::DOUBLE AS damaged_rate, delay_days / nullif(arrived_lines, 0)::DOUBLE AS mean_delay_days,
    ordered_units, received_units, short_units, damaged_units, short_value
FROM scored ORDER BY supplier_id
"""
