-- Measures a day: ratios of sums of the day and of its windows. Reads the additive base only, never SKU-level history.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}

with base as (
    select
        *,
        net_sales - refunds - cogs + restocked_cost as gross_margin,
        net_sales - cogs as gross_margin_before_returns,
        case when location_type = 'dc' then supplied_demand_units else selling_demand_units end as daily_demand_units
    from {{ ref('int_kpi_daily_base') }}
    where {{ in_state_range() }}
),

windows as (select * from {{ ref('int_kpi_windows') }}),

records as (select * from {{ ref('int_kpi_record_windows') }})

select
    b.business_date, b.location_id, b.department, b.location_type, b.channel, l.region, l.cluster,
    b.sales_units, b.net_sales, b.cogs,
    b.gross_margin::DECIMAL(28, 6) as gross_margin,
    b.gross_margin_before_returns::DECIMAL(28, 6) as gross_margin_before_returns,
    b.returned_units, b.restocked_units, b.refunds, b.restocked_cost,
    {{ kpi_share('b.returned_units', 'b.sales_units') }} as return_rate,
    b.lost_sales_units, b.lost_sales_value,
    {{ kpi_fill_rate('b.sales_units', 'b.lost_sales_units') }} as fill_rate,
    b.open_order_units,
    b.order_units_due, b.order_units_filled, b.order_lines_due, b.order_lines_filled, b.orders_due, b.orders_filled,
    {{ kpi_order_fill('b') }},
    b.positions, b.active_positions, b.stockout_positions, b.critical_positions, b.overstock_positions,
    b.obsolete_positions, b.phantom_positions,
    {{ kpi_in_stock_rate('b.stockout_positions', 'b.active_positions') }} as in_stock_rate,
    {{ kpi_share('b.on_shelf_demand_units', 'b.active_demand_units') }} as on_shelf_availability,
    b.available_units, b.daily_demand_units, b.inventory_value,
    {{ kpi_days_of_supply('b.available_units', 'b.daily_demand_units') }} as days_of_supply,
    {{ kpi_days_of_supply('b.available_units', 'b.daily_demand_units * 7') }} as weeks_of_supply,
    {{ kpi_sell_through('w.sold_units', 'w.opening_units', 'w.received_units') }} as sell_through,
    w.sell_through_window_days,
    {{ kpi_annual_multiple('w.turns_cogs', 'w.mean_inventory_value', 'w.turns_window_days') }} as inventory_turns,
    {{ kpi_annual_multiple('w.turns_margin', 'w.mean_inventory_value', 'w.turns_window_days') }} as gmroi,
    w.mean_inventory_value, w.turns_window_days,
    b.counted_records, b.accurate_records,
    {{ kpi_share('b.accurate_records', 'b.counted_records') }} as inventory_record_accuracy,
    {{ kpi_ira_units('b.variance_units_abs', 'b.book_units_abs') }} as ira_units,
    {{ kpi_ira_value('b.variance_value_abs', 'b.book_value_abs') }} as ira_value,
    {{ kpi_ira_value_net('b.shrink_net_value', 'b.book_value_abs') }} as ira_value_net,
    b.exact_records,
    {{ kpi_share('b.exact_records', 'b.counted_records') }} as ira_exact,
    {{ kpi_share('b.variance_units_abs', 'b.counted_records') }} as record_error_units,
    {{ kpi_share('r.accurate_records', 'r.counted_records') }} as inventory_record_accuracy_window,
    r.accuracy_window_days,
    b.covered_positions,
    {{ kpi_share('b.covered_positions', 'b.active_positions') }} as count_coverage_rate,
    {{ var('kpi_coverage_days', 91) }}::BIGINT as coverage_window_days,
    b.open_variances, b.open_variance_value, b.corrections,
    {{ kpi_share('r.correction_days', 'r.corrections') }} as days_to_correct,
    r.shrink_value, r.shrink_gain_value, r.shrink_retail, r.shrink_gain_retail,
    {{ kpi_share('r.shrink_value', 'r.net_sales_at_cost') }} as shrink_rate,
    {{ kpi_share('r.shrink_retail', 'r.net_sales_at_retail') }} as shrink_rate_retail,
    {{ kpi_share('r.shrink_value', 'r.net_sales_at_retail') }} as shrink_rate_cost_to_retail,
    {{ kpi_window_days('shrink') }}::BIGINT as shrink_window_days,
    b.scored_units,
    {{ kpi_forecast_error('b.forecast_error_units_abs', 'b.scored_units') }} as forecast_wape,
    {{ kpi_forecast_error('b.forecast_error_units', 'b.scored_units') }} as forecast_bias
from base as b
inner join windows as w on b.business_date = w.business_date
    and b.location_id = w.location_id and b.department = w.department
inner join records as r on b.business_date = r.business_date
    and b.location_id = r.location_id and b.department = r.department
left join {{ ref('int_locations_in_force') }} as l on b.business_date = l.business_date and b.location_id = l.location_id
