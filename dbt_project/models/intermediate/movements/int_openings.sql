-- The opening of the books (semantics 13): the first snapshot partition, as the state at the close of its date, and what
-- was in transit then. Where runs before it kept net movements, the opening is the difference to them. Empty unless
-- that date lies in the range.
{{ config(materialized='table', tags=['inventory']) }}

with opening as (
    select distinct opened_on from {{ ref('int_business_dates') }} where {{ in_state_range('opened_on') }}
),

snapshot as (
    select s.location_id, s.sku_id, s.on_hand, greatest(s.damaged, 0) as damaged, s.source_file, s.posted_on
    from {{ ref('stg_inventory_snapshot') }} as s
    inner join opening as o on s.business_date = o.opened_on
    where {{ posted_since_state_from() }}
),

book as (
    select
        o.opened_on as business_date, location_id, sku_id, s.source_file, s.posted_on,
        unnest(['on_hand', 'damaged', 'in_transit']) as bucket,
        unnest([
            coalesce(s.on_hand, 0) - coalesce(p.on_hand, 0),
            coalesce(s.damaged, 0) - coalesce(p.damaged, 0),
            -coalesce(p.in_transit, 0)
        ]) as units
    from snapshot as s
    full join {{ ref('int_prior_state') }} as p using (location_id, sku_id)
    cross join opening as o
),

transfers as (
    select t.*, o.opened_on
    from {{ ref('int_transfer_levels') }} as t
    inner join opening as o on t.business_date <= o.opened_on
    qualify row_number() over (
        partition by t.shipment_id, t.to_location_id, t.sku_id order by t.step desc
    ) = 1
)

select
    business_date, location_id, sku_id, bucket, units, 'inventory_snapshot' as source_feed,
    {{ source_key(['location_id', 'sku_id']) }} as source_key, source_file, posted_on
from book
where bucket = 'on_hand' or units <> 0
union all
select
    opened_on, to_location_id, sku_id, 'in_transit', in_transit_units, source_feed,
    source_key, source_file, null
from transfers
where in_transit_units <> 0
