{{ published_rows(source('lake', 'replenishment_orders')) }}
