select
    adjustment_id, location_id, sku_id, units, reason_code, count_id, approved_by, adjusted_at,
    business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'adjustments') }}
