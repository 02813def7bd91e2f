-- Additive measures per location x department x date with their '*' totals: the only history that kpi_daily reads.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}

with {{ kpi_measured_pairs() }}

select
    business_date,
    case when grouping(location_id) = 1 then '*' else location_id end as location_id,
    case when grouping(department) = 1 then '*' else department end as department,
    case when grouping(location_id) = 0 then max(location_type) end as location_type,
    case when grouping(location_id) = 0 then max(channel) end as channel,
    {%- for name, type in kpi_additive() %}
    coalesce(sum({{ name }}), 0)::{{ type }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from measured
group by grouping sets (
    (business_date, location_id, department), (business_date, location_id), (business_date, department), (business_date)
)
