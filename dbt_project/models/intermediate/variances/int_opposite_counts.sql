-- Counts of the range whose variance another location shows for the same item, equal and opposite, within the evidence window, and
-- what could have caused that: a transfer that no document shows (between linked locations: by lane, by supply, or by any
-- shipment in the window), or a mis-pick at the DC of both (it had sent the item to one of them).
{{ config(materialized='table', tags=['inventory']) }}
{% set window = var('reconciliation_evidence_days') %}
{% set near = 'between least(c.business_date, c.other_date) - ' ~ window ~ ' and greatest(c.business_date, c.other_date)' %}

with history as (
    select *, {{ source_key(['count_id', 'location_id', 'sku_id']) }} as row_key
    from {{ ref('int_variance_history') }}
    where variance <> 0
        and business_date between {{ date_of('state_from') }} - {{ window }} and {{ date_of('state_to') }}
),

candidates as (
    select c.business_date, c.location_id, c.sku_id, c.count_id, c.variance, c.row_key,
        h.row_key as other_key, h.business_date as other_date, h.location_id as other_location_id
    from history as c
    inner join history as h on c.sku_id = h.sku_id and c.variance = -h.variance and c.location_id <> h.location_id
    where c.business_date >= {{ date_of('state_from') }} and abs(c.business_date - h.business_date) <= {{ window }}
),

supplied as (
    select business_date, location_id, supplied_by
    from {{ ref('int_locations_in_force') }} where supplied_by is not null
),

lanes as (
    select m.business_date, n.from_id as one_id, n.to_location_id as other_id
    from {{ ref('int_master_in_force') }} as m
    inner join {{ ref('stg_lanes') }} as n on m.partition_date = n.business_date
    where m.feed = 'lanes'
    union
    select business_date, supplied_by, location_id from supplied
),

sent as (
    select distinct business_date, sku_id, from_location_id, to_location_id
    from {{ ref('int_transfer_events') }}
    where kind = 'shipment' and exists (select 1 from candidates)
        and business_date between {{ date_of('state_from') }} - {{ 2 * window }} and {{ date_of('state_to') }}
),

linked as (
    select c.row_key, c.other_key from candidates as c
    inner join lanes as l on c.business_date = l.business_date
        and least(c.location_id, c.other_location_id) = least(l.one_id, l.other_id)
        and greatest(c.location_id, c.other_location_id) = greatest(l.one_id, l.other_id)
    union
    select c.row_key, c.other_key from candidates as c
    inner join (select distinct business_date, from_location_id, to_location_id from sent) as s
        on least(c.location_id, c.other_location_id) = least(s.from_location_id, s.to_location_id)
        and greatest(c.location_id, c.other_location_id) = greatest(s.from_location_id, s.to_location_id)
        and s.business_date {{ near }}
)

select c.*, 'unposted_transfer' as cause, 4 as priority
from candidates as c
semi join linked as l on c.row_key = l.row_key and c.other_key = l.other_key
anti join sent as s on c.sku_id = s.sku_id
    and least(c.location_id, c.other_location_id) = least(s.from_location_id, s.to_location_id)
    and greatest(c.location_id, c.other_location_id) = greatest(s.from_location_id, s.to_location_id)
    and s.business_date {{ near }}
union all
select c.*, 'mis_pick', 6
from candidates as c
inner join supplied as a on c.business_date = a.business_date and c.location_id = a.location_id
inner join supplied as b on c.business_date = b.business_date and c.other_location_id = b.location_id
semi join sent as s
    on c.sku_id = s.sku_id and a.supplied_by = s.from_location_id
    and s.to_location_id in (c.location_id, c.other_location_id) and s.business_date {{ near }}
where a.supplied_by = b.supplied_by
