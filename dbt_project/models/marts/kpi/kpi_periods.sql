-- Measures of a day, week, month and year to date by location, channel, region, cluster, department, class and segment, and by place
-- x department, against the same days 364 days earlier and against the plan. Flows are summed and ratios taken of the sums, never
-- averaged; a rate of positions is one of position-days. Reads sums by dimension only, never SKU-level history.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}

with summed as (select * from {{ ref('int_kpi_period_sums') }}),

plans as (
    select
        m.business_date, unnest([{dimension: 'department', member: b.department}, {dimension: 'total', member: '*'}], recursive := true),
        {{ kpi_plans().keys() | join(', ') }}
    from {{ ref('int_master_in_force') }} as m
    inner join {{ ref('stg_budgets') }} as b on m.partition_date = b.business_date
    where m.feed = 'budgets' and b.month = date_trunc('month', m.business_date)
),

-- A plan that some department does not name is unknown in total: the others' would stand beside the sales of all.
planned as (
    select
        business_date, dimension, member,
        {%- for plan, (column, actual, share) in kpi_plans().items() %}
        case when count({{ plan }}) = count(*) then sum({{ plan }}) end::DECIMAL(28, 6) as {{ column }}{{ ',' if not loop.last }}
        {%- endfor %}
    from plans
    group by business_date, dimension, member
)

select
    s.* exclude (dates_last_year, stock_dates_last_year),
    {{ kpi_period_ratios('s') }},
    {{ kpi_period_margin('s', '_last_year') }} as gross_margin_last_year,
    {{ kpi_mean_stock('s', '_last_year') }} as mean_inventory_value_last_year,
    {{ kpi_growth('s.net_sales', 's.net_sales_last_year') }} as net_sales_growth,
    {%- for plan, (column, actual, share) in kpi_plans().items() %}
    n.{{ column }},
    {{ kpi_share('s.' ~ actual, 'n.' ~ column) }} as {{ share }}{{ ',' if not loop.last }}
    {%- endfor %}
from summed as s
left join planned as n
    on s.period = 'month_to_date' and s.business_date = n.business_date and s.dimension = n.dimension and s.member = n.member
