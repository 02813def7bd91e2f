-- The adjustments of the range that move stock by themselves. Where the pipeline posts counts, one that names a count of the
-- same pair moves it only if that count was held: that is decided with the counts (semantics 18).
{{ config(materialized='view', tags=['inventory']) }}

select a.*
from {{ recent_facts('adjustments') }} as a
anti join {{ ref('int_named_adjustments') }} as n
    on a.business_date = n.business_date and a.adjustment_id = n.adjustment_id
