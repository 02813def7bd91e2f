-- Pairs that should be on sale: in assortment (active or launch) where that feed has landed, else every pair with a book at
-- a store or e-com location; the location open, the item not on its way out.
{{ config(materialized='table', tags=['inventory']) }}

select s.business_date, s.location_id, s.sku_id, l.location_type
from {{ ref('int_stock_levels') }} as s
inner join {{ ref('int_business_dates') }} as d on s.business_date = d.business_date
inner join {{ ref('int_locations_in_force') }} as l
    on s.business_date = l.business_date and s.location_id = l.location_id
left join {{ ref('int_items_in_force') }} as i on s.business_date = i.business_date and s.sku_id = i.sku_id
left join {{ ref('int_assortment') }} as a
    on s.business_date = a.business_date and s.location_id = a.location_id and s.sku_id = a.sku_id
where
    l.is_open
    and coalesce(i.lifecycle, 'core') <> 'exit'
    and case
        when d.has_assortment then a.is_carried and a.status in ('active', 'launch')
        else l.location_type in ('store', 'ecom')
    end
