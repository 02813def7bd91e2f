{{ published_rows(source('lake', 'forecast_accuracy')) }}
