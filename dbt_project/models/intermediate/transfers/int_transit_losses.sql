-- Units still missing `transit_close_days` after their expected date (semantics 16); negative where they turn up later.
{{ config(materialized='view', tags=['inventory']) }}

select
    business_date, to_location_id, sku_id,
    lost_change::BIGINT as units,
    event_at, source_feed, source_key, source_file, posted_on
from {{ ref('int_transfer_levels') }}
where lost_change <> 0 and {{ in_state_range() }}
