"""SQL of the segmentation asset: figures of the window in, published rows out."""

#: SKU totals, weekly moments and per-pair sizes over the demand window: group-bys over a bounded number of days. Doubles
#: are summed as DECIMAL, so that the order of the rows does not matter.
WINDOW = """
WITH daily AS (
    SELECT * FROM int_demand_daily WHERE business_date > $day - to_days($window) AND business_date <= $day
), landed AS (
    SELECT business_date, date_number, max(date_number) OVER () AS newest FROM int_business_dates
    WHERE business_date > $day - to_days($window) AND business_date <= $day
), weeks AS (
    SELECT least($window // 7, 1 + datediff('day', min(business_date), $day) // 7) AS weeks FROM daily
), weekly AS (
    SELECT sku_id, sum(units) AS units, sum(net_sales) AS net_sales, coalesce(sum(units) FILTER (week < weeks), 0) AS weekly_sum,
        coalesce(sum(units * units) FILTER (week < weeks), 0) AS weekly_sum_sq
    FROM (
        SELECT sku_id, datediff('day', business_date, $day) // 7 AS week, sum(sales_units) AS units, sum(net_sales) AS net_sales
        FROM daily GROUP BY ALL
    ) CROSS JOIN weeks
    GROUP BY sku_id
), books AS (
    SELECT location_id, sku_id, first_seen, last_sale_date FROM inventory_positions WHERE business_date = $day
), pairs AS (
    SELECT s.*, greatest(coalesce(b.first_seen, DATE '0001-01-01'), (SELECT min(business_date) FROM landed)) AS observed_from
    FROM (
        SELECT sku_id, location_id, count(*) FILTER (sales_units > 0) AS n, sum(greatest(sales_units, 0))::DOUBLE AS units,
            sum(greatest(sales_units, 0) * greatest(sales_units, 0))::DOUBLE AS squares,
            sum((1 - exposure)::DECIMAL(9, 6)) AS hidden_periods
        FROM daily GROUP BY ALL HAVING count(*) FILTER (sales_units > 0) > 0
    ) AS s
    LEFT JOIN books AS b ON b.location_id = s.location_id AND b.sku_id = s.sku_id
), series AS (
    SELECT p.sku_id, sum(n) AS sold_periods, sum(greatest(n, coalesce(l.newest - l.date_number + 1, n) - hidden_periods)) AS periods,
        sum((n * (n * squares / (units * units) - 1))::DECIMAL(18, 9)) AS size_spread, sum(n - 1) AS size_freedom
    FROM pairs AS p ASOF LEFT JOIN landed AS l ON p.observed_from <= l.business_date
    GROUP BY p.sku_id
), seen AS (
    SELECT sku_id, min(first_seen) AS first_seen, max(last_sale_date) AS last_sold FROM books GROUP BY sku_id
), began AS (
    SELECT coalesce(max(opened_on), min(business_date)) AS began_on, min(business_date) AS landed_from
    FROM int_business_dates WHERE business_date <= $day
), ended AS (
    SELECT sku_id, bool_and(is_past_exit) AS is_past_exit FROM int_assortment WHERE business_date = $day GROUP BY sku_id
)
SELECT i.sku_id, i.lifecycle, i.launch_date, n.first_seen, coalesce(n.first_seen IN (g.began_on, g.landed_from), false) AS is_taken_over,
    n.last_sold, coalesce(e.is_past_exit, false) AS is_past_exit, coalesce(i.strategic, false) AS is_strategic,
    coalesce(w.weeks, 0) AS weeks, coalesce(k.net_sales, 0) AS net_sales, coalesce(k.units, 0) AS units,
    coalesce(k.net_sales, 0) - coalesce(k.units, 0) * i.unit_cost AS gross_margin, coalesce(k.weekly_sum, 0) AS weekly_sum,
    coalesce(k.weekly_sum_sq, 0) AS weekly_sum_sq, coalesce(s.periods, 0) AS periods, coalesce(s.sold_periods, 0) AS sold_periods,
    coalesce(s.size_spread, 0) AS size_spread, coalesce(s.size_freedom, 0) AS size_freedom
FROM int_items AS i CROSS JOIN weeks AS w CROSS JOIN began AS g
LEFT JOIN weekly AS k ON k.sku_id = i.sku_id
LEFT JOIN series AS s ON s.sku_id = i.sku_id
LEFT JOIN seen AS n ON n.sku_id = i.sku_id
LEFT JOIN ended AS e ON e.sku_id = i.sku_id
ORDER BY i.sku_id
"""
SEGMENTS = """
SELECT $day::DATE AS business_date, sku_id, abc, xyz, demand_class, velocity,
    CASE WHEN NOT isnan(margin_rate) THEN margin_rate END AS margin_rate, lifecycle, is_strategic AS strategic, service_target
FROM segments ORDER BY sku_id
"""
_WORDS = """CASE cause WHEN 'abc' THEN $abc_by || ' share of better items' WHEN 'xyz' THEN 'variation of weekly demand'
    WHEN 'velocity' THEN 'units a week' WHEN 'interval' THEN 'periods between demands'
    ELSE 'squared variation of sizes' END"""
CHANGES = f"""
SELECT $day::DATE AS business_date, s.sku_id, dimension, old_class, new_class,
    CASE cause
        WHEN 'given' THEN 'the items master says ' || new_class
        WHEN 'launched' THEN format('launched or first seen less than {{}} days ago', $new_days)
        WHEN 'past_exit' THEN 'past its last date in every assortment'
        WHEN 'no_sale' THEN format('no sale for {{}} days or more', $exit_days)
        WHEN 'sells' THEN format('neither new nor without a sale for {{}} days', $exit_days)
        WHEN 'demand' THEN CASE new_class WHEN 'none' THEN 'no demand in the window' ELSE 'demand in the window again' END
        ELSE CASE
            WHEN isinf(measure) AND cause = 'abc' THEN 'no positive ' || $abc_by || ' in the window'
            WHEN isinf(measure) THEN 'too little demand in the window to tell its variation'
            WHEN new_class = 'none' THEN 'no demand in the window'
            WHEN old_class = 'none' THEN format('sells again: {{:.3f}} units a week', measure)
            ELSE format('{{}} {{:.3f}} past {{:.3f}} {{}}', {_WORDS}, measure, boundary, CASE
                WHEN days > 0 THEN format('for {{}} days', days) ELSE format('by {{:.3f}}', abs(measure - boundary)) END)
        END
    END AS reason
FROM changes AS c JOIN segments AS s ON s.row = c.row
ORDER BY s.sku_id, dimension
"""
