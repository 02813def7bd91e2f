-- The days of the demand window on which the shelf was empty for a while: sales are a lower bound there.
{{ config(materialized='table', tags=['inventory']) }}

select
    sku_id, location_id, business_date, sales_units, exposure,
    hours_out is not null as is_exposure_known
from {{ ref('int_demand_daily') }}
where
    is_censored and business_date <= {{ date_of('run_date') }}
    and business_date > {{ date_of('run_date') }} - {{ var('demand_window_days') }}
order by sku_id, location_id, business_date
