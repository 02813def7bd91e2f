-- The book of every pair at the close of each date of the range: prior state plus the ledger. A pair is there from its
-- first movement, or while it is assorted. No rows before the books are open.
{{ config(materialized='table', tags=['inventory']) }}

with dates as (
    select business_date, opened_on
    from {{ ref('int_business_dates') }}
    where {{ in_state_range() }} and (is_book_open or business_date = opened_on)
),

changes as (
    select
        business_date, location_id, sku_id,
        sum(units) filter (where bucket = 'on_hand') as on_hand,
        sum(units) filter (where bucket = 'damaged') as damaged,
        sum(units) filter (where bucket = 'in_transit') as in_transit,
        sum(units) filter (where bucket = 'on_hand' and movement_type = 'transfer_out') < 0 as has_transfer_out
    from {{ ref('stock_ledger') }}
    where {{ in_state_range() }} and bucket <> 'lost'
    group by business_date, location_id, sku_id
    having sum(case when is_reversal then -1 else 1 end) > 0
),

-- A book that opens at 0 has no movement, but it is there.
opened as (
    select business_date, location_id, sku_id from {{ ref('int_openings') }} where bucket = 'on_hand'
    union
    select business_date, location_id, sku_id from {{ ref('int_count_corrections') }} where is_opening
),

prior as (select * from {{ ref('int_prior_state') }}),

moved as (
    select location_id, sku_id, min(first_moved) as first_moved
    from (
        select location_id, sku_id, business_date as first_moved from changes
        union all
        select location_id, sku_id, business_date from opened
        union all
        select location_id, sku_id, first_seen from prior where first_seen is not null
    )
    group by location_id, sku_id
),

grid as (
    select d.business_date, d.opened_on, m.location_id, m.sku_id, m.first_moved
    from dates as d
    inner join moved as m on d.business_date >= m.first_moved
    union all
    select d.business_date, d.opened_on, a.location_id, a.sku_id, null
    from dates as d
    inner join {{ ref('int_assortment') }} as a on d.business_date = a.business_date and a.is_carried
    left join moved as m
        on a.location_id = m.location_id and a.sku_id = m.sku_id and a.business_date >= m.first_moved
    where m.location_id is null
)

select
    g.business_date, g.location_id, g.sku_id,
    (coalesce(p.on_hand, 0) + coalesce(sum(c.on_hand) over pair, 0))::BIGINT as on_hand,
    (coalesce(p.damaged, 0) + coalesce(sum(c.damaged) over pair, 0))::BIGINT as damaged,
    (coalesce(p.in_transit, 0) + coalesce(sum(c.in_transit) over pair, 0))::BIGINT as in_transit,
    g.opened_on is null and coalesce(p.is_unopened, true) and not coalesce(bool_or(o.sku_id is not null) over pair, false)
        as is_unopened,
    g.first_moved as first_seen,
    coalesce(c.has_transfer_out, false) as has_transfer_out
from grid as g
left join changes as c on {{ same_pair('g', 'c') }}
left join opened as o on {{ same_pair('g', 'o') }}
left join prior as p on g.location_id = p.location_id and g.sku_id = p.sku_id
window pair as (
    partition by g.location_id, g.sku_id order by g.business_date rows between unbounded preceding and current row
)
