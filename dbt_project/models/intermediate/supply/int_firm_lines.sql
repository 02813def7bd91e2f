-- Firm allocation lines of earlier dates that still bind stock at the close of each date (semantics 15, 20), from the newest
-- hand-over before it. With a shipments feed: decided units not yet shipped, until the ship date. Without one a line
-- counts as shipped, from its ship date until it is received or `transit_close_days` past its arrival.
{{ config(materialized='table', tags=['inventory']) }}
{% set line = ['business_date', 'from_location_id', 'to_location_id', 'sku_id'] %}

with handed as (
    select c.*
    from {{ source('lake', 'carry') }} as c
    where c.business_date >= {{ date_of('state_from') }} - {{ transit_lookback_days() }}
        and c.business_date < {{ date_of('state_to') }} and c.kind = 'firm_line'
),

hand_overs as (select distinct business_date as handed_on from handed),

dates as (
    select d.business_date, d.has_shipments, h.handed_on
    from {{ ref('int_business_dates') }} as d
    asof join hand_overs as h on d.business_date > h.handed_on
    where {{ in_state_range('d.business_date') }}
),

lines as (
    select
        d.business_date, d.has_shipments, h.from_location_id, h.to_location_id, h.sku_id, h.units,
        h.ship_date, h.arrival_date, h.decided_on
    from dates as d
    inner join handed as h on d.handed_on = h.business_date
    where
        d.business_date >= h.decided_on
        and case
            when d.has_shipments then d.business_date <= h.ship_date
            else d.business_date < h.arrival_date + {{ var('transit_close_days') }}
        end
),

done as (
    select l.business_date, l.from_location_id, l.to_location_id, l.sku_id, sum(e.units) as units
    from (select {{ line | join(', ') }}, has_shipments, min(ship_date) as first_ship_date from lines group by all) as l
    inner join {{ ref('int_transfer_events') }} as e
        on l.from_location_id = e.from_location_id and l.to_location_id = e.to_location_id and l.sku_id = e.sku_id
        and e.business_date between l.first_ship_date and l.business_date
    where e.kind = case when l.has_shipments then 'shipment' else 'receipt' end
    group by all
)

select
    l.business_date, l.from_location_id, l.to_location_id, l.sku_id, l.ship_date, l.arrival_date, l.decided_on, l.units,
    least(l.units, greatest(
        sum(l.units) over (
            partition by l.business_date, l.from_location_id, l.to_location_id, l.sku_id
            order by l.ship_date, l.decided_on rows between unbounded preceding and current row
        ) - coalesce(d.units, 0), 0
    ))::BIGINT as open_units,
    not l.has_shipments and l.ship_date <= l.business_date as is_in_transit
from lines as l
left join done as d using ({{ line | join(', ') }})
