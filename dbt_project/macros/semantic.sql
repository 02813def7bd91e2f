{#-
Rows of a published dataset that a table of the semantic layer holds, as its `meta` declares (models/semantic/semantic_tables.yml):
`rows` says of a column whether the '*' rows are left out (each) or kept alone (total), or names the one value that is kept; `newest_by` keeps the newest row of
each key. Of a table that `is_recent`, imports
read the newest dates alone (a period to date holds its past). The exports read the same meta (allocation_assets/bi), so that the rule stands once.
-#}
{% macro published_rows(relation) %}
{%- set meta = config.get('meta') or {} -%}
select *
from {{ relation }}
where true
{%- for column, kind in (meta.get('rows') or {}).items() %}
    and {{ column }} {{ '<>' if kind == 'each' else '=' }} '{{ '*' if kind in ('each', 'total') else kind }}'
{%- endfor %}
{%- if meta.get('newest_by') %}
qualify row_number() over (partition by {{ meta['newest_by'] }} order by business_date desc) = 1
{%- endif %}
{% endmacro %}
