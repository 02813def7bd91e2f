-- What each pair sold in the trailing window of each date of the range: (date - demand_window_days, date].
{{ config(materialized='table', tags=['inventory']) }}

select
    d.business_date, t.location_id, t.sku_id,
    sum(t.sales_units)::BIGINT as sum_units,
    sum(t.sales_units * t.sales_units)::BIGINT as sum_units_sq,
    sum((1 - t.exposure)::DECIMAL(9, 6)) as hidden_days,
    count(*) filter (where t.is_censored) as censored_days,
    min(t.business_date) as first_demand_date,
    max(t.business_date) filter (where t.sales_units > 0) as last_sold_on
from {{ ref('int_business_dates') }} as d
inner join {{ ref('int_demand_daily') }} as t
    on t.business_date <= d.business_date and t.business_date > d.business_date - {{ var('demand_window_days') }}
where
    {{ in_state_range('d.business_date') }}
    and t.business_date > {{ date_of('state_from') }} - {{ var('demand_window_days') }}
    and t.business_date <= {{ date_of('state_to') }}
group by d.business_date, t.location_id, t.sku_id
