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
{{ return(['sales_units', 'net_sales', 'cogs', 'returned_units', 'restocked_units', 'refunds', 'restocked_cost', 'markdowns', 'receipts_retail', 'lost_sales_units',
    'lost_sales_value', 'active_positions', 'stockout_positions', 'active_demand_units', 'on_shelf_demand_units', 'counted_records',
    'accurate_records', 'scored_units', 'forecast_error_units', 'forecast_error_units_abs', 'order_lines_due', 'order_lines_filled',
    'order_units_due', 'order_units_filled', 'orders_due', 'orders_filled']) }}
{% endmacro %}

{#- What stands at a period's end. -#}
{% macro kpi_stocks() %}
{{ return(['available_units', 'inventory_value', 'inventory_retail', 'open_order_units', 'critical_positions', 'overstock_positions', 'obsolete_positions']) }}
{% endmacro %}

{#- What a period counts of its dates, beside kpi_flows: with their types, like kpi_additive. -#}
{% macro kpi_date_counts() %}
{{ return([('dates', 'BIGINT'), ('stock_dates', 'BIGINT'), ('inventory_value_days', 'DECIMAL(28,6)')]) }}
{% endmacro %}

{#- All that is summed over a period, and all that stands at its end, with their types. -#}
{% macro kpi_summed() %}
{% set summed = kpi_date_counts() %}
{% for name, type in kpi_additive() if name in kpi_flows() %}{% do summed.append((name, type)) %}{% endfor %}
{{ return(summed) }}
{% endmacro %}

{% macro kpi_closing() %}
{% set closing = [] %}
{% for name, type in kpi_additive() if name in kpi_stocks() %}{% do closing.append((name, type)) %}{% endfor %}
{{ return(closing) }}
{% endmacro %}

{#-
Days of int_kpi_dimension_daily as rows of this year and, 364 days later, of last year: `as_of` is the date that they count
towards. The arguments bound the dates read, of either year.
-#}
{% macro kpi_aligned_days(this_from, this_to, last_from, last_to) -%}
{%- for is_last_year, shift, first, last in [('false', 0, this_from, this_to), ('true', 364, last_from, last_to)] %}
    select
        {{ is_last_year }} as is_last_year, business_date + {{ shift }} as as_of, *,
        1 as dates, (positions > 0)::INTEGER as stock_dates, inventory_value as inventory_value_days
    from {{ ref('int_kpi_dimension_daily') }}
    where business_date >= {{ first }} and business_date <= {{ last }}
    {{ 'union all' if not loop.last }}
{%- endfor %}
{%- endmacro %}

{#- First and last day of the months that the state range touches, `shift` days later; as dates `shift` days earlier again. -#}
{% macro kpi_months_from(shift) -%}
(date_trunc('month', {{ date_of('state_from') }} + {{ shift }})::DATE - {{ shift }})
{%- endmacro %}

{% macro kpi_months_to(shift) -%}
(last_day({{ date_of('state_to') }} + {{ shift }}) - {{ shift }})
{%- endmacro %}

{#- Pre-hook of int_kpi_dimension_monthly, like delete_state_range: the months that the range touches are replaced whole. -#}
{% macro delete_kpi_months() %}
    {%- if is_incremental() -%}
        delete from {{ this }}
        where not is_last_year and month between {{ kpi_months_from(0) }} and {{ kpi_months_to(0) }}
            or is_last_year and month - 364 between {{ kpi_months_from(364) }} and {{ kpi_months_to(364) }}
    {%- else -%}
        select 1
    {%- endif -%}
{% endmacro %}

{#- The ratios of a period, each of its own sums; `s` is the relation that holds them. -#}
{% macro kpi_period_ratios(s) -%}
{{ kpi_period_margin(s) }} as gross_margin,
    {{ kpi_mean_stock(s) }} as mean_inventory_value,
    {{ kpi_share(s ~ '.returned_units', s ~ '.sales_units') }} as return_rate,
    {{ kpi_fill_rate(s ~ '.sales_units', s ~ '.lost_sales_units') }} as fill_rate,
    {{ kpi_order_fill(s) }},
    {{ kpi_in_stock_rate(s ~ '.stockout_positions', s ~ '.active_positions') }} as in_stock_rate,
    {{ kpi_share(s ~ '.on_shelf_demand_units', s ~ '.active_demand_units') }} as on_shelf_availability,
    {{ kpi_share(s ~ '.accurate_records', s ~ '.counted_records') }} as inventory_record_accuracy,
    {{ kpi_forecast_error(s ~ '.forecast_error_units_abs', s ~ '.scored_units') }} as forecast_wape,
    {{ kpi_forecast_error(s ~ '.forecast_error_units', s ~ '.scored_units') }} as forecast_bias
{%- endmacro %}

{#- Margin of a period and its mean daily closing stock; `year` is the suffix of last year's columns. -#}
{% macro kpi_period_margin(s, year='') -%}
({{ s }}.net_sales{{ year }} - {{ s }}.refunds{{ year }} - {{ s }}.cogs{{ year }} + {{ s }}.restocked_cost{{ year }})::DECIMAL(28, 6)
{%- endmacro %}

{% macro kpi_mean_stock(s, year='') -%}
({{ s }}.inventory_value_days{{ year }} / nullif({{ s }}.stock_dates{{ year }}, 0))::DECIMAL(28, 6)
{%- endmacro %}

{#- Planned figure of the budgets feed -> what stands beside it: column of the plan, actual, share of the plan reached. -#}
{% macro kpi_plans() %}
{{ return({
    'planned_sales': ('planned_sales_of_month', 'net_sales', 'net_sales_to_plan'),
    'planned_markdowns': ('planned_markdowns_of_month', 'markdowns', 'markdowns_to_plan'),
    'planned_receipts': ('planned_receipts_of_month', 'receipts_retail', 'receipts_to_plan'),
    'planned_eom_inventory': ('planned_eom_inventory', 'inventory_retail', 'inventory_to_plan'),
}) }}
{% endmacro %}

{#- Change against an earlier figure as a share of it; unknown where that is 0. -#}
{% macro kpi_growth(now, before) -%}
{{ kpi_share(now ~ ' - ' ~ before, before) }}
{%- endmacro %}
