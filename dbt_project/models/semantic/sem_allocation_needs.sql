{{ published_rows(source('lake', 'allocation_needs')) }}
