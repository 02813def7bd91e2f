-- The bounds that overrides in force set for each pair of the run date. Where several apply: exclude, then lock, then set,
-- then the tightest of min and max; the one that decides is named.
{{ config(materialized='view', tags=['inventory']) }}

with applied as (
    select
        r.location_id as to_location_id, r.supplied_by as from_location_id, o.sku_id, o.override_id, o.kind,
        o.business_date,
        case o.kind when 'lock' then case
            when o.plan_to_location_id = r.location_id and o.plan_from_location_id = r.supplied_by then o.plan_units
            else 0
        end else o.units end as units
    from {{ ref('int_overrides_in_force') }} as o
    inner join {{ ref('int_locations_in_force') }} as r
        on r.location_id = coalesce(o.to_location_id, r.location_id)
        and r.supplied_by = coalesce(o.from_location_id, r.supplied_by)
    where r.business_date = {{ date_of('run_date') }} and r.location_type in ('store', 'ecom')
),

folded as (
    select
        from_location_id, to_location_id, sku_id,
        bool_or(kind = 'exclude') as is_excluded,
        max(units) filter (where kind = 'lock') as locked_units,
        arg_max(units, (business_date, override_id)) filter (where kind = 'set') as set_units,
        max(units) filter (where kind = 'min') as least_units,
        min(units) filter (where kind = 'max') as most_units,
        arg_min(override_id, (
            list_position(['exclude', 'lock', 'set', 'max', 'min'], kind), -epoch(business_date), override_id
        )) as override_id
    from applied
    group by from_location_id, to_location_id, sku_id
)

select
    from_location_id, to_location_id, sku_id, override_id, is_excluded,
    case when is_excluded then 0 else coalesce(locked_units, set_units, least_units) end::BIGINT as min_units,
    case when is_excluded then 0 else coalesce(locked_units, set_units, most_units) end::BIGINT as max_units
from folded
