-- Causes that another count shows, equal and opposite within the evidence window: mis_pick (an item easily taken for it at the
-- same location, or by int_opposite_counts), unposted_transfer (there), and count_error: the pair's next count takes back
-- what a posted one did, or finds the book right that a held one did not.
{{ config(materialized='table', tags=['inventory']) }}
{% set window = var('reconciliation_evidence_days') %}

with history as (
    select
        *, {{ source_key(['count_id', 'location_id', 'sku_id']) }} as row_key,
        row_number() over (
            partition by business_date, location_id, sibling_key, variance order by sku_id, count_id
        ) as place
    from {{ ref('int_variance_history') }}
    where business_date between {{ date_of('state_from') }} - {{ window }} and {{ date_of('state_to') }}
),

counts as (select * from history where variance <> 0 and business_date >= {{ date_of('state_from') }}),

counterparts as (
    select c.business_date, c.location_id, c.sku_id, c.count_id, c.variance, h.row_key as other_key,
        h.business_date as other_date, null::VARCHAR as other_location_id, h.sku_id as other_sku_id,
        'mis_pick' as cause, 5 as priority, abs(c.place - h.place) as apart
    from counts as c
    inner join history as h
        on c.location_id = h.location_id and c.sibling_key = h.sibling_key and c.variance = -h.variance
        and c.sku_id <> h.sku_id and abs(c.business_date - h.business_date) <= {{ window }}
    union all
    select business_date, location_id, sku_id, count_id, variance, other_key, other_date, other_location_id, null, cause,
        priority, 0
    from {{ ref('int_opposite_counts') }}
),

recounts as (
    select
        *, lead(row_key) over pair as next_key, lead(business_date) over pair as next_date,
        lead(variance) over pair as next_variance,
        lag(row_key) over pair as last_key, lag(business_date) over pair as last_date,
        lag(variance) over pair as last_variance, lag(is_posted) over pair as is_last_posted
    from history
    window pair as (partition by location_id, sku_id order by business_date, counted_at, count_id)
),

-- A book that was adjusted between may be right because of that: then the recount proves nothing.
errors as (
    select r.*, case
        when r.is_posted and r.next_variance = -r.variance or not r.is_posted and r.next_variance = 0 and a.sku_id is null
            then r.next_key
        when r.is_last_posted and r.last_variance = -r.variance then r.last_key
    end as other_key
    from recounts as r
    left join (select distinct business_date, location_id, sku_id from {{ recent_facts('adjustments') }}) as a
        on r.location_id = a.location_id and r.sku_id = a.sku_id
        and a.business_date between r.business_date and r.next_date
    where r.variance <> 0 and r.business_date >= {{ date_of('state_from') }}
)

-- Of many candidates the nearest three: in date, then the first with the first, the second with the second.
select
    business_date, location_id, sku_id, count_id, cause, variance::BIGINT as units, 'cycle_counts' as evidence_feed,
    other_key as evidence_key, priority, other_location_id, other_sku_id
from counterparts
qualify row_number() over (
    partition by business_date, count_id, location_id, sku_id, cause
    order by priority, abs(business_date - other_date), apart, other_key
) <= 3
union all
select distinct
    business_date, location_id, sku_id, count_id, 'count_error', variance::BIGINT, 'cycle_counts', other_key, 3, null, null
from errors
where other_key is not null
    and abs(business_date - case when other_key = next_key then next_date else last_date end) <= {{ window }}
