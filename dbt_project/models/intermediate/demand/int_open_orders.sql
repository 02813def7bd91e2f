-- Order lines that are open or allocated at the close of each date: the newest business_date's row of a line is in force
-- (semantics 10), starting from the lines of the date before the range. A line without a location to fulfil it belongs
-- to the only e-com location, else to the only DC.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}

with dates as (select business_date from {{ ref('int_business_dates') }} where {{ in_state_range() }}),

rows_in_force as (
    select order_id, line_no, sku_id, ship_from_location_id, channel, units, status, business_date as valid_from
    from {{ recent_facts('orders') }}
    {% if is_incremental() -%}
    union all
    select order_id, line_no, sku_id, ship_from_location_id, channel, units, status, business_date
    from {{ this }}
    where business_date = (
        select max(business_date) from {{ ref('int_business_dates') }} where business_date < {{ date_of('state_from') }}
    )
    {%- endif %}
),

spans as (
    select *, lead(valid_from, 1, date '9999-12-31') over (
        partition by order_id, line_no order by valid_from
    ) as valid_until
    from rows_in_force
)

select
    d.business_date, s.order_id, s.line_no, s.sku_id, s.ship_from_location_id,
    coalesce(s.ship_from_location_id, l.order_location_id) as location_id,
    s.channel, s.units, s.status
from dates as d
inner join spans as s on d.business_date >= s.valid_from and d.business_date < s.valid_until
left join (
    select business_date, any_value(order_location_id) as order_location_id
    from {{ ref('int_locations_in_force') }}
    group by business_date
) as l on d.business_date = l.business_date
where s.status in ('open', 'allocated')
