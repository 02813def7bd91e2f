-- What each date's facts say of each stock record, for the filter of beliefs (allocation_assets/records): the book before and
-- after, what moved shelf and book alike, what corrected the book alone, what a count found, what the shelf was seen to be.
-- Only the dates that the filter can still take in; a book that was never opened is no record yet.
{{ config(materialized='table', tags=['inventory']) }}
{% set key = ['business_date', 'location_id', 'sku_id'] %}

with levels as (
    select s.*, d.opened_on
    from {{ ref('int_stock_levels') }} as s
    inner join {{ ref('int_business_dates') }} as d on s.business_date = d.business_date
    where
        not s.is_unopened
        and s.business_date <= {{ date_of('run_date') }}
        and s.business_date > {{ date_of('run_date') }} - {{ var('records_window_days') }}
),

flows as (
    select
        {{ key | join(', ') }},
        sum(units) as net_units,
        -sum(units) filter (where movement_type = 'sale') as sales_units,
        sum(units) filter (where movement_type in ('receipt', 'transfer_in')) as received_units,
        sum(units) filter (where movement_type = 'return_restock') as returned_units,
        -sum(units) filter (where movement_type = 'transfer_out') as moved_units,
        sum(units) filter (where movement_type in ('count_correction', 'adjustment', 'opening')) as corrected_units
    from {{ ref('stock_ledger') }}
    where
        {{ in_state_range() }} and bucket = 'on_hand'
        and business_date > {{ date_of('run_date') }} - {{ var('records_window_days') }}
    group by all
),

-- A location that sold nothing at all was closed, whatever its calendar says: no evidence about any of its records.
trading as (select distinct business_date, location_id from flows where sales_units > 0),

shelves as (
    select {{ key | join(', ') }}, least(hours_out::DOUBLE / hours_open::DOUBLE, 1) as share_out
    from {{ recent_facts('stock_outs') }}
)

select
    l.business_date, l.location_id, l.sku_id,
    (l.on_hand - coalesce(f.net_units, 0))::BIGINT as opening_units,
    l.on_hand as closing_units,
    coalesce(f.sales_units, 0)::BIGINT as sales_units,
    coalesce(f.received_units, 0)::BIGINT as received_units,
    coalesce(f.returned_units, 0)::BIGINT as returned_units,
    coalesce(f.moved_units, 0)::BIGINT as moved_units,
    coalesce(f.corrected_units, 0)::BIGINT as corrected_units,
    c.counted_units,
    c.variance as count_variance,
    h.share_out,
    t.location_id is not null as is_trading,
    l.first_seen is not distinct from l.opened_on as is_opening_record,
    i.unit_cost, i.unit_price,
    coalesce(i.case_pack, 1)::BIGINT as case_pack,
    n.location_type
from levels as l
left join flows as f on {{ same_pair('l', 'f') }}
left join {{ ref('int_count_results') }} as c on {{ same_pair('l', 'c') }}
left join shelves as h on {{ same_pair('l', 'h') }}
left join trading as t on l.business_date = t.business_date and l.location_id = t.location_id
left join {{ ref('int_items_in_force') }} as i on l.business_date = i.business_date and l.sku_id = i.sku_id
left join {{ ref('int_locations_in_force') }} as n
    on l.business_date = n.business_date and l.location_id = n.location_id
order by l.business_date, l.sku_id, l.location_id
