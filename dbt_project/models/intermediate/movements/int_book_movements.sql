-- Every movement of the range but the corrections of counts, each once, with the row it comes from.
{{ config(materialized='table', tags=['inventory']) }}

with derived as (
    select business_date, location_id, sku_id, 'opening' as movement_type, bucket, units, null::TIMESTAMP as event_at,
        source_feed, source_key, source_file, posted_on, true as is_opening
    from {{ ref('int_openings') }}
    union all
    select business_date, location_id, sku_id, movement_type, bucket, units, event_at,
        'adjustments', source_key, source_file, posted_on, false
    from {{ ref('int_damaged_moves') }}
    union all
    select business_date, unnest([coalesce(from_location_id, 'TRANSIT'), to_location_id]), sku_id, 'transfer_out',
        unnest([case when from_location_id is null then 'lost' else 'on_hand' end, 'in_transit']),
        unnest([-units, units]), event_at, source_feed, source_key || '|implied', source_file, null, false
    from {{ ref('int_implied_transfers') }}
    union all
    select business_date, unnest([to_location_id, 'TRANSIT']), sku_id, 'transit_loss', unnest(['in_transit', 'lost']),
        unnest([-units, units]), null, source_feed, source_key, source_file, null, false
    from {{ ref('int_transit_losses') }}
)

select
    v.business_date, v.location_id, v.sku_id, v.movement_type, v.bucket, v.units, v.event_at,
    v.source_feed, v.source_key, v.source_file,
    coalesce(v.posted_on, greatest({{ date_of('run_date') }}, v.business_date)) as posted_on
from derived as v
inner join {{ ref('int_business_dates') }} as d on v.business_date = d.business_date
where (d.is_book_open or v.is_opening) and v.units <> 0
union all
select
    business_date, location_id, sku_id, movement_type, bucket, units, event_at,
    source_feed, source_key, source_file, posted_on
from {{ ref('int_fact_movements') }}
