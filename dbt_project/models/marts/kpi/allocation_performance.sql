-- What a date's plan was worth, by channel and department; the certificate of the whole run is the row '*','*' (semantics 22).
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}

with certificate as (
    select business_date, objective_value, objective_bound, presentation_bonus
    from {{ source('lake', 'allocation_certificate') }}
    where {{ in_state_range() }} and from_location_id = '*'
),

backlog as (
    select d.business_date, l.channel, i.department, d.open_order_units
    from {{ ref('int_demand_daily') }} as d
    inner join certificate as c on d.business_date = c.business_date
    left join {{ ref('int_locations_in_force') }} as l
        on d.business_date = l.business_date and d.location_id = l.location_id
    left join {{ ref('int_items_in_force') }} as i on d.business_date = i.business_date and d.sku_id = i.sku_id
    where d.open_order_units > 0
),

measures as (
    select
        business_date, channel, department, need_units, allocated_units, shorted_units,
        0 as open_order_units, objective_value, objective_bound, presentation_bonus
    from {{ source('lake', 'allocation_needs') }}
    where {{ in_state_range() }}
    union all
    select business_date, channel, department, 0, 0, 0, open_order_units, 0, 0, 0
    from backlog
),

slices as (
    select
        business_date,
        grouping(channel) + grouping(department) = 2 as is_run,
        case when grouping(channel) = 1 then '*' else coalesce(channel, 'unassigned') end as channel,
        case when grouping(department) = 1 then '*' else coalesce(department, 'unassigned') end as department,
        sum(need_units) as requested_units, sum(allocated_units) as allocated_units, sum(shorted_units) as shorted_units,
        sum(open_order_units) as backlog_units,
        sum(objective_value) as objective_value, sum(objective_bound) as objective_bound,
        sum(presentation_bonus) as presentation_bonus
    from measures
    group by grouping sets (
        (business_date, channel, department), (business_date, channel), (business_date, department), (business_date)
    )
),

-- The run's value and bound are the certificate's: its bound keeps the rent of capacity that no slice used.
rows_of_run as (
    select
        business_date, channel, department, requested_units, allocated_units, shorted_units, backlog_units,
        objective_value, objective_bound, presentation_bonus
    from slices
    where not is_run
    union all
    select
        c.business_date, '*', '*', coalesce(s.requested_units, 0), coalesce(s.allocated_units, 0),
        coalesce(s.shorted_units, 0), coalesce(s.backlog_units, 0),
        c.objective_value, c.objective_bound, c.presentation_bonus
    from certificate as c
    left join slices as s on c.business_date = s.business_date and s.is_run
)

select
    business_date, channel, department,
    requested_units::BIGINT as requested_units,
    allocated_units::BIGINT as allocated_units,
    shorted_units::BIGINT as shorted_units,
    {{ kpi_share('allocated_units', 'requested_units') }} as allocation_fill_rate,
    backlog_units::BIGINT as backlog_units,
    objective_value::DECIMAL(28, 6) as objective_value,
    objective_bound::DECIMAL(28, 6) as objective_bound,
    presentation_bonus::DECIMAL(28, 6) as presentation_bonus,
    {{ kpi_optimality_gap('objective_value', 'objective_bound') }} as optimality_gap
from rows_of_run
