{{ published_rows(ref('kpi_daily')) }}
