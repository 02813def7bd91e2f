-- What binds or is about to join the stock of a pair: reserved for orders, committed to firm lines, in transit on firm
-- lines, on order.
{{ config(materialized='table', tags=['inventory']) }}

with parts as (
    -- Orders with status allocated where that feed lands, else the snapshot's figure, never both (semantics 15).
    select o.business_date, o.location_id, o.sku_id, o.units as reserved, 0 as committed, 0 as in_transit_firm,
        0 as on_order, 0 as on_order_past_due
    from {{ ref('int_open_orders') }} as o
    where {{ in_state_range('o.business_date') }} and o.status = 'allocated'
    union all
    select m.business_date, s.location_id, s.sku_id, s.reserved, 0, 0, 0, 0
    from {{ ref('int_master_in_force') }} as m
    inner join {{ ref('int_business_dates') }} as d on m.business_date = d.business_date
    inner join {{ ref('stg_inventory_snapshot') }} as s on m.partition_date = s.business_date
    where m.feed = 'inventory_snapshot' and not d.has_orders and s.reserved > 0
    union all
    select business_date, from_location_id, sku_id, 0, open_units, 0, 0, 0
    from {{ ref('int_firm_lines') }}
    union all
    select business_date, to_location_id, sku_id, 0, 0, open_units, 0, 0
    from {{ ref('int_firm_lines') }}
    where is_in_transit
    union all
    select business_date, location_id, sku_id, 0, 0, 0, units, case when is_past_due then units else 0 end
    from {{ ref('int_on_order') }}
)

select
    business_date, location_id, sku_id,
    sum(reserved)::BIGINT as reserved,
    sum(committed)::BIGINT as committed,
    sum(in_transit_firm)::BIGINT as in_transit_firm,
    sum(on_order)::BIGINT as on_order,
    sum(on_order_past_due)::BIGINT as on_order_past_due
from parts
group by business_date, location_id, sku_id
