select
    location_id, sku_id, hours_out, hours_open, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'stock_outs') }}
