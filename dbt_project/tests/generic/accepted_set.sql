{# Every non-null value of `column` is one of `values`. #}
{% test accepted_set(model, column, values) %}
select {{ column }}, count(*) as occurrences
from {{ model }}
where {{ column }} not in ({% for value in values %}'{{ value }}'{{ ', ' if not loop.last }}{% endfor %})
group by {{ column }}
{% endtest %}
