select
    transaction_id, line_no, location_id, sku_id, units, net_amount, unit_list_price, sold_at, channel,
    promo_id, customer_id, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'pos') }}
