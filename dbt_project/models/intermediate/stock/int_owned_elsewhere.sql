-- Pairs whose stock a supplier owns under a vendor contract in force; the most specific contract of a pair decides. It beats
-- items.ownership (semantics 19).
{{ config(materialized='view', tags=['inventory']) }}

with contracts as (
    select m.business_date, c.*  exclude (business_date)
    from {{ ref('int_master_in_force') }} as m
    inner join {{ ref('stg_vendor_contracts') }} as c on m.partition_date = c.business_date
    where
        m.feed = 'vendor_contracts'
        and m.business_date between coalesce(c.start_date, m.business_date) and coalesce(c.end_date, m.business_date)
)

select
    s.business_date, s.location_id, s.sku_id,
    arg_min(c.kind, ((c.sku_id = '*')::INTEGER * 2 + (c.location_id = '*')::INTEGER, c.kind)) as ownership
from contracts as c
inner join {{ ref('int_items_in_force') }} as i
    on c.business_date = i.business_date and c.supplier_id = i.supplier_id and c.sku_id in ('*', i.sku_id)
inner join {{ ref('int_stock_levels') }} as s
    on i.business_date = s.business_date and i.sku_id = s.sku_id and c.location_id in ('*', s.location_id)
group by s.business_date, s.location_id, s.sku_id
