-- Deliveries as facts: the lines that closed on each date, of orders to suppliers and of shipments from other locations,
-- and the receipts that no order named. A line has arrived when the last of what came of it was received. It counts once,
-- on the date on which it first closed; what is found after that changes the stock and no longer the delivery.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}
{% set shipped = ['shipment_id', 'to_location_id', 'sku_id', 'line_no'] %}

with closings as (
    select * from {{ ref('shipment_lines') }}
    where
        closed_on is not null and units_shipped > 0
        and business_date between {{ date_of('state_from') }} - {{ transit_lookback_days() }} and {{ date_of('state_to') }}
),

first_closings as (
    select * from closings
    semi join (select {{ shipped | join(', ') }} from closings where {{ in_state_range() }}) as touched
        using ({{ shipped | join(', ') }})
    qualify
        row_number() over (partition by {{ shipped | join(', ') }} order by business_date) = 1 and {{ in_state_range() }}
),

lines as (
    select
        business_date, supplier_id as from_id, location_id as to_location_id, 'supplier' as lane_class, po_id as order_id,
        sku_id, promised_date, expected_date,
        case when order_gap_days is not null and ordered_on <= last_received_on then ordered_on end as ordered_on,
        order_gap_days, units_ordered, units_due, units_received, units_damaged, last_received_on
    from {{ ref('int_purchase_lines') }}
    where {{ in_state_range() }} and closed_on = business_date and not is_cancelled
    union all
    select
        business_date, from_location_id, to_location_id, 'dc', shipment_id, sku_id, expected_date, expected_date,
        shipped_on, 0, units_shipped, units_shipped, units_received, units_damaged, last_received_on
    from first_closings
    union all
    select
        e.business_date, e.supplier_id, e.location_id, 'supplier', e.po_id, e.sku_id, null, null, null, null,
        e.received_units, e.received_units, e.received_units, e.damaged_units, e.business_date
    from {{ ref('int_purchase_events') }} as e
    anti join {{ ref('int_purchase_lines') }} as l using (business_date, po_id, location_id, sku_id)
    where {{ in_state_range('e.business_date') }} and e.kind = 'receipt' and e.supplier_id is not null
)

select
    l.business_date, l.from_id, l.to_location_id, l.lane_class, l.order_id, l.last_received_on as arrived_on,
    (l.last_received_on - l.promised_date)::INTEGER as promise_delay_days,
    (l.last_received_on - l.expected_date)::INTEGER as delay_days,
    (l.last_received_on - l.ordered_on)::INTEGER as lead_days,
    l.order_gap_days, l.promised_date is not null as is_promised,
    count(*)::BIGINT as lines,
    (count(*) filter (where l.last_received_on <= l.promised_date))::BIGINT as on_time_lines,
    (count(*) filter (where l.units_received >= l.units_ordered))::BIGINT as in_full_lines,
    (count(*) filter (where l.last_received_on <= l.promised_date and l.units_received >= l.units_ordered))::BIGINT as otif_lines,
    sum(l.units_ordered)::BIGINT as ordered_units,
    sum(l.units_due)::BIGINT as due_units,
    sum(l.units_received)::BIGINT as received_units,
    sum(l.units_damaged)::BIGINT as damaged_units,
    sum(greatest(l.units_ordered - l.units_received, 0))::BIGINT as short_of_ordered_units,
    sum(greatest(l.units_due - l.units_received, 0))::BIGINT as short_of_due_units,
    sum(greatest(l.units_ordered - l.units_received, 0) * coalesce(i.unit_cost, 0))::DECIMAL(18, 6) as short_value
from lines as l
left join {{ ref('int_items_in_force') }} as i on l.business_date = i.business_date and l.sku_id = i.sku_id
where l.from_id is not null
group by all
