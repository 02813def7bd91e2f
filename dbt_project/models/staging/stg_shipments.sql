select
    shipment_id, line_no, from_location_id, to_location_id, sku_id, units, shipped_at, expected_date,
    allocation_id, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'shipments') }}
