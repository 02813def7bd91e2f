-- The partitions of everything: the dates that landed (semantics 3), each with the one before it.
{{ config(materialized='table', tags=['inventory']) }}

with landed as (
    select
        business_date,
        bool_or(feed = 'stock_outs' and is_picture) as has_stock_outs
    from {{ ref('int_landed_partitions') }}
    where business_date <= {{ date_of('state_to') }}
    group by business_date
),

firsts as (
    select
        min(business_date) filter (where feed = 'inventory_snapshot' and rows_loaded > 0) as opened_on,
        min(business_date) filter (where feed = 'adjustments' and is_picture) as adjustments_from,
        min(business_date) filter (where feed = 'shipments' and is_picture) as shipments_from,
        min(business_date) filter (where feed = 'orders' and is_picture) as orders_from,
        min(business_date) filter (where feed = 'assortment' and rows_loaded > 0) as assortment_from
    from {{ ref('int_landed_partitions') }}
    where business_date <= {{ date_of('state_to') }}
)

select
    l.business_date,
    lag(l.business_date) over (order by l.business_date) as previous_date,
    row_number() over (order by l.business_date) as date_number,
    f.opened_on,
    l.business_date > coalesce(f.opened_on, date '0001-01-01') as is_book_open,
    l.has_stock_outs,
    coalesce(l.business_date >= f.shipments_from, false) as has_shipments,
    coalesce(l.business_date >= f.orders_from, false) as has_orders,
    coalesce(l.business_date >= f.assortment_from, false) as has_assortment,
    {% set posting = var('reconciliation_count_posting') -%}
    {% if posting == 'auto' -%}
    coalesce(l.business_date < f.adjustments_from, true) as is_count_posting
    {%- else -%}
    {{ 'true' if posting == 'pipeline' else 'false' }} as is_count_posting
    {%- endif %}
from landed as l
cross join firsts as f
