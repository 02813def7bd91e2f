-- What customers paid below the list price, sale by sale: what one paid above it does not offset what another paid below. Where the
-- sale names no list price, it is the item's in force.
{{ config(materialized='view', tags=['marts']) }}

select
    s.business_date, s.location_id, s.sku_id,
    sum(greatest(s.units * coalesce(s.unit_list_price, i.unit_price) - s.net_amount, 0)) as markdowns
from {{ recent_facts('pos') }} as s
left join {{ ref('int_items_in_force') }} as i on s.business_date = i.business_date and s.sku_id = i.sku_id
group by s.business_date, s.location_id, s.sku_id
