-- What of the coming dates' capacities is used already at the close of the run date: receiving by firm lines still open and
-- transfers on their way (by the date they are expected; what is overdue has none), dispatch by firm lines that ship later.
{{ config(materialized='table', tags=['inventory']) }}

with firm as (
    select * from {{ ref('int_firm_lines') }} where business_date = {{ date_of('run_date') }} and open_units > 0
),

booked as (
    select 'receiving' as kind, to_location_id as location_id, arrival_date as booked_for, open_units as units
    from firm
    union all
    select 'receiving', to_location_id, expected_date, in_transit_units
    from {{ ref('shipment_lines') }}
    where business_date = {{ date_of('run_date') }} and in_transit_units > 0
    union all
    select 'dispatch', from_location_id, ship_date, open_units
    from firm
)

select kind, location_id, booked_for, sum(units)::BIGINT as units, count(*) as lines
from booked
where booked_for > {{ date_of('run_date') }}
group by kind, location_id, booked_for
order by kind, location_id, booked_for
