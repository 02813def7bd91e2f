select
    override_id, sku_id, to_location_id, from_location_id, kind, units, reason_code, requested_by,
    approved_by, expires_on, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'overrides') }}
