-- The pairs that order on the run date: SKU x location that a supplier, or a DC above a DC, delivers to. These are DCs, for all
-- that the locations below them sell, and stores and e-com locations without a DC (semantics 7). With the parts of the position,
-- what the item, the lane and the vendor contract in force say, and why a pair orders nothing.
{{ config(materialized='table', tags=['inventory']) }}

with recursive today as (select * from {{ ref('int_business_dates') }} where business_date = {{ date_of('run_date') }}),

locations as (
    select l.* from {{ ref('int_locations_in_force') }} as l semi join today as t on l.business_date = t.business_date
),

levels as (
    select p.* from {{ ref('int_position_levels') }} as p semi join today as t on p.business_date = t.business_date
),

assorted as (
    select a.* from {{ ref('int_assortment') }} as a semi join today as t on a.business_date = t.business_date
),

selling as (
    select r.location_id, r.sku_id
    from {{ ref('int_demand_rates') }} as r
    inner join today as t on r.business_date = t.business_date
    inner join locations as l on r.location_id = l.location_id and l.location_type in ('store', 'ecom')
    left join assorted as a on r.location_id = a.location_id and r.sku_id = a.sku_id
    where case when t.has_assortment then a.is_carried else l.is_open or l.open_date > l.business_date end
),

-- Up the tree from what sells; the union of distinct rows ends even where supplied_by forms a loop.
wanted as (
    select location_id, sku_id from selling
    union
    select l.supplied_by, w.sku_id from wanted as w
    inner join locations as l on w.location_id = l.location_id
    where l.supplied_by is not null
),

ordering as (
    select location_id, sku_id from wanted
    union
    select location_id, sku_id from levels where location_type = 'dc'
),

firm as (
    select f.from_location_id as location_id, f.sku_id, sum(f.open_units)::BIGINT as units
    from {{ ref('int_firm_lines') }} as f semi join today as t on f.business_date = t.business_date
    where f.is_in_transit
    group by all
)

select
    o.location_id, o.sku_id, l.supplied_by, coalesce(l.supplied_by, i.supplier_id) as from_id,
    l.supplied_by is null as is_purchase, i.supplier_id, i.style_id, i.department, i.class, i.subclass, i.brand, i.lifecycle,
    i.season, l.location_type, l.cluster, l.region, l.channel, l.tier, i.unit_cost, i.unit_price, i.case_pack, i.shelf_life_days,
    coalesce(p.on_hand, 0) as on_hand, coalesce(p.in_transit, 0) as in_transit, coalesce(p.on_order, 0) as on_order,
    coalesce(d.open_order_units, 0) as backorders, coalesce(p.reserved, 0) + coalesce(f.units, 0) as reserved,
    case when a.is_carried then a.presentation_min end as presentation_min,
    case when a.is_carried then a.shelf_capacity end as storage_capacity,
    n.lead_time_days, n.ship_days, n.min_order_units, n.order_multiple, coalesce(n.release_days, 1) as release_days,
    l.receiving_days, l.open_date, l.close_date, l.storage_capacity_units as location_capacity, coalesce(c.kind, i.ownership, 'owned') as ownership,
    c.kind as contract_kind, c.min_units as contract_min, c.max_units as contract_max, c.min_share as contract_min_share,
    case
        when i.lifecycle = 'exit' then 'lifecycle_exit'
        when a.status in ('blocked', 'exit') or (l.location_type <> 'dc' and t.has_assortment and not coalesce(a.is_carried, false)) then 'assortment'
        when l.close_date <= l.business_date + 1 then 'location_closed'
        when coalesce(l.supplied_by, i.supplier_id) is null then 'no_supplier'
        when p.is_unopened then 'stock_unknown'
    end as block_reason
from ordering as o
cross join today as t
inner join locations as l on o.location_id = l.location_id and (l.location_type = 'dc' or l.supplied_by is null)
inner join {{ ref('int_items_in_force') }} as i on t.business_date = i.business_date and o.sku_id = i.sku_id
left join levels as p on o.location_id = p.location_id and o.sku_id = p.sku_id
left join assorted as a on o.location_id = a.location_id and o.sku_id = a.sku_id
left join {{ ref('int_demand_daily') }} as d
    on t.business_date = d.business_date and o.location_id = d.location_id and o.sku_id = d.sku_id
left join firm as f on o.location_id = f.location_id and o.sku_id = f.sku_id
left join {{ ref('int_lane_terms') }} as n
    on coalesce(l.supplied_by, i.supplier_id) = n.from_id and o.location_id = n.to_location_id
left join {{ ref('int_vendor_terms') }} as c on o.location_id = c.location_id and o.sku_id = c.sku_id
