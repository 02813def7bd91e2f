-- One row per count document, item and location of the range; lines of one document (two shelves) add up. Dates up to
-- the opening of the books have no book to compare with.
{{ config(materialized='table', tags=['inventory']) }}

with counted as (
    select
        c.business_date, c.count_id, c.location_id, c.sku_id,
        sum(c.counted_units)::BIGINT as counted_units,
        max(c.counted_at) as counted_at,
        min(c.source_file) as source_file,
        max(c.posted_on) as posted_on,
        min(c.count_type) as count_type,
        min(c.counter_id) as counter_id,
        min(c.reason_code) as reason_code
    from {{ recent_facts('cycle_counts') }} as c
    group by c.business_date, c.count_id, c.location_id, c.sku_id
),

named as (
    select distinct business_date, count_id, location_id, sku_id
    from {{ recent_facts('adjustments') }}
    where count_id is not null
)

select
    c.*, d.is_book_open, d.is_count_posting,
    n.count_id is not null as has_adjustment,
    d.opened_on is null and coalesce(s.is_unopened, true)
    and row_number() over (
        partition by c.location_id, c.sku_id order by c.business_date, c.counted_at, c.count_id
    ) = 1 as is_opening
from counted as c
inner join {{ ref('int_business_dates') }} as d on c.business_date = d.business_date
left join named as n
    on c.business_date = n.business_date and c.count_id = n.count_id
    and c.location_id = n.location_id and c.sku_id = n.sku_id
left join {{ ref('int_prior_state') }} as s on c.location_id = s.location_id and c.sku_id = s.sku_id
