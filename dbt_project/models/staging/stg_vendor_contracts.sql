select
    supplier_id, sku_id, location_id, kind, min_units, max_units, min_share, start_date, end_date,
    business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'vendor_contracts') }}
