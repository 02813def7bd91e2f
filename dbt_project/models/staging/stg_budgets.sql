select
    department, month, planned_sales, planned_markdowns, planned_eom_inventory, planned_receipts,
    business_date, source_file, source_line, posted_on, load
from {{ source('landing', 'budgets') }}
