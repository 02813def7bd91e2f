-- What positions hold in transit (but for firm lines without a shipments feed) is what shipment lines still have open.
{{ config(tags=['inventory']) }}

with lines as (
    select business_date, to_location_id as location_id, sku_id, sum(in_transit_units) as units
    from {{ ref('shipment_lines') }}
    where {{ in_state_range() }}
    group by business_date, to_location_id, sku_id
),

held as (
    select p.business_date, p.location_id, p.sku_id, p.in_transit - p.in_transit_firm as units
    from {{ ref('inventory_positions') }} as p
    inner join {{ ref('int_business_dates') }} as d on p.business_date = d.business_date and d.is_book_open
    where {{ in_state_range('p.business_date') }}
)

select h.business_date, h.location_id, h.sku_id, h.units, l.units as line_units
from held as h
left join lines as l using (business_date, location_id, sku_id)
where h.units <> coalesce(l.units, 0)
