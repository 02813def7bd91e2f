-- Open-to-buy at retail by department and month, as of the run date: planned sales + planned markdowns + planned stock at the end
-- - planned stock at the beginning - on order - received to date (semantics 26). The month of the run date and those after it;
-- without the budgets feed no row. Stock that suppliers own uses no budget (semantics 19).
{{ config(materialized='table', tags=['inventory']) }}
{% set first_day = "date_trunc('month', " ~ date_of('run_date') ~ ")::DATE" %}

with plans as (
    select
        b.department, b.month, b.planned_sales, coalesce(b.planned_markdowns, 0) as planned_markdowns,
        b.planned_eom_inventory, b.planned_receipts,
        (
            select p.planned_eom_inventory from {{ ref('stg_budgets') }} as p
            where p.business_date = b.business_date and p.department = b.department and p.month = b.month - interval 1 month
        ) as planned_bom_inventory
    from {{ ref('int_master_in_force') }} as m
    inner join {{ ref('stg_budgets') }} as b on m.partition_date = b.business_date
    where m.feed = 'budgets' and m.business_date = {{ date_of('run_date') }} and b.month >= {{ first_day }}
),

items as (
    select sku_id, department, ownership, coalesce(unit_price, 0) as unit_price
    from {{ ref('int_items_in_force') }} where business_date = {{ date_of('run_date') }}
),

parts as (
    select sku_id, location_id, {{ first_day }} as month, units as received, 0 as on_order, 0 as opening
    from {{ ref('int_purchase_receipts') }} where business_date between {{ first_day }} and {{ date_of('run_date') }}
    union all
    select sku_id, location_id, date_trunc('month', greatest(expected_date, business_date))::DATE, 0, units, 0
    from {{ ref('int_on_order') }} where business_date = {{ date_of('run_date') }}
    union all
    -- Stock at the beginning of the month: today's less what has moved since. Books that opened since held it before.
    select sku_id, location_id, {{ first_day }}, 0, 0, on_hand
    from {{ ref('int_position_levels') }} where business_date = {{ date_of('run_date') }}
    union all
    select sku_id, location_id, {{ first_day }}, 0, 0, -units
    from {{ ref('stock_ledger') }}
    where business_date between {{ first_day }} and {{ date_of('run_date') }} and bucket = 'on_hand' and movement_type <> 'opening'
),

actuals as (
    select
        i.department, p.month,
        sum(p.received * i.unit_price) as received_to_date, sum(p.on_order * i.unit_price) as on_order,
        sum(p.opening * i.unit_price) as opening_inventory
    from parts as p
    inner join items as i on p.sku_id = i.sku_id
    left join {{ ref('int_vendor_terms') }} as v on p.location_id = v.location_id and p.sku_id = v.sku_id
    where coalesce(v.kind, i.ownership) = 'owned'
    group by i.department, p.month
),

joined as (
    select
        p.*, a.received_to_date, a.on_order,
        coalesce(p.planned_bom_inventory, o.opening_inventory, 0)::DECIMAL(18, 6) as bom_inventory
    from plans as p
    left join actuals as a on p.department = a.department and p.month = a.month
    left join actuals as o on p.department = o.department and o.month = {{ first_day }}
)

select
    {{ date_of('run_date') }} as business_date, department, month,
    planned_sales::DECIMAL(18, 6) as planned_sales, planned_markdowns::DECIMAL(18, 6) as planned_markdowns,
    planned_eom_inventory::DECIMAL(18, 6) as planned_eom_inventory, planned_receipts::DECIMAL(18, 6) as planned_receipts, bom_inventory,
    planned_bom_inventory is not null as is_bom_planned,
    coalesce(received_to_date, 0)::DECIMAL(18, 6) as received_to_date,
    coalesce(on_order, 0)::DECIMAL(18, 6) as on_order,
    (
        planned_sales + planned_markdowns + planned_eom_inventory - bom_inventory
        - coalesce(on_order, 0) - coalesce(received_to_date, 0)
    )::DECIMAL(18, 6) as open_to_buy
from joined
