select
    return_id, line_no, location_id, sku_id, units, disposition, reason_code, refund_amount,
    original_transaction_id, returned_at, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'returns') }}
