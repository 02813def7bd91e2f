-- One row a run: wall seconds, rows in and out, the certificate and its warnings. The only dataset with a clock (semantics 5).
-- A view: the run writes its own facts to the lake after the marts are built.
{{ config(materialized='view', tags=['marts']) }}

select
    business_date::DATE as business_date, run_id::VARCHAR as run_id, started_at::TIMESTAMP as started_at,
    policy_hash::VARCHAR as policy_hash, input_hash::VARCHAR as input_hash, code_version::VARCHAR as code_version,
    seconds_ingest::DOUBLE as seconds_ingest, seconds_inventory::DOUBLE as seconds_inventory,
    seconds_decide::DOUBLE as seconds_decide, seconds_gates::DOUBLE as seconds_gates,
    rows_landed::BIGINT as rows_landed, rows_loaded::BIGINT as rows_loaded, rows_quarantined::BIGINT as rows_quarantined,
    allocation_lines::BIGINT as allocation_lines,
    objective_value::DECIMAL(28, 6) as objective_value, objective_bound::DECIMAL(28, 6) as objective_bound,
    optimality_gap::DOUBLE as optimality_gap,
    is_cold_start::BOOLEAN as is_cold_start, warnings::VARCHAR[] as warnings, provenance::VARCHAR as provenance
from {{ source('lake', 'runs') }}
