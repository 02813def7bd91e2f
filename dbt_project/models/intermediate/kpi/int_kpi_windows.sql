-- Window sums of stock and flow that end on each date of the state range, per location x department and their totals;
-- those of counts are in int_kpi_record_windows.
{{ config(materialized='view', tags=['marts']) }}
{% set stocked = 'h.positions > 0' %}
{% set turns = kpi_in_window('h', 't', 'turns') ~ ' and ' ~ stocked %}
{% set sold = kpi_in_window('h', 't', 'sell_through') ~ ' and ' ~ stocked %}

with targets as (
    select business_date, location_id, department
    from {{ ref('int_kpi_daily_base') }}
    where {{ in_state_range() }}
),

history as (
    select * from {{ ref('int_kpi_daily_base') }}
    where {{ kpi_in_history() }}
),

-- Flow and stock of a window come from the same dates: those on which the group had positions.
windows as (
    select
        t.business_date, t.location_id, t.department,
        sum(h.book_sales_units) filter (where {{ sold }}) as sold_units,
        min_by(h.opening_units, h.business_date) filter (where {{ sold }})
        + sum(h.opened_units) filter (where {{ sold }}) as opening_units,
        -- Over the network a transfer brings nothing in: only purchases are received.
        sum(h.purchased_units + case when h.location_id = '*' then 0 else h.transferred_in_units end)
            filter (where {{ sold }}) as received_units,
        {{ kpi_days_covered('h', 't', sold) }} as sell_through_window_days,
        sum(h.net_cogs_owned) filter (where {{ turns }}) as turns_cogs,
        sum(h.gross_margin_owned) filter (where {{ turns }}) as turns_margin,
        sum(h.inventory_value) filter (where {{ turns }})
        / nullif(count(*) filter (where {{ turns }}), 0) as mean_inventory_value,
        {{ kpi_days_covered('h', 't', turns) }} as turns_window_days
    from targets as t
    inner join history as h on t.location_id = h.location_id and t.department = h.department
    where {{ kpi_in_window('h', 't', 'longest') }}
    group by t.business_date, t.location_id, t.department
)

select
    business_date, location_id, department,
    sold_units::BIGINT as sold_units,
    opening_units::BIGINT as opening_units,
    received_units::BIGINT as received_units,
    sell_through_window_days::BIGINT as sell_through_window_days,
    turns_cogs, turns_margin,
    mean_inventory_value::DECIMAL(28, 6) as mean_inventory_value,
    turns_window_days::BIGINT as turns_window_days
from windows
