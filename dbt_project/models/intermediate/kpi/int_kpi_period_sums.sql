-- Sums of each period that ends on a date of the state range, of this year and of the same span 364 days earlier. The year to date
-- is its whole months and the days since, so that a run reads some months and days however long the year is.
{{ config(materialized='view', tags=['marts']) }}
{% set month_from = "date_trunc('month', business_date)::DATE" %}
{% set first = "least(" ~ kpi_months_from(0) ~ ", date_trunc('week', " ~ date_of('state_from') ~ ")::DATE)" %}

with opened as (select min(business_date) as first_date from {{ ref('int_kpi_dimension_daily') }}),

spans as (
    select distinct business_date, unnest([
        {%- for period in ['day', 'week_to_date', 'month_to_date', 'year_to_date'] %}
        {
            period: '{{ period }}', period_from: {{ kpi_period_start(period, 'business_date') }},
            days_from: {{ month_from if period == 'year_to_date' else kpi_period_start(period, 'business_date') }}
        }{{ ',' if not loop.last }}
        {%- endfor %}
    ], recursive := true)
    from {{ ref('int_kpi_dimension_daily') }} where {{ in_state_range() }}
),

-- Last year is unknown where the books do not reach back to the period's first day.
periods as (select s.*, s.period_from - 364 >= o.first_date as has_last_year from spans as s cross join opened as o),

days as (
    {{- kpi_aligned_days(first, date_of('state_to'), first ~ ' - 364', date_of('state_to') ~ ' - 364') }}
),

parts as (
    select p.*, d.* exclude (business_date, as_of), d.as_of = p.business_date as is_at_end
    from periods as p
    inner join days as d on d.as_of between p.days_from and p.business_date
    where not d.is_last_year or p.has_last_year or d.as_of = p.business_date
    union all by name
    select p.*, m.* exclude (month), false as is_at_end
    from periods as p
    inner join {{ ref('int_kpi_dimension_monthly') }} as m on m.month >= p.period_from and m.month < p.days_from
    where p.period = 'year_to_date' and (not m.is_last_year or p.has_last_year)
)

select
    business_date, period, period_from, dimension, member, department,
    {%- for name, type in kpi_summed() %}
    sum({{ name }}) filter (where not is_last_year)::{{ type }} as {{ name }},
    sum({{ name }}) filter (where is_last_year and has_last_year)::{{ type }} as {{ name }}_last_year,
    {%- endfor %}
    {%- for name, type in kpi_closing() %}
    coalesce(sum({{ name }}) filter (where is_at_end and not is_last_year), 0)::{{ type }} as {{ name }},
    sum({{ name }}) filter (where is_at_end and is_last_year)::{{ type }} as {{ name }}_last_year{{ ',' if not loop.last }}
    {%- endfor %}
from parts
group by business_date, period, period_from, dimension, member, department
having count(*) filter (where not is_last_year) > 0
