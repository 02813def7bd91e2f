select
    from_id, to_location_id, lead_time_days, lead_time_sd_days, ship_days, cutoff_time, cost_per_unit,
    cost_per_shipment, min_order_units, order_multiple, mode, business_date, source_file, source_line,
    posted_on, load
from {{ source('landing', 'lanes') }}
