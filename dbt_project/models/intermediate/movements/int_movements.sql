-- What the ledger should hold for the range: every movement once, valued at the cost in force on its date.
{{ config(materialized='table', tags=['inventory']) }}

with movements as (
    select
        business_date, location_id, sku_id, movement_type, bucket, units, source_feed, source_key, source_file, posted_on
    from {{ ref('int_book_movements') }}
    union all
    select
        business_date, location_id, sku_id, movement_type, 'on_hand', units,
        'cycle_counts', {{ source_key(['count_id', 'location_id', 'sku_id']) }}, source_file,
        greatest({{ date_of('run_date') }}, business_date) as posted_on
    from {{ ref('int_count_corrections') }}
    where units <> 0
    union all
    -- An adjustment that names a held count: nothing else has posted what was found.
    select
        n.business_date, n.location_id, n.sku_id, 'adjustment', 'on_hand', b.units,
        'adjustments', n.adjustment_id, n.source_file, n.posted_on
    from {{ ref('int_named_adjustments') }} as n
    inner join {{ ref('int_count_books') }} as b
        on {{ same_pair('n', 'b') }} and n.adjustment_id = b.event_key and b.kind = 'adjustment'
    where b.units <> 0
)

select
    m.source_feed, m.source_key, m.movement_type, m.bucket, m.location_id, m.sku_id, m.business_date, m.units,
    i.unit_cost, m.source_file, m.posted_on,
    not coalesce(l.is_open, true) as is_outside_opening
from movements as m
left join {{ ref('int_items_in_force') }} as i on m.business_date = i.business_date and m.sku_id = i.sku_id
left join {{ ref('int_locations_in_force') }} as l on m.business_date = l.business_date and m.location_id = l.location_id
