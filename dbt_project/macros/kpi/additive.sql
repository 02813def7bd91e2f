{#-
The additive measures of int_kpi_daily_base, with their types. What is in this list may be summed over pairs, departments,
locations and dates; what may not be summed (ratios, shrink without netting) is worked out from it in kpi_daily.
-#}
{% macro kpi_additive() %}
{% set units = [
    'sales_units', 'returned_units', 'restocked_units', 'open_order_units', 'available_units',
    'opening_units', 'opened_units', 'purchased_units', 'transferred_in_units', 'book_sales_units',
    'positions', 'active_positions', 'stockout_positions', 'critical_positions', 'overstock_positions',
    'obsolete_positions', 'phantom_positions', 'counted_records', 'accurate_records', 'book_units_abs', 'variance_units_abs',
    'scored_units', 'exact_records', 'covered_positions', 'open_variances', 'corrections', 'correction_days',
    'order_lines_due', 'order_lines_filled', 'order_units_due', 'order_units_filled', 'orders_due', 'orders_filled',
] %}
{% set amounts = [
    'net_sales', 'refunds', 'cogs', 'restocked_cost', 'net_cogs_owned', 'gross_margin_owned', 'inventory_value',
    'selling_demand_units', 'supplied_demand_units', 'active_demand_units', 'on_shelf_demand_units', 'lost_sales_units', 'lost_sales_value',
    'book_value_abs', 'variance_value_abs', 'shrink_net_value', 'shrink_net_retail', 'open_variance_value', 'forecast_error_units', 'forecast_error_units_abs',
    'markdowns', 'receipts_retail', 'inventory_retail',
] %}
{% set columns = [] %}
{% for name in units %}{% do columns.append((name, 'BIGINT')) %}{% endfor %}
{% for name in amounts %}{% do columns.append((name, 'DECIMAL(28,6)')) %}{% endfor %}
{{ return(columns) }}
{% endmacro %}

{#- Days that one business date covers: forecasts and rates stay per day where the retailer records by the week (semantics 7). -#}
{% macro kpi_period_days() -%}
{{ return(7 if var('calendar_period', 'day') == 'week' else 1) }}
{%- endmacro %}

{#- Policy windows of kpi_daily in days, by use. -#}
{% macro kpi_window_days(use) -%}
{% set days = {
    'sell_through': var('kpi_sell_through_days', 28),
    'turns': var('kpi_turns_days', 364),
    'shrink': var('kpi_shrink_days', 28),
    'accuracy': var('kpi_accuracy_days', 28),
} %}
{{ return(days.values() | map('int') | max if use == 'longest' else days[use] | int) }}
{%- endmacro %}

{#- True where the row of `history` lies in the window of `use` that ends on the date of `target`. -#}
{% macro kpi_in_window(history, target, use) -%}
({{ history }}.business_date > {{ target }}.business_date - {{ kpi_window_days(use) }}
        and {{ history }}.business_date <= {{ target }}.business_date)
{%- endmacro %}

{#- Calendar days covered by the rows under `condition`, the target date included: what a window really saw. -#}
{% macro kpi_days_covered(history, target, condition) -%}
{{ target }}.business_date - min({{ history }}.business_date) filter (where {{ condition }}) + {{ kpi_period_days() }}
{%- endmacro %}

{#- The dates from which the windows of the state range draw. -#}
{% macro kpi_in_history() -%}
(business_date > {{ date_of('state_from') }} - {{ kpi_window_days('longest') }} and business_date <= {{ date_of('state_to') }})
{%- endmacro %}
