-- The book at the close of the last date before the range, from the positions of earlier runs. Read without a ref, because
-- positions are built from it: each run starts where an earlier one ended.
{{ config(materialized='table', tags=['inventory']) }}

{% set positions = adapter.get_relation(this.database, this.schema, 'inventory_positions') if execute %}
{% if positions -%}
select
    business_date, location_id, sku_id, on_hand, damaged,
    in_transit - in_transit_firm as in_transit,
    is_unopened, first_seen, last_sale_date
from {{ positions }}
where business_date = (
    select max(business_date) from {{ positions }} where business_date < {{ date_of('state_from') }}
)
{%- else -%}
select
    null::DATE as business_date, null::VARCHAR as location_id, null::VARCHAR as sku_id, null::BIGINT as on_hand,
    null::BIGINT as damaged, null::BIGINT as in_transit, null::BOOLEAN as is_unopened, null::DATE as first_seen,
    null::DATE as last_sale_date
where false
{%- endif %}
