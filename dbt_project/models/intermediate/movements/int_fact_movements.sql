-- What each landed fact of the range moves, by bucket (semantics 14, 16). Facts up to the day the books open feed
-- demand only (semantics 13). What adjustments do to the damaged bucket is in int_damaged_moves; sent and received units
-- are matched in int_transfer_levels.
{{ config(materialized='table', tags=['inventory']) }}

with moved as (
    select business_date, location_id, sku_id, 'sale' as movement_type, 'on_hand' as bucket, -units as units,
        sold_at as event_at, 'pos' as source_feed, {{ source_key(['transaction_id', 'line_no']) }} as source_key,
        source_file, posted_on
    from {{ recent_facts('pos') }}
    union all
    select business_date, location_id, sku_id,
        'return_' || disposition,
        case disposition when 'restock' then 'on_hand' else 'damaged' end,
        units, returned_at, 'returns', {{ source_key(['return_id', 'line_no']) }}, source_file, posted_on
    from {{ recent_facts('returns') }}
    union all
    select business_date, location_id, sku_id,
        unnest(case source_type
            when 'purchase' then ['receipt', 'receipt_damaged']
            else ['transfer_in', 'transfer_in_damaged', 'transfer_in'] end),
        unnest(case source_type when 'purchase' then ['on_hand', 'damaged'] else ['on_hand', 'damaged', 'in_transit'] end),
        unnest(case source_type
            when 'purchase' then [units, coalesce(units_damaged, 0)]
            else [units, coalesce(units_damaged, 0), -units - coalesce(units_damaged, 0)] end),
        received_at, 'receipts', {{ source_key(['receipt_id', 'line_no']) }}, source_file, posted_on
    from {{ recent_facts('receipts') }}
    union all
    select business_date,
        unnest([from_location_id, to_location_id]), sku_id, 'transfer_out', unnest(['on_hand', 'in_transit']),
        unnest([-units, units]), shipped_at, 'shipments', {{ source_key(['shipment_id', 'line_no']) }},
        source_file, posted_on
    from {{ recent_facts('shipments') }}
    union all
    select business_date, location_id, sku_id,
        case reason_code when 'damage' then 'damage' else 'adjustment' end, 'on_hand', units,
        adjusted_at, 'adjustments', adjustment_id, source_file, posted_on
    from {{ ref('int_posted_adjustments') }}
    where reason_code <> 'disposal'
)

select m.business_date, m.location_id, m.sku_id, m.movement_type, m.bucket, m.units::BIGINT as units, m.event_at,
    m.source_feed, m.source_key, m.source_file, m.posted_on
from moved as m
inner join {{ ref('int_business_dates') }} as d on m.business_date = d.business_date
where d.is_book_open and m.units <> 0
