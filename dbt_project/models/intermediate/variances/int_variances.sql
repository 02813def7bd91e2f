-- Every count document of the range with a book to compare: what it found, what policy says of it, and how it was posted.
{{ config(materialized='table', tags=['inventory']) }}

with posted as (
    select l.business_date, l.location_id, l.sku_id, l.source_key, l.units, min(l.posted_on) as posted_on
    from {{ ref('stock_ledger') }} as l
    where {{ in_state_range('l.business_date') }} and l.source_feed = 'cycle_counts'
        and l.movement_type = 'count_correction' and not l.is_reversal
    group by l.business_date, l.location_id, l.sku_id, l.source_key, l.units
),

adjusted as (
    select business_date, location_id, sku_id, count_id, min(posted_on) as posted_on
    from {{ recent_facts('adjustments') }}
    where count_id is not null
    group by business_date, location_id, sku_id, count_id
)

select
    c.business_date, c.location_id, c.sku_id, c.count_id, c.count_type, c.counter_id, c.reason_code, c.counted_at,
    c.counted_units, c.book_units, c.variance, c.unit_cost,
    (c.variance * c.unit_cost)::DECIMAL(18, 6) as variance_value,
    c.department, c.abc, c.count_tolerance_units,
    abs(c.variance) <= c.count_tolerance_units as is_within_tolerance,
    c.is_auto, c.is_count_posting, c.has_adjustment,
    c.is_posting or (not c.is_count_posting and c.has_adjustment) as is_posted,
    case when c.is_posting then 'count_correction'
        when not c.is_count_posting and c.has_adjustment then 'adjustment' end as posted_by,
    case when c.is_posting then coalesce(p.posted_on, c.posted_on)
        when not c.is_count_posting and c.has_adjustment then a.posted_on end as posted_on,
    c.posted_on as taken_in_on
from {{ ref('int_count_corrections') }} as c
left join posted as p
    on {{ same_pair('c', 'p') }} and {{ source_key(['c.count_id', 'c.location_id', 'c.sku_id']) }} = p.source_key
    and c.units = p.units
left join adjusted as a on {{ same_pair('c', 'a') }} and c.count_id = a.count_id
where not c.is_opening
