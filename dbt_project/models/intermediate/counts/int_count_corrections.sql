-- Counts against the book at the moment of the count (semantics 18): the book starts from the close before the range, moves
-- with every fact of an earlier date, every undated fact of the count's date and every one up to counted_at; a posting
-- count sets it. Without snapshots the first count of a pair opens its book (semantics 13).
{{ config(materialized='table', tags=['inventory']) }}

with counts as (select * from {{ ref('int_counts') }} where is_book_open),

pairs as (select distinct location_id, sku_id from counts),

moves as (
    select m.location_id, m.sku_id, m.business_date, m.event_at, m.units
    from {{ ref('int_book_movements') }} as m
    semi join pairs as p on m.location_id = p.location_id and m.sku_id = p.sku_id
    where m.bucket = 'on_hand'
),

sequence as (
    select location_id, sku_id, business_date, event_at, 0 as precedence, units, null as count_id,
        null as counted_units, false as is_posted
    from moves
    union all
    select location_id, sku_id, business_date, counted_at, 1, 0, count_id, counted_units,
        is_count_posting or is_opening
    from counts
),

running as (
    select *, sum(units) over (
        partition by location_id, sku_id
        order by business_date, event_at nulls first, precedence, count_id
        rows between unbounded preceding and current row
    ) as moved_units
    from sequence
),

books as (
    select
        r.business_date, r.location_id, r.sku_id, r.count_id,
        coalesce(
            last_value(case when r.is_posted then r.counted_units - r.moved_units end ignore nulls) over (
                partition by r.location_id, r.sku_id order by r.business_date, r.event_at, r.count_id
                rows between unbounded preceding and 1 preceding
            ),
            s.on_hand, 0
        ) + r.moved_units as book_units
    from running as r
    left join {{ ref('int_prior_state') }} as s on r.location_id = s.location_id and r.sku_id = s.sku_id
    where r.count_id is not null
)

select
    c.*,
    b.book_units::BIGINT as book_units,
    case when not c.is_opening then (c.counted_units - b.book_units)::BIGINT end as variance,
    case when c.is_opening then 'opening' when c.is_count_posting then 'count_correction' end as movement_type,
    case when c.is_opening or c.is_count_posting then c.counted_units - b.book_units else 0 end::BIGINT as units,
    case
        when c.is_opening then 'opening'
        when c.counted_units = b.book_units then null
        when c.is_count_posting then 'count_correction'
        when c.has_adjustment then 'adjustment'
    end as explained_by
from counts as c
inner join books as b using (business_date, count_id, location_id, sku_id)
