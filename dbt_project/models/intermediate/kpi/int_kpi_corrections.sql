-- Counts whose correction took effect on a date of the state range, by pair, and the days that took: posted by the pipeline
-- (from the count's date to the run that posted it) or by the system of record (an adjustment that names the count).
{{ config(materialized='view', tags=['marts']) }}
{% set window_from = date_of('state_from') ~ ' - ' ~ var('feeds_late_days') %}
{% set correction = source_key(['count_id', 'location_id', 'sku_id']) %}

-- Counts that a first run took in as history were never waiting for anybody.
with first_run as (
    select min(business_date) as ran_on
    from {{ source('lake', 'runs') }}
    where business_date > {{ window_from }}
),

counts as (
    select count_id, location_id, sku_id, min(business_date) as counted_on
    from {{ ref('stg_cycle_counts') }}
    where {{ posted_since_state_from(var('feeds_late_days')) }}
        and business_date > {{ window_from }} and business_date <= {{ date_of('state_to') }}
    group by count_id, location_id, sku_id
),

adjustments as (
    select count_id, location_id, sku_id, business_date as corrected_on
    from {{ ref('stg_adjustments') }}
    where {{ posted_since_state_from(var('feeds_late_days')) }}
        and business_date > {{ window_from }} and business_date <= {{ date_of('state_to') }}
),

postings as (
    select source_key as correction, location_id, sku_id, business_date as counted_on, posted_on as corrected_on
    from {{ ref('stock_ledger') }}
    where movement_type = 'count_correction' and bucket = 'on_hand' and not is_reversal
        and business_date > {{ window_from }} and business_date <= {{ date_of('state_to') }}
    union all
    select {{ correction }}, location_id, sku_id, c.counted_on, a.corrected_on
    from adjustments as a
    inner join counts as c using (count_id, location_id, sku_id)
    where a.corrected_on >= c.counted_on
),

-- A late fact that recomputes a variance posts anew: the count was corrected when it first was.
firsts as (
    select correction, location_id, sku_id, counted_on, min(corrected_on) as corrected_on
    from postings
    group by correction, location_id, sku_id, counted_on
)

select
    corrected_on as business_date, location_id, sku_id,
    count(*) as corrections,
    sum(corrected_on - counted_on)::BIGINT as correction_days
from firsts
inner join first_run on counted_on >= ran_on
where {{ in_state_range('corrected_on') }}
group by corrected_on, location_id, sku_id
