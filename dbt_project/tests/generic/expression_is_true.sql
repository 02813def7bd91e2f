{# `expression` holds on every row; a row where it is null fails. #}
{% test expression_is_true(model, expression) %}
select *
from {{ model }}
where ({{ expression }}) is not true
{% endtest %}
