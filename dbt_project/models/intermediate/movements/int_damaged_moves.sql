-- What adjustments do to the damaged bucket (semantics 14): the mirror of reason `damage`, and disposals. The bucket never
-- falls below 0: what a disposal takes beyond it takes on_hand, what a mirror would is dropped. In closed form the bucket,
-- held at 0, has been short by `shortfall` = the deepest its unheld sum has been below 0. Undated facts come first, then
-- by time, additions before withdrawals.
{{ config(materialized='table', tags=['inventory']) }}

with adjusted as (
    select
        a.business_date, a.location_id, a.sku_id, a.adjusted_at as event_at, a.adjustment_id as source_key,
        a.source_file, a.posted_on, a.reason_code,
        case a.reason_code when 'damage' then -a.units else a.units end as units
    from {{ ref('int_posted_adjustments') }} as a
    inner join {{ ref('int_business_dates') }} as d on a.business_date = d.business_date
    where a.reason_code in ('damage', 'disposal') and d.is_book_open
),

pairs as (select distinct location_id, sku_id from adjusted),

requests as (
    select business_date, location_id, sku_id, event_at, source_key, units, source_file, posted_on, reason_code
    from adjusted
    union all
    select m.business_date, m.location_id, m.sku_id, m.event_at, m.source_feed || ' ' || m.source_key, m.units,
        null, null, null
    from {{ ref('int_fact_movements') }} as m
    semi join pairs as p on m.location_id = p.location_id and m.sku_id = p.sku_id
    where m.bucket = 'damaged'
    union all
    select o.business_date, o.location_id, o.sku_id, null, '', o.units, null, null, null
    from {{ ref('int_openings') }} as o
    semi join pairs as p on o.location_id = p.location_id and o.sku_id = p.sku_id
    where o.bucket = 'damaged'
),

sums as (
    select
        r.*,
        coalesce(s.damaged, 0) + sum(r.units) over pair as unheld_units
    from requests as r
    left join {{ ref('int_prior_state') }} as s on r.location_id = s.location_id and r.sku_id = s.sku_id
    window pair as (
        partition by r.location_id, r.sku_id
        order by r.business_date, r.event_at nulls first, r.units < 0, r.source_key
        rows between unbounded preceding and current row
    )
),

shortfalls as (
    select *, greatest(-min(unheld_units) over (
        partition by location_id, sku_id order by business_date, event_at nulls first, units < 0, source_key
        rows between unbounded preceding and current row
    ), 0) as shortfall
    from sums
),

excesses as (
    select *, shortfall - lag(shortfall, 1, 0) over (
        partition by location_id, sku_id order by business_date, event_at nulls first, units < 0, source_key
    ) as excess
    from shortfalls
)

select
    business_date, location_id, sku_id, reason_code as movement_type,
    unnest(['damaged', 'on_hand']) as bucket,
    unnest([units + excess, case reason_code when 'disposal' then -excess else 0 end])::BIGINT as units,
    event_at, source_key, source_file, posted_on
from excesses
where reason_code is not null
