select
    sku_id, location_id, start_date, end_date, presentation_min, shelf_capacity, status, business_date,
    source_file, source_line, posted_on, load
from {{ source('landing', 'assortment') }}
