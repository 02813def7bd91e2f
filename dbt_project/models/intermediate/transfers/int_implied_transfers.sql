-- Units received as a transfer that no shipment sent: they left the sender on the receipt's date (semantics 16). Without
-- any known sender they are found in TRANSIT. A shipment recorded later takes them back (negative units).
{{ config(materialized='view', tags=['inventory']) }}

select
    business_date, from_location_id, to_location_id, sku_id,
    implied_change::BIGINT as units,
    event_at, source_feed, source_key, source_file, posted_on
from {{ ref('int_transfer_levels') }}
where implied_change <> 0 and {{ in_state_range() }}
