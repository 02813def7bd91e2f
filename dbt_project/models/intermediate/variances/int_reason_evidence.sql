-- Causes unrecorded_damage and shrink: less was found than the book says, and the count itself says why, or an adjustment of the
-- pair does that names the count or came after it within the evidence window.
{{ config(materialized='table', tags=['inventory']) }}

with counts as (select * from {{ ref('int_variances') }} where variance < 0),

stated as (
    select
        *, case
            when regexp_matches(lower(reason_code), 'damag|broke|break|defect') then 'unrecorded_damage'
            when regexp_matches(lower(reason_code), 'theft|stolen|steal|shrink') then 'shrink'
        end as cause
    from counts
),

adjusted as (
    select c.*, a.reason_code as adjusted_for, a.adjustment_id, -a.units as lost_units, a.count_id is not null as is_named
    from counts as c
    inner join {{ recent_facts('adjustments') }} as a on c.location_id = a.location_id and c.sku_id = a.sku_id
    where a.reason_code in ('damage', 'shrink') and a.units < 0
        and (a.count_id = c.count_id and a.business_date >= c.business_date
            and a.business_date <= c.business_date + {{ var('reconciliation_evidence_days') }}
            or a.count_id is null and {{ follows_count('a', 'c', 'adjusted_at') }})
)

select
    business_date, location_id, sku_id, count_id, cause, variance::BIGINT as units,
    'cycle_counts' as evidence_feed, {{ source_key(['count_id', 'location_id', 'sku_id']) }} as evidence_key, 1 as priority,
    null::VARCHAR as other_location_id, null::VARCHAR as other_sku_id
from stated
where cause is not null
union all
select
    business_date, location_id, sku_id, count_id,
    case adjusted_for when 'damage' then 'unrecorded_damage' else 'shrink' end,
    -least(-variance, lost_units)::BIGINT, 'adjustments', adjustment_id, case when is_named then 1 else 3 end, null, null
from adjusted
