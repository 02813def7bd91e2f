-- What became of every landed file: landed = loaded + duplicate + quarantined, by file (published invariant 3).
-- A row of the accounting is a delta; nothing about a business date is posted before it, so older loads are not opened.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}

with deltas as (
    select *
    from {{ source('lake', 'accounting') }}
    where {{ in_state_range() }} and {{ posted_since_state_from() }}
)

select
    feed, business_date, source_file as file,
    sum(rows_landed)::BIGINT as rows_landed,
    sum(rows_loaded)::BIGINT as rows_loaded,
    sum(rows_duplicate)::BIGINT as rows_duplicate,
    sum(rows_quarantined)::BIGINT as rows_quarantined,
    sum(rows_late)::BIGINT as rows_late,
    max(sha256) as sha256,
    max(provenance) as provenance,
    max(problem) as problem
from deltas
group by feed, business_date, source_file
