{{ published_rows(ref('stock_ledger')) }}
