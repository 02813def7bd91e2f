-- Units received from suppliers by date, location, item and purchase order; damaged units count as received.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}

select
    business_date, location_id, sku_id, source_id as po_id,
    sum(units + coalesce(units_damaged, 0))::BIGINT as units
from {{ recent_facts('receipts') }}
where source_type = 'purchase'
group by business_date, location_id, sku_id, source_id
