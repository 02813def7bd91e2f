-- The assortment picture in force on each date of the range: whether the dates of a row cover it, or it is past its exit.
{{ config(materialized='view', tags=['inventory']) }}

select
    m.business_date, a.location_id, a.sku_id, a.presentation_min, a.shelf_capacity,
    coalesce(a.status, 'active') as status,
    m.business_date between coalesce(a.start_date, m.business_date) and coalesce(a.end_date, m.business_date)
        as is_carried,
    coalesce(a.end_date < m.business_date, false) as is_past_exit
from {{ ref('int_master_in_force') }} as m
inner join {{ ref('stg_assortment') }} as a on m.partition_date = a.business_date
where m.feed = 'assortment'
