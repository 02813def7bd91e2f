-- Order lines from the date on which they are first seen until they are closed and their order is judged: when each falls due,
-- what was asked for and what had shipped by then. A date carries on from the one before it; nothing looks at a later date.
{{ config(materialized='incremental', incremental_strategy='append', tags=['marts'], pre_hook="{{ delete_state_range() }}") }}
{% set state_from = date_of('state_from') %}

with facts as (
    select order_id, line_no, sku_id, ship_from_location_id, units, status, business_date as valid_from, promised_date
    from {{ recent_facts('orders') }}
),

-- Settled lines are remembered for a while: a row that is sent again must not count again.
line_rows as (
    select *, null::DATE as order_seen, null::DATE as first_seen, null::DATE as due_date, null::DATE as cancelled_on,
        null::BIGINT as wanted_units, null::BIGINT as shipped_units
    from facts
    {% if is_incremental() -%}
    {%- for before in [
        'not is_settled and business_date = (select max(business_date) from ' ~ ref('int_business_dates') ~ ' where business_date < ' ~ state_from ~ ')',
        'is_settled and business_date < ' ~ state_from ~ ' and business_date >= ' ~ state_from ~ ' - ' ~ var('feeds_late_days')
            ~ ' and order_id in (select order_id from facts)',
    ] %}
    union all
    select order_id, line_no, sku_id, ship_from_location_id, units, status, valid_from, null::DATE, order_seen, first_seen, due_date,
        cancelled_on, wanted_units, shipped_units
    from {{ this }} where {{ before }}
    {%- endfor %}
    {%- endif %}
),

-- The first promise stands: a date that is moved is a late line. Without one a line is due at once, and reserved stock is as good as shipped.
firsts as (
    select order_id, line_no, coalesce(min(first_seen), min(valid_from)) as first_seen,
        coalesce(min(due_date), arg_min(coalesce(promised_date, valid_from), valid_from)) as due_date,
        min(min(coalesce(order_seen, valid_from))) over (partition by order_id) as order_seen
    from line_rows
    group by order_id, line_no
),

spans as (
    select r.order_id, r.line_no, r.sku_id, r.ship_from_location_id, r.units, r.status, r.valid_from, f.order_seen, f.first_seen, f.due_date,
        lead(r.valid_from, 1, date '9999-12-31') over life as valid_until,
        min(case when r.cancelled_on is not null then r.cancelled_on
            when r.status = 'cancelled' and (r.valid_from < f.due_date or r.valid_from = f.first_seen) then r.valid_from end) over life as cancelled_on,
        max(case when r.wanted_units is not null then r.wanted_units
            when r.valid_from <= greatest(f.due_date, f.first_seen) then r.units end) over life as wanted_units,
        coalesce(last_value(case when r.shipped_units is not null then r.shipped_units
            when r.status = 'shipped' and r.valid_from <= f.due_date then r.units
            when r.status = 'allocated' and r.valid_from = f.first_seen and r.promised_date is null then r.units
            when r.valid_from <= f.due_date then 0 end ignore nulls) over life, 0) as shipped_units
    from line_rows as r
    inner join firsts as f on r.order_id = f.order_id and r.line_no = f.line_no
    window life as (partition by r.order_id, r.line_no order by r.valid_from)
),

ends as (
    select s.order_id, s.line_no, s.first_seen = s.order_seen as is_first_request, s.cancelled_on is null as is_wanted,
        s.shipped_units = s.wanted_units as is_filled, coalesce(s.cancelled_on, b.business_date) as resolved_on
    from (select * from spans where valid_until = date '9999-12-31') as s
    asof left join {{ ref('int_business_dates') }} as b on greatest(s.due_date, s.first_seen) <= b.business_date
),

orders as (
    select order_id, case when bool_and(resolved_on is not null) then max(resolved_on) end as judged_on,
        min(line_no) filter (where is_wanted) as home_line, bool_and(is_filled) filter (where is_wanted) as is_filled
    from ends
    where is_first_request
    group by order_id
)

select d.business_date, s.* exclude (valid_until),
    coalesce(e.is_wanted and e.resolved_on = d.business_date, false) as is_due,
    coalesce(o.home_line = s.line_no and o.judged_on = d.business_date, false) as is_order_due,
    coalesce(o.home_line = s.line_no and o.judged_on = d.business_date and o.is_filled, false) as is_order_filled,
    s.status in ('shipped', 'cancelled') and d.business_date >= coalesce(if(e.is_first_request, o.judged_on, e.resolved_on), date '9999-12-31') as is_settled
from spans as s
inner join {{ ref('int_business_dates') }} as d on d.business_date >= s.valid_from and d.business_date < s.valid_until
inner join ends as e on s.order_id = e.order_id and s.line_no = e.line_no
left join orders as o on s.order_id = o.order_id
where {{ in_state_range('d.business_date') }} and (s.status in ('open', 'allocated') or d.business_date
    <= greatest(s.valid_from, coalesce(if(e.is_first_request, o.judged_on, e.resolved_on), date '9999-12-31')))
