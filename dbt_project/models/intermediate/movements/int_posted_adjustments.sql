-- The adjustments of the range that move stock. Where the pipeline posts counts itself, an adjustment that names a count
-- of the same pair is its echo and is matched, not posted a second time (semantics 18).
{{ config(materialized='view', tags=['inventory']) }}

select a.*
from {{ recent_facts('adjustments') }} as a
{% if var('reconciliation_count_posting') == 'pipeline' -%}
anti join (
    select count_id, location_id, sku_id, min(business_date) as counted_on
    from {{ ref('stg_cycle_counts') }}
    where {{ posted_since_state_from(var('feeds_late_days')) }}
    group by count_id, location_id, sku_id
) as c
    on a.count_id = c.count_id and a.location_id = c.location_id and a.sku_id = c.sku_id
    and a.business_date >= c.counted_on
{%- endif %}
