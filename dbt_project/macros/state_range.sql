{# The range of business dates that one run rebuilds, and what it may read for it.
   A fact is never posted before its business_date, so the loads posted since `state_from` hold every fact of the range. #}

{% macro date_of(name) -%}
    date '{{ var(name) }}'
{%- endmacro %}

{# `business_date between state_from and state_to`; `column` may carry an alias. #}
{% macro in_state_range(column='business_date') -%}
    {{ column }} between {{ date_of('state_from') }} and {{ date_of('state_to') }}
{%- endmacro %}

{# Prunes load files by their folder before any is opened. `days` widens the look-back. #}
{% macro posted_since_state_from(days=0) -%}
    posted_on >= {{ date_of('state_from') }}{% if days %} - {{ days }}{% endif %}
{%- endmacro %}

{# Pre-hook of the incremental models, inside their transaction: the range is replaced as a whole or not at all. #}
{% macro delete_state_range() %}
    {%- if is_incremental() -%}
        delete from {{ this }} where {{ in_state_range() }}
    {%- else -%}
        select 1
    {%- endif -%}
{% endmacro %}

{# How far back a shipment may have left to be matched: the window, and the days until what is missing is lost. #}
{% macro transit_lookback_days() -%}
    {{ var('transit_window_days') + var('transit_close_days') }}
{%- endmacro %}

{# Days that one landed date of demand covers: forecasts and rates stay per day for a retailer by the week (semantics 7). #}
{% macro days_per_date() -%}
    {{ 7 if var('calendar_period', 'day') == 'week' else 1 }}
{%- endmacro %}
