select
    promo_id, sku_id, location_id, start_date, end_date, kind, promo_price, expected_uplift, protect_units,
    business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'promotions') }}
