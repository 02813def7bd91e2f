-- Demand that the run learned of too late for the state that the landed date before handed over: facts of that date or
-- earlier that were posted since. Nothing on a first load, which learns from history.
{{ config(materialized='table', tags=['inventory']) }}

with before as (
    select max(business_date) as business_date from {{ ref('int_business_dates') }}
    where business_date < {{ date_of('run_date') }}
),

late as (
    select location_id, sku_id, business_date, units, posted_on from {{ ref('stg_pos') }}
    union all
    select location_id, sku_id, business_date, -units, posted_on from {{ ref('stg_returns') }}
    where disposition = 'restock'
)

select l.location_id, l.sku_id, l.business_date, sum(l.units)::BIGINT as demand_units
from late as l
inner join before as b on l.business_date <= b.business_date and l.posted_on > b.business_date
where
    {{ var('applied_load') }} >= 0
    and l.posted_on <= {{ date_of('run_date') }}
    and l.posted_on > {{ date_of('run_date') }} - {{ var('demand_history_days') }}
    and l.business_date > {{ date_of('run_date') }} - {{ var('demand_history_days') }}
group by l.location_id, l.sku_id, l.business_date
