-- One row per SKU x location x date of the state range: what kpi_daily needs of a pair, at the cost and price in force.
{{ config(materialized='view', tags=['marts']) }}

with openings as (
    select business_date, location_id, sku_id, sum(units) as opened_units
    from {{ ref('stock_ledger') }}
    where {{ in_state_range() }} and movement_type = 'opening' and bucket = 'on_hand'
    group by business_date, location_id, sku_id
),

-- From the facts, not the books: what came back before the books opened was sold before they did.
restocked as (
    select business_date, location_id, sku_id, sum(units) as restocked_units
    from {{ recent_facts('returns') }}
    where disposition = 'restock'
    group by business_date, location_id, sku_id
),

-- Yesterday's forecast is the one decided on the business date before (semantics 24).
forecasts as (
    select d.business_date, f.location_id, f.sku_id, f.next_day_mean
    from {{ ref('int_business_dates') }} as d
    inner join {{ source('lake', 'demand_forecasts') }} as f on f.business_date = d.previous_date
    where {{ in_state_range('d.business_date') }}
),

positions as (select * from {{ ref('inventory_positions') }} where {{ in_state_range() }}),

demand as (select * from {{ ref('int_demand_daily') }} where {{ in_state_range() }}),

records as (select * from {{ ref('reconciliations') }} where {{ in_state_range() }}),

-- Facts before a pair's books opened have demand and no position (semantics 13).
joined as (
    select
        business_date, location_id, sku_id,
        p.business_date is not null as has_position,
        coalesce(p.department, i.department, 'unassigned') as department, l.location_type, l.channel,
        coalesce(l.location_type <> 'dc', true) as is_selling,
        coalesce(p.ownership, i.ownership, 'owned') = 'owned' as is_owned,
        coalesce(p.is_active, false) as is_active, p.stock_status,
        coalesce(p.unit_cost, i.unit_cost) as unit_cost, i.unit_price,
        coalesce(p.available, 0) as available, coalesce(p.inventory_value, 0) as inventory_value,
        case when p.ownership = 'owned' then coalesce(p.on_hand * i.unit_price, 0) else 0 end as inventory_retail,
        coalesce(p.daily_mean, 0)::DECIMAL(18, 6) as daily_mean,
        coalesce(d.sales_units, 0) as sales_units, coalesce(d.net_sales, 0) as net_sales,
        coalesce(d.returned_units, 0) as returned_units, coalesce(d.refunds, 0) as refunds, coalesce(k.markdowns, 0) as markdowns,
        coalesce(d.open_order_units, 0) as open_order_units,
        greatest(coalesce(d.demand_units, 0), 0) as demand_units,
        coalesce(d.is_censored, false) as is_censored, coalesce(d.hours_out, 0) as hours_out,
        coalesce(d.exposure, 1) as exposure,
        coalesce(r.opening, 0) as opening, coalesce(r.receipts, 0) as purchased_units,
        coalesce(r.transfers_in, 0) as transferred_in_units, coalesce(r.sales, 0) as book_sales_units,
        coalesce(t.restocked_units, 0) as restocked_units,
        r.counted_units, r.variance, r.is_accurate, r.posted_by,
        coalesce(o.opened_units, 0) as opened_units,
        (f.next_day_mean * {{ kpi_period_days() }})::DECIMAL(18, 6) as forecast_units
    from positions as p
    full join demand as d using (business_date, location_id, sku_id)
    left join records as r using (business_date, location_id, sku_id)
    left join openings as o using (business_date, location_id, sku_id)
    left join restocked as t using (business_date, location_id, sku_id)
    left join {{ ref('int_kpi_markdowns') }} as k using (business_date, location_id, sku_id)
    left join forecasts as f using (business_date, location_id, sku_id)
    left join {{ ref('int_items_in_force') }} as i using (business_date, sku_id)
    left join {{ ref('int_locations_in_force') }} as l using (business_date, location_id)
)

select
    *,
    -- A record that the shelf or a count contradicts: stock by the book, none all day, or none found and not yet posted.
    is_active and is_selling and available > 0
    and (exposure = 0 or coalesce(counted_units = 0 and variance < 0 and posted_by is null, false)) as is_phantom,
    -- A censored date says only what was sold; a day with stock says what was wanted.
    forecast_units is not null and not is_censored as is_scored,
    case when is_selling then
        {{ kpi_lost_units('hours_out', 'exposure', 'is_censored and is_active', 'forecast_units', 'daily_mean', 'sales_units') }}
        else 0
    end::DECIMAL(18, 6) as lost_units
from joined
