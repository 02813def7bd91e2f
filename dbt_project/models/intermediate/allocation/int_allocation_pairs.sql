-- The pairs that the run date decides on, with all that policy, demand and the allocation kernel need of them: a carried
-- assortment where that feed has landed, else every pair with a book or demand; at open-ended stores and e-com
-- locations that a DC supplies. Blocked pairs stay in, marked.
{{ config(materialized='table', tags=['inventory']) }}

with today as (select * from {{ ref('int_business_dates') }} where business_date = {{ date_of('run_date') }}),

rates as (select r.* from {{ ref('int_demand_rates') }} as r semi join today as t on r.business_date = t.business_date),

locations as (
    select
        l.*, n.ship_days, n.lead_time_days, n.cost_per_unit, n.min_order_units, n.order_multiple, n.release_days,
        coalesce(n.next_arrival_date, l.business_date + 1) as arrival
    from {{ ref('int_locations_in_force') }} as l
    semi join today as t on l.business_date = t.business_date
    left join {{ ref('int_lanes_in_force') }} as n on l.business_date = n.business_date and l.location_id = n.location_id
    where l.location_type in ('store', 'ecom') and l.supplied_by is not null
)

select
    l.supplied_by as from_location_id, r.location_id as to_location_id, r.sku_id,
    i.style_id, i.department, i.class, i.subclass, i.brand, i.supplier_id, i.lifecycle, i.season,
    l.location_type, l.cluster, l.region, l.channel, l.tier,
    i.unit_cost, i.unit_price, i.case_pack,
    coalesce(p.on_hand, 0) as on_hand,
    coalesce(p.available, 0) as available,
    coalesce(p.in_transit, 0) as in_transit,
    coalesce(p.reserved, 0) as reserved,
    coalesce(p.committed, 0) as committed,
    coalesce(m.firm_units, 0) as firm_units,
    coalesce(d.open_order_units, 0) as open_order_units,
    coalesce(case when a.is_carried then a.presentation_min end, 0) as presentation_min,
    case when a.is_carried then a.shelf_capacity end as shelf_capacity,
    (
        coalesce(a.status in ('blocked', 'exit'), false) or coalesce(o.is_excluded, false)
        or not {{ is_open_on('l.arrival', 'l.') }}
    ) as is_blocked,
    l.open_date, l.close_date, l.receiving_days, l.receiving_capacity_units, l.ship_days, l.lead_time_days, l.cost_per_unit,
    l.min_order_units, l.order_multiple, coalesce(l.release_days, 1) as release_days,
    m.last_moved_date, k.sku_id is not null as is_protected,
    o.override_id, o.min_units, o.max_units,
    r.first_seen,
    r.censored_days::BIGINT as censored_days,
    r.last_sale_date,
    coalesce(p.is_unopened, true) as is_unopened
from rates as r
inner join today as t on r.business_date = t.business_date
inner join locations as l on r.location_id = l.location_id
inner join {{ ref('int_items_in_force') }} as i on r.business_date = i.business_date and r.sku_id = i.sku_id
left join {{ ref('int_position_levels') }} as p on {{ same_pair('r', 'p') }}
left join {{ ref('int_demand_daily') }} as d on {{ same_pair('r', 'd') }}
left join {{ ref('int_assortment') }} as a on {{ same_pair('r', 'a') }}
left join {{ ref('int_pair_overrides') }} as o
    on l.supplied_by = o.from_location_id and r.location_id = o.to_location_id and r.sku_id = o.sku_id
left join {{ ref('int_pair_moves') }} as m on r.location_id = m.location_id and r.sku_id = m.sku_id
left join (
    select distinct from_location_id, to_location_id, sku_id from {{ ref('int_protected_units') }} where protected_units > 0
) as k on l.supplied_by = k.from_location_id and r.location_id = k.to_location_id and r.sku_id = k.sku_id
where case when t.has_assortment then a.is_carried else l.is_open or l.open_date > l.business_date end
order by r.sku_id, r.location_id
