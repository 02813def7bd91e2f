-- What landed: one row per feed and date. The only place that reads the accounting for dates.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}

select
    feed, business_date,
    sum(rows_loaded)::BIGINT as rows_loaded,
    bool_or(is_readable) and (sum(rows_loaded) > 0 or sum(rows_landed) = 0) as is_picture,
    max(load)::BIGINT as newest_load
from {{ source('lake', 'accounting') }}
where {{ in_state_range() }} and {{ posted_since_state_from() }}
group by feed, business_date
