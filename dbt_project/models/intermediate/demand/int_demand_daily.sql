-- Demand as it was seen: sales, returns, price and promotion, open orders, and whether the shelf was empty (then sales are a
-- lower bound). Demand is net of what came back sellable. A row only where something happened. Facts from before the opening of the books count here (semantics 13).
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}
{% set key = ['business_date', 'location_id', 'sku_id'] %}

with sales as (
    select
        {{ key | join(', ') }}, sum(units) as sales_units, sum(net_amount) as net_sales,
        sum(net_amount) filter (where unit_list_price > 0) as listed_sales,
        sum(units * unit_list_price) filter (where unit_list_price > 0) as list_value,
        bool_or(promo_id is not null) as is_promoted
    from {{ recent_facts('pos') }}
    group by all
),

returned as (
    select {{ key | join(', ') }}, sum(units) as returned_units, sum(refund_amount) as refunds,
        sum(units) filter (where disposition = 'restock') as restocked_units
    from {{ recent_facts('returns') }}
    group by all
),

shelf as (
    select
        {{ key | join(', ') }}, hours_out, hours_open,
        least(greatest(1 - hours_out::DOUBLE / hours_open::DOUBLE, 0), 1) as exposure
    from {{ recent_facts('stock_outs') }}
),

orders as (
    select {{ key | join(', ') }}, sum(units) as open_order_units
    from {{ ref('int_open_orders') }}
    where {{ in_state_range() }} and status = 'open' and location_id is not null
    group by all
),

-- Without a stock-out feed on the date, an empty book at the close stands in for it, where a shelf is there to be empty.
empty_books as (
    select s.business_date, s.location_id, s.sku_id, true as is_empty
    from {{ ref('int_stock_levels') }} as s
    inner join {{ ref('int_business_dates') }} as d on s.business_date = d.business_date
    inner join {{ ref('int_active_pairs') }} as a
        on s.business_date = a.business_date and s.location_id = a.location_id and s.sku_id = a.sku_id
    where s.on_hand <= 0 and not s.is_unopened and not d.has_stock_outs and a.location_type in ('store', 'ecom')
)

select
    {{ key | join(', ') }},
    coalesce(s.sales_units, 0)::BIGINT as sales_units,
    coalesce(s.net_sales, 0)::DECIMAL(18, 6) as net_sales,
    coalesce(r.returned_units, 0)::BIGINT as returned_units,
    coalesce(r.refunds, 0)::DECIMAL(18, 6) as refunds,
    coalesce(r.restocked_units, 0)::BIGINT as restocked_units,
    (coalesce(s.sales_units, 0) - coalesce(r.restocked_units, 0))::BIGINT as demand_units,
    round(1 - s.listed_sales::DOUBLE / s.list_value::DOUBLE, 6)::DECIMAL(9, 6) as discount_rate,
    coalesce(s.is_promoted, false) as is_promoted,
    h.hours_out::DECIMAL(18, 6) as hours_out,
    h.hours_open::DECIMAL(18, 6) as hours_open,
    coalesce(h.exposure, 1)::DOUBLE as exposure,
    coalesce(h.hours_out > 0, e.is_empty, false) as is_censored,
    coalesce(o.open_order_units, 0)::BIGINT as open_order_units
from sales as s
full join returned as r using ({{ key | join(', ') }})
full join (select * from shelf where hours_out > 0) as h using ({{ key | join(', ') }})
full join orders as o using ({{ key | join(', ') }})
full join empty_books as e using ({{ key | join(', ') }})
