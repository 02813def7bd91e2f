{#- First day of the period that `day` ends: the day itself, its week (Monday to Sunday), month or year to date. -#}
{% macro kpi_period_start(period, day) -%}
{%- if period == 'day' -%} {{ day }}
{%- elif period == 'week_to_date' -%} date_trunc('week', {{ day }})::DATE
{%- elif period == 'month_to_date' -%} date_trunc('month', {{ day }})::DATE
{%- else -%} date_trunc('year', {{ day }})::DATE
{%- endif -%}
{%- endmacro %}

{#- What happens over a period is summed over it; what stands at its end is that of its last date. -#}
{% macro kpi_flows() %}
{{ return(['sales_units', 'net_sales', 'cogs', 'returned_units', 'restocked_units', 'refunds', 'restocked_cost', 'lost_sales_units',
    'lost_sales_value', 'active_positions', 'stockout_positions', 'active_demand_units', 'on_shelf_demand_units', 'counted_records',
    'accurate_records', 'scored_units', 'forecast_error_units', 'forecast_error_units_abs', 'order_lines_due', 'order_lines_filled',
    'order_units_due', 'order_units_filled', 'orders_due', 'orders_filled']) }}
{% endmacro %}

{#- What stands at a period's end. -#}
{% macro kpi_stocks() %}
{{ return(['available_units', 'inventory_value', 'open_order_units', 'critical_positions', 'overstock_positions', 'obsolete_positions']) }}
{% endmacro %}

{#- The ratios of a period, each of its own sums; `s` is the relation that holds them. -#}
{% macro kpi_period_ratios(s) -%}
({{ s }}.net_sales - {{ s }}.refunds - {{ s }}.cogs + {{ s }}.restocked_cost)::DECIMAL(28, 6) as gross_margin,
    {{ kpi_share(s ~ '.returned_units', s ~ '.sales_units') }} as return_rate,
    {{ kpi_fill_rate(s ~ '.sales_units', s ~ '.lost_sales_units') }} as fill_rate,
    {{ kpi_order_fill(s) }},
    {{ kpi_in_stock_rate(s ~ '.stockout_positions', s ~ '.active_positions') }} as in_stock_rate,
    {{ kpi_share(s ~ '.on_shelf_demand_units', s ~ '.active_demand_units') }} as on_shelf_availability,
    {{ kpi_share(s ~ '.accurate_records', s ~ '.counted_records') }} as inventory_record_accuracy,
    {{ kpi_forecast_error(s ~ '.forecast_error_units_abs', s ~ '.scored_units') }} as forecast_wape,
    {{ kpi_forecast_error(s ~ '.forecast_error_units', s ~ '.scored_units') }} as forecast_bias
{%- endmacro %}

{#- Change against an earlier figure as a share of it; unknown where that is 0. -#}
{% macro kpi_growth(now, before) -%}
{{ kpi_share(now ~ ' - ' ~ before, before) }}
{%- endmacro %}
