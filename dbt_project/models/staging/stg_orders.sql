select
    order_id, line_no, sku_id, units, channel, ordered_at, promised_date, customer_tier, ship_to_region,
    status, ship_from_location_id, allow_split, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'orders') }}
