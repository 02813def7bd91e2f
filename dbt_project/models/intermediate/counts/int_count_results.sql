-- One row per pair and date that was counted: the last count, its variance against the book without that day's own
-- corrections, and the tolerance of the item's class in whole units of that book.
{{ config(materialized='view', tags=['inventory']) }}

with by_pair as (
    select
        business_date, location_id, sku_id,
        arg_max(counted_units, (counted_at, count_id)) as counted_units,
        arg_max(abc, (counted_at, count_id)) as abc,
        -- What the last one found, and what those before it that day had put right already.
        (
            arg_max(variance, (counted_at, count_id))
            + coalesce(sum(units) filter (where movement_type = 'count_correction'), 0)
            - coalesce(arg_max(case when movement_type = 'count_correction' then units else 0 end, (counted_at, count_id)), 0)
        )::BIGINT as variance,
        -- Of the last count that disagreed with its book: whether that was put right.
        arg_max(coalesce(posted_by, ''), (counted_at, count_id)) filter (where variance is distinct from 0) as posted_by
    from {{ ref('int_count_corrections') }}
    group by business_date, location_id, sku_id
)

select
    business_date, location_id, sku_id, counted_units, variance,
    case when variance is distinct from 0 then nullif(posted_by, '') end as posted_by,
    {{ count_tolerance_units('counted_units - variance', 'abc') }} as count_tolerance_units
from by_pair
