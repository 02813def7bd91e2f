-- Each shipment line at the close of every date on which something happened to its shipment (semantics 16): receipts that
-- name a line go to that line, the others to the lines in order, first in first out; what comes beyond them is over,
-- on the last line. Damaged units count as received, on the first line. Lines that nobody announced are there too.
{{ config(materialized='table', tags=['inventory']) }}
{% set pool = 'shipment_id, to_location_id, sku_id' %}
{% set of_line = 'filter (where e.line_no is not distinct from l.line_no)' %}
{% set of_none = 'filter (where e.line_no is null and l.line_no is not null)' %}

with events as (select * from {{ ref('int_transfer_due_events') }}),

lines as (select {{ pool }}, line_no, min(business_date) as first_on from events group by {{ pool }}, line_no),

steps as (select distinct {{ pool }}, business_date from events),

-- Receipts without a line belong to the lines of their shipment; they are a line only while there is none.
known as (
    select l.*, s.business_date
    from lines as l
    inner join steps as s using ({{ pool }})
    where l.first_on <= s.business_date
    qualify l.line_no is not null or count(*) over (partition by {{ pool }}, s.business_date) = 1
),

received as (
    select
        {{ pool }}, l.line_no, l.business_date, l.first_on,
        min(e.from_location_id) as from_location_id, min(e.receipt_from) as receipt_from,
        min(e.allocation_id) {{ of_line }} as allocation_id, max(e.expected_date) {{ of_line }} as expected_date,
        min(case when e.shipped > 0 then e.business_date end) {{ of_line }} as shipped_on,
        max(case when e.shipped > 0 then e.lost_on end) {{ of_line }} as lost_on,
        coalesce(sum(e.shipped) {{ of_line }}, 0) as units_shipped,
        coalesce(sum(e.received) {{ of_line }}, 0) as named_units,
        coalesce(sum(e.received) {{ of_none }}, 0) as unnamed_units,
        coalesce(sum(e.damaged) {{ of_line }}, 0) as named_damaged,
        coalesce(sum(e.damaged) {{ of_none }}, 0) as unnamed_damaged,
        min(case when e.received > 0 then e.business_date end) as first_received_on,
        max(case when e.received > 0 then e.business_date end) as last_received_on
    from known as l
    inner join events as e using ({{ pool }})
    where e.business_date <= l.business_date and (e.line_no is null or e.line_no is not distinct from l.line_no)
    group by {{ pool }}, l.line_no, l.business_date, l.first_on
),

opened as (
    select
        *,
        greatest(units_shipped - named_units, 0) as open_units,
        sum(greatest(units_shipped - named_units, 0)) over (
            in_order rows between unbounded preceding and 1 preceding
        ) as open_before,
        row_number() over in_order as line_order,
        count(*) filter (where units_shipped > 0) over of_step as shipped_lines,
        max(lost_on) over of_step <= business_date as is_due
    from received
    window
        of_step as (partition by {{ pool }}, business_date),
        in_order as (partition by {{ pool }}, business_date order by units_shipped = 0, first_on, line_no)
)

select
    business_date, {{ pool }}, line_no, coalesce(from_location_id, receipt_from) as from_location_id, allocation_id,
    expected_date, shipped_on, units_shipped::BIGINT as units_shipped,
    (named_units + case when line_order = greatest(shipped_lines, 1)
        then greatest(unnamed_units - coalesce(open_before, 0), 0)
        else least(greatest(unnamed_units - coalesce(open_before, 0), 0), open_units) end)::BIGINT as units_received,
    (named_damaged + case when line_order = 1 then unnamed_damaged else 0 end)::BIGINT as units_damaged,
    coalesce(is_due, false) as is_due,
    first_received_on, last_received_on
from opened
