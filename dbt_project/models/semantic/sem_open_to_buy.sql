{{ published_rows(ref('open_to_buy')) }}
