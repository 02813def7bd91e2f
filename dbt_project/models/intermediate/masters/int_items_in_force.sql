-- The item master as it stood on each date of the range.
{{ config(materialized='view', tags=['inventory']) }}

select m.business_date, i.*
from {{ ref('int_master_in_force') }} as m
inner join {{ ref('int_item_partitions') }} as i on m.partition_date = i.partition_date
where m.feed = 'items'
