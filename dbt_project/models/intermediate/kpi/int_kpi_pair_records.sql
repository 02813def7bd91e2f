-- What is known of the stock records beyond the date's own count: counted lately, believed empty, variances that wait and
-- corrections that took effect. A row per SKU x location x date of the state range of which there is something to say.
{{ config(materialized='view', tags=['marts']) }}
{% set key = 'business_date, location_id, sku_id' %}
{% set coverage = var('kpi_coverage_days', 91) %}

with active as (
    select {{ key }} from {{ ref('inventory_positions') }}
    where {{ in_state_range() }} and is_active
),

counted as (
    select {{ key }} from {{ ref('int_counted_records') }}
    where business_date > {{ date_of('state_from') }} - {{ coverage }} and business_date <= {{ date_of('state_to') }}
),

-- The last count at or before each date.
last_counts as (
    select a.business_date, a.location_id, a.sku_id, c.business_date as counted_on
    from active as a
    asof join counted as c
        on a.location_id = c.location_id and a.sku_id = c.sku_id and a.business_date >= c.business_date
),

known as (
    select {{ key }}, true as is_covered, false as is_believed_empty, 0 as open_variances, 0::DECIMAL(18, 6) as open_variance_value,
        0 as corrections, 0 as correction_days
    from last_counts
    where business_date - counted_on < {{ coverage }}
    union all
    select {{ key }}, false, true, 0, 0, 0, 0
    from {{ source('lake', 'record_beliefs') }}
    where {{ in_state_range() }} and probability_empty > {{ var('kpi_phantom_probability', 0.5) }}
    union all
    select {{ key }}, false, false, 1, abs(variance_value), 0, 0
    from {{ source('lake', 'adjustments_proposed') }}
    where {{ in_state_range() }} and kind = 'count' and approval_status = 'pending'
    union all
    select {{ key }}, false, false, 0, 0, corrections, correction_days
    from {{ ref('int_kpi_corrections') }}
)

select
    {{ key }},
    bool_or(is_covered) as is_covered,
    bool_or(is_believed_empty) as is_believed_empty,
    sum(open_variances)::BIGINT as open_variances,
    sum(open_variance_value)::DECIMAL(18, 6) as open_variance_value,
    sum(corrections)::BIGINT as corrections,
    sum(correction_days)::BIGINT as correction_days
from known
group by {{ key }}
