-- The vendor contract in force on the run date of each SKU and location; the most specific one of a pair decides, as in
-- int_owned_elsewhere. A pair need not have a book yet.
{{ config(materialized='view', tags=['inventory']) }}

with contracts as (
    select m.business_date, c.* exclude (business_date)
    from {{ ref('int_master_in_force') }} as m
    inner join {{ ref('stg_vendor_contracts') }} as c on m.partition_date = c.business_date
    where
        m.feed = 'vendor_contracts' and m.business_date = {{ date_of('run_date') }}
        and m.business_date between coalesce(c.start_date, m.business_date) and coalesce(c.end_date, m.business_date)
)

select l.location_id, i.sku_id, c.kind, c.min_units, c.max_units, c.min_share
from contracts as c
inner join {{ ref('int_items_in_force') }} as i
    on c.business_date = i.business_date and c.supplier_id = i.supplier_id and c.sku_id in ('*', i.sku_id)
inner join {{ ref('int_locations_in_force') }} as l
    on c.business_date = l.business_date and c.location_id in ('*', l.location_id)
qualify row_number() over (
    partition by l.location_id, i.sku_id
    order by (c.sku_id = '*')::INTEGER * 2 + (c.location_id = '*')::INTEGER, c.kind
) = 1
