-- Published invariant 1: today's opening = yesterday's closing, for every pair that has either.
{{ config(tags=['inventory']) }}

with dates as (select business_date, previous_date from {{ ref('int_business_dates') }} where {{ in_state_range() }}),

closings as (
    select d.business_date, p.location_id, p.sku_id, p.on_hand as closing_book
    from dates as d
    inner join {{ ref('inventory_positions') }} as p on d.previous_date = p.business_date
),

openings as (select * from {{ ref('int_reconciliation_flows') }} where {{ in_state_range() }})

select business_date, location_id, sku_id, o.opening, c.closing_book
from openings as o
full join closings as c using (business_date, location_id, sku_id)
where coalesce(o.opening, 0) <> coalesce(c.closing_book, 0)
