-- What suppliers still owe (semantics 17): confirmed, else ordered, less received in the newest picture of open orders, less
-- receipts for that order and item dated after the picture; never below 0. Absent from the newest picture = closed.
{{ config(materialized='table', tags=['inventory']) }}

with pictures as (
    select business_date, partition_date from {{ ref('int_master_in_force') }} where feed = 'purchase_orders'
),

ordered as (
    select
        p.business_date, p.partition_date, o.po_id, o.location_id, o.sku_id,
        min(o.supplier_id) as supplier_id, min(o.expected_date) as expected_date,
        sum(greatest(coalesce(o.confirmed_units, o.ordered_units) - coalesce(o.received_units, 0), 0)) as units
    from pictures as p
    inner join {{ ref('stg_purchase_orders') }} as o on p.partition_date = o.business_date
    where o.status = 'open'
    group by p.business_date, p.partition_date, o.po_id, o.location_id, o.sku_id
),

received as (
    select o.business_date, o.po_id, o.location_id, o.sku_id, sum(r.units) as units
    from ordered as o
    inner join {{ ref('int_purchase_receipts') }} as r
        on o.po_id = r.po_id and o.location_id = r.location_id and o.sku_id = r.sku_id
        and r.business_date > o.partition_date and r.business_date <= o.business_date
    where r.business_date > (select min(partition_date) from pictures)
    group by o.business_date, o.po_id, o.location_id, o.sku_id
)

select
    o.business_date, o.po_id, o.supplier_id, o.location_id, o.sku_id, o.expected_date,
    greatest(o.units - coalesce(r.units, 0), 0)::BIGINT as units,
    o.expected_date < o.business_date as is_past_due
from ordered as o
left join received as r using (business_date, po_id, location_id, sku_id)
where o.units > coalesce(r.units, 0)
