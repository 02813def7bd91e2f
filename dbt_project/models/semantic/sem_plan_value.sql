{{ published_rows(ref('allocation_performance')) }}
