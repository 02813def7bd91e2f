-- What the DCs can give on the run date, what of it promotions keep for their own locations, their dispatch capacity, and
-- when more is expected (semantics 17).
{{ config(materialized='table', tags=['inventory']) }}

select
    p.location_id, p.sku_id, p.on_hand, p.reserved, p.committed, p.available, p.on_order,
    l.dispatch_capacity_units, l.dispatch_capacity_lines,
    coalesce(k.protected_units, 0)::BIGINT as protected_units,
    n.next_inbound_date, n.next_inbound_units, n.inbound_source
from {{ ref('int_position_levels') }} as p
inner join {{ ref('int_locations_in_force') }} as l
    on p.business_date = l.business_date and p.location_id = l.location_id
left join {{ ref('int_next_inbound') }} as n on p.location_id = n.location_id and p.sku_id = n.sku_id
left join (
    select from_location_id, sku_id, sum(protected_units) as protected_units
    from {{ ref('int_protected_units') }}
    where is_first
    group by from_location_id, sku_id
) as k on p.location_id = k.from_location_id and p.sku_id = k.sku_id
where p.business_date = {{ date_of('run_date') }} and l.location_type = 'dc'
order by p.location_id, p.sku_id
