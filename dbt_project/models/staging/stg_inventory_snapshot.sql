select
    location_id, sku_id, on_hand, damaged, reserved, as_of, business_date, source_file, source_line,
    posted_on, load
from {{ source('landing', 'inventory_snapshot') }}
