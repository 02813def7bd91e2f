{{ published_rows(source('lake', 'stock_out_causes')) }}
