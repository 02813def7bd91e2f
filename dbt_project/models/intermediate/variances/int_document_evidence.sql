-- Cause missing_receipt: more was found than the book says, and a shipment or purchase order still owed units at that moment.
-- Its date had come by then, or a receipt that names it came later within the evidence window.
{{ config(materialized='table', tags=['inventory']) }}
{% set window = var('reconciliation_evidence_days') %}

with counts as (select * from {{ ref('int_variances') }} where variance > 0),

shipped as (
    select
        c.business_date, c.location_id, c.sku_id, c.count_id, e.shipment_id as document,
        sum(case e.kind when 'shipment' then e.units else -e.units end) filter (where {{ precedes_count('e', 'c') }})
            as open_units,
        min(e.expected_date) filter (where {{ precedes_count('e', 'c') }}) as expected_date,
        min(e.from_location_id) filter (where e.kind = 'shipment') as from_location_id,
        coalesce(bool_or(e.kind = 'receipt' and {{ follows_count('e', 'c') }}), false) as is_received_later
    from counts as c
    inner join {{ ref('int_transfer_events') }} as e on c.location_id = e.to_location_id and c.sku_id = e.sku_id
    where e.business_date >= {{ date_of('state_from') }} - {{ transit_lookback_days() }}
        and e.business_date between c.business_date - {{ transit_lookback_days() }} and c.business_date + {{ window }}
    group by c.business_date, c.location_id, c.sku_id, c.count_id, e.shipment_id
),

received as (
    select
        c.business_date, c.location_id, c.sku_id, c.count_id, r.source_id as document,
        coalesce(sum(r.units + coalesce(r.units_damaged, 0)) filter (where r.business_date = c.business_date), 0)
            as later_that_day
    from counts as c
    inner join {{ recent_facts('receipts') }} as r on c.location_id = r.location_id and c.sku_id = r.sku_id
    where r.source_type = 'purchase' and r.source_id is not null and {{ follows_count('r', 'c', 'received_at') }}
    group by c.business_date, c.location_id, c.sku_id, c.count_id, r.source_id
),

ordered as (
    select c.business_date, c.location_id, c.sku_id, c.count_id, o.po_id as document, o.units, o.expected_date
    from counts as c
    inner join {{ ref('int_on_order') }} as o on {{ same_pair('c', 'o') }}
),

documents as (
    select business_date, location_id, sku_id, count_id, 'shipments' as evidence_feed, document, open_units,
        expected_date, is_received_later, from_location_id
    from shipped
    union all
    select business_date, location_id, sku_id, count_id, 'purchase_orders', document,
        coalesce(o.units, 0) + coalesce(r.later_that_day, 0), o.expected_date, r.document is not null, null
    from ordered as o
    full join received as r using (business_date, location_id, sku_id, count_id, document)
)

select
    d.business_date, d.location_id, d.sku_id, d.count_id, 'missing_receipt' as cause,
    least(d.open_units, c.variance)::BIGINT as units, d.evidence_feed, d.document as evidence_key,
    case when d.is_received_later then 1 else 2 end as priority,
    d.from_location_id as other_location_id, null::VARCHAR as other_sku_id
from documents as d
inner join counts as c on {{ same_pair('d', 'c') }} and d.count_id = c.count_id
where d.open_units > 0
    and (d.is_received_later or d.expected_date between d.business_date - {{ window }} and d.business_date)
