-- Cause late_pos: facts timed before a count that were taken in after it. They explain what the variance was when it was first
-- seen (variance now + what they moved), as far as they had a part in it: what an earlier count set the book over did not.
-- Facts of the range stand with their moment; of older ones within the evidence window the ledger knows the date.
{{ config(materialized='table', tags=['inventory']) }}
{% set window = var('reconciliation_evidence_days') %}

with sequence as (
    select
        *,
        last_value(case when is_posted then business_date end ignore nulls) over earlier as set_on,
        last_value(case when is_posted then counted_at end ignore nulls) over earlier as set_at
    from {{ ref('int_variance_history') }}
    where business_date between {{ date_of('state_from') }} - {{ window }} and {{ date_of('state_to') }}
    window earlier as (
        partition by location_id, sku_id order by business_date, counted_at, count_id
        rows between unbounded preceding and 1 preceding
    )
),

counts as (
    select s.*, v.taken_in_on
    from sequence as s
    inner join {{ ref('int_variances') }} as v on {{ same_pair('s', 'v') }} and s.count_id = v.count_id
),

ledger as (
    select l.business_date, l.location_id, l.sku_id, l.units, l.posted_on, l.source_feed, l.source_key
    from {{ ref('stock_ledger') }} as l
    where l.business_date >= {{ date_of('state_from') }} - {{ window }} and l.business_date < {{ date_of('state_from') }}
        and l.bucket = 'on_hand' and not contains(l.source_key, '|implied')
        and l.source_feed in ('pos', 'returns', 'receipts', 'shipments', 'adjustments')
),

late as (
    select c.business_date, c.location_id, c.sku_id, c.count_id, c.variance, m.source_feed, m.source_key, m.units
    from counts as c
    inner join {{ ref('int_fact_movements') }} as m on c.location_id = m.location_id and c.sku_id = m.sku_id
    where m.bucket = 'on_hand' and m.posted_on > c.taken_in_on and {{ precedes_count('m', 'c') }}
        and m.business_date >= c.business_date - {{ window }}
        and (c.set_on is null or m.business_date > c.set_on or (m.business_date = c.set_on and m.event_at > c.set_at))
    union all
    select c.business_date, c.location_id, c.sku_id, c.count_id, c.variance, l.source_feed, l.source_key, sum(l.units)
    from counts as c
    inner join ledger as l on c.location_id = l.location_id and c.sku_id = l.sku_id
    where l.posted_on > c.taken_in_on and l.business_date >= c.business_date - {{ window }}
        and (c.set_on is null or l.business_date > c.set_on)
    group by all
),

firsts as (
    select *, variance + sum(units) over (partition by business_date, location_id, sku_id, count_id) as first_variance
    from late
)

select
    business_date, location_id, sku_id, count_id, 'late_pos' as cause,
    (sign(first_variance) * least(abs(units), abs(first_variance)))::BIGINT as units,
    source_feed as evidence_feed, source_key as evidence_key, 1 as priority,
    null::VARCHAR as other_location_id, null::VARCHAR as other_sku_id
from firsts
where sign(units) = sign(first_variance) and units <> 0
