-- The append-only double-entry ledger. What the facts of the range imply is compared with the live entries (not reversed
-- yet); a new movement is appended, one that changed or lapsed is reversed, nothing is edited. A step that is
-- repeated finds no difference. Ids follow from the business key, so they do not depend on the run.
{{ config(materialized='incremental', incremental_strategy='append', tags=['inventory']) }}
{% set key = ['source_feed', 'source_key', 'movement_type', 'bucket', 'location_id', 'sku_id', 'business_date'] %}
{% set held_columns = key + ['units', 'unit_cost', 'source_file', 'posted_on', 'is_outside_opening'] %}

with desired as (select * from {{ ref('int_movements') }}),

{% if is_incremental() -%}
held as (select * from {{ this }} where {{ in_state_range() }}),
{%- else -%}
held as (
    select
        null::VARCHAR as movement_id, null::VARCHAR as reverses_movement_id, false as is_reversal, d.*
    from desired as d
    where false
),
{%- endif %}

live as (
    select h.*
    from held as h
    anti join held as r on h.movement_id = r.reverses_movement_id
    where not h.is_reversal
),

versions as (
    select {{ key | join(', ') }}, count(*) as version
    from held
    where not is_reversal
    group by all
),

appended as (
    select d.*, coalesce(v.version, 0) as version
    from desired as d
    left join versions as v using ({{ key | join(', ') }})
    left join live as h using ({{ key | join(', ') }})
    where h.movement_id is null or h.units <> d.units or h.unit_cost is distinct from d.unit_cost
),

reversed as (
    select h.*
    from live as h
    left join desired as d using ({{ key | join(', ') }})
    where d.units is null or h.units <> d.units or h.unit_cost is distinct from d.unit_cost
)

select
    md5(concat_ws('|', {{ key | join(', ') }}, case when version > 0 then version end)) as movement_id,
    business_date, location_id, sku_id, movement_type, bucket, units,
    unit_cost, (units * unit_cost)::DECIMAL(18, 6) as movement_value, source_feed, source_key, source_file,
    case when version > 0 then greatest(posted_on, {{ date_of('run_date') }}) else posted_on end as posted_on,
    false as is_reversal, null::VARCHAR as reverses_movement_id, is_outside_opening
from appended
union all
select
    md5('reversal|' || movement_id) as movement_id,
    business_date, location_id, sku_id, movement_type, bucket, -units as units,
    unit_cost, (-units * unit_cost)::DECIMAL(18, 6) as movement_value, source_feed, source_key, source_file,
    greatest({{ date_of('run_date') }}, posted_on) as posted_on,
    true as is_reversal, movement_id as reverses_movement_id, is_outside_opening
from reversed
