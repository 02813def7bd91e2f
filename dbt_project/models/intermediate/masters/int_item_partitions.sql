-- The item partitions in force somewhere in the range, read once.
{{ config(materialized='table', tags=['inventory']) }}

select
    business_date as partition_date, sku_id, style_id, department, class, subclass, brand, supplier_id, season,
    lifecycle, launch_date, like_sku_id, strategic, shelf_life_days,
    coalesce(ownership, 'owned') as ownership,
    unit_cost, unit_price,
    coalesce(case_pack, 1) as case_pack
from {{ ref('stg_items') }}
where business_date in (select partition_date from {{ ref('int_master_in_force') }} where feed = 'items')
