-- What lanes state on the run date, from suppliers and from other locations: lead time and its deviation, days, multiples and
-- least size of orders. Where the cut-off is over when the run's lines are released they leave a day later at the earliest.
{{ config(materialized='table', tags=['inventory']) }}

select
    n.from_id, n.to_location_id,
    case when l.location_id is null then 'supplier' else 'dc' end as lane_class,
    n.lead_time_days, n.lead_time_sd_days, n.ship_days, n.min_order_units, n.order_multiple,
    case when {{ time_of('n.cutoff_time') }} < {{ time_of("'" ~ var('allocation_release_time') ~ "'") }} then 2 else 1 end as release_days
from {{ ref('int_master_in_force') }} as m
inner join {{ ref('stg_lanes') }} as n on m.partition_date = n.business_date
left join {{ ref('int_locations_in_force') }} as l on m.business_date = l.business_date and n.from_id = l.location_id
where m.feed = 'lanes' and m.business_date = {{ date_of('run_date') }}
