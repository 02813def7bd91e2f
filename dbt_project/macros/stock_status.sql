{# Semantics 25, in that precedence. Needs the columns of int_position_levels. Demand that is not known (null) makes
   nothing critical or overstocked. #}
{% macro stock_status() -%}
    case
        when is_active and available <= 0 then 'stockout'
        when on_hand > 0 and (
            is_past_exit or greatest(coalesce(last_sale_date, first_seen), first_seen) <= business_date - {{ var('kpi_obsolete_days') }}
        ) then 'obsolete'
        when available < daily_mean * coalesce(next_arrival_date - business_date, 1) then 'critical'
        when available > daily_mean * {{ var('kpi_overstock_days') }} + coalesce(presentation_min, 0) then 'overstock'
        else 'healthy'
    end
{%- endmacro %}
