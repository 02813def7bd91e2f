-- What each date's facts say of a stock record, for the filter of beliefs (allocation_assets/records): what moved shelf and
-- book alike, what corrected the book alone, what a count found, what the shelf was seen to be. A row only where something
-- happened; kept for as long as a first run of the filter looks back, late facts included.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
    post_hook="delete from {{ this }} where business_date <= {{ date_of('state_to') }} - {{ var('records_window_days') + var('feeds_late_days') }}",
) }}
{% set key = ['business_date', 'location_id', 'sku_id'] %}

with flows as (
    select
        {{ key | join(', ') }},
        sum(units) filter (where movement_type <> 'opening') as net_units,
        -sum(units) filter (where movement_type = 'sale') as sales_units,
        sum(units) filter (where movement_type in ('receipt', 'transfer_in')) as received_units,
        sum(units) filter (where movement_type = 'return_restock') as returned_units,
        -sum(units) filter (where movement_type = 'transfer_out') as moved_units,
        sum(units) filter (where movement_type in ('count_correction', 'adjustment')) as corrected_units
    from {{ ref('stock_ledger') }}
    where
        {{ in_state_range() }} and bucket = 'on_hand'
        and business_date > {{ date_of('state_to') }} - {{ var('records_window_days') + var('feeds_late_days') }}
    group by all
),

shelves as (
    select {{ key | join(', ') }}, least(hours_out::DOUBLE / hours_open::DOUBLE, 1) as share_out
    from {{ recent_facts('stock_outs') }}
)

select
    {{ key | join(', ') }},
    coalesce(f.net_units, 0)::BIGINT as net_units,
    coalesce(f.sales_units, 0)::BIGINT as sales_units,
    coalesce(f.received_units, 0)::BIGINT as received_units,
    coalesce(f.returned_units, 0)::BIGINT as returned_units,
    coalesce(f.moved_units, 0)::BIGINT as moved_units,
    coalesce(f.corrected_units, 0)::BIGINT as corrected_units,
    c.counted_units,
    c.variance as count_variance,
    h.share_out
from flows as f
full join {{ ref('int_count_results') }} as c using ({{ key | join(', ') }})
full join shelves as h using ({{ key | join(', ') }})
