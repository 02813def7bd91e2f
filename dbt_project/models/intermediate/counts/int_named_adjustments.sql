-- Adjustments of the range that name a count of the same pair, where the pipeline posts counts itself: the echo of a posted
-- count is matched, not posted a second time (semantics 18); that of a held one posts. Whether a count before the range
-- was held is what earlier runs found; unknown counts as posted. A count up to the opening of the books never posts.
{{ config(materialized='table', tags=['inventory']) }}
{% set history = adapter.get_relation(this.database, this.schema, 'int_variance_history') if execute %}

with counted as (
    select count_id, location_id, sku_id, min(business_date) as counted_on, max(counted_at) as counted_at
    from {{ ref('stg_cycle_counts') }}
    where {{ posted_since_state_from(var('feeds_late_days')) }}
        and {{ 'true' if var('reconciliation_count_posting') == 'pipeline' else 'false' }}
    group by count_id, location_id, sku_id
),

held as (
    {% if history -%}
    select distinct count_id, location_id, sku_id from {{ history }}
    where business_date < {{ date_of('state_from') }} and not is_posted
        and business_date >= {{ date_of('state_from') }} - {{ var('feeds_late_days') }}
    {%- else -%}
    select null::VARCHAR as count_id, null::VARCHAR as location_id, null::VARCHAR as sku_id where false
    {%- endif %}
)

select
    a.business_date, a.adjustment_id, a.location_id, a.sku_id, a.count_id, c.counted_on, a.units,
    -- What names a count of its own date follows it, whatever its time says.
    case when a.business_date = c.counted_on
        then greatest(coalesce(a.adjusted_at, c.counted_at), c.counted_at) else a.adjusted_at end as event_at,
    h.count_id is not null or coalesce(c.counted_on <= d.opened_on, false) as is_held_before,
    d.is_book_open, a.source_file, a.posted_on
from {{ recent_facts('adjustments') }} as a
inner join counted as c
    on a.count_id = c.count_id and a.location_id = c.location_id and a.sku_id = c.sku_id
    and a.business_date >= c.counted_on
inner join {{ ref('int_business_dates') }} as d on a.business_date = d.business_date
left join held as h on a.count_id = h.count_id and a.location_id = h.location_id and a.sku_id = h.sku_id
