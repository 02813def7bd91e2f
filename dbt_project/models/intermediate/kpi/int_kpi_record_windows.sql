-- Window sums of counts, shrink and corrections that end on each date of the state range, per location x department and totals.
{{ config(materialized='view', tags=['marts']) }}
{% set shrink = kpi_in_window('h', 't', 'shrink') %}
{% set accuracy = kpi_in_window('h', 't', 'accuracy') %}
{% set kinds = ['value', 'retail'] %}

with targets as (
    select business_date, location_id, department
    from {{ ref('int_kpi_daily_base') }}
    where {{ in_state_range() }}
),

history as (
    select * from {{ ref('int_kpi_daily_base') }}
    where {{ kpi_in_history() }}
),

windows as (
    select
        t.business_date, t.location_id, t.department,
        sum(h.counted_records) filter (where {{ accuracy }}) as counted_records,
        sum(h.accurate_records) filter (where {{ accuracy }}) as accurate_records,
        sum(h.corrections) filter (where {{ accuracy }}) as corrections,
        sum(h.correction_days) filter (where {{ accuracy }}) as correction_days,
        {{ kpi_days_covered('h', 't', accuracy) }} as accuracy_window_days,
        sum(h.counted_records) filter (where {{ shrink }}) as shrink_records,
        sum(h.shrink_net_value) filter (where {{ shrink }}) as net_value,
        sum(h.shrink_net_retail) filter (where {{ shrink }}) as net_retail,
        sum(h.cogs - h.restocked_cost) filter (where {{ shrink }}) as net_sales_at_cost,
        sum(h.net_sales - h.refunds) filter (where {{ shrink }}) as net_sales_at_retail
    from targets as t
    inner join history as h on t.location_id = h.location_id and t.department = h.department
    where {{ kpi_in_window('h', 't', 'longest') }}
    group by t.business_date, t.location_id, t.department
),

-- A gain in one location never pays for a loss in another: the network adds the losses and the gains apart.
network as (
    select
        business_date, department,
        {%- for kind in kinds %}
        sum(greatest(net_{{ kind }}, 0)) as loss_{{ kind }},
        sum(greatest(-net_{{ kind }}, 0)) as gain_{{ kind }}{{ ',' if not loop.last }}
        {%- endfor %}
    from windows
    where location_id <> '*'
    group by business_date, department
)

select
    w.business_date, w.location_id, w.department,
    w.counted_records::BIGINT as counted_records,
    w.accurate_records::BIGINT as accurate_records,
    w.corrections::BIGINT as corrections,
    w.correction_days::BIGINT as correction_days,
    w.accuracy_window_days::BIGINT as accuracy_window_days,
    w.net_sales_at_cost, w.net_sales_at_retail,
    {%- for kind in kinds %}
    case
        when w.shrink_records = 0 then null
        when w.location_id = '*' then n.loss_{{ kind }}
        else greatest(w.net_{{ kind }}, 0)
    end::DECIMAL(28, 6) as shrink_{{ kind }},
    case
        when w.shrink_records = 0 then null
        when w.location_id = '*' then n.gain_{{ kind }}
        else greatest(-w.net_{{ kind }}, 0)
    end::DECIMAL(28, 6) as shrink_gain_{{ kind }}{{ ',' if not loop.last }}
    {%- endfor %}
from windows as w
left join network as n on w.business_date = n.business_date and w.department = n.department
