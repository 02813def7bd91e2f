-- int_kpi_dimension_daily by month, so that a year to date reads its months and not its days: of this year by the date's month, of
-- last year by the month of the date 364 days later. Months that the state range touches are built anew, from their days.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_kpi_months() }}",
) }}

with days as (
    {{- kpi_aligned_days(kpi_months_from(0), kpi_months_to(0), kpi_months_from(364), kpi_months_to(364)) }}
)

select
    is_last_year, date_trunc('month', as_of)::DATE as month, dimension, member, department,
    {%- for name, type in kpi_summed() %}
    sum({{ name }})::{{ type }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from days
group by is_last_year, date_trunc('month', as_of), dimension, member, department
