{{ published_rows(source('lake', 'vendor_scorecards')) }}
