{# The values of a feed's grain joined by '|': how the ledger names the row a movement came from. #}
{% macro source_key(columns) -%}
    concat_ws('|', {{ columns | join(', ') }})
{%- endmacro %}

{# Join condition of two relations on date, location and item. #}
{% macro same_pair(left, right) -%}
    {{ left }}.business_date = {{ right }}.business_date
    and {{ left }}.location_id = {{ right }}.location_id and {{ left }}.sku_id = {{ right }}.sku_id
{%- endmacro %}
