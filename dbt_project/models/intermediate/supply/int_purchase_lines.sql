-- Each line of an order to a supplier at the close of every date on which something happened to it. No column holds the
-- date of the order: it is the first date whose picture names the line, unknown in the first picture of all. A line closes
-- when all that is due was received, or when a picture says so or no longer names it (semantics 17).
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}
{% set line = 'po_id, location_id, sku_id' %}

with recent as (
    select * from {{ ref('int_purchase_events') }}
    where
        po_id is not null
        and business_date between {{ date_of('state_from') }} - {{ var('lead_times_window_days') }} and {{ date_of('state_to') }}
),

touched as (select distinct {{ line }} from recent where business_date >= {{ date_of('state_from') }}),

steps as (
    select
        {{ line }}, business_date,
        bool_or(kind = 'picture') as is_named,
        min(previous_on) as previous_on,
        min(supplier_id) filter (where kind = 'picture') as supplier_id,
        min(expected_date) as expected_date,
        min(ordered_units) as ordered_units,
        min(due_units) as due_units,
        bool_or(is_open) as is_open,
        bool_or(is_cancelled) as is_cancelled,
        min(received_units) filter (where kind = 'picture') as pictured_units,
        coalesce(sum(received_units) filter (where kind = 'receipt'), 0) as received_units,
        sum(damaged_units) as damaged_units,
        max(business_date) filter (where kind = 'receipt') as received_on
    from recent
    semi join touched using ({{ line }})
    group by {{ line }}, business_date
),

states as (
    select
        {{ line }}, business_date,
        min(case when is_named then business_date end) over past as first_named_on,
        min(previous_on) over past as previous_on,
        last_value(supplier_id ignore nulls) over past as supplier_id,
        first_value(expected_date ignore nulls) over past as promised_date,
        last_value(expected_date ignore nulls) over past as expected_date,
        last_value(ordered_units ignore nulls) over past as units_ordered,
        last_value(due_units ignore nulls) over past as units_due,
        last_value(is_open ignore nulls) over past as is_open,
        last_value(is_cancelled ignore nulls) over past as is_cancelled,
        greatest(sum(received_units) over past, coalesce(max(pictured_units) over past, 0))::BIGINT as units_received,
        sum(damaged_units) over past::BIGINT as units_damaged,
        max(received_on) over past as last_received_on
    from steps
    window past as (partition by {{ line }} order by business_date rows between unbounded preceding and current row)
)

select
    business_date, {{ line }}, supplier_id, first_named_on as ordered_on,
    case when previous_on < first_named_on then (first_named_on - previous_on - 1)::INTEGER end as order_gap_days,
    promised_date, expected_date, units_ordered, units_due, units_received, units_damaged, last_received_on, is_cancelled,
    min(case when not is_open or units_received >= units_due then business_date end) over (
        partition by {{ line }} order by business_date rows between unbounded preceding and current row
    ) as closed_on
from states
where first_named_on is not null
qualify {{ in_state_range() }}
