{{ published_rows(source('lake', 'sku_segments')) }}
