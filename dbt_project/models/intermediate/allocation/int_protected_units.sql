-- What promotions keep at the DCs for their own locations on the run date: from the first picture that holds the plan to its
-- last date, `protect_units` less what has been sent to these locations since. A plan over the locations of several DCs is
-- split by their number, rounded up. Sent = shipped, or received without a shipment, plus firm lines still open.
{{ config(materialized='table', tags=['inventory']) }}
{% set at_dc = 'p.promo_id, p.sku_id, p.plan_location_id, p.from_location_id' %}

with protected as (
    select
        p.promo_id, p.sku_id, p.plan_location_id, p.location_id as to_location_id, l.supplied_by as from_location_id,
        p.announced_on, p.protect_units,
        count(*) over (partition by p.promo_id, p.sku_id, p.plan_location_id, l.supplied_by) as own_locations,
        count(*) over (partition by p.promo_id, p.sku_id, p.plan_location_id) as locations
    from {{ ref('int_promotions_in_force') }} as p
    inner join {{ ref('int_locations_in_force') }} as l on p.location_id = l.location_id
    where
        l.business_date = {{ date_of('run_date') }} and l.supplied_by is not null
        and p.protect_units > 0 and p.end_date >= {{ date_of('run_date') }}
),

shipments as (
    select
        max(e.from_location_id) as from_location_id, e.to_location_id, e.sku_id, min(e.business_date) as sent_on,
        greatest(coalesce(sum(e.units) filter (where e.kind = 'shipment'), 0), coalesce(sum(e.units) filter (where e.kind = 'receipt'), 0)) as units
    from {{ ref('int_transfer_events') }} as e
    semi join protected as p on e.sku_id = p.sku_id and e.to_location_id = p.to_location_id
    where e.business_date between {{ date_of('run_date') }} - {{ var('transit_window_days') }} and {{ date_of('run_date') }}
    group by e.shipment_id, e.to_location_id, e.sku_id
    union all
    select from_location_id, to_location_id, sku_id, decided_on, open_units
    from {{ ref('int_firm_lines') }}
    where business_date = {{ date_of('run_date') }}
),

sent as (
    select
        p.promo_id, p.sku_id, p.plan_location_id, p.to_location_id, p.from_location_id, p.announced_on,
        any_value((p.protect_units * p.own_locations + p.locations - 1) // p.locations) as protect_units,
        coalesce(sum(s.units), 0) as sent_units
    from protected as p
    left join shipments as s
        on p.sku_id = s.sku_id and p.to_location_id = s.to_location_id and p.from_location_id = s.from_location_id
        and s.sent_on >= p.announced_on
    group by all
)

select
    p.promo_id, p.sku_id, p.plan_location_id, p.to_location_id, p.from_location_id, p.announced_on,
    p.protect_units::BIGINT as protect_units,
    p.sent_units::BIGINT as sent_units,
    greatest(p.protect_units - sum(p.sent_units) over (partition by {{ at_dc }}), 0)::BIGINT as protected_units,
    row_number() over (partition by {{ at_dc }} order by p.to_location_id) = 1 as is_first
from sent as p
