{#-
Units that were wanted on a date and not there, never from sales alone: where the shelf was seen empty for part of the day, the
forecast over that part; where only an empty book says so, what the forecast expected beyond what was sold. A day with stock loses
nothing. Arguments are SQL expressions; forecast_units and daily_mean may be null.
-#}
{% macro kpi_lost_units(hours_out, exposure, is_out_of_stock, forecast_units, daily_mean, sales_units) -%}
{%- set expected = 'coalesce(' ~ forecast_units ~ ', ' ~ daily_mean ~ ' * ' ~ kpi_period_days() ~ ')' -%}
case
        when {{ hours_out }} > 0 then {{ expected }} * (1 - {{ exposure }})
        when {{ is_out_of_stock }} then greatest(0, {{ expected }} - {{ sales_units }})
        else 0
    end
{%- endmacro %}
