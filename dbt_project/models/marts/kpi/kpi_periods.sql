-- Measures of a day, week, month and year to date by location, channel, region, cluster, department, class and segment, against
-- the same days 364 days earlier and against the plan. Flows are summed and ratios taken of the sums, never averaged; a
-- rate of positions is one of position-days. Reads sums by dimension only, never SKU-level history.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}

with periods as (
    select distinct business_date, unnest([
        {%- for period in ['day', 'week_to_date', 'month_to_date', 'year_to_date'] %}
        {period: '{{ period }}', period_from: {{ kpi_period_start(period, 'business_date') }}}{{ ',' if not loop.last }}
        {%- endfor %}
    ], recursive := true)
    from {{ ref('int_kpi_dimension_daily') }} where {{ in_state_range() }}
),

days as (
    select * from {{ ref('int_kpi_dimension_daily') }}
    where business_date >= date_trunc('year', {{ date_of('state_from') }}) - interval 364 day and business_date <= {{ date_of('state_to') }}
),

opened as (select min(business_date) as first_date from {{ ref('int_kpi_dimension_daily') }}),

summed as (
    select
        p.business_date, p.period, p.period_from, d.dimension, d.member,
        count(*)::BIGINT as dates,
        {%- for name, type in kpi_additive() if name in kpi_flows() %}
        sum(d.{{ name }})::{{ type }} as {{ name }},
        {%- endfor %}
        {%- for name, type in kpi_additive() if name in kpi_stocks() %}
        coalesce(sum(d.{{ name }}) filter (where d.business_date = p.business_date), 0)::{{ type }} as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from periods as p
    inner join days as d on d.business_date between p.period_from and p.business_date
    group by all
),

-- Unknown where the books do not reach back to the period's first day.
last_year as (
    select p.business_date, p.period, d.dimension, d.member, sum(d.sales_units)::BIGINT as sales_units, sum(d.net_sales) as net_sales
    from periods as p
    inner join days as d on d.business_date between p.period_from - 364 and p.business_date - 364
    where p.period_from - 364 >= (select first_date from opened)
    group by all
),

plans as (
    select m.business_date, unnest([{d: 'department', m: b.department}, {d: 'total', m: '*'}], recursive := true), b.planned_sales
    from {{ ref('int_master_in_force') }} as m
    inner join {{ ref('stg_budgets') }} as b on m.partition_date = b.business_date
    where m.feed = 'budgets' and b.month = date_trunc('month', m.business_date)
),

planned as (select business_date, d as dimension, m as member, sum(planned_sales)::DECIMAL(28, 6) as planned_sales from plans group by all)

select
    s.*,
    {{ kpi_period_ratios('s') }},
    y.sales_units as sales_units_last_year, y.net_sales::DECIMAL(28, 6) as net_sales_last_year,
    {{ kpi_growth('s.net_sales', 'y.net_sales') }} as net_sales_growth,
    case when s.period = 'month_to_date' then n.planned_sales end as planned_sales_of_month,
    case when s.period = 'month_to_date' then {{ kpi_share('s.net_sales', 'n.planned_sales') }} end as net_sales_to_plan
from summed as s
left join last_year as y
    on s.business_date = y.business_date and s.period = y.period and s.dimension = y.dimension and s.member = y.member
left join planned as n on s.business_date = n.business_date and s.dimension = n.dimension and s.member = n.member
