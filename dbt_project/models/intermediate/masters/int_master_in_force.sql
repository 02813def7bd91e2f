-- Which partition of a master feed is in force on each date: the newest at or before it. For items and locations a
-- date before the first partition takes the first, so that history taken in under one later master keeps its value.
{{ config(materialized='table', tags=['inventory']) }}

with dates as (select business_date from {{ ref('int_business_dates') }} where {{ in_state_range() }}),

partitions as (
    select feed, business_date as partition_date
    from {{ ref('int_landed_partitions') }}
    where
        (feed in ('items', 'locations') and rows_loaded > 0)
        or (feed in ('inventory_snapshot', 'lanes', 'purchase_orders', 'assortment', 'vendor_contracts', 'budgets') and is_picture)
),

newest as (
    select
        d.business_date, p.feed,
        max(p.partition_date) filter (where p.partition_date <= d.business_date) as at_or_before,
        min(p.partition_date) as first_partition
    from dates as d
    cross join partitions as p
    group by d.business_date, p.feed
)

select
    business_date, feed,
    coalesce(at_or_before, case when feed in ('items', 'locations') then first_partition end) as partition_date
from newest
where at_or_before is not null or feed in ('items', 'locations')
