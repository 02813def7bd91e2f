select
    sku_id, style_id, description, colour, size, department, class, subclass, brand, supplier_id, unit_cost,
    unit_price, case_pack, cube, season, lifecycle, launch_date, like_sku_id, strategic, ownership,
    shelf_life_days, business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'items') }}
