select
    receipt_id, line_no, location_id, sku_id, units, units_damaged, source_type, source_id, source_line_no,
    supplier_id, from_location_id, received_at, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'receipts') }}
