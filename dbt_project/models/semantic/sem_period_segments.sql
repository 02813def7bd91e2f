{{ published_rows(ref('kpi_periods')) }}
