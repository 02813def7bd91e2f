-- The location master as it stood on each date of the range, with the DC that supplies each location: its own
-- supplied_by, else the only DC there is.
{{ config(materialized='table', tags=['inventory']) }}

with located as (
    select
        m.business_date, l.location_id, l.location_type, l.channel, l.region, l.cluster, l.tier, l.supplied_by,
        l.open_date, l.close_date, l.receiving_days, l.receiving_capacity_units, l.storage_capacity_units,
        l.dispatch_capacity_units, l.dispatch_capacity_lines,
        count(*) filter (where l.location_type = 'dc') over on_date as dcs,
        min(l.location_id) filter (where l.location_type = 'dc') over on_date as only_dc,
        count(*) filter (where l.location_type = 'ecom') over on_date as ecoms,
        min(l.location_id) filter (where l.location_type = 'ecom') over on_date as only_ecom
    from {{ ref('int_master_in_force') }} as m
    inner join {{ ref('stg_locations') }} as l on m.partition_date = l.business_date
    where m.feed = 'locations'
    window on_date as (partition by m.business_date)
)

select
    * exclude (dcs, only_dc, ecoms, only_ecom, supplied_by),
    coalesce(supplied_by, case when dcs = 1 and location_type <> 'dc' then only_dc end) as supplied_by,
    case when ecoms = 1 then only_ecom when dcs = 1 then only_dc end as order_location_id,
    {{ is_open_on('business_date') }} as is_open
from located
