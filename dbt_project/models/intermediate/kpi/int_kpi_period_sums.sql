-- Sums of each period that ends on a date of the state range, of this year and of the same span 364 days earlier. The year to date
-- is its whole months and the month to date, so that a run reads some months and days however long the year is.
{{ config(materialized='view', tags=['marts']) }}
{% set keys = 'business_date, period, period_from, is_last_year, dimension, member, department' %}
{% set first = "least(" ~ kpi_months_from(0) ~ ", date_trunc('week', " ~ date_of('state_from') ~ ")::DATE)" %}
{% set periods = ['day', 'week_to_date', 'month_to_date'] %}

with ends as (select distinct business_date from {{ ref('int_kpi_dimension_daily') }} where {{ in_state_range() }}),

days as (
    {{- kpi_aligned_days(first, date_of('state_to'), first ~ ' - 364', date_of('state_to') ~ ' - 364') }}
),

-- Equal keys join fast where a range of dates would be looked through for every period.
shorter as (
    select
        e.business_date, d.period, d.period_from, d.is_last_year, d.dimension, d.member, d.department,
        {%- for name, type in kpi_summed() %}
        sum(d.{{ name }})::{{ type }} as {{ name }},
        {%- endfor %}
        {%- for name, type in kpi_closing() %}
        sum(d.{{ name }}) filter (where d.as_of = e.business_date)::{{ type }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from (
        {%- for period in periods %}
        select business_date, '{{ period }}' as period, {{ kpi_period_start(period, 'business_date') }} as period_from from ends
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    ) as e
    inner join (
        {%- for period in periods %}
        select *, '{{ period }}' as period, {{ kpi_period_start(period, 'as_of') }} as period_from from days
        {{- ' union all' if not loop.last }}
        {%- endfor %}
    ) as d on e.period = d.period and e.period_from = d.period_from and d.as_of <= e.business_date
    group by all
),

year_parts as (
    select * replace ('year_to_date' as period, date_trunc('year', business_date)::DATE as period_from)
    from shorter where period = 'month_to_date'
    union all by name
    select e.business_date, 'year_to_date' as period, date_trunc('year', m.month)::DATE as period_from, m.* exclude (month)
    from ends as e
    inner join {{ ref('int_kpi_dimension_monthly') }} as m
        on date_trunc('year', e.business_date) = date_trunc('year', m.month) and m.month < date_trunc('month', e.business_date)
),

added as (
    select * from shorter
    union all by name
    select
        {{ keys }},
        {%- for name, type in kpi_summed() + kpi_closing() %}
        sum({{ name }})::{{ type }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from year_parts
    group by {{ keys }}
),

opened as (select min(business_date) as first_date from {{ ref('int_kpi_dimension_daily') }})

-- Last year is unknown where the books do not reach back to the period's first day.
select
    t.business_date, t.period, t.period_from, t.dimension, t.member, t.department,
    {%- for name, type in kpi_summed() %}
    t.{{ name }}, case when t.period_from - 364 >= o.first_date then l.{{ name }} end as {{ name }}_last_year,
    {%- endfor %}
    {%- for name, type in kpi_closing() %}
    coalesce(t.{{ name }}, 0)::{{ type }} as {{ name }}, l.{{ name }} as {{ name }}_last_year{{ ',' if not loop.last }}
    {%- endfor %}
from added as t
cross join opened as o
left join added as l
    on l.is_last_year and t.business_date = l.business_date and t.period = l.period
    and t.dimension = l.dimension and t.member = l.member and t.department = l.department
where not t.is_last_year
