-- Every shipment line and every transfer receipt line, in the shape that matching needs (semantics 16). `shipment_id`
-- of a receipt without one is its own, so that it matches nothing. `due_on`: what is still missing then is lost.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}

with shipments as (
    select * from {{ ref('stg_shipments') }} where {{ in_state_range() }} and {{ posted_since_state_from() }}
),

receipts as (
    select * from {{ ref('stg_receipts') }}
    where
        {{ in_state_range() }} and {{ posted_since_state_from() }}
        and source_type = 'transfer' and units + coalesce(units_damaged, 0) > 0
),

sent as (
    select
        s.business_date, s.shipment_id, s.line_no, s.from_location_id, s.to_location_id, s.sku_id,
        'shipment' as kind, s.units, 0::BIGINT as damaged_units, s.shipped_at as event_at, s.allocation_id,
        coalesce(
            s.expected_date,
            s.business_date + coalesce(l.lead_days, {{ var('lanes_default_lead_time_days') }})
        ) as expected_date,
        'shipments' as source_feed, {{ source_key(['s.shipment_id', 's.line_no']) }} as source_key,
        s.source_file, s.posted_on
    from shipments as s
    left join {{ ref('int_lanes_in_force') }} as l
        on s.business_date = l.business_date and s.to_location_id = l.location_id
        and s.from_location_id = l.from_location_id
),

received as (
    select
        r.business_date, coalesce(r.source_id, 'receipt ' || {{ source_key(['r.receipt_id', 'r.line_no']) }}) as shipment_id,
        r.source_line_no as line_no, coalesce(r.from_location_id, l.supplied_by) as from_location_id,
        r.location_id as to_location_id, r.sku_id,
        'receipt' as kind, r.units + coalesce(r.units_damaged, 0) as units,
        coalesce(r.units_damaged, 0)::BIGINT as damaged_units, r.received_at as event_at,
        null::VARCHAR as allocation_id, null::DATE as expected_date,
        'receipts' as source_feed, {{ source_key(['r.receipt_id', 'r.line_no']) }} as source_key,
        r.source_file, r.posted_on
    from receipts as r
    left join {{ ref('int_locations_in_force') }} as l
        on r.business_date = l.business_date and r.location_id = l.location_id
)

select *, greatest(expected_date + {{ var('transit_close_days') }}, business_date) as due_on from sent
union all by name
select *, null::DATE as due_on from received
