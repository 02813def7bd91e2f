-- Window sums that end on each date of the state range, per location x department and their totals.
{{ config(materialized='view', tags=['marts']) }}
{% set stocked = 'h.positions > 0' %}
{% set turns = kpi_in_window('h', 't', 'turns') ~ ' and ' ~ stocked %}
{% set sold = kpi_in_window('h', 't', 'sell_through') ~ ' and ' ~ stocked %}
{% set shrink = kpi_in_window('h', 't', 'shrink') %}

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
        {{ kpi_days_covered('h', 't', turns) }} as turns_window_days,
        sum(h.counted_records) filter (where {{ shrink }}) as shrink_records,
        sum(h.shrink_net_value) filter (where {{ shrink }}) as shrink_net_value,
        sum(h.cogs - h.restocked_cost) filter (where {{ shrink }}) as shrink_net_cogs
    from targets as t
    inner join history as h on t.location_id = h.location_id and t.department = h.department
    where {{ kpi_in_window('h', 't', 'longest') }}
    group by t.business_date, t.location_id, t.department
),

-- A gain in one location never pays for a loss in another: the network adds the losses and the gains apart.
network_shrink as (
    select
        business_date, department,
        sum(greatest(shrink_net_value, 0)) as loss_value,
        sum(greatest(-shrink_net_value, 0)) as gain_value
    from windows
    where location_id <> '*'
    group by business_date, department
)

select
    w.business_date, w.location_id, w.department,
    w.sold_units::BIGINT as sold_units,
    w.opening_units::BIGINT as opening_units,
    w.received_units::BIGINT as received_units,
    w.sell_through_window_days::BIGINT as sell_through_window_days,
    w.turns_cogs, w.turns_margin,
    w.mean_inventory_value::DECIMAL(28, 6) as mean_inventory_value,
    w.turns_window_days::BIGINT as turns_window_days,
    w.shrink_net_cogs,
    case
        when w.shrink_records = 0 then null
        when w.location_id = '*' then n.loss_value
        else greatest(w.shrink_net_value, 0)
    end::DECIMAL(28, 6) as shrink_value,
    case
        when w.shrink_records = 0 then null
        when w.location_id = '*' then n.gain_value
        else greatest(-w.shrink_net_value, 0)
    end::DECIMAL(28, 6) as shrink_gain_value
from windows as w
left join network_shrink as n on w.business_date = n.business_date and w.department = n.department
