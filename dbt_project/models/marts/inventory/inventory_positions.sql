-- Stock of every item at every location at the close of each date, and how it stands against demand.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}

select
    business_date, location_id, sku_id,
    on_hand, damaged, reserved, in_transit, on_order, available,
    on_hand - reserved - committed + in_transit + on_order as inventory_position,
    available / nullif(daily_mean, 0) as days_of_supply,
    unit_cost,
    {{ stock_status() }} as stock_status,
    ownership, is_unopened, is_active, department, channel, location_type,
    case when ownership = 'owned' then on_hand * unit_cost else 0 end::DECIMAL(18, 4) as inventory_value,
    presentation_min, on_order_past_due, in_transit_firm, committed, daily_mean, is_open,
    first_seen, last_sale_date, next_arrival_date
from {{ ref('int_position_levels') }}
