-- How each book moved from one close to the next, what counts and the system of record said of it (published invariant 1), and
-- what explains their variances as far as the facts of the run carry (`variance_causes`; the rest is unexplained).
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}

with causes as (
    select counted_on as business_date, location_id, sku_id, cause, sum(units)::BIGINT as units
    from {{ source('lake', 'variance_causes') }}
    where business_date = {{ date_of('run_date') }} and {{ in_state_range('counted_on') }}
    group by counted_on, location_id, sku_id, cause
),

by_pair as (
    select
        business_date, location_id, sku_id,
        arg_max(cause, (abs(units), -{{ cause_rank('cause') }})) as explained_by,
        coalesce(sum(units) filter (where cause <> 'unexplained'), 0) as explained_units,
        coalesce(sum(units) filter (where cause = 'unexplained'), 0) as unexplained_units,
        string_agg(cause || ':' || units, ', ' order by cause) as causes
    from causes
    group by business_date, location_id, sku_id
)

select
    f.business_date, f.location_id, f.sku_id, f.opening, f.receipts, f.returns_restocked, f.sales, f.transfers_in,
    f.transfers_out, f.adjustments, f.closing_book, f.system_on_hand, f.counted_units, f.variance,
    case when f.variance <> 0 then c.explained_by end as explained_by,
    f.count_tolerance_units, f.is_accurate, f.unit_cost, f.department, f.posted_by,
    case when f.variance is not null then coalesce(c.explained_units, 0) end::BIGINT as explained_units,
    case when f.variance is not null then coalesce(c.unexplained_units, 0) end::BIGINT as unexplained_units,
    c.causes,
    f.system_on_hand - f.closing_book as system_variance,
    coalesce(f.system_on_hand <> f.closing_book, false) as has_system_variance
from {{ ref('int_reconciliation_flows') }} as f
left join by_pair as c on {{ same_pair('f', 'c') }}
where {{ in_state_range('f.business_date') }}
