-- The ABC class of items on the dates that were counted: of the newest decided classes before the date.
{{ config(materialized='table', tags=['inventory']) }}

with class_dates as (
    select c.business_date, s.classed_on
    from (select distinct business_date from {{ ref('int_counts') }}) as c
    asof join (
        select distinct business_date as classed_on from {{ source('lake', 'sku_segments') }}
        where business_date >= {{ date_of('state_from') }} - {{ var('demand_window_days') }}
    ) as s on c.business_date > s.classed_on
)

select d.business_date, s.sku_id, s.abc
from class_dates as d
inner join {{ source('lake', 'sku_segments') }} as s on d.classed_on = s.business_date
