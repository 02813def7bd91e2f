-- The events of the shipments touched in the range: those with an event in it, those that fall due in it, and all open
-- ones when the books open in it. A due date adds an event on the first landed date at or after it.
{{ config(materialized='table', tags=['inventory']) }}

with dates as (select * from {{ ref('int_business_dates') }}),

bounds as (
    select
        max(business_date) filter (where business_date < {{ date_of('state_from') }}) as previous_date,
        coalesce(bool_or({{ in_state_range('opened_on') }}), false) as is_opening
    from dates
),

recent as (
    select * from {{ ref('int_transfer_events') }}
    where business_date between {{ date_of('state_from') }} - {{ transit_lookback_days() }} and {{ date_of('state_to') }}
),

touched as (
    select distinct r.shipment_id, r.to_location_id, r.sku_id
    from recent as r
    cross join bounds as b
    where
        r.business_date >= {{ date_of('state_from') }}
        or (r.due_on > coalesce(b.previous_date, date '0001-01-01')
            and (b.is_opening or r.due_on <= {{ date_of('state_to') }}))
),

known as (select r.* from recent as r semi join touched as t using (shipment_id, to_location_id, sku_id)),

due as (
    select k.*, d.business_date as lost_on
    from known as k
    asof left join dates as d on k.due_on <= d.business_date
    where k.kind = 'shipment'
)

select
    business_date, shipment_id, to_location_id, sku_id, line_no, kind, 1 as event_order, event_at,
    units as shipped, 0::BIGINT as received, coalesce(lost_on, date '9999-12-31') as lost_on, from_location_id,
    null::VARCHAR as receipt_from, source_feed, source_key, source_file, posted_on, expected_date, allocation_id,
    0::BIGINT as damaged
from due
union all
select
    business_date, shipment_id, to_location_id, sku_id, line_no, kind, 2 as event_order, event_at,
    0 as shipped, units as received, null as lost_on, null as from_location_id,
    from_location_id as receipt_from, source_feed, source_key, source_file, posted_on, null, null, damaged_units
from known
where kind = 'receipt'
union all
select
    lost_on, shipment_id, to_location_id, sku_id, line_no, 'due', 3, null,
    0, 0, lost_on, from_location_id, null, source_feed, source_key, source_file, posted_on, null, null, 0
from due
where lost_on <= {{ date_of('state_to') }}
