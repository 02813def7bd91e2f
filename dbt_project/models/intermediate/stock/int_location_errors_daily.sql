-- Errors of each location a day, as sums: receipt lines that closed, records that were counted, what counts lost and found, and
-- what was sold at cost to set it against. Which locations have chronic errors is judged on a window of it.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}

with lines as (
    select
        business_date, to_location_id as location_id,
        count(*) as receipt_lines,
        count(*) filter (where status in ('short', 'lost', 'over', 'unannounced')) as receiving_error_lines
    from {{ ref('shipment_lines') }}
    where {{ in_state_range() }} and closed_on = business_date
    group by business_date, to_location_id
),

counts as (
    select
        c.business_date, c.location_id,
        count(*) as counted_records,
        count(*) filter (where abs(c.variance) > c.count_tolerance_units) as wrong_records,
        sum(greatest(-c.variance, 0)) as loss_units,
        sum(greatest(-c.variance, 0) * i.unit_cost) as loss_value,
        sum(greatest(c.variance, 0)) as gain_units,
        sum(greatest(c.variance, 0) * i.unit_cost) as gain_value
    from {{ ref('int_count_results') }} as c
    left join {{ ref('int_items_in_force') }} as i on c.business_date = i.business_date and c.sku_id = i.sku_id
    where c.variance is not null
    group by c.business_date, c.location_id
),

sales as (
    select business_date, location_id, -sum(units * unit_cost) as net_sales_value
    from {{ ref('stock_ledger') }}
    where {{ in_state_range() }} and movement_type = 'sale'
    group by business_date, location_id
)

select
    business_date, location_id,
    coalesce(l.receipt_lines, 0)::BIGINT as receipt_lines,
    coalesce(l.receiving_error_lines, 0)::BIGINT as receiving_error_lines,
    coalesce(c.counted_records, 0)::BIGINT as counted_records,
    coalesce(c.wrong_records, 0)::BIGINT as wrong_records,
    coalesce(c.loss_units, 0)::BIGINT as loss_units,
    coalesce(c.loss_value, 0)::DECIMAL(18, 6) as loss_value,
    coalesce(c.gain_units, 0)::BIGINT as gain_units,
    coalesce(c.gain_value, 0)::DECIMAL(18, 6) as gain_value,
    coalesce(s.net_sales_value, 0)::DECIMAL(18, 6) as net_sales_value
from lines as l
full join counts as c using (business_date, location_id)
full join sales as s using (business_date, location_id)
