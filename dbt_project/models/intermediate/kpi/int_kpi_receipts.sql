-- What suppliers brought of owned stock, at the list price in force: what a budget's planned receipts are used up by. Damaged units
-- are in, as in open-to-buy; stock that suppliers own uses no budget (semantics 19).
{{ config(materialized='view', tags=['marts']) }}

select
    r.business_date, r.location_id, r.sku_id, coalesce(i.department, 'unassigned') as department, l.location_type, l.channel,
    (r.units * coalesce(i.unit_price, 0))::DECIMAL(28, 6) as receipts_retail
from {{ ref('int_purchase_receipts') }} as r
left join {{ ref('int_items_in_force') }} as i on r.business_date = i.business_date and r.sku_id = i.sku_id
left join {{ ref('int_locations_in_force') }} as l on r.business_date = l.business_date and r.location_id = l.location_id
left join {{ ref('int_owned_elsewhere') }} as v on {{ same_pair('r', 'v') }}
where {{ in_state_range('r.business_date') }} and coalesce(v.ownership, i.ownership, 'owned') = 'owned'
