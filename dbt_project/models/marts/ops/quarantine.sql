-- Every row that was not loaded, with its text and reasons, and the date on which it was taken up after all.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}

with refused as (
    select *
    from {{ source('lake', 'quarantine') }}
    where {{ in_state_range() }} and {{ posted_since_state_from() }}
),

resolved as (
    select feed, business_date, source_file, source_line, min(resolved_on) as resolved_on
    from {{ source('lake', 'resolved') }}
    where {{ in_state_range() }} and {{ posted_since_state_from() }}
    group by feed, business_date, source_file, source_line
)

select
    q.feed, q.business_date,
    q.source_file as file,
    q.source_line as line,
    q.raw_text, q.reasons, q.detail, q.first_seen, r.resolved_on
from refused as q
left join resolved as r
    on q.feed = r.feed and q.business_date = r.business_date
    and q.source_file = r.source_file and q.source_line = r.source_line
