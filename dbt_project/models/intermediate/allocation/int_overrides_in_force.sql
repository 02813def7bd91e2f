-- What people decided for the pairs of the run date (semantics 10, 21): the newest row of an override, until it expires; a
-- `set` until a firm line has used it (its own date, where it sets 0); a `lock` repeats the last plan of the pair.
{{ config(materialized='table', tags=['inventory']) }}

with newest as (
    select * from {{ ref('stg_overrides') }}
    where business_date <= {{ date_of('run_date') }}
    qualify row_number() over (partition by override_id order by business_date desc) = 1
),

plans as (
    select * from {{ source('lake', 'allocations') }}
    where business_date between {{ date_of('run_date') }} - {{ var('transit_window_days') }} and {{ date_of('run_date') }} - 1
),

last_plan as (
    select from_location_id, to_location_id, sku_id, sum(units) as units
    from plans
    where business_date = (select max(business_date) from plans) and is_firm
    group by from_location_id, to_location_id, sku_id
)

select
    o.override_id, o.kind, o.sku_id, o.from_location_id, o.to_location_id, o.business_date, o.approved_by,
    l.from_location_id as plan_from_location_id, l.to_location_id as plan_to_location_id, l.units as plan_units,
    o.units
from newest as o
left join last_plan as l
    on o.kind = 'lock' and o.sku_id = l.sku_id
    and l.to_location_id = coalesce(o.to_location_id, l.to_location_id)
    and l.from_location_id = coalesce(o.from_location_id, l.from_location_id)
where
    {{ date_of('run_date') }} <= coalesce(o.expires_on, o.business_date)
    and not (o.kind = 'set' and o.units = 0 and greatest(o.business_date, o.posted_on) <= (
        select max(previous_date) from {{ ref('int_business_dates') }} where business_date <= {{ date_of('run_date') }}
    ))
    and not (o.kind = 'set' and exists (
        select 1 from plans as p
        where p.override_id = o.override_id and p.is_firm and p.business_date >= o.business_date
    ))
