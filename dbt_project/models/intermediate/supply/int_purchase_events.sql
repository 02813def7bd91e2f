-- What is known of orders to suppliers, event by event: each picture that names a line, each that no longer does (closed,
-- semantics 17), each receipt. A line is an item of an order at a location; lines of a picture that share these are one.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}

with partitions as (
    select
        business_date,
        lag(business_date) over (order by business_date) as previous_on,
        lead(business_date) over (order by business_date) as next_on
    from {{ ref('int_landed_partitions') }}
    where feed = 'purchase_orders' and is_picture and business_date <= {{ date_of('state_to') }}
),

named as (
    select
        o.business_date, o.po_id, o.location_id, o.sku_id, min(o.supplier_id) as supplier_id,
        min(o.expected_date) as expected_date,
        coalesce(sum(o.ordered_units) filter (where o.status <> 'cancelled'), 0)::BIGINT as ordered_units,
        coalesce(sum(coalesce(o.confirmed_units, o.ordered_units)) filter (where o.status <> 'cancelled'), 0)::BIGINT as due_units,
        sum(coalesce(o.received_units, 0))::BIGINT as received_units,
        bool_or(o.status = 'open') as is_open,
        bool_and(o.status = 'cancelled') as is_cancelled
    from {{ recent_facts('purchase_orders') }} as o
    group by o.business_date, o.po_id, o.location_id, o.sku_id
),

open_lines as (
    select business_date, po_id, location_id, sku_id, supplier_id from named where is_open
    {%- if is_incremental() %}
    union all
    select business_date, po_id, location_id, sku_id, supplier_id from {{ this }}
    where kind = 'picture' and is_open and business_date = (
        select max(p.business_date) from partitions as p where p.business_date < {{ date_of('state_from') }}
    )
    {%- endif %}
),

absent as (
    select p.next_on as business_date, o.po_id, o.location_id, o.sku_id, o.supplier_id
    from open_lines as o
    inner join partitions as p on o.business_date = p.business_date
    anti join named as n
        on p.next_on = n.business_date and o.po_id = n.po_id and o.location_id = n.location_id and o.sku_id = n.sku_id
    where {{ in_state_range('p.next_on') }}
)

select
    n.business_date, 'picture' as kind, n.po_id, n.location_id, n.sku_id, n.supplier_id, n.expected_date, n.ordered_units,
    n.due_units, n.received_units, 0::BIGINT as damaged_units, n.is_open, n.is_cancelled, p.previous_on
from named as n
left join partitions as p on n.business_date = p.business_date
union all
select business_date, 'absent', po_id, location_id, sku_id, supplier_id, null, null, null, null, 0, false, null, null
from absent
union all
select
    r.business_date, 'receipt', r.source_id, r.location_id, r.sku_id, min(coalesce(r.supplier_id, i.supplier_id)), null, null,
    null, sum(r.units + coalesce(r.units_damaged, 0))::BIGINT, sum(coalesce(r.units_damaged, 0))::BIGINT, null, null, null
from {{ recent_facts('receipts') }} as r
left join {{ ref('int_items_in_force') }} as i on r.business_date = i.business_date and r.sku_id = i.sku_id
where r.source_type = 'purchase' and r.units + coalesce(r.units_damaged, 0) > 0
group by r.business_date, r.source_id, r.location_id, r.sku_id
