-- Counts against the book at the moment of the count (semantics 18), and what they post under policy: a count that opens the
-- book, one within what its class may post, or one that was approved. A held count leaves the book as it is.
{{ config(materialized='table', tags=['inventory']) }}

select
    c.*, b.department, b.unit_cost, b.abc, b.is_approved, b.is_posting, b.book_units,
    case when not c.is_opening then (c.counted_units - b.book_units)::BIGINT end as variance,
    {{ count_tolerance_units('b.book_units', 'b.abc') }} as count_tolerance_units,
    case when not c.is_opening
        then {{ is_auto_variance('c.counted_units - b.book_units', 'b.book_units', 'b.unit_cost', 'b.abc') }}
        else true end as is_auto,
    case when c.is_opening then 'opening' when b.is_posting then 'count_correction' end as movement_type,
    b.units,
    case
        when c.is_opening then 'opening'
        when c.counted_units = b.book_units then null
        when b.is_posting then 'count_correction'
        when c.has_adjustment then 'adjustment'
    end as posted_by
from {{ ref('int_counts') }} as c
inner join {{ ref('int_count_books') }} as b
    on {{ same_pair('c', 'b') }} and c.count_id = b.event_key and b.kind = 'count'
where c.is_book_open
