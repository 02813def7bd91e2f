-- Matching in closed form (semantics 16). For the lines of one shipment, item and receiver, at each event:
--   outstanding = what was sent, less receipts that name a line, less those that do not (first in, first out)
--   implied     = what was received beyond it: units that left without a shipment
--   lost        = outstanding once the last expected date is `transit_close_days` past
-- Their changes are the movements; a shipment recorded after its receipt takes back the implied transfer, a receipt
-- after the loss takes back the loss. Reads the transfers of `transit_window_days`, of shipments touched in the range.
{{ config(materialized='table', tags=['inventory']) }}
{% set pool = 'partition by shipment_id, to_location_id, sku_id' %}
{% set in_order = 'order by business_date, event_order, event_at nulls first, source_key' %}
{% set so_far = 'rows between unbounded preceding and current row' %}

with by_line as (
    select
        *,
        sum(shipped) over line as line_shipped,
        coalesce(sum(received) filter (where line_no is not null) over line, 0) as line_received
    from {{ ref('int_transfer_due_events') }}
    window line as ({{ pool }}, line_no {{ in_order }} {{ so_far }})
),

line_levels as (
    select
        *,
        greatest(line_shipped - line_received, 0) as line_open,
        greatest(line_received - line_shipped, 0) as line_excess
    from by_line
),

line_changes as (
    select
        * exclude (line_open, line_excess),
        line_open - lag(line_open, 1, 0) over line as open_change,
        line_excess - lag(line_excess, 1, 0) over line as excess_change
    from line_levels
    window line as ({{ pool }}, line_no {{ in_order }})
),

pools as (
    select
        *,
        sum(open_change) over pool as open_units,
        sum(excess_change) over pool as excess_units,
        sum(case when line_no is null then received else 0 end) over pool as unnamed_units,
        coalesce(max(lost_on) over pool < business_date + (kind = 'due')::INTEGER, false) as is_due,
        last_value(receipt_from ignore nulls) over pool as implied_from
    from line_changes
    window pool as ({{ pool }} {{ in_order }} {{ so_far }})
),

levels as (
    select
        *,
        case when is_due then 0 else greatest(open_units - unnamed_units, 0) end::BIGINT as in_transit_units,
        case when is_due then greatest(open_units - unnamed_units, 0) else 0 end::BIGINT as lost_units,
        (excess_units + greatest(unnamed_units - open_units, 0))::BIGINT as implied_units
    from pools
)

select
    business_date, shipment_id, to_location_id, sku_id, kind, source_feed, source_key, source_file, posted_on, event_at,
    coalesce(implied_from, from_location_id) as from_location_id,
    implied_units - lag(implied_units, 1, 0) over pool as implied_change,
    lost_units - lag(lost_units, 1, 0) over pool as lost_change,
    in_transit_units,
    row_number() over pool as step
from levels
window pool as ({{ pool }} {{ in_order }})
