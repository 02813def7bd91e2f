-- Which outcome files the ledger has ever heard of, and how far back their approvals reach. Only added to: where a run
-- judges its date again, the next one must also rebuild what the first judgement posted (orchestration/reach_back.py).
{{ config(materialized='incremental', incremental_strategy='append', tags=['inventory']) }}

select distinct o.business_date as decided_on, o.about_date
from {{ source('lake', 'approval_outcomes') }} as o
{% if is_incremental() -%}
anti join {{ this }} as h on o.business_date = h.decided_on and o.about_date = h.about_date
{%- endif %}
where
    o.kind = 'count' and o.outcome = 'approved'
    and o.business_date between {{ date_of('state_from') }} and {{ date_of('state_to') }}
