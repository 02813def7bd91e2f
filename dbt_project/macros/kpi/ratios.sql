{#-
The ratios of kpi_daily and allocation_performance: one macro a measure, so that each formula has one home.
Every denominator of zero (or below) gives null: a rate of nothing is unknown, never 0, 1 or infinite.
Arguments are SQL expressions of sums; a ratio is taken of sums, never as a mean of ratios.
-#}

{% macro kpi_share(numerator, denominator) -%}
case when {{ denominator }} > 0 then ({{ numerator }})::DOUBLE / ({{ denominator }})::DOUBLE end
{%- endmacro %}

{#- Beta service ("type 2"): share of demanded units that were served. -#}
{% macro kpi_fill_rate(sales_units, lost_units) -%}
1 - {{ kpi_share(lost_units, sales_units ~ ' + ' ~ lost_units) }}
{%- endmacro %}

{#- First-time fill of customer orders, each over what fell due: units, lines in full, orders of which every line was in full. -#}
{% macro kpi_order_fill(s) -%}
{{ kpi_share(s ~ '.order_units_filled', s ~ '.order_units_due') }} as unit_fill_rate,
    {{ kpi_share(s ~ '.order_lines_filled', s ~ '.order_lines_due') }} as line_fill_rate,
    {{ kpi_share(s ~ '.orders_filled', s ~ '.orders_due') }} as order_fill_rate
{%- endmacro %}

{#- Semantics 25: 1 - stockouts / active pairs. -#}
{% macro kpi_in_stock_rate(stockouts, active) -%}
1 - {{ kpi_share(stockouts, active) }}
{%- endmacro %}

{#- Units sold over what could be sold; the caller sums all three over the same days. -#}
{% macro kpi_sell_through(sold_units, opening_units, received_units) -%}
{{ kpi_share(sold_units, opening_units ~ ' + ' ~ received_units) }}
{%- endmacro %}

{#- A flow over `days` as yearly multiples of a mean stock: turns (COGS) and GMROI (gross margin). -#}
{% macro kpi_annual_multiple(flow, mean_stock, days) -%}
case when {{ mean_stock }} > 0 and {{ days }} > 0
    then ({{ flow }})::DOUBLE * 365 / {{ days }} / ({{ mean_stock }})::DOUBLE end
{%- endmacro %}

{#- Days of cover, forward; weeks are these over 7. -#}
{% macro kpi_days_of_supply(available_units, daily_units) -%}
{{ kpi_share(available_units, daily_units) }}
{%- endmacro %}

{#- OCA's record accuracy in units: 1 - sum of abs differences / sum of abs book, floored at 0. -#}
{% macro kpi_ira_units(variance_units_abs, book_units_abs) -%}
case when {{ book_units_abs }} > 0 then greatest(0, 1 - {{ kpi_share(variance_units_abs, book_units_abs) }}) end
{%- endmacro %}

{#- The same in money, absolute (+5 and -5 are 10 of error, never 0), not floored. -#}
{% macro kpi_ira_value(variance_value_abs, book_value_abs) -%}
1 - {{ kpi_share(variance_value_abs, book_value_abs) }}
{%- endmacro %}

{#- In money with the signs kept: finds pay for losses (+5 and -5 look perfect). Beside the absolute one, never instead of it. -#}
{% macro kpi_ira_value_net(variance_value_net, book_value_abs) -%}
1 - {{ kpi_share('abs(' ~ variance_value_net ~ ')', book_value_abs) }}
{%- endmacro %}

{#- Forecast error over sales: WAPE takes absolute errors, bias signed ones (F - A, positive = over-forecast). -#}
{% macro kpi_forecast_error(error_units, actual_units) -%}
{{ kpi_share(error_units, actual_units) }}
{%- endmacro %}

{#- Gap of a value to its bound; null when the bound is 0 (semantics 22). -#}
{% macro kpi_optimality_gap(value, bound) -%}
case when {{ bound }} <> 0 then 1 - ({{ value }})::DOUBLE / ({{ bound }})::DOUBLE end
{%- endmacro %}
