-- How each book moved from one close to the next, and what counts and the system of record said of it (published
-- invariant 1). A row where anything moved, stands or was counted. The mart adds what explains the variances.
{{ config(materialized='table', tags=['inventory']) }}
{% set key = ['business_date', 'location_id', 'sku_id'] %}

with flows as (
    select
        {{ key | join(', ') }},
        sum(units) as net_units,
        coalesce(sum(units) filter (where movement_type = 'receipt'), 0) as receipts,
        coalesce(sum(units) filter (where movement_type = 'return_restock'), 0) as returns_restocked,
        -coalesce(sum(units) filter (where movement_type = 'sale'), 0) as sales,
        coalesce(sum(units) filter (where movement_type = 'transfer_in'), 0) as transfers_in,
        -coalesce(sum(units) filter (where movement_type = 'transfer_out'), 0) as transfers_out
    from {{ ref('stock_ledger') }}
    where {{ in_state_range() }} and bucket = 'on_hand'
    group by all
),

snapshots as (
    select {{ key | join(', ') }}, on_hand as system_on_hand from {{ recent_facts('inventory_snapshot') }}
),

rows_of_range as (
    select
        p.business_date, p.location_id, p.sku_id,
        p.on_hand - coalesce(f.net_units, 0) as opening,
        coalesce(f.receipts, 0) as receipts,
        coalesce(f.returns_restocked, 0) as returns_restocked,
        coalesce(f.sales, 0) as sales,
        coalesce(f.transfers_in, 0) as transfers_in,
        coalesce(f.transfers_out, 0) as transfers_out,
        coalesce(f.net_units - f.receipts - f.returns_restocked + f.sales - f.transfers_in + f.transfers_out, 0)
            as adjustments,
        p.on_hand as closing_book,
        s.system_on_hand, c.counted_units, c.variance, c.posted_by, c.count_tolerance_units,
        abs(c.variance) <= c.count_tolerance_units as is_accurate,
        p.unit_cost, p.department, f.net_units is not null as has_moved
    from {{ ref('int_position_levels') }} as p
    left join flows as f on {{ same_pair('p', 'f') }}
    left join snapshots as s on {{ same_pair('p', 's') }}
    left join {{ ref('int_count_results') }} as c on {{ same_pair('p', 'c') }}
)

select
    business_date, location_id, sku_id,
    opening::BIGINT as opening, receipts::BIGINT as receipts, returns_restocked::BIGINT as returns_restocked,
    sales::BIGINT as sales, transfers_in::BIGINT as transfers_in, transfers_out::BIGINT as transfers_out,
    adjustments::BIGINT as adjustments, closing_book::BIGINT as closing_book,
    system_on_hand, counted_units, variance, posted_by, count_tolerance_units, is_accurate, unit_cost, department
from rows_of_range
where opening <> 0 or has_moved or system_on_hand is not null or counted_units is not null
