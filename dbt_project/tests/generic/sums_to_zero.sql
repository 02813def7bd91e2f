{# The accounting identity: `measure` adds up to 0 within every group. #}
{% test sums_to_zero(model, measure, group_by) %}
select {{ group_by | join(', ') }}, sum({{ measure }}) as difference
from {{ model }}
group by {{ group_by | join(', ') }}
having sum({{ measure }}) <> 0
{% endtest %}
