select
    approval_id, dataset, row_key, decision, decided_by, role, decided_at, business_date, source_file,
    source_line, posted_on, load
from {{ source('landing', 'approvals') }}
