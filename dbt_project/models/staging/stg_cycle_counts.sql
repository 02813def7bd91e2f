select
    count_id, line_no, location_id, sku_id, counted_units, counted_at, count_type, counter_id, reason_code,
    business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'cycle_counts') }}
