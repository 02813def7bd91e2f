-- What policy must decide one after the other, numbered by pair: counts, and adjustments that name one. `raw_units` is the
-- book at that moment as if none of them had posted: the close before the range, every fact of an earlier date, every
-- undated fact of the date and every one up to the moment (semantics 18).
-- depends_on: {{ ref('applied_approvals') }}
{{ config(materialized='table', tags=['inventory']) }}
{% set in_order = 'order by business_date, event_at nulls first, precedence, event_key' %}

with approved as (
    select distinct location_id, sku_id, source_id
    from {{ source('lake', 'approval_outcomes') }}
    where kind = 'count' and outcome = 'approved'
        and business_date between {{ date_of('state_from') }} and {{ date_of('state_to') }}
),

counts as (select * from {{ ref('int_counts') }} where is_book_open),

named as (select * from {{ ref('int_named_adjustments') }} where is_book_open),

moves as (
    select m.location_id, m.sku_id, m.business_date, m.event_at, m.units
    from {{ ref('int_book_movements') }} as m
    semi join (
        select location_id, sku_id from counts union select location_id, sku_id from named
    ) as p on m.location_id = p.location_id and m.sku_id = p.sku_id
    where m.bucket = 'on_hand'
),

sequence as (
    select location_id, sku_id, business_date, event_at, 0 as precedence, '' as event_key, null as kind, units
    from moves
    union all
    select location_id, sku_id, business_date, counted_at, 1, count_id, 'count', 0 from counts
    union all
    select location_id, sku_id, business_date, event_at, 2, adjustment_id, 'adjustment', 0 from named
),

running as (
    select *, sum(units) over (
        partition by location_id, sku_id {{ in_order }} rows between unbounded preceding and current row
    ) as moved_units
    from sequence
),

numbered as (
    select *, row_number() over (partition by location_id, sku_id {{ in_order }}) as event_number
    from running
    where kind is not null
)

select
    e.location_id, e.sku_id, e.event_number, e.business_date, e.kind, e.event_key,
    (coalesce(s.on_hand, 0) + e.moved_units)::BIGINT as raw_units,
    c.counted_units, coalesce(c.is_opening, false) as is_opening, coalesce(c.is_count_posting, false) as is_count_posting,
    a.source_id is not null as is_approved, i.unit_cost, i.department, coalesce(k.abc, 'C') as abc,
    n.units as adjusted_units, coalesce(n.is_held_before, false) as is_held_before, t.event_number as named_number
from numbered as e
left join {{ ref('int_prior_state') }} as s on e.location_id = s.location_id and e.sku_id = s.sku_id
left join counts as c on e.kind = 'count' and e.event_key = c.count_id and {{ same_pair('e', 'c') }}
left join named as n on e.kind = 'adjustment' and e.event_key = n.adjustment_id and {{ same_pair('e', 'n') }}
left join numbered as t
    on t.kind = 'count' and n.count_id = t.event_key and n.counted_on = t.business_date
    and n.location_id = t.location_id and n.sku_id = t.sku_id
left join approved as a
    on e.kind = 'count' and e.event_key = a.source_id and e.location_id = a.location_id and e.sku_id = a.sku_id
left join {{ ref('int_items_in_force') }} as i on e.business_date = i.business_date and e.sku_id = i.sku_id
left join {{ ref('int_count_classes') }} as k on e.business_date = k.business_date and e.sku_id = k.sku_id
