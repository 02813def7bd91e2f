{# The rows of a transaction feed whose date lies in the state range; opens only the loads that can hold them. #}
{% macro recent_facts(feed) -%}
    (select * from {{ ref('stg_' ~ feed) }} where {{ in_state_range() }} and {{ posted_since_state_from() }})
{%- endmacro %}
