-- What was wanted at a selling location and not there, date by date: the formula of kpi_daily's lost sales (one macro), kept
-- so that causes can be traced over the dates before. A row only where something was lost.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}

with censored as (
    select * from {{ ref('int_demand_daily') }} where {{ in_state_range() }} and is_censored
),

-- Yesterday's forecast is the one decided on the business date before (semantics 24).
forecasts as (
    select d.business_date, f.location_id, f.sku_id, f.next_day_mean
    from {{ ref('int_business_dates') }} as d
    inner join {{ source('lake', 'demand_forecasts') }} as f on f.business_date = d.previous_date
    where {{ in_state_range('d.business_date') }}
),

expected as (
    select
        c.business_date, c.location_id, c.sku_id, c.sales_units, c.exposure,
        coalesce(c.hours_out, 0) as hours_out,
        coalesce(p.is_active, false) as is_active,
        (f.next_day_mean * {{ kpi_period_days() }})::DECIMAL(18, 6) as forecast_units,
        coalesce(p.daily_mean, 0)::DECIMAL(18, 6) as daily_mean,
        greatest(coalesce(i.unit_price, 0) - coalesce(p.unit_cost, i.unit_cost, 0), 0) as unit_margin
    from censored as c
    left join {{ ref('inventory_positions') }} as p using (business_date, location_id, sku_id)
    left join forecasts as f using (business_date, location_id, sku_id)
    left join {{ ref('int_items_in_force') }} as i using (business_date, sku_id)
    left join {{ ref('int_locations_in_force') }} as l using (business_date, location_id)
    where coalesce(l.location_type <> 'dc', true)
),

lost as (
    select
        *,
        {{ kpi_lost_units('hours_out', 'exposure', 'is_active', 'forecast_units', 'daily_mean', 'sales_units') }}::DECIMAL(18, 6) as lost_units
    from expected
)

select business_date, location_id, sku_id, lost_units, (lost_units * unit_margin)::DECIMAL(18, 3) as lost_margin
from lost
where lost_units > 0
