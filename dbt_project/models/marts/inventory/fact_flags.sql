-- Facts that load but deserve a look, one row a fact and flag. A pair of entries that take each other back stands on the date
-- of the later one.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['inventory'],
    pre_hook="{{ delete_state_range() }}",
) }}
{% set adjusted_from = date_of('state_from') ~ ' - ' ~ var('reconciliation_evidence_days') %}

with returned as (
    select *, bool_or(original_transaction_id is not null) over (partition by business_date) as is_naming_date
    from {{ recent_facts('returns') }}
),

named as (select distinct original_transaction_id as transaction_id, sku_id from returned),

sold as (
    select p.transaction_id, p.sku_id, min(p.business_date) as sold_on
    from {{ ref('stg_pos') }} as p
    semi join named as n on p.transaction_id = n.transaction_id and p.sku_id = n.sku_id
    where p.posted_on >= {{ date_of('state_from') }} - {{ var('reconciliation_return_match_days') }}
    group by p.transaction_id, p.sku_id
),

unsold as (
    select r.business_date, 'returns' as feed, {{ source_key(['r.return_id', 'r.line_no']) }} as source_key,
        'return_without_sale' as flag, r.original_transaction_id as counterpart_key, r.units, r.refund_amount as value
    from returned as r
    left join sold as s
        on r.original_transaction_id = s.transaction_id and r.sku_id = s.sku_id and s.sold_on <= r.business_date
    where r.is_naming_date and s.transaction_id is null
),

repeated as (
    select business_date, 'pos' as feed, {{ source_key(['transaction_id', 'line_no']) }} as source_key, 'repeated_line' as flag,
        transaction_id || '|' || first_value(line_no) over same as counterpart_key, units, net_amount as value
    from {{ recent_facts('pos') }}
    window same as (partition by business_date, transaction_id, location_id, sku_id, units, net_amount order by line_no)
    qualify row_number() over same > 1
),

adjusted as (
    select * from {{ ref('stg_adjustments') }}
    where business_date between {{ adjusted_from }} and {{ date_of('state_to') }} and posted_on >= {{ adjusted_from }}
),

-- Each entry's nearest opposite; two that are nearest to each other take each other back.
nearest as (
    select a.adjustment_id, a.business_date, a.units, o.adjustment_id as opposite_id, o.business_date as opposite_on
    from adjusted as a
    inner join adjusted as o
        on a.location_id = o.location_id and a.sku_id = o.sku_id and a.units = -o.units
        and abs(a.business_date - o.business_date) <= {{ var('reconciliation_evidence_days') }}
    qualify row_number() over (
        partition by a.adjustment_id order by abs(a.business_date - o.business_date), o.business_date, o.adjustment_id
    ) = 1
),

reversed as (
    select a.business_date, 'adjustments' as feed, a.adjustment_id as source_key, 'reversed_entry' as flag,
        a.opposite_id as counterpart_key, a.units, null::DECIMAL(18, 6) as value
    from nearest as a
    inner join nearest as b on a.opposite_id = b.adjustment_id and b.opposite_id = a.adjustment_id
    where (a.business_date, a.adjustment_id) > (b.business_date, b.adjustment_id) and {{ in_state_range('a.business_date') }}
),

outside as (
    select business_date, source_feed as feed, source_key, 'outside_opening' as flag, null as counterpart_key,
        sum(units) as units, sum(movement_value) as value
    from {{ ref('stock_ledger') }}
    where {{ in_state_range() }} and is_outside_opening
    group by business_date, source_feed, source_key
    having count(*) filter (where not is_reversal) > count(*) filter (where is_reversal)
)

select business_date, feed, source_key, flag, counterpart_key, units::BIGINT as units, value::DECIMAL(18, 6) as value
from (from unsold union all by name from repeated union all by name from reversed union all by name from outside)
