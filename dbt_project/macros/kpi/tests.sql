{#- Generic tests of the measures. Each returns the rows that break the rule. -#}

{#- `expression` holds on every row; unknown (null) does not break it, so say `is not null` where it must be known. -#}
{% test kpi_holds(model, expression) %}
select * from {{ model }} where not ({{ expression }})
{% endtest %}

{#- The '*' rows of `dimension` are the sums of its members, column by column. -#}
{% test kpi_totals_add_up(model, dimension, others, columns) %}
select {{ others | join(', ') }}
from {{ model }}
group by {{ others | join(', ') }}
having
    {%- for column in columns %}
    sum(case when {{ dimension }} = '*' then {{ column }} else -{{ column }} end) <> 0{{ ' or' if not loop.last }}
    {%- endfor %}
{% endtest %}

{#- No measure is infinite or NaN: an unknown rate is null. -#}
{% test kpi_is_finite(model, columns) %}
select * from {{ model }} where {% for column in columns %}not isfinite({{ column }}){{ ' or ' if not loop.last }}{% endfor %}
{% endtest %}

{#- The members of every dimension add up to the row of `total`, column by column. -#}
{% test kpi_dimensions_add_up(model, columns) %}
with measured as (select * from {{ model }})

select m.business_date, m.period, m.dimension
from measured as m
inner join measured as t on m.business_date = t.business_date and m.period = t.period and t.dimension = 'total'
group by m.business_date, m.period, m.dimension
having
    {%- for column in columns %}
    sum(m.{{ column }}) <> max(t.{{ column }}){{ ' or' if not loop.last }}
    {%- endfor %}
{% endtest %}

{#- The rows of a place x department add up to the row of the place, and to the row of the department, column by column. -#}
{% test kpi_crossings_add_up(model, columns) %}
with measured as (select * from {{ model }}),

parts as (
    select *, replace(dimension, '_department', '') as whole, member as part from measured where department <> '*'
    union all by name
    select *, 'department' as whole, department as part from measured where department <> '*'
),

added as (
    select business_date, period, dimension, whole, part, {% for column in columns %}sum({{ column }}) as {{ column }}{{ ', ' if not loop.last }}{% endfor %}
    from parts
    group by business_date, period, dimension, whole, part
)

select a.business_date, a.period, a.dimension, a.whole, a.part
from added as a
left join measured as m
    on a.business_date = m.business_date and a.period = m.period and a.whole = m.dimension and a.part = m.member
where m.member is null or
    {%- for column in columns %}
    a.{{ column }} <> m.{{ column }}{{ ' or' if not loop.last }}
    {%- endfor %}
{% endtest %}
