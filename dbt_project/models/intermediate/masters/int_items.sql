-- The item master in force on the run date: one row per item.
{{ config(materialized='view', tags=['inventory']) }}

select * exclude (business_date) from {{ ref('int_items_in_force') }} where business_date = {{ date_of('run_date') }}
