{{ published_rows(source('lake', 'exceptions')) }}
