-- The lane that supplies each location on each date, with its next dispatch and arrival (semantics 2): ships from the
-- day after, on a ship day; arrival = ceil(ship + lead), moved to the next receiving day. Without a lane its terms are
-- null and the dates use the default lead time. A lane whose cut-off is over when the lines of a plan reach the
-- warehouse ships them a day later at the earliest. The same rule: allocation_assets/allocation/calendar.py.
{{ config(materialized='table', tags=['inventory']) }}

with lanes as (
    select
        m.business_date, n.from_id, n.to_location_id, n.lead_time_days, n.ship_days, n.cost_per_unit,
        n.cost_per_shipment, n.min_order_units, n.order_multiple, n.cutoff_time,
        case when {{ time_of('n.cutoff_time') }} < {{ time_of("'" ~ var('allocation_release_time') ~ "'") }} then 2 else 1 end as release_days
    from {{ ref('int_master_in_force') }} as m
    inner join {{ ref('stg_lanes') }} as n on m.partition_date = n.business_date
    where m.feed = 'lanes'
),

supplied as (
    select
        l.business_date, l.location_id, l.supplied_by as from_location_id, l.receiving_days,
        n.lead_time_days, n.ship_days, n.cost_per_unit, n.cost_per_shipment, n.min_order_units, n.order_multiple, n.cutoff_time,
        coalesce(n.release_days, 1) as release_days,
        {{ next_day_on('l.business_date + coalesce(n.release_days, 1)', 'n.ship_days') }} as next_ship_date,
        ceil(coalesce(n.lead_time_days, {{ var('lanes_default_lead_time_days') }}))::INTEGER as lead_days
    from {{ ref('int_locations_in_force') }} as l
    left join lanes as n
        on l.business_date = n.business_date and l.supplied_by = n.from_id and l.location_id = n.to_location_id
)

select
    business_date, location_id, from_location_id, lead_time_days, ship_days, cost_per_unit, cost_per_shipment,
    min_order_units, order_multiple, cutoff_time, release_days, lead_days, next_ship_date,
    {{ next_day_on('next_ship_date + lead_days', 'receiving_days') }} as next_arrival_date
from supplied
