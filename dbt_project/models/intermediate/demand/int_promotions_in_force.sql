-- Promotions as the run date knows them, at the locations that they concern: of each promotion the newest picture that
-- holds it (a picture drops what is over, history keeps it), if it touches the history or lies ahead.
{{ config(materialized='table', tags=['inventory']) }}

with pictures as (
    select p.*, min(p.business_date) over (partition by p.promo_id, p.sku_id, p.location_id) as announced_on
    from {{ ref('stg_promotions') }} as p
    where
        p.business_date <= {{ date_of('run_date') }}
        and p.end_date > {{ date_of('run_date') }} - {{ var('demand_history_days') }}
),

newest_picture as (
    select max(business_date) as business_date from {{ ref('int_landed_partitions') }}
    where feed = 'promotions' and is_picture and business_date <= {{ date_of('run_date') }}
),

-- What the newest picture no longer holds is over: it ends before that picture at the latest.
known as (
    select
        p.* exclude (end_date),
        case when p.business_date < n.business_date then least(p.end_date, n.business_date - 1) else p.end_date end as end_date
    from pictures as p
    cross join newest_picture as n
    qualify row_number() over (
        partition by p.promo_id, p.sku_id, p.location_id order by p.business_date desc, p.load desc
    ) = 1
),

locations as (
    select * from {{ ref('int_locations_in_force') }}
    where business_date = {{ date_of('run_date') }} and location_type in ('store', 'ecom')
)

select
    k.promo_id, k.sku_id, l.location_id, k.start_date, k.end_date, k.kind, k.promo_price,
    k.expected_uplift::DOUBLE as planned_uplift,
    k.location_id as plan_location_id, k.announced_on, k.protect_units,
    round(least(greatest(1 - k.promo_price::DOUBLE / i.unit_price::DOUBLE, 0), 0.99), 6) as planned_discount_rate
from known as k
inner join locations as l on k.location_id in ('*', l.location_id, l.cluster, l.region)
left join {{ ref('int_items') }} as i on k.sku_id = i.sku_id
where k.start_date <= k.end_date
qualify row_number() over (
    partition by k.promo_id, k.sku_id, l.location_id
    order by case k.location_id when l.location_id then 1 when l.cluster then 2 when l.region then 3 else 4 end
) = 1
