-- The next arrival from suppliers as seen on the run date (semantics 17): the earliest open order, past due = the day after;
-- without one, predicted from the receipts of `inbound_window_days`: the mean gap after the last, the mean quantity.
{{ config(materialized='view', tags=['inventory']) }}

with ordered as (
    select location_id, sku_id, greatest(expected_date, business_date + 1) as next_inbound_date, units
    from {{ ref('int_on_order') }}
    where business_date = {{ date_of('run_date') }}
),

next_order as (
    select location_id, sku_id, next_inbound_date, sum(units)::BIGINT as next_inbound_units
    from ordered
    group by location_id, sku_id, next_inbound_date
    qualify row_number() over (partition by location_id, sku_id order by next_inbound_date) = 1
),

history as (
    select
        location_id, sku_id,
        max(business_date) as last_date,
        count(distinct business_date) as dates,
        round((max(business_date) - min(business_date))::DECIMAL(9, 3) / nullif(count(distinct business_date) - 1, 0))::INTEGER
            as mean_gap,
        round(sum(units)::DECIMAL(18, 3) / count(distinct business_date))::BIGINT as mean_units
    from {{ ref('int_purchase_receipts') }}
    where units > 0 and business_date <= {{ date_of('run_date') }}
        and business_date > {{ date_of('run_date') }} - {{ var('inbound_window_days') }}
    group by location_id, sku_id
)

select
    coalesce(o.location_id, h.location_id) as location_id,
    coalesce(o.sku_id, h.sku_id) as sku_id,
    coalesce(o.next_inbound_date, greatest(h.last_date + h.mean_gap, {{ date_of('run_date') }} + 1)) as next_inbound_date,
    coalesce(o.next_inbound_units, h.mean_units) as next_inbound_units,
    case when o.sku_id is not null then 'purchase_order' else 'receipt_history' end as inbound_source
from next_order as o
full join (select * from history where dates > 1) as h on o.location_id = h.location_id and o.sku_id = h.sku_id
