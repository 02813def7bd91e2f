-- The pairs that were counted, date by date: small beside the positions, and all that coverage reads of earlier dates.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}

select business_date, location_id, sku_id
from {{ ref('reconciliations') }}
where {{ in_state_range() }} and counted_units is not null
