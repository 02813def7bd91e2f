-- What fell due of customer orders, and what of it was served in full and in time: a row per line, and per order on its first line.
{{ config(materialized='view', tags=['marts']) }}

with due as (
    select * from {{ ref('int_order_lines') }}
    where {{ in_state_range() }} and (is_due or is_order_due)
),

masters as (
    select business_date, any_value(order_location_id) as order_location_id
    from {{ ref('int_locations_in_force') }}
    group by business_date
),

placed as (
    select d.*, coalesce(d.ship_from_location_id, m.order_location_id, 'unassigned') as location_id
    from due as d
    left join masters as m on d.business_date = m.business_date
)

select
    p.business_date, p.order_id, p.line_no, p.location_id, p.sku_id,
    coalesce(i.department, 'unassigned') as department, l.location_type, l.channel,
    p.is_due::INTEGER as order_lines_due,
    (p.is_due and p.shipped_units = p.wanted_units)::INTEGER as order_lines_filled,
    case when p.is_due then p.wanted_units else 0 end as order_units_due,
    case when p.is_due then p.shipped_units else 0 end as order_units_filled,
    p.is_order_due::INTEGER as orders_due,
    (p.is_order_due and p.is_order_filled)::INTEGER as orders_filled
from placed as p
left join {{ ref('int_items_in_force') }} as i on p.business_date = i.business_date and p.sku_id = i.sku_id
left join {{ ref('int_locations_in_force') }} as l on p.business_date = l.business_date and p.location_id = l.location_id
