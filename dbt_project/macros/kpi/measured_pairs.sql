{#-
The additive measures of every SKU x location x date of the state range, as the CTEs `pairs` and `measured`: what the roll-ups by
location and department and those by other dimensions add up, so that both add up the same. What fell due of orders and what
suppliers brought come in rows of their own: they may be of a pair that has neither position nor demand.
-#}
{% macro kpi_measured_pairs() -%}
pairs as (
    select
        p.* exclude (is_phantom),
        -- Beside what the shelf or a count shows: stock by the book that is probably not there.
        p.is_phantom or coalesce(r.is_believed_empty, false) and p.is_active and p.is_selling and p.available > 0
            as is_phantom,
        coalesce(r.is_covered, false) as is_covered,
        r.open_variances, r.open_variance_value, r.corrections, r.correction_days
    from {{ ref('int_kpi_pair_daily') }} as p
    left join {{ ref('int_kpi_pair_records') }} as r using (business_date, location_id, sku_id)
),

measured as (
    select
        business_date, location_id, sku_id, department, location_type, channel,
        sales_units, net_sales, returned_units, refunds, restocked_units, open_order_units,
        available as available_units,
        opening as opening_units, opened_units, purchased_units, transferred_in_units, book_sales_units,
        sales_units * unit_cost as cogs,
        restocked_units * unit_cost as restocked_cost,
        case when is_owned then (sales_units - restocked_units) * unit_cost else 0 end as net_cogs_owned,
        case when is_owned then net_sales - refunds - (sales_units - restocked_units) * unit_cost else 0 end as gross_margin_owned,
        inventory_value, markdowns, inventory_retail,
        has_position::INTEGER as positions,
        is_active::INTEGER as active_positions,
        (stock_status = 'stockout')::INTEGER as stockout_positions,
        (stock_status = 'critical')::INTEGER as critical_positions,
        (stock_status = 'overstock')::INTEGER as overstock_positions,
        (stock_status = 'obsolete')::INTEGER as obsolete_positions,
        is_phantom::INTEGER as phantom_positions,
        -- A DC faces the demand of the stores it supplies: kept apart, so that the network counts it once.
        case when is_selling then daily_mean else 0 end as selling_demand_units,
        case when is_selling then 0 else daily_mean end as supplied_demand_units,
        case when is_active and is_selling then daily_mean else 0 end as active_demand_units,
        -- The share of the day that the shelf held it; a book that is wrong about it is out. A decimal, as the sum of floats
        -- depends on the order in which threads add them.
        case when is_active and is_selling and available > 0 and not is_phantom
            then (daily_mean * exposure)::DECIMAL(28, 12) else 0 end as on_shelf_demand_units,
        lost_units as lost_sales_units,
        -- Rounded here, once: rounded in each sum, departments or regions would not add up to the total.
        (lost_units * unit_price)::DECIMAL(28, 6) as lost_sales_value,
        -- A count that opens a book has none to compare with.
        (variance is not null)::INTEGER as counted_records,
        (is_accurate and variance is not null)::INTEGER as accurate_records,
        (variance = 0)::INTEGER as exact_records,
        abs(counted_units - variance) as book_units_abs,
        abs(variance) as variance_units_abs,
        abs(counted_units - variance) * unit_cost as book_value_abs,
        abs(variance) * unit_cost as variance_value_abs,
        -variance * unit_cost as shrink_net_value,
        -variance * unit_price as shrink_net_retail,
        (is_active and is_covered)::INTEGER as covered_positions,
        open_variances, open_variance_value, corrections, correction_days,
        case when is_scored then demand_units else 0 end as scored_units,
        case when is_scored then forecast_units - demand_units else 0 end as forecast_error_units,
        case when is_scored then abs(forecast_units - demand_units) else 0 end as forecast_error_units_abs
    from pairs
    union all by name
    select * exclude (order_id, line_no) from {{ ref('int_order_fill') }}
    union all by name
    select * from {{ ref('int_kpi_receipts') }}
)
{%- endmacro %}
