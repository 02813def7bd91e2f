-- What moves and is about to move between locations, per location and item on the run date: the last date with stock shipped
-- or received to or from it, as far back as a rest can last (allocation.rest_days); and the units of firm lines to it that
-- ship later than today, which nobody has in transit yet.
{{ config(materialized='view', tags=['inventory']) }}

with moves as (
    select unnest([from_location_id, to_location_id]) as location_id, sku_id, business_date as moved_on, 0 as firm_units
    from {{ ref('int_transfer_events') }}
    where business_date between {{ date_of('run_date') }} - {{ var('allocation_rest_window_days') }} and {{ date_of('run_date') }}
    union all
    select to_location_id, sku_id, null, open_units
    from {{ ref('int_firm_lines') }}
    where business_date = {{ date_of('run_date') }} and ship_date > business_date
)

select location_id, sku_id, max(moved_on) as last_moved_date, sum(firm_units)::BIGINT as firm_units
from moves
where location_id is not null
group by location_id, sku_id
