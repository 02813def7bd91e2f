-- What became of every shipment line: open, or closed or touched on the date. Short, over, late and unannounced receipts
-- show as such. Lines that nothing happened to are carried from the date before, so that a day costs a day.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}
{% set line = ['shipment_id', 'to_location_id', 'sku_id', 'line_no'] %}

with dates as (select business_date from {{ ref('int_business_dates') }} where {{ in_state_range() }}),

steps as (
    select * from {{ ref('int_shipment_line_steps') }}
    {%- if is_incremental() %}
    union all by name
    select
        p.business_date, p.shipment_id, p.to_location_id, p.sku_id, p.line_no, p.from_location_id, p.allocation_id,
        p.expected_date, p.shipped_on, p.units_shipped, p.units_received, p.units_damaged, false as is_due,
        p.first_received_on, p.last_received_on
    from {{ this }} as p
    anti join {{ ref('int_shipment_line_steps') }} as s
        on p.shipment_id = s.shipment_id and p.to_location_id = s.to_location_id and p.sku_id = s.sku_id
    where p.in_transit_units > 0 and p.business_date = (
        select max(b.business_date) from {{ ref('int_business_dates') }} as b
        where b.business_date < {{ date_of('state_from') }}
    )
    {%- endif %}
),

levels as (
    select *,
        greatest(units_shipped - units_received, 0) as missing_units,
        lead(business_date) over (partition by {{ line | join(', ') }} order by business_date) as next_step
    from steps
),

-- Each date takes the newest step up to it: the date's own, or one that left the line open.
daily as (
    select
        d.business_date as as_of, l.*,
        l.missing_units > 0 and not l.is_due as is_open
    from levels as l
    inner join dates as d
        on d.business_date >= l.business_date and d.business_date < coalesce(l.next_step, date '9999-12-31')
    where d.business_date = l.business_date or (l.missing_units > 0 and not l.is_due)
)

select
    d.as_of as business_date, d.shipment_id, coalesce(d.line_no, 0)::BIGINT as line_no, d.from_location_id, d.to_location_id, d.sku_id,
    d.allocation_id, d.shipped_on, d.expected_date, d.units_shipped, d.units_received, d.units_damaged,
    case when d.is_open then d.missing_units else 0 end::BIGINT as in_transit_units,
    case when d.is_open then 0 else d.missing_units end::BIGINT as short_units,
    greatest(d.units_received - d.units_shipped, 0)::BIGINT as over_units,
    d.first_received_on, d.last_received_on,
    case
        when d.is_open then nullif(greatest(d.as_of - d.expected_date, 0), 0)
        when d.missing_units = 0 and d.expected_date is not null then greatest(d.last_received_on - d.expected_date, 0)
    end::BIGINT as days_late,
    coalesce(case when d.missing_units = 0 then d.last_received_on else d.as_of end > d.expected_date, false) as is_late,
    d.units_shipped = 0 as is_unannounced,
    case
        when d.units_shipped = 0 then 'unannounced'
        when d.is_open and d.as_of > d.expected_date then 'overdue'
        when d.is_open then 'in_transit'
        when d.missing_units > 0 and d.units_received = 0 then 'lost'
        when d.missing_units > 0 then 'short'
        when d.units_received > d.units_shipped then 'over'
        else 'received'
    end as status,
    case when not d.is_open then d.business_date end as closed_on,
    i.unit_cost
from daily as d
left join {{ ref('int_items_in_force') }} as i on d.as_of = i.business_date and d.sku_id = i.sku_id
