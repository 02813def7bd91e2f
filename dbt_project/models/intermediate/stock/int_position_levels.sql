-- Positions before they are judged: the book with what binds it, the masters in force and the demand it faces. A DC
-- faces the demand of the locations it supplies.
{{ config(materialized='table', tags=['inventory']) }}

with supplied as (
    select r.business_date, l.supplied_by as location_id, r.sku_id, sum(r.daily_mean::DECIMAL(24, 9)) as daily_mean
    from {{ ref('int_demand_rates') }} as r
    inner join {{ ref('int_locations_in_force') }} as l
        on r.business_date = l.business_date and r.location_id = l.location_id
    where l.supplied_by is not null and l.location_type <> 'dc'
    group by r.business_date, l.supplied_by, r.sku_id
)

select
    s.business_date, s.location_id, s.sku_id, s.on_hand, s.damaged, s.is_unopened,
    s.in_transit + coalesce(b.in_transit_firm, 0) as in_transit,
    coalesce(b.in_transit_firm, 0) as in_transit_firm,
    coalesce(b.reserved, 0) as reserved,
    coalesce(b.committed, 0) as committed,
    coalesce(b.on_order, 0) as on_order,
    coalesce(b.on_order_past_due, 0) as on_order_past_due,
    greatest(s.on_hand - coalesce(b.reserved, 0) - coalesce(b.committed, 0), 0) as available,
    i.unit_cost, i.department,
    coalesce(v.ownership, i.ownership, 'owned') as ownership,
    l.channel, l.location_type, coalesce(l.is_open, false) as is_open,
    p.sku_id is not null as is_active,
    case when a.is_carried then a.presentation_min end as presentation_min,
    coalesce(a.is_past_exit, false) as is_past_exit,
    n.next_arrival_date, s.first_seen, r.last_sale_date,
    case when l.location_type = 'dc' then coalesce(r.daily_mean, 0) + coalesce(u.daily_mean::DOUBLE, 0)
        else r.daily_mean end as daily_mean
from {{ ref('int_stock_levels') }} as s
left join {{ ref('int_demand_rates') }} as r on {{ same_pair('s', 'r') }}
left join {{ ref('int_bound_stock') }} as b on {{ same_pair('s', 'b') }}
left join {{ ref('int_active_pairs') }} as p on {{ same_pair('s', 'p') }}
left join {{ ref('int_assortment') }} as a on {{ same_pair('s', 'a') }}
left join {{ ref('int_owned_elsewhere') }} as v on {{ same_pair('s', 'v') }}
left join supplied as u on {{ same_pair('s', 'u') }}
left join {{ ref('int_items_in_force') }} as i on s.business_date = i.business_date and s.sku_id = i.sku_id
left join {{ ref('int_locations_in_force') }} as l
    on s.business_date = l.business_date and s.location_id = l.location_id
left join {{ ref('int_lanes_in_force') }} as n on s.business_date = n.business_date and s.location_id = n.location_id
