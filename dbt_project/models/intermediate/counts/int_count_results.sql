-- One row per pair and date that was counted: the last count, its variance against the book without that day's own
-- corrections, and the tolerance of the item's class (A, B, else C) in whole units of that book.
{{ config(materialized='view', tags=['inventory']) }}

with by_pair as (
    select
        business_date, location_id, sku_id,
        arg_max(counted_units, (counted_at, count_id)) as counted_units,
        case
            when bool_or(is_count_posting) then sum(variance)
            else arg_max(variance, (counted_at, count_id))
        end::BIGINT as variance,
        arg_max(explained_by, (counted_at, count_id)) as last_explanation,
        max(explained_by) filter (where explained_by = 'opening') as opening_explanation
    from {{ ref('int_count_corrections') }}
    group by business_date, location_id, sku_id
),

class_dates as (
    select c.business_date, s.classed_on
    from (select distinct business_date from by_pair) as c
    asof join (
        select distinct business_date as classed_on from {{ source('lake', 'sku_segments') }}
        where business_date >= {{ date_of('state_from') }} - {{ var('demand_window_days') }}
    ) as s on c.business_date > s.classed_on
),

classed as (
    select d.business_date, s.sku_id, s.abc
    from class_dates as d
    inner join {{ source('lake', 'sku_segments') }} as s on d.classed_on = s.business_date
)

select
    c.business_date, c.location_id, c.sku_id, c.counted_units, c.variance,
    case when c.variance is null or c.variance <> 0
        then coalesce(c.last_explanation, c.opening_explanation) end as explained_by,
    floor(abs(c.counted_units - c.variance) * case s.abc
        when 'A' then {{ var('reconciliation_tolerance_a') }}
        when 'B' then {{ var('reconciliation_tolerance_b') }}
        else {{ var('reconciliation_tolerance_c') }}
    end)::BIGINT as count_tolerance_units
from by_pair as c
left join classed as s on c.business_date = s.business_date and c.sku_id = s.sku_id
