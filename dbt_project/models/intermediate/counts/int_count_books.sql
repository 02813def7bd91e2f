-- Counts in their order: whether one posts depends on its variance, and that on which ones before it posted. A fold by
-- pair: `shift` is what the events so far have done to the raw book. A posting count sets the book to what was counted, a
-- held one leaves it and is remembered, so that an adjustment that names it moves the book itself.
{{ config(materialized='table', tags=['inventory']) }}

with recursive folded as (
    select distinct
        location_id, sku_id, 0::BIGINT as event_number, 0::BIGINT as shift_before, 0::BIGINT as shift, []::BIGINT[] as held
    from {{ ref('int_count_events') }}
    union all
    select
        e.location_id, e.sku_id, e.event_number, f.shift as shift_before,
        case
            when e.kind = 'adjustment' and (e.is_held_before or list_contains(f.held, e.named_number))
                then f.shift + e.adjusted_units
            when e.kind = 'count' and {{ is_posting_count('e', 'e.raw_units + f.shift') }}
                then e.counted_units - e.raw_units
            else f.shift
        end::BIGINT as shift,
        case
            when e.kind = 'count' and e.is_count_posting and not {{ is_posting_count('e', 'e.raw_units + f.shift') }}
                then list_append(f.held, e.event_number)
            else f.held
        end as held
    from folded as f
    inner join {{ ref('int_count_events') }} as e
        on f.location_id = e.location_id and f.sku_id = e.sku_id and f.event_number + 1 = e.event_number
)

select
    e.business_date, e.location_id, e.sku_id, e.kind, e.event_key, e.department, e.unit_cost, e.abc, e.is_approved,
    e.raw_units + f.shift_before as book_units,
    f.shift - f.shift_before as units,
    coalesce(e.kind = 'count' and {{ is_posting_count('e', 'e.raw_units + f.shift_before') }}, false) as is_posting
from folded as f
inner join {{ ref('int_count_events') }} as e
    on f.location_id = e.location_id and f.sku_id = e.sku_id and f.event_number = e.event_number
