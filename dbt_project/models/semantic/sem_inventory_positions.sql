{{ published_rows(ref('inventory_positions')) }}
