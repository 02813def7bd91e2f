select
    location_id, name, location_type, channel, region, cluster, tier, supplied_by, open_date, close_date,
    receiving_days, receiving_capacity_units, dispatch_capacity_units, dispatch_capacity_lines,
    storage_capacity_units, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'locations') }}
