-- The last model of the step: which loads the warehouse now holds, up to which date, and where the books open. A run that
-- dies before it repeats the step without harm.
-- depends_on: {{ ref('int_reconciliation_flows') }}
-- depends_on: {{ ref('int_variance_evidence') }}
-- depends_on: {{ ref('int_record_evidence') }}
-- depends_on: {{ ref('int_location_errors_daily') }}
-- depends_on: {{ ref('fact_flags') }}
-- depends_on: {{ ref('inventory_positions') }}
-- depends_on: {{ ref('int_allocation_pairs') }}
-- depends_on: {{ ref('int_dc_supply') }}
-- depends_on: {{ ref('int_booked_capacity') }}
-- depends_on: {{ ref('int_promotions_in_force') }}
-- depends_on: {{ ref('int_late_demand') }}
-- depends_on: {{ ref('int_deliveries') }}
-- depends_on: {{ ref('int_lane_terms') }}
-- depends_on: {{ ref('int_replenishment_pairs') }}
-- depends_on: {{ ref('open_to_buy') }}
{{ config(materialized='table', tags=['inventory']) }}

select
    greatest(coalesce(max(newest_load), -1), {{ var('applied_load') }})::BIGINT as through_load,
    {{ date_of('state_to') }} as state_to,
    min(business_date) filter (where feed = 'inventory_snapshot' and rows_loaded > 0) as opened_on
from {{ ref('int_landed_partitions') }}
