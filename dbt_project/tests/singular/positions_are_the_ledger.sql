-- Every unit of a position traces to the ledger: the position of the date before plus the movements since.
{{ config(tags=['inventory']) }}

with dates as (select business_date, previous_date from {{ ref('int_business_dates') }} where {{ in_state_range() }}),

parts as (
    select business_date, location_id, sku_id, on_hand, damaged, in_transit - in_transit_firm as in_transit
    from {{ ref('inventory_positions') }}
    where {{ in_state_range() }}
    union all
    select d.business_date, p.location_id, p.sku_id, -p.on_hand, -p.damaged, -p.in_transit + p.in_transit_firm
    from dates as d
    inner join {{ ref('inventory_positions') }} as p on d.previous_date = p.business_date
    union all
    select
        business_date, location_id, sku_id,
        case bucket when 'on_hand' then -units else 0 end,
        case bucket when 'damaged' then -units else 0 end,
        case bucket when 'in_transit' then -units else 0 end
    from {{ ref('stock_ledger') }}
    where {{ in_state_range() }} and bucket <> 'lost'
)

select business_date, location_id, sku_id, sum(on_hand) as on_hand, sum(damaged) as damaged, sum(in_transit) as in_transit
from parts
group by business_date, location_id, sku_id
having sum(on_hand) <> 0 or sum(damaged) <> 0 or sum(in_transit) <> 0
