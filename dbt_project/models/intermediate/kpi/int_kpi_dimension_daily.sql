-- The additive measures of kpi_daily per member of each dimension and date: all that the periods of kpi_periods read. Every
-- dimension splits the whole, so its members add up to the row '*' of `total`; the crossings split it by member and department.
-- Places and classes are those in force on the date; a segment is the ABC class decided on a date before it.
{{ config(
    materialized='incremental', incremental_strategy='append', tags=['marts'],
    pre_hook="{{ delete_state_range() }}",
) }}
{% set crossed = ['location', 'channel', 'region', 'cluster'] %}
{% set dimensions = crossed + ['department', 'class', 'segment', 'total'] %}

with {{ kpi_measured_pairs() }},

classed as (
    select d.business_date, s.sku_id, s.abc
    from (select distinct business_date from {{ ref('int_business_dates') }} where {{ in_state_range() }}) as d
    asof join (select distinct business_date from {{ source('lake', 'sku_segments') }}) as c on d.business_date > c.business_date
    inner join {{ source('lake', 'sku_segments') }} as s on s.business_date = c.business_date
),

placed as (
    select
        m.* replace (coalesce(m.channel, 'unassigned') as channel),
        m.location_id as location, '*' as total,
        coalesce(l.region, 'unassigned') as region,
        coalesce(l.cluster, 'unassigned') as cluster,
        coalesce(i.class, 'unassigned') as class,
        coalesce(s.abc, 'unassigned') as segment
    from measured as m
    left join {{ ref('int_locations_in_force') }} as l on m.business_date = l.business_date and m.location_id = l.location_id
    left join {{ ref('int_items_in_force') }} as i on m.business_date = i.business_date and m.sku_id = i.sku_id
    left join classed as s on m.business_date = s.business_date and m.sku_id = s.sku_id
),

-- SKUs are added up once, here, and not once for each dimension.
cells as (
    select
        business_date, {{ dimensions | join(', ') }},
        {%- for name, type in kpi_additive() %}
        sum({{ name }}) as {{ name }}{{ ',' if not loop.last }}
        {%- endfor %}
    from placed
    group by all
)

select
    business_date,
    case
        when grouping(department) = 1 or grouping({{ crossed | join(', ') }}) = 15 then
            case {% for name in dimensions %}when grouping({{ name }}) = 0 then '{{ name }}' {% endfor %}end
        {%- for name in crossed %}
        when grouping({{ name }}) = 0 then '{{ name }}_department'
        {%- endfor %}
    end as dimension,
    coalesce({{ dimensions | join(', ') }}) as member,
    case when grouping(department) = 1 or grouping({{ crossed | join(', ') }}) = 15 then '*' else department end as department,
    {%- for name, type in kpi_additive() %}
    coalesce(sum({{ name }}), 0)::{{ type }} as {{ name }}{{ ',' if not loop.last }}
    {%- endfor %}
from cells
group by grouping sets (
    {%- for name in dimensions %}
    (business_date, {{ name }}),
    {%- endfor %}
    {%- for name in crossed %}
    (business_date, {{ name }}, department){{ ',' if not loop.last }}
    {%- endfor %}
)
