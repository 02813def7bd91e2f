-- One row per fact that could explain a variance, signed like it: the most that it can explain. No fact, no row.
{{ config(materialized='table', tags=['inventory']) }}

select * from {{ ref('int_document_evidence') }}
union all
select * from {{ ref('int_late_fact_evidence') }}
union all
select * from {{ ref('int_reason_evidence') }}
union all
select * from {{ ref('int_counterpart_evidence') }}
