{{ published_rows(source('lake', 'allocations')) }}
