-- Mean demand a day of every pair with a book, as known at the close of each date: the newest forecast made before the
-- date, else the units sold in the trailing window over its observed days, weighted by exposure. No future.
{{ config(materialized='table', tags=['inventory']) }}

with dates as (
    select
        d.business_date, d.date_number,
        (
            select min(w.business_date) from {{ ref('int_business_dates') }} as w
            where w.business_date > d.business_date - {{ var('demand_window_days') }}
        ) as window_start
    from {{ ref('int_business_dates') }} as d
    where {{ in_state_range('d.business_date') }}
),

forecasts as (
    select business_date as made_on, location_id, sku_id, base_daily_mean
    from {{ source('lake', 'demand_forecasts') }}
    where business_date >= {{ date_of('state_from') }} - {{ var('demand_window_days') }}
        and business_date < {{ date_of('state_to') }}
),

forecast_dates as (
    select d.business_date, f.made_on
    from dates as d
    asof join (select distinct made_on from forecasts) as f on d.business_date > f.made_on
),

known as (
    select
        business_date, location_id, sku_id,
        s.sku_id is not null as has_book, s.has_transfer_out,
        least(s.first_seen, w.first_demand_date) as first_seen,
        coalesce(w.sum_units, 0) as sum_units,
        coalesce(w.sum_units_sq, 0) as sum_units_sq,
        coalesce(w.hidden_days, 0) as hidden_days,
        coalesce(w.censored_days, 0) as censored_days,
        w.last_sold_on
    from {{ ref('int_stock_levels') }} as s
    full join {{ ref('int_demand_windows') }} as w using (business_date, location_id, sku_id)
),

pairs as (
    select
        k.*, d.date_number, p.last_sale_date as prior_sale_date,
        case when k.first_seen is not null then greatest(d.window_start, k.first_seen) end as observed_from,
        case when l.location_type = 'dc' and k.has_transfer_out then k.business_date end as last_sent_on
    from known as k
    inner join dates as d on k.business_date = d.business_date
    left join {{ ref('int_prior_state') }} as p on k.location_id = p.location_id and k.sku_id = p.sku_id
    left join {{ ref('int_locations_in_force') }} as l
        on k.business_date = l.business_date and k.location_id = l.location_id
),

observed as (
    select
        p.*,
        coalesce(p.date_number - o.date_number + 1, 0) * {{ days_per_date() }} as days_observed,
        coalesce(p.date_number - o.date_number + 1 - p.hidden_days, 0) * {{ days_per_date() }} as exposure_days
    from pairs as p
    left join {{ ref('int_business_dates') }} as o on p.observed_from = o.business_date
)

select
    p.business_date, p.location_id, p.sku_id, p.first_seen,
    case when p.has_book then greatest(p.prior_sale_date, max(greatest(p.last_sold_on, p.last_sent_on)) over (
        partition by p.location_id, p.sku_id, p.has_book order by p.business_date rows unbounded preceding
    )) else p.last_sold_on end as last_sale_date,
    p.days_observed, p.sum_units, p.sum_units_sq, p.exposure_days, p.censored_days,
    coalesce(f.base_daily_mean, p.sum_units::DOUBLE / nullif(p.exposure_days, 0)::DOUBLE) as daily_mean
from observed as p
left join forecast_dates as fd on p.business_date = fd.business_date
left join forecasts as f on fd.made_on = f.made_on and p.location_id = f.location_id and p.sku_id = f.sku_id
