select
    po_id, line_no, supplier_id, location_id, sku_id, ordered_units, received_units, expected_date,
    confirmed_units, asn_id, crossdock, status, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'purchase_orders') }}
