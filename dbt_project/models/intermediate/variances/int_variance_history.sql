-- Every count with a book to compare, kept over the dates: what later evidence compares with. `sibling_key` is what items that
-- are easily taken for each other share: the style, without one the class.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}

select
    c.business_date, c.location_id, c.sku_id, c.count_id, c.counted_at, c.counted_units, c.variance,
    c.movement_type is not null as is_posted,
    coalesce('style ' || i.style_id, 'class ' || i.department || ' ' || i.class) as sibling_key
from {{ ref('int_count_corrections') }} as c
left join {{ ref('int_items_in_force') }} as i on c.business_date = i.business_date and c.sku_id = i.sku_id
where not c.is_opening
